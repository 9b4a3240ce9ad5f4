package watch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// reported lists the kernel's events that a watch needs: changed attributes, owners and permissions, and created, moved
// and deleted names, of files and folders.
const reported = unix.FAN_ATTRIB | unix.FAN_CREATE | unix.FAN_MOVED_TO | unix.FAN_MOVED_FROM | unix.FAN_DELETE |
	unix.FAN_ONDIR

// maxPending limits the number of changed paths. Beyond it a walk finds the changes.
const maxPending = 1 << 18

// fanotify receives the events of a tree's file system.
type fanotify struct {
	fd      int
	mount   int // the open root, for opening handles
	root    string
	at      string // the root's path in the kernel
	missing bool   // the root could not be opened at the last call of locate
	buf     []byte
	queue   int               // capacity of the kernel's queue
	dirs    map[handle]string // folder paths by handle, for one read
	files   map[handle]uint64 // inodes of files by handle, for one read
}

// listen subscribes to the kernel's change events (fanotify) for root's file system. listen needs CAP_SYS_ADMIN and
// CAP_DAC_READ_SEARCH. A root that is missing, is no directory, or is on FUSE is an error. The caller closes the
// result.
func listen(root string) (changes, error) {
	if OverFUSE(root) {
		return nil, errFUSE
	}
	// The file's handle identifies the changed inode, whatever name was used (N-88).
	const handles = unix.FAN_REPORT_DFID_NAME | unix.FAN_REPORT_FID
	fd, err := unix.FanotifyInit(unix.FAN_CLASS_NOTIF|handles|unix.FAN_CLOEXEC|unix.FAN_NONBLOCK,
		unix.O_RDONLY|unix.O_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("watch for changes: %w", err)
	}
	f := &fanotify{fd: fd, mount: -1, root: root, buf: make([]byte, 256<<10), queue: queueLength()}
	if f.mount, err = unix.Open(root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		f.close()
		return nil, fmt.Errorf("open %s: %w", root, err)
	}
	if err := unix.FanotifyMark(fd, unix.FAN_MARK_ADD|unix.FAN_MARK_FILESYSTEM, reported, f.mount, ""); err != nil {
		f.close()
		return nil, fmt.Errorf("watch for changes of its file system: %w", err)
	}
	if f.at, err = pathOf(f.mount); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// close closes the fanotify group, which removes its marks, and the mount's descriptor.
func (f *fanotify) close() {
	_ = unix.Close(f.fd)
	if f.mount >= 0 {
		_ = unix.Close(f.mount)
	}
}

// wait blocks until events are present or the time in most has passed; both return nil. It returns the context's error
// if the context ends, and an error if poll(2) fails. It reads no event.
func (f *fanotify) wait(ctx context.Context, most time.Duration) error {
	p := []unix.PollFd{{Fd: int32(f.fd), Events: unix.POLLIN}}
	for left := most; left > 0 && ctx.Err() == nil; left -= turn {
		n, err := unix.Poll(p, int(min(left, turn).Milliseconds()))
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait for changes: %w", err)
		}
		if n > 0 {
			break
		}
	}
	return ctx.Err()
}

// turn is the interval at which a wait checks whether its context has ended.
const turn = 100 * time.Millisecond

// queueLength returns the capacity of the kernel's queue, in events. If the kernel does not report it, the result is
// the kernel's default, 16384.
func queueLength() int {
	b, err := os.ReadFile("/proc/sys/fs/fanotify/max_queued_events")
	if n, bad := strconv.Atoi(strings.TrimSpace(string(b))); err == nil && bad == nil && n > 0 {
		return n
	}
	return 16384
}

// read adds the kernel's queued change events to into, without blocking. read stops after as many events as the queue
// holds. overflow means that events were lost or that the root is another folder now; into then has only its count of
// unnameable paths. If another file system covers the root, the error is errMounted. After a read error, earlier events
// stay in into.
func (f *fanotify) read(into *news) (overflow bool, err error) {
	f.dirs, f.files = map[handle]string{}, map[handle]uint64{}
	if overflow, err = f.locate(); err != nil {
		return true, err
	}
	if overflow {
		into.clear()
	}
	for taken := 0; taken < f.queue; {
		n, err := unix.Read(f.fd, f.buf)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return overflow, nil
		case err != nil:
			return overflow, fmt.Errorf("read changes: %w", err)
		}
		events, lost, err := f.take(f.buf[:n], into)
		taken += events
		if overflow = overflow || lost || len(into.paths)+len(into.inodes) > maxPending; overflow {
			into.clear()
		}
		if err != nil {
			return overflow, err
		}
	}
	return overflow, nil
}

