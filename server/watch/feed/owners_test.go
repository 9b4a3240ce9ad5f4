package feed

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	filetree "github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// TestAccountChangeStartsNewWalk checks that a watch ends when the SID of an owner changes, and that the follower's
// next connection reports the file's descriptor with the new SID (N-146).
func TestAccountChangeStartsNewWalk(t *testing.T) {
	var owner atomic.Pointer[sid.SID]
	earlier, later := sid.MustParse("S-1-5-21-1-2-3-1107"), sid.MustParse("S-1-5-21-1-2-3-1108")
	owner.Store(&earlier)
	tree := t.TempDir()
	x := serve(t, &Server{May: admitAll, Trees: map[string]Tree{tree: {Traverse: "never", Options: filetree.Options{
		Accounts: func(uint32, bool) sid.SID { return *owner.Load() }}}}})
	warned := make(chan error, 1)
	out, end := x.follow(Follower{Socket: x.socket, Root: tree, Beat: 20 * time.Millisecond, Warn: func(err error) {
		warned <- err
	}})
	walk := func(want sid.SID) {
		for b := range out {
			for _, s := range b.Seen {
				check.Equal(t, s.Descriptor.Owner(), want, "N-146: %s", s.Path)
			}
			if b.End {
				return
			}
		}
	}
	walk(earlier)
	for _, group := range []bool{false, true} {
		now := earlier
		o := owners{known: map[ownerID]sid.SID{}, accounts: func(_ uint32, g bool) sid.SID {
			if g != group {
				return earlier
			}
			return now
		}}
		o.sid(7, group)
		now = later
		o.sid(7, group) // another file of theirs
		check.ErrorIs(t, o.check(), errAccounts, "N-146: an owner, looked up again after the change, group %t", group)
	}
	owner.Store(&later)
	var lost error
	for lost == nil {
		select {
		case <-out:
		case lost = <-warned:
		case <-time.After(10 * time.Second):
			t.Fatal("N-146: the watch continues with the previous owner")
		}
	}
	check.That(t, strings.Contains(lost.Error(), errAccounts.Error()), "N-146: %v, want %v", lost, errAccounts)
	walk(later)
	if err := end(); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
