package lpc

import (
	"slices"
	"sort"

	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// wakeLocked wakes the threads that wait for a change of the port: it closes the channel of Changed and makes a new
// one.
// +checklocks:p.mu
func (p *Port) wakeLocked() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// wake wakes the threads that wait for a change of the port.
func (p *Port) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wakeLocked()
}

// wakeLocked wakes the threads that wait for a change of the connection.
// +checklocks:c.mu
func (c *connection) wakeLocked() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// set changes the connection's state and wakes the threads that wait for it.
func (c *connection) set(s state) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = s
	c.wakeLocked()
}

// status returns STATUS_PENDING until the connection is complete, and STATUS_PORT_CONNECTION_REFUSED if the server
// refused it or an end was closed first. A connection that ended after it was complete stays a success.
func (c *connection) status() ntstatus.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.state == connectedState:
		return ntstatus.Success
	case c.state == refusedState || c.gone:
		return ntstatus.PortConnectionRefused
	}
	return ntstatus.Pending
}

// Changed returns a channel that is closed at the next change of the port. Get the channel, try the operation, and
// wait only if the operation was not possible.
func (p *Port) Changed() <-chan struct{} {
	if c := p.conn; c != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.changed
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

// Connected returns the state of a client end's connection: STATUS_PENDING, STATUS_SUCCESS or
// STATUS_PORT_CONNECTION_REFUSED. answer is the server's, nil before it accepts or refuses. Any other port gives
// STATUS_INVALID_PORT_HANDLE.
func (p *Port) Connected() (answer []byte, st ntstatus.Status) {
	if p.Kind != Client {
		return nil, ntstatus.InvalidPortHandle
	}
	st = p.conn.status()
	p.conn.mu.Lock()
	defer p.conn.mu.Unlock()
	return p.conn.answer, st
}

// takePending takes the oldest pending connection of a connection port, for Listen, and lists it as one whose request
// was received. It returns nil if none is pending.
func (p *Port) takePending() *connection {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.pending) == 0 {
		return nil
	}
	c := p.pending[0]
	p.pending = p.pending[1:]
	p.known[c.id] = c
	return c
}

// takeInfo returns what came with the request to connect, once. The connection does not keep it.
func (c *connection) takeInfo() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	info := c.info
	c.info = nil
	return info
}

// withdraw removes the request of a client that goes from those that wait. A request that was received and not answered
// stays, so that the server learns of the end, but of such requests at most MaxPending. Call it once.
func (p *Port) withdraw(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pending = slices.DeleteFunc(p.pending, func(x *connection) bool { return x == c })
	c.mu.Lock()
	waits := c.state == waitingState
	c.mu.Unlock()
	if p.known[c.id] != c || !waits {
		return
	}
	if p.left = append(p.left, c.id); len(p.left) > MaxPending {
		// Nobody is charged for the requests of clients that left, so their number is limited.
		delete(p.known, p.left[0])
		p.left = p.left[1:]
	}
}

// Listen takes the oldest request to connect; accept it with AcceptMessage. Errors: STATUS_TIMEOUT if no client is
// waiting, STATUS_INVALID_PORT_HANDLE unless this is a connection port. The request stays pending for the client.
func (p *Port) Listen() (Message, ntstatus.Status) {
	if p.Kind != Connection {
		return Message{}, ntstatus.InvalidPortHandle
	}
	c := p.takePending()
	if c == nil {
		return Message{}, ntstatus.Timeout
	}
	return Message{Client: c.client, ID: c.id, Data: c.takeInfo(), Connecting: true}, ntstatus.Success
}

// receiveAny takes the next message of a connection port. The oldest request to connect comes first, then the oldest
// connection with a request or an end. The end of a connection is received once. If all queues are empty, the status
// is STATUS_TIMEOUT.
func (p *Port) receiveAny() (Message, ntstatus.Status) {
	if m, st := p.Listen(); st == ntstatus.Success {
		return m, st
	}
	for _, c := range p.connections() {
		c.mu.Lock()
		switch {
		case len(c.requests) > 0:
			m := c.requests[0]
			c.requests = c.requests[1:]
			m.Context = c.context
			c.mu.Unlock()
			return m, ntstatus.Success
		case c.gone && !c.notified:
			c.notified = true
			m := Message{Client: c.client, Closed: true, Context: c.context}
			c.mu.Unlock()
			p.forget(c)
			return m, ntstatus.Success
		}
		c.mu.Unlock()
	}
	return Message{}, ntstatus.Timeout
}

