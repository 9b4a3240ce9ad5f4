package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// read reads frames and makes their calls until the connection ends, one of them breaks
// a rule, or another goroutine reads on.
func (s *Server) read(t *stint) {
	for {
		goesOn, err := s.one(t)
		if !goesOn {
			return
		}
		if err != nil {
			t.leave()
			_ = s.deliver(t) // what was answered before
			s.unread <- err
			return
		}
	}
}

// one reads a frame and does what it asks.
func (s *Server) one(t *stint) (goesOn bool, err error) {
	// Answers to frames that came at once leave at once, and none waits for a frame that has not come (W-44).
	if !s.whole() || s.full() || t.spent() {
		err := s.deliver(t)
		t.leave()
		if err != nil {
			return true, err
		}
		t.pause()
	}
	f, err := s.next()
	if err != nil {
		return true, err
	}
	if !t.in {
		s.keep()
	}
	return s.dispatch(t, f)
}

// next reads a frame. Reading takes no ancillary data, so that the host's kernel
// closes descriptors that come with one (W-25). Between two frames a client may
// take its time; a frame that has begun is whole in time, or the connection ends (W-18).
func (s *Server) next() (*Frame, error) {
	if _, err := s.from.Peek(1); err != nil {
		return nil, err
	}
	if s.whole() {
		return ReadFrame(s.from)
	}
	s.within(FrameTimeout)
	defer s.within(0)
	f, err := ReadFrame(s.from)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("%w: half a frame for %s", ErrFrame, FrameTimeout)
	}
	return f, err
}

// whole reports whether a whole frame has come already.
func (s *Server) whole() bool {
	n := s.from.Buffered()
	if n < 4 {
		return false
	}
	b, err := s.from.Peek(4)
	return err == nil && int64(binary.LittleEndian.Uint32(b)) <= int64(n-4)
}
