package wire

import (
	"github.com/refmon/refmon/ntstatus"
)

// collect answers with the end of an operation, once it has ended. It holds up no call of
// any thread (W-91).
func (s *Server) collect(f *Frame) error {
	b, err := cancelBody.decode(s.form, f.Body)
	if err != nil {
		return err
	}
	admitted, err := s.admit(f)
	if err != nil {
		return err
	}
	if !admitted {
		return s.answer(f, AnswerHead{Status: ntstatus.InsufficientResources}, nil)
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
			err = s.reply(f, a)
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

// collected waits for the end of an operation and returns what answers for it. It reports
// false where the wait was cancelled, or the server stops.
func (s *Server) collected(request uint64, op *later, c *waiting) (a reply, ok bool) {
	select {
	case <-op.ended:
	case <-op.l.Over:
	case <-c.cancelled:
	case <-s.over:
	}
	var body LaterBody
	var tell func()
	s.mu.Lock()
	switch {
	case op.tell != nil:
		body.end(op)
		if body.Told = op.l.Synchronous; body.Told {
			tell, op.tell = op.tell, nil
			s.forgetLocked(request)
		}
	case isClosed(op.l.Over):
		a.head.Status, body.Told = op.l.Failure, true
		s.forgetLocked(request)
	default:
		op.collected = false
		s.mu.Unlock()
		return a, false
	}
	s.mu.Unlock()
	if tell != nil {
		tell()
	}
	a.rest = laterBody.append(s.form, nil, body)
	return a, true
}

func isClosed(over <-chan struct{}) bool {
	select {
	case <-over:
		return true
	default:
		return false
	}
}

// told tells all who wait for an operation whose end the client has written (W-90).
func (s *Server) told(f *Frame) error {
	b, err := cancelBody.decode(s.form, f.Body)
	if err != nil {
		return err
	}
	st := ntstatus.InvalidParameter
	s.mu.Lock()
	var tell func()
	if op := s.laters[b.Request]; op != nil && op.tell != nil && op.collected {
		tell, op.tell = op.tell, nil
		s.forgetLocked(b.Request)
		st = ntstatus.Success
	}
	s.mu.Unlock()
	if tell != nil {
		tell()
	}
	return s.answer(f, AnswerHead{Status: st}, nil)
}

// tellAll tells what a client that is gone did not write: no one else waits for it (W-92).
func (s *Server) tellAll() {
	s.mu.Lock()
	var all []func()
	for _, op := range s.laters {
		if op.tell != nil {
			all = append(all, op.tell)
			op.tell = nil
		}
	}
	s.laters = nil
	s.mu.Unlock()
	for _, tell := range all {
		tell()
	}
}
