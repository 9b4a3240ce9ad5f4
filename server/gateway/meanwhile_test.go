package gateway

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// TestLogonsMeanwhile: a logon that fails takes nothing from another one of the same credential, which was made
// meanwhile; each token is let go once, after its last request (G-4, G-5).
//
// +checklocksignore
func TestLogonsMeanwhile(t *testing.T) {
	for _, fails := range []bool{true, false} {
		t.Run(fmt.Sprintf("the first fails %t", fails), func(t *testing.T) { meanwhile(t, fails) })
	}
}

// +checklocksignore
func meanwhile(t *testing.T, fails bool) {
	t.Helper()
	w := newWorld(t, shared, func(c *Config) { c.Threads = 1 })
	p, err := w.g.link.process()
	w.must(err)
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
	s := newSessions(p, &Config{Sessions: 1, SessionLife: time.Hour, Now: func() time.Time { return time.Unix(9, 0) }})
	made := func(one *session) { one.token, one.st = w.own(p), ntstatus.Success }
	a, b := s.name("", "a"), s.name("", "b")
	busy := s.get(a, made)
	var second *session
	first := s.get(b, func(one *session) { // there is no room
		s.put(busy)
		second = s.get(b, made) // now there is
		if !fails {
			made(one)
		}
	})
	if first == second || !first.dropped || second.dropped || s.known[b] != second || len(s.known) != 1 {
		t.Errorf("G-4: the first is dropped %t, the second %t, %d are known", first.dropped, second.dropped, len(s.known))
	}
	if found := s.find(b); found != second || second.users != 2 {
		t.Fatalf("G-4: found is %v, and %d requests use the second", found, second.users)
	}
	s.put(second)
	s.put(first)
	s.put(second)
	settles(1)
	if second.token == 0 || s.known[b] != second || second.users != 0 {
		t.Errorf("G-5: the second: %+v", second)
	}
	// One that fails with room for it is found by no one afterwards, and by those who came meanwhile.
	s.dropLocked(b, second)
	var late *session
	one := s.get(a, func(one *session) { late = s.knownNow(a); one.st = ntstatus.LogonFailure })
	if late != one || !one.dropped || len(s.known) != 0 || one.st != ntstatus.LogonFailure || one.users != 1 {
		t.Errorf("G-5: a logon that failed: %+v, %d are known", one, len(s.known))
	}
	s.put(one)
	settles(0)
}

// knownNow returns the session of a credential, while another is made.
//
// +checklocksignore
func (s *sessions) knownNow(k proof) *session { return s.known[k] }

// TestNoCredentialStays: once a credential has its name, nothing of it is left in the memory that the next one uses,
// longer or shorter (G-5).
func TestNoCredentialStays(t *testing.T) {
	cfg := Config{Sessions: 1, SessionLife: time.Hour, Now: time.Now}
	s := newSessions(nil, &cfg)
	for _, secret := range []string{"YWxpY2U6cHcteA==", "a", "", "a rather long one, with more than the last"} {
		k := &keyed{Hash: hmac.New(sha256.New, s.key[:]), text: make([]byte, 0, 100)}
		for range 100 { // the pool may forget what it is given
			s.hashes.Put(k)
			if s.name("basic ", secret); len(k.text) > 0 {
				break
			}
		}
		for i, c := range k.text[:cap(k.text)] {
			if c != 0 {
				t.Errorf("G-5: byte %d of %q is left", i, secret)
				break
			}
		}
	}
}

// TestHealthOfDecisions: refmond is well where it grants what it must and refuses what it must: one of them alone, or
// no way to it, is no health.
func TestHealthOfDecisions(t *testing.T) {
	w := newExactly(t, shared)
	all, none := yes, no
	defer func() { yes, no = all, none }()
	for _, c := range []struct {
		name                  string
		grants, refuses, want bool
	}{{"both", true, true, true}, {"it grants everything", true, false, false},
		{"it refuses everything", false, true, false}, {"the other way round", false, false, false}} {
		yes, no = all, none
		if !c.grants {
			yes = none
		}
		if !c.refuses {
			no = all
		}
		if got := w.g.decides(t.Context()); got != c.want {
			t.Errorf("%s: it is well %t, want %t", c.name, got, c.want)
		}
		w.stays(c.name)
	}
	g, err := New(Config{Dial: func() (*client.Conn, error) { return nil, http.ErrServerClosed }})
	w.must(err)
	w.same("no refmond", w.askOf(g.Console(), "", "GET", "/health", ""), inLine(503,
		"refmond cannot serve this now", "Retry-After: 5"))
}

