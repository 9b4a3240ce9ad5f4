package admission

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/refmon/refmon/internal/test/check"
)

// Of one key, one check runs at a time. Other keys do not wait for it. A check whose context ends does not wait, and
// leaves nothing.
func TestChecksOfOneKeyTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var turns Turns
		var all sync.WaitGroup
		running, most, done := 0, 0, 0
		var mu sync.Mutex
		begin := make(chan struct{})
		for range maxTurns {
			all.Go(func() {
				check.That(t, turns.Take(t.Context(), "a"), "a check that waits was refused")
				mu.Lock()
				running++
				most = max(most, running)
				mu.Unlock()
				<-begin
				mu.Lock()
				running, done = running-1, done+1
				mu.Unlock()
				turns.Give("a")
			})
		}
		synctest.Wait()
		check.That(t, !turns.Take(t.Context(), "a"), "a check beyond maxTurns waits, want it refused")
		check.That(t, turns.Take(t.Context(), "b"), "another key waits")
		turns.Give("b")
		close(begin)
		all.Wait()
		check.That(t, most == 1 && done == maxTurns, "%d ran at a time, %d ended, want 1, %d", most, done, maxTurns)

		check.That(t, turns.Take(t.Context(), "a"), "the key is not free")
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan bool)
		go func() { ended <- turns.Take(ctx, "a") }()
		synctest.Wait()
		cancel()
		check.That(t, !<-ended, "a check whose context has ended got a turn")
		turns.Give("a")
		check.Equal(t, len(turns.keys), 0, "keys without checks")
	})
}
