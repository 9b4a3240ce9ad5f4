package services_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/bare"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A client is connected after the server has accepted it, and can then send messages up to the port's length. A
// client's port cannot accept (I-88).
func TestClientPortIsConnectedAfterAccept(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th := w.system("server") // may create names in the root
	s := th.Services()
	port, st := s.NtCreatePort(nt.CreatePortIn{ObjectAttributes: nt.Cap(named(`\orders`)), MaxMessageLength: 4})
	want(t, "create", st, ntstatus.Success)
	basic := check.Result(th.NtQueryObject(port.PortHandle, nt.ObjectBasicInformation)).(nt.BasicInformation)
	check.Equal(t, basic.GrantedAccess, winnt.PORT_ALL_ACCESS, "rights of the creator's handle")
	before, _, _ := w.sys.Counts()
	client := check.Result(s.NtConnectPort(nt.ConnectPortIn{PortName: `\orders`}))
	after, _, _ := w.sys.Counts()
	check.Equal(t, after, before+1, "P-5: objects with the client's port")
	_, _, st = s.PortConnected(client.PortHandle)
	want(t, "before it is accepted", st, ntstatus.Pending)
	_, st = s.NtAcceptConnectPort(nt.AcceptConnectPortIn{ConnectionPortHandle: client.PortHandle})
	want(t, "I-88: a client's port accepts", st, ntstatus.InvalidPortHandle)
	comm := check.Result(s.NtAcceptConnectPort(nt.AcceptConnectPortIn{ConnectionPortHandle: port.PortHandle}))
	_, longest, st := s.PortConnected(client.PortHandle)
	if want(t, "after it is accepted", st, ntstatus.Success); longest != 4 {
		t.Errorf("longest message of the accepted port = %d bytes, want 4", longest)
	}
	_, st = s.NtAcceptConnectPort(nt.AcceptConnectPortIn{ConnectionPortHandle: comm.PortHandle})
	want(t, "I-88: a server's communication port accepts", st, ntstatus.InvalidPortHandle)
	ask := func(text string) ntstatus.Status {
		return check.Status(s.NtRequestWaitReplyPort(nt.RequestWaitReplyPortIn{PortHandle: client.PortHandle,
			Request: nt.Cap([]byte(text))}))
	}
	want(t, "a message too long", ask("12345"), ntstatus.PortMessageTooLong)
	want(t, "a message of the longest length", ask("1234"), ntstatus.Pending)
}

// The descriptor that the creator passes decides who may connect to a port (O-38, I-88).
func TestPortDescriptorDecidesAboutConnecting(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th := w.system("server") // may create names in the root
	other, _ := w.thread(w.process("client"))
	for text, wanted := range map[string]ntstatus.Status{
		"O:SYG:SYD:(A;;0x1;;;" + svc + ")(A;;GA;;;SY)": ntstatus.Success,
		"O:SYG:SYD:(D;;0x1;;;" + svc + ")(A;;GA;;;WD)": ntstatus.AccessDenied} {
		name := named(`\orders`)
		name.SecurityDescriptor = sddl.MustParse(text)
		port := check.Result(th.Services().NtCreatePort(nt.CreatePortIn{ObjectAttributes: nt.Cap(name)}))
		for level, st := range map[winnt.SecurityImpersonationLevel]ntstatus.Status{winnt.SecurityDelegation: wanted,
			winnt.SecurityDelegation + 1: ntstatus.InvalidParameter} { // I-80: no level is above Delegation
			q := nt.Cap(&nt.SecurityQualityOfService{ImpersonationLevel: level})
			out, got := other.Services().NtConnectPort(nt.ConnectPortIn{PortName: `\orders`, SecurityQos: q})
			if want(t, level.String(), got, st); got == ntstatus.Success {
				check.Success(t, other.NtClose(out.PortHandle))
			}
		}
		client, st := other.Services().NtConnectPort(nt.ConnectPortIn{PortName: `\orders`})
		if want(t, "connect to a port of "+text, st, wanted); st == ntstatus.Success {
			check.Success(t, other.NtClose(client.PortHandle))
		}
		check.Success(t, th.NtClose(port.PortHandle))
	}
}

// portPair is a server's communication port and a client's port, with a request under way. It also has a thread of
// the client's process, which runs as another user.
type portPair struct {
	*world
	server, other           nt.Services
	thread                  *nt.Thread // of the server
	listening, comm, client winnt.Handle
}

