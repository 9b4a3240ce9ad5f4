package wire

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A Process is the process that a server gives a connection.
type Process interface {
	ID() winnt.Handle
	Profile() nt.Profile
	// NewThread makes a thread, the first one first.
	NewThread() (*nt.Thread, error)
	// Exit ends the process and every call of it that waits.
	Exit()
	// GiveBack takes back a thread once its calls are over.
	GiveBack(*nt.Thread)
}

// WriteTimeout is how long the other side may leave one frame unread (W-3).
const WriteTimeout = 30 * time.Second

// Serve answers the frames of a connection for a process until the connection
// ends, or one of its frames breaks a rule. It closes the connection, makes the
// process exit, waits for its calls, and returns why the connection ended: nil
// where the client closed it between two frames.
func Serve(conn net.Conn, p Process) error {
	s := &session{conn: conn, from: bufio.NewReader(conn), process: p, threads: map[uint32]*worker{}}
	err := s.begin()
	if err == nil {
		err = s.read()
	}
	s.end(err)
	// The end of a connection is the exit of its process: handles close, threads revert (W-12).
	p.Exit()
	s.hangUp()
	s.running.Wait()
	for _, w := range s.threads { // no goroutine of the session is left to use them
		p.GiveBack(w.th)
	}
	if err := s.reason(); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// session is one connection. Its reader owns threads; mu guards what the threads
// and the reader share.
type session struct {
	conn    net.Conn
	from    *bufio.Reader // of conn; owned by the reader
	process Process
	threads map[uint32]*worker // owned by the reader
	last    uint32             // number of the newest thread; owned by the reader
	running sync.WaitGroup

	write sync.Mutex // one frame at a time

	mu sync.Mutex
	// +checklocks:mu
	pending int // calls without an answer; guarded by mu
	// +checklocks:mu
	bytes int // of these calls; guarded by mu
	// +checklocks:mu
	err error // why the connection ended, the first reason; guarded by mu
}

// end notes why the connection ended and closes it, so that the reader and each
// writer stop.
func (s *session) end(err error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = err
	}
	s.mu.Unlock()
	_ = s.conn.Close()
}

func (s *session) reason() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// begin makes the first thread and exchanges hellos.
func (s *session) begin() error {
	w, err := s.newThread()
	if err != nil {
		return err
	}
	return s.greet(w.th.Name())
}

// greet exchanges hellos. Another version is told ours and refused (W-1).
func (s *session) greet(thread string) error {
	f, err := ReadFrame(s.from)
	if err != nil {
		return err
	}
	if f.Kind != Hello {
		return fmt.Errorf("%w: kind %d before a hello", ErrFrame, f.Kind)
	}
	body := AppendHello(nil, HelloBody{Profile: uint8(s.process.Profile()), Process: uint64(s.process.ID()),
		Thread: thread})
	if err := s.send(&Frame{Kind: Hello, Request: f.Request, Body: body}); err != nil {
		return err
	}
	_, err = DecodeHello(f.Body)
	return err
}

func (s *session) read() error {
	for {
		f, err := ReadFrame(s.from)
		if err != nil {
			return err
		}
		if err := s.dispatch(f); err != nil {
			return err
		}
	}
}

// dispatch gives a frame to its thread. A frame that a client with this protocol
// cannot have sent ends the connection.
func (s *session) dispatch(f *Frame) error {
	switch f.Kind {
	case NewThread:
		return s.makeThread(f)
	case Call, Save, Restore, EndThread:
	default:
		return fmt.Errorf("%w: kind %d", ErrFrame, f.Kind)
	}
	w := s.threads[f.Thread]
	if w == nil {
		// Numbers of threads are the connection's own: no other's can be named (W-7).
		return s.answer(f, AnswerHead{Status: ntstatus.InvalidCid}, nil)
	}
	if !s.admit(f) {
		// A bound is a status, not a hang (W-3).
		return s.answer(f, AnswerHead{Status: ntstatus.InsufficientResources}, nil)
	}
	if f.Kind == EndThread {
		delete(s.threads, f.Thread)
	}
	w.push(f)
	return nil
}

// admit counts a call as pending unless the connection has too many.
func (s *session) admit(f *Frame) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending >= MaxPending || s.bytes+len(f.Body) > MaxBytes {
		return false
	}
	s.pending++
	s.bytes += len(f.Body)
	return true
}

func (s *session) done(f *Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending--
	s.bytes -= len(f.Body)
}

func (s *session) makeThread(f *Frame) error {
	if len(s.threads) >= MaxThreads {
		return s.answer(f, AnswerHead{Status: ntstatus.InsufficientResources}, nil)
	}
	w, err := s.newThread()
	if err != nil {
		return s.answer(f, AnswerHead{Status: statusOf(err)}, nil)
	}
	return s.answer(f, AnswerHead{}, threadBody.append(nil, ThreadBody{s.last, w.th.Name()}))
}

func (s *session) newThread() (*worker, error) {
	th, err := s.process.NewThread()
	if err != nil {
		return nil, err
	}
	s.last++
	w := newWorker(s, th)
	s.threads[s.last] = w
	s.running.Go(w.run)
	return w, nil
}

// hangUp ends the threads' goroutines after the calls they have begun.
func (s *session) hangUp() {
	for _, w := range s.threads {
		w.stop()
	}
}

// answer sends the answer to a frame.
func (s *session) answer(f *Frame, head AnswerHead, rest []byte) error {
	return s.send(&Frame{Kind: Answer, Request: f.Request, Thread: f.Thread, Service: f.Service,
		Body: append(answerHead.append(nil, head), rest...)})
}

// send writes one frame within WriteTimeout. A frame that was not written whole
// ends the connection (W-3).
func (s *session) send(f *Frame) error {
	b := AppendFrame(nil, f)
	if len(b)-4 > MaxFrame {
		return fmt.Errorf("%w: an answer of %d bytes, the bound is %d", ErrFrame, len(b)-4, MaxFrame)
	}
	s.write.Lock()
	defer s.write.Unlock()
	_ = s.conn.SetWriteDeadline(time.Now().Add(WriteTimeout))
	_, err := s.conn.Write(b)
	return err
}

// statusOf returns the status of an error of a kernel.
func statusOf(err error) ntstatus.Status {
	var e *ntstatus.Error
	if errors.As(err, &e) {
		return e.Status
	}
	return ntstatus.InsufficientResources
}
