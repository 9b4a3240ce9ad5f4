package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/authzen"
	"github.com/refmon/refmon/server/internal/lograte"
)

// TestEndpointsAcceptTheirClients checks that every endpoint accepts exactly the clients of its row, that cross-site
// requests can change nothing (G-16), and that a wrong host is rejected first (G-17).
func TestEndpointsAcceptTheirClients(t *testing.T) {
	w := newWorld(t, shared, func(c *Config) { c.Names = []string{"127.0.0.1", "files.test"} })
	rows := fileRows(w.g)
	check.RequireThat(t, len(rows) >= 12, "%d rows, want at least 12", len(rows))
	changes := []string{"COPY", "DELETE", "LOCK", "MKCOL", "MOVE", "PROPFIND", "PROPPATCH", "PUT", "UNLOCK"}
	refused := []string{"Origin", "https://evil.test", "Origin", "null", "Sec-Fetch-Site", "cross-site",
		"Sec-Fetch-Site", "same-site", "Origin", "http" + strings.TrimPrefix(w.url, "https")}
	for _, r := range rows {
		if got := slices.Contains(changes, r.method); got != r.change {
			t.Errorf("%s changes something: %t, the row has %t, want %t", r.method, got, r.change, r.change)
		}
		want := http.StatusUnauthorized
		if r.method == http.MethodOptions {
			want = http.StatusOK
		}
		w.want(want, "", r.method, "/share/x", "")
		for h := range slices.Chunk(refused, 2) {
			if got := w.ask("alice", r.method, "/share/x", "", h...); r.change != (got.code == 403) {
				t.Errorf("G-16: %s with %v: %d", r.method, h, got.code)
			}
		}
		own := w.ask("alice", r.method, "/share/x", "", "Origin", w.url, "Depth", "0")
		if got := own; got.code == 403 && r.method != "COPY" {
			t.Errorf("G-16: %s of its own page: %d %s", r.method, got.code, got.body)
		}
		q := w.request("alice", r.method, "/share/x", "")
		q.Host = "attacker.test"
		check.Equal(t, w.do(q).code, http.StatusMisdirectedRequest, "G-17: %s for another host", r.method)
	}
	q := w.request("alice", "GET", "/share/", "")
	q.Host = "FILES.test:443"
	check.Equal(t, w.do(q).code, 200, "G-17: a configured host")
	for _, method := range []string{"POST", "REPORT", "ACL", "TRACE", "BREW"} {
		if got := w.want(405, "alice", method, "/share/x", ""); !strings.Contains(got.header.Get("Allow"), "PROPFIND") {
			t.Errorf("%s: %v", method, got.header)
		}
	}
}

// TestPostsOfOtherSitesAreRejected checks that each POST endpoint of the console, the index and the APIs requires a
// logon and rejects pages of other sites, which would act in the user's name (G-16). Other methods change nothing.
func TestPostsOfOtherSitesAreRejected(t *testing.T) {
	g := check.Must(New(Config{Dial: failing, Index: &Index{Socket: "/none", Ask: "O:SYG:SYD:", Rate: 1},
		AuthZEN: &AuthZEN{URL: "https://localhost", Ask: "O:SYG:SYD:", Rate: 1}}))
	posts := 0
	for _, r := range slices.Concat(apiRows(g), consoleRows(g), g.pdp.rows(), g.index.rows()) {
		post := r.method == http.MethodPost
		check.Equal(t, r.change, post, "G-16: %s %s rejects other sites", r.method, r.path)
		open := r.path == "/health" || r.path == authzen.MetadataPath
		check.Equal(t, r.needs == anybody, open, "%s %s accepts anybody", r.method, r.path)
		if post {
			posts++
		}
	}
	check.That(t, posts >= 13, "%d POST endpoints, want at least 13", posts)
}

// TestEmptyRouteRowRejectsRequest checks that an empty row accepts no client.
func TestEmptyRouteRowRejectsRequest(t *testing.T) {
	rec := httptest.NewRecorder()
	h := guard{g: check.Must(New(Config{Dial: failing})), rows: []row{{method: "GET"}}}
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))
	check.Equal(t, rec.Code, 403, "the answer")
}

