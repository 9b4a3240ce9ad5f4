//go:build !linux

package wire

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// receiver reads a socket's bytes: refmond runs on Linux alone, and here no
// descriptors come.
type receiver struct {
	socket *net.UnixConn
	to     *Reader
}

// Read implements [io.Reader].
func (r *receiver) Read(p []byte) (int, error) { return r.socket.Read(p) }

func writeWith(conn net.Conn, b []byte, files []*os.File) error {
	if len(files) > 0 {
		return fmt.Errorf("%w: no descriptors can be passed here", ErrFrame)
	}
	_, err := conn.Write(b)
	return err
}

// writeNowWith writes nothing.
func writeNowWith(uintptr, []byte, []*os.File) (int, error) { return 0, nil }

// allTaken says no: no descriptors are passed here.
func allTaken(syscall.RawConn) bool { return false }

// Pair fails: programs inherit connections on Linux alone.
func Pair(name string) (net.Conn, *os.File, error) {
	return nil, nil, fmt.Errorf("connection of %s: %w", name, errors.ErrUnsupported)
}
