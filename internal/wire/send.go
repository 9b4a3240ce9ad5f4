package wire

import (
	"fmt"
	"net"
	"os"
	"sync"
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

// send sends a frame, once the reader has done what came with it if it is at work (W-44).
func (s *Server) send(f *Frame) error { return s.sendWith(f, nil, nil) }

// sendWith does the same with what follows the body: a tail, which is copied, or what is sent
// apart and does not change any more.
func (s *Server) sendWith(f *Frame, tail, apart []byte) error {
	n := headSize + len(f.Body) + len(tail) + len(apart)
	if n > MaxFrame {
		closeAll(f.Files)
		return fmt.Errorf("%w: an answer of %d bytes, the bound is %d", ErrFrame, n, MaxFrame)
	}
	s.write.Lock()
	defer s.write.Unlock()
	if s.apart != nil { // it was not sent yet
		s.unsent, s.apart = append(s.unsent, s.apart...), nil
	}
	at := len(s.unsent)
	b := appendFrameHead(s.roomFor(4+n-len(apart)), f, n-headSize)
	s.unsent, s.apart = append(append(b, f.Body...), tail...), apart
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
	return len(s.unsent)+len(s.apart) >= fullAnswers || len(s.parcels) >= MaxDescriptors
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
	b, parcels, apart := s.unsent, s.parcels, s.apart
	s.unsent, s.parcels, s.apart = nil, nil, nil
	if len(b) == 0 {
		return nil
	}
	err := s.sendOut(t, b, parcels)
	switch {
	case cap(b) <= smallAnswers:
		s.unsent = b[:0]
	case cap(b) == largeAnswers:
		large.Put((*[largeAnswers]byte)(b[:largeAnswers]))
	}
	if err == nil && apart != nil {
		err = s.sendOut(t, apart, nil)
	}
	return err
}

// sendOut sends answers, within WriteTimeout. What was not written whole ends the connection
// (W-3).
//
// +checklocks:s.write
func (s *Server) sendOut(t *stint, b []byte, parcels []parcel) (err error) {
	var n int
	if len(parcels) == 0 {
		n, err = s.now.with(b, nil)
	} else if p := parcels[0]; p.at == 0 && len(parcels) == 1 {
		if n, err = s.now.with(b, p.files); n > 0 || err != nil {
			closeAll(p.files) // they went with the first byte, and the client has its own
			parcels = nil
		}
	}
	if err != nil || n == len(b) {
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

// Sizes of the memory for answers: what an idle connection keeps, and what connections
// share for answers with what is in a file.
const (
	smallAnswers = 1 << 10
	largeAnswers = fullAnswers + MaxContents + 1<<10
)

var large = sync.Pool{New: func() any { return new([largeAnswers]byte) }}

// roomFor returns the answers that wait, in memory that n bytes more fit in where that is
// shared memory.
//
// +checklocks:s.write
func (s *Server) roomFor(n int) []byte {
	all := len(s.unsent) + n
	if n <= smallAnswers || all <= cap(s.unsent) || all > largeAnswers {
		return s.unsent
	}
	return append(large.Get().(*[largeAnswers]byte)[:0], s.unsent...)
}

// NowWriter writes as much as a socket takes at once, and no more than that. No deadline is
// needed, each of which costs a timer. One goroutine at a time uses it; the zero value is
// one of no socket, which takes nothing.
type NowWriter struct {
	raw syscall.RawConn // immutable
	try func(uintptr) bool

	// Owned by the call under way.
	b     []byte
	files []*os.File
	n     int
	err   error
}

// NewNowWriter returns the writer of a connection.
func NewNowWriter(conn net.Conn) *NowWriter {
	w := new(NowWriter)
	if socket, ok := conn.(syscall.Conn); ok {
		w.raw, _ = socket.SyscallConn() // without it writes take the long way
	}
	w.try = w.once
	return w
}

// Write writes what the socket takes at once of b. It implements io.Writer but for the
// error of a short write.
func (w *NowWriter) Write(b []byte) (n int, err error) { return w.with(b, nil) }

// with does the same with descriptors.
func (w *NowWriter) with(b []byte, files []*os.File) (n int, err error) {
	if w.raw == nil {
		return 0, nil
	}
	w.b, w.files, w.n, w.err = b, files, 0, nil
	lost := w.raw.Write(w.try)
	n, err = w.n, w.err
	w.b, w.files = nil, nil
	if err == nil {
		err = lost
	}
	return n, err
}

func (w *NowWriter) once(fd uintptr) bool {
	if len(w.files) > 0 {
		w.n, w.err = writeNowWith(fd, w.b, w.files)
	} else {
		w.n, w.err = writeNow(fd, w.b)
	}
	return true
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
