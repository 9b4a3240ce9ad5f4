package dav

import (
	"context"
	"slices"
	"sync"
	"time"
)

// claim is the exclusive or shared use of a name by a request that changes or depends on it.
type claim struct {
	at     Path
	deep   bool // the claim covers the descendants, too
	shared bool // other requests may share the name, but none may change it
	brief  bool // the name must be free when the request takes its claims, which do not include it
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
	// +checklocks:mu
	watches map[*watch]bool // guarded by mu
}

// watch notices exclusive claims of the name of a file while a COPY reads it. It keeps no request from its claims.
type watch struct {
	at      Path
	claimed bool // guarded by claims.mu: another request has claimed the name since the start
}

// newClaims returns a set without claims.
func newClaims() *claims {
	return &claims{held: map[*[]claim]bool{}, freed: make(chan struct{}), watches: map[*watch]bool{}}
}

// take reserves names for a request, all at once. take blocks while another request holds a conflicting claim. The
// caller must call release exactly once. If patience passes or ctx ends first, take reserves nothing and release is
// nil. An empty list never blocks.
func (c *claims) take(ctx context.Context, patience time.Duration, list ...claim) (release func()) {
	if !await(ctx, patience, func() <-chan struct{} { return c.try(&list) }) {
		return nil
	}
	return func() { c.release(&list) }
}

// watch waits until no request holds an exclusive claim of the name and then watches it. The caller must call end
// exactly once. end reports whether no request has claimed the name exclusively since watch returned. If patience
// passes or ctx ends first, end is nil and nothing is watched.
func (c *claims) watch(ctx context.Context, patience time.Duration, at Path) (end func() (undisturbed bool)) {
	w := &watch{at: at}
	if !await(ctx, patience, func() <-chan struct{} { return c.tryWatch(w) }) {
		return nil
	}
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.watches, w)
		return !w.claimed
	}
}

// await calls try until it returns nil, and returns true. Between calls it waits for the channel that try returned. If
// patience passes or ctx ends first, it returns false.
func await(ctx context.Context, patience time.Duration, try func() <-chan struct{}) bool {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		wait := try()
		if wait == nil {
			return true
		}
		select {
		case <-wait:
		case <-timeout.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// try takes all claims and returns nil. If one conflicts with a held claim, it takes none and returns a channel that
// closes when any request releases its claims. list also identifies the holder.
func (c *claims) try(list *[]claim) (wait <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for others := range c.held {
		if conflict(*list, *others) {
			return c.freed
		}
	}
	*list = slices.DeleteFunc(*list, func(c claim) bool { return c.brief })
	c.held[list] = true
	for w := range c.watches {
		// A COPY whose source is claimed may have read old and new bytes (G-38).
		if conflict(w.claims(), *list) {
			w.claimed = true
		}
	}
	return nil
}

// tryWatch starts a watch and returns nil. If a request holds an exclusive claim of the watched name, it returns a
// channel that closes when any request releases its claims.
func (c *claims) tryWatch(w *watch) (wait <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for others := range c.held {
		if conflict(w.claims(), *others) {
			return c.freed
		}
	}
	c.watches[w] = true
	return nil
}

// claims returns the claim that conflicts with exactly the claims that a watch notices.
func (w *watch) claims() []claim { return []claim{{at: w.at, shared: true}} }

// conflict reports whether a claim of one list conflicts with one of the other.
func conflict(a, b []claim) bool {
	for _, mine := range a {
		if slices.ContainsFunc(b, mine.conflicts) {
			return true
		}
	}
	return false
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
