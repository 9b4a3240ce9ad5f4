package lpc_test

import (
	"bytes"
	"testing"

	"github.com/refmon/refmon/internal/ntos/lpc"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/internal/test/bare"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

const (
	serverUser = "S-1-5-21-1-2-3-1500"
	clientUser = "S-1-5-21-1-2-3-1001"
	otherUser  = "S-1-5-21-1-2-3-1002"
)

// pair is a port with its threads: one of the server, and two of the client's process.
type pair struct {
	*world
	server, client, second *ps.Thread
	port                   *lpc.Port
}

func newPair(t *testing.T, longest int) *pair {
	t.Helper()
	w := &world{bare.New(t)}
	s, c := w.Threads(serverUser, 1), w.Threads(clientUser, 2)
	p := &pair{world: w, server: s[0], client: c[0], second: c[1]}
	p.port = w.port(lpc.NewConnection(s[0].Process(), longest))
	return p
}

var static = nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation,
	ContextTrackingMode: winnt.SECURITY_STATIC_TRACKING}

// connect requests a connection.
func (p *pair) connect(info string) *lpc.Port {
	p.T.Helper()
	f, out := p.port.Connect(p.client, static, []byte(info))
	expect(p.T, "connect", out.Status, ntstatus.Success)
	return p.world.port(f)
}

// connected returns the ends of a complete connection.
func (p *pair) connected() (client, server *lpc.Port) {
	p.T.Helper()
	client = p.connect("")
	server = p.port.Accept(p.server.Process())
	check.RequireThat(p.T, server != nil, "Accept = nil, want the waiting client")
	return client, p.world.port(server)
}

func closeAll(ports ...*lpc.Port) {
	for _, p := range ports {
		p.DropOpen()
	}
}

// Each operation belongs to one or two kinds of ports. The other kinds refuse it before any other check (I-88).
func TestOperationNeedsItsKindOfPort(t *testing.T) {
	p := newPair(t, 4)
	client, server := p.connected()
	defer closeAll(p.port, client, server)
	long := []byte("12345")
	who := idOf(p.client)
	const bad, mismatch = ntstatus.InvalidPortHandle, ntstatus.ReplyMessageMismatch
	for name, c := range map[string]struct {
		ask                     func(*lpc.Port) ntstatus.Status
		connection, server, own ntstatus.Status
	}{
		"listen":   {func(x *lpc.Port) ntstatus.Status { _, st := x.Listen(); return st }, ntstatus.Timeout, bad, bad},
		"complete": {(*lpc.Port).Complete, bad, ntstatus.InvalidParameter, bad},
		"connected": {func(x *lpc.Port) ntstatus.Status { _, st := x.Connected(); return st },
			bad, bad, ntstatus.Success},
		"request": {func(x *lpc.Port) ntstatus.Status { _, st := x.Request(p.client, long); return st },
			bad, bad, ntstatus.PortMessageTooLong},
		"answer": {func(x *lpc.Port) ntstatus.Status { _, st := x.Answer(p.client, 1); return st }, bad, bad, mismatch},
		"receive": {func(x *lpc.Port) ntstatus.Status { _, st := x.Receive(); return st },
			ntstatus.Timeout, ntstatus.Timeout, bad},
		"reply": {func(x *lpc.Port) ntstatus.Status { return x.Reply(quota.Payer{}, who, 1, nil) }, mismatch, mismatch, bad},
		// The existence of the port and the client is tested before the length.
		"long reply": {func(x *lpc.Port) ntstatus.Status { return x.Reply(quota.Payer{}, who, 1, long) },
			mismatch, ntstatus.PortMessageTooLong, bad},
		"impersonate": {func(x *lpc.Port) ntstatus.Status { return x.Impersonate(p.server, who, 1).Status },
			bad, mismatch, bad},
	} {
		expect(t, name+" on a connection port", c.ask(p.port), c.connection)
		expect(t, name+" on a server's end", c.ask(server), c.server)
		expect(t, name+" on a client's end", c.ask(client), c.own)
	}
	for _, x := range []struct {
		port *lpc.Port
		kind lpc.Kind
	}{{p.port, lpc.Connection}, {server, lpc.Server}, {client, lpc.Client}} {
		if x.port.Kind != x.kind || x.port.Longest() != 4 {
			t.Errorf("port of kind %d with longest message %d, want kind %d and 4",
				x.port.Kind, x.port.Longest(), x.kind)
		}
	}
}

// A maximum of 0, a negative one and one above the limit mean 64 KiB.
func TestInvalidMessageMaximumMeans64KiB(t *testing.T) {
	p := newPair(t, 1)
	closeAll(p.port)
	for requested, longest := range map[int]int{-1: 1 << 16, 0: 1 << 16, 1: 1, 1<<16 - 1: 1<<16 - 1, 1 << 16: 1 << 16,
		1<<16 + 1: 1 << 16} {
		x := p.world.port(lpc.NewConnection(p.server.Process(), requested))
		check.Equal(t, x.Longest(), longest, "requested maximum of %d bytes: Longest()", requested)
		closeAll(x)
	}
}

// TestPortsReferenceTheirProcess checks that each port references its creator's process until it is closed, and the
// server's end that of the server.
func TestPortsReferenceTheirProcess(t *testing.T) {
	p := newPair(t, 0)
	s, c := p.server.Process(), p.client.Process()
	s0, c0 := s.PointerCount(), c.PointerCount()
	f := p.connect("")
	if s.PointerCount() != s0 || c.PointerCount() != c0+1 {
		t.Errorf("after connecting: %d and %d more references to server and client, want 0 and 1",
			s.PointerCount()-s0, c.PointerCount()-c0)
	}
	e := p.world.port(p.port.Accept(s))
	if s.PointerCount() != s0+1 || c.PointerCount() != c0+1 {
		t.Errorf("after accepting: %d and %d more references to server and client, want 1 and 1",
			s.PointerCount()-s0, c.PointerCount()-c0)
	}
	closeAll(e, f, p.port)
	if s.PointerCount() != s0-1 || c.PointerCount() != c0 {
		t.Errorf("after closing: %d and %d more references to server and client, want -1 and 0",
			s.PointerCount()-s0, c.PointerCount()-c0)
	}
}

