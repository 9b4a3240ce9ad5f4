package dav

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// TestLockTokenIsUUID checks that a lock token is an opaquelocktoken URI with the text of a random UUID (RFC 4918,
// appendix C; RFC 9562, 4 and 5.4). The variant and the version replace six bits of the random bytes.
func TestLockTokenIsUUID(t *testing.T) {
	var ones [16]byte
	for i := range ones {
		ones[i] = 0xff
	}
	check.Equal(t, lockToken(ones), "opaquelocktoken:ffffffff-ffff-4fff-bfff-ffffffffffff", "token of ones")
	check.Equal(t, lockToken([16]byte{0x01, 15: 0x02}), "opaquelocktoken:01000000-0000-4000-8000-000000000002",
		"token of other bytes")
}

// TestLocksAreBounded checks both sides of the limits for one user and for all users. An expired lock no longer counts
// (G-19).
func TestLocksAreBounded(t *testing.T) {
	now := time.Unix(1000, 0)
	table := newLockTable(func() time.Time { return now })
	n := 0
	add := func(user string) error {
		n++
		_, _, err := table.Add(Lock{User: user, Root: Root.Join(fmt.Sprint(n))}, time.Minute)
		return err
	}
	for i := range MostLocks {
		check.Require(t, add(fmt.Sprint("user ", i/MostLocksEach)), nil, "G-19: lock %d", i)
	}
	check.ErrorIs(t, add("another"), errFull, "G-19: a lock more than all users may have")
	table.remove(table.Active()[0].Token)
	check.Equal(t, add("another"), nil, "G-19: a removed lock still counts")
	now = now.Add(time.Minute + 1)
	for i := range MostLocksEach + 1 {
		if err := add("one"); (err == nil) != (i < MostLocksEach) {
			t.Errorf("G-19: lock %d of one user: %v", i, err)
		}
	}
	table.remove(table.Active()[0].Token)
	check.Equal(t, add("one"), nil, "G-19: a removed lock still counts for its user")
	for _, l := range table.Active()[1:] { // all but one
		table.remove(l.Token)
	}
	for i := range MostLocksEach {
		check.Equal(t, add("one") == nil, i < MostLocksEach-1, "G-19: lock %d with one left", i)
	}
}

// TestLocksOfOneResourceAreBounded checks that at most ten shared locks cover one resource, wherever their roots are,
// and that locks of other resources do not count (G-19). A conflict is reported before this limit.
func TestLocksOfOneResourceAreBounded(t *testing.T) {
	deep, member := Lock{Root: "/c/d", Deep: true}, Lock{Root: "/c/d/e/f"}
	for _, c := range []struct {
		held, next Lock
		want       bool // the eleventh lock is refused
	}{{deep, deep, true}, {deep, member, true}, {member, deep, true}, {member, member, true},
		{Lock{Root: Root, Deep: true}, member, true}, {member, Lock{Root: Root, Deep: true}, true},
		{Lock{Root: "/c/d"}, member, false}, {member, Lock{Root: "/c/d"}, false},
		{Lock{Root: "/c/d/e/g"}, member, false}, {deep, Lock{Root: "/c/dd"}, false}} {
		now := time.Unix(1000, 0)
		table := newLockTable(func() time.Time { return now })
		c.held.Shared, c.next.Shared = true, true
		for range MostLocksShared {
			_, _, err := table.Add(c.held, time.Minute)
			check.NoError(t, err)
		}
		_, conflicts, err := table.Add(c.next, time.Minute)
		check.That(t, (err == errFull) == c.want && conflicts == nil, "G-19: 10 times %+v, then %+v: %v, %v", c.held,
			c.next, conflicts, err)
		now = now.Add(time.Minute + 1)
		_, _, err = table.Add(c.next, time.Minute)
		check.That(t, err == nil, "G-19: %+v after the end of %+v: %v", c.next, c.held, err)
	}
	table := newLockTable(time.Now)
	for i := range MostLocksShared + 1 { // the last one is exclusive
		l := Lock{Root: []Path{"/c/d", "/c/e"}[i/MostLocksShared], Shared: i < MostLocksShared}
		_, _, err := table.Add(l, time.Hour)
		check.NoError(t, err)
	}
	_, conflicts, err := table.Add(Lock{Root: "/c", Deep: true, Shared: true}, time.Hour)
	check.That(t, err == errConflict && len(conflicts) == 1, "a conflict and the limit: %+v, %v", conflicts, err)
}

// TestLocksExcludeEachOtherIfTheyOverlap checks which two locks exclude each other (RFC 4918, 6.2; G-43), and that a
// removing a lock removes no other.
func TestLocksExcludeEachOtherIfTheyOverlap(t *testing.T) {
	for _, c := range []struct {
		held, next Lock
		want       bool
	}{
		{Lock{Root: "/d", Deep: true}, Lock{Root: "/d/e/f"}, true},
		{Lock{Root: "/d", Deep: true}, Lock{Root: "/d/e", Deep: true}, true},
		{Lock{Root: "/", Deep: true}, Lock{Root: "/d"}, true},
		{Lock{Root: "/d"}, Lock{Root: "/d/e"}, false},
		{Lock{Root: "/d/e"}, Lock{Root: "/d", Deep: true}, true},
		{Lock{Root: "/d/e"}, Lock{Root: "/d"}, false},
		{Lock{Root: "/d", Deep: true}, Lock{Root: "/dd"}, false},
		{Lock{Root: "/d", Shared: true}, Lock{Root: "/d", Shared: true}, false},
		{Lock{Root: "/d", Shared: true}, Lock{Root: "/d"}, true},
	} {
		table := newLockTable(time.Now)
		first, _, err := table.Add(c.held, time.Hour)
		check.NoError(t, err)
		second, conflicts, err := table.Add(c.next, time.Hour)
		check.That(t, (err != nil) == c.want && (len(conflicts) == 1) == c.want,
			"%+v and then %+v: %v %v, want a conflict: %t", c.held, c.next, conflicts, err, c.want)
		table.remove(first.Token)
		if _, ok := table.find(second.Token); err == nil {
			_, _, err = table.Add(Lock{Root: c.next.Root}, time.Hour)
			check.That(t, ok && err != nil, "%+v ended with %+v", c.next, c.held)
		}
	}
}

