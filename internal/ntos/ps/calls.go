package ps

import (
	"sync"

	"github.com/refmon/refmon/internal/ntos/ke"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// MaxCalls is how many asynchronous procedure calls can be queued to a thread.
const MaxCalls = 4096

// calls are those queued to a thread, in order. The zero value is empty.
type calls struct {
	mu sync.Mutex
	// +checklocks:mu
	list []nt.UserAPC // guarded by mu
	// +checklocks:mu
	ended  bool // guarded by mu: the thread takes no more
	queued ke.Signal
}

// QueueCall queues a call, which the thread makes when it waits alertably.
// Errors: STATUS_UNSUCCESSFUL for a thread that has ended,
// STATUS_INSUFFICIENT_RESOURCES beyond [MaxCalls].
func (t *Thread) QueueCall(a nt.UserAPC) ntstatus.Status {
	q := &t.calls
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.ended:
		// A thread that has ended makes no calls. O-147
		return ntstatus.Unsuccessful
	case len(q.list) >= MaxCalls:
		return ntstatus.InsufficientResources
	}
	q.list = append(q.list, a)
	q.queued.Set()
	return ntstatus.Success
}

// CallsFull reports whether the thread takes no further call.
func (t *Thread) CallsFull() bool {
	q := &t.calls
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.list) >= MaxCalls
}

// QueueIOCall queues the call of an operation that ends. There was room for it when the
// operation began; a thread that has ended makes none.
func (t *Thread) QueueIOCall(a nt.UserAPC) {
	q := &t.calls
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.ended {
		q.list = append(q.list, a)
		q.queued.Set()
	}
}

// TakeCalls returns the calls that are queued, and queues them no more.
func (t *Thread) TakeCalls() []nt.UserAPC {
	q := &t.calls
	q.mu.Lock()
	defer q.mu.Unlock()
	list := q.list
	q.list = nil
	q.queued.Reset()
	return list
}

// CallsQueued reports whether calls are queued.
func (t *Thread) CallsQueued() bool { return t.calls.queued.Take(false) }

// CallQueued returns a channel that is closed when the next call is queued.
func (t *Thread) CallQueued() <-chan struct{} { return t.calls.queued.Changed() }

func (q *calls) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.list, q.ended = nil, true
}
