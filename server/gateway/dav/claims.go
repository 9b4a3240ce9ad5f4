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
	brief  bool // take waits until the name is free, and then does not hold it
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
	reads map[*read]bool // guarded by mu
}

// read is the use of a file by a COPY that reads it. It keeps no request from its claims.
type read struct {
	table *claims // immutable
	at    Path    // immutable
	stale bool    // guarded by table.mu: another request changes the file, or did so since the read began
}

// newClaims returns a set without claims.
func newClaims() *claims {
	return &claims{held: map[*[]claim]bool{}, freed: make(chan struct{}), reads: map[*read]bool{}}
}

// take reserves names for a request, all at once. take blocks while another request holds a conflicting claim. A brief
// claim is not reserved. The caller must call release exactly once. If patience passes or ctx ends first, take reserves
// nothing and release is nil. An empty list never blocks.
func (c *claims) take(ctx context.Context, patience time.Duration, list ...claim) (release func()) {
	if !await(ctx, patience, func() <-chan struct{} { return c.try(&list) }) {
		return nil
	}
	return func() { c.release(&list) }
}

// beginRead waits until no request holds an exclusive claim of the name, and then returns a read of it. The caller must
// call its method end. If patience passes or ctx ends first, beginRead returns nil.
func (c *claims) beginRead(ctx context.Context, patience time.Duration, at Path) *read {
	r := &read{table: c, at: at}
	if !await(ctx, patience, func() <-chan struct{} { return c.tryRead(r) }) {
		return nil
	}
	return r
}

// end ends the read. A second call does nothing.
func (r *read) end() {
	r.table.mu.Lock()
	defer r.table.mu.Unlock()
	delete(r.table.reads, r)
}

// interrupted reports whether a request has called beginChange for the name since the read began. Then the bytes read
// may be of two versions.
func (r *read) interrupted() bool {
	r.table.mu.Lock()
	defer r.table.mu.Unlock()
	return r.stale
}

// beginChange interrupts the reads of the claimed names, whose contents the caller is about to change (G-38). The
// caller must hold the claims.
func (c *claims) beginChange(list []claim) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for r := range c.reads {
		if conflict(r.sharedClaim(), list) {
			r.stale = true
		}
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
// closes when any request releases its claims. try deletes the brief claims from list, which identifies the holder.
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
	return nil
}

// tryRead begins a read and returns nil. If a request holds an exclusive claim of the name, it returns a channel that
// closes when any request releases its claims.
func (c *claims) tryRead(r *read) (wait <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for others := range c.held {
		if conflict(r.sharedClaim(), *others) {
			return c.freed
		}
	}
	c.reads[r] = true
	return nil
}

// sharedClaim returns a list with a shared claim of the name, which conflicts with the exclusive claims that cover it.
// The read does not hold this claim.
func (r *read) sharedClaim() []claim { return []claim{{at: r.at, shared: true}} }

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
