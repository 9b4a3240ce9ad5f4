package gateway

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestRows: every endpoint lets in whom its row says, and none of those that change
// something is open to a page of another site (G-16); a host that is not named is refused
// before anything else (G-17).
func TestRows(t *testing.T) {
	w := newWorld(t, shared, func(c *Config) { c.Names = []string{"127.0.0.1", "files.test"} })
	rows := fileRows(w.g)
	if len(rows) < 12 {
		t.Fatalf("%d rows", len(rows))
	}
	changes := []string{"COPY", "DELETE", "LOCK", "MKCOL", "MOVE", "PROPFIND", "PROPPATCH", "PUT", "UNLOCK"}
	refused := []string{"Origin", "https://evil.test", "Origin", "null", "Sec-Fetch-Site", "cross-site",
		"Sec-Fetch-Site", "same-site", "Origin", "http" + strings.TrimPrefix(w.url, "https")}
	for _, r := range rows {
		if got := slices.Contains(changes, r.method); got != r.change {
			t.Errorf("%s changes something: %t, the row says %t", r.method, got, r.change)
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
		if got := w.do(q); got.code != http.StatusMisdirectedRequest {
			t.Errorf("G-17: %s for another host: %d", r.method, got.code)
		}
	}
	q := w.request("alice", "GET", "/share/", "")
	q.Host = "FILES.test:443"
	if got := w.do(q); got.code != 200 {
		t.Errorf("G-17: a host that is named: %d", got.code)
	}
	for _, method := range []string{"POST", "REPORT", "ACL", "TRACE", "BREW"} {
		if got := w.want(405, "alice", method, "/share/x", ""); !strings.Contains(got.header.Get("Allow"), "PROPFIND") {
			t.Errorf("%s: %v", method, got.header)
		}
	}
}

// TestZeroRow: a row that nothing was written into lets no client in.
func TestZeroRow(t *testing.T) {
	w := newWorld(t, shared)
	rec := httptest.NewRecorder()
	h := guard{g: w.g, rows: []row{{method: "GET"}}}
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))
	if rec.Code != 403 {
		t.Errorf("the answer is %d", rec.Code)
	}
}

// TestContents: what users wrote cannot act in a browser (G-22), and comes in ranges and
// under conditions.
func TestContents(t *testing.T) {
	w := newWorld(t, shared)
	w.file("page.html", "<script>alert(1)</script>", shared)
	w.file("pic.svg", "<svg onload='x()'/>", shared)
	w.file("data", "0123456789", shared)
	for path, saved := range map[string]bool{"page.html": true, "pic.svg": true, "data": false} {
		h := w.want(200, "bob", "GET", "/share/"+path, "").header
		if got := h.Get("Content-Disposition") == "attachment"; got != saved ||
			!strings.HasPrefix(h.Get("Content-Security-Policy"), "sandbox; default-src 'none'") ||
			h.Get("X-Content-Type-Options") != "nosniff" || strings.Contains(h.Get("Content-Security-Policy"), "allow-") {
			t.Errorf("G-22: %s: %v", path, h)
		}
	}
	if got := w.want(206, "bob", "GET", "/share/data", "", "Range", "bytes=2-4"); got.body != "234" {
		t.Errorf("a range: %q", got.body)
	}
	w.want(416, "bob", "GET", "/share/data", "", "Range", "bytes=20-")
	tag := w.want(200, "bob", "HEAD", "/share/data", "").header.Get("ETag")
	w.want(304, "bob", "GET", "/share/data", "", "If-None-Match", tag)
	w.want(412, "bob", "GET", "/share/data", "", "If-Match", `"x"`)
	w.want(404, "bob", "GET", "/share/data/", "")
	w.folder("box", shared)
	if got := w.want(301, "bob", "GET", "/share/box", ""); got.header.Get("Location") != "/share/box/" {
		t.Errorf("a directory without its /: %v", got.header)
	}
	page := w.want(200, "bob", "GET", "/share/", "")
	if !strings.Contains(page.body, `<a href="/share/page.html">page.html</a>`) || !strings.HasPrefix(
		page.header.Get("Content-Security-Policy"), "default-src 'none'; style-src 'sha256-") {
		t.Errorf("the page is %v\n%s", page.header, page.body)
	}
}

// TestTLS: older versions than 1.2 are refused (G-23).
func TestTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.StartTLS()
	defer s.Close()
	c := TLS(&s.TLS.Certificates[0], true)
	if c.MinVersion != tls.VersionTLS12 || c.ClientAuth != tls.RequestClientCert || TLS(&s.TLS.Certificates[0],
		false).ClientAuth != tls.NoClientCert {
		t.Errorf("G-23: %+v", c)
	}
	for version, good := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true,
		tls.VersionTLS13: true} {
		a, b := net.Pipe()
		go func() {
			_ = tls.Server(b, c).Handshake()
			_ = b.Close()
		}()
		err := tls.Client(a, &tls.Config{MinVersion: version, MaxVersion: version,
			InsecureSkipVerify: true}).Handshake() //nolint:gosec // the version is tried
		if (err == nil) != good {
			t.Errorf("G-23: version %x: %v", version, err)
		}
		_ = a.Close()
	}
}

// pipes is a listener of connections within this program, at which a test's clock works.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{} }

// TestStall: a client that stops sending its body is left after half a minute, however much
// it sent before; one that goes on is not (G-24).
func TestStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := make(pipes)
		ended := make(chan error, 2)
		s := &http.Server{Handler: patient(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(io.Discard, r.Body)
			ended <- err
		})), ReadHeaderTimeout: headerTimeout}
		go func() { _ = s.Serve(l) }()
		a, b := net.Pipe()
		l <- b
		go func() { _, _ = io.Copy(io.Discard, bufio.NewReader(a)) }()
		begun := time.Now()
		_, _ = a.Write([]byte("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"))
		for range 5 {
			time.Sleep(stallTimeout - time.Second)
			if _, err := a.Write([]byte("x")); err != nil {
				t.Errorf("G-24: a client that goes on was left: %v", err)
			}
		}
		if err := <-ended; err == nil {
			t.Error("G-24: half a body was taken for a whole one")
		}
		if took := time.Since(begun); took != 5*(stallTimeout-time.Second)+stallTimeout {
			t.Errorf("G-24: it was left after %v", took)
		}
		_ = a.Close()
		close(l)
		_ = s.Close()
	})
}
