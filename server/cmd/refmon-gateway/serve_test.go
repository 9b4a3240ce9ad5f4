package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/gateway"
	"github.com/refmon/refmon/server/internal/test/systemd"
)

// noted is a log writer for concurrent use.
type noted struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (n *noted) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.Write(b)
}

func (n *noted) text() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.String()
}

var readyAt = regexp.MustCompile(`msg=ready (files|console)=(https://[^\s]+)`)

// server is a gateway without refmond and its configuration.
type server struct {
	cfg  *config
	g    *gateway.Gateway
	cert tls.Certificate
	out  noted
}

// newServer returns a server that does not listen yet. The caller closes its g.
func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{cfg: check.Must(load(""))}
	s.cfg.State, s.cfg.Files, s.cfg.Console, s.cfg.Limits.Connections = t.TempDir(), "127.0.0.1:0", "localhost:0", 1
	var err error
	s.cert, _, err = s.cfg.certificate()
	check.NoError(t, err)
	s.g, err = gateway.New(gateway.Config{Dial: func() (*client.Conn, error) { return nil, os.ErrNotExist },
		Names: s.cfg.Names})
	check.NoError(t, err)
	return s
}

func (s *server) serve(ctx context.Context) error {
	return s.cfg.serve(ctx, s.g, gateway.NewCertificate(&s.cert, false), slog.New(slog.NewTextHandler(&s.out, nil)))
}

// begin starts serve and returns the URLs of both addresses once they are ready, and serve's result.
func (s *server) begin(ctx context.Context, t *testing.T) (at map[string]string, served chan error) {
	t.Helper()
	served, at = make(chan error, 1), map[string]string{}
	go func() { served <- s.serve(ctx) }()
	check.Eventually(t, func() bool {
		for _, m := range readyAt.FindAllStringSubmatch(s.out.text(), -1) {
			at[m[1]] = m[2]
		}
		return len(at) == 2
	}, "the server is not ready")
	return at, served
}

// TestFailedAddressEndsOther checks that serve ends with the error if one of its listeners fails.
func TestFailedAddressEndsOther(t *testing.T) {
	for _, name := range []string{"files", "console"} {
		s := newServer(t)
		s.cfg.Console = "127.0.0.2:0"
		at, served := s.begin(t.Context(), t)
		for fd := range 1024 { // the listener has a low descriptor number
			a, _ := unix.Getsockname(fd)
			on, ok := a.(*unix.SockaddrInet4)
			if listens, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); ok && listens == 1 &&
				strings.HasSuffix(at[name], fmt.Sprint(":", on.Port)) {
				check.NoError(t, unix.Shutdown(fd, unix.SHUT_RDWR))
			}
		}
		select {
		case err := <-served:
			check.ErrorIs(t, err, unix.EINVAL, "the end of serve after a failure of the listener for %s", name)
		case <-time.After(time.Minute):
			t.Errorf("a failed listener for %s does not end serve", name)
		}
		check.NoError(t, s.g.Close())
	}
}

// TestServeNeedsBothAddresses checks that files and console are served at their addresses until shutdown, and
// that neither is if one address is not available.
func TestServeNeedsBothAddresses(t *testing.T) {
	s := newServer(t)
	ctx, end := context.WithCancel(t.Context())
	at, served := s.begin(ctx, t)
	pool := x509.NewCertPool()
	pool.AddCert(s.cert.Leaf)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			t.Error("the server requests a client certificate without the key certificates")
			return &tls.Certificate{}, nil
		}}}
	ask := func(where, path string) string {
		r := check.Must(http.NewRequestWithContext(t.Context(), http.MethodGet, at[where]+path, nil))
		answer, err := transport.RoundTrip(r)
		if err != nil {
			return "none"
		}
		defer answer.Body.Close()
		b, _ := io.ReadAll(answer.Body)
		return fmt.Sprint(answer.StatusCode, " ", string(b))
	}
	const busy, absent = "503 refmond is not available now: try again later\n", "404 no such name\n"
	for _, c := range [][3]string{{"files", "/health", busy}, {"console", "/health", busy}, {"files", "/share/x", busy},
		{"console", "/share/x", absent}, {"console", "/trail", busy}} {
		check.Equal(t, ask(c[0], c[1]), c[2], "%s%s", c[0], c[1])
	}
	first := transport
	transport = first.Clone() // without a connection
	check.Equal(t, ask("files", "/health"), "none", "beyond limits.connections")
	first.CloseIdleConnections()
	end()
	check.Equal(t, errors.Join(<-served, s.g.Close()), nil, "the server's end after its context was cancelled")
	for where := range at {
		check.Equal(t, ask(where, "/"), "none", "after the end %s says", where)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	check.NoError(t, err)
	defer taken.Close()
	s.cfg.Files = strings.TrimPrefix(at["files"], "https://") // which serve opens before it finds the other address taken
	for _, at := range []*string{&s.cfg.Console, &s.cfg.Files} {
		*at = taken.Addr().String()
		err := s.serve(t.Context())
		check.That(t, err != nil && strings.Contains(err.Error(), "listen"),
			"an address in use: %v, want an error that names it", err)
	}
	for _, m := range readyAt.FindAllStringSubmatch(s.out.text(), -1) {
		c, err := net.Dial("tcp", strings.TrimPrefix(m[2], "https://"))
		if err == nil {
			_ = c.Close()
		}
		check.That(t, err != nil, "%s listens after serve has returned", m[2])
	}
}

