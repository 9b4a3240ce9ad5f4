package gateway

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net"
	"sync/atomic"
)

// Certificate is the server certificate that [Listen] presents. It can be renewed while connections are open. It is
// safe for concurrent use. Its zero value presents none, so that every TLS handshake fails.
type Certificate struct {
	clients bool // request a certificate of the client; immutable
	current atomic.Pointer[servedCertificate]
}

// servedCertificate is a server certificate in the form that connections need. Immutable.
type servedCertificate struct {
	config  *tls.Config
	binding string // result of channelBinding for the certificate
}

// NewCertificate returns a Certificate that presents cert, which must not be nil. If clients is set, the TLS handshake
// requests a client certificate. It is optional, and its issuer does not matter, because Config.Certificates
// identifies each certificate by its hash.
func NewCertificate(cert *tls.Certificate, clients bool) *Certificate {
	c := &Certificate{clients: clients}
	c.Renew(cert)
	return c
}

// Renew presents cert, which must not be nil, to connections from now on. Open connections keep their certificate. A
// TLS session that began with another certificate is not resumed (G-53).
func (c *Certificate) Renew(cert *tls.Certificate) {
	// At least TLS 1.2, with HTTP/2 (G-23).
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*cert},
		NextProtos: []string{"h2", "http/1.1"}}
	if c.clients {
		config.ClientAuth = tls.RequestClientCert
	}
	// A client binds its ticket to the certificate with which its TLS session began. Each certificate has session keys
	// of its own, so it resumes only sessions that began with it.
	config.WrapSession, config.UnwrapSession = config.EncryptTicket, config.DecryptTicket
	c.current.Store(&servedCertificate{config: config, binding: channelBinding(cert.Leaf)})
}

// listenerConfig returns the TLS configuration of a listener. Each connection gets the certificate that is current when
// it begins.
func (c *Certificate) listenerConfig() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			now := c.current.Load()
			if now == nil {
				return nil, nil // crypto/tls then has no certificate and fails the handshake
			}
			if below, ok := hello.Conn.(*gathered); ok {
				below.certificate.Store(now)
			}
			return now.config, nil
		}}
}

// Listen returns a TLS listener on the TCP listener l, for [Serve]. Closing it closes l.
func Listen(l net.Listener, c *Certificate) net.Listener {
	return tls.NewListener(gathering{l}, c.listenerConfig())
}

// bindingOf returns the channel binding of a request's connection. It returns "" for a connection that no listener of
// [Listen] accepted.
func bindingOf(ctx context.Context) string {
	if c, ok := ctx.Value(gatheredKey{}).(*gathered); ok {
		if p := c.certificate.Load(); p != nil {
			return p.binding
		}
	}
	return ""
}

// channelBinding returns the TLS channel binding that a client's Kerberos ticket must have, in base64
// (tls-server-end-point, RFC 5929). It returns "", which binds no ticket, without a certificate and for one signed
// with SHA-384, SHA-512 or Ed25519.
func channelBinding(leaf *x509.Certificate) string {
	if leaf == nil {
		return ""
	}
	switch leaf.SignatureAlgorithm {
	case x509.SHA384WithRSA, x509.ECDSAWithSHA384, x509.SHA384WithRSAPSS, x509.SHA512WithRSA, x509.ECDSAWithSHA512,
		x509.SHA512WithRSAPSS, x509.PureEd25519:
		return "" // clients disagree about the hash, so tickets are not bound
	}
	sum := sha256.Sum256(leaf.Raw)
	return base64.StdEncoding.EncodeToString(append([]byte("tls-server-end-point:"), sum[:]...))
}
