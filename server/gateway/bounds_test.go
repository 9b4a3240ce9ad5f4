package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestDefaults: what a configuration has where nothing is said, and that a way to refmond is needed.
func TestDefaults(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("a gateway without a way to refmond")
	}
	dial := func() (*client.Conn, error) { return nil, os.ErrNotExist }
	g, err := New(Config{Dial: dial})
	if err != nil {
		t.Fatal(err)
	}
	c := g.cfg
	if c.Sessions != 4096 || c.SessionLife != 5*time.Minute || c.Threads != 64 || c.LargestUpload != 16<<30 ||
		c.Now == nil || c.Log == nil || g.most != 20_000 {
		t.Errorf("%+v, %d", c, g.most)
	}
	g, err = New(Config{Dial: dial, Sessions: 1, SessionLife: 2, Threads: 3, LargestUpload: 4})
	if c := g.cfg; err != nil || c.Sessions != 1 || c.SessionLife != 2 || c.Threads != 3 || c.LargestUpload != 4 {
		t.Errorf("%+v, %v", c, err)
	}
	rec := httptest.NewRecorder()
	g.Files().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/share/f", nil))
	if rec.Code != 503 || rec.Header().Get("Retry-After") != "5" || rec.Header().Get("Cache-Control") != "no-store" ||
		rec.Body.String() != "refmond cannot serve this now\n" {
		t.Errorf("without refmond: %d %v %q", rec.Code, rec.Header(), rec.Body)
	}
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	if _, err := g.link.process(); !errors.Is(err, errStopped) {
		t.Errorf("after the end: %v", err)
	}
	s := newServer(http.NotFoundHandler())
	if s.ReadHeaderTimeout != 10*time.Second || s.IdleTimeout != 2*time.Minute || s.MaxHeaderBytes != 96<<10 ||
		s.HTTP2.MaxConcurrentStreams != 64 || s.HTTP2.WriteByteTimeout != 30*time.Second ||
		s.HTTP2.MaxReceiveBufferPerStream != 1<<20 {
		t.Errorf("G-24: %+v", s)
	}
}