// TestHangupRenewsCertificate checks that SIGHUP presents the certificate that the configured files have now, and that
// the current one stays if they have none (G-53). The service manager learns when the gateway listens, reloads and
// stops.
func TestHangupRenewsCertificate(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	state := systemd.Listen(t, at("manager"))
	t.Setenv("NOTIFY_SOCKET", at("manager"))
	receives := func(starts ...string) {
		t.Helper()
		for _, want := range starts {
			got := state()
			check.That(t, strings.HasPrefix(got, want), "the service manager receives %q, want %q", got, want)
		}
	}
	first, second := ending(t, time.Now().Add(time.Hour)), ending(t, time.Now().Add(2*time.Hour))
	write := func(p pair) {
		check.NoError(t, os.WriteFile(at("cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.cert}),
			0o600))
		check.NoError(t, os.WriteFile(at("key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: p.key}),
			0o600))
	}
	write(first)
	check.NoError(t, os.WriteFile(at("gateway.yaml"), fmt.Appendf(nil, "trees: [share]\nfiles: 127.0.0.1:0\n"+
		"console: ''\nnames: [localhost]\ncertificate: %s\nkey: %s\ncertificates: {%064x: alice}\n", at("cert.pem"),
		at("key.pem"), 1), 0o600))
	defer slog.SetDefault(slog.Default())
	var out noted
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"serve", "--config", at("gateway.yaml")}, &streams{out: &out, err: &out})
	}()
	check.Eventually(t, func() bool { return readyAt.MatchString(out.text()) }, "not ready: %s", out.text())
	shows := func(p pair) bool {
		requested := false
		c, err := tls.Dial("tcp", strings.TrimPrefix(readyAt.FindStringSubmatch(out.text())[2], "https://"),
			&tls.Config{InsecureSkipVerify: true, //nolint:gosec // the test compares the certificate
				GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					requested = true
					return &tls.Certificate{}, nil
				}})
		check.NoError(t, err)
		check.That(t, requested, "the server requests no client certificate with the key certificates")
		defer c.Close()
		return bytes.Equal(c.ConnectionState().PeerCertificates[0].Raw, p.cert)
	}
	receives("READY=1")
	check.That(t, shows(first), "G-53: the first certificate is not presented")
	write(second)
	check.NoError(t, unix.Kill(os.Getpid(), unix.SIGHUP))
	receives("RELOADING=1\nMONOTONIC_USEC=", "READY=1")
	check.That(t, shows(second), "G-53: SIGHUP did not renew the certificate")
	write(pair{first.cert, second.key})
	check.NoError(t, unix.Kill(os.Getpid(), unix.SIGHUP))
	receives("RELOADING=1", "READY=1")
	check.That(t, strings.Contains(out.text(), "the certificate is not replaced"),
		"G-53: no error of a key of another certificate: %s", out.text())
	check.That(t, shows(second), "G-53: a wrong key took the certificate away")
	end()
	receives("STOPPING=1")
	check.Equal(t, <-ended, exitSuccess, "exit code; log %s", out.text())
}
