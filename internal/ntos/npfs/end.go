package npfs

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/ntstatus"
)

// IsServer reports whether this is the server's end.
func (e *End) IsServer() bool { return e.isServer }

// Completes reports whether operations on this end complete at once, with nothing
// done where they would wait (T-135).
func (e *End) Completes() bool { return e.complete }

// Changed returns a channel that is closed at the next change of the instance.
// Take it, try the operation, and wait only if the operation could not be done.
func (e *End) Changed() <-chan struct{} {
	e.instance.mu.Lock()
	defer e.instance.mu.Unlock()
	return e.instance.changed
}

// inbox and outbox are the queues an end reads from and writes to.
func (e *End) inbox() *queue {
	if e.isServer {
		return &e.instance.queues[toServer]
	}
	return &e.instance.queues[toClient]
}

func (e *End) outbox() *queue {
	if e.isServer {
		return &e.instance.queues[toClient]
	}
	return &e.instance.queues[toServer]
}

// readyLocked returns the status of an operation that needs a connection.
//
// +checklocks:e.instance.mu
func (e *End) readyLocked() ntstatus.Status {
	if e.detachedLocked() {
		// Whom the server sent away has no part in the instance any more. I-134
		return ntstatus.PipeDisconnected
	}
	switch e.instance.state {
	case Listening:
		return ntstatus.PipeListening
	case Disconnected:
		return ntstatus.PipeDisconnected
	case Closing:
		return ntstatus.PipeClosing
	}
	return ntstatus.Success
}

// Write queues data for the other end. With dynamic tracking the context of a
// client is that of its thread now, when it writes (I-85). Errors:
// STATUS_PIPE_LISTENING, STATUS_PIPE_DISCONNECTED, STATUS_PIPE_CLOSING, and
// STATUS_PIPE_BUSY where the quota has no room.
func (e *End) Write(t *ps.Thread, data []byte) ntstatus.Status {
	m := message{data: append([]byte(nil), data...)}
	if q, dynamic := e.dynamic(); dynamic {
		m.context, m.failed = t.CreateClientSecurity(q, false, e.serverProcess())
	}
	in := e.instance
	in.mu.Lock()
	st := e.readyLocked()
	box := e.outbox()
	if st == ntstatus.Success && box.bytes > 0 && box.bytes+len(data) > e.quota() {
		st = ntstatus.PipeBusy
	}
	if st == ntstatus.Success {
		box.messages = append(box.messages, m)
		box.bytes += len(data)
		in.wakeLocked()
	}
	in.mu.Unlock()
	if st != ntstatus.Success && m.context != nil {
		m.context.Delete()
	}
	return st
}

// Read takes up to n bytes: of one message where the pipe keeps messages, with
// STATUS_BUFFER_OVERFLOW and the rest left if it is longer. A server's read
// makes the context of what it read the one to impersonate (I-85). Errors:
// STATUS_PIPE_EMPTY, STATUS_PIPE_BROKEN, STATUS_PIPE_LISTENING,
// STATUS_PIPE_DISCONNECTED.
func (e *End) Read(n int) ([]byte, ntstatus.Status) {
	in := e.instance
	in.mu.Lock()
	box := e.inbox()
	if len(box.messages) == 0 || e.detachedLocked() {
		st := e.readyLocked()
		in.mu.Unlock()
		switch st {
		case ntstatus.Success:
			st = ntstatus.PipeEmpty
		case ntstatus.PipeClosing:
			st = ntstatus.PipeBroken
		}
		return nil, st
	}
	data, st, dropped := in.takeLocked(box, n, e.isServer)
	in.wakeLocked()
	in.mu.Unlock()
	for _, c := range dropped {
		c.Delete()
	}
	return data, st
}

// Listen implements FSCTL_PIPE_LISTEN: it makes a disconnected instance ready for
// another client. STATUS_PIPE_CONNECTED when one is there already,
// STATUS_PIPE_LISTENING while none is, STATUS_ILLEGAL_FUNCTION on a client end.
func (e *End) Listen() ntstatus.Status {
	if !e.isServer {
		return ntstatus.IllegalFunction
	}
	in := e.instance
	in.mu.Lock()
	defer in.mu.Unlock()
	switch in.state {
	case Connected:
		if in.client == nil { // claimed, not yet there
			return ntstatus.PipeListening
		}
		return ntstatus.PipeConnected
	case Closing:
		return ntstatus.PipeClosing
	}
	in.state = Listening
	return ntstatus.PipeListening
}

// Disconnect implements FSCTL_PIPE_DISCONNECT: it sends the client away with whatever
// is queued, and with it goes what could be impersonated (I-86).
func (e *End) Disconnect() ntstatus.Status {
	if !e.isServer {
		return ntstatus.IllegalFunction
	}
	in := e.instance
	in.mu.Lock()
	if in.state == Disconnected {
		in.mu.Unlock()
		return ntstatus.PipeDisconnected
	}
	if in.state == Listening {
		in.mu.Unlock()
		return ntstatus.PipeListening
	}
	in.state, in.client = Disconnected, nil
	in.turn++
	dropped := in.clearLocked()
	in.wakeLocked()
	in.mu.Unlock()
	for _, c := range dropped {
		c.Delete()
	}
	return ntstatus.Success
}

// clearLocked empties queues and contexts.
//
// +checklocks:in.mu
func (in *Instance) clearLocked() (dropped []*ps.ClientContext) {
	for i := range in.queues {
		for _, m := range in.queues[i].messages {
			if m.context != nil {
				dropped = append(dropped, m.context)
			}
		}
		in.queues[i] = queue{}
	}
	for _, c := range []*ps.ClientContext{in.static, in.last} {
		if c != nil {
			dropped = append(dropped, c)
		}
	}
	in.static, in.last, in.lastFail, in.read = nil, nil, ps.Outcome{}, false
	return dropped
}

// closed runs when the last handle of the end is gone. The other end can
// still read what was written (I-86).
func (e *End) closed() {
	in := e.instance
	in.mu.Lock()
	if e.detachedLocked() { // the instance is another client's by now, or free (I-134)
		in.mu.Unlock()
		return
	}
	var dropped []*ps.ClientContext
	if e.isServer {
		in.server = nil
		left := in.queues[toClient] // what was written can still be read
		dropped = in.clearLocked()
		in.queues[toClient] = left
	} else if in.client == e {
		in.client = nil
	}
	if in.state == Connected {
		in.state = Closing
	}
	in.wakeLocked()
	in.mu.Unlock()
	for _, c := range dropped {
		c.Delete()
	}
	if e.isServer && in.pipe != nil {
		in.pipe.remove(in)
	}
}

// Detached reports whether e is the end of a client that the server sent away.
func (e *End) Detached() bool {
	e.instance.mu.Lock()
	defer e.instance.mu.Unlock()
	return e.detachedLocked()
}

// detachedLocked reports what [End.Detached] does.
//
// +checklocks:e.instance.mu
func (e *End) detachedLocked() bool { return !e.isServer && e.turn != e.instance.turn }

func (e *End) destroy() { e.process.Deref(ob.TagLink) }
