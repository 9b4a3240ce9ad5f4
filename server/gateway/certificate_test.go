package gateway

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// TestChannelBindingNeedsSHA256Certificate checks that a ticket can be bound to a certificate whose signature uses
// SHA-256 or a weaker hash, and not to one with a longer hash (RFC 5929, 4.1).
func TestChannelBindingNeedsSHA256Certificate(t *testing.T) {
	for algorithm, bound := range map[x509.SignatureAlgorithm]bool{x509.SHA256WithRSA: true, x509.ECDSAWithSHA256: true,
		x509.SHA1WithRSA: true, x509.MD5WithRSA: true, x509.SHA256WithRSAPSS: true, x509.SHA384WithRSA: false,
		x509.ECDSAWithSHA384: false, x509.SHA384WithRSAPSS: false, x509.SHA512WithRSA: false, x509.ECDSAWithSHA512: false,
		x509.SHA512WithRSAPSS: false, x509.PureEd25519: false} {
		got := channelBinding(&x509.Certificate{Raw: []byte("raw"), SignatureAlgorithm: algorithm})
		// base64 of "tls-server-end-point:" and the SHA-256 of "raw".
		const want = "dGxzLXNlcnZlci1lbmQtcG9pbnQ6"
		check.That(t, (got != "") == bound && (!bound || strings.HasPrefix(got, want) && len(got) == 72),
			"%v: %q", algorithm, got)
	}
	check.Equal(t, channelBinding(nil), "", "of no certificate")
}

// TestRenewedCertificateKeepsOpenConnections checks that an open connection keeps its certificate and binding, that a
// new one gets those of the renewed certificate and does not resume a TLS session of the old one, and that sessions of
// one certificate are resumed (G-53).
func TestRenewedCertificateKeepsOpenConnections(t *testing.T) {
	first, second := selfSigned(t, 1), selfSigned(t, 2)
	presented := NewCertificate(first, false)
	l := check.Must(net.Listen("tcp", "127.0.0.1:0"))
	ctx, end := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() {
		served <- Serve(ctx, Listen(l, presented), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, bindingOf(r.Context()))
		}))
	}()
	pool := x509.NewCertPool()
	pool.AddCert(first.Leaf)
	pool.AddCert(second.Leaf)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		presented.Renew(first)
		config := &tls.Config{RootCAs: pool, MinVersion: version, MaxVersion: version,
			ClientSessionCache: tls.NewLRUClientSessionCache(1)}
		old, fresh := &http.Client{Transport: &http.Transport{TLSClientConfig: config}}, &http.Client{
			Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
		ask := func(c *http.Client, want *tls.Certificate, resumed bool) {
			t.Helper()
			r := check.Must(http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+l.Addr().String(), nil))
			answer := check.Must(c.Do(r))
			b := check.Must(io.ReadAll(answer.Body))
			check.NoError(t, answer.Body.Close())
			check.Equal(t, string(b), channelBinding(want.Leaf), "G-53: version %x: the binding", version)
			check.Equal(t, answer.TLS.DidResume, resumed, "G-53: version %x: a resumed session", version)
		}
		ask(old, first, false)
		ask(fresh, first, true)
		presented.Renew(second)
		ask(fresh, second, false)
		ask(fresh, second, true)
		ask(old, first, false)
		old.CloseIdleConnections()
	}
	end()
	check.NoError(t, <-served)
	check.Equal(t, bindingOf(t.Context()), "", "the binding of no connection")
}

// TestNoCertificateFailsHandshake checks that the zero Certificate presents none.
func TestNoCertificateFailsHandshake(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	go func() {
		_ = tls.Server(b, new(Certificate).listenerConfig()).Handshake()
		_ = b.Close()
	}()
	if tls.Client(a, &tls.Config{InsecureSkipVerify: true}).Handshake() == nil { //nolint:gosec // any is enough
		t.Error("a handshake without a certificate succeeds")
	}
}

// TestClientCertificateIsRequestedIfMapped checks that the server requests client certificates only if it maps them. It
// prefers HTTP/2.
func TestClientCertificateIsRequestedIfMapped(t *testing.T) {
	for mapped, want := range map[bool]tls.ClientAuthType{true: tls.RequestClientCert, false: tls.NoClientCert} {
		c := NewCertificate(selfSigned(t, 1), mapped).current.Load().config
		check.Equal(t, c.ClientAuth, want, "mapped: %t", mapped)
		check.Equal(t, c.NextProtos[0], "h2", "the preferred protocol")
	}
}

// selfSigned returns a certificate for 127.0.0.1.
func selfSigned(t *testing.T, serial int64) *tls.Certificate {
	t.Helper()
	key := check.Must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der := check.Must(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))
	leaf := check.Must(x509.ParseCertificate(der))
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
