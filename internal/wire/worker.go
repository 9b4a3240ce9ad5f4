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
	ended   chan struct{} // closed when run returns

	mu   sync.Mutex
	more *sync.Cond
	// +checklocks:mu
	queue []*Frame // bounded by the connection's MaxPending and MaxWaits; guarded by mu
	// +checklocks:mu
	over bool // no further call is begun; guarded by mu
	// +checklocks:mu
	last bool // nor waited for; guarded by mu
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

// rest takes the calls that were not begun.
func (w *worker) rest() []*Frame {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	left := w.queue
	w.queue = nil
	return left
}

func (w *worker) run() {
	defer close(w.ended)
	for f := w.next(); f != nil; f = w.next() {
		head, rest, parked, err := w.turn(f)
		if parked {
			continue
		}
		w.s.done(f)
		if err == nil {
			err = w.s.answer(f, head, rest)
		}
		if err != nil {
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

// turn performs a frame when it is the turn of its connection.
func (w *worker) turn(f *Frame) (head AnswerHead, rest []byte, parked bool, err error) {
	if w.s.turns != nil {
		w.s.turns.Enter()
		defer w.s.turns.Leave()
	}
	if f.Kind == Wait {
		return w.wait(f)
	}
	head, rest, err = w.perform(f)
	return head, rest, false, err
}

// perform does what a frame asks. An error ends the connection.
func (w *worker) perform(f *Frame) (head AnswerHead, rest []byte, err error) {
	sys := w.th.Services()
	switch f.Kind {
	case Call:
		return w.call(f, f.Body)
	case Save:
		if len(w.tickets) >= MaxTickets {
			return AnswerHead{Status: ntstatus.InsufficientResources}, nil, nil
		}
		k := sys.SaveImpersonation()
		w.tickets[k] = struct{}{}
		return head, AppendTicket(nil, k), nil
	case Restore:
		b, err := DecodeTicket(f.Body)
		if err != nil {
			return head, nil, err
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
	return head, nil, nil
}

// call calls a row. A row that this side does not have answers
// STATUS_NOT_SUPPORTED (W-5), a body that does not decode ends the connection (W-6).
func (w *worker) call(f *Frame, body []byte) (head AnswerHead, rest []byte, err error) {
	rows := Rows()
	if int(f.Service) >= len(rows) {
		return AnswerHead{Status: ntstatus.NotSupported}, nil, nil
	}
	row := rows[f.Service]
	r := &reader{b: body}
	why := r.flag()
	if r.err != nil {
		return head, nil, r.err
	}
	in, err := row.DecodeIn(r.b)
	if err != nil {
		return head, nil, err
	}
	sys := w.th.Services()
	sys.RecordWhy(why)
	// The call is that of a thread in process, reasons included (W-10).
	out, st := w.th.CallRow(row.Row, in)
	head.Status = st
	if why {
		head.Why = whyBody(sys.TakeWhy())
	}
	if rest, err = row.AppendOut(nil, out); err != nil {
		// The call was made; its outputs are of a type that does not travel.
		return AnswerHead{Status: ntstatus.NotSupported}, nil, nil
	}
	return head, rest, nil
}
