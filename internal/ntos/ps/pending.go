package ps

import (
	"sync"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/ntstatus"
)

// MaxPendingIO is the largest number of pending file operations of a process.
const MaxPendingIO = 4096

// Pending is an I/O operation on a file that has not ended, so that it can be cancelled. Its methods are called without
// a lock.
type Pending interface {
	// CancelIO cancels the operation if its status block is block, or block is 0, and it is synchronous if that is
	// requested. It returns false if the operation completes by itself.
	CancelIO(block uint64, synchronous bool) bool
	// File returns the file that the operation is on.
	File() ob.Object
}

// pendingIO holds the I/O operations of a thread that have not ended. The zero value is empty.
type pendingIO struct {
	mu sync.Mutex
	// +checklocks:mu
	all map[Pending]struct{} // guarded by mu
	// +checklocks:mu
	ended bool // guarded by mu: the thread begins no more
}

// AddIO adds a pending operation. Errors: STATUS_THREAD_IS_TERMINATING, and STATUS_INSUFFICIENT_RESOURCES beyond
// [MaxPendingIO]. After a failure p was not added. The limit is for the whole process.
func (t *Thread) AddIO(p Pending) ntstatus.Status {
	t.io.mu.Lock()
	defer t.io.mu.Unlock()
	if t.io.ended {
		return ntstatus.ThreadIsTerminating
	}
	if t.process.pending.Add(1) > MaxPendingIO {
		t.process.pending.Add(-1)
		return ntstatus.InsufficientResources
	}
	if t.io.all == nil {
		t.io.all = map[Pending]struct{}{}
	}
	t.io.all[p] = struct{}{}
	return ntstatus.Success
}

// RemoveIO removes an operation that has ended from the pending ones. It does nothing if p is not pending.
func (t *Thread) RemoveIO(p Pending) {
	t.io.mu.Lock()
	defer t.io.mu.Unlock()
	if _, ok := t.io.all[p]; ok {
		delete(t.io.all, p)
		t.process.pending.Add(-1)
	}
}

// CancelIO cancels pending operations of the thread and returns how many it cancelled. file nil matches any file, and
// block 0 any status block. With synchronous it cancels only synchronous operations.
func (t *Thread) CancelIO(file ob.Object, block uint64, synchronous bool) (n int) {
	t.io.mu.Lock()
	var list []Pending
	for p := range t.io.all {
		list = append(list, p)
	}
	t.io.mu.Unlock()
	for _, p := range list {
		if (file == nil || p.File() == file) && p.CancelIO(block, synchronous) {
			n++
		}
	}
	return n
}

// CancelIO cancels the operations of all threads of the process on a file, as [Thread.CancelIO] does without
// synchronous. It returns their number.
func (p *Process) CancelIO(file ob.Object, block uint64) (n int) {
	p.mu.Lock()
	var threads []*Thread
	for t := range p.threads {
		if t.TryRef(ob.TagCall) {
			threads = append(threads, t)
		}
	}
	p.mu.Unlock()
	for _, t := range threads {
		n += t.CancelIO(file, block, false)
		t.Deref(ob.TagCall)
	}
	return n
}

// endIO cancels the pending operations of a thread that ends (I-138). Later operations fail at once.
func (t *Thread) endIO() {
	t.io.mu.Lock()
	t.io.ended = true
	t.io.mu.Unlock()
	t.CancelIO(nil, 0, false)
}
