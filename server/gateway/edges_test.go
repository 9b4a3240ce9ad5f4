package gateway

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
)

// TestKnownClients: a client that is in use stays known, one more than the bound lives as long as its
// request, and no client is believed for longer than the stated time, however often it comes (G-4, G-5).
func TestKnownClients(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	cfg := Config{Sessions: 1, SessionLife: time.Minute, Now: func() time.Time { return now }}
	s := newSessions(nil, &cfg)
	right := func(one *session) { one.token, one.st = 4, ntstatus.Success }
	name := func(credential string) proof { return s.name("basic ", credential) }
	first := s.get(name("a"), right)
	second := s.get(name("b"), right)
	s.mu.Lock()
	if len(s.known) != 1 || first.dropped || !second.dropped {
		t.Errorf("G-4: %d clients are known, the first has left %v, the second %v", len(s.known), first.dropped,
			second.dropped)
	}
	s.mu.Unlock()
	for _, c := range []struct {
		after time.Duration
		known bool
	}{{30 * time.Second, true}, {time.Minute, true}, {time.Minute + 1, false}} {
		now = time.Unix(1_000_000, 0).Add(c.after)
		if got := s.find(name("a")); (got != nil) != c.known {
			t.Errorf("G-5: after %v it is known: %v", c.after, got != nil)
		}
		if c.known && s.get(name("a"), right) != first {
			t.Errorf("G-5: after %v it is logged on anew", c.after)
		}
	}
	again := s.get(name("a"), right)
	if again == first {
		t.Error("G-5: one that is over is believed")
	}
	long := strings.Repeat("x", 100)
	if name(long+"a") == name(long+"b") || s.name("a", "b") != s.name("a", "b") || name("a") == name("b") {
		t.Error("G-5: a credential is not known by all of it")
	}
}

// TestCallsOfAUser: a hundred calls at once and a hundred each second, however long one waits before; each
// user has as many (G-27).
func TestCallsOfAUser(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	r := &rates{now: func() time.Time { return now }, of: map[sid.SID]bucket{}}
	calls := func(user sid.SID, want int) {
		t.Helper()
		n := 0
		for n < 1000 && r.allow(user) {
			n++
		}
		if n != want {
			t.Errorf("G-27: %d calls, want %d", n, want)
		}
	}
	calls(sid.LocalSystem, 100)
	calls(sid.Everyone, 100)
	now = now.Add(500 * time.Millisecond)
	calls(sid.LocalSystem, 50)
	now = now.Add(time.Hour)
	calls(sid.LocalSystem, 100)
	calls(sid.LocalSystem, 0)
}

// TestXMLBounds: each thing that a body must not have, with nothing else wrong; as many elements in each
// other as may be (G-21).
func TestXMLBounds(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("<a>", n) + strings.Repeat("</a>", n) }
	for body, fine := range map[string]bool{"<a/>": true, `<?xml version="1.0"?><a/>`: true, "": true,
		"<!DOCTYPE a><a/>": false, `<!DOCTYPE a [<!ENTITY b "c">]><a/>`: false, "<!ELEMENT a ANY><a/>": false,
		"<?php x?><a/>": false, "<a><?x y?></a>": false, nested(32): true, nested(33): false, "<a>": false,
		`<a xmlns:b=""/>`: false, `<a xmlns:b="c"/>`: true} {
		if err := checkXML([]byte(body)); (err == nil) != fine {
			t.Errorf("G-21: %.40q: %v", body, err)
		}
	}
}

// TestWithoutAToken: without a client's token nothing is opened or read in a client's name (G-1, G-30).
func TestWithoutAToken(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end() // no thread is waited for
	p := &process{}
	if st := p.as(ended, 0, nil); st != ntstatus.NoToken {
		t.Errorf("G-1: %v", st)
	}
	if _, st := p.openAs(ended, 0, nt.CreateFileIn{}); st != ntstatus.NoToken {
		t.Errorf("G-1: an open: %v", st)
	}
	if _, st := p.readAs(ended, 0, nt.CreateFileIn{}, nil); st != ntstatus.NoToken {
		t.Errorf("G-30: %v", st)
	}
}

// cut is a body whose client left.
type cut struct{ err error }

func (c cut) Read([]byte) (int, error) { return 0, c.err }

// TestEarlyEnd: a body that ends with its own end is whole; one that ends in any other way breaks the
// upload off (G-14).
func TestEarlyEnd(t *testing.T) {
	for err, whole := range map[error]bool{io.EOF: true, io.ErrUnexpectedEOF: false, io.ErrClosedPipe: false} {
		q := &request{ctx: t.Context()}
		u := &upload{described: described{q: q}}
		if _, got := u.ReadFrom(cut{err}); (got == nil) != whole || q.isBroken() == whole {
			t.Errorf("G-14: a body that ends with %v: %v, broken off %v", err, got, q.isBroken())
		}
	}
}
