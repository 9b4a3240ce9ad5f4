package dav

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// TestLocksAreBounded: the bound of one user and that of all users, each from both sides; a lock that is over makes
// room (G-19).
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
	if err := add("another"); !errors.Is(err, errFull) {
		t.Errorf("G-19: a lock more than all users may have: %v", err)
	}
	table.remove(table.Active()[0].Token)
	if err := add("another"); err != nil {
		t.Errorf("G-19: a lock that was removed still counts: %v", err)
	}
	now = now.Add(time.Minute + 1)
	for i := range MostLocksEach + 1 {
		if err := add("one"); (err == nil) != (i < MostLocksEach) {
			t.Errorf("G-19: lock %d of one user: %v", i, err)
		}
	}
}
