package services

import (
	"github.com/refmon/refmon/internal/ntos/lpc"
	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// NtCreatePort creates a connection port, named or not, and opens it with all rights. MaxMessageLength limits each
// message.
func (c *Context) NtCreatePort(in nt.CreatePortIn) (out nt.PortOut, st ntstatus.Status) {
	out.PortHandle, st = c.createNamed(in.ObjectAttributes, lpc.PortType, winnt.PORT_ALL_ACCESS,
		func(d *sd.Descriptor) ob.Object {
			p := lpc.NewConnection(c.self.Process(), int(in.MaxMessageLength))
			p.Init(lpc.PortType, p, d)
			return p
		})
	return out, st
}

// NtConnectPort requests a connection to a port and returns the client's port. The connection is not complete then; see
// [Context.PortConnected]. Without a quality of service it uses npfs.DefaultSQOS. An undefined level is
// STATUS_INVALID_PARAMETER. The name must grant PORT_CONNECT. After a failure no port stays.
func (c *Context) NtConnectPort(in nt.ConnectPortIn) (out nt.PortOut, st ntstatus.Status) {
	// capture
	if in.SecurityQos.Status != ntstatus.Success {
		return out, c.Fail("O-3", in.SecurityQos.Status)
	}
	if in.ConnectionInformation.Status != ntstatus.Success {
		return out, c.Fail("O-3", in.ConnectionInformation.Status)
	}
	q := npfs.DefaultSQOS
	if in.SecurityQos.V != nil {
		// The quality of service is copied, so a change by the caller during the call has no effect (O-4).
		q = *in.SecurityQos.V
	}
	if q.ImpersonationLevel > winnt.SecurityDelegation {
		// The level is not defined.
		return out, c.Fail("I-80", ntstatus.InvalidParameter)
	}
	// reference and decide: opening the port's name for PORT_CONNECT
	h, st := c.openNamed(nt.Cap(&nt.ObjectAttributes{ObjectName: in.PortName}), lpc.PortType, winnt.PORT_CONNECT)
	if st != ntstatus.Success {
		return out, st
	}
	defer c.Caller.Close(h)
	server, st := c.port(h)
	if st != ntstatus.Success {
		return out, st
	}
	defer server.Deref(ob.TagCall)
	// commit
	client, o := server.Connect(c.self, q, in.ConnectionInformation.V)
	if o.Status != ntstatus.Success {
		return out, c.Impersonated(o)
	}
	out.PortHandle, st = c.newPort(client, server.Security())
	return out, st
}

// newPort creates a handle to a communication port and releases the caller's reference on the port. After a failure
// the port ends.
func (c *Context) newPort(p *lpc.Port, d *sd.Descriptor) (winnt.Handle, ntstatus.Status) {
	p.Init(lpc.PortType, p, d)
	c.Sys.Security.Objects.Track(p)
	defer p.Deref(ob.TagCall)
	return c.insertNew(p, winnt.PORT_ALL_ACCESS, 0)
}

// port references the port of a handle, which needs no right.
func (c *Context) port(h winnt.Handle) (*lpc.Port, ntstatus.Status) {
	p, _, st := ob.Reference[*lpc.Port](&c.Caller, h, 0, lpc.PortType)
	return p, st
}

// NtListenPort receives the oldest connection request, or returns STATUS_TIMEOUT if there is none. It does not wait. A
// port that is not a connection port is STATUS_INVALID_PORT_HANDLE.
func (c *Context) NtListenPort(in nt.ListenPortIn) (out nt.ReplyWaitReceivePortOut, st ntstatus.Status) {
	p, st := c.port(in.PortHandle)
	if st != ntstatus.Success {
		return out, st
	}
	defer p.Deref(ob.TagCall)
	m, st := p.Listen()
	if st != ntstatus.Success {
		return out, c.Fail("I-88", st)
	}
	return received(m), st
}

// received converts a message of an LPC port to the output of the services that receive one.
func received(m lpc.Message) nt.ReplyWaitReceivePortOut {
	return nt.ReplyWaitReceivePortOut{ClientID: m.Client, MessageID: m.ID, Request: m.Data, Connecting: m.Connecting,
		Closed: m.Closed, PortContext: m.Context}
}

// NtCompleteConnectPort completes an accepted connection, which ends the client's wait. A port that is not a server's
// is STATUS_INVALID_PORT_HANDLE. A connection that is not accepted, or complete already, is STATUS_INVALID_PARAMETER.
func (c *Context) NtCompleteConnectPort(in nt.CompleteConnectPortIn) (out nt.CompleteConnectPortOut,
	st ntstatus.Status) {
	p, st := c.port(in.PortHandle)
	if st != ntstatus.Success {
		return out, st
	}
	defer p.Deref(ob.TagCall)
	if st = p.Complete(); st != ntstatus.Success {
		return out, c.Fail("I-88", st)
	}
	return out, st
}

// PortChanged returns a channel that is closed at the next change of the port behind a handle. ok is false for a
// handle that does not refer to a port.
func (c *Context) PortChanged(h winnt.Handle) (changed <-chan struct{}, ok bool) {
	p, st := c.port(h)
	if st != ntstatus.Success {
		return nil, false
	}
	defer p.Deref(ob.TagCall)
	return p.Changed(), true
}

// PortConnected returns the state of a client port's connection: STATUS_PENDING, STATUS_SUCCESS or
// STATUS_PORT_CONNECTION_REFUSED. answer is the server's data, nil until it accepts or refuses. longest is the
// largest number of bytes in a message.
func (c *Context) PortConnected(h winnt.Handle) (answer []byte, longest uint32, st ntstatus.Status) {
	p, st := c.port(h)
	if st != ntstatus.Success {
		return nil, 0, st
	}
	defer p.Deref(ob.TagCall)
	answer, st = p.Connected()
	return answer, uint32(p.Longest()), st
}

// NtAcceptConnectPort accepts the client that has waited longest, or returns STATUS_TIMEOUT if none waits. With a
// MessageID it accepts the client of that message, or refuses it if Refuse is set. A refusal succeeds without a handle.
// A handle that is no connection port is STATUS_INVALID_PORT_HANDLE.
func (c *Context) NtAcceptConnectPort(in nt.AcceptConnectPortIn) (out nt.PortOut, st ntstatus.Status) {
	if in.ConnectionInformation.Status != ntstatus.Success {
		return out, c.Fail("O-3", in.ConnectionInformation.Status)
	}
	p, st := c.port(in.ConnectionPortHandle)
	if st != ntstatus.Success {
		return out, st
	}
	defer p.Deref(ob.TagCall)
	if p.Kind != lpc.Connection {
		return out, c.Fail("I-88", ntstatus.InvalidPortHandle)
	}
	var comm *lpc.Port
	if in.MessageID != 0 {
		id, st := c.messageClient(in.ClientID)
		if st != ntstatus.Success {
			return out, st
		}
		if comm, st = p.AcceptMessage(c.self.Process(), id, in.MessageID, in.Refuse, in.PortContext,
			in.ConnectionInformation.V); st != ntstatus.Success {
			return out, c.Fail("I-88", st)
		}
		if comm == nil {
			return out, st // refused
		}
	} else if comm = p.Accept(c.self.Process()); comm == nil {
		return out, c.Fail("I-88", ntstatus.Timeout)
	}
	out.PortHandle, st = c.newPort(comm, p.Security())
	return out, st
}

// NtRequestWaitReplyPort sends a request and returns STATUS_PENDING with its MessageID. Called again with that
// MessageID, it returns the reply, or STATUS_PENDING until there is one. A port that is not a client's end is
// STATUS_INVALID_PORT_HANDLE, an unknown MessageID STATUS_REPLY_MESSAGE_MISMATCH.
func (c *Context) NtRequestWaitReplyPort(in nt.RequestWaitReplyPortIn) (out nt.RequestWaitReplyPortOut,
	st ntstatus.Status) {
	if in.Request.Status != ntstatus.Success {
		return out, c.Fail("O-3", in.Request.Status)
	}
	p, st := c.port(in.PortHandle)
	if st != ntstatus.Success {
		return out, st
	}
	defer p.Deref(ob.TagCall)
	if in.MessageID != 0 {
		out.MessageID = in.MessageID
		out.Reply, st = p.Answer(c.self, in.MessageID)
	} else if out.MessageID, st = p.Request(c.self, in.Request.V); st == ntstatus.Success {
		st = ntstatus.Pending
	}
	if st != ntstatus.Success {
		return out, c.Fail("I-88", st)
	}
	return out, st
}

// NtReplyWaitReceivePort receives the oldest request, or returns STATUS_TIMEOUT if there is none. It sends no reply.
// The handle needs no right. A client's end is STATUS_INVALID_PORT_HANDLE, and an empty queue of a connection that
// ended STATUS_PORT_DISCONNECTED.
func (c *Context) NtReplyWaitReceivePort(in nt.ReplyWaitReceivePortIn) (out nt.ReplyWaitReceivePortOut,
	st ntstatus.Status) {
	p, st := c.port(in.PortHandle)
	if st != ntstatus.Success {
		return out, st
	}
	defer p.Deref(ob.TagCall)
	m, st := p.Receive()
	if st != ntstatus.Success {
		return out, c.Fail("I-88", st)
	}
	return received(m), st
}

// NtReplyPort sends the reply to a client's request. The calling thread's account pays for it until the client takes
// it. A request that is unknown or answered is STATUS_REPLY_MESSAGE_MISMATCH. A client id or a reply that cannot be
// read fails before the port's handle is looked up.
func (c *Context) NtReplyPort(in nt.ReplyPortIn) (out nt.ReplyPortOut, st ntstatus.Status) {
	id, st := c.messageClient(in.ClientID)
	if st != ntstatus.Success {
		return out, st
	}
	if in.Reply.Status != ntstatus.Success {
		return out, c.Fail("O-3", in.Reply.Status)
	}
	p, st := c.port(in.PortHandle)
	if st != ntstatus.Success {
		return out, st
	}
	defer p.Deref(ob.TagCall)
	if st := p.Reply(c.self.Payer(), id, in.MessageID, in.Reply.V); st != ntstatus.Success {
		return out, c.Fail("I-88", st)
	}
	return out, ntstatus.Success
}

// NtImpersonateClientOfPort makes the caller impersonate the client of a message (I-88). A client that does not wait
// for the reply to it is STATUS_REPLY_MESSAGE_MISMATCH. A port that is not a server's end is
// STATUS_INVALID_PORT_HANDLE.
func (c *Context) NtImpersonateClientOfPort(in nt.ImpersonateClientOfPortIn) (out nt.ImpersonateClientOfPortOut,
	st ntstatus.Status) {
	id, st := c.messageClient(in.ClientID)
	if st != ntstatus.Success {
		return out, st
	}
	p, st := c.port(in.PortHandle) // I-88: else O-31
	if st != ntstatus.Success {
		return out, st
	}
	defer p.Deref(ob.TagCall)
	return out, c.ImpersonatedOn(c.self, p.Impersonate(c.self, id, in.MessageID))
}

// messageClient returns a copy of the client id of a message. A nil id is STATUS_ACCESS_VIOLATION, and an unreadable
// one has its own status (O-3).
func (c *Context) messageClient(in nt.Captured[*nt.ClientID]) (nt.ClientID, ntstatus.Status) {
	if in.Status != ntstatus.Success {
		return nt.ClientID{}, c.Fail("O-3", in.Status)
	}
	if in.V == nil {
		return nt.ClientID{}, c.Fail("O-3", ntstatus.AccessViolation)
	}
	return *in.V, ntstatus.Success
}