// TestServe: requests that are being served end with the gateway, and no request comes afterwards; a listener that
// fails is
// told.
func TestServe(t *testing.T) {
	pair := httptest.NewUnstartedServer(nil)
	pair.StartTLS()
	cert := pair.TLS.Certificates[0]
	c := pair.Client()
	pair.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	came, served := make(chan struct{}), make(chan error, 1)
	go func() {
		served <- Serve(ctx, Listen(l, TLS(&cert, false)), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
	const fine = "gathers true, over <nil>"
	if got := ask("/"); got != fine {
		t.Error(got)
	}
	long := make(chan string, 1)
	go func() { long <- ask("/long") }()
	<-came
	end()
	if got := <-long; got != fine {
		t.Errorf("a request that is being served: %s", got)
	}
	c.CloseIdleConnections()
	if err := <-served; err != nil {
		t.Errorf("told to end: %v", err)
	}
	if got := ask("/"); got != "error" {
		t.Errorf("afterwards: %s", got)
	}
	if err := Serve(t.Context(), l, http.NotFoundHandler()); err == nil || errors.Is(err, http.ErrServerClosed) {
		t.Errorf("a listener that is closed: %v", err)
	}
	for err, want := range map[error]error{http.ErrServerClosed: nil, nil: nil, io.EOF: io.EOF,
		fmt.Errorf("x: %w", http.ErrServerClosed): nil} {
		if got := over(err); !errors.Is(got, want) {
			t.Errorf("%v ends with %v", err, got)
		}
	}
}

// TestRoomForAttempts: of ten thousand addresses the newest 8,192 counts are remembered, what is over goes first, and
// what a
// right password gives back is its own alone (G-32).
//
// +checklocksignore
func TestRoomForAttempts(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	a := &attempts{now: func() time.Time { return now }, of: map[attempt]wrong{}}
	at := func(i int) string { return fmt.Sprintf("10.%d.%d.1:9", i/250, i%250) }
	for i := range 4096 {
		if _, ok := a.try(at(i), "x"); !ok || len(a.of) != 2*i+2 {
			t.Fatalf("G-32: address %d: %t, %d are remembered", i, ok, len(a.of))
		}
	}
	a.try(at(5000), "x")
	if n := len(a.of); n != 8192 {
		t.Errorf("G-32: %d are remembered", n)
	}
	now = now.Add(15*time.Minute - 1)
	a.try(at(5001), "x") // none is over
	if n := len(a.of); n != 8192 {
		t.Errorf("G-32: a moment before the time %d are remembered", n)
	}
	now = now.Add(1)
	a.try(at(5002), "x")
	if n := len(a.of); n != 4 {
		t.Errorf("G-32: after the time %d are remembered, want those of two addresses", n)
	}
	right, _ := a.try(at(5001), "y")
	a.try(at(5001), "y")
	right()
	from := networkOf(at(5001))
	if got := a.of[attempt{from, "y"}].count; got != 1 {
		t.Errorf("G-32: two attempts of which one was right: %d", got)
	}
	if got := a.of[attempt{from, ""}]; got.count != 2 || !got.since.Equal(now.Add(-1)) {
		t.Errorf("G-32: of the address: %+v", got)
	}
}

// TestUsersAreBounded: 4,096 users have what is left of their calls; one more, and each begins anew (G-27).
//
// +checklocksignore
func TestUsersAreBounded(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	r := &rates{now: func() time.Time { return now }, of: map[sid.SID]bucket{}}
	user := func(i int) sid.SID { return sid.MustParse(fmt.Sprintf("S-1-5-21-1-1-1-%d", i)) }
	for range 100 {
		r.allow(user(0))
	}
	for i := range 4096 {
		r.allow(user(i))
	}
	if len(r.of) != 4096 || r.allow(user(0)) {
		t.Errorf("G-27: %d are known", len(r.of))
	}
	now = now.Add(10 * time.Millisecond) // a hundredth of a second is a call
	if !r.allow(user(0)) || r.allow(user(0)) {
		t.Error("G-27: not one call in a hundredth of a second")
	}
	if r.allow(user(4096)); len(r.of) != 1 {
		t.Errorf("G-27: %d are known", len(r.of))
	}
}

// TestRoomForSessions: where a session is needed, what is over goes, and else one that no request uses; one in use
// never goes
// before its request. Each token is let go once (G-4, G-5).
//
// +checklocksignore
func TestRoomForSessions(t *testing.T) {
	w := newWorld(t, shared, func(c *Config) { c.Threads = 1 })
	p, err := w.g.link.process()
	w.must(err)
	now := time.Unix(1_000_000, 0)
	s := newSessions(p, &Config{Sessions: 2, SessionLife: time.Hour, Now: func() time.Time { return now }})
	p.do(t.Context(), func(*nt.Thread) ntstatus.Status { return ntstatus.Success })
	held := w.now()[1]
	settles := func(tokens int64) {
		t.Helper()
		for end := time.Now().Add(time.Minute); w.now()[1] != held+tokens; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("G-5: %d tokens are held, want %d", w.now()[1]-held, tokens)
			}
		}
	}
	made := func(one *session) { one.token, one.st = w.own(p), ntstatus.Success }
	get := func(name string) *session { return s.get(s.name("", name), made) }
	a := get("a")
	b := get("b")
	s.put(b)
	c := get("c") // in the place of b
	settles(2)
	if a.dropped || !b.dropped || c.dropped || s.known[s.name("", "b")] != nil || len(s.known) != 2 {
		t.Errorf("G-4: %v %v %v, %d", a.dropped, b.dropped, c.dropped, len(s.known))
	}
	d := get("d") // both are in use
	if !d.dropped || s.find(s.name("", "d")) != nil {
		t.Error("G-4: a session too many is kept")
	}
	s.put(d)
	settles(2)
	s.put(a)
	now = now.Add(time.Hour + 1)
	again := get("c") // c is over, and in use: it goes with its request
	if again == c || !c.dropped || c.users != 1 {
		t.Errorf("G-5: %v, %d requests use it", c.dropped, c.users)
	}
	s.put(c)
	s.put(again)
	settles(2)
	s.sweep() // a is over
	settles(1)
	if len(s.known) != 1 || !s.swept {
		t.Errorf("G-5: %d are known, a sweep is to come: %v", len(s.known), s.swept)
	}
	now = now.Add(2 * time.Hour)
	s.sweep()
	settles(0)
	if len(s.known) != 0 || s.swept {
		t.Errorf("G-5: %d are known, a sweep is to come: %v", len(s.known), s.swept)
	}
	one := s.once(made)
	if len(s.known) != 0 || one.users != 1 {
		t.Error("G-6: a session for one request is kept")
	}
	s.put(one)
	settles(0)
}