// TestTLSBefore12IsRejected checks that versions before 1.2 are rejected (G-23).
func TestTLSBefore12IsRejected(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.StartTLS()
	defer s.Close()
	c := NewCertificate(&s.TLS.Certificates[0], true).listenerConfig()
	for version, good := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true,
		tls.VersionTLS13: true} {
		a, b := net.Pipe()
		go func() {
			_ = tls.Server(b, c).Handshake()
			_ = b.Close()
		}()
		err := tls.Client(a, &tls.Config{MinVersion: version, MaxVersion: version,
			InsecureSkipVerify: true}).Handshake() //nolint:gosec // the version under test
		check.That(t, (err == nil) == good, "G-23: version %x: %v", version, err)
		_ = a.Close()
	}
}

// TestIdleConnectionUsesBoundedMemory checks the memory of an idle connection of a known client. The figure includes
// both ends, which are in this program.
func TestIdleConnectionUsesBoundedMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it opens 200 connections")
	}
	w := newWorld(t, shared)
	w.file("f", "f", shared)
	w.want(200, "alice", "GET", "/share/f", "")
	const connections = 200
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var kept []*http.Transport
	for range connections {
		transport := w.server.Client().Transport.(*http.Transport).Clone()
		answer := check.Must((&http.Client{Transport: transport}).Do(w.request("alice", "GET", "/share/f", "")))
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		kept = append(kept, transport)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := int64(after.HeapInuse+after.StackInuse-before.HeapInuse-before.StackInuse) / connections
	t.Logf("%d KiB a connection, client and server", each>>10)
	check.That(t, each <= 256<<10, "a connection holds %d KiB", each>>10)
	for _, transport := range kept {
		transport.CloseIdleConnections()
	}
}

// TestShutdownFinishesRunningRequests checks that running requests finish at shutdown, that new ones are not accepted,
// and that a failing listener is reported.
func TestShutdownFinishesRunningRequests(t *testing.T) {
	pair := httptest.NewUnstartedServer(nil)
	pair.StartTLS()
	cert := pair.TLS.Certificates[0]
	c := pair.Client()
	pair.Close()
	l := check.Must(net.Listen("tcp", "127.0.0.1:0"))
	ctx, end := context.WithCancel(t.Context())
	came, served := make(chan struct{}), make(chan error, 1)
	secure := Listen(l, NewCertificate(&cert, false))
	go func() {
		served <- Serve(ctx, secure, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/long" {
				close(came)
				<-ctx.Done()
			}
			_, held := r.Context().Value(gatheredKey{}).(*gathered)
			fmt.Fprintf(w, "gathers %t, over %v", held, r.Context().Err())
		}))
	}()
	ask := func(path string) string {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+l.Addr().String()+path, nil)
		if err != nil {
			return err.Error()
		}
		answer, err := c.Do(r)
		if err != nil {
			return "error"
		}
		defer answer.Body.Close()
		b, _ := io.ReadAll(answer.Body)
		return string(b)
	}
	const complete = "gathers true, over <nil>"
	if got := ask("/"); got != complete {
		t.Error(got)
	}
	long := make(chan string, 1)
	go func() { long <- ask("/long") }()
	<-came
	end()
	check.Equal(t, <-long, complete, "a request in progress")
	c.CloseIdleConnections()
	check.Equal(t, <-served, nil, "Serve after its context was cancelled")
	check.Equal(t, ask("/"), "error", "afterwards")
	if err := Serve(t.Context(), l, http.NotFoundHandler()); err == nil || errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve with a closed listener: %v", err)
	}
	for err, want := range map[error]error{http.ErrServerClosed: nil, nil: nil, io.EOF: io.EOF,
		fmt.Errorf("x: %w", http.ErrServerClosed): nil} {
		if got := exceptShutdown(err); !errors.Is(got, want) {
			t.Errorf("%v ends with %v, want %v", err, got, want)
		}
	}
}

// TestFailedConnectionsHaveARate checks that a client with endless failing TLS handshakes causes five log lines
// (L-75).
func TestFailedConnectionsHaveARate(t *testing.T) {
	var out bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(lograte.New(slog.NewTextHandler(&out, nil))))
	defer slog.SetDefault(before)
	for i := range 1000 {
		newServer(http.NotFoundHandler()).ErrorLog.Printf("http: TLS handshake error from %v: EOF",
			&net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: i + 1})
	}
	newServer(http.NotFoundHandler()).ErrorLog.Printf("http: panic serving 192.0.2.8:1: x")
	if n := strings.Count(out.String(), "\n"); n != 6 || !strings.Contains(out.String(), "192.0.2.7") {
		t.Errorf("L-75: %d lines, want 6:\n%s", n, out.String())
	}
}
