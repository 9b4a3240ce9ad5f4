package nt

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// PipeConn is one end of a connection. It is a net.Conn and may be used from
// any goroutine. The zero value is not usable: [Thread.DialPipe] and
// [PipeListener.AcceptPipe] make one.
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
// EffectiveOnly are qos's; nil allows SecurityIdentification. The error is a [*net.OpError] around
// the status of NtOpenFile, or of making the connection's thread; errors.Is
// finds the status's error in it.
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
