package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// from requests a file from an address, with a password.
func (w *world) from(address, user, password string) int {
	w.Helper()
	r := w.request("", http.MethodGet, "/share/f", "")
	r.SetBasicAuth(user, password)
	r.RemoteAddr = address
	got := &recorded{header: http.Header{}}
	w.g.Files().ServeHTTP(got, r)
	check.That(w, got.code != 429 || got.header.Get("Retry-After") == "900", "a 429 has the header %v", got.header)
	return got.code
}

// recorded is a ResponseWriter that keeps only the status.
type recorded struct {
	header http.Header
	code   int
}

func (r *recorded) Header() http.Header         { return r.header }
func (r *recorded) WriteHeader(code int)        { r.code = code }
func (r *recorded) Write(b []byte) (int, error) { return len(b), nil }

// TestGuessingAddressIsRejectedBeforeLockout checks that a guessing address is rejected before refmond locks the
// name, whatever names it uses, while other addresses and cached sessions continue (G-32, L-31).
func TestGuessingAddressIsRejectedBeforeLockout(t *testing.T) {
	var now atomic.Int64
	w := newWorld(t, shared, func(c *Config) { c.Now = func() time.Time { return time.Unix(now.Load(), 0) } })
	w.file("f", "f", shared)
	const stranger, victim = "192.0.2.7:1000", "198.51.100.1:5"
	check.Require(t, w.from(stranger, "bob", "pw-x"), 200, "a right password")
	for i := range 30 {
		name := []string{"alice", "ALICE", "Alice", `.\alice`, `HOST\alice`, "alice@host", "al\u0131ce"}[i%7] // one account
		want := 401
		if i >= wrongOfName {
			want = 429
		}
		check.Equal(t, w.from(strings.Replace(stranger, ":1000", ":"+string(rune('1'+i%9)), 1), name, "wrong"), want,
			"G-32: guess %d", i)
	}
	for i := range 3 { // together more than refmond allows one address (L-31)
		for range wrongOfName {
			w.from("203.0.113."+string(rune('1'+i))+":1", "alice", "wrong")
		}
	}
	check.Equal(t, w.from(victim, "alice", "pw-x"), 200, "G-32: the user is locked out")
	check.Equal(t, w.from(stranger, "alice", "pw-x"), 200, "an already verified password, from the attacker's address")
	check.Equal(t, w.from(stranger, "bob", "pw-x"), 200, "another user of that address")
	now.Add(int64(attemptTime/time.Second) + 301) // sessions have expired too
	check.Equal(t, w.from(stranger, "alice", "pw-x"), 200, "G-32: after the time")
}

// TestFailedLogonsAreLimitedPerNetwork checks which addresses count together, and that a right password is not counted.
// TestAttemptsAgreeWithSimpleCount checks the limits (G-32).
func TestFailedLogonsAreLimitedPerNetwork(t *testing.T) {
	a := &attempts{now: func() time.Time { return time.Unix(0, 0) }, of: map[attempt]wrong{}}
	for range 1000 {
		right, ok := a.try("192.0.2.1:1", "alice")
		check.RequireThat(t, ok, "G-32: right passwords count")
		right()
	}
	check.Equal(t, len(a.of), 0, "G-32: counters after right passwords")
	for _, c := range [][2]string{{"[::ffff:192.0.2.1]:9", "192.0.2.1/32"}, {"[fe80::1%eth0]:9", "fe80::/64"},
		{"@", "invalid Prefix"}} {
		check.Equal(t, networkOf(c[0]).String(), c[1], "%s counts as", c[0])
	}
}

// TestAttemptTableIsBounded checks that the table keeps 8,192 counters, that expired ones are removed
// first, and that a right password uncounts only its own attempt (G-32).
//
// +checklocksignore
func TestAttemptTableIsBounded(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	a := &attempts{now: func() time.Time { return now }, of: map[attempt]wrong{}}
	at := func(i int) string { return fmt.Sprintf("10.%d.%d.1:9", i/250, i%250) }
	for i := range 4096 {
		if _, ok := a.try(at(i), "x"); !ok || len(a.of) != 2*i+2 {
			t.Fatalf("G-32: address %d: %t, %d are remembered, want true, %d", i, ok, len(a.of), 2*i+2)
		}
	}
	a.try(at(5000), "x")
	check.Equal(t, len(a.of), 8192, "G-32: counters")
	now = now.Add(15*time.Minute - 1)
	a.try(at(5001), "x") // none has expired
	if n := len(a.of); n != 8192 {
		t.Errorf("G-32: a moment before the time %d are remembered, want 8192", n)
	}
	now = now.Add(1)
	a.try(at(5002), "x")
	if n := len(a.of); n != 4 {
		t.Errorf("G-32: after the window %d entries are remembered, want 4 of two addresses", n)
	}
	right, _ := a.try(at(5001), "y")
	a.try(at(5001), "y")
	right()
	from := networkOf(at(5001))
	check.Equal(t, a.of[attempt{from, `\Y`}].count, 1, "G-32: two attempts of which one was right")
	if got := a.of[attempt{from, ""}]; got.count != 2 || !got.since.Equal(now.Add(-1)) {
		t.Errorf("G-32: of the address: %+v", got)
	}
}
