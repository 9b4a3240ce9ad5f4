package lpc

import (
	"slices"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// Message is a request as the server receives it.
type Message struct {
	Client nt.ClientID
	ID     uint32
	Data   []byte
	// Flags of a received message: whether it is the connection request, or
	// the end of a connection, and the server's name for the connection.
	Connecting, Closed bool
	Context            uint64
}

// state is how far a connection has come, from the client's request to its end.
type state uint8

const (
	waitingState  state = iota // for the server to accept it
	acceptedState              // for the server to complete it
	connectedState
	refusedState
)

// waiter is a client thread that waits for a reply. It holds one reference on the thread.
type waiter struct {
	thread *ps.Thread
	paid   quota.Receipt // for the request
	answer quota.Receipt // for the reply
	reply  []byte
	done   bool
}

// messageSize is the number of bytes of a message without its data.
const messageSize = 512

// end returns the quota charges of a waiter and releases its thread, once its request is over.
func (w *waiter) end() {
	w.paid.Return()
	w.answer.Return()
	w.thread.Deref(ob.TagLink)
}

// Request queues a copy of data; the thread then waits for the reply, which Answer returns. The thread's payer is
// charged until then. Errors: STATUS_INVALID_PORT_HANDLE, STATUS_PORT_DISCONNECTED, STATUS_PORT_MESSAGE_TOO_LONG,
// STATUS_INSUFFICIENT_RESOURCES beyond MaxRequests, and the errors of a charge. The message wakes the server. A failure
// charges nothing.
func (p *Port) Request(t *ps.Thread, data []byte) (id uint32, st ntstatus.Status) {
	if p.Kind != Client {
		return 0, ntstatus.InvalidPortHandle
	}
	if len(data) > p.Longest() {
		return 0, ntstatus.PortMessageTooLong
	}
	// A request is its sender's to pay for until the sender has the reply.
	paid, st := t.Payer().Charge(messageSize + len(data))
	if st != ntstatus.Success {
		return 0, st
	}
	defer func() { paid.Return() }() // does nothing if the request took over the charge
	c := p.conn
	defer c.port.wake() // runs after c.mu is unlocked
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.gone:
		return 0, ntstatus.PortDisconnected
	case len(c.waiting) >= MaxRequests:
		return 0, ntstatus.InsufficientResources
	}
	c.wakeLocked()
	c.last = nextID(c.last, c.waiting)
	t.Ref(ob.TagLink)
	c.waiting[c.last] = &waiter{thread: t, paid: paid}
	paid = quota.Receipt{}
	c.requests = append(c.requests, Message{Client: nt.ClientID{UniqueProcess: t.Process().ID(), UniqueThread: t.ID()},
		ID: c.last, Data: append([]byte(nil), data...)})
	return c.last, ntstatus.Success
}

// nextID returns the id of the message after last. Ids start again after 2³²-1 messages. They skip 0 and the ids that
// are in use, so that no reply or impersonation reaches another message than the one it names (I-88).
func nextID[T any](last uint32, used map[uint32]T) uint32 {
	for {
		last++
		if _, taken := used[last]; last != 0 && !taken {
			return last
		}
	}
}

// Answer removes and returns the reply to a request of thread t. It returns STATUS_PENDING until there is a reply.
// Errors: STATUS_PORT_DISCONNECTED, even if there is a reply, STATUS_INVALID_PORT_HANDLE unless the port is a client's
// end, STATUS_REPLY_MESSAGE_MISMATCH for an unknown request and for another thread's. A reply is returned once.
func (p *Port) Answer(t *ps.Thread, id uint32) ([]byte, ntstatus.Status) {
	if p.Kind != Client {
		return nil, ntstatus.InvalidPortHandle
	}
	c := p.conn
	c.mu.Lock()
	w := c.waiting[id]
	switch {
	case c.gone:
		c.mu.Unlock()
		return nil, ntstatus.PortDisconnected
	case w == nil || w.thread != t:
		c.mu.Unlock()
		return nil, ntstatus.ReplyMessageMismatch
	case !w.done:
		c.mu.Unlock()
		return nil, ntstatus.Pending
	}
	delete(c.waiting, id)
	c.mu.Unlock()
	w.end()
	return w.reply, ntstatus.Success
}

