package wire

import (
	"fmt"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// dispatch handles one received frame: it makes the call, queues it for its thread, or answers at once. If goesOn is
// false, another goroutine reads the connection now. An unknown thread or a reached limit is a status in the answer.
// EndThread removes the thread before it runs. A frame that violates the protocol returns an error, which ends the
// connection.
func (s *Server) dispatch(t *timeSlice, f *Frame) (goesOn bool, err error) {
	switch f.Kind {
	case Administer, NewThread, Cancel, Collect, Confirm:
		// The reader answers these frames itself and may wait for the client. So it ends the time slice first (W-44).
		t.leave()
		return true, s.withoutThread(f)
	case Call, Then, Save, Restore, EndThread, Wait, WaitAny, Connected, Attach, HandOut, CallWith,
		ReadAs, ReplaceContents, Begin, AttachAs, ThenWith, Inspect:
	default:
		return true, fmt.Errorf("%w: kind %d", ErrFrame, f.Kind)
	}
	w := s.threads[f.Thread]
	if w == nil {
		// Numbers of threads are the connection's own: no other's can be named (W-7).
		t.leave()
		return true, s.answer(f, AnswerHead{Status: ntstatus.InvalidCid}, nil)
	}
	st, err := s.admit(f)
	if err != nil {
		return true, err
	}
	if st != ntstatus.Success {
		t.leave()
		return true, s.refuse(f, st)
	}
	if !f.Kind.waits() {
		f.afterRefusal, w.refused = w.refused, false
	}
	mine, begun := w.claim(f)
	switch {
	case !begun: // the connection ends
		f.paid.Return()
		return true, nil
	case f.Kind == EndThread:
		delete(s.threads, f.Thread)
	case mine && f.logsOn():
		s.running.Go(func() { w.run(f) }) // the reader goes on during the logon
		return true, nil
	}
	if mine {
		return s.newCall(w, f).goOn(t)
	}
	return true, nil
}

// withoutThread handles a frame that needs no thread: Administer, NewThread, Cancel, Collect or Confirm. An error ends
// the connection.
func (s *Server) withoutThread(f *Frame) error {
	switch f.Kind {
	case Administer:
		return s.administer(f)
	case NewThread:
		return s.answerNewThread(f)
	case Cancel:
		return s.cancel(f)
	case Collect:
		return s.collect(f)
	default:
		return s.acknowledged(f)
	}
}

// refuse answers a call beyond a limit with the status st. A limit is a status, not a hang (W-3). A Then that follows
// on the thread is cancelled (W-38). Only the reader may call it.
func (s *Server) refuse(f *Frame, st ntstatus.Status) error {
	if w := s.threads[f.Thread]; w != nil && !f.Kind.waits() {
		w.refused = true
	}
	return s.answer(f, AnswerHead{Status: st}, nil)
}

// admit counts a call against the limits of the connection and charges its memory. A reached limit is
// STATUS_INSUFFICIENT_RESOURCES, and a failed charge the status of the quota; then nothing is counted. A repeated
// request number of a waiting call is an error.
func (s *Server) admit(f *Frame) (st ntstatus.Status, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Kind.waits() && s.waits[f.Request] != nil {
		return 0, fmt.Errorf("%w: request %d waits already", ErrFrame, f.Request)
	}
	switch st = s.roomLocked(f); {
	case st == ntstatus.Success && f.Kind.waits():
		s.waits[f.Request] = &waiting{cancelled: make(chan struct{})}
	case st == ntstatus.Success:
		s.pending++
	case s.ending < MaxEnding && s.endsRights(f):
		// A server without quota or room must still be able to stop acting as its client (W-8).
		s.ending++
		f.reserved = true
	default:
		return st, nil
	}
	s.bytes += len(f.Body)
	f.admitted = true
	return ntstatus.Success, nil
}

// roomLocked returns the status of a call that a limit stops, and charges its memory. Body bytes, waiting requests and
// pending requests have separate limits.
//
// +checklocks:s.mu
func (s *Server) roomLocked(f *Frame) ntstatus.Status {
	n, most, more := s.pending, MaxPending, 0
	if f.Kind.waits() {
		n, most, more = len(s.waits), MaxWaits, waitSize
	}
	if n >= most || s.bytes+len(f.Body) > MaxBytes {
		return ntstatus.InsufficientResources
	}
	return s.chargeLocked(f, more)
}

// Longest bodies, in bytes, of requests that the reserve serves. They are enough for JSON.
const (
	maxEndingBody = 64  // Restore and EndThread
	maxRevertBody = 256 // NtSetInformationThread
)

// endsRights reports whether a frame ends a thread or an impersonation, so that the reserve serves it. RevertToSelf of
// the C library is a call of NtSetInformationThread with the token handle 0.
func (s *Server) endsRights(f *Frame) bool {
	switch f.Kind {
	case Restore, EndThread:
		return len(f.Body) <= maxEndingBody
	case Call:
		if len(f.Body) > maxRevertBody {
			return false
		}
		q, err := s.request(f)
		in, ok := q.in.(nt.SetInformationThreadIn)
		return err == nil && ok && in.ThreadInformation.V == 0
	}
	return false
}

// done counts a call as answered, before its answer is sent, and frees its share of the bounds. It must be called
// once for each admitted frame.
func (s *Server) done(f *Frame) {
	s.finished.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case f.Kind.waits():
		delete(s.waits, f.Request)
	case f.reserved:
		s.ending--
	default:
		s.pending--
	}
	s.bytes -= len(f.Body)
	f.paid.Return()
}

// answerNewThread creates a thread and answers with its number and name. At MaxThreads the answer is
// STATUS_INSUFFICIENT_RESOURCES. An error of the process is answered with its status, or if it has none with that too.
func (s *Server) answerNewThread(f *Frame) error {
	if len(s.threads) >= MaxThreads {
		return s.answer(f, AnswerHead{Status: ntstatus.InsufficientResources}, nil)
	}
	w, err := s.newThread()
	if err != nil {
		return s.answer(f, AnswerHead{Status: ntstatus.Of(err, ntstatus.InsufficientResources)}, nil)
	}
	return s.answer(f, AnswerHead{}, threadBody.append(s.form, nil, ThreadBody{s.last, w.th.Name()}))
}

// newThread creates a thread of the process with the next number.
func (s *Server) newThread() (*worker, error) {
	th, err := s.process.NewThread()
	if err != nil {
		return nil, err
	}
	s.last++
	w := newWorker(s, th)
	th.Services().OnWait(w.awaitDisk)
	s.threads[s.last] = w
	return w, nil
}

// hangUp ends the calls of all threads when the connection ends: it discards the queued ones, so that no further call
// starts.
func (s *Server) hangUp() {
	for _, w := range s.threads {
		w.discard()
	}
}
