package dav

import (
	"context"
	"sync"
	"time"
)

// claim is the exclusive or shared use of a name by a request that changes or depends on it.
type claim struct {
	at     Path
	deep   bool // the claim covers the descendants, too
	shared bool // other requests may share the name, but none may change it
}

// conflicts reports whether two requests must not run at the same time: their claims cover a common name, and at least
// one is not shared.
func (c claim) conflicts(other claim) bool {
	if c.shared && other.shared {
		return false
	}
	return c.at == other.at || c.deep && other.at.Under(c.at) || other.deep && c.at.Under(other.at)
}

// claims is a lock table within the server: the names that running requests reserve, from the test of their conditions
// until their effect (G-38). Programs on the host do not see it. It is safe for concurrent use.
type claims struct {
	mu sync.Mutex
	// +checklocks:mu
	held map[*[]claim]bool // guarded by mu
	// +checklocks:mu
	freed chan struct{} // guarded by mu: closed at the next release
}

// newClaims returns a set without claims.
func newClaims() *claims { return &claims{held: map[*[]claim]bool{}, freed: make(chan struct{})} }

// take reserves names for a request, all at once. take blocks while another request holds a conflicting claim. The
// caller must call release exactly once. If patience passes or ctx ends first, take reserves nothing and release is
// nil. An empty list never blocks.
func (c *claims) take(ctx context.Context, patience time.Duration, list ...claim) (release func()) {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		wait := c.try(&list)
		if wait == nil {
			return func() { c.release(&list) }
		}
		select {
		case <-wait:
		case <-timeout.C:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// try takes all claims and returns nil. If one conflicts with a held claim, it takes none and returns a channel that
// closes when any request releases its claims. list also identifies the holder.
func (c *claims) try(list *[]claim) (wait <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for others := range c.held {
		for _, other := range *others {
			for _, mine := range *list {
				if mine.conflicts(other) {
					return c.freed
				}
			}
		}
	}
	c.held[list] = true
	return nil
}

// release frees the claims that try took with the same pointer and wakes all waiting requests. An unknown list frees
// none.
func (c *claims) release(list *[]claim) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.held, list)
	close(c.freed)
	c.freed = make(chan struct{})
}
