package client

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

// ErrClosed is the error of a connection after Close.
var ErrClosed = errors.New("the connection is closed")

// HelloTimeout is the time limit for the daemon's first answer.
const HelloTimeout = 30 * time.Second

// Conn is a connection to a daemon. It is a process of the daemon's kernel. Any goroutine may use it. Do not use the
// zero value: [Dial] and [New] return a Conn, which the caller must close.
type Conn struct {
	conn     net.Conn
	from     *wire.Reader      // of conn; owned by New, then by the goroutine that reads
	process  winnt.Handle      // immutable
	profile  nt.Profile        // immutable
	services map[string]uint16 // immutable: the daemon's numbers of the rows with equal fingerprints
	first    *nt.Thread        // immutable

	write sync.Mutex // one frame at a time
	// +checklocks:write
	now *wire.NowWriter // guarded by write
	// +checklocks:write
	frame []byte // memory for one; guarded by write

	mu sync.Mutex
	// +checklocks:mu
	last uint64 // number of the newest request; guarded by mu
	// +checklocks:mu
	waiting map[uint64]waiter // guarded by mu; nil once the connection is lost
	// +checklocks:mu
	spare []chan *wire.Frame // guarded by mu
	// +checklocks:mu
	err error // why; guarded by mu
	// +checklocks:mu
	reading bool // an answer is read; guarded by mu
	// +checklocks:mu
	idle *time.Timer // of watch; guarded by mu
	// +checklocks:mu
	watched bool // the timer runs; guarded by mu
	// +checklocks:mu
	answers, seen uint64 // that callers have read, and when watch looked; guarded by mu
}

// New connects to a daemon at the other end of a stream. It blocks until the daemon's hello, at most [HelloTimeout].
// The Conn then owns the stream. On an error New closes it. An error can be the status with which the daemon refused
// the connection.
func New(c net.Conn) (*Conn, error) {
	conn := &Conn{conn: c, from: wire.NewReader(c), waiting: map[uint64]waiter{}, services: map[string]uint16{},
		now: wire.NewNowWriter(c)}
	conn.from.Into(conn.room)
	if err := conn.greet(); err != nil {
		_ = c.Close()
		return nil, err
	}
	conn.mu.Lock()
	defer conn.mu.Unlock()
	conn.watched = true
	conn.idle = time.AfterFunc(0, conn.watch)
	return conn, nil
}

// greet exchanges hello messages with the daemon and finds the common services (W-5). A service is common if both
// sides define it identically. Services of only one side are not an error. The exchange takes at most HelloTimeout.
// An answer instead of a hello is a refusal, returned as an error.
func (c *Conn) greet() error {
	_ = c.conn.SetDeadline(time.Now().Add(HelloTimeout))
	defer func() { _ = c.conn.SetDeadline(time.Time{}) }()
	hello := wire.AppendFrame(nil, &wire.Frame{Kind: wire.Hello, Body: wire.AppendHello(nil, wire.HelloBody{})})
	_, wrote := c.conn.Write(hello)
	f, err := c.from.Frame() // a daemon that refuses says why and hangs up before it reads
	if err = errors.Join(wrote, err); err != nil && f == nil {
		return fmt.Errorf("hello: %w", err)
	}
	if f.Kind == wire.Answer {
		return refused(f)
	}
	h, err := wire.DecodeHello(f.Body)
	if err != nil {
		return err
	}
	c.process, c.profile = winnt.Handle(h.Process), nt.Profile(h.Profile)
	c.first = c.thread(1, h.Thread)
	theirs := map[wire.RowName]uint16{}
	for i, r := range h.Rows {
		theirs[r] = uint16(i)
	}
	for _, r := range wire.Rows() {
		name := r.Info().Name
		if n, same := theirs[wire.RowName{Name: name, Fingerprint: r.Fingerprint}]; same {
			c.services[name] = n
		}
	}
	return nil
}

