package mount

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// clean removes from a directory the mount of a server that was killed: it answers
// every program that its transport end point is not connected. M-8
func clean(directory string) error {
	var s unix.Stat_t
	err := unix.Stat(directory, &s)
	if !errors.Is(err, unix.ENOTCONN) {
		return err
	}
	if err := unix.Unmount(directory, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil {
		return fmt.Errorf("a mount whose server was killed is there, and cannot be removed: %w", err)
	}
	return unix.Stat(directory, &s)
}

// detach takes a busy mount out of its directory, and ends its connection: programs
// that have files of it open are told so.
func detach(directory string) error {
	return unix.Unmount(directory, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
}
