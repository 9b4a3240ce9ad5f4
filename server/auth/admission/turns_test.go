package admission

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/refmon/refmon/internal/test/check"
)

// Checks of one name from one origin run one at a time; checks of other names and origins do not wait for them. A check
// whose context ends stops waiting and leaves the queue.
func TestChecksOfOneNameRunOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var turns Turns
		var all sync.WaitGroup
		running, most, done := 0, 0, 0
		var mu sync.Mutex
		begin := make(chan struct{})
		for range maxTurns {
			all.Go(func() {
				check.That(t, turns.Take(t.Context(), "a", "o"), "a waiting check was rejected")
				mu.Lock()
				running++
				most = max(most, running)
				mu.Unlock()
				<-begin
				mu.Lock()
				running, done = running-1, done+1
				mu.Unlock()
				turns.Give("a", "o")
			})
		}
		synctest.Wait()
		check.That(t, !turns.Take(t.Context(), "a", "o"), "a check beyond maxTurns waits, want it refused")
		check.That(t, turns.Take(t.Context(), "b", "o"), "another name waits")
		check.That(t, turns.Take(t.Context(), "a", "p"), "another origin waits")
		turns.Give("b", "o")
		turns.Give("a", "p")
		close(begin)
		all.Wait()
		check.That(t, most == 1 && done == maxTurns, "%d ran at a time, %d ended, want 1, %d", most, done, maxTurns)

		check.That(t, turns.Take(t.Context(), "a", "o"), "the name is not free")
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan bool)
		go func() { ended <- turns.Take(ctx, "A", "o") }()
		synctest.Wait()
		cancel()
		check.That(t, !<-ended, "a check whose context has ended got a turn")
		turns.Give("a", "o")
		check.Equal(t, len(turns.pairs), 0, "pairs without checks")
	})
}
