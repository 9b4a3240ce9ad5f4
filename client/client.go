package client

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// ErrClosed is why the calls of a connection fail after Close.
var ErrClosed = errors.New("the connection is closed")

// HelloTimeout is how long the daemon may take for the first answer.
const HelloTimeout = 30 * time.Second

// Conn is a connection: a process of the daemon.
type Conn struct {
	conn     net.Conn
	from     *bufio.Reader     // of conn; owned by New, then by read
	process  winnt.Handle      // immutable
	profile  nt.Profile        // immutable
	services map[string]uint16 // immutable: the daemon's numbers of the rows that both sides know alike
	first    *nt.Thread        // immutable

	write sync.Mutex // one frame at a time

	mu sync.Mutex
	// +checklocks:mu
	last uint64 // number of the newest request; guarded by mu
	// +checklocks:mu
	waiting map[uint64]chan *wire.Frame // guarded by mu; nil once the connection is lost
	// +checklocks:mu
	err error // why; guarded by mu
}

// Dial connects to the daemon that listens on a Unix socket.
func Dial(socket string) (*Conn, error) {
	c, err := net.Dial("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("refmond is not there: %w", err)
	}
	return New(c)
}

// New speaks to a daemon at the other end of a stream, which it then owns.
func New(c net.Conn) (*Conn, error) {
	conn := &Conn{conn: c, from: bufio.NewReader(c), waiting: map[uint64]chan *wire.Frame{}, services: map[string]uint16{}}
	if err := conn.greet(); err != nil {
		_ = c.Close()
		return nil, err
	}
	go conn.read()
	return conn, nil
}

