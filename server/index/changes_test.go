package index_test

import (
	"context"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/index"
)

// TestFollowerReceivesChangesAcrossCompaction checks that a follower receives new changes, also across a compaction,
// and ends with the index's state (N-22).
func TestFollowerReceivesChangesAcrossCompaction(t *testing.T) {
	l := newLive(t, false)
	l.config.Compact = 1
	l.start()
	l.awaitBeats()
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
		l.awaitBeats()
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
