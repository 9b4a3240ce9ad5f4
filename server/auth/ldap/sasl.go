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

// Security layers that a server offers after a Kerberos bind (RFC 4752 3.1).
const (
	layerNone = 1
	layerSign = 2
)

// maxSigned is the maximum size of a signed message that we accept, in bytes.
const maxSigned = 1 << 20

var errBinding = errors.New("the server does not offer the required security layer: signed messages, or none " +
	"within TLS")

// binding is one authentication of an LDAP connection by Kerberos (SASL GSSAPI). go-ldap calls its methods.
type binding struct {
	ctx       context.Context // context of the bind, derived from the caller's with a timeout
	initiator *kerberos.Initiator
	bindings  kerberos.Bindings
	signer    *signer // nil within TLS
	context   *kerberos.Context
	done      bool
}

// InitSecContext is InitSecContextWithOptions without options.
func (b *binding) InitSecContext(target string, token []byte) ([]byte, bool, error) {
	return b.InitSecContextWithOptions(target, token, nil)
}

// InitSecContextWithOptions returns our token for the service target in the first call, with more set. In the
// second call it verifies token, the server's, and returns no token. The options are ignored.
func (b *binding) InitSecContextWithOptions(target string, token []byte, _ []int) (out []byte, more bool, err error) {
	if b.context == nil {
		b.context, out, err = b.initiator.Initiate(b.ctx, target, b.bindings)
		return out, true, err
	}
	return nil, false, b.context.Finish(token)
}

// NegotiateSaslAuth selects the security layer: none within TLS, otherwise signatures of all later messages (D-3). It
// returns errBinding if the server does not offer that layer, or its offer is not 4 bytes long.
func (b *binding) NegotiateSaslAuth(token []byte, _ string) ([]byte, error) {
	offer, err := b.context.Unwrap(token)
	if err != nil {
		return nil, err
	}
	layer, size := byte(layerNone), uint32(0)
	if b.signer != nil {
		layer, size = layerSign, maxSigned
	}
	// Without signatures anybody on the path could answer in the server's name (D-3).
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

// DeleteSecContext does nothing, because the connection continues to use the context.
func (b *binding) DeleteSecContext() error { return nil }

// endPoint returns the channel binding of a TLS connection, a hash of the server's certificate (RFC 5929 4.1). The
// hash is SHA-256 unless the certificate's signature uses SHA-384 or SHA-512.
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

// signer is a connection that signs outgoing messages and verifies incoming ones after the bind. During the bind it
// returns whole messages only: otherwise an attacker could insert the beginning of one before the first signed message
// (D-3).
type signer struct {
	net.Conn
	writing atomic.Bool       // outgoing messages are signed
	ending  atomic.Bool       // the next incoming message is the last unsigned one
	send    *kerberos.Context // set before ending; then owned by the writing goroutine
	receive *kerberos.Context // set before ending; then owned by the reading goroutine

	signed bool   // incoming messages are signed; like left, owned by the reading goroutine
	left   []byte // bytes that were read but not returned
}

// expect tells the signer that the next message from the server ends the bind, and that later messages are protected
// with the keys of c.
func (s *signer) expect(c *kerberos.Context) {
	s.send, s.receive = c.Halves()
	s.ending.Store(true)
}

// Write sends b as signed messages, each after its length, and unsigned before the bind has ended. After an error part
// of b may have been sent, even if the count is 0.
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

// Read returns verified bytes. An unsigned or wrongly signed message is an error (D-3). Bytes that do not fit in b
// are kept for the next call.
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

// message reads one message and returns its verified contents. Messages of the bind itself are not signed and are
// returned as they are. A message that is too long or has a wrong signature is an error.
func (s *signer) message() ([]byte, error) {
	if !s.signed {
		message, err := readMessage(s.Conn, maxSigned)
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

// take reads exactly n bytes from the server, and fails if n is above the limit (D-4). An end before n bytes is an
// error.
func (s *signer) take(n int64) ([]byte, error) {
	if n > maxSigned+1024 {
		return nil, errTooLong
	}
	b := make([]byte, n)
	_, err := io.ReadFull(s.Conn, b)
	return b, err
}
