package wire

import (
	"github.com/refmon/refmon/ntstatus"
)

// collect handles a Collect frame, which waits for a pending operation and answers with its result. The wait blocks
// neither the reader nor a thread (W-91). Other answers are:
//   - an unknown operation, or one with another Collect: STATUS_INVALID_PARAMETER
//   - a cancelled wait: STATUS_CANCELLED
//   - a reached limit: the status of admit
//
// A returned error ends the connection.
func (s *Server) collect(f *Frame) error {
	b, err := cancelBody.decode(s.form, f.Body)
	if err != nil {
		return err
	}
	st, err := s.admit(f)
	if err != nil {
		return err
	}
	if st != ntstatus.Success {
		return s.answer(f, AnswerHead{Status: st}, nil)
	}
	s.mu.Lock()
	op, c := s.laters[b.Request], s.waits[f.Request]
	unknown := op == nil || !op.pending || op.collected
	if !unknown {
		op.collected = true
	}
	s.mu.Unlock()
	if unknown {
		s.done(f)
		return s.answer(f, AnswerHead{Status: ntstatus.InvalidParameter}, nil)
	}
	s.running.Go(func() {
		var err error
		if a, ok := s.collected(b.Request, op, c); ok {
			s.done(f)
			err = s.reply(nil, f, a)
		} else {
			s.done(f)
			err = s.answer(f, AnswerHead{Status: ntstatus.Cancelled}, nil)
		}
		if err != nil {
			s.end(err)
		}
	})
	return nil
}

// collected waits until a pending operation has ended, and returns the answer to its Collect. c is the wait. If the
// wait is cancelled or the server stops, ok is false, and a later Collect can get the result. A failed operation
// answers its failure status, and is forgotten.
func (s *Server) collected(request uint64, op *later, c *waiting) (a reply, ok bool) {
	select {
	case <-op.ended:
	case <-op.l.Over:
	case <-c.cancelled:
	case <-s.over:
	}
	var body LaterBody
	var notify func()
	s.mu.Lock()
	switch {
	case op.notify != nil:
		body.end(op)
		if body.Confirmed = op.l.Synchronous; body.Confirmed {
			notify, op.notify = op.notify, nil
			s.forgetLocked(request)
		}
	case isClosed(op.l.Over):
		a.head.Status, body.Confirmed = op.l.Failure, true
		s.forgetLocked(request)
	default:
		op.collected = false
		s.mu.Unlock()
		return a, false
	}
	s.mu.Unlock()
	if notify != nil {
		notify()
	}
	a.rest = laterBody.append(s.form, nil, body)
	return a, true
}

// isClosed reports whether a channel is closed. A nil channel is not.
func isClosed(over <-chan struct{}) bool {
	select {
	case <-over:
		return true
	default:
		return false
	}
}

// acknowledged handles the client's confirmation that it has written an operation's result to its memory: it signals
// the operation's event and waiters (W-90). The answer is STATUS_INVALID_PARAMETER if no operation waits for a
// confirmation. An error ends the connection.
func (s *Server) acknowledged(f *Frame) error {
	b, err := cancelBody.decode(s.form, f.Body)
	if err != nil {
		return err
	}
	st := ntstatus.InvalidParameter
	s.mu.Lock()
	var notify func()
	if op := s.laters[b.Request]; op != nil && op.notify != nil && op.collected {
		notify, op.notify = op.notify, nil
		s.forgetLocked(b.Request)
		st = ntstatus.Success
	}
	s.mu.Unlock()
	if notify != nil {
		notify()
	}
	return s.answer(f, AnswerHead{Status: st}, nil)
}

// notifyAll signals the events and waiters of all operations of a client that has disconnected (W-92). It returns their
// charges and forgets them. Each is signalled once, without the lock.
func (s *Server) notifyAll() {
	s.mu.Lock()
	var all []func()
	for _, op := range s.laters {
		op.paid.Return()
		if op.notify != nil {
			all = append(all, op.notify)
			op.notify = nil
		}
	}
	s.laters = nil
	s.mu.Unlock()
	for _, notify := range all {
		notify()
	}
}
