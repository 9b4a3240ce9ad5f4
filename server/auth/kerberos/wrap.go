package kerberos

import (
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/jcmturner/gokrb5/v8/crypto"
)

// Fields of a token around a message (RFC 4121 4.2.6.2), big endian: identifier, flags, filler, EC,
// RRC and sequence number.
const (
	wrapHead     = 16
	tokWrap      = 0x0504
	fromAcceptor = 1
	sealed       = 2
	acceptorKey  = 4
)

// Key usages of signed messages.
const (
	usageAcceptorSeal  = 22
	usageInitiatorSeal = 24
)

var errWrap = errors.New("a message was altered, repeated, reordered or lost on the way, or is not signed")

// Wrap returns message with a header and a signature for the peer. It does not encrypt it. Each call uses the next
// sequence number. After an error the number is not used.
func (c *Context) Wrap(message []byte) ([]byte, error) {
	e, err := crypto.GetEtype(c.key.KeyType)
	if err != nil {
		return nil, err
	}
	head := make([]byte, wrapHead, wrapHead+len(message)+24)
	binary.BigEndian.PutUint16(head, tokWrap)
	if c.acceptor {
		head[2] = acceptorKey
	}
	head[3] = 0xff
	binary.BigEndian.PutUint64(head[8:], c.sent)
	sum, err := e.GetChecksumHash(c.key.KeyValue, slices.Concat(message, head), usageInitiatorSeal)
	if err != nil {
		return nil, err
	}
	c.sent++
	binary.BigEndian.PutUint16(head[4:], uint16(len(sum)))
	return append(append(head, message...), sum...), nil
}

// Unwrap verifies a signed message of the service and returns it. The message must be the next in sequence (K-61).
// Every error is errWrap, and leaves the sequence unchanged. The result is a copy. It accepts a checksum that was
// rotated to the front.
func (c *Context) Unwrap(token []byte) ([]byte, error) {
	e, err := crypto.GetEtype(c.key.KeyType)
	if err != nil {
		return nil, errWrap
	}
	want := byte(fromAcceptor)
	if c.acceptor {
		want |= acceptorKey
	}
	// The token must come from the service, be signed with this context's key, and have the next
	// number. An earlier message, or one of our own, is rejected (K-61).
	if len(token) < wrapHead || binary.BigEndian.Uint16(token) != tokWrap || token[2] != want || token[3] != 0xff ||
		binary.BigEndian.Uint64(token[8:]) != c.received {
		return nil, errWrap
	}
	body := slices.Clone(token[wrapHead:])
	size, turned := int(binary.BigEndian.Uint16(token[4:])), int(binary.BigEndian.Uint16(token[6:]))
	if size > len(body) {
		return nil, errWrap
	}
	if turned > 0 && len(body) > 0 { // the checksum may be rotated to the front
		turned %= len(body)
		body = slices.Concat(body[turned:], body[:turned])
	}
	message, sum := body[:len(body)-size], body[len(body)-size:]
	head := slices.Clone(token[:wrapHead])
	clear(head[4:8])
	own, err := e.GetChecksumHash(c.key.KeyValue, slices.Concat(message, head), usageAcceptorSeal)
	if err != nil || !hmac.Equal(own, sum) {
		return nil, errWrap
	}
	c.received++
	return message, nil
}

// Halves returns two copies of the context, one for sending and one for receiving, so that two
// goroutines may use them concurrently.
func (c *Context) Halves() (send, receive *Context) {
	one, other := *c, *c
	return &one, &other
}