// refused returns the error of a daemon that does not serve this program, with the status of its answer f (W-17). It
// never returns nil: a malformed answer wraps wire.ErrValue, and a successful one wire.ErrFrame.
func refused(f *wire.Frame) error {
	head, _, err := wire.DecodeAnswer(f.Body)
	if err == nil {
		err = head.Status.Err()
	}
	if err == nil {
		err = fmt.Errorf("%w: an answer, want a hello", wire.ErrFrame)
	}
	return fmt.Errorf("the daemon refused the connection: %w", err)
}

// Process returns the id that the daemon's kernel gave the connection's process.
func (c *Conn) Process() winnt.Handle { return c.process }

// Thread returns the first thread of the process, the same one at each call. It ends with the connection.
func (c *Conn) Thread() *nt.Thread { return c.first }

// NewThread creates another thread of the process, which impersonates nobody. The caller ends it with its Close, or
// by closing the connection. The error is the status of a refusal, for example at the limit of threads, or that of a
// lost connection.
func (c *Conn) NewThread() (*nt.Thread, error) {
	t, err := c.newThread()
	if err != nil {
		return nil, err
	}
	return c.thread(t.Thread, t.Name), nil
}

// NewTransport creates another thread and returns the transport of its calls, for bindings of the services to other
// languages. The errors are those of NewThread.
func (c *Conn) NewTransport() (nt.Transport, error) {
	t, err := c.newThread()
	if err != nil {
		return nil, err
	}
	return &thread{c, t.Thread}, nil
}

// Profile returns the conformance profile that the daemon's kernel reported in its hello. It makes no call.
func (c *Conn) Profile() nt.Profile { return c.profile }

// newThread asks the server for a thread of this process. It fails with the server's status, or if the connection is
// lost. A malformed answer ends the connection.
func (c *Conn) newThread() (t wire.ThreadBody, err error) {
	head, rest, err := c.ask(&wire.Frame{Kind: wire.NewThread})
	if err == nil {
		err = head.Status.Err()
	}
	if err != nil {
		return t, err
	}
	if t, err = wire.DecodeThread(rest); err != nil {
		return t, c.lose(err)
	}
	return t, nil
}

// thread returns the thread that has this number in the daemon. name is its display name.
func (c *Conn) thread(number uint32, name string) *nt.Thread {
	return nt.NewRemoteThread(&thread{c, number}, name)
}

// Close ends the connection and with it the process: its threads, handles and impersonations. Waiting calls fail. It
// does not wait for the daemon and always returns nil. A second call does nothing.
func (c *Conn) Close() error {
	_ = c.lose(ErrClosed)
	return nil
}

// Err returns the reason for the loss of the connection, or nil while it is open. After Close it is [ErrClosed],
// unless the connection was lost before.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// lose ends the connection for the reason err: it closes it and wakes all waiting calls, which get no answer. It
// returns the first reason. A second call changes nothing.
func (c *Conn) lose(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
	for _, w := range c.waiting {
		close(w.answer)
	}
	c.waiting = nil
	c.idle.Stop()
	_ = c.conn.Close()
	return c.err
}

// send writes frames to the connection in one piece. It blocks while the socket is full, at most wire.WriteTimeout.
// After an error a part may have been sent, so the caller must end the connection (W-3).
func (c *Conn) send(frames ...*wire.Frame) error {
	c.write.Lock()
	defer c.write.Unlock()
	b := c.frame[:0]
	for _, f := range frames {
		b = wire.AppendFrame(b, f)
	}
	if cap(b) <= smallFrame {
		c.frame = b[:0]
	}
	n, err := c.now.Write(b)
	if err != nil || n == len(b) {
		return err
	}
	return c.writeRest(b[n:])
}

// writeRest writes the part b of a frame that the socket did not accept at once. It fails after wire.WriteTimeout.
// Some bytes may then be written.
func (c *Conn) writeRest(b []byte) error {
	_ = c.conn.SetWriteDeadline(time.Now().Add(wire.WriteTimeout))
	_, err := c.conn.Write(b)
	_ = c.conn.SetWriteDeadline(time.Time{})
	return err
}

// smallFrame is the size of the buffer that a connection keeps for frames.
const smallFrame = 1 << 10