// TestOneOfSeveralSharedLocksIsEnough checks that a request passes if its user submitted the token of one of the shared
// locks that cover a name, wherever their roots are (G-43). Without it each of them blocks.
func TestOneOfSeveralSharedLocksIsEnough(t *testing.T) {
	const at = Path("/d/e/f")
	roots := []Lock{{Root: "/", Deep: true}, {Root: "/d", Deep: true}, {Root: "/d/e", Deep: true}, {Root: at}}
	for _, own := range roots {
		for _, other := range roots {
			table := newLockTable(time.Now)
			own.User, own.Shared, other.User, other.Shared = "alice", true, "bob", true
			mine, _, err := table.Add(own, time.Hour)
			check.NoError(t, err)
			_, _, err = table.Add(other, time.Hour)
			check.NoError(t, err)
			check.That(t, slices.IsSortedFunc(table.covering(at), compareLocks), "%+v and %+v are out of order", own, other)
			for _, p := range []passport{{user: "alice"}, {"bob", map[string]bool{mine.Token: true}},
				{"alice", map[string]bool{mine.Token: true}}} {
				passes := p.user == "alice" && p.submitted != nil
				root, _ := table.blocking(p, touch{at: at})
				_, below := table.blocking(p, touch{at: "/c", deep: true})
				check.That(t, (root == "") == passes && below == nil,
					"G-43: %+v and %+v block %+v by %q, %q", own, other, p, root, below)
				_, below = table.blocking(p, touch{at: Root, deep: true})
				check.That(t, passes || other.Root == Root || slices.Contains(below, other.Root),
					"G-43: %+v and %+v block %+v below by %q", own, other, p, below)
			}
		}
	}
}

// TestDropKeepsLocksOfMembers checks that Drop removes the locks of descendants only on request, and keeps the order of
// the others.
func TestDropKeepsLocksOfMembers(t *testing.T) {
	for below, want := range map[bool]int{false: 20, true: 10} {
		table := newLockTable(time.Now)
		for i := range 30 {
			_, _, err := table.Add(Lock{Root: []Path{"/d", "/d/e", "/dd"}[i%3], Shared: true}, time.Hour)
			check.NoError(t, err)
		}
		table.Drop("/d", below)
		left := table.Active()
		check.That(t, len(left) == want && slices.IsSortedFunc(left, func(a, b Lock) int {
			return cmp.Or(cmp.Compare(a.Root, b.Root), cmp.Compare(a.Token, b.Token))
		}), "below %t: %+v, want %d locks in order", below, left, want)
	}
}

// TestLockHoldsUntilItsEnd checks that a lock, which a refresh has shortened, holds until its end, to the moment,
// although nothing has removed it from the table yet.
func TestLockHoldsUntilItsEnd(t *testing.T) {
	now := time.Unix(1000, 0)
	table := newLockTable(func() time.Time { return now })
	l, _, err := table.Add(Lock{User: "alice", Root: "/f"}, time.Hour)
	check.NoError(t, err)
	l.Until = now.Add(time.Minute)
	got, ok := table.refresh(l.Token, time.Minute)
	check.That(t, ok && got == l, "refreshed: %+v, %t, want %+v", got, ok, l)
	table.remove("unknown")
	_, known := table.find("unknown")
	_, refreshed := table.refresh("unknown", time.Minute)
	check.That(t, !known && !refreshed, "an unknown token: found %t, refreshed %t", known, refreshed)
	for later, want := range []bool{true, false} {
		now = l.Until.Add(time.Duration(later))
		got, ok := table.owned("alice", l.Token, "/f")
		root, _ := table.blocking(passport{user: "bob"}, touch{at: "/f"})
		check.That(t, ok == want && (root == "/f") == want && (!ok || got == l),
			"%d ns after its end: %+v, %t, blocked by %q, want %t", later, got, ok, root, want)
		check.Equal(t, len(table.covering("/f")) == 1, want, "%d ns after its end: the lock covers its resource", later)
		check.Equal(t, len(table.Active()) == 1, want, "%d ns after its end: the table lists the lock", later)
		_, _, err = table.Add(Lock{User: "bob", Root: "/f"}, time.Hour)
		check.Equal(t, err == errConflict, want, "%d ns after its end: the lock excludes another", later)
	}
	// Bob's lock lasts longer than the next one.
	check.Equal(t, len(table.Active()), 1, "locks")
	l, _, err = table.Add(Lock{User: "alice", Root: "/g"}, time.Minute)
	check.NoError(t, err)
	now = l.Until.Add(1)
	check.Equal(t, len(table.Active()), 1, "locks after the end of a shorter one")
}
