//go:build !linux

package wire

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

// newReceiver returns the socket itself. Descriptors are passed on Linux alone.
func newReceiver(socket *net.UnixConn, _ *Reader) (io.Reader, error) { return socket, nil }

// writeWith writes b. It returns an error that wraps ErrFrame if there are files, because descriptors are
// passed on Linux only.
func writeWith(conn net.Conn, b []byte, files []*os.File) error {
	if len(files) > 0 {
		return fmt.Errorf("%w: no descriptors can be passed here", ErrFrame)
	}
	_, err := conn.Write(b)
	return err
}

// writeNowWith writes nothing and returns 0.
func writeNowWith(uintptr, []byte, []*os.File) (int, error) { return 0, nil }

// allTaken returns false, because no descriptors are passed.
func allTaken(syscall.RawConn) bool { return false }

// Pair returns an error, because programs inherit connections on Linux alone.
func Pair(name string) (net.Conn, *os.File, error) {
	return nil, nil, fmt.Errorf("connection of %s: %w", name, errors.ErrUnsupported)
}
