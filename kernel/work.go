package kernel

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Bounds of the system work queue.
const (
	// workQueueLimit is how many items wait at most.
	workQueueLimit = 1024
	// workGrace is how long Close waits for the item that runs.
	workGrace = 5 * time.Second
)

// Errors of QueueSystemWork.
var (
	ErrWorkQueueFull = errors.New("the system work queue is full: try again when items have run")
	ErrSystemClosed  = errors.New("the system has been closed")
)

// Work is a function that a system thread runs for a requester. It runs in
// kernel mode on a thread of the System process that does not impersonate.
// requester has the requester's tokens at the time of queueing, for decisions.
// They are released when Work returns. ctx is done when the system closes. A
// Work that waits must watch it.
type Work func(ctx context.Context, worker *KernelThread, requester *SubjectContext)

// workQueue runs functions on a system thread one after the other, in the order they were queued.
type workQueue struct {
	mu sync.Mutex
	// +checklocks:mu
	items []workItem // guarded by mu
	// +checklocks:mu
	running bool // guarded by mu: the worker's goroutine lives
	// +checklocks:mu
	closed bool // guarded by mu
	// +checklocks:mu
	idle chan struct{} // guarded by mu; closed when the worker's goroutine ends

	ctx    context.Context // immutable once the first item is queued
	cancel context.CancelFunc
	// +checklocks:mu
	worker *KernelThread // guarded by mu, nil before the first item; used only by the worker's goroutine
}

// workItem is a queued function and the captured security context of its requester, which it owns.
type workItem struct {
	fn        Work
	requester *SubjectContext
}

// QueueSystemWork runs fn on a system thread, with the current security context
// of this thread as data (I-49). Use it for work that the requester's thread
// may not do. Giving that thread a stronger token instead would pass the token
// to the program (I-48). QueueSystemWork does not wait. Errors:
// ErrWorkQueueFull, ErrSystemClosed, and that of [System.SystemThread]. fn never runs after an error, or if the system
// closes before its turn.
func (k *KernelThread) QueueSystemWork(fn Work) error {
	if err := k.sys.work.put(k, fn); err != nil {
		return fmt.Errorf("queue work of thread %s: %w", k.Name(), err)
	}
	return nil
}

// put queues work with the security context of the requesting thread. A closed system is ErrSystemClosed, and a full
// queue ErrWorkQueueFull. If no worker thread can be created, the error says why. After an error nothing is queued.
func (q *workQueue) put(k *KernelThread, fn Work) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return ErrSystemClosed
	case len(q.items) >= workQueueLimit:
		return ErrWorkQueueFull
	}
	// Without a worker the item could never run, so the caller must know (I-49).
	if q.worker == nil {
		w, err := k.sys.SystemThread()
		if err != nil {
			return err
		}
		q.worker = w
	}
	if q.cancel == nil {
		q.ctx, q.cancel = context.WithCancel(context.Background())
	}
	// The requester's context is data for the work, given back when it is done (I-49).
	q.items = append(q.items, workItem{fn, k.Thread().CaptureSubjectContext()})
	// the goroutine lives only while there is work
	if !q.running {
		q.running, q.idle = true, make(chan struct{})
		go q.run(q.idle)
	}
	return nil
}

// run executes the queued work on the worker's goroutine. It closes idle when the queue is empty. Work that is queued
// during the run is executed too.
func (q *workQueue) run(idle chan struct{}) {
	defer close(idle)
	for {
		q.mu.Lock()
		if len(q.items) == 0 {
			q.running = false
			q.mu.Unlock()
			return
		}
		item, worker := q.items[0], q.worker
		q.items[0] = workItem{}
		q.items = q.items[1:]
		q.mu.Unlock()
		q.do(worker, item)
	}
}

// do runs one queued function on the worker. It then ends the worker's impersonation and releases the requester's
// context, also if the function panics (I-49).
func (q *workQueue) do(worker *KernelThread, item workItem) {
	defer item.requester.Release()       // I-49, also when fn panics
	defer worker.Thread().RevertToSelf() // the next item starts as the system
	item.fn(q.ctx, worker, item.requester)
}

// close rejects new work, drops work that has not started, and waits for a limited time for running work. Close must
// call it before it ends the processes. It returns an error if work is still running. Dropped work is not run.
func (q *workQueue) close() error {
	q.mu.Lock()
	q.closed = true
	items, running, idle, cancel := q.items, q.running, q.idle, q.cancel
	q.items = nil
	q.mu.Unlock()
	for _, i := range items {
		i.requester.Release()
	}
	if cancel != nil {
		cancel()
	}
	if !running {
		return nil
	}
	t := time.NewTimer(workGrace)
	defer t.Stop()
	select {
	case <-idle:
		return nil
	case <-t.C:
		return fmt.Errorf("a work item still runs %v after its context was cancelled", workGrace)
	}
}