// TestConnectionInformationIsCopied checks that the connection information is copied and cut to the port's length.
func TestConnectionInformationIsCopied(t *testing.T) {
	p := newPair(t, 4)
	info := []byte("who")
	f, out := p.port.Connect(p.client, static, info)
	expect(t, "connect", out.Status, ntstatus.Success)
	defer closeAll(p.world.port(f), p.port)
	info[0] = 'X'
	m, st := p.port.Listen()
	if expect(t, "listen", st, ntstatus.Success); string(m.Data) != "who" || !m.Connecting || m.Closed ||
		m.Client != idOf(p.client) || m.ID != 1 || m.Context != 0 {
		t.Errorf("Listen = %+v, want message 1 of the client with context 0", m)
	}
	answer := []byte("yes")
	e := check.Result(p.port.AcceptMessage(p.server.Process(), m.Client, m.ID, false, 7, answer))
	defer closeAll(p.world.port(e))
	answer[0] = 'X'
	if got, st := f.Connected(); st != ntstatus.Pending || string(got) != "yes" {
		t.Errorf(`Connected before the server completes = %q, %v, want "yes", %v`, got, st, ntstatus.Pending)
	}
	expect(t, "complete", e.Complete(), ntstatus.Success)
	expect(t, "request", check.Status(f.Request(p.client, nil)), ntstatus.Success)
	if m, st := e.Receive(); st != ntstatus.Success || m.Context != 7 {
		t.Errorf("message at the server's own end = %+v, %v, want context 7, %v", m, st, ntstatus.Success)
	}
	if got, st := f.Connected(); st != ntstatus.Success || string(got) != "yes" {
		t.Errorf(`Connected after the server completes = %q, %v, want "yes", %v`, got, st, ntstatus.Success)
	}
	for _, c := range []struct{ info, want string }{{"", ""}, {"1234", "1234"}, {"12345", "1234"}} {
		x := p.connect(c.info)
		check.Equal(t, x.HeapSize(), p.port.HeapSize()+len(c.want), "Q-2: bytes charged")
		if m, st := p.port.Listen(); st != ntstatus.Success || string(m.Data) != c.want {
			t.Errorf("connection information of %q = %q, %v, want %q", c.info, m.Data, st, c.want)
		}
		closeAll(x)
	}
}

// TestRefusedConnectKeepsNothing checks that a connection is rejected if the port is closed or full, or if the client
// cannot be captured, and that the port then keeps nothing of the client (I-80, I-88, O-82).
func TestRefusedConnectKeepsNothing(t *testing.T) {
	p := newPair(t, 0)
	refused := func(what string, st ntstatus.Status, rule string) {
		t.Helper()
		before, _, _ := p.Sys.Security.Objects.Counts()
		now := p.port.Changed()
		f, out := p.port.Connect(p.client, static, nil)
		after, _, _ := p.Sys.Security.Objects.Counts()
		if f != nil || out.Status != st || out.Rule != rule || before != after || bare.Closed(now) {
			t.Errorf("%s: port %v, %+v, %d more objects, change signalled %v, want no port, no object and no change",
				what, f, out, after-before, bare.Closed(now))
		}
	}
	p.As(p.client, otherUser, winnt.SecurityIdentification)
	refused("a client that only identifies itself", ntstatus.BadImpersonationLevel, "I-80")
	p.client.RevertToSelf()
	var all []*lpc.Port
	for range 256 {
		all = append(all, p.connect(""))
	}
	refused("client 257", ntstatus.InsufficientResources, "O-82")
	expect(t, "listen", func() ntstatus.Status { _, st := p.port.Listen(); return st }(), ntstatus.Success)
	all = append(all, p.connect("")) // a client that Listen returned does not count as waiting
	refused("client 258", ntstatus.InsufficientResources, "O-82")
	p.port.Ref(ob.TagCall)
	closeAll(p.port)
	refused("a closed port", ntstatus.ObjectNameNotFound, "O-82")
	p.port.Deref(ob.TagCall)
	for i, f := range all { // including the client that Listen returned
		check.Equal(t, check.Status(f.Connected()), ntstatus.PortConnectionRefused, "client %d", i)
	}
	closeAll(all...)
}

// A later change of the sender's buffer does not change a request or a reply.
func TestMessagesAreCopied(t *testing.T) {
	p := newPair(t, 4)
	client, server := p.connected()
	defer closeAll(p.port, client, server)
	data := []byte("1234")
	id := check.Result(client.Request(p.client, data))
	data[0] = 'X'
	m, st := server.Receive()
	if expect(t, "receive", st, ntstatus.Success); string(m.Data) != "1234" || m.ID != id || m.Client != idOf(p.client) ||
		m.Connecting || m.Closed || m.Context != 0 {
		t.Errorf("received %+v, want the unchanged request", m)
	}
	reply := []byte("4321")
	expect(t, "reply", server.Reply(quota.Payer{}, m.Client, id, reply), ntstatus.Success)
	reply[0] = 'X'
	if got, st := client.Answer(p.client, id); st != ntstatus.Success || !bytes.Equal(got, []byte("4321")) {
		t.Errorf("reply = %q, %v, want %q, %v", got, st, []byte("4321"), ntstatus.Success)
	}
}
