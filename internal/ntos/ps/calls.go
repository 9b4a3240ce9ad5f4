package ps

import (
	"sync"

	"github.com/refmon/refmon/internal/ntos/ke"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// MaxCalls is the number of asynchronous procedure calls that QueueCall queues to a thread.
const MaxCalls = 4096

// calls is the APC queue of a thread: the calls that it makes at its next alertable wait, in order. The zero value is
// empty.
type calls struct {
	mu sync.Mutex
	// +checklocks:mu
	list []nt.UserAPC // guarded by mu
	// +checklocks:mu
	paid []quota.Receipt // guarded by mu: for calls of list
	// +checklocks:mu
	ended  bool // guarded by mu: the thread takes no more
	queued ke.Signal
}

// QueueCall queues a call, which the thread makes when it waits alertably. Errors:
// STATUS_UNSUCCESSFUL for a thread that has ended, STATUS_INSUFFICIENT_RESOURCES beyond
// [MaxCalls], and the errors of charging payer.
func (t *Thread) QueueCall(payer quota.Payer, a nt.UserAPC) ntstatus.Status {
	paid, st := payer.Charge(callSize)
	if st != ntstatus.Success {
		return st
	}
	if st = t.calls.add(a, paid); st != ntstatus.Success {
		paid.Return()
	}
	return st
}

// callSize is the number of bytes of a queued call with its charge.
const callSize = 128

// add queues a call with its charge. Errors: STATUS_UNSUCCESSFUL for a thread that has ended,
// STATUS_INSUFFICIENT_RESOURCES beyond [MaxCalls]. On an error the charge stays with the caller.
func (q *calls) add(a nt.UserAPC, paid quota.Receipt) ntstatus.Status {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.ended:
		// A thread that has ended makes no calls (O-147).
		return ntstatus.Unsuccessful
	case len(q.list) >= MaxCalls:
		return ntstatus.InsufficientResources
	}
	q.list, q.paid = append(q.list, a), append(q.paid, paid)
	q.queued.Set()
	return ntstatus.Success
}

// CallsFull reports whether [MaxCalls] or more calls are queued, so that another must be refused.
func (t *Thread) CallsFull() bool {
	q := &t.calls
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.list) >= MaxCalls
}

// QueueIOCall queues the completion call of a file operation. It does not check [MaxCalls]: the caller checked
// CallsFull when the operation began, and a completion must not be lost. paid is the charge for the call. For a
// thread that has ended, it drops the call and returns paid.
func (t *Thread) QueueIOCall(a nt.UserAPC, paid quota.Receipt) {
	q := &t.calls
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended {
		paid.Return()
		return
	}
	q.list, q.paid = append(q.list, a), append(q.paid, paid)
	q.queued.Set()
}

// TakeCalls removes the queued calls, returns their charges to the payers, and returns the calls. It returns nil for
// an empty queue.
func (t *Thread) TakeCalls() []nt.UserAPC {
	q := &t.calls
	q.mu.Lock()
	defer q.mu.Unlock()
	list := q.list
	q.emptyLocked()
	return list
}

// CallsQueued reports whether calls are queued. It takes none of them.
func (t *Thread) CallsQueued() bool { return t.calls.queued.Take(false) }

// CallQueued returns a channel that is closed when the next call is queued. Get a new channel after each call.
func (t *Thread) CallQueued() <-chan struct{} { return t.calls.queued.Changed() }

// end drops the queued calls and lets add fail from then on. A second call does nothing.
func (q *calls) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.emptyLocked()
}

// emptyLocked removes all calls and returns their charges.
//
// +checklocks:q.mu
func (q *calls) emptyLocked() {
	for i := range q.paid {
		q.paid[i].Return()
	}
	q.list, q.paid = nil, nil
	q.queued.Reset()
}
