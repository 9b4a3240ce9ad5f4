package wire

import (
	"sync"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// worker makes the calls of one thread in order, concurrently with other threads (W-11). One goroutine at a time does
// so, usually the connection's reader.
type worker struct {
	s  *Server
	th *nt.Thread

	// Used by the goroutine that makes the calls.
	timeSlice *timeSlice // in which it makes them; nil before the first
	routine   *routine   // on which it makes a call; nil: on its own stack
	tickets   map[nt.Ticket]struct{}
	failed    bool          // the last call that did not wait has failed
	ended     chan struct{} // closed when the thread ends

	refused bool // the newest call that does not wait was refused at a limit; owned by the connection's reader

	mu sync.Mutex
	// +checklocks:mu
	taken bool // a goroutine makes its calls; guarded by mu
	// +checklocks:mu
	queue []*Frame // for that one; bounded by MaxPending, MaxWaits and MaxEnding; guarded by mu
	// +checklocks:mu
	over bool // no further call is begun; guarded by mu
}

// newWorker returns a worker that makes calls on th. It starts no goroutine.
func newWorker(s *Server, th *nt.Thread) *worker {
	return &worker{s: s, th: th, tickets: map[nt.Ticket]struct{}{}, ended: make(chan struct{})}
}

// awaitDisk waits for the disk during a call, until done is closed. Meanwhile other calls of the connection go on
// (W-96).
func (w *worker) awaitDisk(done <-chan struct{}) {
	switch {
	case w.routine != nil:
		w.routine.suspend(done)
	case w.timeSlice != nil:
		w.timeSlice.awaitDisk(done)
	default:
		<-done
	}
}

// claim makes the calling goroutine the runner of the thread's calls, beginning with f. The results are:
//   - the goroutine is the runner: true and true
//   - another goroutine is the runner, and f is queued for it: false and true
//   - the thread has ended, and f is dropped: false and false
func (w *worker) claim(f *Frame) (mine, begun bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.over:
		return false, false
	case w.taken:
		w.queue = append(w.queue, f)
		return false, true
	}
	w.taken = true
	return true, true
}

// push gives a call to the goroutine that makes the thread's calls, or starts one. It returns false, and drops the
// call, after the end of the thread.
func (w *worker) push(f *Frame) bool {
	mine, begun := w.claim(f)
	if mine {
		w.s.running.Go(func() { w.run(f) })
	}
	return begun
}

// pop returns the thread's next queued call to the goroutine that makes its calls. If there is none, as after stop, it
// returns nil and releases the claim.
func (w *worker) pop() *Frame {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		w.taken = false
		return nil
	}
	f := w.queue[0]
	w.queue = w.queue[1:]
	return f
}

// stop makes the thread start no further call, and returns the queued ones. The call in progress goes on. A second
// call returns nil.
func (w *worker) stop() []*Frame {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	left := w.queue
	w.queue = nil
	return left
}

// discard ends the thread's calls when the connection ends: no further call starts. It drops the queued ones without an
// answer and returns their charges. If the thread's end is queued, discard returns the thread to the process; then no
// call may be in progress.
func (w *worker) discard() {
	for _, f := range w.stop() {
		f.paid.Return()
		if f.Kind == EndThread {
			w.s.process.GiveBack(w.th) // the reader has forgotten it (W-13)
		}
	}
}

// logonRow returns the service number of LsaLogonUser, which is slow because it hashes a password.
var logonRow = sync.OnceValue(func() int { return nt.NtTable.Find("LsaLogonUser").Info().Number })

// logsOn reports whether a frame calls LsaLogonUser. Only frames of the kinds Call, Then and Wait call a service; the
// service number of other frames is ignored.
func (f *Frame) logsOn() bool {
	return (f.Kind == Call || f.Kind == Then || f.Kind == Wait) && int(f.Service) == logonRow()
}

// run makes a call of a claimed thread, and those that arrive during it. Each gets a time slice. Errors of answers
// are ignored. A nil f does nothing.
func (w *worker) run(f *Frame) {
	for ; f != nil; f = w.pop() {
		t := w.s.newTimeSlice(nil)
		w.timeSlice = t
		t.enter()
		var r result
		t.call(func() { r = w.handle(f) })
		t.leave()
		_ = w.settle(nil, f, r) // the connection has ended
	}
}

// complete sends the answer r of a call and starts the thread's next call. goesOn says whether the goroutine of the
// time slice t has more work. The result is the error that has ended the connection, or nil.
func (w *worker) complete(t *timeSlice, f *Frame, r result, goesOn bool) error {
	if !goesOn || r.err != nil {
		t.leave()
	}
	err := w.settle(t, f, r)
	switch f = w.pop(); {
	case f == nil:
	case goesOn:
		w.s.running.Go(func() { w.run(f) })
	default:
		w.run(f)
	}
	return err
}

// result is the outcome of handling a frame: the reply to send, or that the call waits, or an error that ends the
// connection.
type result struct {
	reply
	parked bool  // it waits for a change, and is answered later
	err    error // it ends the connection
}

