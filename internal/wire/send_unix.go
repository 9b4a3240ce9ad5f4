//go:build unix

package wire

import (
	"errors"
	"syscall"
)

// writeNow writes as much as a non-blocking socket takes. It returns 0 and no error if the socket takes nothing.
func writeNow(fd uintptr, b []byte) (int, error) {
	n, err := syscall.Write(int(fd), b)
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR) {
		err = nil
	}
	return max(n, 0), err
}
