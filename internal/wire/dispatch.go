package wire

import (
	"fmt"

	"github.com/refmon/refmon/ntstatus"
)

// dispatch does what a frame asks, in the reader's turn where it is a thread's. It
// reports false where the reader has been relieved meanwhile. A frame that a client with
// this protocol cannot have sent ends the connection.
func (s *Server) dispatch(t *stint, f *Frame) (goesOn bool, err error) {
	switch f.Kind {
	case Administer:
		return true, s.administer(f)
	case NewThread:
		return true, s.makeThread(f)
	case Cancel:
		return true, s.cancel(f)
	case Collect:
		return true, s.collect(f)
	case Told:
		return true, s.told(f)
	case Call, Then, Save, Restore, EndThread, Wait, WaitAny, Connected, Attach, HandOut, CallWith,
		ReadAs, Refill, Begin, AttachAs, Look:
	default:
		return true, fmt.Errorf("%w: kind %d", ErrFrame, f.Kind)
	}
	w := s.threads[f.Thread]
	if w == nil {
		// Numbers of threads are the connection's own: no other's can be named (W-7).
		return true, s.answer(f, AnswerHead{Status: ntstatus.InvalidCid}, nil)
	}
	admitted, err := s.admit(f)
	if err != nil {
		return true, err
	}
	if !admitted {
		// A bound is a status, not a hang (W-3).
		return true, s.answer(f, AnswerHead{Status: ntstatus.InsufficientResources}, nil)
	}
	if f.Kind == EndThread {
		delete(s.threads, f.Thread)
	}
	if f.slow() {
		w.push(f)
		return true, nil
	}
	if mine, _ := w.take(f); mine {
		return w.inline(t, f)
	}
	return true, nil
}

// admit counts a call unless the connection has too many.
func (s *Server) admit(f *Frame) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bytes+len(f.Body) > MaxBytes {
		return false, nil
	}
	if f.Kind.waits() {
		if s.waits[f.Request] != nil {
			return false, fmt.Errorf("%w: request %d waits already", ErrFrame, f.Request)
		}
		if len(s.waits) >= MaxWaits {
			return false, nil
		}
		s.waits[f.Request] = &waiting{cancelled: make(chan struct{})}
	} else {
		if s.pending >= MaxPending {
			return false, nil
		}
		s.pending++
	}
	s.bytes += len(f.Body)
	return true, nil
}

// done takes a call that will be answered now out of the counts.
func (s *Server) done(f *Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Kind.waits() {
		delete(s.waits, f.Request)
	} else {
		s.pending--
	}
	s.bytes -= len(f.Body)
}

func (s *Server) makeThread(f *Frame) error {
	if len(s.threads) >= MaxThreads {
		return s.answer(f, AnswerHead{Status: ntstatus.InsufficientResources}, nil)
	}
	w, err := s.newThread()
	if err != nil {
		return s.answer(f, AnswerHead{Status: statusOf(err)}, nil)
	}
	return s.answer(f, AnswerHead{}, threadBody.append(s.form, nil, ThreadBody{s.last, w.th.Name()}))
}

func (s *Server) newThread() (*worker, error) {
	th, err := s.process.NewThread()
	if err != nil {
		return nil, err
	}
	s.last++
	w := newWorker(s, th)
	s.threads[s.last] = w
	return w, nil
}

// hangUp begins no further call.
func (s *Server) hangUp() {
	for _, w := range s.threads {
		w.stop()
	}
}
