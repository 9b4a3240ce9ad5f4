package wire

import (
	"time"

	"golang.org/x/sys/unix"
)

// nap sleeps by the host's clock, in a system call; a signal may end it early.
func nap(d time.Duration) {
	t := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&t, nil)
}
