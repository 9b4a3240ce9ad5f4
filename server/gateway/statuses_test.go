package gateway

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/winnt"
)

// refusing logs a client on with a status that a test sets.
type refusing struct {
	*lsa.Store
	status atomic.Uint32
	asked  atomic.Int32
	last   atomic.Pointer[logon.Request]
}

func (r *refusing) LogOn(q logon.Request) (logon.Result, ntstatus.Status) {
	r.asked.Add(1)
	r.last.Store(&q)
	if st := ntstatus.Status(r.status.Load()); st != ntstatus.Success {
		return logon.Result{Reason: st}, st
	}
	return r.Store.LogOn(q)
}

// TestStatusesOfLogons: what a client hears for each status of a logon, whether the attempt counts, and that a failure
// is not kept: why it failed is never told (L-32), a logon that was not tried may be tried again and counts
// for no name (G-32), a credential that was wrong is asked about each time (G-5).
func TestStatusesOfLogons(t *testing.T) {
	var a *refusing
	w := newWorldOf(t, shared, func(s *lsa.Store) logon.Authority { a = &refusing{Store: s}; return a })
	w.file("f", "f", shared)
	const unasked, refused = 503, 401
	first := ""
	for _, c := range []struct {
		st   ntstatus.Status
		code int
	}{{ntstatus.LogonFailure, refused}, {ntstatus.AccountDisabled, refused}, {ntstatus.AccountLockedOut, refused},
		{ntstatus.LogonTypeNotGranted, refused}, {ntstatus.NoSuchUser, refused}, {ntstatus.WrongPassword, refused},
		{ntstatus.PrivilegeNotHeld, refused}, {ntstatus.InvalidParameter, refused}, {ntstatus.NoSuchPackage, refused},
		{ntstatus.NoLogonServers, unasked}, {ntstatus.AuditFailed, unasked}, {ntstatus.InsufficientResources, unasked},
		{ntstatus.Cancelled, unasked}, {ntstatus.Success, 200}} {
		a.status.Store(uint32(c.st))
		for again := range 3 {
			before := a.asked.Load()
			r := w.request("", http.MethodGet, "/share/f", "")
			r.SetBasicAuth("alice", "pw-x")
			r.RemoteAddr = "192.0.2.7:1000"
			got := httptest.NewRecorder()
			w.g.Files().ServeHTTP(got, r)
			if asks := a.asked.Load() - before; got.Code != c.code || (asks == 1) != (c.code != 200 || again == 0) {
				t.Errorf("G-5: %v: %d, want %d; asked %d times", c.st, got.Code, c.code, asks)
			}
			switch c.code {
			case refused:
				if first == "" {
					first = got.Body.String()
				}
				if got.Body.String() != first || got.Header().Get("WWW-Authenticate") == "" ||
					got.Header().Get("Retry-After") != "" {
					t.Errorf("L-32: %v: %q, %v", c.st, got.Body, got.Header())
				}
			case unasked:
				if got.Header().Get("Retry-After") != "5" || got.Header().Get("WWW-Authenticate") != "" ||
					strings.Contains(got.Body.String(), "STATUS") {
					t.Errorf("L-32: %v: %q, %v", c.st, got.Body, got.Header())
				}
			}
		}
		want := 3 * b2i(c.code == refused)
		w.g.attempts.mu.Lock()
		for k, f := range w.g.attempts.of {
			if f.count != want {
				t.Errorf("G-32: %v: %+v is counted %d times, want %d", c.st, k, f.count, want)
			}
		}
		if n := len(w.g.attempts.of); (n == 2) != (want > 0) || n != 0 && n != 2 {
			t.Errorf("G-32: %v: %d are counted: an address and a name of it", c.st, n)
		}
		clear(w.g.attempts.of)
		w.g.attempts.mu.Unlock()
		if n := w.acting(); n != 0 {
			t.Errorf("G-2: %v: %d threads act as a client", c.st, n)
		}
	}
	p, err := w.g.link.process()
	w.must(err)
	p.sessions.mu.Lock()
	defer p.sessions.mu.Unlock()
	if len(p.sessions.known) != 1 {
		t.Errorf("G-5: %d sessions are kept", len(p.sessions.known))
	}
}

// TestWhatALogonHas: what a name and password become for refmond: the name with its domain, a network logon,
// the address as the host's kernel says it, whatever headers say (L-65, G-3); longer credentials are not
// looked at.
func TestWhatALogonHas(t *testing.T) {
	var a *refusing
	w := newWorldOf(t, shared, func(s *lsa.Store) logon.Authority { a = &refusing{Store: s}; return a })
	a.status.Store(uint32(ntstatus.LogonFailure))
	for _, c := range []struct{ name, remote, domain, user, from string }{
		{"alice", "192.0.2.7:1000", "", "alice", "192.0.2.7"},
		{`HOST\alice`, "[2001:db8::1]:5", "HOST", "alice", "2001:db8::1"},
		{"alice@B.TEST", "[::ffff:192.0.2.8]:5", "", "alice@B.TEST", "192.0.2.8"},
		{`A\b\c`, "@", "A", `b\c`, ""},
	} {
		r := w.request("", http.MethodGet, "/share/f", "", "X-Forwarded-For", "203.0.113.9", "Forwarded", "for=203.0.113.9",
			"X-Real-IP", "203.0.113.9")
		r.SetBasicAuth(c.name, "pw:x")
		r.RemoteAddr = c.remote
		got := httptest.NewRecorder()
		w.g.Files().ServeHTTP(got, r)
		q := a.last.Load()
		if got.Code != 401 || q == nil || q.Domain != c.domain || q.Name != c.user || q.Password != "pw:x" ||
			q.Type != winnt.LOGON32_LOGON_NETWORK || q.Package != logon.Password || q.Tcb ||
			len(q.Groups) != 0 || q.Origin != c.from || q.Token != "" {
			t.Errorf("G-3: %q: %d, %+v", c.name, got.Code, q)
		}
	}
	for length, asks := range map[int]int32{64 << 10: 1, 64<<10 + 4: 0} {
		before := a.asked.Load()
		r := w.request("", http.MethodGet, "/share/f", "")
		r.SetBasicAuth("bob", strings.Repeat("x", length/4*3-len("bob:")))
		if _, value, _ := strings.Cut(r.Header.Get("Authorization"), " "); len(value) != length {
			t.Fatalf("%d bytes, want %d", len(value), length)
		}
		r.RemoteAddr = "192.0.2.9:1"
		got := httptest.NewRecorder()
		w.g.Files().ServeHTTP(got, r)
		if got.Code != 401 || a.asked.Load()-before != asks {
			t.Errorf("a credential of %d bytes: %d, asked %d times", length, got.Code, a.asked.Load()-before)
		}
	}
}