func newPortPair(t *testing.T) *portPair {
	t.Helper()
	w := newWorld(t, kernel.Config{})
	th, other := w.system("server"), w.of("client", token.StandardUser(sid.MustParse(client)))
	c, _ := w.thread(other)
	p := &portPair{world: w, server: th.Services(), other: c.Services(), thread: th}
	port := check.Result(p.server.NtCreatePort(nt.CreatePortIn{ObjectAttributes: nt.Cap(named(`\orders`))}))
	out := check.Result(p.other.NtConnectPort(nt.ConnectPortIn{PortName: `\orders`,
		ConnectionInformation: nt.Cap([]byte("hello"))}))
	p.listening, p.client = port.PortHandle, out.PortHandle
	return p
}

// accept connects the client.
func (p *portPair) accept(t *testing.T) {
	t.Helper()
	m := check.Result(p.server.NtListenPort(nt.ListenPortIn{PortHandle: p.listening}))
	comm := check.Result(p.server.NtAcceptConnectPort(nt.AcceptConnectPortIn{ConnectionPortHandle: p.listening,
		ClientID: nt.Cap(&m.ClientID), MessageID: m.MessageID}))
	p.comm = comm.PortHandle
}

// request completes the connection and sends a request.
func (p *portPair) request(t *testing.T) {
	t.Helper()
	_, st := p.server.NtCompleteConnectPort(nt.CompleteConnectPortIn{PortHandle: p.comm})
	want(t, "complete", st, ntstatus.Success)
	want(t, "request", check.Status(p.other.NtRequestWaitReplyPort(nt.RequestWaitReplyPortIn{PortHandle: p.client,
		Request: nt.Cap([]byte("ask"))})), ntstatus.Pending)
}

// badPorts calls a port service with an invalid handle, and with a handle of another type.
func badPorts(t *testing.T, call func(winnt.Handle) ntstatus.Status) {
	t.Helper()
	want(t, "O-31: no handle", call(0x7770), ntstatus.InvalidHandle)
	want(t, "O-31: another type", call(winnt.NtCurrentProcess), ntstatus.ObjectTypeMismatch)
}

func TestNtListenPort(t *testing.T) {
	p := newPortPair(t)
	listen := func(h winnt.Handle) ntstatus.Status {
		return check.Status(p.server.NtListenPort(nt.ListenPortIn{PortHandle: h}))
	}
	m, st := p.server.NtListenPort(nt.ListenPortIn{PortHandle: p.listening})
	check.That(t, st == ntstatus.Success && m.Connecting && !m.Closed && m.MessageID != 0 &&
		string(m.Request) == "hello", `request to connect = %+v, %v, want "hello" from a connecting client`, m, st)
	want(t, "I-88: no other client waits", listen(p.listening), ntstatus.Timeout)
	badPorts(t, listen)
}

func TestNtCompleteConnectPort(t *testing.T) {
	p := newPortPair(t)
	p.accept(t)
	complete := func(h winnt.Handle) ntstatus.Status {
		return check.Status(p.server.NtCompleteConnectPort(nt.CompleteConnectPortIn{PortHandle: h}))
	}
	badPorts(t, complete)
	_, _, st := p.other.PortConnected(p.client)
	want(t, "the client waits", st, ntstatus.Pending)
	want(t, "complete", complete(p.comm), ntstatus.Success)
	_, _, st = p.other.PortConnected(p.client)
	want(t, "the client is connected", st, ntstatus.Success)
	want(t, "I-88: the client waits no longer", complete(p.comm), ntstatus.InvalidParameter)
}

func TestNtReplyWaitReceivePort(t *testing.T) {
	p := newPortPair(t)
	p.accept(t)
	receive := func(h winnt.Handle) ntstatus.Status {
		return check.Status(p.server.NtReplyWaitReceivePort(nt.ReplyWaitReceivePortIn{PortHandle: h}))
	}
	badPorts(t, receive)
	want(t, "I-88: no request", receive(p.comm), ntstatus.Timeout)
	changed, ok := p.server.PortChanged(p.comm)
	check.That(t, ok && !bare.Closed(changed), "PortChanged before a request: port %t, changed already", ok)
	p.request(t)
	_, noPort := p.server.PortChanged(winnt.NtCurrentProcess)
	check.That(t, bare.Closed(changed) && !noPort, "PortChanged: no change after a request, or a process is a port")
	m, st := p.server.NtReplyWaitReceivePort(nt.ReplyWaitReceivePortIn{PortHandle: p.comm})
	check.That(t, st == ntstatus.Success && !m.Connecting && !m.Closed && m.MessageID != 0 &&
		string(m.Request) == "ask", `message = %+v, %v, want the request "ask"`, m, st)
	want(t, "I-88: a request is received once", receive(p.comm), ntstatus.Timeout)
	want(t, "the client goes", check.Status(p.other.NtClose(nt.CloseIn{Handle: p.client})), ntstatus.Success)
	want(t, "I-88: the client is gone", receive(p.comm), ntstatus.PortDisconnected)
}

