package index_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index"
)

// TestChangesFromAnyNumberReachIndexState checks that following the changes from any number leads to the index's state,
// without repeated or empty changes.
func TestChangesFromAnyNumberReachIndexState(t *testing.T) {
	l := newLive(t, true)
	l.start()
	l.settle()
	l.put("plan", butNotThem)
	l.put("new", forCarol)
	l.settle()
	without := strings.Replace(firm, `"memberOf":["Staff"]},`, `"memberOf":[]},`, 1) // alice leaves
	check.NoError(t, errors.Join(os.Remove(l.path("new")), os.WriteFile(l.config.Directory, []byte(without), 0o600)))
	l.settle()
	l.end()
	var all []index.Change
	has := map[string]bool{}
	check.NoError(t, index.Changes(l.state, 0, func(c index.Change) error {
		if gone := c.Document == l.path("new") && c.Lost != nil; c.Time == 0 || c.Directory == "" ||
			(c.Descriptor == "") != gone {
			t.Errorf("%+v: want evidence unless the document is gone", c)
		}
		all = append(all, c)
		for i, list := range [][]string{c.Gained, c.Lost} {
			for _, who := range list {
				if key := c.Document + " " + who; has[key] == (i == 0) {
					t.Errorf("%+v: reported twice in a row, want gained and lost alternating", c)
				} else {
					has[key] = i == 0
				}
			}
		}
		return nil
	}))
	x := l.open(time.Hour)
	for _, name := range []string{"plan", "new", "sub/offer"} {
		for rid := 1107; rid <= 1110; rid++ {
			who := fmt.Sprintf("S-1-5-21-1-2-3-%d", rid)
			if a := x.CanRead(l.path(name), who, "read"); a.Allowed != has[l.path(name)+" "+who] {
				t.Errorf("%s %s: %+v, by the changes %v", name, who, a, has[l.path(name)+" "+who])
			}
		}
	}
	for i, c := range all {
		rest := 0
		check.NoError(t, index.Changes(l.state, c.Seq, func(index.Change) error { rest++; return nil }))
		later := 0
		for _, d := range all[i:] {
			if d.Seq > c.Seq {
				later++
			}
		}
		check.That(t, rest == later, "after %d there are %d changes, want %d", c.Seq, rest, later)
	}
}

// TestFollowerReceivesChangesAcrossCompaction checks that a follower receives new changes, also across a compaction,
// and ends with the index's state (N-22).
func TestFollowerReceivesChangesAcrossCompaction(t *testing.T) {
	l := newLive(t, false)
	l.config.Compact = 1
	l.start()
	l.settle()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	received, done := make(chan index.Change), make(chan error, 1)
	go func() {
		done <- index.Follow(ctx, l.state, 0, func(c index.Change) error {
			received <- c
			return nil
		})
		close(received)
	}()
	kinds, who := []string{forStaff, butNotThem, forCarol}, []string{"1107 1108 1110", "1107 1110", "1109"}
	has, last := map[string]bool{}, uint64(0)
	for i := range 40 {
		l.put("plan", kinds[i%3])
		l.settle()
		for got := ""; got != who[i%3]; {
			c, more := <-received
			if !more {
				t.Fatal(<-done)
			}
			check.That(t, c.Seq >= last, "change %d after %d, want at least %d", c.Seq, last, last)
			last = c.Seq
			for _, sid := range c.Gained {
				has[c.Document+sid] = true
			}
			for _, sid := range c.Lost {
				delete(has, c.Document+sid)
			}
			got = ""
			for _, rid := range []string{"1107", "1108", "1109", "1110"} {
				if has[l.path("plan")+"S-1-5-21-1-2-3-"+rid] {
					got = strings.TrimSpace(got + " " + rid)
				}
			}
		}
	}
	stop()
	go func() {
		for range received { // no one waits for them
		}
	}()
	check.NoError(t, <-done)
}
