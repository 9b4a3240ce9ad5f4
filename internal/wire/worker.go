package wire

import (
	"sync"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// worker runs the calls of one thread in their order, beside those of other
// threads (W-11).
type worker struct {
	s       *Server
	th      *nt.Thread // used by run alone
	tickets map[nt.Ticket]struct{}
	failed  bool          // the last call that did not wait; used by run alone
	ended   chan struct{} // closed when run returns

	mu   sync.Mutex
	more *sync.Cond
	// +checklocks:mu
	queue []*Frame // bounded by the connection's MaxPending and MaxWaits; guarded by mu
	// +checklocks:mu
	over bool // no further call is begun; guarded by mu
	// +checklocks:mu
	last bool // nor waited for; guarded by mu
	// +checklocks:mu
	busy bool // it has work; guarded by mu
}

func newWorker(s *Server, th *nt.Thread) *worker {
	w := &worker{s: s, th: th, tickets: map[nt.Ticket]struct{}{}, ended: make(chan struct{})}
	w.more = sync.NewCond(&w.mu)
	return w
}

// push gives the thread a call; it reports false where none is begun any more.
func (w *worker) push(f *Frame) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return false
	}
	w.queue = append(w.queue, f)
	if !w.busy {
		w.busy = true
		w.s.pace.add(1)
	}
	w.more.Signal()
	return true
}

func (w *worker) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	w.more.Signal()
}

func (w *worker) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = true
	w.more.Signal()
}

// next waits for a call, nil once there will be none.
func (w *worker) next() *Frame {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		w.idle()
	}
	for len(w.queue) == 0 && !w.over && !w.last {
		w.more.Wait()
	}
	if w.over || len(w.queue) == 0 {
		w.over = true
		return nil
	}
	f := w.queue[0]
	w.queue = w.queue[1:]
	return f
}

// idle notes that the thread has no work.
//
// +checklocks:w.mu
func (w *worker) idle() {
	if w.busy {
		w.busy = false
		w.s.pace.add(-1)
	}
}

// rest takes the calls that were not begun.
func (w *worker) rest() []*Frame {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	left := w.queue
	w.queue = nil
	w.idle()
	return left
}

func (w *worker) run() {
	defer close(w.ended)
	defer w.rest()
	for f := w.next(); f != nil; f = w.next() {
		a, parked, err := w.turn(f)
		if parked {
			continue
		}
		w.s.done(f)
		if err == nil {
			err = w.s.reply(f, a)
		}
		if err != nil {
			w.s.complain(f, err)
			w.s.end(err)
			return
		}
		if f.Kind == EndThread {
			for _, f := range w.rest() { // calls that waited until now
				w.forgo(f)
			}
			return
		}
	}
}

// logonRow is the number of the row that is slow on purpose.
var logonRow = sync.OnceValue(func() int { return nt.NtTable.Find("LsaLogonUser").Info().Number })

// turn performs a frame when it is the turn of its connection.
func (w *worker) turn(f *Frame) (a reply, parked bool, err error) {
	if w.s.turns != nil {
		if int(f.Service) == logonRow() {
			w.s.pace.add(-1)
			defer w.s.pace.add(1)
		} else {
			began := w.s.turns.Enter()
			defer w.s.turns.Leave(began)
		}
	}
	switch f.Kind {
	case Wait:
		return w.wait(f)
	case WaitAny:
		return w.waitAny(f)
	case Connected:
		return w.connected(f)
	}
	a, err = w.perform(f)
	return a, false, err
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
	case Attach:
		return w.attach(f)
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
func (w *worker) call(q request, f *Frame) (a reply) {
	if !q.known {
		return refusal(ntstatus.NotSupported)
	}
	sys := w.th.Services()
	sys.RecordWhy(q.why || w.s.watcher != nil)
	// The call is that of a thread in process, reasons included (W-10).
	out, st := w.th.CallRow(q.row.Row, q.in)
	a.head.Status = st
	why := sys.TakeWhy()
	if q.why {
		a.head.Why = whyBody(why)
	}
	var err error
	if a.rest, err = w.s.out(q.row, out); err != nil {
		// The call was made; its outputs are of a type that does not travel.
		return refusal(ntstatus.NotSupported)
	}
	// A call that waits on is not over.
	notYet := f.Kind == Wait && st == q.wait.NotYet && !st.IsSuccess()
	if w.s.watcher != nil && !notYet && w.s.watcher.Wants(st) {
		w.s.watcher.Called(&nt.Call{Thread: w.th.Name(), Row: q.row.Row, In: q.in, Out: out, Status: st, Why: why},
			len(f.Body)+len(a.rest))
	}
	return a
}
