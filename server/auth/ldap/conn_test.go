package ldap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/internal/test/check"
)

// TestNoStartTLS checks that neither name nor password is sent to a server that refuses TLS, and that passwords are
// checked within TLS only (D-1).
func TestNoStartTLS(t *testing.T) {
	f := serve(t, newWorld().answer)
	f.mu.Lock()
	f.clear, f.refuses = true, true
	f.mu.Unlock()
	d := f.directory(func(c *Config) { c.Servers[0] = strings.Replace(c.Servers[0], "ldaps:", "ldap:", 1) })
	got, err := d.Find(context.Background(), "alice", false)
	f.mu.Lock()
	defer f.mu.Unlock()
	if !errors.Is(err, ErrAway) || len(f.binds) != 0 {
		t.Errorf("D-1: %+v, %v, binds %v, want len(f.binds) = 0, error %v", got, err, f.binds, ErrAway)
	}
	signed := &Directory{cfg: Config{Security: Signed}}
	if _, err := signed.Check(context.Background(), "alice", false, "wonderland"); err == nil ||
		!strings.Contains(err.Error(), "within TLS only") {
		t.Errorf("D-1: a password without TLS: %v, want \"within TLS only\"", err)
	}
}

// TestIdleConnectionsAreBounded checks that idle connections are kept up to the limit, that failed ones
// are closed, and that an error of the directory does not end a connection.
func TestIdleConnectionsAreBounded(t *testing.T) {
	d := &Directory{idle: make(chan *conn, maxIdle)}
	for i, keep := range []bool{true, false, true, true, true, true, false} {
		here, there := net.Pipe()
		c := &conn{Conn: goldap.NewConn(here, false), meter: &meter{Conn: here}}
		c.Start()
		check.NoError(t, there.SetReadDeadline(time.Now().Add(time.Minute)))
		before := len(d.idle)
		d.give(c, keep)
		kept := keep && before < maxIdle
		if len(d.idle)-before != map[bool]int{true: 1}[kept] {
			t.Errorf("connection %d: %d wait after %d, want one more: %t", i, len(d.idle), before, kept)
		}
		if !kept { // it ends, and nothing waits for it
			if n, err := there.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
				t.Errorf("connection %d: %d bytes, %v, want 0, %v", i, n, err, io.EOF)
			}
		}
	}
	if err := d.Close(); err != nil || len(d.idle) != 0 {
		t.Errorf("closed, %d wait, %v, want 0, nil", len(d.idle), err)
	}
	f := serve(t, newWorld().answer)
	asker := f.directory(nil)
	for _, name := range []string{"alice", "none", "alice", "none"} {
		_, err := asker.Find(context.Background(), name, false)
		if (err != nil) != (name == "none") || len(asker.idle) != 1 {
			t.Errorf("after %s: %d connections wait, %v, want 1, and an error for none", name, len(asker.idle), err)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.conns) != 1 || len(f.binds) != 1 {
		t.Errorf("%d connections, binds %q, want len(f.conns) = 1, len(f.binds) = 1", len(f.conns), f.binds)
	}
}

// TestServerAuthenticatesFirst checks that no name or password reaches an unauthenticated server or
// is sent unencrypted (D-1).
func TestServerAuthenticatesFirst(t *testing.T) {
	w := newWorld()
	for what, change := range map[string]func(*Config){
		"an unknown authority": func(c *Config) { c.Roots = x509.NewCertPool() },
		"another name":         func(c *Config) { c.Servers[0] = strings.Replace(c.Servers[0], "127.0.0.1", "localhost", 1) },
		"no TLS there":         func(c *Config) { c.Servers[0] = strings.Replace(c.Servers[0], "ldaps:", "ldap:", 1) },
	} {
		f := serve(t, w.answer)
		d := f.directory(func(c *Config) { change(c); c.Limits.Wait = time.Second })
		if got, err := d.Find(context.Background(), "alice", false); !errors.Is(err, ErrAway) || len(f.binds) != 0 {
			t.Errorf("D-1: %s: %+v, %v, %d binds, want %v, 0", what, got, err, len(f.binds), ErrAway)
		}
	}
	f := serve(t, w.answer)
	f.mu.Lock()
	f.clear = true
	f.mu.Unlock()
	d := f.directory(func(c *Config) { c.Servers[0] = strings.Replace(c.Servers[0], "ldaps:", "ldap:", 1) })
	if got, err := d.Find(context.Background(), "alice", false); err != nil || got.Name != "alice" || len(f.binds) != 1 {
		t.Errorf(`D-1: StartTLS: %+v, %v, binds %d, want got.Name = "alice", len(f.binds) = 1, no error`, got, err,
			len(f.binds))
	}
	for what, change := range map[string]func(*Config){
		"no servers":                  func(c *Config) { c.Servers = nil },
		"no domain":                   func(c *Config) { c.Domain = c.Machine },
		"no security":                 func(c *Config) { c.Security = 0 },
		"no password (D-2)":           func(c *Config) { c.Password = "" },
		"no name (D-2)":               func(c *Config) { c.Account = "" },
		"signed without Kerberos":     func(c *Config) { c.Security = Signed },
		"a base without a right name": func(c *Config) { c.Base = "example.test" },
		"a server without a scheme":   func(c *Config) { c.Servers = []string{"dc1.example.test"} },
		"a server with a password":    func(c *Config) { c.Servers = []string{"ldaps://a:b@dc1"} },
		"another scheme":              func(c *Config) { c.Servers = []string{"ldapi:///x"} },
		"a claim without attribute":   func(c *Config) { c.Claims = map[string]Claim{"x": {}} },
		"a claim twice": func(c *Config) {
			c.Claims = map[string]Claim{"x": {"a", 3}, "X": {"b", 3}}
		},
	} {
		cfg := f.config()
		change(&cfg)
		if d, err := New(cfg); err == nil {
			t.Errorf("New, %s: %v, want an error", what, d)
		} else if strings.Contains(err.Error(), "pw-of-test") {
			t.Errorf(`%s: the text has the password: %v, want text without "pw-of-test"`, what, err)
		}
	}
}