// TestSeeker: a file that is read by calls is read from each place that is asked for, in pieces of a call and less.
func TestSeeker(t *testing.T) {
	w := newExactly(t, shared)
	text := strings.Repeat("0123456789abcdef", 40_000)
	w.file("f", text, shared)
	q := w.of("bob")
	at := place{"share", "f"}
	h, st := q.open(at, winnt.FILE_READ_DATA, winnt.FILE_OPEN, 0)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	s := &seeker{reader: reader{q: q, h: h}, size: int64(len(text))}
	for _, c := range []struct {
		to     int64
		whence int
		want   int64
	}{{7, io.SeekStart, 7}, {-3, io.SeekCurrent, 4}, {10, io.SeekCurrent, 14}, {-16, io.SeekEnd, int64(len(text)) - 16},
		{0, io.SeekEnd, int64(len(text))}, {0, io.SeekStart, 0}} {
		if got, err := s.Seek(c.to, c.whence); got != c.want || err != nil {
			t.Errorf("seek %d from %d: %d, %v", c.to, c.whence, got, err)
		}
		b := make([]byte, 16)
		if n, err := io.ReadFull(s, b); err == nil && string(b) != text[c.want:c.want+16] || n != int(min(16,
			int64(len(text))-c.want)) {
			t.Errorf("at %d it has %q, %v", c.want, b[:n], err)
		}
		_, _ = s.Seek(c.want, io.SeekStart)
	}
	if at, err := s.Seek(-1, io.SeekStart); err == nil {
		t.Errorf("a place before the file: %d", at)
	}
	if n, err := s.Read(nil); n != 0 || err != nil {
		t.Errorf("reading nothing: %d, %v", n, err)
	}
	big := make([]byte, 300<<10)
	if n, err := s.Read(big); n != 256<<10 || err != nil || string(big[:n]) != text[:n] {
		t.Errorf("one call reads %d, %v", n, err)
	}
	if rest, err := io.ReadAll(s); err != nil || string(rest) != text[256<<10:] {
		t.Errorf("the rest has %d bytes, %v", len(rest), err)
	}
	q.s.p.release(h)
	if n, err := s.Read(big); n != 0 || err == nil || errors.Is(err, io.EOF) {
		t.Errorf("of a file that was closed: %d, %v", n, err)
	}
}