func TestNtReplyPort(t *testing.T) {
	p := newPortPair(t)
	p.accept(t)
	p.request(t)
	m := check.Result(p.server.NtReplyWaitReceivePort(nt.ReplyWaitReceivePortIn{PortHandle: p.comm}))
	in := nt.ReplyPortIn{PortHandle: p.comm, ClientID: nt.Cap(&m.ClientID), MessageID: m.MessageID,
		Reply: nt.Cap([]byte("answer"))}
	badPorts(t, func(h winnt.Handle) ntstatus.Status {
		one := in
		one.PortHandle = h
		return check.Status(p.server.NtReplyPort(one))
	})
	checkOrder(t, "NtReplyPort", in, func(in nt.ReplyPortIn) ntstatus.Status {
		if in.ClientID.Status == 0 && in.Reply.Status == 0 && in.PortHandle == p.comm && in.MessageID == m.MessageID {
			return ntstatus.Success // once only: below
		}
		return check.Status(p.server.NtReplyPort(in))
	}, []rung[nt.ReplyPortIn]{
		{"the client id", unread(1), func(in *nt.ReplyPortIn) { in.ClientID.Status = unread(1) }},
		{"the reply", unread(2), func(in *nt.ReplyPortIn) { in.Reply.Status = unread(2) }},
		{"the handle", ntstatus.InvalidHandle, func(in *nt.ReplyPortIn) { in.PortHandle = 0x7770 }},
		{"the message", ntstatus.ReplyMessageMismatch, func(in *nt.ReplyPortIn) { in.MessageID++ }},
	})
	want(t, "reply", check.Status(p.server.NtReplyPort(in)), ntstatus.Success)
	want(t, "I-88: a second reply", check.Status(p.server.NtReplyPort(in)), ntstatus.ReplyMessageMismatch)
	got, st := p.other.NtRequestWaitReplyPort(nt.RequestWaitReplyPortIn{PortHandle: p.client, MessageID: m.MessageID})
	check.That(t, st == ntstatus.Success && string(got.Reply) == "answer" && got.MessageID == m.MessageID,
		`reply that the client reads = %+v, %v, want "answer" to message %d`, got, st, m.MessageID)
	want(t, "the client goes", check.Status(p.other.NtClose(nt.CloseIn{Handle: p.client})), ntstatus.Success)
	want(t, "I-88: the client is gone", check.Status(p.server.NtReplyPort(in)), ntstatus.PortDisconnected)
}

// TestNtImpersonateClientOfPort checks the errors of I-88 in their order, and that the server's thread then
// impersonates the client.
func TestNtImpersonateClientOfPort(t *testing.T) {
	p := newPortPair(t)
	p.accept(t)
	p.request(t)
	m := check.Result(p.server.NtReplyWaitReceivePort(nt.ReplyWaitReceivePortIn{PortHandle: p.comm}))
	in := nt.ImpersonateClientOfPortIn{PortHandle: p.comm, ClientID: nt.Cap(&m.ClientID), MessageID: m.MessageID}
	acts := func() ntstatus.Status {
		return check.Status(p.thread.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true))
	}
	badPorts(t, func(h winnt.Handle) ntstatus.Status {
		one := in
		one.PortHandle = h
		return check.Status(p.server.NtImpersonateClientOfPort(one))
	})
	checkOrder(t, "NtImpersonateClientOfPort", in, func(in nt.ImpersonateClientOfPortIn) ntstatus.Status {
		_, st := p.server.NtImpersonateClientOfPort(in)
		if st != ntstatus.Success {
			want(t, "a refused call leaves the thread alone", acts(), ntstatus.NoToken)
			return st
		}
		h := check.Result(p.thread.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true))
		u := class[token.Group](t, p.thread, h, winnt.TokenUser)
		check.That(t, u.SID.String() == client, "the thread impersonates %s, want the client %s", u.SID, client)
		p.sys.KernelMode(p.thread).PsRevertToSelf()
		return st
	}, []rung[nt.ImpersonateClientOfPortIn]{
		{"the client id", unread(1), func(in *nt.ImpersonateClientOfPortIn) { in.ClientID.Status = unread(1) }},
		{"the handle", ntstatus.InvalidHandle, func(in *nt.ImpersonateClientOfPortIn) { in.PortHandle = 0x7770 }},
		{"the message", ntstatus.ReplyMessageMismatch, func(in *nt.ImpersonateClientOfPortIn) { in.MessageID++ }},
	})
	want(t, "the client goes", check.Status(p.other.NtClose(nt.CloseIn{Handle: p.client})), ntstatus.Success)
	want(t, "I-88: the client is gone", check.Status(p.server.NtImpersonateClientOfPort(in)), ntstatus.PortDisconnected)
	want(t, "which leaves the thread alone", acts(), ntstatus.NoToken)
}
