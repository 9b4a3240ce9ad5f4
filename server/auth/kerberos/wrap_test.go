package kerberos

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/test/forge"
)

// TestMessagesMustBeInSequence checks that messages are numbered 0, 1, 2, separately for each direction of a context
// (K-61).
func TestMessagesMustBeInSequence(t *testing.T) {
	c := &Context{key: secret, received: 5, acceptor: true}
	send, receive := c.Halves()
	for i := range uint64(3) {
		b, err := send.Wrap([]byte("m"))
		check.That(t, err == nil && slices.Equal(b, forge.Wrap(secret, 4, i, 24, []byte("m"))),
			"K-61: message %d: %x, %v", i, b, err)
		m, err := receive.Unwrap(forge.Wrap(secret, 5, 5+i, 22, []byte{byte(i)}))
		check.That(t, err == nil && slices.Equal(m, []byte{byte(i)}),
			"K-61: message %d unwraps to %x, %v, want %x", i, m, err, []byte{byte(i)})
	}
	check.That(t, c.sent == 0 && c.received == 5 && send.received == 5 && receive.sent == 0 && send.sent == 3 &&
		receive.received == 8, "K-61: the halves count %+v, %+v", send, receive)
	check.That(t, check.Err(receive.Unwrap(forge.Wrap(secret, 1, 8, 22, nil))) != nil,
		"K-61: a message that is not signed with the acceptor's subkey: no error, want one")
	empty, err := receive.Unwrap(forge.Wrap(secret, 5, 8, 22, nil))
	check.That(t, err == nil && len(empty) == 0,
		"K-61: Unwrap of an empty message = %x, %v, want no bytes, no error", empty, err)
	turned := forge.Wrap(secret, 5, 9, 22, []byte("m"))
	body := turned[wrapHead:]
	turned[7] = byte(len(body) + 1) // RFC 4121 4.2.5: a rotation beyond the length of the body
	copy(body, append(body[len(body)-1:len(body):len(body)], body[:len(body)-1]...))
	m, err := receive.Unwrap(turned)
	check.That(t, err == nil && string(m) == "m", "K-61: a rotated message: %x, %v", m, err)
}
