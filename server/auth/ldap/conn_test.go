package ldap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/internal/test/check"
)

// TestServerAuthenticatesFirst checks that no name or password reaches a server that is not the configured one, that
// speaks no TLS or an old one, or that adds bytes to the stream before TLS (D-1; RFC 8996).
func TestServerAuthenticatesFirst(t *testing.T) {
	startTLS := func(c *Config) { c.Servers[0] = strings.Replace(c.Servers[0], "ldaps:", "ldap:", 1) }
	newest := func(version uint16, clear bool) func(*fake) {
		return func(f *fake) { f.newest, f.clear = version, clear }
	}
	for what, c := range map[string]struct {
		server func(*fake)
		client func(*Config)
		good   bool
	}{
		"an unknown authority": {nil, func(c *Config) { c.Roots = x509.NewCertPool() }, false},
		"another name": {nil,
			func(c *Config) { c.Servers[0] = strings.Replace(c.Servers[0], "127.0.0.1", "localhost", 1) }, false},
		"another name than the first server's": {nil, func(c *Config) {
			c.Servers = []string{"ldaps://127.0.0.1:1", strings.Replace(c.Servers[0], "127.0.0.1", "localhost", 1)}
		}, false},
		"no TLS there":          {nil, func(c *Config) { startTLS(c); c.Limits.Wait = time.Second }, false},
		"no StartTLS":           {func(f *fake) { f.clear, f.refuses = true, true }, startTLS, false},
		"bytes behind StartTLS": {func(f *fake) { f.clear, f.injects = true, true }, startTLS, false},
		"TLS 1.1":               {newest(tls.VersionTLS11, false), nil, false},
		"StartTLS with TLS 1.1": {newest(tls.VersionTLS11, true), startTLS, false},
		"TLS 1.2":               {newest(tls.VersionTLS12, false), nil, true},
		"StartTLS with TLS 1.2": {newest(tls.VersionTLS12, true), startTLS, true},
		"TLS 1.3":               {newest(tls.VersionTLS13, false), nil, true},
		"StartTLS with TLS 1.3": {newest(tls.VersionTLS13, true), startTLS, true},
	} {
		f := serve(t, newWorld().answer)
		if c.server != nil {
			f.mu.Lock()
			c.server(f)
			f.mu.Unlock()
		}
		got, err := f.directory(c.client).Find(t.Context(), "alice", false)
		f.mu.Lock()
		if c.good && (err != nil || got.Name != "alice" || len(f.binds) != 1) ||
			!c.good && (got != nil || !errors.Is(err, ErrAway) || len(f.binds) != 0) {
			t.Errorf("D-1: %s: %+v, %v, binds %q, want an account after one bind: %t", what, got, err, f.binds, c.good)
		}
		f.mu.Unlock()
	}
	signed := &Directory{cfg: Config{Security: Signed}}
	if _, err := signed.Check(t.Context(), "alice", false, "wonderland"); err == nil ||
		!strings.Contains(err.Error(), "within TLS only") {
		t.Errorf("D-1: a password without TLS: %v, want \"within TLS only\"", err)
	}
}

