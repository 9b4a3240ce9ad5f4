package mount

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/beneath"
	"github.com/refmon/refmon/internal/mountinfo"
)

// RemoveStale removes the dead mounts that killed servers of this tree left on a directory. Every access to a dead
// mount fails with ENOTCONN. RemoveStale returns nil if the directory has no mount, or a live one of another file
// system, which stays. It returns an error if the directory is missing, if its topmost mount is dead and belongs to
// another tree or file system, or if a live refmond shows a tree there (M-8, M-39). Programs keep their open
// descriptors of a removed mount. [Start] calls RemoveStale; a caller that opens a tree below its own mount calls it
// before.
//
// source is the Source of the mounts' Config, or its Name without one.
func RemoveStale(directory, source string) error {
	for {
		state, err := Inspect(directory, source)
		switch {
		case err != nil:
			return err
		case state.Dead && !state.Own:
			return fmt.Errorf("a dead mount of another server is there (%s, %s): end it with umount -l %s", state.kind,
				state.source, directory)
		case state.kind == "fuse."+fileSystem && !state.Dead:
			// A second mount would cover the first one, and end separately (M-39).
			return fmt.Errorf("a running refmond has mounted a tree on %s already: stop it, or unmount it with umount %s",
				directory, directory)
		case !state.Dead:
			return nil
		}
		if err := detach(directory); err != nil {
			return fmt.Errorf("a mount whose server was killed is there, and cannot be removed: %w", err)
		}
	}
}

// State describes what is mounted on a directory. The zero value means that no tree of refmond is mounted there.
type State struct {
	Own          bool // the topmost mount there shows the tree
	Dead         bool // its server was killed
	kind, source string
}

// Inspect returns the state of the directory where a tree is mounted, from the topmost mount on it. source is as for
// [RemoveStale]. Inspect changes nothing. It returns an error if the directory is missing, is not a directory or cannot
// be read. A directory that is no mount point gives the zero State. A mount whose server is dead, or that refuses this
// user, is not an error.
func Inspect(directory, source string) (State, error) {
	// The host's kernel answers stat(2) from its cache for some time after the server was killed, so the request is
	// forced to the server (M-8).
	var s unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, directory, unix.AT_STATX_FORCE_SYNC, unix.STATX_TYPE, &s)
	switch {
	case errors.Is(err, unix.ENOENT):
		return State{}, fmt.Errorf("%s does not exist: make the directory first: %w", directory, err)
	case err == nil && s.Mode&unix.S_IFMT != unix.S_IFDIR:
		return State{}, fmt.Errorf("%s is not a directory: name one", directory)
	case err != nil && !errors.Is(err, unix.ENOTCONN) && !errors.Is(err, unix.ECONNABORTED) &&
		!errors.Is(err, unix.EACCES): // ECONNABORTED: the server was killed while it had this request
		return State{}, fmt.Errorf("%s: %w", directory, err)
	}
	refused := errors.Is(err, unix.EACCES) // a mount that answers can refuse this user, root too
	state := State{Dead: err != nil && !refused}
	point, err := mountPoint(directory)
	if err != nil {
		return State{}, err
	}
	state.kind, state.source, err = mounted(point)
	if err != nil || refused && state.kind == "" {
		return State{}, fmt.Errorf("%s: %w", directory, cmp.Or(err, error(unix.EACCES)))
	}
	state.Own = state.kind == "fuse."+fileSystem && state.source == source
	return state, nil
}

// maxLinks is how many symbolic links one name may lead through.
const maxLinks = 40

// mountPoint returns the path without symbolic links that mountinfo has for a mount on a directory. It does not access
// the directory itself, whose server may be gone.
func mountPoint(directory string) (string, error) {
	for range maxLinks {
		above, err := filepath.EvalSymlinks(filepath.Dir(directory))
		if err != nil {
			return "", err
		}
		directory = filepath.Join(above, filepath.Base(directory))
		to, err := os.Readlink(directory)
		if err != nil {
			return directory, nil //nolint:nilerr // the directory is no link
		}
		if directory = to; !filepath.IsAbs(to) {
			directory = filepath.Join(above, to)
		}
	}
	return "", fmt.Errorf("%s: %w", directory, unix.ELOOP)
}

