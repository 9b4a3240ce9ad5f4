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
func (e *End) Completes() bool { return e.complete.Load() }

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

// Write queues data for the other end; it never waits. Errors:
// STATUS_PIPE_LISTENING, STATUS_PIPE_DISCONNECTED, STATUS_PIPE_CLOSING, and
// STATUS_PIPE_BUSY where the quota has no room.
func (e *End) Write(t *ps.Thread, data []byte) ntstatus.Status {
	m := e.newMessage(t, data)
	var f finished
	e.instance.mu.Lock()
	st := e.putLocked(m, false, &f)
	e.didLocked(st, &f)
	return st
}

// Read takes up to n bytes: of one message where the end reads messages, with
// STATUS_BUFFER_OVERFLOW and the rest left if it is longer; it never waits. A
// server's read makes the context of what it read the one to impersonate (I-85).
// Errors: STATUS_PIPE_EMPTY, STATUS_PIPE_BROKEN, STATUS_PIPE_LISTENING,
// STATUS_PIPE_DISCONNECTED.
func (e *End) Read(n int) ([]byte, ntstatus.Status) {
	var f finished
	e.instance.mu.Lock()
	res := e.readLocked(n, &f)
	e.didLocked(res.Status, &f)
	return res.Data, res.Status
}

// Listen implements FSCTL_PIPE_LISTEN: it makes a disconnected instance ready for
// another client. STATUS_PIPE_CONNECTED when one is there already,
// STATUS_PIPE_LISTENING while none is, STATUS_ILLEGAL_FUNCTION on a client end.
func (e *End) Listen() ntstatus.Status {
	var f finished
	e.instance.mu.Lock()
	st := e.listenLocked()
	e.didLocked(st, &f)
	return st
}

// didLocked ends the requests that can be done after an operation, and gives the lock
// back before any of them is told.
//
// +checklocksrelease:e.instance.mu
func (e *End) didLocked(st ntstatus.Status, f *finished) {
	if st == ntstatus.Success || st == ntstatus.BufferOverflow {
		e.instance.settleLocked(f)
	}
	e.instance.mu.Unlock()
	f.tell()
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
	f := finished{contexts: in.clearLocked()}
	in.settleLocked(&f)
	in.mu.Unlock()
	f.tell()
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
	var f finished
	in := e.instance
	in.mu.Lock()
	in.closeLocked(e, &f)
	if e.detachedLocked() { // the instance is another client's by now, or free (I-134)
		in.mu.Unlock()
		f.tell()
		return
	}
	if e.isServer {
		in.server = nil
		left := in.queues[toClient] // what was written can still be read
		in.queues[toClient] = queue{}
		f.contexts = append(f.contexts, in.clearLocked()...)
		in.queues[toClient] = left
	} else if in.client == e {
		in.client = nil
	}
	if in.state == Connected {
		in.state = Closing
	}
	in.settleLocked(&f)
	in.mu.Unlock()
	f.tell()
	if e.isServer {
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
