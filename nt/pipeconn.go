package nt

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// pipeDevice begins the names of pipes.
const pipeDevice = `\??\pipe\`

// pipeRights holds the rights that both ends of a connection are opened for.
const pipeRights = winnt.GENERIC_READ | winnt.GENERIC_WRITE

// PipeConfig says what a listener's pipe is. The zero value is a pipe of bytes
// with the default descriptor of the listening thread's token.
type PipeConfig struct {
	Message            bool // every Write is one message, and a Read never crosses its end
	Instances          int  // connections at once; 0: as many as a pipe can have
	SecurityDescriptor *sd.Descriptor
}

// PipeListener accepts the clients of a named pipe. It is a net.Listener and
// may be used from any goroutine.
type PipeListener struct {
	name string
	cfg  PipeConfig
	w    *worker

	mu sync.Mutex
	// +checklocks:mu
	next   winnt.Handle // guarded by mu: the instance that waits for a client
	closed chan struct{}
	once   sync.Once
}

// ListenPipe makes the named pipe and waits for clients on it. The name has no
// prefix: "orders" is \??\pipe\orders. The pipe is made with this thread's
// context; the listener works on threads of its own, in the same process.
func (t *Thread) ListenPipe(name string, cfg PipeConfig) (*PipeListener, error) {
	w, err := t.worker()
	if err != nil {
		return nil, fmt.Errorf("listen on pipe %s: %w", name, err)
	}
	l := &PipeListener{name: name, cfg: cfg, w: w, closed: make(chan struct{})}
	var st ntstatus.Status
	if l.next, st = t.NtCreateNamedPipeFile(l.instance()); !st.IsSuccess() {
		return nil, fmt.Errorf("listen on pipe %s: %w", name, st.Err())
	}
	return l, nil
}

func (l *PipeListener) instance() CreateNamedPipeFileIn {
	in := CreateNamedPipeFileIn{
		DesiredAccess: pipeRights,
		ObjectAttributes: Cap(
			&ObjectAttributes{ObjectName: pipeDevice + l.name, SecurityDescriptor: l.cfg.SecurityDescriptor},
		),
		MaximumInstances: uint32(l.cfg.Instances),
		ReadMode:         winnt.FILE_PIPE_MESSAGE_TYPE,
	}
	if l.cfg.Message {
		in.NamedPipeType = winnt.FILE_PIPE_MESSAGE_TYPE
	}
	return in
}

// Accept waits for the next client. It implements net.Listener; AcceptPipe
// returns the type that can impersonate.
func (l *PipeListener) Accept() (net.Conn, error) { return l.AcceptPipe() }

// AcceptPipe waits for the next client.
func (l *PipeListener) AcceptPipe() (*PipeConn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		select {
		case <-l.closed:
			return nil, l.fail(net.ErrClosed)
		default:
		}
		if l.next == 0 { // the last accept left none behind
			var st ntstatus.Status
			if l.next, st = l.make(); !st.IsSuccess() {
				return nil, l.fail(st.Err())
			}
		}
		next := l.next
		changed, st := l.w.try(Wait{next, ntstatus.PipeListening, l.closed, nil}, func(t *Thread) ntstatus.Status {
			return t.NtFsControlFile(next, winnt.FSCTL_PIPE_LISTEN)
		})
		if st == ntstatus.Cancelled {
			continue
		}
		if st != ntstatus.PipeListening {
			return l.accepted(st)
		}
		select {
		case <-changed:
		case <-l.closed:
		}
	}
}

// make makes one more instance; 0 if that fails.
func (l *PipeListener) make() (h winnt.Handle, st ntstatus.Status) {
	l.w.do(func(t *Thread) { h, st = t.NtCreateNamedPipeFile(l.instance()) })
	if !st.IsSuccess() {
		h = 0
	}
	return h, st
}

// accepted hands the connected instance out and makes the next one, so that
// another client can connect at once; at the limit of instances that waits for
// the next Accept.
//
// +checklocks:l.mu
func (l *PipeListener) accepted(st ntstatus.Status) (*PipeConn, error) {
	h := l.next
	l.next = 0
	if st != ntstatus.PipeConnected && st != ntstatus.PipeClosing {
		l.w.do(func(t *Thread) { t.NtClose(h) })
		return nil, l.fail(st.Err())
	}
	l.next, _ = l.make()
	w, err := l.w.fork()
	if err != nil {
		l.w.do(func(t *Thread) { t.NtClose(h) })
		return nil, l.fail(err)
	}
	return newPipeConn(w, l.name, h), nil
}

func (l *PipeListener) fail(err error) error {
	return &net.OpError{Op: "accept", Net: "pipe", Addr: l.Addr(), Err: err}
}

// Close ends the listener; connections that were accepted go on.
func (l *PipeListener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.mu.Lock()
		defer l.mu.Unlock()
		if h := l.next; h != 0 {
			l.next = 0
			l.w.do(func(t *Thread) { t.NtClose(h) })
		}
		l.w.end()
	})
	return nil
}

// Addr returns the pipe's name.
func (l *PipeListener) Addr() net.Addr { return pipeAddr(l.name) }

type pipeAddr string

func (pipeAddr) Network() string  { return "pipe" }
func (a pipeAddr) String() string { return pipeDevice + string(a) }

// PipeConn is one end of a connection. It is a net.Conn and may be used from
// any goroutine.
type PipeConn struct {
	w    *worker
	name string
	h    winnt.Handle

	read, write deadline
	closed      chan struct{}
	once        sync.Once
}

func newPipeConn(w *worker, name string, h winnt.Handle) *PipeConn {
	return &PipeConn{w: w, name: name, h: h, closed: make(chan struct{})}
}

// DialPipe connects to a named pipe as this thread, which may be impersonating.
// What the server may do with the caller's identity is frozen now: level and
// EffectiveOnly are qos's; nil allows SecurityIdentification.
func (t *Thread) DialPipe(name string, qos *SecurityQualityOfService) (*PipeConn, error) {
	q := SecurityQualityOfService{ImpersonationLevel: winnt.SecurityIdentification}
	if qos != nil {
		q.ImpersonationLevel, q.EffectiveOnly = qos.ImpersonationLevel, qos.EffectiveOnly
	}
	w, err := t.worker()
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "pipe", Addr: pipeAddr(name), Err: err}
	}
	h, st := t.NtOpenFile(
		pipeRights, &ObjectAttributes{ObjectName: pipeDevice + name, SecurityQualityOfService: &q}, 0, 0)
	if !st.IsSuccess() {
		w.end()
		return nil, &net.OpError{Op: "dial", Net: "pipe", Addr: pipeAddr(name), Err: st.Err()}
	}
	return newPipeConn(w, name, h), nil
}

// ImpersonateClient makes a thread of the server act as the client, with the
// context of the last message read, and returns the function that puts back
// what was there before. revert is never nil, may be called again and cannot
// fail. On error the thread is unchanged (I-76).
func (c *PipeConn) ImpersonateClient(th *Thread) (revert func(), err error) {
	ticket, st := th.save()
	if st == ntstatus.Success {
		if st = th.NtFsControlFile(c.h, winnt.FSCTL_PIPE_IMPERSONATE); st != ntstatus.Success {
			th.restore(ticket)
		}
	}
	if st != ntstatus.Success {
		return func() {}, c.fail("impersonate", st.Err())
	}
	return func() { th.restore(ticket) }, nil
}

// Read implements net.Conn. On a pipe of messages one that is longer than b is
// read in parts.
func (c *PipeConn) Read(b []byte) (n int, err error) {
	if len(b) == 0 {
		return 0, nil
	}
	err = c.loop("read", &c.read, ntstatus.PipeEmpty, func(t *Thread) ntstatus.Status {
		data, st := t.NtReadFile(c.h, uint32(min(len(b), maxRead)))
		n = copy(b, data)
		if st == ntstatus.BufferOverflow {
			st = ntstatus.Success
		}
		return st
	})
	return n, err
}

// Write implements net.Conn; on a pipe of messages b is one message.
func (c *PipeConn) Write(b []byte) (n int, err error) {
	err = c.loop("write", &c.write, ntstatus.PipeBusy, func(t *Thread) ntstatus.Status {
		var st ntstatus.Status
		n, st = t.NtWriteFile(c.h, b)
		return st
	})
	return n, err
}

// maxRead is how much a read asks for: less than a frame of a connection holds.
const maxRead = 1 << 20

// loop tries an operation until it can be done, the deadline passes or the
// connection is closed.
func (c *PipeConn) loop(op string, d *deadline, notYet ntstatus.Status, f func(*Thread) ntstatus.Status) error {
	for {
		select {
		case <-c.closed:
			return c.fail(op, net.ErrClosed)
		case <-d.wait():
			return c.fail(op, os.ErrDeadlineExceeded)
		default:
		}
		changed, st := c.w.try(Wait{c.h, notYet, c.closed, d.wait()}, f)
		if st != ntstatus.Success && c.isClosed() {
			return c.fail(op, net.ErrClosed) // its handle and its thread may be gone already
		}
		switch st {
		case ntstatus.Success:
			return nil
		case ntstatus.Cancelled:
			continue
		case ntstatus.PipeEmpty, ntstatus.PipeBusy:
		case ntstatus.PipeBroken, ntstatus.PipeDisconnected:
			if op == "read" {
				return io.EOF
			}
			return c.fail(op, st.Err())
		default:
			return c.fail(op, st.Err())
		}
		select {
		case <-changed:
		case <-c.closed:
		case <-d.wait():
		}
	}
}

func (c *PipeConn) isClosed() bool {
	select {
	case <-c.closed:
		return true
	default:
		return false
	}
}

func (c *PipeConn) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: "pipe", Addr: c.RemoteAddr(), Err: err}
}

// Close closes this end; what was written can still be read at the other.
func (c *PipeConn) Close() error {
	err := c.fail("close", net.ErrClosed)
	c.once.Do(func() {
		close(c.closed)
		c.w.do(func(t *Thread) { t.NtClose(c.h) })
		c.w.end()
		err = nil
	})
	return err
}

// LocalAddr returns the pipe's name.
func (c *PipeConn) LocalAddr() net.Addr { return pipeAddr(c.name) }

// RemoteAddr returns the pipe's name.
func (c *PipeConn) RemoteAddr() net.Addr { return pipeAddr(c.name) }

// SetDeadline implements net.Conn.
func (c *PipeConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline implements net.Conn.
func (c *PipeConn) SetReadDeadline(t time.Time) error { c.read.set(t); return nil }

// SetWriteDeadline implements net.Conn.
func (c *PipeConn) SetWriteDeadline(t time.Time) error { c.write.set(t); return nil }

// deadline is a moment that can be moved while a caller waits for it. The zero
// value never comes.
type deadline struct {
	mu sync.Mutex
	// +checklocks:mu
	timer *time.Timer // guarded by mu
	// +checklocks:mu
	due chan struct{} // guarded by mu: closed when it has passed
}

func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.due == nil {
		d.due = make(chan struct{})
	}
	return d.due
}

func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	if d.due != nil {
		select {
		case <-d.due: // passed: those who come now wait for the new one
			d.due = nil
		default:
		}
	}
	if d.due == nil {
		d.due = make(chan struct{})
	}
	if t.IsZero() {
		return
	}
	due := d.due
	if wait := time.Until(t); wait > 0 {
		d.timer = time.AfterFunc(wait, func() { close(due) })
	} else {
		close(due)
	}
}

// worker is a thread of its own for a listener or a connection, so that these
// can be used from any goroutine while the caller's thread stays the caller's.
type worker struct {
	t  *Thread    // immutable
	mu sync.Mutex // held for each call of a thread of this program's kernel
}

// worker makes the thread.
func (t *Thread) worker() (*worker, error) {
	if t.remote != nil {
		tr, name, st := t.remote.NewThread()
		if !st.IsSuccess() {
			return nil, st.Err()
		}
		return &worker{t: NewRemoteThread(tr, name)}, nil
	}
	sys, name, st := t.sys.NewThread()
	if !st.IsSuccess() {
		return nil, st.Err()
	}
	return &worker{t: NewThread(sys, name)}, nil
}

func (w *worker) fork() (*worker, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.t.worker()
}

func (w *worker) do(f func(*Thread)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w.t)
}

// try runs an operation; changed was taken before it, so that no change between
// the two is missed. A kernel elsewhere waits itself, and says STATUS_CANCELLED
// where it did so in vain; other operations go on meanwhile.
func (w *worker) try(until Wait, f func(*Thread) ntstatus.Status) (changed <-chan struct{}, st ntstatus.Status) {
	if remote := w.t.remote; remote != nil {
		return nil, f(&Thread{remote: patient{remote, until}})
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	changed, ok := w.t.sys.PipeChanged(until.Handle)
	if !ok {
		return nil, ntstatus.InvalidHandle
	}
	return changed, f(w.t)
}

// end gives the thread back.
func (w *worker) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.t.Close()
}

// patient makes calls that wait.
type patient struct {
	Transport
	until Wait
}

// Call implements [Transport].
func (p patient) Call(row Row, in any, _ bool) (any, ntstatus.Status, Why) {
	out, st := p.CallWhenReady(row, in, p.until)
	return out, st, Why{}
}
