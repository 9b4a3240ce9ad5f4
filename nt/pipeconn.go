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
// any goroutine. Do not use the zero value: [Thread.DialPipe] and
// [PipeListener.AcceptPipe] return a PipeConn.
type PipeConn struct {
	w       *worker
	name    string
	h       winnt.Handle
	message bool   // immutable: a write is one message
	after   func() // immutable: called when the handle is closed; nil: nothing is

	writing sync.Mutex // held for all parts of a write

	read, write deadline
	closed      chan struct{}
	once        sync.Once
}

// newPipeConn returns the connection for h, one end of the pipe with this name. message is false for a pipe of bytes.
// It takes over the handle and the worker, which makes the connection's calls.
func newPipeConn(w *worker, name string, h winnt.Handle, message bool) *PipeConn {
	return &PipeConn{w: w, name: name, h: h, message: message, closed: make(chan struct{})}
}

// DialPipe connects to a named pipe with the identity of this thread, which may be impersonating.
// The call fixes what the server may do with that identity. Level and EffectiveOnly come from qos,
// and nil allows SecurityIdentification. DialPipe does not wait for a busy server: if no instance
// listens, it fails with STATUS_PIPE_NOT_AVAILABLE, and the caller tries again later. The error is
// a [*net.OpError] that wraps the status of NtOpenFile, or of creating the connection's thread.
// Use errors.Is to test the status.
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
		clientRights, &ObjectAttributes{ObjectName: pipeDevice + name, SecurityQualityOfService: &q}, 0, 0)
	message := false
	if st.IsSuccess() {
		message, st = t.readMessages(h)
	}
	if !st.IsSuccess() {
		w.end()
		return nil, &net.OpError{Op: "dial", Net: "pipe", Addr: pipeAddr(name), Err: st.Err()}
	}
	return newPipeConn(w, name, h, message), nil
}

// readMessages switches a client's end to message mode if the pipe has messages, because an end starts in byte mode
// (I-157). message is false for a pipe of bytes. On an error it closes the end.
func (t *Thread) readMessages(h winnt.Handle) (message bool, st ntstatus.Status) {
	st = t.NtSetInformationFile(h, FilePipeInformation, PipeInformation{ReadMode: winnt.FILE_PIPE_MESSAGE_TYPE})
	switch st {
	case ntstatus.Success, ntstatus.PipeDisconnected: // the next operation returns that
		return true, ntstatus.Success
	case ntstatus.InvalidParameter: // a pipe of bytes
		return false, ntstatus.Success
	}
	t.NtClose(h)
	return false, st
}

// ImpersonateClient makes a thread of the server impersonate the client, with
// the context of the last message read. It returns a function that restores the
// previous state. revert is never nil, may be called more than once and cannot
// fail. On an error the thread is unchanged (I-76). After Close the error wraps
// net.ErrClosed.
func (c *PipeConn) ImpersonateClient(th *Thread) (revert func(), err error) {
	ticket, st := th.save()
	if st != ntstatus.Success {
		return func() {}, c.fail("impersonate", st.Err())
	}
	// While the worker is held, the handle is not closed, so its value is not that of another client's connection.
	c.w.do(func(*Thread) {
		if err = net.ErrClosed; !isClosed(c.closed) {
			err = th.NtFsControlFile(c.h, winnt.FSCTL_PIPE_IMPERSONATE).Err()
		}
	})
	if err != nil {
		th.restore(ticket)
		return func() {}, c.fail("impersonate", err)
	}
	return func() { th.restore(ticket) }, nil
}

// Read implements net.Conn. On a message pipe, a message that is longer than b is read in parts. It returns io.EOF if
// the other end is closed and everything was read, or after a disconnect. An empty b returns 0 and nil at once.
func (c *PipeConn) Read(b []byte) (n int, err error) {
	if len(b) == 0 {
		return 0, nil
	}
	err = c.reading(func(t *Thread) ntstatus.Status {
		data, st := t.NtReadFile(c.h, uint32(min(len(b), maxPart)))
		n = copy(b, data)
		if st == ntstatus.BufferOverflow {
			st = ntstatus.Success
		}
		return st
	})
	return n, err
}

// Write implements net.Conn. On a message pipe b is one message. Write waits until the part
// of b that the other end has not read fits the pipe's quota (I-152). A failed write returns
// the number of bytes of b that the other end has read, or that are on their way to it.
func (c *PipeConn) Write(b []byte) (n int, err error) {
	if c.message {
		return c.writePart(b)
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	for {
		part, err := c.writePart(b[n:min(len(b), n+maxPart)])
		if n += part; err != nil || n == len(b) {
			return n, err
		}
	}
}

// writePart writes b with one call. Its results are those of Write.
func (c *PipeConn) writePart(b []byte) (n int, err error) {
	for {
		if err := c.over("write", &c.write); err != nil {
			return 0, err
		}
		n, st := c.w.write(Wait{c.h, ntstatus.PipeBusy, c.closed, c.write.wait()}, b)
		if st == ntstatus.Success {
			return n, nil
		}
		if err := c.over("write", &c.write); err != nil {
			return n, err // the handle and the thread may be gone already
		}
		if st != ntstatus.Cancelled || n > 0 {
			return n, c.fail("write", st.Err())
		}
	}
}

// over checks that an operation may go on: it returns an error if the connection is closed, else one if deadline d
// has passed, else nil. op names the operation in the error.
func (c *PipeConn) over(op string, d *deadline) error {
	select {
	case <-c.closed:
		return c.fail(op, net.ErrClosed)
	case <-d.wait():
		return c.fail(op, os.ErrDeadlineExceeded)
	default:
		return nil
	}
}

// maxPart is how many bytes one call reads, or writes to a pipe of bytes: less than a frame of a connection holds.
const maxPart = 1 << 20

// reading repeats the read f until it succeeds or fails. If the peer has closed its end, the error is io.EOF. A
// closed connection and a passed deadline are errors. A cancelled attempt is repeated.
func (c *PipeConn) reading(f func(*Thread) ntstatus.Status) error {
	const op = "read"
	d := &c.read
	for {
		if err := c.over(op, d); err != nil {
			return err
		}
		changed, st := c.w.try(Wait{c.h, ntstatus.PipeEmpty, c.closed, d.wait()}, f)
		if st != ntstatus.Success && isClosed(c.closed) {
			return c.fail(op, net.ErrClosed) // the handle and the thread may be gone already
		}
		switch st {
		case ntstatus.Success:
			return nil
		case ntstatus.Cancelled:
			continue
		case ntstatus.PipeEmpty:
		case ntstatus.PipeBroken, ntstatus.PipeDisconnected:
			return io.EOF
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

// fail wraps an error in a *net.OpError with the pipe's address.
func (c *PipeConn) fail(op string, err error) error {
	return &net.OpError{Op: op, Net: "pipe", Addr: c.RemoteAddr(), Err: err}
}

// Close closes this end. The other end can still read the written data. A second Close returns an error that wraps
// net.ErrClosed.
func (c *PipeConn) Close() error {
	err := c.fail("close", net.ErrClosed)
	c.once.Do(func() {
		close(c.closed)
		c.w.close(c.h)
		if c.after != nil {
			c.after()
		}
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
