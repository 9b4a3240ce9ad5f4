package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A Process is the NT process for which a connection makes calls. The server calls it from several goroutines.
type Process interface {
	ID() winnt.Handle
	Profile() nt.Profile
	// NewThread creates a thread. The first call returns the first thread.
	NewThread() (*nt.Thread, error)
	// Exit ends the process and its waiting calls.
	Exit()
	// GiveBack releases a thread after its calls have ended.
	GiveBack(*nt.Thread)
}

// Timeouts for the client (W-3, W-18).
const (
	WriteTimeout = 30 * time.Second // to read one frame
	FrameTimeout = 30 * time.Second // to write the rest of a frame that it has begun
	HelloTimeout = 30 * time.Second // to say hello
	StopTimeout  = 5 * time.Second  // to read the last answers once the server stops
)

// Serve answers the frames of a connection for a process and blocks until the connection ends. It closes conn and
// ends the process. See [Server.Serve] for the error.
func Serve(conn net.Conn, p Process) error { return NewServer(conn, p).Serve() }

// Refuse sends a client a status instead of the server's hello and closes the connection. It blocks for at most
// [StopTimeout].
func Refuse(conn net.Conn, st ntstatus.Status) error {
	_ = conn.SetDeadline(time.Now().Add(StopTimeout))
	body := answerHead.append(inBinary, nil, AnswerHead{Status: st})
	_, err := conn.Write(AppendFrame(nil, &Frame{Kind: Answer, Body: body}))
	return errors.Join(err, conn.Close())
}

// Server is the server's side of one connection. Its reader owns threads. mu guards the state that threads and
// reader share.
type Server struct {
	conn      net.Conn
	from      *bufio.Reader // of conn; owned by the reader
	process   Process
	scheduler Scheduler          // immutable; nil where every call runs at once
	watchdog  *Watchdog          // immutable
	watcher   Watcher            // immutable; nil where no call is watched
	patient   bool               // set before Serve: the hello may take its time
	threads   map[uint32]*worker // owned by the reader
	last      uint32             // number of the newest thread; owned by the reader
	form      form               // of all bodies; set by the reader before any thread has a call
	running   sync.WaitGroup
	over      chan struct{} // closed when no further call is begun: what waits ends

	finished atomic.Uint64 // calls that are over, whatever their status

	raw    syscall.RawConn // immutable; nil where conn is not a socket
	unread chan error      // why no further frame is read: one value

	write sync.Mutex
	// +checklocks:write
	now *NowWriter // guarded by write
	// +checklocks:write
	unsent []byte // answers; guarded by write
	// +checklocks:write
	apart []byte // the end of the last of them; guarded by write
	// +checklocks:write
	fdMessages []fdMessage // of the answers that bring descriptors; guarded by write
	// +checklocks:write
	hold bool // the reader will send them; guarded by write

	mu sync.Mutex // locked after write
	// +checklocks:mu
	reserved int // descriptors that are to be sent; guarded by mu
	// +checklocks:mu
	passed int // descriptors that were sent; guarded by mu
	// +checklocks:mu
	pending int // calls without an answer that do not wait; guarded by mu
	// +checklocks:mu
	ending int // Restores, reverts and EndThreads beyond the limits; guarded by mu
	// +checklocks:mu
	bytes int // of all calls without an answer; guarded by mu
	// +checklocks:mu
	waits map[uint64]*waiting // by their requests; guarded by mu
	// +checklocks:mu
	laters map[uint64]*later // by the requests that began them; guarded by mu; nil once the process is gone
	// +checklocks:mu
	atDisk []*routine // calls that wait for the disk, in the order of their waits; guarded by mu
	// +checklocks:mu
	finishing bool // a goroutine finishes them; guarded by mu
	// +checklocks:mu
	idle []*routine // that have no call; guarded by mu
	// +checklocks:mu
	begun bool // there is a routine that the connection's charge includes; guarded by mu
	// +checklocks:mu
	stopping bool // Stop was called; guarded by mu
	// +checklocks:mu
	err error // why the connection ended, the first reason; guarded by mu
}

// NewServer returns the server of a connection. It owns conn, and Serve ends p. Optional interfaces that p
// implements, such as [Scheduler] and [Watcher], enable the features that they describe.
func NewServer(conn net.Conn, p Process) *Server {
	scheduler, _ := p.(Scheduler)
	watcher, _ := p.(Watcher)
	s := &Server{conn: conn, from: bufio.NewReader(conn), process: p, scheduler: scheduler, watcher: watcher,
		threads: map[uint32]*worker{}, over: make(chan struct{}), unread: make(chan error, 1), waits: map[uint64]*waiting{},
		laters: map[uint64]*later{}, now: NewNowWriter(conn)}
	if scheduler != nil {
		s.watchdog = scheduler.Watchdog()
	} else {
		s.watchdog = new(Watchdog)
	}
	if socket, ok := conn.(syscall.Conn); ok {
		s.raw, _ = socket.SyscallConn() // after an error the server passes no descriptors
	}
	return s
}

