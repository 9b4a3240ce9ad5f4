package ldap

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync/atomic"

	"github.com/refmon/refmon/server/auth/kerberos"
)

// Layers that a server offers after a bind with Kerberos (RFC 4752 3.1).
const (
	layerNone = 1
	layerSign = 2
)

// maxSigned is the most bytes of one signed message that a server is told to send.
const maxSigned = 1 << 20

var errBinding = errors.New("the server does not offer what was asked: messages that are signed, or none within TLS")

// binding is one bind by Kerberos, as go-ldap drives it.
type binding struct {
	ctx       context.Context // of the bind, which ends before its caller does
	initiator *kerberos.Initiator
	bindings  kerberos.Bindings
	signer    *signer // nil within TLS
	context   *kerberos.Context
	done      bool
}

// InitSecContext is a step of the bind.
func (b *binding) InitSecContext(target string, token []byte) ([]byte, bool, error) {
	return b.InitSecContextWithOptions(target, token, nil)
}

// InitSecContextWithOptions is a step of the bind: our token, then the server's.
func (b *binding) InitSecContextWithOptions(target string, token []byte, _ []int) (out []byte, more bool, err error) {
	if b.context == nil {
		b.context, out, err = b.initiator.Initiate(b.ctx, target, b.bindings)
		return out, true, err
	}
	return nil, false, b.context.Finish(token)
}

// NegotiateSaslAuth is the last step: within TLS no layer is wanted, else signatures. D-3
func (b *binding) NegotiateSaslAuth(token []byte, _ string) ([]byte, error) {
	offer, err := b.context.Unwrap(token)
	if err != nil {
		return nil, err
	}
	layer, size := byte(layerNone), uint32(0)
	if b.signer != nil {
		layer, size = layerSign, maxSigned
	}
	// Without a signature anybody on the way could answer in the server's name. D-3
	if len(offer) != 4 || offer[0]&layer == 0 {
		return nil, errBinding
	}
	b.done = true
	answer := binary.BigEndian.AppendUint32(nil, size)
	answer[0] = layer
	answer, err = b.context.Wrap(answer)
	if err == nil && b.signer != nil {
		b.signer.expect(b.context)
	}
	return answer, err
}

// DeleteSecContext has nothing to delete: the connection goes on with the context.
func (b *binding) DeleteSecContext() error { return nil }

// endPoint names a channel of TLS by the server's certificate (RFC 5929 4.1).
func endPoint(c *x509.Certificate) kerberos.Bindings {
	h := crypto.SHA256
	switch c.SignatureAlgorithm {
	case x509.SHA384WithRSA, x509.ECDSAWithSHA384, x509.SHA384WithRSAPSS:
		h = crypto.SHA384
	case x509.SHA512WithRSA, x509.ECDSAWithSHA512, x509.SHA512WithRSAPSS:
		h = crypto.SHA512
	}
	sum := h.New()
	sum.Write(c.Raw)
	return kerberos.Bindings(append([]byte("tls-server-end-point:"), sum.Sum(nil)...))
}

// signer signs what is sent, and checks what comes, once the bind has ended. Until then
// it hands out whole messages: a part of one that a stranger put before the first signed
// one would be read as its beginning. D-3
type signer struct {
	net.Conn
	writing atomic.Bool       // what is sent is signed
	ending  atomic.Bool       // the next message is the last that is not signed
	send    *kerberos.Context // set before ending; then owned by the writing goroutine
	receive *kerberos.Context // likewise, by the reading one

	signed bool   // what comes is signed; as left, owned by the reading goroutine
	left   []byte // what was read and not handed out
}

// expect says that the server's next message ends the bind.
func (s *signer) expect(c *kerberos.Context) {
	s.send, s.receive = c.Halves()
	s.ending.Store(true)
}

// Write sends a message: its length, then the signed form.
func (s *signer) Write(b []byte) (int, error) {
	if !s.writing.Load() {
		return s.Conn.Write(b)
	}
	for rest := b; len(rest) > 0; {
		n := min(len(rest), maxSigned/2)
		token, err := s.send.Wrap(rest[:n])
		if err != nil {
			return 0, err
		}
		if _, err := s.Conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(token))), token...)); err != nil {
			return 0, err
		}
		rest = rest[n:]
	}
	return len(b), nil
}

// Read returns what is signed. A message that is not ends the connection. D-3
func (s *signer) Read(b []byte) (int, error) {
	for len(s.left) == 0 {
		message, err := s.message()
		if err != nil {
			return 0, err
		}
		s.left = message
	}
	n := copy(b, s.left)
	s.left = s.left[n:]
	return n, nil
}

// message reads one message.
func (s *signer) message() ([]byte, error) {
	if !s.signed {
		message, err := s.plain()
		s.signed = s.ending.Load()
		return message, err
	}
	var head [4]byte
	if _, err := io.ReadFull(s.Conn, head[:]); err != nil {
		return nil, err
	}
	token, err := s.take(int64(binary.BigEndian.Uint32(head[:])))
	if err != nil {
		return nil, err
	}
	return s.receive.Unwrap(token)
}

// plain reads one message of the bind, by its own length.
func (s *signer) plain() ([]byte, error) {
	head := make([]byte, 2, 6)
	if _, err := io.ReadFull(s.Conn, head); err != nil {
		return nil, err
	}
	size := int64(head[1])
	if n := size & 0x7f; size >= 0x80 {
		if n == 0 || n > 4 {
			return nil, errTooLong
		}
		head = head[:2+n]
		if _, err := io.ReadFull(s.Conn, head[2:]); err != nil {
			return nil, err
		}
		size = 0
		for _, b := range head[2:] {
			size = size<<8 | int64(b)
		}
	}
	body, err := s.take(size)
	return append(head, body...), err
}

// take reads that many bytes, if they are not too many. D-4
func (s *signer) take(n int64) ([]byte, error) {
	if n > maxSigned+1024 {
		return nil, errTooLong
	}
	b := make([]byte, n)
	_, err := io.ReadFull(s.Conn, b)
	return b, err
}
