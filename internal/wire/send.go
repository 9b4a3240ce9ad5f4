package wire

import (
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// fullAnswers is the number of bytes of answers after which they are sent, even if further frames have arrived.
const fullAnswers = 32 << 10

// fdMessage holds the descriptors that travel with the frame at a byte range of the unsent answers.
type fdMessage struct {
	at, end int
	files   []*os.File
}

// largeAnswer is the size in bytes from which the output of an answer is not copied into the buffer of waiting
// answers.
const largeAnswer = fullAnswers

// send sends a frame to the client. If the reader is handling frames that arrived together, the frame waits for them
// (W-44).
func (s *Server) send(f *Frame) error { return s.sendWith(nil, f, nil, nil) }

// sendWith sends a frame, with the bytes of tail and apart after its body. While s.hold is set, the frame is only
// queued. tail is copied; apart is not, and must not change. f.Files are closed after they are sent. A frame above
// MaxFrame is an error. One that the user cannot pay for while it waits behind another is an error, too, and ends the
// connection. In both cases no byte of it is sent, and f.Files are closed. t is the time slice of the goroutine, or
// nil: it ends before the goroutine waits for the client.
func (s *Server) sendWith(t *timeSlice, f *Frame, tail, apart []byte) error {
	n := headSize + len(f.Body) + len(tail) + len(apart)
	if n > MaxFrame {
		closeAll(f.Files)
		return fmt.Errorf("%w: an answer of %d bytes, the bound is %d", ErrFrame, n, MaxFrame)
	}
	if !s.write.TryLock() {
		// The client may not read the answer that is under way, and this one waits behind it.
		paid, err := s.chargeAnswers(n)
		if err != nil {
			closeAll(f.Files)
			s.end(err) // also ends the write in progress
			return err
		}
		s.lockWrite(t)
		paid.Return() // sendOut charges what the client does not read
	}
	defer s.write.Unlock()               // +checklocksforce
	return s.queue(t, f, n, tail, apart) // +checklocksforce
}

// lockWrite locks s.write. If another goroutine holds it, the time slice t ends before the wait, because that
// goroutine may be sending to a client that does not read (W-44). t may be nil.
//
// +checklocksacquire:s.write
// +checklocksignore: the tool does not know TryLock
func (s *Server) lockWrite(t *timeSlice) {
	if !s.write.TryLock() {
		t.leave()
		s.write.Lock()
	}
}

// queue adds a frame of n bytes to the unsent answers, and sends them unless s.hold is set.
//
// +checklocks:s.write
func (s *Server) queue(t *timeSlice, f *Frame, n int, tail, apart []byte) error {
	if s.apart != nil { // the previous answer's data was not sent yet
		s.unsent, s.apart = append(s.unsent, s.apart...), nil
	}
	at := len(s.unsent)
	b := appendFrameHead(s.roomFor(4+n-len(apart)), f, n-headSize)
	s.unsent, s.apart = append(append(b, f.Body...), tail...), apart
	if n := len(f.Files); n > 0 {
		s.fdMessages = append(s.fdMessages, fdMessage{at, len(s.unsent), f.Files})
		s.mu.Lock()
		s.passed += n
		s.mu.Unlock()
	}
	if s.hold {
		return nil
	}
	return s.sendAll(t)
}

// keep starts to collect answers instead of sending them one by one, until deliver or sendAll sends them together. If
// another goroutine is sending, it ends the time slice t and waits.
func (s *Server) keep(t *timeSlice) {
	s.lockWrite(t)
	defer s.write.Unlock()
	s.hold = true
}

// full reports whether the collected answers should be sent at once, because they are long or bring many descriptors.
// If another goroutine is sending, it ends the time slice t and waits.
func (s *Server) full(t *timeSlice) bool {
	s.lockWrite(t)
	defer s.write.Unlock()
	return len(s.unsent)+len(s.apart) >= fullAnswers || len(s.fdMessages) >= MaxDescriptors
}

// deliver sends the waiting answers and ends keep. If the socket is full, it ends the time slice t and then blocks
// until the rest is sent. A nil t is allowed.
func (s *Server) deliver(t *timeSlice) error {
	s.lockWrite(t)
	defer s.write.Unlock()
	s.hold = false
	return s.sendAll(t)
}

// sendAll sends the waiting answers and closes their descriptors. Without waiting answers it does nothing. After an
// error nothing is queued any more.
//
// +checklocks:s.write
func (s *Server) sendAll(t *timeSlice) error {
	b, fdMessages, apart := s.unsent, s.fdMessages, s.apart
	s.unsent, s.fdMessages, s.apart = nil, nil, nil
	if len(b) == 0 {
		return nil
	}
	err := s.sendOut(t, b, fdMessages, len(apart))
	switch {
	case cap(b) <= smallAnswers:
		s.unsent = b[:0]
	case cap(b) == largeAnswers:
		large.Put((*[largeAnswers]byte)(b[:largeAnswers]))
	}
	if err == nil && apart != nil {
		err = s.sendOut(t, apart, nil, 0)
	}
	return err
}

// sendOut writes answers within WriteTimeout. An incomplete write ends the connection (W-3). If a write would block,
// the time slice t ends, and the user pays for the remaining bytes and for later more bytes that are sent after them
// . t may be nil. All files of fdMessages are closed, even after an error.
//
// +checklocks:s.write
func (s *Server) sendOut(t *timeSlice, b []byte, fdMessages []fdMessage, later int) (err error) {
	var n int
	if len(fdMessages) == 0 {
		n, err = s.now.with(b, nil)
	} else if p := fdMessages[0]; p.at == 0 && len(fdMessages) == 1 {
		if n, err = s.now.with(b, p.files); n > 0 || err != nil {
			closeAll(p.files) // sent with the first byte; the client has duplicates
			fdMessages = nil
		}
	}
	if err != nil || n == len(b) {
		return err
	}
	t.leave()
	paid, err := s.chargeAnswers(len(b) - n + later)
	if err != nil {
		for _, p := range fdMessages {
			closeAll(p.files)
		}
		return err
	}
	defer paid.Return()
	s.writeWithin(WriteTimeout)
	defer s.writeWithin(0)
	for _, p := range fdMessages {
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

// Buffers for answers, in bytes. An idle connection keeps smallAnswers. Connections share
// buffers of largeAnswers, for answers with the contents of files.
const (
	smallAnswers = 1 << 10
	largeAnswers = fullAnswers + MaxContents + 1<<10
)

var large = sync.Pool{New: func() any { return new([largeAnswers]byte) }}

// roomFor returns the unsent answers, moved to a pooled buffer if they need room for n more bytes and such a buffer is
// large enough. Otherwise it returns them unchanged.
//
// +checklocks:s.write
func (s *Server) roomFor(n int) []byte {
	all := len(s.unsent) + n
	if n <= smallAnswers || all <= cap(s.unsent) || all > largeAnswers {
		return s.unsent
	}
	return append(large.Get().(*[largeAnswers]byte)[:0], s.unsent...)
}

// NowWriter writes as much as a socket takes without waiting. It needs no deadline, which would cost a timer. It is
// not safe for concurrent use. The zero value writes nothing.
type NowWriter struct {
	raw syscall.RawConn // immutable
	try func(uintptr) bool

	// Owned by the call under way.
	b     []byte
	files []*os.File
	n     int
	err   error
}

// NewNowWriter returns a writer that never waits for conn: it writes what the socket takes at once. The caller keeps
// conn and closes it. If conn is not a socket, Write writes nothing and returns 0.
func NewNowWriter(conn net.Conn) *NowWriter {
	w := new(NowWriter)
	if socket, ok := conn.(syscall.Conn); ok {
		w.raw, _ = socket.SyscallConn() // after an error Write writes nothing
	}
	w.try = w.once
	return w
}

// Write writes what the socket takes without waiting, and returns how many bytes that were. A short write, even of 0
// bytes, is not an error.
func (w *NowWriter) Write(b []byte) (n int, err error) { return w.with(b, nil) }

// with writes as Write does, with descriptors on the first byte. Without a raw connection it writes nothing and
// returns 0. The files stay open.
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

// once makes one non-blocking write for RawConn.Write and stores the result. It always returns true, so that Go does
// not wait for the socket. The result can be a part of the bytes.
func (w *NowWriter) once(fd uintptr) bool {
	if len(w.files) > 0 {
		w.n, w.err = writeNowWith(fd, w.b, w.files)
	} else {
		w.n, w.err = writeNow(fd, w.b)
	}
	return true
}

// writeWithin sets the deadline of later writes to now plus d; 0 removes it. After Stop it has no effect.
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

// fail ends the connection after a frame that breaks a rule. It sends the waiting answers first. Errors of that are
// ignored.
func (s *Server) fail(f *Frame, err error) {
	s.complain(f, err)
	s.write.Lock()
	_ = s.sendAll(nil)
	s.write.Unlock()
	s.end(err)
}
