package daemon

import (
	"container/heap"
	"time"
)

// share is the time account of one connection, or of one user, by which the scheduler is fair. The scheduler's mu
// guards its fields.
type share struct {
	of  *share        // the user of a connection; nil for a user
	had time.Duration // used time

	// Fields of a connection.
	running int
	queue   []chan struct{} // waiting calls, in order

	// Fields of a user.
	connections int
	slow        int // slow calls
	ready       shares
	active      shares

	place [2]int // one-based position in of.ready and of.active; 0: not in the heap
}

// shares is a priority queue of shares: a heap with the share that used the least time first. The zero value orders by
// place[0].
type shares struct {
	list  []*share
	which int // index of share.place
}

// put adds a share to the heap if in is true, and removes it otherwise. If the share is already there and in is true,
// put moves it to the position for its used time.
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

// Len returns the number of shares in the heap.
func (h *shares) Len() int { return len(h.list) }

// Less reports whether share i has used less time than share j.
func (h *shares) Less(i, j int) bool { return h.list[i].had < h.list[j].had }

// Swap exchanges two shares and records their new places, which begin at 1.
func (h *shares) Swap(i, j int) {
	h.list[i], h.list[j] = h.list[j], h.list[i]
	h.list[i].place[h.which], h.list[j].place[h.which] = i+1, j+1
}

// Push appends a share for container/heap, which then restores the order. Use put instead.
func (h *shares) Push(x any) {
	s := x.(*share)
	h.list = append(h.list, s)
	s.place[h.which] = len(h.list)
}

// Pop removes and returns the last share for container/heap, which has moved the first one there. Use put
// instead.
func (h *shares) Pop() any {
	last := len(h.list) - 1
	s := h.list[last]
	h.list[last] = nil
	h.list = h.list[:last]
	s.place[h.which] = 0
	return s
}
