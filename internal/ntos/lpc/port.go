package lpc

import (
	"sync"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/quota"
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
	MaxRequests = 256     // requests of one client whose replies it has not taken
	MaxMessage  = 1 << 16 // bytes of one message
)

// Kind is the role of a port: a server's connection port, or a server's or client's communication port.
type Kind uint8

const (
	Connection Kind = iota // a server's, to connect to
	Server                 // a server's end of one connection
	Client                 // a client's end
)

// Port is an LPC port object.
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
	left []uint32 // guarded by mu: connection ports; ids of known requests whose clients left before the answer
	// +checklocks:mu
	last uint32 // guarded by mu: connection ports; the id last given to such a request
	// +checklocks:mu
	changed chan struct{} // guarded by mu: connection ports; closed and replaced at every change
	// +checklocks:mu
	shut bool // guarded by mu: no handle is left
}

// NewConnection makes a server's connection port for messages of at most longest bytes. A value ≤ 0 or above
// MaxMessage means MaxMessage. The caller calls Init.
func NewConnection(p *ps.Process, longest int) *Port {
	p.Ref(ob.TagLink)
	port := &Port{Kind: Connection, process: p, known: map[uint32]*connection{}, changed: make(chan struct{})}
	if port.longest = longest; longest <= 0 || longest > MaxMessage {
		port.longest = MaxMessage
	}
	return port
}

// newPort returns a port that holds a reference on p. c is nil for a connection port.
func newPort(k Kind, p *ps.Process, c *connection) *Port {
	p.Ref(ob.TagLink)
	return &Port{Kind: k, process: p, conn: c}
}

// Longest returns the largest number of bytes in a message. A communication port has the limit of the connection port
// that it belongs to.
func (p *Port) Longest() int {
	if p.conn != nil {
		return p.conn.port.longest
	}
	return p.longest
}

// HeapSize returns the bytes that the port is charged for, with the connection's information. It implements
// [ob.Sized].
func (p *Port) HeapSize() int {
	const connection = 1 << 10
	if p.conn == nil {
		return connection
	}
	return connection + p.conn.infoSize
}

// destroy ends what a port without a handle has begun, and releases the port's process. It runs when the last reference
// is gone.
func (p *Port) destroy() {
	p.closed() // if the first handle could not be created, no last handle was closed
	p.process.Deref(ob.TagLink)
}

// connection is what the two ends of an LPC connection share: the client, its state and its messages.
type connection struct {
	sqos     nt.SecurityQualityOfService // immutable
	port     *Port                       // immutable: the connection port
	client   nt.ClientID                 // immutable
	id       uint32                      // immutable: of the request to connect
	infoSize int                         // immutable: bytes that came with it

	mu sync.Mutex
	// +checklocks:mu
	info []byte // guarded by mu: what came with the request, until the server has received it
	// +checklocks:mu
	state state // guarded by mu
	// +checklocks:mu
	context uint64 // guarded by mu: what the server calls it
	// +checklocks:mu
	answer []byte // guarded by mu: what the server says to the client it accepts
	// +checklocks:mu
	answered quota.Receipt // guarded by mu: for the answer, until the client is gone
	// +checklocks:mu
	notified bool // guarded by mu: the server knows that it ended
	// +checklocks:mu
	changed chan struct{} // guarded by mu: closed and replaced at every change
	// +checklocks:mu
	static *ps.ClientContext // guarded by mu: made at connection (I-4)
	// +checklocks:mu
	requests []Message // guarded by mu
	// +checklocks:mu
	waiting map[uint32]*waiter // guarded by mu: requests whose replies were not taken
	// +checklocks:mu
	last uint32 // guarded by mu: message id last given
	// +checklocks:mu
	gone bool // guarded by mu: an end has no handle left
}

// Connect makes a client's end, which waits to be accepted. It keeps at most Longest bytes of info. With static
// tracking it captures the client's context now. The caller calls Init on the port. Errors:
// STATUS_OBJECT_NAME_NOT_FOUND for a closed port, STATUS_INSUFFICIENT_RESOURCES beyond MaxPending, and the
// errors of I-80.
func (p *Port) Connect(client *ps.Thread, sqos nt.SecurityQualityOfService, info []byte) (*Port, ps.Outcome) {
	info = info[:min(len(info), p.longest)]
	c := &connection{sqos: sqos, port: p, infoSize: len(info), info: append([]byte(nil), info...),
		client:  nt.ClientID{UniqueProcess: client.Process().ID(), UniqueThread: client.ID()},
		waiting: map[uint32]*waiter{}, changed: make(chan struct{})}
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
		p.last = nextID(p.last, p.known)
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

// Accept completes the oldest pending connection and returns the server's end. It returns nil if no client waits. The
// caller calls Init on the port. The connection is then complete, and no longer known to the connection port.
func (p *Port) Accept(server *ps.Process) *Port {
	c := p.takePending()
	if c == nil {
		return nil
	}
	p.forget(c) // from now on only the new port receives the client's messages
	c.set(connectedState)
	return newPort(Server, server, c)
}

// closed runs when the last handle is closed. A connection port refuses the clients that wait; an end ends its
// connection. It wakes all threads that wait for the ended connections. A second call does nothing.
func (p *Port) closed() {
	p.mu.Lock()
	if p.shut {
		p.mu.Unlock()
		return
	}
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
		c.end()
	}
	switch p.Kind {
	case Server:
		p.conn.end()
		p.conn.port.forget(p.conn) // the server closed the connection itself and needs no message
	case Client:
		p.conn.port.withdraw(p.conn) // withdraw first, because end wakes the server
		p.conn.end()
		p.conn.dropAnswer()
	}
}

// dropAnswer drops the server's answer, which nobody can read now, and returns the charge for it.
func (c *connection) dropAnswer() {
	c.mu.Lock()
	paid := c.answered
	c.answer, c.answered = nil, quota.Receipt{}
	c.mu.Unlock()
	paid.Return()
}

// end disconnects both ends, wakes their threads and releases all that the connection holds. A second call wakes the
// threads again and releases nothing.
func (c *connection) end() {
	c.mu.Lock()
	c.gone = true
	static, waiting := c.static, c.waiting
	c.static, c.waiting, c.requests, c.info = nil, map[uint32]*waiter{}, nil, nil
	c.wakeLocked()
	c.mu.Unlock()
	c.port.wake()
	if static != nil {
		static.Delete()
	}
	for _, w := range waiting {
		w.end()
	}
}