// greet exchanges hellos and finds the rows that both sides know alike (W-5).
func (c *Conn) greet() error {
	_ = c.conn.SetDeadline(time.Now().Add(HelloTimeout))
	defer func() { _ = c.conn.SetDeadline(time.Time{}) }()
	hello := wire.AppendFrame(nil, &wire.Frame{Kind: wire.Hello, Body: wire.AppendHello(nil, wire.HelloBody{})})
	if _, err := c.conn.Write(hello); err != nil {
		return fmt.Errorf("hello: %w", err)
	}
	f, err := wire.ReadFrame(c.from)
	if err != nil {
		return fmt.Errorf("hello: %w", err)
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

// Process returns the id of the process that the connection is.
func (c *Conn) Process() winnt.Handle { return c.process }

// Thread returns the first thread of the process.
func (c *Conn) Thread() *nt.Thread { return c.first }

// NewThread makes a further thread.
func (c *Conn) NewThread() (*nt.Thread, error) {
	head, rest, err := c.ask(&wire.Frame{Kind: wire.NewThread})
	if err != nil {
		return nil, err
	}
	if err := head.Status.Err(); err != nil {
		return nil, err
	}
	t, err := wire.DecodeThread(rest)
	if err != nil {
		return nil, c.lose(err)
	}
	return c.thread(t.Thread, t.Name), nil
}

func (c *Conn) thread(number uint32, name string) *nt.Thread {
	return nt.NewRemoteThread(&thread{c, number}, name)
}

// Close ends the connection and with it the process: its threads, handles and
// impersonations.
func (c *Conn) Close() error {
	_ = c.lose(ErrClosed)
	return nil
}

// Err returns why the connection was lost, nil while it stands.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// lose notes why the connection is over, closes it, and wakes all who wait. It
// returns the first reason.
func (c *Conn) lose(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
	for _, w := range c.waiting {
		close(w)
	}
	c.waiting = nil
	_ = c.conn.Close()
	return c.err
}

// read gives each answer to who waits for it. An answer that was not asked for
// ends the connection.
func (c *Conn) read() {
	for {
		f, err := wire.ReadFrame(c.from)
		if err == nil && f.Kind != wire.Answer {
			err = fmt.Errorf("%w: kind %d where an answer belongs", wire.ErrFrame, f.Kind)
		}
		if errors.Is(err, io.EOF) {
			err = errors.New("the daemon closed the connection")
		}
		if err != nil {
			_ = c.lose(err)
			return
		}
		c.mu.Lock()
		w := c.waiting[f.Request]
		delete(c.waiting, f.Request)
		c.mu.Unlock()
		if w == nil {
			_ = c.lose(fmt.Errorf("%w: an answer to request %d, which nothing waits for", wire.ErrFrame, f.Request))
			return
		}
		w <- f
	}
}

// ask sends a frame and waits for its answer.
func (c *Conn) ask(f *wire.Frame) (head wire.AnswerHead, rest []byte, err error) {
	w := make(chan *wire.Frame, 1)
	c.mu.Lock()
	if c.waiting == nil {
		defer c.mu.Unlock()
		return head, nil, c.err
	}
	c.last++
	f.Request = c.last
	c.waiting[f.Request] = w
	c.mu.Unlock()
	if err := c.send(f); err != nil {
		return head, nil, c.lose(err)
	}
	answer, ok := <-w
	if !ok {
		return head, nil, c.Err()
	}
	if head, rest, err = wire.DecodeAnswer(answer.Body); err != nil {
		return head, nil, c.lose(err)
	}
	return head, rest, nil
}

// send writes one frame. One that was not written whole ends the connection (W-3).
func (c *Conn) send(f *wire.Frame) error {
	c.write.Lock()
	defer c.write.Unlock()
	_ = c.conn.SetWriteDeadline(time.Now().Add(wire.WriteTimeout))
	_, err := c.conn.Write(wire.AppendFrame(nil, f))
	return err
}

// thread carries the calls of one thread. It implements [nt.Transport].
type thread struct {
	c      *Conn
	number uint32
}

// Call makes a call. A row that the daemon does not know alike is
// STATUS_NOT_SUPPORTED (W-5), a lost connection STATUS_PORT_DISCONNECTED (W-9).
func (t *thread) Call(row nt.Row, in any, why bool) (out any, st ntstatus.Status, reason nt.Why) {
	r := wire.Rows()[row.Info().Number]
	number, known := t.c.services[row.Info().Name]
	if !known {
		return r.Nothing(), ntstatus.NotSupported, nt.Why{Rule: "W-5", Because: "the daemon does not have this row"}
	}
	body, err := r.AppendCall(nil, in, why)
	if err != nil || len(body) > wire.MaxBody {
		return r.Nothing(), ntstatus.InvalidParameter, nt.Why{Rule: "W-6", Because: "a parameter does not travel"}
	}
	head, rest, err := t.c.ask(&wire.Frame{Kind: wire.Call, Thread: t.number, Service: number, Body: body})
	if err != nil {
		return r.Nothing(), ntstatus.PortDisconnected, nt.Why{Rule: "W-9", Because: err.Error()}
	}
	if len(rest) == 0 {
		return r.Nothing(), head.Status, head.Reason()
	}
	if out, err = r.DecodeOut(rest); err != nil {
		err = t.c.lose(err)
		return r.Nothing(), ntstatus.PortDisconnected, nt.Why{Rule: "W-9", Because: err.Error()}
	}
	return out, head.Status, head.Reason()
}

// EndThread implements [nt.Transport].
func (t *thread) EndThread() { _, _, _ = t.c.ask(&wire.Frame{Kind: wire.EndThread, Thread: t.number}) }

// Profile implements [nt.Transport].
func (t *thread) Profile() nt.Profile { return t.c.profile }

// SaveImpersonation implements [nt.Transport].
func (t *thread) SaveImpersonation() (nt.Ticket, ntstatus.Status) {
	head, rest, err := t.c.ask(&wire.Frame{Kind: wire.Save, Thread: t.number})
	if err != nil {
		return 0, ntstatus.PortDisconnected
	}
	if head.Status != ntstatus.Success {
		return 0, head.Status
	}
	b, err := wire.DecodeTicket(rest)
	if err != nil {
		_ = t.c.lose(err)
		return 0, ntstatus.PortDisconnected
	}
	return nt.Ticket(b.Ticket), ntstatus.Success
}

// RestoreImpersonation implements [nt.Transport]. A connection that is lost has
// no thread left that could still impersonate.
func (t *thread) RestoreImpersonation(k nt.Ticket) {
	_, _, _ = t.c.ask(&wire.Frame{Kind: wire.Restore, Thread: t.number, Body: wire.AppendTicket(nil, k)})
}
