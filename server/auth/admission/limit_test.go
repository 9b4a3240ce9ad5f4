package admission

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// TestRejectedAttemptsAreNotCounted checks that rejected attempts are not counted, that the window starts at the first
// failure, and that changed limits keep the counts (D-25, D-33).
func TestRejectedAttemptsAreNotCounted(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	l := &Limit{PerPair: 2, PerName: 9, PerOrigin: 4, Now: func() time.Time { return now }}
	try := func(want bool, names ...string) {
		t.Helper()
		for _, n := range names {
			check.Equal(t, l.Attempt(n, "o", true), want, "D-25: %s", n)
		}
	}
	try(true, "a", "A")
	try(false, "a", "A", "a", "a")
	try(true, "b", "c") // rejected attempts do not count towards the origin's four
	try(false, "d")
	l.Bound(3, 9, 6)
	try(true, "a") // the name's third attempt, the origin's fifth
	try(false, "a")
	l.Bound(3, 9, 5)
	try(false, "e")
	l = &Limit{PerPair: 2, Now: func() time.Time { return now }}
	try(true, "a")
	now = now.Add(10 * time.Minute)
	try(true, "a")
	try(false, "a")
	now = now.Add(5*time.Minute - time.Second)
	try(false, "a")
	now = now.Add(time.Second) // fifteen minutes after the first
	try(true, "a")
	l = &Limit{PerPair: 2, LockPair: true, Now: func() time.Time { return now }}
	try(true, "a")
	now = now.Add(10 * time.Minute)
	try(true, "a", "b") // a is at its limit, b has one failure
	now = now.Add(15*time.Minute - 1)
	try(false, "a")
	try(true, "b")
	now = now.Add(1) // fifteen minutes after a's last attempt
	try(true, "a")
	try(false, "b")
}

// TestLimitIsBounded checks that a limit remembers a bounded number of names and evicts the oldest (D-26).
func TestLimitIsBounded(t *testing.T) {
	var c counts
	now := time.Unix(1_800_000_000, 0)
	for i := range maxKept + 5 {
		c.add(fmt.Sprint(i), now)
	}
	if len(c.byKey) != maxKept || c.order.Len() != maxKept || c.live("4", now, time.Minute) != 0 ||
		c.live("5", now, time.Minute) == 0 {
		t.Errorf("D-26: %d and %d are kept", len(c.byKey), c.order.Len())
	}
	check.That(t, c.live("7", now.Add(time.Hour), time.Minute) == 0 && len(c.byKey) == 0 && c.order.Len() == 0,
		"D-26: %d are kept after the window", len(c.byKey))
}

// TestIPv6NetworkIsOneOrigin checks that all addresses of an IPv6 network count as one origin, however they are
// written, and that each IPv4 address counts alone (D-30).
func TestIPv6NetworkIsOneOrigin(t *testing.T) {
	for _, c := range []struct{ origin, want string }{
		{"192.0.2.1", "192.0.2.1"}, {"192.0.2.2", "192.0.2.2"}, {"::ffff:192.0.2.1", "192.0.2.1"},
		{"2001:db8::1", "2001:db8::/64"}, {"2001:db8:0:0:ffff::9", "2001:db8::/64"}, {"2001:DB8::1", "2001:db8::/64"},
		{"2001:db8:0:1::1", "2001:db8:0:1::/64"}, {"fe80::1%eth0", "fe80::/64"}, {"fe80::1%eth1", "fe80::/64"},
		{"a printer", "a printer"}, {"192.0.2.1:80", "192.0.2.1:80"},
	} {
		check.Equal(t, Network(c.origin), c.want, "D-30: %s counts as", c.origin)
	}
}

