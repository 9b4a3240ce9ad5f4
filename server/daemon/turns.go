package daemon

import (
	"container/heap"
	"runtime"
	"sync"
	"time"
)

// turns shares the daemon's time out between connections: so many calls run at once,
// and the next one is of the connection that has had the least time of those that
// have one waiting (W-21). A call that waits for nothing takes two locks.
type turns struct {
	each int // calls of one connection at once; immutable

	mu sync.Mutex
	// +checklocks:mu
	free int // calls that may begin now; guarded by mu; 0 while ready is not empty
	// +checklocks:mu
	ready shares // connections with a call that may run; guarded by mu
	// +checklocks:mu
	active shares // connections with a call that runs or waits; guarded by mu
	// +checklocks:mu
	calls uint64 // that are over; guarded by mu
	// +checklocks:mu
	served time.Duration // time in them; guarded by mu
}

// share counts what one connection had of the daemon's time. The zero value is that of a
// connection that had none. Its fields are guarded by turns.mu.
type share struct {
	had     time.Duration
	running int
	queue   []chan struct{} // calls that wait, in their order
	place   [2]int          // in ready and in active, 1 the first; 0: not there
}

// newTurns lets several calls run at once for each processor: one that waits for the
// disk leaves it to others.
func newTurns() *turns {
	n := 4 * runtime.GOMAXPROCS(0)
	return makeTurns(n, n/2)
}

func makeTurns(all, each int) *turns {
	return &turns{free: all, each: each, active: shares{which: 1}}
}

// enter waits for the turn of a call and returns when it came.
func (t *turns) enter(s *share) time.Time {
	t.mu.Lock()
	if s.running == 0 && len(s.queue) == 0 && t.active.Len() > 0 {
		s.had = max(s.had, t.active.list[0].had) // who made no call has saved nothing up
	}
	if t.free > 0 && s.running < t.each && len(s.queue) == 0 {
		t.free--
		s.running++
		t.offer(s)
		t.mu.Unlock()
		return time.Now()
	}
	turn := make(chan struct{})
	s.queue = append(s.queue, turn)
	t.offer(s)
	t.mu.Unlock()
	<-turn
	return time.Now()
}

// leave ends the turn of a call that began then, and begins others.
func (t *turns) leave(s *share, began time.Time) {
	spent := time.Since(began)
	t.mu.Lock()
	defer t.mu.Unlock()
	s.had += spent
	t.calls++
	t.served += spent
	s.running--
	t.free++
	t.offer(s)
	for t.free > 0 && t.ready.Len() > 0 {
		next := t.ready.list[0]
		close(next.queue[0])
		next.queue[0] = nil
		next.queue = next.queue[1:]
		next.running++
		t.free--
		t.offer(next)
	}
}

// offer puts a connection where it belongs.
//
// +checklocks:t.mu
func (t *turns) offer(s *share) {
	t.ready.put(s, len(s.queue) > 0 && s.running < t.each)
	t.active.put(s, len(s.queue) > 0 || s.running > 0)
}

// shares is a heap: the one that had the least time first.
type shares struct {
	list  []*share
	which int // of share.place
}

// put makes a share one of the heap, or none, and moves it where its time belongs.
func (h *shares) put(s *share, in bool) {
	switch at := s.place[h.which]; {
	case in && at == 0:
		heap.Push(h, s)
	case in:
		heap.Fix(h, at-1)
	case at != 0:
		heap.Remove(h, at-1)
	}
}

// Len implements heap.Interface, as the methods below do.
func (h *shares) Len() int { return len(h.list) }

// Less compares two shares.
func (h *shares) Less(i, j int) bool { return h.list[i].had < h.list[j].had }

// Swap exchanges two shares.
func (h *shares) Swap(i, j int) {
	h.list[i], h.list[j] = h.list[j], h.list[i]
	h.list[i].place[h.which], h.list[j].place[h.which] = i+1, j+1
}

// Push adds a share.
func (h *shares) Push(x any) {
	s := x.(*share)
	h.list = append(h.list, s)
	s.place[h.which] = len(h.list)
}

// Pop takes the last one off.
func (h *shares) Pop() any {
	last := len(h.list) - 1
	s := h.list[last]
	h.list[last] = nil
	h.list = h.list[:last]
	s.place[h.which] = 0
	return s
}

// Threads implements [wire.Turns], as the methods below do.
func (c *connection) Threads() int { return max(2, runtime.GOMAXPROCS(0)) }

// Enter waits for a turn.
func (c *connection) Enter() time.Time { return c.d.turns.enter(&c.share) }

// Leave ends one.
func (c *connection) Leave(began time.Time) { c.d.turns.leave(&c.share, began) }