// take parses the events in b, adds their changes to into and returns their number n. An event whose file cannot be
// found is not an error (N-89). overflow means that an event of this tree may be lost. Malformed bytes are an error.
func (f *fanotify) take(b []byte, into *news) (n int, overflow bool, err error) {
	for ; len(b) > 0; n++ {
		e, rest, err := nextEvent(b)
		if err != nil {
			return n, true, err
		}
		b = rest
		if e.mask&unix.FAN_Q_OVERFLOW != 0 {
			overflow = true
			continue
		}
		lost := f.inode(&e, into)
		overflow = overflow || lost
		if e.folder == (handle{}) {
			overflow = overflow || e.file == (handle{}) // the event identifies no file
			continue
		}
		lost = f.change(&e, into)
		overflow = overflow || lost
	}
	return n, overflow, nil
}

// change adds the path of an event to into. Paths outside the tree and deleted folders are ignored; a path that is too
// long is only counted. lost means that the tree must be walked, because the path is unknown or the root itself may
// have moved.
func (f *fanotify) change(e *event, into *news) (lost bool) {
	at, err := f.path(e.folder)
	switch {
	case errors.Is(err, unix.ENAMETOOLONG):
		// No document this deep has a row, in this tree or another (N-89).
		into.unnameable++
		return false
	case err != nil:
		return true
	case at == "": // the folder is elsewhere, or it was deleted, which its parent's event reports
		return false
	}
	if e.name != "." && e.name != "" {
		at = strings.TrimSuffix(at, "/") + "/" + e.name
	}
	// The root or one of its parents was created, moved or deleted (N-60).
	lost = e.mask&unix.FAN_ONDIR != 0 && e.mask&^(unix.FAN_ONDIR|unix.FAN_ATTRIB) != 0 &&
		(at == f.at || strings.HasPrefix(f.at, at+"/"))
	path := f.documentName(at)
	if path == "" { // the file is outside this tree
		return lost
	}
	// A folder that moves here can overwrite another one (N-143).
	if e.mask&unix.FAN_ONDIR != 0 && e.mask&(unix.FAN_DELETE|unix.FAN_MOVED_FROM|unix.FAN_MOVED_TO) != 0 {
		into.left[path] = struct{}{}
	}
	if e.mask&unix.FAN_ONDIR != 0 && e.mask&(unix.FAN_CREATE|unix.FAN_MOVED_TO) != 0 {
		path += "/" // read the folder with its descendants
	}
	into.paths[path] = struct{}{}
	return lost
}

// inode records the inode of a file whose attributes changed, such as its descriptor. into gets the inode, because
// another of its names may be in this tree (N-88). Other events, and deleted or special files, add nothing. lost means
// that the inode is unknown, so the tree must be walked.
func (f *fanotify) inode(e *event, into *news) (lost bool) {
	if e.mask&unix.FAN_ATTRIB == 0 || e.mask&unix.FAN_ONDIR != 0 || e.file == (handle{}) {
		return false
	}
	number, known := f.files[e.file]
	if !known {
		var err error
		if number, err = f.number(e.file); err != nil {
			return true
		}
		if len(f.files) < maxPending {
			f.files[e.file] = number
		}
	}
	if number != 0 {
		into.inodes[number] = struct{}{}
	}
	return false
}

// number returns the inode number of a regular file. It returns 0 and no error for another file and for a deleted one.
// Of a handle that cannot be opened it returns the error.
func (f *fanotify) number(h handle) (uint64, error) {
	var s unix.Stat_t
	fd, err := f.open(h)
	if err != nil || fd < 0 {
		return 0, err
	}
	defer func() { _ = unix.Close(fd) }() // read only
	if err := unix.Fstat(fd, &s); err != nil || s.Mode&unix.S_IFMT != unix.S_IFREG {
		return 0, err
	}
	return s.Ino, nil
}

// maxDirs limits the folder paths cached during one read. Each may take 4 KiB.
const maxDirs = 1 << 12

