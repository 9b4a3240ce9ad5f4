package nt

import (
	"sync"
	"time"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// deadline is a time limit for reads or writes that can be changed while callers wait for it. The zero value is no
// limit.
type deadline struct {
	mu sync.Mutex
	// +checklocks:mu
	timer *time.Timer // guarded by mu
	// +checklocks:mu
	due chan struct{} // guarded by mu: closed when it has passed
}

// wait returns a channel that is closed when the deadline passes. Without a deadline it stays open.
func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.due == nil {
		d.due = make(chan struct{})
	}
	return d.due
}

// set replaces the deadline; the zero time means none. Waits that have not ended follow the new deadline. A deadline
// that is not in the future ends the waits at once.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		// A timer that has fired closes the channel it was made for. Wait for that, so that it neither ends the new
		// wait nor closes a channel that is closed below.
		if !d.timer.Stop() {
			<-d.due
		}
		d.timer = nil
	}
	if d.due != nil {
		select {
		case <-d.due: // passed: those who come now wait for the new one
			d.due = nil
		default:
		}
	}
	if d.due == nil {
		d.due = make(chan struct{})
	}
	if t.IsZero() {
		return
	}
	due := d.due
	if wait := time.Until(t); wait > 0 {
		d.timer = time.AfterFunc(wait, func() { close(due) })
	} else {
		close(due)
	}
}

// worker is a thread that makes the calls of a listener or a connection. So these can be used from any goroutine, and
// the thread that opened them is not affected.
type worker struct {
	t     *Thread        // immutable
	mu    sync.Mutex     // held for each call of t, and while a call of another kernel begins to wait
	waits sync.WaitGroup // calls that wait in another kernel
}

// worker creates a thread for a listener or a connection, in the kernel of t, local or remote. The error is the
// status of NewThread. The caller ends the worker.
func (t *Thread) worker() (*worker, error) {
	if t.remote != nil {
		tr, name, st := t.remote.NewThread()
		if !st.IsSuccess() {
			return nil, st.Err()
		}
		return &worker{t: NewRemoteThread(tr, name)}, nil
	}
	sys, name, st := t.sys.NewThread()
	if !st.IsSuccess() {
		return nil, st.Err()
	}
	return &worker{t: NewThread(sys, name)}, nil
}

// fork returns a worker with a new thread of the same process. It waits for the call that w runs.
func (w *worker) fork() (*worker, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.t.worker()
}

// do runs f with the worker's thread, while no other call can use the thread.
func (w *worker) do(f func(*Thread)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w.t)
}

// try runs f once. If f cannot succeed yet, the caller waits until changed is closed and tries again. A change
// during f also closes changed. For a remote kernel changed is nil: the kernel waits, and STATUS_CANCELLED means
// that it waited in vain. A local kernel runs f under the worker's lock. f does not run for a bad handle, which is
// STATUS_INVALID_HANDLE, and for a closed until.Closed, which is STATUS_CANCELLED.
func (w *worker) try(until Wait, f func(*Thread) ntstatus.Status) (changed <-chan struct{}, st ntstatus.Status) {
	if w.t.remote != nil {
		return nil, w.wait(until, f)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if isClosed(until.Closed) {
		return nil, ntstatus.Cancelled // the handle's value may be that of another connection now
	}
	changed, ok := w.t.sys.PipeChanged(until.Handle)
	if !ok {
		return nil, ntstatus.InvalidHandle
	}
	return changed, f(w.t)
}

// wait runs f once, with a thread of a remote kernel whose calls wait until they can be done or until ends. With a
// closed until.Closed it does not run f, and the status is STATUS_CANCELLED.
func (w *worker) wait(until Wait, f func(*Thread) ntstatus.Status) ntstatus.Status {
	w.mu.Lock()
	if isClosed(until.Closed) {
		w.mu.Unlock()
		return ntstatus.Cancelled // the handle's value may be that of another connection now
	}
	w.waits.Add(1)
	w.mu.Unlock()
	defer w.waits.Done()
	return f(&Thread{remote: patient{w.t.remote, until}})
}

// close closes a handle and ends the worker's thread. The channel Closed of the worker's calls must be closed. It first
// waits for those that wait in a remote kernel, which would otherwise use the handle's value for a later connection.
func (w *worker) close(h winnt.Handle) {
	w.do(func(*Thread) {}) // a call that has not seen Closed is counted now
	w.waits.Wait()
	w.do(func(t *Thread) { t.NtClose(h) })
	w.end()
}

// write writes b to a pipe and waits until it has room. It returns how many bytes were written. If it fails, as with
// STATUS_CANCELLED when until ends, n is how many of them the other end has read.
func (w *worker) write(until Wait, b []byte) (n int, st ntstatus.Status) {
	in := WriteFileIn{FileHandle: until.Handle, Buffer: Cap(b), ByteOffset: winnt.FILE_USE_FILE_POINTER_POSITION}
	if w.t.remote != nil {
		st = w.wait(until, func(t *Thread) ntstatus.Status {
			out, st := call(t, rowWriteFile, in)
			n = int(out.Information)
			return st
		})
		return n, st
	}
	out, l, st := w.start(until, in)
	if st != ntstatus.Pending {
		return int(out.Information), st
	}
	select {
	case <-l.Over:
	case <-until.Closed:
		l.Cancel()
	case <-until.Due:
		l.Cancel()
	}
	<-l.Over
	r := l.Result()
	return int(r.Information), r.Status
}

// isClosed reports whether a channel is closed.
func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// start starts to write to a pipe. If the status is STATUS_PENDING, the write completes later: the returned Later has
// its result. With a closed until.Closed it writes nothing, and the status is STATUS_CANCELLED.
func (w *worker) start(until Wait, in WriteFileIn) (out WriteFileOut, l *Later, st ntstatus.Status) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if isClosed(until.Closed) {
		return out, nil, ntstatus.Cancelled
	}
	l = NewWait()
	in.Later = l
	out, st = call(w.t, rowWriteFile, in)
	return out, l, st
}

// end ends the worker's thread.
func (w *worker) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.t.Close()
}

// patient is a Transport that repeats each call until it can be done, or until the wait in its field until ends.
type patient struct {
	Transport
	until Wait
}

// Call implements [Transport].
func (p patient) Call(row *Row, in any, _ bool) (any, ntstatus.Status, Why) {
	out, st := p.CallWhenReady(row, in, p.until)
	return out, st, Why{}
}