// pipe is a connection whose reads come from a text.
type pipe struct {
	net.Conn
	io.Reader
	deadline time.Time
	wrote    int
	fails    error
}

func (p *pipe) Read(b []byte) (int, error)  { return p.Reader.Read(b) }
func (p *pipe) Write(b []byte) (int, error) { p.wrote += len(b); return len(b), nil }
func (p *pipe) SetWriteDeadline(at time.Time) error {
	p.deadline = at
	return p.fails
}

// TestReadAndWriteLimits checks the byte limit of reads and the time limit of writes (D-4).
func TestReadAndWriteLimits(t *testing.T) {
	p := &pipe{Reader: strings.NewReader("abcdef")}
	m := &meter{Conn: p, wait: time.Hour}
	m.left.Store(4)
	b := make([]byte, 3)
	for _, c := range []struct {
		n   int
		err error
	}{{3, nil}, {1, nil}, {0, errTooLong}, {0, errTooLong}} {
		if n, err := m.Read(b); n != c.n || !errors.Is(err, c.err) {
			t.Errorf("D-4: %d bytes, %v, want %d", n, err, c.n)
		}
	}
	m.left.Store(9)
	if n, err := m.Read(b); n != 2 || err != nil || m.left.Load() != 7 {
		t.Errorf("D-4: %d bytes, %v, %d are left, want 2, nil, 7", n, err, m.left.Load())
	}
	if n, err := m.Write([]byte("xy")); n != 2 || err != nil || time.Until(p.deadline) > time.Hour ||
		time.Until(p.deadline) < 0 {
		t.Errorf("D-4: %d bytes by %v, %v", n, p.deadline, err)
	}
	p.fails = io.ErrClosedPipe
	if n, err := m.Write([]byte("xy")); n != 0 || !errors.Is(err, io.ErrClosedPipe) || p.wrote != 2 {
		t.Errorf("D-4: Write without time left: %d, %v, want 0 and io.ErrClosedPipe", n, err)
	}
}

// TestClosedConnectionIsRetried checks that a request on an idle connection that the server has closed is
// repeated on another one.
func TestClosedConnectionIsRetried(t *testing.T) {
	f := serve(t, newWorld().answer)
	d := f.directory(func(c *Config) { c.Limits.Fresh = -1 })
	for i := range 3 {
		if got, err := d.Find(t.Context(), "alice", false); err != nil || got.SID != domain.WithRID(1104) {
			t.Fatalf("after %d connections: %+v, %v, want got.SID = %v, no error", i, got, err, domain.WithRID(1104))
		}
		f.mu.Lock()
		if len(f.conns) != i+1 || len(f.binds) != i+1 {
			t.Errorf("%d connections, %d binds, want %d", len(f.conns), len(f.binds), i+1)
		}
		for c := range f.conns {
			_ = c.Close()
		}
		f.mu.Unlock()
	}
}

// TestOldTLS checks that neither name nor password is sent to a server whose newest TLS version is 1.1 (D-1; RFC
// 8996).
func TestOldTLS(t *testing.T) {
	for version, good := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		for _, scheme := range []string{"ldaps:", "ldap:"} {
			f := serve(t, newWorld().answer)
			f.mu.Lock()
			f.newest, f.clear = version, scheme == "ldap:"
			f.mu.Unlock()
			d := f.directory(func(c *Config) { c.Servers[0] = strings.Replace(c.Servers[0], "ldaps:", scheme, 1) })
			got, err := d.Find(t.Context(), "alice", false)
			f.mu.Lock()
			if (err == nil) != good || (len(f.binds) > 0) != good || (got != nil) != good {
				t.Errorf("D-1: %s with TLS %#x: %+v, %v, binds %v, want success: %t",
					scheme, version, got, err, f.binds, good)
			}
			f.mu.Unlock()
		}
	}
}
