package dav

import (
	"fmt"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// TestLocksAreBounded checks both sides of the limits for one user and for all users. An expired lock frees its place
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
		if err := add(fmt.Sprint("user ", i/MostLocksEach)); err != nil {
			t.Fatalf("G-19: lock %d: %v", i, err)
		}
	}
	check.ErrorIs(t, add("another"), errFull, "G-19: a lock more than all users may have")
	table.remove(table.Active()[0].Token)
	if err := add("another"); err != nil {
		t.Errorf("G-19: a removed lock still counts: %v", err)
	}
	now = now.Add(time.Minute + 1)
	for i := range MostLocksEach + 1 {
		if err := add("one"); (err == nil) != (i < MostLocksEach) {
			t.Errorf("G-19: lock %d of one user: %v", i, err)
		}
	}
	table.remove(table.Active()[0].Token)
	if err := add("one"); err != nil {
		t.Errorf("G-19: a removed lock still counts for its user: %v", err)
	}
}

// TestLocksExcludeEachOtherIfTheyOverlap checks which two locks exclude each other (RFC 4918, 6.2; G-43), and that a
// removed lock takes no other with it.
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

// TestDropKeepsLocksOfMembers checks that Drop removes the locks of descendants only if told to.
func TestDropKeepsLocksOfMembers(t *testing.T) {
	for below, want := range map[bool]int{false: 2, true: 1} {
		table := newLockTable(time.Now)
		for _, name := range []Path{"/d", "/d/e", "/dd"} {
			check.NoError(t, func() error { _, _, err := table.Add(Lock{Root: name}, time.Hour); return err }())
		}
		table.Drop("/d", below)
		check.Equal(t, len(table.Active()), want, "below %t: locks", below)
	}
}

// A lock holds until its end, to the moment, although nothing has removed it from the table yet.
func TestExpiredLockIsNotFound(t *testing.T) {
	now := time.Unix(1000, 0)
	table := newLockTable(func() time.Time { return now })
	l, _, err := table.Add(Lock{User: "alice", Root: Root.Join("f")}, time.Minute)
	check.NoError(t, err)
	for _, c := range []struct {
		later time.Duration
		want  bool
	}{{time.Minute, true}, {time.Minute + 1, false}} {
		now = time.Unix(1000, 0).Add(c.later)
		if got, ok := table.owned("alice", l.Token, "/f"); ok != c.want || ok && got.Token != l.Token {
			t.Errorf("after %v: %+v, %t, want %t", c.later, got, ok, c.want)
		}
		root, _ := table.blocking(passport{user: "bob"}, touch{at: "/f"})
		check.Equal(t, root == "/f", c.want, "after %v: the lock blocks", c.later)
	}
}

// TestShortenedLockEndsEarlier checks that a lock that a refresh has shortened excludes no other after its new end.
func TestShortenedLockEndsEarlier(t *testing.T) {
	now := time.Unix(1000, 0)
	table := newLockTable(func() time.Time { return now })
	l, _, err := table.Add(Lock{User: "alice", Root: Root.Join("f")}, time.Hour)
	check.NoError(t, err)
	if got, ok := table.refresh(l.Token, time.Minute); !ok || !got.Until.Equal(now.Add(time.Minute)) {
		t.Errorf("refreshed: %+v, %t, want it to end in a minute", got, ok)
	}
	now = now.Add(time.Minute)
	_, _, err = table.Add(Lock{User: "bob", Root: Root.Join("f")}, time.Hour)
	check.ErrorIs(t, err, errConflict, "a lock before the end of the other")
	now = now.Add(1)
	_, _, err = table.Add(Lock{User: "bob", Root: Root.Join("f")}, time.Hour)
	check.NoError(t, err)
}
