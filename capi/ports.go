//go:build cgo && linux

package main

import (
	"sync"

	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Types of received messages.
const (
	lpcRequest           = 1
	lpcReply             = 2
	lpcPortClosed        = 5
	lpcConnectionRequest = 10
)

// offer identifies a received request to connect, by its client's thread and its message.
type offer struct {
	thread winnt.Handle
	id     uint32
}

// offered maps each request to connect that was not answered yet to the connection port on which it was received,
// because the message that accepts it does not name the port.
var offered = struct {
	sync.Mutex
	ports map[offer]winnt.Handle
}{ports: map[offer]winnt.Handle{}}

// onPort waits on an LPC port for a service that never waits itself: it calls try, and again after each change of the
// port, as long as try returns blocked. With a daemon, the daemon waits.
func (c *call) onPort(h winnt.Handle, blocked ntstatus.Status, try func() ntstatus.Status) ntstatus.Status {
	if r := c.remote(); r != nil {
		return r.until(h, blocked, try)
	}
	for {
		changed, ok := c.sys.PortChanged(h) // before the call, so that no change is missed
		if st := try(); st != blocked || !ok {
			return st
		}
		<-changed
		c.Forget() // the program may have unmapped outputs during the wait
	}
}

// ntCreatePort creates a connection port. MaxMessageLength includes the header; a length without room for data or above
// 65535 gives STATUS_INVALID_PARAMETER.
func ntCreatePort(c *call) uint64 {
	longest := c.u32(3)
	if longest <= marshal.PortHeader || longest > 0xFFFF {
		return c.opened(0, ntstatus.InvalidParameter)
	}
	out, st := c.sys.NtCreatePort(nt.CreatePortIn{ObjectAttributes: c.attributes(1),
		MaxMessageLength: longest - marshal.PortHeader})
	return c.opened(out.PortHandle, st)
}

// connecting holds the output pointers of NtConnectPort, which are probed first.
type connecting struct {
	longest, info, infoLength user
	room                      uint32 // bytes at info
}

// connecting probes and returns the output pointers of NtConnectPort. Each may be NULL; without one for the length, no
// information is exchanged. A NULL buffer has room for nothing. The room is read before the call, and the buffer is
// probed for it.
func (c *call) connecting() (x connecting, st ntstatus.Status) {
	x = connecting{longest: c.ptr(5), info: c.ptr(6), infoLength: c.ptr(7)}
	if x.longest != 0 {
		if st := c.ProbeU32(x.longest); st != ntstatus.Success {
			return x, st
		}
	}
	if x.infoLength == 0 {
		return x, ntstatus.Success
	}
	if st := c.ProbeU32(x.infoLength); st != ntstatus.Success {
		return x, st
	}
	if x.room, st = c.ReadU32(x.infoLength); st != ntstatus.Success {
		return x, st
	}
	if x.info == 0 {
		x.room = 0
		return x, st
	}
	return x, c.Probe(x.info, uintptr(x.room), 1)
}

// connected writes the outputs of a port connection: the server's answer, its length and the maximum message length.
// An answer longer than the buffer is truncated, and the truncated length is written. A NULL pointer is skipped. The
// first failed write is returned.
func (c *call) connected(x connecting, answer []byte, longest uint32) ntstatus.Status {
	if x.infoLength != 0 {
		answer = answer[:min(len(answer), int(x.room))]
		if fault := c.Write(x.info, answer); fault != ntstatus.Success {
			return fault
		}
		if fault := c.WriteU32(x.infoLength, uint32(len(answer))); fault != ntstatus.Success {
			return fault
		}
	}
	if x.longest == 0 {
		return ntstatus.Success
	}
	return c.WriteU32(x.longest, longest+marshal.PortHeader)
}

// ntConnectPort implements NtConnectPort, which waits until the server accepts or refuses the connection. A refused
// connection closes the port. A NULL name is STATUS_ACCESS_VIOLATION. Sections are STATUS_NOT_SUPPORTED. If an
// output cannot be written, the port stays open but the program gets no handle.
func ntConnectPort(c *call) uint64 {
	x, st := c.connecting()
	if st != ntstatus.Success {
		return status(st)
	}
	name, st := c.StringAt(c.ptr(1))
	if c.ptr(1) == 0 {
		st = ntstatus.AccessViolation
	}
	if st != ntstatus.Success {
		return status(st)
	}
	if c.ptr(3) != 0 || c.ptr(4) != 0 { // section views are not implemented
		return status(ntstatus.NotSupported)
	}
	o, st := c.sys.NtConnectPort(nt.ConnectPortIn{PortName: name, SecurityQos: captured(c.QualityAt(c.ptr(2))),
		ConnectionInformation: captured(c.Block(x.info, int(x.room), 1))})
	if !st.IsSuccess() {
		return c.opened(0, st)
	}
	var answer []byte
	var longest uint32
	st = c.onPort(o.PortHandle, ntstatus.Pending, func() (st ntstatus.Status) {
		answer, longest, st = c.sys.PortConnected(o.PortHandle)
		return st
	})
	if !st.IsSuccess() {
		c.sys.NtClose(nt.CloseIn{Handle: o.PortHandle})
		return c.opened(0, st)
	}
	if fault := c.connected(x, answer, longest); fault != ntstatus.Success {
		return status(fault)
	}
	return c.opened(o.PortHandle, st)
}

// received writes a received message to p, with its type. For a connection request it records the port, so that the
// server can accept the client. For any other message it writes the port's context to context, unless context is 0.
func (c *call) received(h winnt.Handle, p, context user, m *nt.ReplyWaitReceivePortOut) ntstatus.Status {
	typ := uint16(lpcRequest)
	switch {
	case m.Connecting:
		typ = lpcConnectionRequest
		offered.Lock()
		offered.ports[offer{m.ClientID.UniqueThread, m.MessageID}] = h
		offered.Unlock()
	case m.Closed:
		typ = lpcPortClosed
	}
	x := marshal.PortMessage{Type: typ, ClientID: m.ClientID, ID: m.MessageID, Data: m.Request}
	if st := c.WritePortMessage(p, &x); st != ntstatus.Success {
		return st
	}
	if context != 0 && !m.Connecting {
		return c.WriteU64(context, m.PortContext)
	}
	return ntstatus.Success
}

// ntListenPort implements NtListenPort. It waits for a connection request and writes it. The address is probed first. A
// port that ends gives its status, and nothing is written then.
func ntListenPort(c *call) uint64 {
	h, p := c.handle(0), c.ptr(1)
	if st := c.Probe(p, marshal.PortHeader, 4); st != ntstatus.Success {
		return status(st)
	}
	var m nt.ReplyWaitReceivePortOut
	st := c.onPort(h, ntstatus.Timeout, func() (st ntstatus.Status) {
		m, st = c.sys.NtListenPort(nt.ListenPortIn{PortHandle: h})
		return st
	})
	if st == ntstatus.Success {
		st = c.received(h, p, 0, &m)
	}
	return status(st)
}

// ntAcceptConnectPort implements NtAcceptConnectPort. It accepts or refuses the client of a received message. Port
// views give STATUS_NOT_SUPPORTED, and a client whose request was not received STATUS_REPLY_MESSAGE_MISMATCH. After
// success and if the client is gone, the request is forgotten. After another failure it can be tried again.
func ntAcceptConnectPort(c *call) uint64 {
	accept := c.boolean(3)
	m, st := c.PortMessageAt(c.ptr(2))
	if st != ntstatus.Success {
		return status(st)
	}
	if c.ptr(4) != 0 || c.ptr(5) != 0 {
		return status(ntstatus.NotSupported)
	}
	request := offer{m.ClientID.UniqueThread, m.ID}
	offered.Lock()
	h, ok := offered.ports[request]
	offered.Unlock()
	if !ok || m.ID == 0 {
		return c.opened(0, ntstatus.ReplyMessageMismatch)
	}
	o, st := c.sys.NtAcceptConnectPort(nt.AcceptConnectPortIn{ConnectionPortHandle: h, ClientID: nt.Cap(&m.ClientID),
		MessageID: m.ID, Refuse: !accept,
		PortContext: uint64(c.ptr(1)), ConnectionInformation: nt.Cap(m.Data)})
	switch st {
	case ntstatus.Success, ntstatus.PortConnectionRefused, ntstatus.ReplyMessageMismatch:
		// Otherwise clients that give up would fill the memory of the server.
		offered.Lock()
		delete(offered.ports, request)
		offered.Unlock()
	}
	return c.opened(o.PortHandle, st)
}

// ntRequestWaitReplyPort implements NtRequestWaitReplyPort. It sends a request, waits for the reply and writes the
// reply to memory. It probes that memory first, so with a bad pointer it sends nothing. A closed connection ends the
// wait with a status.
func ntRequestWaitReplyPort(c *call) uint64 {
	h, reply := c.handle(0), c.ptr(2)
	if st := c.Probe(reply, marshal.PortHeader, 4); st != ntstatus.Success {
		return status(st)
	}
	m, st := c.PortMessageAt(c.ptr(1))
	if st != ntstatus.Success {
		return status(st)
	}
	out, st := c.sys.NtRequestWaitReplyPort(nt.RequestWaitReplyPortIn{PortHandle: h, Request: nt.Cap(m.Data)})
	if st != ntstatus.Pending {
		return status(st)
	}
	id := out.MessageID
	st = c.onPort(h, ntstatus.Pending, func() (st ntstatus.Status) {
		out, st = c.sys.NtRequestWaitReplyPort(nt.RequestWaitReplyPortIn{PortHandle: h, MessageID: id})
		return st
	})
	if st != ntstatus.Success {
		return status(st)
	}
	return status(c.WritePortMessage(reply, &marshal.PortMessage{Type: lpcReply,
		ClientID: nt.ClientID{UniqueProcess: processID(), UniqueThread: c.id}, ID: id, Data: out.Reply}))
}

// reply sends the PORT_MESSAGE at p as the server's reply to the message with the same client and id.
func (c *call) reply(h winnt.Handle, p user) ntstatus.Status {
	m, st := c.PortMessageAt(p)
	if st != ntstatus.Success {
		return st
	}
	_, st = c.sys.NtReplyPort(nt.ReplyPortIn{PortHandle: h, ClientID: nt.Cap(&m.ClientID), MessageID: m.ID,
		Reply: nt.Cap(m.Data)})
	return st
}

// ntReplyPort implements NtReplyPort: it sends the reply to a client's message.
func ntReplyPort(c *call) uint64 { return status(c.reply(c.handle(0), c.ptr(1))) }

// ntReplyWaitReceivePort implements NtReplyWaitReceivePort. It sends the reply, if there is one, and waits for the next
// message. If the reply fails, it does not wait. The pointers are probed before the reply is sent. A closed port ends
// the wait with a status.
func ntReplyWaitReceivePort(c *call) uint64 {
	h, context, receive := c.handle(0), c.ptr(1), c.ptr(3)
	if context != 0 {
		if st := c.ProbeHandle(context); st != ntstatus.Success {
			return status(st)
		}
	}
	if st := c.Probe(receive, marshal.PortHeader, 4); st != ntstatus.Success {
		return status(st)
	}
	if p := c.ptr(2); p != 0 {
		if st := c.reply(h, p); st != ntstatus.Success {
			return status(st)
		}
	}
	var m nt.ReplyWaitReceivePortOut
	st := c.onPort(h, ntstatus.Timeout, func() (st ntstatus.Status) {
		m, st = c.sys.NtReplyWaitReceivePort(nt.ReplyWaitReceivePortIn{PortHandle: h})
		return st
	})
	if st == ntstatus.Success {
		st = c.received(h, receive, context, &m)
	}
	return status(st)
}

// ntImpersonateClientOfPort implements NtImpersonateClientOfPort: the thread impersonates the client of a message. A
// malformed message returns a status.
func ntImpersonateClientOfPort(c *call) uint64 {
	m, st := c.PortMessageAt(c.ptr(1))
	if st != ntstatus.Success {
		return status(st)
	}
	_, st = c.sys.NtImpersonateClientOfPort(nt.ImpersonateClientOfPortIn{PortHandle: c.handle(0),
		ClientID: nt.Cap(&m.ClientID), MessageID: m.ID})
	return status(st)
}
