package gateway

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// TestUsersAreBounded checks that the table keeps 4,096 users, and that one more resets all (G-27).
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
	check.That(t, len(r.of) == 4096 && !r.allow(user(0)), "G-27: %d are known", len(r.of))
	now = now.Add(10 * time.Millisecond) // a hundredth of a second is a call
	check.That(t, r.allow(user(0)) && !r.allow(user(0)), "G-27: not one call in a hundredth of a second")
	if r.allow(user(4096)); len(r.of) != 1 {
		t.Errorf("G-27: %d are known, want 1", len(r.of))
	}
}

// TestHealthIs503WhenCheckIsCancelled checks that refmond is healthy if it grants what it must, and that a check that
// takes too long is a 503.
func TestHealthIs503WhenCheckIsCancelled(t *testing.T) {
	w := newExactly(t, shared)
	ok := answered(200, "ok\n", "Cache-Control: no-store", "Content-Type: text/plain; charset=utf-8")
	for range 2 {
		w.same("health", w.askOf(w.g.Console(), "", "GET", "/health", ""), ok)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	check.That(t, !w.g.decides(ended), "decides = true for a cancelled request, want false")
	w.same("its header", w.askOf(w.g.Console(), "", "HEAD", "/health", ""), ok)
	w.same("another method", w.askOf(w.g.Console(), "", "POST", "/health", ""), inLine(405,
		"this method is not supported here", "Allow: GET, HEAD"))
	w.same("a call by GET", w.askOf(w.g.Console(), "", "GET", "/refmon.v1.Access/Check", ""), inLine(405,
		"this method is not supported here", "Allow: POST"))
	w.same("what is not there", w.askOf(w.g.Console(), "", "GET", "/none", ""), saysAbsent)
}

// TestUserIsLimitedTo100CallsPerSecond checks that a user may make a hundred calls at a time and a hundred per second,
// that idle time does not accumulate, and that users do not share the limit (G-27).
func TestUserIsLimitedTo100CallsPerSecond(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	r := &rates{now: func() time.Time { return now }, of: map[sid.SID]bucket{}}
	calls := func(user sid.SID, want int) {
		t.Helper()
		n := 0
		for n < 1000 && r.allow(user) {
			n++
		}
		check.Equal(t, n, want, "G-27: calls")
	}
	calls(sid.LocalSystem, 100)
	calls(sid.Everyone, 100)
	now = now.Add(500 * time.Millisecond)
	calls(sid.LocalSystem, 50)
	now = now.Add(time.Hour)
	calls(sid.LocalSystem, 100)
	calls(sid.LocalSystem, 0)
}

// TestHealthNeedsCorrectGrantAndDenial checks that refmond is healthy only if it both grants and denies correctly,
// and is reachable.
func TestHealthNeedsCorrectGrantAndDenial(t *testing.T) {
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
		check.Equal(t, w.g.decides(t.Context()), c.want, "%s: healthy", c.name)
		w.stays(c.name)
	}
	g, err := New(Config{Dial: func() (*client.Conn, error) { return nil, http.ErrServerClosed }})
	w.must(err)
	w.same("no refmond", w.askOf(g.Console(), "", "GET", "/health", ""), inLine(503,
		"refmond is not available now: try again later", "Retry-After: 5"))
}
