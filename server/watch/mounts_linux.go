package watch

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/mountinfo"
)

// mountTable has the mount points below a tree. A watch's goroutine owns it.
type mountTable struct {
	fd     int                 // /proc/self/mountinfo; not an os.File, whose poller would consume the change notifications
	root   string              // the root's document name
	points map[string]struct{} // document names
}

// openMounts reads the mount points below a tree in this process's mount namespace. A missing root is not an error. The
// caller closes the table. Any root that cannot be opened counts as missing; a mount table that cannot be read is an
// error.
func openMounts(root string) (*mountTable, error) {
	fd, err := unix.Open("/proc/self/mountinfo", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("watch mounts: %w", err)
	}
	m := &mountTable{fd: fd, root: root}
	if _, _, err := m.reload(); err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

// close closes the table's descriptor and ignores errors.
func (m *mountTable) close() { _ = unix.Close(m.fd) }

// changed reports whether mounts were added or removed since the last call, anywhere in the namespace. It does not
// block. Source: proc_pid_mountinfo(5), poll.
func (m *mountTable) changed() (bool, error) {
	p := []unix.PollFd{{Fd: int32(m.fd), Events: unix.POLLPRI}}
	for {
		n, err := unix.Poll(p, 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return false, fmt.Errorf("watch mounts: %w", err)
		}
		return n > 0, nil
	}
}

// reload reads the mount points again and returns the document names of those that were added (came) and removed (gone)
// since the last call, in no order. A missing root has no mounts below it. On an error the table is unchanged.
func (m *mountTable) reload() (came, gone []string, err error) {
	mounts, err := mountinfo.Read()
	if err != nil {
		return nil, nil, fmt.Errorf("read mounts: %w", err)
	}
	at := m.root
	if fd, err := unix.Open(m.root, unix.O_PATH|unix.O_CLOEXEC, 0); err == nil {
		at, err = pathOf(fd) // a symbolic link may lead to another folder than before (N-60)
		_ = unix.Close(fd)
		if err != nil {
			return nil, nil, err
		}
	}
	now := map[string]struct{}{}
	for i := range mounts {
		below, is := strings.CutPrefix(mounts[i].Point, strings.TrimSuffix(at, "/")+"/")
		if !is || below == "" {
			continue
		}
		path := strings.TrimSuffix(m.root, "/") + "/" + below
		now[path] = struct{}{}
		if _, known := m.points[path]; !known {
			came = append(came, path)
		}
	}
	for path := range m.points {
		if _, still := now[path]; !still {
			gone = append(gone, path)
		}
	}
	m.points = now
	return came, gone, nil
}

// inodeAt returns the inode number of a regular file, 0 if none exists. It does not follow a link.
func inodeAt(path string) uint64 {
	var s unix.Stat_t
	if err := unix.Lstat(path, &s); err != nil || s.Mode&unix.S_IFMT != unix.S_IFREG {
		return 0
	}
	return s.Ino
}
