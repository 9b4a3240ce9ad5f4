package gateway

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/kerberos"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// refusing is an authority that fails logons with a status set by the test.
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

// TestFailedLogonsAreNotCached checks the response for each logon status, whether the attempt counts, and
// that failures are not cached. The reason is never sent (L-32), a logon that was not tried may be
// repeated and does not count (G-32), and a wrong credential is checked each time (G-5).
func TestFailedLogonsAreNotCached(t *testing.T) {
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
				t.Errorf("G-5: %v: HTTP status %d, want %d; %d logons", c.st, got.Code, c.code, asks)
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
		want := 0
		if c.code == refused {
			want = 3
		}
		w.g.attempts.mu.Lock()
		for k, f := range w.g.attempts.of {
			check.That(t, f.count == want, "G-32: %v: %+v is counted %d times, want %d", c.st, k, f.count, want)
		}
		if n := len(w.g.attempts.of); (n == 2) != (want > 0) || n != 0 && n != 2 {
			t.Errorf("G-32: %v: %d are counted: an address and a name of it", c.st, n)
		}
		clear(w.g.attempts.of)
		w.g.attempts.mu.Unlock()
		check.Equal(t, w.impersonating(), 0, "G-2: %v: threads that act as a client", c.st)
	}
	p := check.Must(w.g.link.process())
	p.sessions.mu.Lock()
	defer p.sessions.mu.Unlock()
	check.Equal(t, len(p.sessions.known), 1, "G-5: kept sessions")
}

// TestLogonRequestIgnoresHeaders checks the logon request to refmond: name with domain, network logon, and the
// kernel's client address whatever the headers are (L-65, G-3). Overlong credentials are rejected.
func TestLogonRequestIgnoresHeaders(t *testing.T) {
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
			t.Errorf("a credential of %d bytes: HTTP status %d after %d logons, want 401 after %d",
				length, got.Code, a.asked.Load()-before, asks)
		}
	}
}

// TestHTTP2UsersOnOneConnectionStaySeparate checks that concurrent requests of several users on one HTTP/2 connection
// are each served as their own user (G-2).
func TestHTTP2UsersOnOneConnectionStaySeparate(t *testing.T) {
	w := newWorld(t, shared)
	for name := range w.sids {
		w.file(name, name, "O:BAG:SYD:P(A;;FA;;;{"+name+"})")
	}
	for name := range w.sids {
		w.ask(name, "GET", "/share/"+name, "") // all sessions are cached, and the connection is open
	}
	var connections atomic.Int64
	trace := &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
		if !i.Reused {
			connections.Add(1)
		}
	}}
	var group sync.WaitGroup
	for i := range mostStreams - 1 { // fewer than the stream limit of a connection
		group.Go(func() {
			names := []string{"alice", "bob", "carol"}
			user, file := names[i%3], names[i/3%3]
			r := w.request(user, http.MethodGet, "/share/"+file, "")
			answer, err := w.server.Client().Do(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
			if err != nil {
				t.Error(err)
				return
			}
			defer answer.Body.Close()
			b, err := io.ReadAll(answer.Body)
			if answer.ProtoMajor != 2 || err != nil || (answer.StatusCode == http.StatusOK) != (user == file) ||
				user == file && string(b) != user {
				t.Errorf("%s gets the file of %s: %s %d %q, %v", user, file, answer.Proto, answer.StatusCode, b, err)
			}
		})
	}
	group.Wait()
	check.Equal(t, connections.Load(), 0, "further connections")
	check.Equal(t, w.impersonating(), 0, "G-2: threads that still act as a client")
}

// TestTicketLogsClientOnForOneRequest checks that a client with a ticket is the ticket's domain user, for one request.
// The token ends with the request, and the same ticket is rejected the second time (G-6, K-47).
func TestTicketLogsClientOnForOneRequest(t *testing.T) {
	const realm, service = "EXAMPLE.TEST", "HTTP/files.example.test"
	key, domain := forge.NewKey(18), sid.MustParse("S-1-5-21-10-20-30")
	at := time.Now().Add(3 * time.Second)
	ticket := func(name string, rid uint32) string {
		pac := forge.PAC{Domain: domain, User: rid, Primary: 513, Name: name, DomainName: "EXAMPLE", AuthTime: at,
			Groups: []forge.Group{{RID: 513, Attributes: 7}}, Requestor: domain.WithRID(rid)}
		f := forge.Ticket{Service: service, Realm: realm, Key: key, Version: 2, Client: name, AuthTime: at, At: at,
			Mutual: true, PAC: forge.Seal(pac.Buffers(), key)}
		return "Negotiate " + base64.StdEncoding.EncodeToString(f.Blob())
	}
	file := t.TempDir() + "/keytab"
	write(t, file, forge.Keytab(forge.Entry{Service: service, Realm: realm, Version: 2, Key: key}))
	w := newWorldOf(t, "O:BAG:SYD:P(A;OICI;FA;;;S-1-5-21-10-20-30-1104)", func(s *lsa.Store) logon.Authority {
		keys := check.Must(kerberos.ReadKeytab(file))
		tickets, err := kerberos.New(kerberos.Config{Keys: keys, Realm: realm, Skew: 5 * time.Minute, Domain: domain,
			EncryptionTypes: []int32{18}, State: t.TempDir(),
			Machine: func() sid.SID { return s.Computer().SID }})
		check.NoError(t, err)
		t.Cleanup(func() { _ = tickets.Close() })
		return kerberos.Authority{Store: s, Tickets: func() *kerberos.Acceptor { return tickets }}
	}, local, func(c *Config) { c.Negotiate = true })
	w.file("f", "f", "O:BAG:SYD:P(A;;FA;;;S-1-5-21-10-20-30-1104)")
	w.want(401, "", "GET", "/share/f", "")
	kept := w.present()
	alice := ticket("alice", 1104)
	got := w.want(200, "", "GET", "/share/f", "", "Authorization", alice)
	check.That(t, len(got.header.Get("WWW-Authenticate")) >= 50,
		"the response has no proof that the server has the key: %v", got.header)
	w.want(401, "", "GET", "/share/f", "", "Authorization", alice)
	w.want(404, "", "GET", "/share/f", "", "Authorization", ticket("bob", 1105))
	page := w.want(200, "", "GET", "/share/", "", "Authorization", ticket("alice", 1104))
	check.That(t, strings.Contains(page.body, `<p>as EXAMPLE\alice</p>`),
		"the page does not name its client:\n%s, want text containing %q", page.body, `<p>as EXAMPLE\alice</p>`)
	checked := w.forward("", "127.0.0.1:5", "Authorization", ticket("alice", 1104), "X-Forwarded-Uri", "/share/f",
		"X-Refmon-Right", "read")
	check.That(t, checked.Code == 200 && len(checked.Header().Get("WWW-Authenticate")) >= 50,
		"forward-auth: %d, %v, want 200 with a proof of the key", checked.Code, checked.Header())
	challenges := w.want(401, "", "GET", "/share/f", "").header.Values("WWW-Authenticate")
	check.That(t, len(challenges) == 2 && challenges[0] == "Negotiate",
		`the challenges are %q, want 2, the first "Negotiate"`, challenges)
	w.g.cfg.Negotiate = false // without the option a ticket is not a credential and is not offered
	w.want(401, "", "GET", "/share/f", "", "Authorization", ticket("alice", 1104))
	if challenges := w.want(401, "", "GET", "/share/f", "").header.Values("WWW-Authenticate"); len(challenges) != 1 {
		t.Errorf("without tickets the challenges are %q, want 1", challenges)
	}
	w.awaitClosed(kept)
}
