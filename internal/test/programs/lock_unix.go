//go:build unix

package programs

import (
	"os"

	"golang.org/x/sys/unix"
)

// waitFor takes the lock of a file, which closing the file releases.
func waitFor(lock *os.File) error { return unix.Flock(int(lock.Fd()), unix.LOCK_EX) }