// Answered returns the number of calls that are over, whatever their status. It does not count calls beyond a limit,
// nor the frames that create threads, cancel or acknowledge. It is safe for concurrent use, and 0 for a nil Server.
func (s *Server) Answered() uint64 {
	if s == nil {
		return 0
	}
	return s.finished.Load()
}

// Patient removes the timeout of the hello. Use it for a connection that a program inherits, which may never use it
// (W-51). Call it before Serve.
func (s *Server) Patient() { s.patient = true }

// Serve answers frames until the connection ends, a frame breaks a rule, or Stop is called. It then closes the
// connection, ends the process and waits for its calls. It returns nil after Stop and if the client disconnected
// between two frames.
func (s *Server) Serve() error {
	err := s.begin()
	if err == nil {
		s.running.Go(s.read)
		err = <-s.unread
	}
	close(s.over)
	stopped := s.stopped()
	if stopped {
		// Calls that were received are answered before a server that stops hangs up (W-19).
		s.running.Wait()
		err = nil
	}
	s.end(err)
	// The end of a connection is the exit of its process: handles close, threads revert (W-12).
	s.process.Exit()
	s.hangUp()
	s.running.Wait()
	s.endRoutines()
	s.notifyAll()
	for _, w := range s.threads { // no goroutine of the connection is left to use them
		s.process.GiveBack(w.th)
	}
	if err := s.reason(); !stopped && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// Stop makes Serve return after the received calls are answered. It does not wait for that. It is safe for concurrent
// use, before Serve and more than once.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = true
	_ = s.conn.SetReadDeadline(time.Unix(1, 0))
	_ = s.conn.SetWriteDeadline(time.Now().Add(StopTimeout))
}

// stopped reports whether Stop was called.
func (s *Server) stopped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopping
}

// within sets the deadline of later reads to now plus d; 0 removes it. After Stop it has no effect, and every read
// fails.
func (s *Server) within(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopping:
	case d == 0:
		_ = s.conn.SetReadDeadline(time.Time{})
	default:
		_ = s.conn.SetReadDeadline(time.Now().Add(d))
	}
}

// end closes the connection. err becomes the reason that reason returns, unless there is one; nil gives none. A second
// call changes nothing.
func (s *Server) end(err error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = err
	}
	s.mu.Unlock()
	_ = s.conn.Close()
}

// reason returns why the connection ended, or nil.
func (s *Server) reason() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// begin creates the first thread and exchanges hellos. It blocks until the client's hello. A client that sends none in
// time is disconnected (W-18). An error ends the connection. A failure to create the thread is answered before it is
// returned.
func (s *Server) begin() error {
	w, err := s.newThread()
	if err != nil {
		head := AnswerHead{Status: ntstatus.Of(err, ntstatus.InsufficientResources)}
		_ = s.send(&Frame{Kind: Answer, Body: answerHead.append(inBinary, nil, head)})
		return err
	}
	if !s.patient {
		s.within(HelloTimeout)
	}
	if err := s.greet(w.th.Name()); err != nil {
		return err
	}
	s.within(0)
	return nil
}

// greet exchanges hello messages with the client, whose hello chooses the encoding. A client of another version, or
// with a malformed hello, gets the server's hello, in JSON also the reason, and then the end of the connection (W-1,
// W-39). Any other frame before the hello is an error, and so is a hello above MaxHello.
func (s *Server) greet(thread string) error {
	if b, err := s.from.Peek(4); err == nil {
		// Nobody is charged for a hello, so a longer one is not read (W-3).
		if n := binary.LittleEndian.Uint32(b); n > MaxHello {
			return fmt.Errorf("%w: a hello of length %d, want at most %d", ErrFrame, n, MaxHello)
		}
	}
	f, err := ReadFrame(s.from)
	if err != nil {
		return err
	}
	if f.Kind != Hello {
		return fmt.Errorf("%w: kind %d before a hello", ErrFrame, f.Kind)
	}
	s.form = formOf(f.Body) // the client chooses (W-37)
	body := appendHello(s.form, nil, HelloBody{Profile: uint8(s.process.Profile()), Process: uint64(s.process.ID()),
		Thread: thread})
	if err := s.send(&Frame{Kind: Hello, Request: f.Request, Body: body}); err != nil {
		return err
	}
	if _, err = DecodeHello(f.Body); err != nil {
		s.complain(f, err)
	}
	return err
}
