package lpc

import (
	"sync"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// PortType is the object type Port.
var PortType = &ob.Type{ObjectType: winnt.PortObject, OnLastHandle: func(o ob.Object) { o.(*Port).closed() },
	OnDestroy: func(o ob.Object) { o.(*Port).destroy() }}

// Limits of a port.
const (
	MaxPending  = 256     // clients that wait to be accepted
	MaxRequests = 256     // requests of one client that were not received
	MaxMessage  = 1 << 16 // bytes of one message
)

// Kind tells a port's role.
type Kind uint8

const (
	Connection Kind = iota // a server's, to connect to
	Server                 // a server's end of one connection
	Client                 // a client's end
)

// Port is a port object.
type Port struct {
	ob.Header
	Kind    Kind        // immutable
	process *ps.Process // immutable: the creator's; one reference
	conn    *connection // immutable; nil for a connection port

	longest int // immutable: bytes of a message, at most MaxMessage

	mu sync.Mutex
	// +checklocks:mu
	pending []*connection // guarded by mu: connection ports
	// +checklocks:mu
	// guarded by mu: connection ports; those that were listened to, by the id of their request
	known map[uint32]*connection
	// +checklocks:mu
	last uint32 // guarded by mu: connection ports; the id last given to such a request
	// +checklocks:mu
	changed chan struct{} // guarded by mu: connection ports; closed and replaced at every change
	// +checklocks:mu
	shut bool // guarded by mu: no handle is left
}

// NewConnection makes a server's connection port for messages of that many
// bytes, 0 for MaxMessage; the caller calls Init.
func NewConnection(p *ps.Process, longest int) *Port {
	p.Ref(ob.TagLink)
	port := &Port{Kind: Connection, process: p, known: map[uint32]*connection{}, changed: make(chan struct{})}
	if port.longest = longest; longest <= 0 || longest > MaxMessage {
		port.longest = MaxMessage
	}
	return port
}

func newPort(k Kind, p *ps.Process, c *connection) *Port {
	p.Ref(ob.TagLink)
	return &Port{Kind: k, process: p, conn: c}
}

// Longest returns how many bytes a message of the port, or of its connection, may
// have.
func (p *Port) Longest() int {
	if p.conn != nil {
		return p.conn.port.longest
	}
	return p.longest
}

func (p *Port) destroy() { p.process.Deref(ob.TagLink) }

// Message is a request as the server receives it.
type Message struct {
	Client nt.ClientID
	ID     uint32
	Data   []byte
	// What a connection port receives: whether this is the request to connect,
	// or the end of a connection, and what the server called the connection.
	Connecting, Closed bool
	Context            uint64
}

// state is how far a connection is.
type state uint8

const (
	waitingState  state = iota // for the server to accept it
	acceptedState              // for the server to complete it
	connectedState
	refusedState
)

// connection is one client of a port.
type connection struct {
	sqos   nt.SecurityQualityOfService // immutable
	port   *Port                       // immutable: the connection port
	client nt.ClientID                 // immutable
	id     uint32                      // immutable: of the request to connect
	info   []byte                      // immutable: what came with it

	mu sync.Mutex
	// +checklocks:mu
	state state // guarded by mu
	// +checklocks:mu
	context uint64 // guarded by mu: what the server calls it
	// +checklocks:mu
	answer []byte // guarded by mu: what the server says to the client it accepts
	// +checklocks:mu
	told bool // guarded by mu: the server knows that it ended
	// +checklocks:mu
	changed chan struct{} // guarded by mu: closed and replaced at every change
	// +checklocks:mu
	static *ps.ClientContext // guarded by mu: made at connection (I-4)
	// +checklocks:mu
	requests []Message // guarded by mu
	// +checklocks:mu
	waiting map[uint32]*waiter // guarded by mu: requests without a reply
	// +checklocks:mu
	last uint32 // guarded by mu: message id last given
	// +checklocks:mu
	gone bool // guarded by mu: an end has no handle left
}

// waiter is a client thread that waits for a reply; one reference.
type waiter struct {
	thread *ps.Thread
	reply  []byte
	done   bool
}

// Connect makes a client's end, which waits to be accepted. With static
// tracking the client's context is captured now. The caller calls Init on the
// port. Errors: STATUS_OBJECT_NAME_NOT_FOUND for a port that is closed,
// STATUS_INSUFFICIENT_RESOURCES, those of I-80.
func (p *Port) Connect(client *ps.Thread, sqos nt.SecurityQualityOfService, info []byte) (*Port, ps.Outcome) {
	c := &connection{sqos: sqos, port: p,
		client: nt.ClientID{UniqueProcess: client.Process().ID(), UniqueThread: client.ID()},
		info: append([]byte(nil), info[:min(len(info),
			p.longest)]...), waiting: map[uint32]*waiter{}, changed: make(chan struct{})}
	if sqos.ContextTrackingMode == winnt.SECURITY_STATIC_TRACKING {
		var out ps.Outcome
		if c.static, out = client.CreateClientSecurity(sqos, false, p.process); out.Status != ntstatus.Success {
			return nil, out
		}
	}
	p.mu.Lock()
	st := ntstatus.Success
	switch {
	case p.shut:
		st = ntstatus.ObjectNameNotFound
	case len(p.pending) >= MaxPending:
		st = ntstatus.InsufficientResources
	default:
		p.last++
		c.id = p.last
		p.pending = append(p.pending, c)
		p.wakeLocked()
	}
	p.mu.Unlock()
	if st != ntstatus.Success {
		if c.static != nil {
			c.static.Delete()
		}
		return nil, ps.Outcome{Status: st, Rule: "O-82"}
	}
	return newPort(Client, client.Process(), c), ps.Outcome{}
}

// Accept makes the server's end of the oldest connection that waits, nil if
// none does, and completes the connection. The caller calls Init on the port.
func (p *Port) Accept(server *ps.Process) *Port {
	c := p.takePending()
	if c == nil {
		return nil
	}
	p.forget(c) // its messages go to the new port alone
	c.set(connectedState)
	return newPort(Server, server, c)
}

// closed runs when the last handle is gone: a connection port refuses the clients that
// waits, an end ends its connection.
func (p *Port) closed() {
	p.mu.Lock()
	p.shut = true
	pending := p.pending
	for _, c := range p.known {
		if c.status() == ntstatus.Pending {
			pending = append(pending, c)
		}
	}
	p.pending, p.known = nil, map[uint32]*connection{}
	p.mu.Unlock()
	for _, c := range pending {
		c.set(refusedState)
		c.end()
	}
	if p.conn != nil {
		p.conn.end()
	}
	if p.Kind == Server {
		p.conn.port.forget(p.conn) // the server knows
	}
}

// end gives back all a connection holds.
func (c *connection) end() {
	c.mu.Lock()
	c.gone = true
	static, waiting := c.static, c.waiting
	c.static, c.waiting, c.requests = nil, map[uint32]*waiter{}, nil
	c.wakeLocked()
	c.mu.Unlock()
	c.port.wake()
	if static != nil {
		static.Delete()
	}
	for _, w := range waiting {
		w.thread.Deref(ob.TagLink)
	}
}

// Request queues a request; the thread waits for the reply to it from now on.
// Errors: STATUS_INVALID_PORT_HANDLE, STATUS_PORT_DISCONNECTED,
// STATUS_PORT_MESSAGE_TOO_LONG,
// STATUS_INSUFFICIENT_RESOURCES for too many.
func (p *Port) Request(t *ps.Thread, data []byte) (id uint32, st ntstatus.Status) {
	if p.Kind != Client {
		return 0, ntstatus.InvalidPortHandle
	}
	if len(data) > p.Longest() {
		return 0, ntstatus.PortMessageTooLong
	}
	c := p.conn
	defer c.port.wake() // after the lock
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.gone:
		return 0, ntstatus.PortDisconnected
	case len(c.waiting) >= MaxRequests:
		return 0, ntstatus.InsufficientResources
	}
	c.wakeLocked()
	c.last++
	t.Ref(ob.TagLink)
	c.waiting[c.last] = &waiter{thread: t}
	c.requests = append(c.requests, Message{Client: nt.ClientID{UniqueProcess: t.Process().ID(), UniqueThread: t.ID()},
		ID: c.last, Data: append([]byte(nil), data...)})
	return c.last, ntstatus.Success
}