// fileSystem is the file system type after "fuse.".
const fileSystem = "refmon"

// mounted returns the file system type and the source of the topmost mount on a directory. Both are "" if the
// directory is not a mount point. It returns an error only if the mounts cannot be read.
func mounted(directory string) (kind, source string, err error) {
	mounts, err := mountinfo.Read()
	for i := range mounts {
		if m := &mounts[i]; m.Point == directory {
			kind, source = m.Type, m.Source // of several mounts the last is the topmost
		}
	}
	return kind, source, err
}

// device returns the device number of the file system on a directory, without a request to its server. It works for a
// dead mount and for a user whom the mount refuses.
func device(directory string) (uint64, error) {
	d, err := beneath.Device(unix.AT_FDCWD, directory)
	if err != nil {
		return 0, fmt.Errorf("device of %s: %w", directory, err)
	}
	return d, nil
}

// where returns a directory on which the mount of refmond with this device number is, "" if it is mounted nowhere. Of
// several directories it returns the first one. The host gives the number of a mount that is gone to the next file
// system, so the type counts too.
func where(device uint64) (string, error) {
	mounts, err := mountinfo.Read()
	number := fmt.Sprintf("%d:%d", unix.Major(device), unix.Minor(device))
	for i := range mounts {
		if mounts[i].Device == number && mounts[i].Type == "fuse."+fileSystem {
			return mounts[i].Point, nil
		}
	}
	return "", err
}

// Showing returns the mount point of the mount of refmond in which a path lies. It returns "" if the path is in no such
// mount, or if that cannot be found out, for example because the path is missing. It works for a user whom the mount
// refuses.
func Showing(path string) string {
	d, err := device(path)
	if err != nil {
		return ""
	}
	at, err := where(d)
	if err != nil {
		return ""
	}
	return at
}

// errCovered says that a mount cannot be reached, because another file system is mounted on it.
var errCovered = errors.New("another file system covers the mount: unmount that first")

// finish aborts the FUSE connection and unmounts the directory. mounted is the device of the file system; no other file
// system is unmounted. After the abort, open files and other namespaces do not keep the server running. Results:
//   - unmounted, or no longer mounted: nil
//   - covered by another file system: errCovered (M-27)
//   - the directory exists but cannot be opened: an error
func finish(directory string, mounted uint64) error {
	fd, err := unix.Open(directory, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("%s: %w", directory, err)
	}
	if err == nil {
		defer func() { _ = unix.Close(fd) }() // an O_PATH descriptor: closing it cannot fail
		// The descriptor names this mount even if another one takes its place meanwhile.
		held := fmt.Sprintf("/proc/self/fd/%d", fd)
		if d, err := device(held); err != nil {
			return err
		} else if d == mounted {
			if at, err := where(mounted); err != nil || at == "" {
				return err // another file system has the number of the mount, which is gone
			}
			err := unix.Unmount(held, unix.MNT_FORCE|unix.MNT_DETACH)
			if errors.Is(err, unix.EINVAL) {
				return nil // the mount is gone already
			}
			return err
		}
	}
	at, err := where(mounted)
	if err == nil && at != "" {
		err = fmt.Errorf("%s: %w", at, errCovered)
	}
	return err
}

// detach unmounts the topmost mount of a directory without waiting for open files. With CAP_SYS_ADMIN a directory
// without a mount is EINVAL. Without it it calls fusermount3, and returns the errors of both attempts if that fails.
func detach(directory string) error {
	directory, err := mountPoint(directory)
	if err != nil {
		return err
	}
	err = unix.Unmount(directory, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
	if !errors.Is(err, unix.EPERM) {
		return err
	}
	// An ordinary user's own mount is unmounted by fusermount3, which mounted it. A signal to our process group, such as a
	// second Ctrl-C, does not end it (M-26).
	program := exec.Command("fusermount3", "-u", "-z", "--", directory)
	program.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, failed := program.CombinedOutput()
	if failed != nil {
		return fmt.Errorf("%w; fusermount3: %w: %s", err, failed, bytes.TrimSpace(out))
	}
	return nil
}
