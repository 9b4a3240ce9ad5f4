package npfs

import (
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/ntstatus"
)

// newMessage returns a message with a copy of data and charges it to the thread's payer. On a client end with dynamic
// tracking it captures the thread's context now, even if the message has to wait for room (I-85). Errors: those of a
// charge.
func (e *End) newMessage(t *ps.Thread, data []byte) (*message, ntstatus.Status) {
	paid, st := t.Payer().Charge(messageSize + len(data))
	if st != ntstatus.Success {
		return nil, st
	}
	m := &message{data: append([]byte(nil), data...), length: len(data), paid: paid}
	if q, dynamic := e.dynamic(); dynamic {
		// The context is the thread's own token: no copy is made that would have to admit the server.
		m.context, m.failed = t.CreateClientSecurity(q, false, nil)
	}
	return m, ntstatus.Success
}

// readLocked reads up to n bytes from the queue to this end. In message mode a longer message is cut to n bytes,
// with STATUS_BUFFER_OVERFLOW. An empty queue is STATUS_PIPE_EMPTY. After the peer has closed, queued data can still
// be read, then the status is STATUS_PIPE_BROKEN. In any other state the status is that of readyLocked.
//
// +checklocks:e.instance.mu
func (e *End) readLocked(n int, f *finished) (res Result) {
	in, box := e.instance, e.inbox()
	if len(box.messages) == 0 || e.detachedLocked() {
		switch res.Status = e.readyLocked(); res.Status {
		case ntstatus.Success:
			res.Status = ntstatus.PipeEmpty
		case ntstatus.PipeClosing:
			res.Status = ntstatus.PipeBroken
		}
		return res
	}
	var dropped []*ps.ClientContext
	res.Data, res.Status, dropped = in.takeLocked(box, n, e.isServer, e.byMessages())
	res.Count = len(res.Data)
	f.contexts = append(f.contexts, dropped...)
	return res
}

// byMessages reports whether a read of this end returns data of one message only: the pipe has messages and the end's
// read mode is message.
func (e *End) byMessages() bool { return e.instance.pipe.cfg.Message && e.messages.Load() }

// writeLocked queues a message and returns the number of bytes that the pipe took. Without enough room, a
// nonblocking end succeeds with fewer bytes: those that fit on a byte pipe, and 0 on a message pipe (I-153). In
// other cases the status is that of putLocked.
//
// +checklocks:e.instance.mu
func (e *End) writeLocked(m *message, stall bool, f *finished) (n int, st ntstatus.Status) {
	room, open := e.outbox().room()
	if e.complete.Load() && e.readyLocked() == ntstatus.Success && (!open || m.length > room) {
		// Without room a message is not written at all, and of bytes as many as fit (I-153).
		if e.instance.pipe.cfg.Message || !open || room == 0 {
			e.refuseLocked(m, f)
			return 0, ntstatus.Success
		}
		m.data, m.length = m.data[:room:room], room
	}
	if st = e.putLocked(m, stall, f); st == ntstatus.Success {
		n = m.length
	}
	return n, st
}

// putLocked queues a message, or refuses it and returns a failure. An end that is not ready returns the status of
// readyLocked. A message without room in the queue is:
//   - STATUS_PIPE_BUSY, if stall is false or the end is nonblocking
//   - STATUS_INSUFFICIENT_RESOURCES, if more than maxStalled bytes would be queued
//   - STATUS_PENDING in other cases; the message then waits
//
// +checklocks:e.instance.mu
func (e *End) putLocked(m *message, stall bool, f *finished) (st ntstatus.Status) {
	box := e.outbox()
	room, fits := box.room()
	st = e.readyLocked()
	switch {
	case st != ntstatus.Success:
	case fits && len(m.data) <= room:
	case !stall || e.complete.Load():
		st = ntstatus.PipeBusy
	case box.bytes+len(m.data) > maxStalled:
		// What waits to be read has a bound, too (I-141).
		st = ntstatus.InsufficientResources
	default:
		// The write completes when its unread part fits into the queue, even if the pipe is empty now (I-152).
		st = ntstatus.Pending
	}
	if st != ntstatus.Success && st != ntstatus.Pending {
		e.refuseLocked(m, f)
		return st
	}
	box.enter(m)
	return st
}

