package wire

import (
	"sync"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// worker makes the calls of one thread in their order, beside those of other threads
// (W-11). One goroutine at a time does: the connection's reader as a rule (stint).
type worker struct {
	s  *Server
	th *nt.Thread

	// Used by the goroutine that makes the calls.
	tickets map[nt.Ticket]struct{}
	failed  bool          // the last call that did not wait
	ended   chan struct{} // closed when the thread ends

	mu sync.Mutex
	// +checklocks:mu
	taken bool // a goroutine makes its calls; guarded by mu
	// +checklocks:mu
	queue []*Frame // for that one; bounded by MaxPending and MaxWaits; guarded by mu
	// +checklocks:mu
	over bool // no further call is begun; guarded by mu
}

func newWorker(s *Server, th *nt.Thread) *worker {
	return &worker{s: s, th: th, tickets: map[nt.Ticket]struct{}{}, ended: make(chan struct{})}
}

// take makes the caller the one that makes the thread's calls, beginning with f. It
// reports false where another one does, which has the call now, and where none is begun.
func (w *worker) take(f *Frame) (mine, begun bool) {
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

// push gives the thread a call, which a goroutine of its own makes unless another one
// makes the thread's calls; it reports false where none is begun any more.
func (w *worker) push(f *Frame) bool {
	mine, begun := w.take(f)
	if mine {
		w.s.running.Go(func() { w.run(f) })
	}
	return begun
}

// next returns the next call. It returns nil and gives the thread up where no call waits.
func (w *worker) next() *Frame {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over || len(w.queue) == 0 {
		w.taken = false
		return nil
	}
	f := w.queue[0]
	w.queue = w.queue[1:]
	return f
}

// stop begins no further call, and returns those that were not.
func (w *worker) stop() []*Frame {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	left := w.queue
	w.queue = nil
	return left
}

// logonRow is the number of the row that is slow on purpose.
var logonRow = sync.OnceValue(func() int { return nt.NtTable.Find("LsaLogonUser").Info().Number })

// slow reports whether a frame is a logon, which takes no turn (W-21).
func (f *Frame) slow() bool { return int(f.Service) == logonRow() }

// run makes a call of a thread that the caller has taken, and those that came
// meanwhile. Each has a turn.
func (w *worker) run(f *Frame) {
	for ; f != nil; f = w.next() {
		t := w.s.newStint(false)
		if !f.slow() {
			t.enter()
		}
		var r result
		t.call(func() { r = w.turn(f) })
		t.leave()
		_ = w.settle(f, r) // the connection has ended
	}
}

// inline makes a call of a thread that the reader has taken, in the reader's turn. It
// reports false where the reader has been relieved meanwhile.
func (w *worker) inline(t *stint, f *Frame) (goesOn bool, err error) {
	t.enter()
	var r result
	goesOn = t.call(func() { r = w.turn(f) })
	if !goesOn || r.err != nil {
		t.leave()
	}
	err = w.settle(f, r)
	switch f = w.next(); {
	case f == nil:
	case goesOn:
		w.s.running.Go(func() { w.run(f) })
	default:
		w.run(f)
	}
	return goesOn, err
}

// result has what a frame's turn brought.
type result struct {
	reply
	parked bool  // it waits for a change, and is answered later
	err    error // it ends the connection
}

// turn performs a frame.
func (w *worker) turn(f *Frame) (r result) {
	switch f.Kind {
	case Wait:
		r.reply, r.parked, r.err = w.wait(f)
	case WaitAny:
		r.reply, r.parked, r.err = w.waitAny(f)
	case Connected:
		r.reply, r.parked, r.err = w.connected(f)
	default:
		r.reply, r.err = w.perform(f)
	}
	return r
}

// settle answers a frame. An error has ended the connection.
func (w *worker) settle(f *Frame, r result) error {
	if r.parked {
		return nil
	}
	w.s.done(f)
	if r.err == nil {
		r.err = w.s.reply(f, r.reply)
	}
	if r.err != nil {
		w.stop()
		w.s.fail(f, r.err)
	} else if f.Kind == EndThread {
		close(w.ended)
		for _, f := range w.stop() { // calls that waited until now
			w.forgo(f)
		}
	}
	return r.err
}

// perform does what a frame asks. An error ends the connection.
func (w *worker) perform(f *Frame) (a reply, err error) {
	sys := w.th.Services()
	switch f.Kind {
	case Then:
		if w.failed {
			// A batch ends at its first failure: nothing of the rest is done (W-38).
			return refusal(ntstatus.Cancelled), nil
		}
		fallthrough
	case Call:
		q, err := w.s.request(f)
		if err != nil {
			return a, err
		}
		a = w.call(q, f)
		w.failed = !a.head.Status.IsSuccess()
		return a, nil
	case Attach, AttachAs:
		return w.attach(f)
	case HandOut:
		return w.handOut(f)
	case CallWith:
		return w.callWith(f)
	case ReadAs:
		return w.readAs(f)
	case Refill:
		return w.refill(f)
	case Begin:
		return w.begin(f)
	case Look:
		return w.look(f), nil
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
		// A ticket that this thread was not given stands for nothing (W-8).
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

// call calls a row. A row that this side does not have answers
// STATUS_NOT_SUPPORTED (W-5).
func (w *worker) call(q request, f *Frame) reply { return w.callAnd(q, f, nil) }

// callAnd does the same, and shows the outputs to a function, which reports whether they leave.
func (w *worker) callAnd(q request, f *Frame, see func(out any) bool) (a reply) {
	if !q.known {
		return refusal(ntstatus.NotSupported)
	}
	sys := w.th.Services()
	sys.RecordWhy(q.why || w.s.watcher != nil)
	// The call is that of a thread in process, reasons included (W-10).
	out, st := w.th.CallRow(q.row.Row, q.in)
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