// Answer takes the reply to a request: STATUS_PENDING until there is one.
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
	w.thread.Deref(ob.TagLink)
	return w.reply, ntstatus.Success
}

// Receive takes the oldest request; STATUS_TIMEOUT if no request is there. A
// connection port receives from all its clients, and their requests to connect
// first.
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

// waiterLocked returns the thread that waits for the reply to a message.
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

// Reply answers a request.
func (p *Port) Reply(client nt.ClientID, id uint32, data []byte) ntstatus.Status {
	c, st := p.connectionOf(client, id)
	if st != ntstatus.Success {
		return st
	}
	if len(data) > p.Longest() {
		return ntstatus.PortMessageTooLong
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	w, st := c.waiterLocked(client, id)
	if st == ntstatus.Success {
		w.reply, w.done = append([]byte(nil), data...), true
		c.wakeLocked()
	}
	return st
}

// Impersonate implements NtImpersonateClientOfPort: the thread acts as the client that
// waits for the reply to this message (I-88). With static tracking the context
// is that of the connection, with dynamic tracking that of the waiting thread
// now.
func (p *Port) Impersonate(t *ps.Thread, client nt.ClientID, id uint32) ps.Outcome {
	if p.Kind != Server {
		// A client's end or a connection port has no client to act for.
		return ps.Outcome{Status: ntstatus.InvalidPortHandle, Rule: "I-88",
			Because: "the port is no server's communication port"}
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
		// With static tracking the client is as it was captured at connection (I-81).
		return static.Impersonate(t)
	}
	// With dynamic tracking the client is captured as it is now (I-80).
	ctx, out := waiting.CreateClientSecurity(c.sqos, false, t.Process())
	if out.Status != ntstatus.Success {
		return out
	}
	defer ctx.Delete()
	return ctx.Impersonate(t)
}
