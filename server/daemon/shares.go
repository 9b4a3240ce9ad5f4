package daemon

import (
	"container/heap"
	"time"
)

// share counts what one connection had of the daemon's time, or one user with all of
// its connections. Its fields are guarded by turns.mu.
type share struct {
	of  *share // the user of a connection; nil for a user
	had time.Duration

	// Of a connection.
	running int
	queue   []chan struct{} // calls that wait, in their order

	// Of a user.
	connections int
	slow        int // calls that took long
	ready       shares
	active      shares

	place [2]int // in ready and in active of what it is a part of, 1 the first; 0: not there
}

// shares is a heap: the one that had the least time first. The zero value is that of those
// that are ready.
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
