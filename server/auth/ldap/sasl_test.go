package ldap

import (
	"errors"
	"io"
	"net"
	"testing"
)

// TestLengthInParts: the length before a signed message may come byte by byte.
func TestLengthInParts(t *testing.T) {
	for _, head := range [][]byte{{0, 0, 0, 5}, {0, 0, 1, 0}} {
		a, b := net.Pipe()
		s := &signer{Conn: a, signed: true}
		go func() {
			for _, x := range head {
				_, _ = b.Write([]byte{x})
			}
			_, _ = b.Write([]byte{1, 2, 3}) // and no more of the message
			_ = b.Close()
		}()
		if _, err := s.message(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("% x: %v, want the end of the connection in the middle of the message", head, err)
		}
		_ = a.Close()
	}
}