// TestLimitRejectsAttemptsBeyondEachBound checks the default bounds of a limit. Names and origins have separate
// counters, one for each key, and names ignore case (D-25, D-30).
//
// +checklocksignore
func TestLimitRejectsAttemptsBeyondEachBound(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	fails := func(l *Limit, n int, name, origin func(int) string, named bool) (failed int) {
		for i := range n {
			if !l.Attempt(name(i), origin(i), named) {
				failed++
			}
		}
		return failed
	}
	same := func(s string) func(int) string { return func(int) string { return s } }
	each := func(s string) func(int) string { return func(i int) string { return fmt.Sprint(s, i) } }
	for _, c := range []struct {
		what         string
		l            *Limit
		name, origin func(int) string
		named        bool
		most         int
	}{
		{"a name from one origin", &Limit{}, same("a"), same("o"), true, 5},
		{"a name from all origins", &Limit{}, same("a"), each("o"), true, 100},
		{"an origin", &Limit{}, each("n"), same("o"), true, 50},
		{"a program", &Limit{}, each("n"), same("o"), false, 500},
		{"a name of a program", &Limit{}, same("a"), same("o"), false, 5},
		{"a name from one origin, bounded", &Limit{PerPair: 7}, same("a"), same("o"), true, 7},
		{"a name, bounded", &Limit{PerName: 7}, same("a"), each("o"), true, 7},
		{"an origin, bounded", &Limit{PerOrigin: 7}, each("n"), same("o"), true, 7},
		{"a program, bounded", &Limit{PerOrigin: 7}, each("n"), same("o"), false, 70},
		{"a name in two cases", &Limit{}, func(i int) string { return []string{"ab", "aB"}[i%2] }, same("o"), true, 5},
	} {
		c.l.Now = func() time.Time { return now }
		if failed := fails(c.l, c.most+3, c.name, c.origin, c.named); failed != 3 {
			t.Errorf("D-25: %s: %d of %d are refused, want 3", c.what, failed, c.most+3)
		}
		check.That(t, c.l.Refuses(c.name(0), c.origin(0), c.named), "D-25: %s: not refused in advance", c.what)
	}
	// A configured window applies, and uncounting affects both counters.
	l := &Limit{PerPair: 2, PerOrigin: 3, Window: time.Minute, Now: func() time.Time { return now }}
	state := func(want string) {
		t.Helper()
		var got []string
		for _, c := range []*counts{&l.pairs, &l.names, &l.origins} {
			for e := c.order.Front(); e != nil; e = e.Next() {
				x := e.Value.(*counted)
				got = append(got, fmt.Sprintf("%s:%d", strings.ReplaceAll(x.key, "\x00", "/"), x.n))
			}
			check.That(t, len(c.byKey) == c.order.Len(), "D-26: %d and %d, want %d", len(c.byKey), c.order.Len(), c.order.Len())
		}
		check.Equal(t, strings.Join(got, " "), want, "D-25: counted")
	}
	l.Attempt("a", "o", true)
	l.Attempt("A", "o", true)
	l.Attempt("b", "o", true)
	state("A/o:2 B/o:1 A:2 B:1 o:3")
	l.Unknown("a", "o")
	state("A/o:1 B/o:1 A:1 B:1 o:2")
	l.Unknown("b", "p") // an origin that is not counted
	state("A/o:1 B/o:1 A:1 o:2")
	l.Succeeded("a", "o")
	state("B/o:1 o:1")
	l.Attempt("bob", "p", true)
	l.Attempt("b", "p", true)
	l.Forget("b")
	state("BOB/p:1 BOB:1 o:1 p:2")
	l.Unknown("bob", "p")
	l.Unknown("b", "p")
	state("o:1")
	l.Succeeded("x", "o")
	state("")
	l.Attempt("a", "o", true)
	now = now.Add(time.Minute - 1)
	l.Attempt("b", "p", true)
	state("A/o:1 B/p:1 A:1 B:1 o:1 p:1")
	now = now.Add(1)
	l.Attempt("c", "q", true)
	state("B/p:1 C/q:1 B:1 C:1 p:1 q:1")
	l.Bound(2, 1, 9)
	check.That(t, !l.Attempt("b", "r", true) && l.PerPair == 2 && l.PerName == 1 && l.PerOrigin == 9,
		"D-33: bounds %d, %d and %d", l.PerPair, l.PerName, l.PerOrigin)
	// Each failure of a locked pair starts its window again: a/o, which failed last, expires after b/o.
	l = &Limit{PerPair: 2, LockPair: true, Window: time.Minute, Now: func() time.Time { return now }}
	for _, name := range []string{"a", "b", "a"} {
		l.Attempt(name, "o", true)
		now = now.Add(20 * time.Second)
	}
	now = now.Add(20 * time.Second)
	l.Attempt("c", "o", true)
	state("A/o:2 C/o:1 C:1 o:1")
	l = &Limit{}
	check.RequireThat(t, l.Attempt("a", "o", true), "D-25: the first attempt is refused")
	first := l.origins.order.Front().Value.(*counted).first
	check.That(t, time.Since(first) <= time.Hour, "D-25: without Now, an attempt has the time %v, want the host's", first)
}

// TestGuessesFromManyAddressesAreBounded checks that an attacker with 1,000 addresses makes at most 100 guesses at a
// name within the window. Before, during and after the attack the user can log on from another address (D-25).
func TestGuessesFromManyAddressesAreBounded(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	l := &Limit{Now: func() time.Time { return now }}
	logOn := func(when string) {
		t.Helper()
		check.That(t, l.Attempt("alice", "home", true), "D-25: %s the user is refused", when)
		l.Succeeded("alice", "home")
	}
	logOn("before the attack")
	guesses := 0
	for i := range 1000 {
		for range 6 {
			if l.Attempt("ALICE", fmt.Sprint("attacker", i), true) {
				guesses++
			}
		}
		if i%100 == 0 {
			logOn("during the attack")
		}
	}
	check.Equal(t, guesses, 100, "D-25: guesses")
	logOn("after the bound of the name")
	check.That(t, !l.Attempt("alice", "elsewhere", true),
		"D-25: an origin from which the user never logged on is open past the bound of the name")
	for range 5 {
		l.Attempt("alice", "home", true)
	}
	check.That(t, !l.Attempt("alice", "home", true), "D-25: the origin of the user has no bound")
	now = now.Add(15 * time.Minute)
	check.That(t, l.Attempt("alice", "elsewhere", true),
		"D-25: Attempt rejects the name after the window has ended, want accepted")
	// Each logon renews the proof of its origin.
	l.Succeeded("alice", "home")
	for _, c := range []struct {
		after time.Duration
		want  bool
	}{{provedFor - 1, true}, {1, false}} {
		now = now.Add(c.after)
		check.Equal(t, l.Proved("Alice", "home"), c.want, "D-25: proved %v after the last logon", c.after)
	}
}
