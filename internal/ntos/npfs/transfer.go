package npfs

import (
	"slices"

	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/ntstatus"
)

// newMessage makes a message of a thread. With dynamic tracking the context of a
// client is that of its thread now, when it writes (I-85), also where the message
// has to wait for room.
func (e *End) newMessage(t *ps.Thread, data []byte) *message {
	m := &message{data: append([]byte(nil), data...)}
	if q, dynamic := e.dynamic(); dynamic {
		// The context is the thread's own token: no copy is made that would have to admit the server.
		m.context, m.failed = t.CreateClientSecurity(q, false, nil)
	}
	return m
}

// readLocked takes up to n bytes, STATUS_PIPE_EMPTY where nothing is there yet.
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

// byMessages reports whether reads of this end keep to messages.
func (e *End) byMessages() bool { return e.instance.pipe.cfg.Message && e.messages.Load() }

// putLocked queues a message: STATUS_PENDING where it has to wait for room, and
// STATUS_PIPE_BUSY where it has no room and may not wait.
//
// +checklocks:e.instance.mu
func (e *End) putLocked(m *message, stall bool, f *finished) (st ntstatus.Status) {
	box := e.outbox()
	st = e.readyLocked()
	over := box.bytes > 0 && box.bytes+len(m.data) > e.quota()
	switch {
	case st != ntstatus.Success:
	case over && (!stall || e.complete.Load()):
		st = ntstatus.PipeBusy
	case over && box.bytes+len(m.data) > maxStalled:
		// What waits to be read has a bound, too. I-141
		st = ntstatus.InsufficientResources
	case over:
		st = ntstatus.Pending
	}
	if st != ntstatus.Success && st != ntstatus.Pending {
		if m.context != nil {
			f.contexts = append(f.contexts, m.context)
		}
		return st
	}
	box.messages = append(box.messages, m)
	box.bytes += len(m.data)
	return st
}

// stalledLocked returns the status of a write whose message waited for room: it has
// ended when all of it fits, with what was written before.
//
// +checklocks:e.instance.mu
func (e *End) stalledLocked(m *message) ntstatus.Status {
	box := e.outbox()
	switch st := e.readyLocked(); {
	case m.read:
		return ntstatus.Success
	case st == ntstatus.PipeClosing:
		return ntstatus.PipeBroken
	case st != ntstatus.Success:
		return st
	}
	before := 0
	for _, x := range box.messages[:slices.Index(box.messages, m)+1] {
		before += len(x.data)
	}
	if before > e.quota() {
		return ntstatus.Pending
	}
	return ntstatus.Success
}

// askLocked queues the message of a FSCTL_PIPE_TRANSCEIVE: the end is connected and
// reads messages, and nothing waits to be read.
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
		return e.putLocked(m, false, f)
	}
	if m.context != nil {
		f.contexts = append(f.contexts, m.context)
	}
	return st
}

// listenLocked makes a disconnected instance listen; STATUS_PIPE_LISTENING while there
// is no client.
//
// +checklocks:e.instance.mu
func (e *End) listenLocked() ntstatus.Status {
	in := e.instance
	switch {
	case !e.isServer:
		return ntstatus.IllegalFunction
	case in.state == Connected && in.client != nil:
		return ntstatus.PipeConnected
	case in.state == Connected: // claimed, not yet there
		return ntstatus.PipeListening
	case in.state == Closing:
		return ntstatus.PipeClosing
	}
	in.state = Listening
	return ntstatus.PipeListening
}

// flushLocked returns STATUS_PENDING while there is something that a connected other
// end has not read.
//
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
