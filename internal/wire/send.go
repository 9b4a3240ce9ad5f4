package wire

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// fullAnswers is how many bytes of answers are kept back at most while further frames
// that have come are answered.
const fullAnswers = 32 << 10

// parcel has the descriptors that go with the frame at a place of the answers.
type parcel struct {
	at, end int
	files   []*os.File
}

// largeAnswer is from how many bytes on what an answer carries is not copied to the others.
const largeAnswer = fullAnswers

// send sends a frame, the rest of whose body may come apart, once the reader has done what
// came with it if it is at work (W-44).
func (s *Server) send(f *Frame, rest []byte) error {
	if n := headSize + len(f.Body) + len(rest); n > MaxFrame {
		closeAll(f.Files)
		return fmt.Errorf("%w: an answer of %d bytes, the bound is %d", ErrFrame, n, MaxFrame)
	}
	s.write.Lock()
	defer s.write.Unlock()
	if s.large != nil { // it was not sent yet
		s.unsent, s.large = append(s.unsent, s.large...), nil
	}
	at := len(s.unsent)
	s.unsent = appendHead(s.unsent, f, len(f.Body)+len(rest))
	s.unsent = append(s.unsent, f.Body...)
	s.large = rest
	if n := len(f.Files); n > 0 {
		s.parcels = append(s.parcels, parcel{at, len(s.unsent), f.Files})
		s.passed += n
	}
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
	return len(s.unsent)+len(s.large) >= fullAnswers || len(s.parcels) >= MaxDescriptors
}

// deliver sends the answers that wait. A client that does not take them at once has them
// sent after the turn.
func (s *Server) deliver(t *stint) error {
	s.write.Lock()
	defer s.write.Unlock()
	s.hold = false
	return s.sendAll(t)
}

// sendAll sends what waits.
//
// +checklocks:s.write
func (s *Server) sendAll(t *stint) error {
	large := s.large
	s.large = nil
	err := s.sendUnsent(t)
	if err == nil && large != nil {
		s.unsent = large
		err = s.sendUnsent(t)
	}
	return err
}

// sendUnsent sends the answers, within WriteTimeout. What was not written whole ends the
// connection (W-3).
//
// +checklocks:s.write
func (s *Server) sendUnsent(t *stint) error {
	if len(s.unsent) == 0 {
		return nil
	}
	b, parcels := s.unsent, s.parcels
	s.unsent, s.parcels = nil, nil
	var n int
	var err error
	if len(parcels) == 0 {
		n, err = sendNow(s.raw, b, nil)
	} else if p := parcels[0]; p.at == 0 && len(parcels) == 1 {
		if n, err = sendNow(s.raw, b, p.files); n > 0 || err != nil {
			closeAll(p.files) // they went with the first byte, and the client has its own
			parcels = nil
		}
	}
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
	for _, p := range parcels {
		if err == nil && n < p.at {
			_, err = s.conn.Write(b[n:p.at])
		}
		if err == nil {
			err = writeWith(s.conn, b[p.at:p.end], p.files)
		}
		closeAll(p.files) // the client has its own
		n = p.end
	}
	if err == nil && n < len(b) {
		_, err = s.conn.Write(b[n:])
	}
	return err
}

// smallAnswers is the size of the memory for answers that an idle connection keeps.
const smallAnswers = 1 << 10

// WriteNow writes as much as a socket takes at once, and no more than that; nothing where
// raw is nil. No deadline is needed, each of which costs a timer.
func WriteNow(raw syscall.RawConn, b []byte) (n int, err error) { return sendNow(raw, b, nil) }

// sendNow does the same with descriptors.
func sendNow(raw syscall.RawConn, b []byte, files []*os.File) (n int, err error) {
	if raw == nil {
		return 0, nil
	}
	lost := raw.Write(func(fd uintptr) bool {
		if len(files) > 0 {
			n, err = writeNowWith(fd, b, files)
		} else {
			n, err = writeNow(fd, b)
		}
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