// handle performs the request in a frame and returns its outcome, without sending the answer. A parked call has no
// answer yet.
func (w *worker) handle(f *Frame) (r result) {
	switch f.Kind {
	case Wait:
		r.reply, r.parked, r.err = w.wait(f)
	case WaitAny:
		r.reply, r.parked, r.err = w.waitAny(f)
	case Connected:
		r.reply, r.parked, r.err = w.connected(f)
	default:
		// A call that the reader refused came between this one and the last call of the thread (W-38).
		w.failed = w.failed || f.afterRefusal
		r.reply, r.err = w.perform(f)
		r.reply = w.s.fitting(r.reply) // before a Then decides by its status
		if f.Kind.calls() {
			w.failed = !r.head.Status.IsSuccess()
		}
	}
	return r
}

// settle ends the handling of a frame: it sends the answer, unless the call is parked. It returns the error that has
// ended the connection, or nil. For EndThread it also cancels the waiting calls of the thread. The time slice t, which
// may be nil, ends before a wait for the client.
func (w *worker) settle(t *timeSlice, f *Frame, r result) error {
	if r.parked {
		return nil
	}
	w.s.done(f)
	if r.err == nil {
		r.err = w.s.reply(t, f, r.reply)
	}
	if r.err != nil {
		w.discard()
		w.s.fail(f, r.err)
	} else if f.Kind == EndThread {
		close(w.ended)
		for _, f := range w.stop() { // calls that waited until now
			w.forgo(f)
		}
	}
	return r.err
}

// perform makes the call in a frame that does not wait, and returns the answer. A refusal is a status in the answer.
// A frame that violates the protocol returns an error, which ends the connection. Special cases are:
//   - Then and ThenWith after a failed call: STATUS_CANCELLED, until the next Call
//   - Save above MaxTickets: STATUS_INSUFFICIENT_RESOURCES
//   - Restore: once per ticket and only on the ticket's thread; an unknown ticket is ignored
//   - EndThread: returns the thread to the process
func (w *worker) perform(f *Frame) (a reply, err error) {
	sys := w.th.Services()
	if (f.Kind == Then || f.Kind == ThenWith) && w.failed {
		// A batch ends at its first failure: nothing of the rest is done (W-38).
		return refusal(ntstatus.Cancelled), nil
	}
	switch f.Kind {
	case Call, Then:
		q, err := w.s.request(f)
		if err != nil {
			return a, err
		}
		return w.call(q, f), nil
	case Attach, AttachAs:
		return w.attach(f)
	case HandOut:
		return w.handOut(f)
	case CallWith, ThenWith:
		return w.callWith(f)
	case ReadAs:
		return w.readAs(f)
	case ReplaceContents:
		return w.replaceContents(f)
	case Begin:
		return w.begin(f)
	case Inspect:
		return w.inspect(f), nil
	case Save:
		if len(w.tickets) >= MaxTickets {
			return refusal(ntstatus.InsufficientResources), nil
		}
		k := sys.SaveImpersonation()
		w.tickets[k] = struct{}{}
		a.rest = w.s.ticket(k)
		return a, nil
	case Restore:
		b, err := ticketBody.decode(w.s.form, f.Body)
		if err != nil {
			return a, err
		}
		// A ticket of another thread is invalid (W-8).
		if _, given := w.tickets[nt.Ticket(b.Ticket)]; given {
			delete(w.tickets, nt.Ticket(b.Ticket))
			sys.RestoreImpersonation(nt.Ticket(b.Ticket))
		}
	case EndThread:
		sys.EndThread()
		w.s.process.GiveBack(w.th)
	}
	return a, nil
}

// call makes a call and returns the answer with its status and outputs. For a service that this side does not have, it
// returns STATUS_NOT_SUPPORTED (W-5).
func (w *worker) call(q request, f *Frame) reply { return w.callAnd(q, f, nil) }

// callAnd makes a call and passes its outputs to see, which reports whether to send them. A nil see sends the
// outputs. If see returns false, the answer has only the status. An unknown service, and outputs that cannot be
// encoded, answer STATUS_NOT_SUPPORTED. A watcher also gets the call.
func (w *worker) callAnd(q request, f *Frame, see func(out any) bool) (a reply) {
	if !q.known {
		return refusal(ntstatus.NotSupported)
	}
	sys := w.th.Services()
	sys.RecordWhy(q.why || w.s.watcher != nil)
	var out any
	var st ntstatus.Status
	// The call is that of a thread in process, reasons included (W-10).
	call := func() { out, st = w.th.CallRow(q.row.Row, w.s.shortened(q.in)) }
	if f.logsOn() {
		// A logon has a limit of its own. Only the work for its frame takes the user's time (W-21).
		w.timeSlice.pause(call)
	} else {
		call()
	}
	a.head.Status = st
	leaves := see == nil || see(out)
	why := sys.TakeWhy()
	if q.why {
		a.head.Why = whyBody(why)
	}
	if leaves {
		var err error
		if a.rest, err = w.s.out(q.row, out); err != nil {
			// The call was made; its outputs are of a type that does not travel.
			return refusal(ntstatus.NotSupported)
		}
	}
	// A call that waits on is not over.
	if w.s.watcher != nil && w.s.watcher.Wants(st) && !q.again(st) {
		w.s.watcher.Called(w.th, &nt.Call{Thread: w.th.Name(), Row: q.row.Row, In: q.in, Out: out, Status: st, Why: why},
			len(f.Body)+len(a.rest))
	}
	return a
}
