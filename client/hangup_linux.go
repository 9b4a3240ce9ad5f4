package client

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// untilHungUp returns after the other side closed a connection or [hangUp] was called. It reads no data, which
// belongs to another program. It occupies a thread, because a poller would make the file non-blocking for that
// program too.
func untilHungUp(f *os.File) {
	for {
		at := []unix.PollFd{{Fd: int32(f.Fd())}}
		if _, err := unix.Poll(at, -1); !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// hangUp ends a connection for all programs that hold it.
func hangUp(f *os.File) { _ = unix.Shutdown(int(f.Fd()), unix.SHUT_RDWR) }
