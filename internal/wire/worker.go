package wire

import (
	"sync"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// worker runs the calls of one thread in their order, beside those of other
// threads (W-11).
type worker struct {
	s       *session
	th      *nt.Thread // used by run alone
	tickets map[nt.Ticket]struct{}

	mu   sync.Mutex
	more *sync.Cond
	// +checklocks:mu
	queue []*Frame // bounded by the session's MaxPending; guarded by mu
	// +checklocks:mu
	over bool // no further call is begun; guarded by mu
}

func newWorker(s *session, th *nt.Thread) *worker {
	w := &worker{s: s, th: th, tickets: map[nt.Ticket]struct{}{}}
	w.more = sync.NewCond(&w.mu)
	return w
}

func (w *worker) push(f *Frame) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, f)
	w.more.Signal()
}

func (w *worker) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	w.more.Signal()
}

// next waits for a call, nil once the connection has ended.
func (w *worker) next() *Frame {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.queue) == 0 && !w.over {
		w.more.Wait()
	}
	if w.over {
		return nil
	}
	f := w.queue[0]
	w.queue = w.queue[1:]
	return f
}

func (w *worker) run() {
	for f := w.next(); f != nil; f = w.next() {
		head, rest, err := w.perform(f)
		w.s.done(f)
		if err == nil {
			err = w.s.answer(f, head, rest)
		}
		if err != nil {
			w.s.end(err)
			return
		}
		if f.Kind == EndThread {
			return
		}
	}
}

// perform does what a frame asks. An error ends the connection.
func (w *worker) perform(f *Frame) (head AnswerHead, rest []byte, err error) {
	sys := w.th.Services()
	switch f.Kind {
	case Call:
		return w.call(f)
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
	}
	return head, nil, nil
}

// call calls a row. A row that this side does not have answers
// STATUS_NOT_SUPPORTED (W-5), a body that does not decode ends the connection (W-6).
func (w *worker) call(f *Frame) (head AnswerHead, rest []byte, err error) {
	rows := Rows()
	if int(f.Service) >= len(rows) {
		return AnswerHead{Status: ntstatus.NotSupported}, nil, nil
	}
	row := rows[f.Service]
	r := &reader{b: f.Body}
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
