package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/refmon/refmon/ntstatus"
)

// read runs the connection's reader: it reads frames and makes their calls until the connection ends, a frame breaks a
// rule, or another goroutine takes over. The error goes to s.unread; earlier answers are still sent.
func (s *Server) read() {
	t := s.newTimeSlice(s.read)
	for {
		goesOn, err := s.one(t)
		if !goesOn {
			return
		}
		if err != nil {
			t.leave()
			_ = s.deliver(t) // earlier answers
			s.unread <- err
			return
		}
	}
}

// one reads and handles the next frame in the reader's time slice. Collected answers are sent first if no whole
// frame has come, if they are many, or if the time slice is over. If goesOn is false, another goroutine reads the
// connection now. If goesOn is true and err is nil, the caller repeats the call. An error ends the connection.
func (s *Server) one(t *timeSlice) (goesOn bool, err error) {
	// Answers to frames that came at once leave at once, and none waits for a frame that has not come (W-44).
	if !s.whole() || s.full(t) || t.spent() {
		err := s.deliver(t)
		t.leave()
		if err != nil {
			return true, err
		}
		t.backOff()
	}
	f, err := s.next()
	if f == nil || err != nil {
		return true, err
	}
	if !t.in {
		s.keep(t)
	}
	goesOn, err = s.dispatch(t, f)
	if !f.admitted {
		f.paid.Return() // the frame was answered immediately
	}
	return goesOn, err
}

// partial reads a frame that has not arrived completely, and charges the user for its body. If the user cannot pay,
// the frame is skipped and answered, and the result is nil. A wrong length is an error of ReadFrame. After an error
// nothing is charged.
func (s *Server) partial() (*Frame, error) {
	b, err := s.from.Peek(4)
	if err != nil {
		return ReadFrame(s.from) // returns the error of Peek, or reads new bytes
	}
	n := int64(binary.LittleEndian.Uint32(b)) - headSize
	if n < 0 || n > MaxBody {
		return ReadFrame(s.from) // a wrong length fails at once, before the rest has come
	}
	if b, err = s.from.Peek(4 + headSize); err != nil {
		return ReadFrame(s.from)
	}
	paid, st := s.chargeBody(int(n))
	if st != ntstatus.Success {
		f := head(b[4:])
		if _, err := s.from.Discard(4 + headSize + int(n)); err != nil {
			return nil, err
		}
		// A call that the user cannot pay for is not kept.
		return nil, s.refuse(&f, st)
	}
	f, err := ReadFrame(s.from)
	if err != nil {
		paid.Return()
		return nil, err
	}
	f.paid = paid
	return f, nil
}

// next reads a frame and blocks until it is complete. A frame that was already answered returns nil and no error. A
// frame that has started must arrive within FrameTimeout, or the connection ends (W-18). Descriptors that a client
// sends are closed by the kernel (W-25).
func (s *Server) next() (*Frame, error) {
	if _, err := s.from.Peek(1); err != nil {
		return nil, err
	}
	if s.whole() {
		return ReadFrame(s.from)
	}
	s.within(FrameTimeout)
	defer s.within(0)
	f, err := s.partial()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("%w: half a frame for %s", ErrFrame, FrameTimeout)
	}
	return f, err
}

// whole reports whether a whole frame is buffered, so that reading it does not block.
func (s *Server) whole() bool {
	n := s.from.Buffered()
	if n < 4 {
		return false
	}
	b, err := s.from.Peek(4)
	return err == nil && int64(binary.LittleEndian.Uint32(b)) <= int64(n-4)
}