// TestServerThatFailsInSearchesIsTriedLast checks that a server that accepts binds, and fails in searches or says that
// it is busy, is tried after the others too, also if there is an idle connection to it (D-20).
func TestServerThatFailsInSearchesIsTriedLast(t *testing.T) {
	for what, reply := range map[string]func(a asked) [][]byte{
		"broken": func(asked) [][]byte { return [][]byte{{0x30, 0}} },
		"busy": func(a asked) [][]byte {
			return [][]byte{done(a.id, goldap.ApplicationSearchResultDone, goldap.LDAPResultBusy)}
		},
	} {
		var sick atomic.Bool
		sick.Store(true)
		w := newWorld()
		first := serve(t, func(a asked) [][]byte {
			if sick.Load() {
				return reply(a)
			}
			return w.answer(a)
		})
		second := serve(t, w.answer)
		d := first.directory(func(c *Config) {
			c.Servers = append(c.Servers, second.config().Servers...)
			c.Limits.Cached = -1
		})
		find := func(state string, queries int) {
			t.Helper()
			got, err := d.Find(t.Context(), "alice", false)
			check.RequireThat(t, err == nil && got.Name == "alice", "D-20: %s server, %s: %+v, %v, want alice", what, state,
				got, err)
			first.mu.Lock()
			defer first.mu.Unlock()
			check.Equal(t, len(first.queries), queries, "D-20: %s server, %s: queries to it", what, state)
		}
		find("first logon", 1)
		find("second logon", 1)
		sick.Store(false)
		d.up.Answered(d.servers[0].address)
		_ = d.Close()
		find("after its recovery", 4)
		check.NoError(t, d.with(t.Context(), func(*conn) error { // a second connection, which is idle, too
			return d.with(t.Context(), func(*conn) error { return nil })
		}))
		check.Equal(t, len(d.idle), 2, "D-20: idle connections")
		sick.Store(true)
		find("with an idle connection", 6)
		find("afterwards", 6)
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
		check.That(t, len(d.idle)-before == map[bool]int{true: 1}[kept],
			"connection %d: %d wait after %d, want one more: %t", i, len(d.idle), before, kept)
		if !kept { // it returns, and no goroutine waits for it
			if n, err := there.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
				t.Errorf("connection %d: %d bytes, %v, want 0, %v", i, n, err, io.EOF)
			}
		}
	}
	err := d.Close()
	check.That(t, err == nil && len(d.idle) == 0, "closed, %d wait, %v, want 0, nil", len(d.idle), err)
	f := serve(t, newWorld().answer)
	asker := f.directory(nil)
	for _, name := range []string{"alice", "none", "alice", "none"} {
		_, err := asker.Find(context.Background(), name, false)
		check.That(t, (err != nil) == (name == "none") && len(asker.idle) == 1,
			"after %s: %d connections wait, %v, want 1, and an error for none", name, len(asker.idle), err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	check.That(t, len(f.conns) == 1 && len(f.binds) == 1,
		"%d connections and the binds %q, want 1 of each", len(f.conns), f.binds)
}

// pipe is a connection that reads from a string.
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

// TestLDAPReadIsLimitedInBytes checks the byte limit of reads and the time limit of writes (D-4).
func TestLDAPReadIsLimitedInBytes(t *testing.T) {
	p := &pipe{Reader: strings.NewReader("abcdef")}
	m := &meter{Conn: p, wait: time.Hour}
	m.left.Store(4)
	b := make([]byte, 3)
	for _, c := range []struct {
		n   int
		err error
	}{{3, nil}, {1, nil}, {0, errTooLong}, {0, errTooLong}} {
		n, err := m.Read(b)
		check.That(t, n == c.n && errors.Is(err, c.err), "D-4: %d bytes, %v, want %d", n, err, c.n)
	}
	m.left.Store(9)
	if n, err := m.Read(b); n != 2 || err != nil || m.left.Load() != 7 {
		t.Errorf("D-4: %d bytes, %v, %d are left, want 2, nil, 7", n, err, m.left.Load())
	}
	n, err := m.Write([]byte("xy"))
	check.That(t, n == 2 && err == nil && time.Until(p.deadline) <= time.Hour &&
		time.Until(p.deadline) >= 0, "D-4: %d bytes by %v, %v", n, p.deadline, err)
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
			t.Fatalf("Find after %d connections = %+v, %v, want the SID %v, no error", i, got, err,
				domain.WithRID(1104))
		}
		f.mu.Lock()
		check.That(t, len(f.conns) == i+1 && len(f.binds) == i+1,
			"%d connections, %d binds, want %d", len(f.conns), len(f.binds), i+1)
		for c := range f.conns {
			_ = c.Close()
		}
		f.mu.Unlock()
	}
}
