package admission

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// checks makes checks wait one after the other, and records in which order the pool serves them.
type checks struct {
	*testing.T
	p      *Pool
	mu     sync.Mutex
	served []string
	done   sync.WaitGroup
	cancel map[string]context.CancelFunc
}

// wait makes one check of a requester wait, and returns once the pool has it. A number behind # distinguishes the
// checks of one requester.
func (c *checks) wait(requester string) {
	c.Helper()
	ctx, cancel := context.WithCancel(c.Context())
	c.cancel[requester] = cancel
	before := c.p.Waiting()
	c.done.Go(func() {
		key, _, _ := strings.Cut(requester, "#")
		entered := c.p.Enter(ctx, key)
		c.mu.Lock()
		defer c.mu.Unlock()
		if !entered {
			requester = "-" + requester
		}
		c.served = append(c.served, requester)
	})
	for c.p.Waiting() == before {
		runtime.Gosched()
	}
}

// leave frees a slot n times. It waits each time until the next check has the slot, and returns the requesters in the
// order in which they were served.
func (c *checks) leave(n int) string {
	c.mu.Lock()
	c.served = nil
	c.mu.Unlock()
	for i := range n {
		c.p.Leave()
		c.waitForServed(i + 1)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.served, " ")
}

func (c *checks) waitForServed(n int) {
	for {
		c.mu.Lock()
		served := len(c.served)
		c.mu.Unlock()
		if served >= n {
			return
		}
		runtime.Gosched()
	}
}

func newChecks(t *testing.T, places, waiters int) *checks {
	c := &checks{T: t, p: NewPool(places, waiters), cancel: map[string]context.CancelFunc{}}
	for i := range places {
		check.RequireThat(t, c.p.Enter(t.Context(), fmt.Sprint("running", i)), "L-74: a free place is refused")
	}
	return c
}

// TestRequestersAreServedInTurn checks that a flood of one requester delays the checks of others by at most one
// check, because free slots rotate among the requesters (L-74).
//
// +checklocksignore: no other goroutine is left
func TestRequestersAreServedInTurn(t *testing.T) {
	c := newChecks(t, 1, 128)
	for range 100 {
		c.wait("mallory")
	}
	c.wait("alice")
	c.wait("bob")
	c.wait("alice")
	check.Equal(t, c.leave(6), "mallory alice bob mallory alice mallory", "L-74: served")
	c.wait("carol")
	check.Equal(t, c.leave(2), "mallory carol", "L-74: a newcomer: served")
	for c.p.Waiting() > 0 {
		c.p.Leave()
	}
	c.done.Wait()
	c.p.Leave()
	check.That(t, c.p.free == 1 && len(c.p.queues) == 0 && c.p.turns.Len() == 0,
		"L-74: %d places, %d queues", c.p.free, len(c.p.queues))
}

// TestFullQueueDropsChecksOfBusiestRequester checks a full queue: another requester's check replaces the newest check
// of the requester with the most waiting checks. Further checks of that requester are rejected (L-74).
func TestFullQueueDropsChecksOfBusiestRequester(t *testing.T) {
	c := newChecks(t, 1, 4)
	for i := range 4 {
		c.wait(fmt.Sprint("mallory#", i))
	}
	check.That(t, !c.p.Enter(t.Context(), "mallory"), "L-74: more checks wait than the pool allows")
	c.done.Go(func() {
		if c.p.Enter(t.Context(), "alice") {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.served = append(c.served, "alice")
		}
	})
	c.waitForServed(1)
	if got := strings.Join(c.served, " "); got != "-mallory#3" || c.p.Waiting() != 4 {
		t.Errorf("L-74: %s was turned away, %d wait, want -mallory#3, 4", got, c.p.Waiting())
	}
	check.Equal(t, c.leave(4), "mallory#0 alice mallory#1 mallory#2", "L-74: served")
	c.done.Wait()
	// A requester with one check less than the longest queue gets no further one.
	c = newChecks(t, 1, 4)
	for _, requester := range []string{"mallory", "mallory", "alice", "bob"} {
		c.wait(requester)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	check.That(t, !c.p.Enter(ended, "alice"), "L-74: alice got as many places as mallory")
	check.Equal(t, c.leave(4), "mallory alice bob mallory", "L-74: served")
	c.done.Wait()
}

// TestWaitEndsWithItsContext checks that a check whose context is done leaves the queue without taking a slot (L-74).
func TestWaitEndsWithItsContext(t *testing.T) {
	c := newChecks(t, 1, 4)
	c.wait("alice")
	c.wait("bob")
	c.cancel["alice"]()
	c.waitForServed(1)
	if got := strings.Join(c.served, " "); got != "-alice" || c.p.Waiting() != 1 {
		t.Errorf("L-74: %s ended, %d wait, want -alice, 1", got, c.p.Waiting())
	}
	check.Equal(t, c.leave(1), "bob", "L-74: served")
	c.done.Wait()
}

// TestCancelledWaitKeepsNoSlot checks that a check whose context ends while it gets a slot either holds the slot or
// leaves it free (L-74). The scheduler decides which.
func TestCancelledWaitKeepsNoSlot(t *testing.T) {
	for range 200 {
		p := NewPool(1, 1)
		p.Enter(t.Context(), "alice")
		ctx, cancel := context.WithCancel(t.Context())
		entered := make(chan bool)
		go func() { entered <- p.Enter(ctx, "bob") }()
		for p.Waiting() == 0 {
			runtime.Gosched()
		}
		cancel()
		p.Leave()
		if <-entered {
			p.Leave()
		}
		check.RequireThat(t, p.Enter(ctx, "carol"), "L-74: nobody has the place, and it is not free")
	}
}
