package admission

import (
	"container/list"
	"context"
	"sync"
)

// Pool bounds concurrent password checks and serves requesters round-robin, however many checks each waits for.
// Create it with [NewPool]; the zero value admits no check. It is safe for concurrent use.
type Pool struct {
	waiters int // immutable: how many may wait

	mu sync.Mutex
	// +checklocks:mu
	free int // guarded by mu: places that no check has
	// +checklocks:mu
	waiting int // guarded by mu: number of waiting checks
	// +checklocks:mu
	queues map[string]*queue // guarded by mu: by requester, none empty
	// +checklocks:mu
	turns list.List // guarded by mu: of *queue, the next one to be served in front
}

// queue has the waiting checks of one requester. Guarded by Pool.mu.
type queue struct {
	requester string
	waits     list.List // of *waiter
	turn      *list.Element
}

// waiter is one waiting check. granted is closed when it is admitted or rejected.
type waiter struct {
	granted chan struct{}
	refused bool // guarded by Pool.mu
}

// NewPool returns a pool that admits up to places concurrent checks and lets up to waiters further ones wait. Without
// places no check is ever admitted.
func NewPool(places, waiters int) *Pool {
	return &Pool{waiters: waiters, free: places, queues: map[string]*queue{}}
}

// Enter waits for a place and reports whether the check got one. If it returns true, the caller must call Leave. It
// takes a free place even if ctx has already ended, and returns false if ctx ends while it waits. If too many checks
// wait, the newest check of the requester with the most waiting checks is rejected: its Enter returns false. That can
// be this check (L-74).
func (p *Pool) Enter(ctx context.Context, requester string) bool {
	w, q, entered := p.join(requester)
	if w == nil {
		return entered
	}
	select {
	case <-w.granted:
	case <-ctx.Done():
		if p.abandon(q, w) {
			return false
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return !w.refused
}

// join admits a password check or queues it for the requester. If w is not nil, the check is queued: the caller waits
// on w.granted. If w is nil, entered is true for an admitted check, and false if too many checks wait.
func (p *Pool) join(requester string) (w *waiter, q *queue, entered bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.free > 0 {
		p.free--
		return nil, nil, true
	}
	q = p.queues[requester]
	if p.waiting >= p.waiters && !p.rejectNewestLocked(q) {
		return nil, nil, false
	}
	if q == nil {
		q = &queue{requester: requester}
		q.turn = p.turns.PushBack(q)
		p.queues[requester] = q
	}
	w = &waiter{granted: make(chan struct{})}
	q.waits.PushBack(w)
	p.waiting++
	return w, q, false
}

// rejectNewestLocked rejects the newest check of the longest queue, to make room for one waiter. It returns true if it
// rejected a check. own is the requester's queue, nil if empty. The result is false if no check waits, or if own with
// one more check would be at least as long as the longest queue.
// +checklocks:p.mu
func (p *Pool) rejectNewestLocked(own *queue) bool {
	var longest *queue
	for e := p.turns.Front(); e != nil; e = e.Next() {
		if q := e.Value.(*queue); longest == nil || q.waits.Len() > longest.waits.Len() {
			longest = q
		}
	}
	n := 1
	if own != nil {
		n += own.waits.Len()
	}
	if longest == nil || longest.waits.Len() <= n {
		return false
	}
	w := longest.waits.Back().Value.(*waiter)
	w.refused = true
	p.removeLocked(longest, longest.waits.Back())
	close(w.granted)
	return true
}

// removeLocked removes the element e from queue q, and also removes q from the pool when it becomes empty. It
// does not close the waiter's channel.
//
// +checklocks:p.mu
func (p *Pool) removeLocked(q *queue, e *list.Element) {
	q.waits.Remove(e)
	p.waiting--
	if q.waits.Len() == 0 {
		p.turns.Remove(q.turn)
		delete(p.queues, q.requester)
	}
}

// abandon gives up waiting for a place: it removes a check from its queue. It returns false if the check was already
// admitted or rejected.
func (p *Pool) abandon(q *queue, w *waiter) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for e := q.waits.Front(); e != nil; e = e.Next() {
		if e.Value.(*waiter) == w {
			p.removeLocked(q, e)
			return true
		}
	}
	return false
}

// Leave gives the caller's place to the oldest waiting check of the next requester, or frees the place if none
// waits. It does not block. Call it once for each Enter that returned true; a further call would add a place.
func (p *Pool) Leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := p.turns.Front()
	if first == nil {
		p.free++
		return
	}
	q := first.Value.(*queue)
	// Each requester gets one place per round, however many checks it waits for (L-74).
	p.turns.MoveToBack(first)
	e := q.waits.Front()
	p.removeLocked(q, e)
	close(e.Value.(*waiter).granted)
}

// Waiting returns the number of checks that wait in [Pool.Enter] for a place. It does not count the running
// ones.
func (p *Pool) Waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting
}
