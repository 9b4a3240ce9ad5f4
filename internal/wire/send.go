package wire

import (
	"fmt"
	"time"
)

// fullAnswers is how many bytes of answers are kept back at most while further frames
// that have come are answered.
const fullAnswers = 32 << 10

// answer sends the answer to a frame.
func (s *Server) answer(f *Frame, head AnswerHead, rest []byte) error {
	return s.send(&Frame{Kind: Answer, Request: f.Request, Thread: f.Thread, Service: f.Service,
		Body: s.answered(head, rest)})
}

// send sends a frame, once the reader has done what came with it if it is at work (W-44).
func (s *Server) send(f *Frame) error {
	if n := headSize + len(f.Body); n > MaxFrame {
		return fmt.Errorf("%w: an answer of %d bytes, the bound is %d", ErrFrame, n, MaxFrame)
	}
	s.write.Lock()
	defer s.write.Unlock()
	s.unsent = AppendFrame(s.unsent, f)
	if s.hold {
		return nil
	}
	return s.sendAll(nil)
}

// keep makes answers wait for deliver.
func (s *Server) keep() {
	s.write.Lock()
	defer s.write.Unlock()
	s.hold = true
}

// full reports whether the answers that wait are enough.
func (s *Server) full() bool {
	s.write.Lock()
	defer s.write.Unlock()
	return len(s.unsent) >= fullAnswers
}

// deliver sends the answers that wait. A client that does not take them at once has them
// sent after the turn.
func (s *Server) deliver(t *stint) error {
	s.write.Lock()
	defer s.write.Unlock()
	s.hold = false
	return s.sendAll(t)
}

// sendAll sends what waits, within WriteTimeout. What was not written whole ends the
// connection (W-3).
//
// +checklocks:s.write
func (s *Server) sendAll(t *stint) error {
	if len(s.unsent) == 0 {
		return nil
	}
	b := s.unsent
	s.unsent = nil
	n, err := s.sendNow(b)
	if err != nil || n == len(b) {
		if cap(b) <= smallAnswers {
			s.unsent = b[:0]
		}
		return err
	}
	if t != nil {
		t.leave()
	}
	s.writeWithin(WriteTimeout)
	defer s.writeWithin(0)
	_, err = s.conn.Write(b[n:])
	return err
}

// smallAnswers is the size of the memory for answers that an idle connection keeps.
const smallAnswers = 1 << 10

// sendNow writes as much as the socket takes at once.
func (s *Server) sendNow(b []byte) (n int, err error) {
	if s.raw == nil {
		return 0, nil
	}
	lost := s.raw.Write(func(fd uintptr) bool {
		n, err = writeNow(fd, b)
		return true
	})
	if err == nil {
		err = lost
	}
	return n, err
}

// writeWithin bounds the time of the next writes, 0 lifts the bound. After Stop the
// bound is that of Stop.
func (s *Server) writeWithin(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopping:
	case d == 0:
		_ = s.conn.SetWriteDeadline(time.Time{})
	default:
		_ = s.conn.SetWriteDeadline(time.Now().Add(d))
	}
}

// fail ends the connection for a frame that breaks a rule, after what was answered
// before.
func (s *Server) fail(f *Frame, err error) {
	s.complain(f, err)
	s.write.Lock()
	_ = s.sendAll(nil)
	s.write.Unlock()
	s.end(err)
}
