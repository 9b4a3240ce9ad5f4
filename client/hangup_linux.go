package client

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// untilHungUp returns when the other side of a connection is gone, or [hangUp] was
// called. It takes nothing of what comes: that is another program's. The file has no
// poller, which would make it non-blocking for that program, too: this takes a thread.
func untilHungUp(f *os.File) {
	for {
		at := []unix.PollFd{{Fd: int32(f.Fd())}}
		if _, err := unix.Poll(at, -1); !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// hangUp ends a connection, however many programs hold it.
func hangUp(f *os.File) { _ = unix.Shutdown(int(f.Fd()), unix.SHUT_RDWR) }