// Receive takes the oldest request. A connection port receives from all its clients, and requests to connect first.
// For each connection that ended it returns one Message with Closed, after its requests. Errors: STATUS_TIMEOUT for
// an empty queue, STATUS_PORT_DISCONNECTED for an empty queue of a connection that ended, STATUS_INVALID_PORT_HANDLE
// for a client's end.
func (p *Port) Receive() (Message, ntstatus.Status) {
	switch p.Kind {
	case Connection:
		return p.receiveAny()
	case Client:
		return Message{}, ntstatus.InvalidPortHandle
	}
	c := p.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case len(c.requests) > 0:
		m := c.requests[0]
		c.requests = c.requests[1:]
		m.Context = c.context
		return m, ntstatus.Success
	case c.gone:
		return Message{}, ntstatus.PortDisconnected
	}
	return Message{}, ntstatus.Timeout
}

// waiterLocked returns the thread that waits for the reply to a message. STATUS_PORT_DISCONNECTED means that the client
// is gone, STATUS_REPLY_MESSAGE_MISMATCH that no such thread waits.
//
// +checklocks:c.mu
func (c *connection) waiterLocked(client nt.ClientID, id uint32) (*waiter, ntstatus.Status) {
	w := c.waiting[id]
	switch {
	case c.gone:
		return nil, ntstatus.PortDisconnected // the client is gone (I-88)
	case w == nil, w.done, w.thread.ID() != client.UniqueThread, w.thread.Process().ID() != client.UniqueProcess:
		// No such thread waits for the reply to this message (I-88).
		return nil, ntstatus.ReplyMessageMismatch
	}
	return w, ntstatus.Success
}

// Reply sends the reply to a request, which then can no longer be received. payer pays for the reply until the client
// has received it. Errors: STATUS_REPLY_MESSAGE_MISMATCH if no such client thread waits, STATUS_PORT_DISCONNECTED,
// STATUS_INVALID_PORT_HANDLE on a client's end, STATUS_PORT_MESSAGE_TOO_LONG, and those of a charge. A failed charge,
// or a data that is too long, leaves the client waiting.
func (p *Port) Reply(payer quota.Payer, client nt.ClientID, id uint32, data []byte) ntstatus.Status {
	c, st := p.connectionOf(client, id)
	if st != ntstatus.Success {
		return st
	}
	if len(data) > p.Longest() {
		return ntstatus.PortMessageTooLong
	}
	paid, st := payer.Charge(messageSize + len(data))
	if st != ntstatus.Success {
		return st
	}
	defer func() { paid.Return() }() // unless the reply took it over
	c.mu.Lock()
	defer c.mu.Unlock()
	w, st := c.waiterLocked(client, id)
	if st == ntstatus.Success {
		w.answer, paid = paid, quota.Receipt{}
		w.reply, w.done = append([]byte(nil), data...), true
		// The client pays for a request until it has the reply. One that nobody received must not stay behind.
		c.requests = slices.DeleteFunc(c.requests, func(m Message) bool { return m.ID == id })
		c.wakeLocked()
	}
	return st
}

// Impersonate implements NtImpersonateClientOfPort: the thread impersonates the client that waits for the reply to
// this message (I-88). With static tracking it uses the connection's context, with dynamic tracking the current
// context of the waiting thread. Errors: STATUS_INVALID_PORT_HANDLE unless the port is a server's end,
// STATUS_PORT_DISCONNECTED, STATUS_REPLY_MESSAGE_MISMATCH, and those of the capture.
func (p *Port) Impersonate(t *ps.Thread, client nt.ClientID, id uint32) ps.Outcome {
	if p.Kind != Server {
		// Only a server communication port has a client that can be impersonated.
		return ps.Outcome{Status: ntstatus.InvalidPortHandle, Rule: "I-88",
			Because: "the port is not a server communication port"}
	}
	c := p.conn
	c.mu.Lock()
	w, st := c.waiterLocked(client, id)
	if st != ntstatus.Success {
		c.mu.Unlock()
		return ps.Outcome{Status: st, Rule: "I-88", Because: "no client thread waits for the reply to this message"}
	}
	static, waiting := c.static, w.thread
	if static != nil {
		static.Token.Ref(ob.TagCall)
	}
	waiting.Ref(ob.TagCall)
	c.mu.Unlock()
	defer waiting.Deref(ob.TagCall)
	if static != nil {
		defer static.Token.Deref(ob.TagCall)
		// With static tracking the client is the one captured at connection (I-81).
		return static.Impersonate(t)
	}
	// With dynamic tracking the client's current identity is captured (I-80).
	ctx, out := waiting.CreateClientSecurity(c.sqos, false, t.Process())
	if out.Status != ntstatus.Success {
		return out
	}
	defer ctx.Delete()
	return ctx.Impersonate(t)
}
