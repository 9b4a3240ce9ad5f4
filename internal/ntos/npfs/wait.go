package npfs

import (
	"slices"
	"time"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/ntstatus"
)

// MaxWaiters is the largest number of calls that wait for an instance of one pipe (I-163).
const MaxWaiters = 4096

// defaultWait is how long a client waits for an instance if neither it nor the pipe's creator specifies a time.
const defaultWait = 50 * time.Millisecond

// Waiter is a call that waits until an instance of a pipe listens. The zero value is not usable.
type Waiter struct {
	pipe   *pipe                 // immutable
	finish func(ntstatus.Status) // immutable; called once, with no lock held
	timer  *time.Timer           // guarded by the file system's mu; nil without a limit
}

// Wait returns STATUS_SUCCESS if an instance of the pipe listens. Otherwise it returns STATUS_PENDING and calls
// finish later, once, with STATUS_SUCCESS, STATUS_IO_TIMEOUT, STATUS_CANCELLED, or STATUS_OBJECT_NAME_NOT_FOUND once
// the pipe is gone. If finish is nil, it returns STATUS_IO_TIMEOUT instead of STATUS_PENDING. A limit of 0 means the
// time of the pipe's first instance, and a negative one no limit. The Waiter is nil unless the status is
// STATUS_PENDING. Errors: STATUS_OBJECT_NAME_NOT_FOUND, STATUS_INSUFFICIENT_RESOURCES (I-162, I-163).
func (fs *FileSystem) Wait(name string, limit time.Duration, finish func(ntstatus.Status)) (*Waiter, ntstatus.Status) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	p := fs.pipes[ob.Upcase(name)]
	switch {
	case name == "" || p == nil:
		return nil, ntstatus.ObjectNameNotFound
	case p.listens():
		return nil, ntstatus.Success
	case finish == nil:
		return nil, ntstatus.IOTimeout
	case len(p.waiters) >= MaxWaiters:
		// A pipe has a bounded number of waiting clients (I-163).
		return nil, ntstatus.InsufficientResources
	}
	if limit == 0 {
		limit = p.cfg.Wait
	}
	if limit == 0 {
		limit = defaultWait
	}
	w := &Waiter{pipe: p, finish: finish}
	if limit > 0 {
		w.timer = time.AfterFunc(limit, func() { w.end(ntstatus.IOTimeout) })
	}
	p.waiters = append(p.waiters, w)
	return w, ntstatus.Pending
}

// Cancel ends the wait with STATUS_CANCELLED. It returns false if the wait had ended before.
func (w *Waiter) Cancel() bool { return w.end(ntstatus.Cancelled) }

// end ends the wait with a status and calls finish with it. If the wait had ended before, it returns false and does not
// call finish.
func (w *Waiter) end(st ntstatus.Status) bool {
	fs := w.pipe.fs
	fs.mu.Lock()
	i := slices.Index(w.pipe.waiters, w)
	if i >= 0 {
		w.pipe.waiters = slices.Delete(w.pipe.waiters, i, i+1)
		w.stop()
	}
	fs.mu.Unlock()
	if i < 0 {
		return false
	}
	w.finish(st)
	return true
}

// stop stops the timer. The caller holds fs.mu.
func (w *Waiter) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// listens reports whether an instance listens, so that a client can connect now. The caller holds fs.mu.
func (p *pipe) listens() bool {
	for _, in := range p.instances {
		in.mu.Lock()
		free := in.state == Listening && in.server != nil
		in.mu.Unlock()
		if free {
			return true
		}
	}
	return false
}

// wake ends all waits for the pipe if an instance listens or the pipe is gone. The caller must hold no lock. It
// passes STATUS_OBJECT_NAME_NOT_FOUND if the pipe is gone.
func (p *pipe) wake() {
	p.fs.mu.Lock()
	st := ntstatus.Success
	if p.gone {
		st = ntstatus.ObjectNameNotFound
	} else if len(p.waiters) == 0 || !p.listens() {
		p.fs.mu.Unlock()
		return
	}
	list := p.waiters
	p.waiters = nil
	for _, w := range list {
		w.stop()
	}
	p.fs.mu.Unlock()
	for _, w := range list {
		w.finish(st)
	}
}