// TestStatusesForClients: what a client of HTTP is told for each status.
func TestStatusesForClients(t *testing.T) {
	for code, list := range map[int][]ntstatus.Status{
		403: {ntstatus.AccessDenied, ntstatus.PrivilegeNotHeld, ntstatus.BadImpersonationLevel, ntstatus.CannotDelete,
			ntstatus.InvalidOwner, ntstatus.MediaWriteProtected},
		404: {ntstatus.ObjectNameNotFound, ntstatus.ObjectPathNotFound, ntstatus.NoSuchFile, ntstatus.ObjectNameInvalid,
			ntstatus.DeletePending, ntstatus.NotADirectory},
		405: {ntstatus.FileIsADirectory, ntstatus.ObjectNameCollision}, 409: {ntstatus.DirectoryNotEmpty},
		423: {ntstatus.SharingViolation}, 502: {ntstatus.NotSameDevice}, 507: {ntstatus.DiskFull},
		503: {ntstatus.InsufficientResources, ntstatus.TooManyOpenedFiles, ntstatus.PortDisconnected, ntstatus.Cancelled,
			ntstatus.AuditFailed},
	} {
		for _, st := range list {
			if codes[st] != code {
				t.Errorf("%v is %d, want %d", st, codes[st], code)
			}
		}
	}
	w := newExactly(t, shared)
	q := w.of("bob")
	at := place{"share", "none"}
	for st, want := range map[ntstatus.Status]string{
		ntstatus.InvalidParameter: inLine(500, "internal server error (STATUS_INVALID_PARAMETER)"),
		ntstatus.SharingViolation: inLine(423, "locked (STATUS_SHARING_VIOLATION)"),
		ntstatus.AuditFailed:      inLine(503, "refmond cannot serve this now", "Retry-After: 5"),
		ntstatus.AccessDenied:     saysAbsent, ntstatus.DeletePending: saysAbsent, ntstatus.CannotDelete: saysAbsent,
	} {
		rec := httptest.NewRecorder()
		rec.Header().Set("X-Content-Type-Options", "nosniff")
		q.refusedAs(at, winnt.DELETE, st).write(rec, httptest.NewRequest(http.MethodGet, "/", nil))
		headers := []string{}
		for name := range rec.Header() {
			if name != "X-Content-Type-Options" {
				headers = append(headers, name+": "+rec.Header().Get(name))
			}
		}
		w.same(st.String(), answered(rec.Code, rec.Body.String(), headers...), want)
	}
	if got := reason(connect.NewError(connect.CodeNotFound, errors.New("why"))); got != "why" {
		t.Errorf("the reason is %q", got)
	}
	if got := reason(io.EOF); got != "EOF" {
		t.Errorf("the reason is %q", got)
	}
}

// TestHealth: refmond is well where it grants what it must; a client that waits no longer hears that it is busy.
func TestHealth(t *testing.T) {
	w := newExactly(t, shared)
	ok := answered(200, "ok\n", "Cache-Control: no-store", "Content-Type: text/plain; charset=utf-8")
	for range 2 {
		w.same("health", w.askOf(w.g.Console(), "", "GET", "/health", ""), ok)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if w.g.decides(ended) {
		t.Error("health of a request that is over")
	}
	w.same("another method", w.askOf(w.g.Console(), "", "HEAD", "/health", ""), inLine(405, "this method is not served",
		"Allow: GET"))
	w.same("a call by GET", w.askOf(w.g.Console(), "", "GET", "/refmon.v1.Access/Check", ""), inLine(405,
		"this method is not served", "Allow: POST"))
	w.same("what is not there", w.askOf(w.g.Console(), "", "GET", "/none", ""), saysAbsent)
}

// TestGathered: what is held leaves in one piece when it is let go, or before what does not fit beside it; nothing is
// lost or
// told twice.
//
// +checklocksignore
func TestGathered(t *testing.T) {
	for _, sizes := range [][]int{{10}, {10, 20}, {roomGathered}, {roomGathered, 1}, {1, roomGathered}, {roomGathered + 1},
		{5, roomGathered - 5}, {5, roomGathered - 4, 3}} {
		ours, theirs := net.Pipe()
		var wrote strings.Builder
		got := make(chan string, 1)
		go func() {
			b, _ := io.ReadAll(theirs)
			got <- string(b)
		}()
		var writes atomic.Int64
		c := &gathered{Conn: counted{ours, &writes}}
		c.hold()
		for i, n := range sizes {
			text := strings.Repeat(string(rune('a'+i)), n)
			wrote.WriteString(text)
			if n, err := c.Write([]byte(text)); n != len(text) || err != nil {
				t.Errorf("%v: %d, %v", sizes, n, err)
			}
		}
		c.release()
		sum := 0
		for _, n := range sizes {
			sum += n
		}
		if n := writes.Load(); (n == 1) != (sum <= roomGathered || len(sizes) == 1) {
			t.Errorf("%v leave in %d pieces", sizes, n)
		}
		if c.room != nil || c.n != 0 {
			t.Errorf("%v: it still holds", sizes)
		}
		if _, err := c.Write([]byte("after")); err != nil {
			t.Error(err)
		}
		_ = ours.Close()
		if text := <-got; text != wrote.String()+"after" {
			t.Errorf("%v: %d bytes came, want %d", sizes, len(text), wrote.Len()+5)
		}
	}
	if ctx := withGathered(t.Context(), &tls.Conn{}); ctx != t.Context() {
		t.Error("another connection is held")
	}
}