// TestOrigins: a request is from this origin if its one Origin header says so, in whatever case, and what the browser
// says of its site does not speak against it; without either it is from no browser (G-16).
func TestOrigins(t *testing.T) {
	const own, other = "https://files.test", "https://evil.test"
	for _, c := range []struct {
		name    string
		origins []string
		site    []string
		want    bool
	}{
		{"no browser", nil, nil, true}, {"its own", []string{own}, nil, true},
		{"another case", []string{"HTTPS://Files.Test"}, nil, true}, {"another", []string{other}, nil, false},
		{"null", []string{"null"}, nil, false}, {"nothing in it", []string{""}, nil, false},
		{"none in the header", []string{}, nil, false}, {"twice its own", []string{own, own}, nil, false},
		{"its own first", []string{own, other}, nil, false}, {"its own last", []string{other, own}, nil, false},
		{"both in one", []string{own + " " + other}, nil, false}, {"by HTTP", []string{"http://files.test"}, nil, false},
		{"another port", []string{own + ":444"}, nil, false}, {"a longer name", []string{own + ".evil.test"}, nil, false},
		{"a path", []string{own + "/"}, nil, false}, {"a shorter name", []string{"https://files.tes"}, nil, false},
		{"this site", nil, []string{"same-origin"}, true}, {"the user", nil, []string{"none"}, true},
		{"a site beside", nil, []string{"same-site"}, false}, {"across", nil, []string{"cross-site"}, false},
		{"a word to come", nil, []string{"same-origin-or-so"}, false},
		{"its own, across", []string{own}, []string{"cross-site"}, false},
		{"another, said to be this site", []string{other}, []string{"same-origin"}, false},
		{"its own and this site", []string{own}, []string{"same-origin"}, true},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, own+"/x", nil)
		if c.origins != nil {
			r.Header["Origin"] = c.origins
		}
		if c.site != nil {
			r.Header["Sec-Fetch-Site"] = c.site
		}
		if got := sameOrigin(r); got != c.want {
			t.Errorf("G-16: %s: %t, want %t", c.name, got, c.want)
		}
	}
}

// leaving is the context of a client that leaves at one of the calls for it.
type leaving struct {
	context.Context
	left *int
}

func (l leaving) Err() error {
	if *l.left--; *l.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestLeaveAtEachCall: a client that leaves before any call for an upload has not begun it: what fails for another
// reason than a refusal is no reason to write to the file, which stays as it was, and nothing is held (G-14).
func TestLeaveAtEachCall(t *testing.T) {
	for _, name := range []string{"old", "new"} {
		w := newExactly(t, shared)
		w.file("old", "old", shared)
		known := w.of("alice")
		refusals := 0
		for calls := 0; ; calls++ {
			left := calls
			q := &request{g: w.g, s: known.s, ctx: leaving{t.Context(), &left}}
			u, refused := q.upload(place{"share", name})
			if refused == nil {
				if u.beside == 0 || (u.target != 0) != (name == "old") {
					t.Errorf("G-14: %s: with %d calls it begins as %+v", name, calls, u)
				}
				u.q.s.p.release(u.beside)
				u.q.s.p.release(u.target)
				break
			}
			if refusals++; u != nil || refused.code != http.StatusServiceUnavailable ||
				refused.status != ntstatus.Cancelled || calls > 10 {
				t.Fatalf("G-14: %s: left before call %d: %+v, %+v", name, calls, u, refused)
			}
			w.stays(fmt.Sprintf("%s, left before call %d", name, calls))
		}
		w.stays(name)
		if got := w.content("old"); refusals < 2 || got != "old" || w.entries("") != "old" {
			t.Errorf("G-14: %s: %d times refused; it holds %q, and the tree %s", name, refusals, got, w.entries(""))
		}
	}
}
