package main

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/mountinfo"
)

// mountAbove returns the directory of the mount of refmond that shows a path, "" if none does. Of mounts on each other
// the topmost counts: another kind of file system on top gives "". A host without /proc gives "".
func mountAbove(path string) string {
	mounts, err := mountinfo.Read()
	if err != nil {
		return ""
	}
	return refmonMount(mounts, path)
}

// refmonMount returns the directory of the mount of refmond in a list of mounts that shows a path, as mountAbove does.
func refmonMount(mounts []mountinfo.Mount, path string) (at string) {
	kind := ""
	for i := range mounts {
		// The last mount of the longest directory is the topmost one.
		m := &mounts[i]
		if _, ok := below(m.Point, path); ok && len(m.Point) >= len(at) {
			at, kind = m.Point, m.Type
		}
	}
	if kind != "fuse.refmon" {
		return ""
	}
	return at
}

// uncovered runs f with the mount on dir detached, to see the files below. It needs CAP_SYS_ADMIN. The thread of f
// ends with it, so f must not start goroutines. If the private mount namespace cannot be created, uncovered returns
// an error without calling f.
func uncovered(dir string, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with its namespace
		done <- func() error {
			if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
				return fmt.Errorf("a mount namespace: %w", err)
			}
			// No change of this namespace reaches the others.
			if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
				return fmt.Errorf("a private mount namespace: %w", err)
			}
			if err := unix.Unmount(dir, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil {
				return fmt.Errorf("%s: %w", dir, err)
			}
			return f()
		}()
	}()
	return <-done
}