// refuseLocked drops a message that the pipe does not take: it returns the message's charge, and adds its client
// context to f.
//
// +checklocks:e.instance.mu
func (e *End) refuseLocked(m *message, f *finished) {
	m.paid.Return()
	if m.context != nil {
		f.contexts = append(f.contexts, m.context)
		m.context = nil
	}
}

// stalledLocked returns the status of a write that waits for room in the queue. The write has completed if its unread
// part fits after all earlier data. An end that is closed is STATUS_PIPE_BROKEN. Otherwise it waits on
// (STATUS_PENDING).
// +checklocks:e.instance.mu
func (e *End) stalledLocked(m *message) ntstatus.Status {
	switch st := e.readyLocked(); {
	case m.fits:
		return ntstatus.Success
	case st == ntstatus.PipeClosing:
		return ntstatus.PipeBroken
	case st != ntstatus.Success:
		return st
	}
	return ntstatus.Pending
}

// askLocked queues the message that FSCTL_PIPE_TRANSCEIVE writes before it reads the answer. Errors are:
//   - a detached end: STATUS_PIPE_DISCONNECTED
//   - no connection: STATUS_INVALID_PIPE_STATE
//   - an end that does not read messages: STATUS_INVALID_READ_MODE
//   - unread data: STATUS_PIPE_BUSY
//   - full is true: STATUS_INSUFFICIENT_RESOURCES
//
// +checklocks:e.instance.mu
func (e *End) askLocked(m *message, full bool, f *finished) (st ntstatus.Status) {
	switch {
	case e.detachedLocked():
		st = ntstatus.PipeDisconnected
	case e.instance.state != Connected:
		st = ntstatus.InvalidPipeState
	case !e.byMessages():
		st = ntstatus.InvalidReadMode
	case len(e.inbox().messages) > 0:
		st = ntstatus.PipeBusy
	case full:
		st = ntstatus.InsufficientResources
	default:
		return e.putLocked(m, true, f)
	}
	e.refuseLocked(m, f)
	return st
}

// listenLocked makes a disconnected instance listen. It returns STATUS_PIPE_LISTENING until a client connects. With a
// client it returns STATUS_PIPE_CONNECTED, and STATUS_PIPE_CLOSING after that client closed its end. For a client end
// it returns STATUS_ILLEGAL_FUNCTION. Any other instance begins to listen.
// +checklocks:e.instance.mu
func (e *End) listenLocked() ntstatus.Status {
	in := e.instance
	switch {
	case !e.isServer:
		return ntstatus.IllegalFunction
	case in.state == Connected && in.client != nil:
		return ntstatus.PipeConnected
	case in.state == Connected: // a client has claimed the instance and is still connecting
		return ntstatus.PipeListening
	case in.state == Closing:
		return ntstatus.PipeClosing
	}
	in.state = Listening
	if in.begun == 0 {
		// Clients take instances in the order in which their servers began to wait (I-156).
		in.begun = in.pipe.fs.begun.Add(1)
	}
	return ntstatus.PipeListening
}

// flushLocked returns STATUS_PENDING while a flush must wait, because a connected other end has unread data. Otherwise,
// also without a connection, it returns success.
// +checklocks:e.instance.mu
func (e *End) flushLocked() ntstatus.Status {
	switch {
	case e.detachedLocked():
		return ntstatus.PipeDisconnected
	case e.instance.state == Connected && e.outbox().bytes > 0:
		return ntstatus.Pending
	}
	return ntstatus.Success
}