// connections returns the connections whose requests were received with Listen, oldest first. The list is a copy,
// also of answered ones.
func (p *Port) connections() []*connection {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]*connection, 0, len(p.known))
	for _, c := range p.known {
		list = append(list, c)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].id < list[j].id })
	return list
}

// forget removes a connection that was answered from those whose requests were received. It does nothing for an unknown
// one.
func (p *Port) forget(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.known, c.id)
}

// AcceptMessage accepts the client whose request to connect was received, and returns the server's end. The client
// waits until Complete is called on it. With refuse it refuses the client and returns nil and success. Errors:
// STATUS_REPLY_MESSAGE_MISMATCH for an unknown or handled request, STATUS_PORT_CONNECTION_REFUSED for a client that is
// gone, and those of a charge: the server's process pays for the answer, which has at most Longest bytes.
func (p *Port) AcceptMessage(server *ps.Process, client nt.ClientID, id uint32, refuse bool, context uint64,
	answer []byte) (*Port, ntstatus.Status) {
	p.mu.Lock()
	c := p.known[id]
	p.mu.Unlock()
	if c == nil || c.client != client {
		return nil, ntstatus.ReplyMessageMismatch
	}
	answer = answer[:min(len(answer), p.longest)]
	var paid quota.Receipt
	if len(answer) > 0 {
		var st ntstatus.Status
		// The client can keep the answer after the server's end is closed.
		if paid, st = (quota.Payer{Block: server.Quota()}).Charge(len(answer)); st != ntstatus.Success {
			return nil, st
		}
	}
	if st := c.accept(refuse, context, answer, paid); st != ntstatus.Success {
		paid.Return()
		return nil, st
	}
	if refuse {
		p.forget(c)
		return nil, ntstatus.Success
	}
	return newPort(Server, server, c), ntstatus.Success
}

// accept answers a client's request to connect: it stores the server's context and answer, and wakes the client. With
// refuse it refuses the client. It takes over paid, the charge for the answer, unless it fails. Errors:
// STATUS_REPLY_MESSAGE_MISMATCH if the connection was accepted or refused before, STATUS_PORT_CONNECTION_REFUSED if the
// client is gone.
func (c *connection) accept(refuse bool, context uint64, answer []byte, paid quota.Receipt) ntstatus.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.state != waitingState:
		return ntstatus.ReplyMessageMismatch
	case c.gone:
		return ntstatus.PortConnectionRefused
	}
	c.context, c.answer, c.answered = context, append([]byte(nil), answer...), paid
	if c.state = acceptedState; refuse {
		c.state = refusedState
	}
	c.wakeLocked()
	return ntstatus.Success
}

// Complete ends the wait of the client of an accepted connection. Errors: STATUS_INVALID_PORT_HANDLE unless the port
// is a server's end, STATUS_INVALID_PARAMETER if the client does not wait for it.
func (p *Port) Complete() ntstatus.Status {
	if p.Kind != Server {
		return ntstatus.InvalidPortHandle
	}
	c := p.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != acceptedState {
		return ntstatus.InvalidParameter
	}
	c.state = connectedState
	c.wakeLocked()
	return ntstatus.Success
}

// connectionOf returns the connection that a server replies on: a communication port's own connection, or for a
// connection port the waiting client's. Errors: STATUS_INVALID_PORT_HANDLE for a client's end,
// STATUS_REPLY_MESSAGE_MISMATCH if the client is not waiting.
func (p *Port) connectionOf(client nt.ClientID, id uint32) (*connection, ntstatus.Status) {
	switch p.Kind {
	case Server:
		return p.conn, ntstatus.Success
	case Client:
		return nil, ntstatus.InvalidPortHandle
	}
	for _, c := range p.connections() {
		c.mu.Lock()
		_, st := c.waiterLocked(client, id)
		c.mu.Unlock()
		if st == ntstatus.Success {
			return c, st
		}
	}
	return nil, ntstatus.ReplyMessageMismatch
}