// path returns the kernel's path of a folder, "" if the folder was deleted or is outside of the folder that is mounted
// at the root. It caches up to maxDirs paths for one read. Beyond that it looks each one up. A path that cannot be
// found is an error.
func (f *fanotify) path(h handle) (string, error) {
	if known, ok := f.dirs[h]; ok {
		return known, nil
	}
	fd, err := f.open(h)
	if err != nil || fd < 0 {
		return "", err
	}
	defer func() { _ = unix.Close(fd) }() // read only
	var s unix.Stat_t
	if err := unix.Fstat(fd, &s); err != nil || s.Nlink == 0 {
		return "", err
	}
	path, err := pathOf(fd)
	if path == "/" {
		// The kernel gives this path to each folder that the mount of the root does not reach.
		var top unix.Stat_t
		if err := unix.Stat("/", &top); err != nil {
			return "", fmt.Errorf("look at /: %w", err)
		}
		if top.Dev != s.Dev || top.Ino != s.Ino {
			path = ""
		}
	}
	if err == nil && len(f.dirs) < maxDirs {
		f.dirs[h] = path
	}
	return path, err
}

// open opens the file of a handle for its path and metadata alone. The caller closes the descriptor. It returns -1 and
// nil if the file was deleted. ENOMEM is tried four times.
func (f *fanotify) open(h handle) (int, error) {
	fd, err := -1, error(unix.ENOMEM)
	for try := 0; try < 4 && errors.Is(err, unix.ENOMEM); try++ { // the kernel returns ENOMEM during a deletion
		fd, err = unix.OpenByHandleAt(f.mount, unix.NewFileHandle(h.kind, []byte(h.bytes)), unix.O_PATH|unix.O_CLOEXEC)
	}
	if errors.Is(err, unix.ESTALE) || errors.Is(err, unix.ENOENT) {
		return -1, nil
	}
	if err != nil {
		return -1, fmt.Errorf("open a changed file: %w", err)
	}
	return fd, nil
}

// documentName converts a path as the kernel reports it to the name of the document, the tree's root for the root
// itself. It returns "" for a path outside of the tree.
func (f *fanotify) documentName(at string) string {
	if at == f.at {
		return f.root
	}
	rest, below := strings.CutPrefix(at, strings.TrimSuffix(f.at, "/")+"/")
	if !below {
		return ""
	}
	return strings.TrimSuffix(f.root, "/") + "/" + rest
}

// locate updates the root's path in the kernel. moved means that it has changed, because a symbolic link on the way to
// the root leads to another folder, or that the root cannot be opened, or can again (N-60). If another file system was
// mounted over the root, the error is errMounted: its events are not received. A failure to inspect the open root
// directory is an error.
func (f *fanotify) locate() (moved bool, err error) {
	var watched, there unix.Statx_t
	const wanted = unix.STATX_BASIC_STATS | unix.STATX_MNT_ID
	if err := unix.Statx(f.mount, "", unix.AT_EMPTY_PATH, wanted, &watched); err != nil {
		return false, fmt.Errorf("look at the root: %w", err)
	}
	fd, err := unix.Open(f.root, unix.O_PATH|unix.O_CLOEXEC, 0)
	// A mount or unmount above the root takes its name away without an event (N-60).
	moved, f.missing = f.missing != (err != nil), err != nil
	if err != nil {
		return moved, nil // a missing root has no documents
	}
	defer func() { _ = unix.Close(fd) }() // read only
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, wanted, &there); err != nil {
		return false, fmt.Errorf("look at the root: %w", err)
	}
	if there.Dev_major != watched.Dev_major || there.Dev_minor != watched.Dev_minor || there.Mnt_id != watched.Mnt_id {
		return false, fmt.Errorf("%s: %w", f.root, errMounted)
	}
	at, err := pathOf(fd)
	if err != nil || at == f.at {
		return moved, err
	}
	f.at = at
	return true, nil
}

var errFUSE = errors.New("a FUSE file system is mounted there, which reports no changes: watch the folder below the " +
	"mount by another path, watch a tree of refmond through refmond, or use walks only")

var errMounted = errors.New("another file system is mounted in place of the tree; start again to watch it")

// pathOf returns the path of an open directory. The kernel appends " (deleted)" if the directory was removed.
func pathOf(fd int) (string, error) {
	path, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	if err != nil {
		return "", fmt.Errorf("name a folder: %w", err)
	}
	return path, nil
}
