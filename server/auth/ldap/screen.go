package ldap

import (
	"fmt"
	"io"
	"net"

	"github.com/refmon/refmon/server/auth/ldap/message"
)

// screen is a connection that returns each message of the server encoded again: its parts are compared with the bytes
// that arrived, and anything that this client does not use is left out. So go-ldap parses only what this process has
// encoded (D-39).
type screen struct {
	net.Conn
	split func(raw []byte) (*message.Message, error) // immutable

	left []byte // bytes that were not returned yet; owned by the reading goroutine
}

// Read returns bytes of messages. A message that cannot be split, or whose parts are not those of its bytes, is an
// error, which ends the connection. A message that Rebuild drops is skipped.
func (s *screen) Read(b []byte) (int, error) {
	for len(s.left) == 0 {
		raw, err := readMessage(s.Conn, maxPacket)
		if err != nil {
			return 0, err
		}
		m, err := s.split(raw)
		if err != nil {
			return 0, err
		}
		if s.left, err = m.Rebuild(raw); err != nil {
			return 0, err
		}
	}
	n := copy(b, s.left)
	s.left = s.left[n:]
	return n, nil
}

// readMessage reads one LDAP message, a BER element with its header. An element that is longer than most bytes, or
// has no definite length, is an error before memory is allocated (D-4). A truncated element is an error.
func readMessage(r io.Reader, most int64) ([]byte, error) {
	head := make([]byte, 2, 6)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	size := int64(head[1])
	if n := size & 0x7f; size >= 0x80 {
		if n == 0 || n > 4 {
			return nil, errTooLong
		}
		head = head[:2+n]
		if _, err := io.ReadFull(r, head[2:]); err != nil {
			return nil, err
		}
		size = 0
		for _, b := range head[2:] {
			size = size<<8 | int64(b)
		}
	}
	if size > most {
		return nil, errTooLong
	}
	b := make([]byte, int64(len(head))+size)
	copy(b, head)
	_, err := io.ReadFull(r, b[len(head):])
	return b, err
}

// startRequest asks a server for TLS (RFC 4511 4.14.1). Its message has the number 1.
const startRequest = "\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"

// startTLS asks the server to begin TLS with the next byte, and waits for its answer. It returns an error if the server
// refuses. Nothing else may use c meanwhile. An answer of another kind, and a malformed one, are errors.
func startTLS(c *screen) error {
	if _, err := c.Write([]byte(startRequest)); err != nil {
		return err
	}
	raw, err := readMessage(c, maxPacket)
	if err != nil {
		return err
	}
	m, err := message.Split(raw) // may be parsed in this process, because the child has re-encoded the message
	if err != nil {
		return err
	}
	if code, ok := m.Result(raw); m.Op != message.ExtendedResponse || !ok || code != 0 {
		return fmt.Errorf("the server refuses StartTLS with code %d", code)
	}
	return nil
}
