package npfs

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/ntstatus"
)

// IsServer reports whether this is the server's end. It never changes.
func (e *End) IsServer() bool { return e.isServer }

// Completes reports whether operations on this end complete immediately, without
// effect if they would have to wait (T-135).
func (e *End) Completes() bool { return e.complete.Load() }

// Changed returns a channel that is closed at the next change of the instance. Get the channel first, then try the
// operation, and wait only if it was not possible.
func (e *End) Changed() <-chan struct{} {
	e.instance.mu.Lock()
	defer e.instance.mu.Unlock()
	return e.instance.changed
}

// inbox returns the queue that the end reads from.
func (e *End) inbox() *queue {
	if e.isServer {
		return &e.instance.queues[toServer]
	}
	return &e.instance.queues[toClient]
}

// outbox returns the queue that the end writes to.
func (e *End) outbox() *queue {
	if e.isServer {
		return &e.instance.queues[toClient]
	}
	return &e.instance.queues[toServer]
}

// readyLocked checks that the end can transfer data. It returns success for a connected or unclaimed end. A detached or
// disconnected end is STATUS_PIPE_DISCONNECTED, a listening one STATUS_PIPE_LISTENING, and one whose other end is
// closed STATUS_PIPE_CLOSING.
//
// +checklocks:e.instance.mu
func (e *End) readyLocked() ntstatus.Status {
	if e.detachedLocked() {
		// A client that the server disconnected no longer belongs to the instance (I-134).
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

// Write queues data for the other end and returns how many bytes it took; it never waits. An end
// that completes operations at once may take fewer, or none, with success (I-153). Errors:
// STATUS_PIPE_LISTENING, STATUS_PIPE_DISCONNECTED, STATUS_PIPE_CLOSING; STATUS_PIPE_BUSY if the
// data does not fit, and then no byte is written; and the errors of a charge.
func (e *End) Write(t *ps.Thread, data []byte) (n int, st ntstatus.Status) {
	m, st := e.newMessage(t, data)
	if st != ntstatus.Success {
		return 0, st
	}
	var f finished
	e.instance.mu.Lock()
	n, st = e.writeLocked(m, false, &f)
	e.didLocked(st, &f)
	return n, st
}

// Read returns up to n bytes and never waits. In message mode it reads from one message; if the message is longer, it
// returns STATUS_BUFFER_OVERFLOW and keeps the rest. A server's read selects the context of the data for
// impersonation (I-85). Errors: STATUS_PIPE_EMPTY, STATUS_PIPE_BROKEN, STATUS_PIPE_LISTENING,
// STATUS_PIPE_DISCONNECTED.
func (e *End) Read(n int) ([]byte, ntstatus.Status) {
	var f finished
	e.instance.mu.Lock()
	res := e.readLocked(n, &f)
	e.didLocked(res.Status, &f)
	return res.Data, res.Status
}

// Listen implements FSCTL_PIPE_LISTEN: it makes a disconnected instance ready for another client. It returns
// STATUS_PIPE_LISTENING until a client connects, then STATUS_PIPE_CONNECTED. Errors: STATUS_PIPE_CLOSING if the client
// closed its end, STATUS_ILLEGAL_FUNCTION on a client end.
func (e *End) Listen() ntstatus.Status {
	var f finished
	e.instance.mu.Lock()
	st := e.listenLocked()
	e.didLocked(st, &f)
	e.instance.pipe.wake()
	return st
}

// didLocked ends an operation with status st: after a success it also completes the waiting requests that became
// possible. It unlocks the instance and then signals those in f. A failure completes only the requests that f has
// already.
// +checklocksrelease:e.instance.mu
func (e *End) didLocked(st ntstatus.Status, f *finished) {
	if st == ntstatus.Success || st == ntstatus.BufferOverflow {
		e.instance.settleLocked(f)
	}
	e.instance.mu.Unlock()
	f.complete()
}

// Disconnect implements FSCTL_PIPE_DISCONNECT: it disconnects the client and drops the queued data and the client
// contexts (I-86). Errors: STATUS_ILLEGAL_FUNCTION on a client end, STATUS_PIPE_DISCONNECTED, STATUS_PIPE_LISTENING.
// Waiting requests complete before it returns. The client's handle stays open.
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
	in.state, in.client, in.begun = Disconnected, nil, 0
	in.turn++
	f := finished{contexts: in.clearLocked(toServer, toClient)}
	in.settleLocked(&f)
	in.mu.Unlock()
	f.complete()
	return ntstatus.Success
}

// clearLocked drops the unread data of a connection: the queues with the indexes boxes, and what the last read found.
// It returns the client contexts, which the caller must release without the lock.
// +checklocks:in.mu
func (in *Instance) clearLocked(boxes ...int) (dropped []*ps.ClientContext) {
	for i := range boxes {
		dropped = append(dropped, in.queues[boxes[i]].clear()...)
	}
	for _, c := range []*ps.ClientContext{in.static, in.last} {
		if c != nil {
			dropped = append(dropped, c)
		}
	}
	in.static, in.last, in.read = nil, nil, false
	return dropped
}

// closed runs after the last handle to the end was closed. The other end can still read the written data (I-86). Its
// waiting requests are cancelled. The last server end removes the instance.
func (e *End) closed() {
	var f finished
	in := e.instance
	in.mu.Lock()
	e.gone = true
	in.closeLocked(e, &f)
	if e.detachedLocked() { // the instance is free or has another client (I-134)
		in.mu.Unlock()
		f.complete()
		return
	}
	if e.isServer {
		in.server = nil
		f.contexts = append(f.contexts, in.clearLocked(toServer)...) // its written data can still be read
	} else if in.client == e {
		in.client = nil
	}
	if in.server == nil && in.client == nil { // neither end has a reader
		f.contexts = append(f.contexts, in.clearLocked(toServer, toClient)...)
	}
	if in.state == Connected {
		in.state = Closing
	}
	in.settleLocked(&f)
	in.mu.Unlock()
	f.complete()
	if e.isServer {
		in.pipe.remove(in)
	}
}

// Detached reports whether e is the end of a client that the server disconnected. It is false for a server's end.
func (e *End) Detached() bool {
	e.instance.mu.Lock()
	defer e.instance.mu.Unlock()
	return e.detachedLocked()
}

// detachedLocked reports whether e is the end of a client that the server disconnected, as [End.Detached] does.
//
// +checklocks:e.instance.mu
func (e *End) detachedLocked() bool { return !e.isServer && e.turn != e.instance.turn }

// destroy releases the process of the end's creator. It runs when the last reference is gone.
func (e *End) destroy() { e.process.Deref(ob.TagLink) }
