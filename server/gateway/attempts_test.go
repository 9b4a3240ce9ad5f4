package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// from requests a file from an address, with a password.
func (w *world) from(address, user, password string) int {
	w.Helper()
	r := w.request("", http.MethodGet, "/share/f", "")
	r.SetBasicAuth(user, password)
	r.RemoteAddr = address
	got := &recorded{header: http.Header{}}
	w.g.Files().ServeHTTP(got, r)
	return got.code
}

// recorded is an answer of which the status counts.
type recorded struct {
	header http.Header
	code   int
}

func (r *recorded) Header() http.Header         { return r.header }
func (r *recorded) WriteHeader(code int)        { r.code = code }
func (r *recorded) Write(b []byte) (int, error) { return len(b), nil }

// TestGuessesDoNotLockTheUser checks that a guessing address is rejected before refmond locks the
// name, whatever names it uses, while other addresses and cached sessions continue (G-32, L-31).
func TestGuessesDoNotLockTheUser(t *testing.T) {
	var now atomic.Int64
	w := newWorld(t, shared, func(c *Config) { c.Now = func() time.Time { return time.Unix(now.Load(), 0) } })
	w.file("f", "f", shared)
	const stranger, victim = "192.0.2.7:1000", "198.51.100.1:5"
	if got := w.from(stranger, "bob", "pw-x"); got != 200 {
		t.Fatalf("a right password: %d, want 200", got)
	}
	for i := range 30 {
		name := []string{"alice", "ALICE", "Alice"}[i%3]
		want := 401
		if i >= wrongOfName {
			want = 429
		}
		if got := w.from(strings.Replace(stranger, ":1000", ":"+string(rune('1'+i%9)), 1), name, "wrong"); got != want {
			t.Errorf("G-32: guess %d: %d, want %d", i, got, want)
		}
	}
	for i := range 3 { // together more than one address is let guess in refmond (L-31)
		for range wrongOfName {
			w.from("203.0.113."+string(rune('1'+i))+":1", "alice", "wrong")
		}
	}
	if got := w.from(victim, "alice", "pw-x"); got != 200 {
		t.Errorf("G-32: the user is locked out: %d, want 200", got)
	}
	if got := w.from(stranger, "alice", "pw-x"); got != 200 {
		t.Errorf("an already verified password, from the attacker's address: %d, want 200", got)
	}
	if got := w.from(stranger, "bob", "pw-x"); got != 200 {
		t.Errorf("another user of that address: %d, want 200", got)
	}
	now.Add(int64(attemptTime/time.Second) + 301) // sessions are over, too
	if got := w.from(stranger, "alice", "pw-x"); got != 200 {
		t.Errorf("G-32: after the time: %d, want 200", got)
	}
}

// TestAttempts checks which addresses count together, that a right password is not counted, and the
// limits of an address and of the table (G-32).
func TestAttempts(t *testing.T) {
	a := &attempts{now: func() time.Time { return time.Unix(0, 0) }, of: map[attempt]wrong{}}
	for range 1000 {
		right, ok := a.try("192.0.2.1:1", "alice")
		if !ok {
			t.Fatal("G-32: right passwords count")
		}
		right()
	}
	if len(a.of) != 0 {
		t.Errorf("%d are remembered of right passwords, want 0", len(a.of))
	}
	tried := 0
	for i := range 1000 { // names of one network
		name := string([]rune{rune('a' + i%26), rune('a' + i/26)})
		if _, ok := a.try("[2001:db8::"+string(rune('a'+i%6))+"]:1", name); ok {
			tried++
		}
	}
	if tried != wrongOfAddress {
		t.Errorf("G-32: an address tries %d names, want %d", tried, wrongOfAddress)
	}
	for _, c := range [][2]string{{"[::ffff:192.0.2.1]:9", "192.0.2.1/32"}, {"[fe80::1%eth0]:9", "fe80::/64"},
		{"@", "invalid Prefix"}} {
		if got := networkOf(c[0]).String(); got != c[1] {
			t.Errorf("%s counts as %s, want %s", c[0], got, c[1])
		}
	}
	for i := range 3 * mostAttempts {
		a.try("10."+string(rune('0'+i%10))+"."+string(rune('0'+i/10%10))+".1:1", string(rune(i+32)))
	}
	if len(a.of) > mostAttempts+1 {
		t.Errorf("G-32: %d are remembered, want at most %d", len(a.of), mostAttempts)
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
	if n := len(a.of); n != 8192 {
		t.Errorf("G-32: %d are remembered, want 8192", n)
	}
	now = now.Add(15*time.Minute - 1)
	a.try(at(5001), "x") // none is over
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
	if got := a.of[attempt{from, "y"}].count; got != 1 {
		t.Errorf("G-32: two attempts of which one was right: %d, want 1", got)
	}
	if got := a.of[attempt{from, ""}]; got.count != 2 || !got.since.Equal(now.Add(-1)) {
		t.Errorf("G-32: of the address: %+v", got)
	}
}
