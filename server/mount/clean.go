package mount

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"

	"golang.org/x/sys/unix"
)

// RemoveStale removes from a directory the mount of a server that was killed: it answers
// every program that its transport end point is not connected. Start does so; a tree that
// is below its own mount has to be opened after it. M-8
func RemoveStale(directory string) error {
	var s unix.Stat_t
	err := unix.Stat(directory, &s)
	if !errors.Is(err, unix.ENOTCONN) {
		return err
	}
	if err := detach(directory); err != nil {
		return fmt.Errorf("a mount whose server was killed is there, and cannot be removed: %w", err)
	}
	return unix.Stat(directory, &s)
}

// detach takes a busy mount out of its directory, and ends its connection: programs
// that have files of it open are told so.
func detach(directory string) error {
	err := unix.Unmount(directory, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
	if !errors.Is(err, unix.EPERM) {
		return err
	}
	// An ordinary user's own mount is taken away by the program that made it. M-26
	out, failed := exec.Command("fusermount3", "-u", "-z", "--", directory).CombinedOutput()
	if failed != nil {
		return fmt.Errorf("%w; fusermount3: %w: %s", err, failed, bytes.TrimSpace(out))
	}
	return nil
}
