package lpc_test

import (
	"github.com/refmon/refmon/internal/quota"
	"testing"

	"github.com/refmon/refmon/internal/ntos/lpc"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/test/bare"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
)

// Each change wakes the threads whose wait it may end, and no others. A port is changed by its clients, and the two
// ends of a connection by each other.
func TestPortChangeWakesItsWaiters(t *testing.T) {
	p := newPair(t, 0)
	s := p.server.Process()
	var client, server *lpc.Port
	var m lpc.Message
	var id uint32
	steps := []struct {
		name       string
		do         func() ntstatus.Status
		want       ntstatus.Status
		port, ends bool // who is woken
	}{
		{"connect", func() ntstatus.Status { client = p.connect("x"); return 0 }, 0, true, false},
		{"listen", func() (st ntstatus.Status) { m, st = p.port.Listen(); return st }, 0, false, false},
		{"accept", func() (st ntstatus.Status) {
			server, st = p.port.AcceptMessage(s, m.Client, m.ID, false, 7, nil)
			return st
		}, 0, false, true},
		{"complete", func() ntstatus.Status { return p.world.port(server).Complete() }, 0, false, true},
		{"complete again", func() ntstatus.Status { return server.Complete() }, ntstatus.InvalidParameter, false, false},
		{"request", func() (st ntstatus.Status) { id, st = client.Request(p.client, nil); return st }, 0, true, true},
		{"answer to another client", func() ntstatus.Status { _, st := client.Answer(p.second, id); return st },
			ntstatus.ReplyMessageMismatch, false, false},
		{"receive", func() ntstatus.Status { _, st := server.Receive(); return st }, 0, false, false},
		{"reply to another", func() ntstatus.Status { return server.Reply(quota.Payer{}, idOf(p.second), id, nil) },
			ntstatus.ReplyMessageMismatch, false, false},
		{"reply", func() ntstatus.Status { return server.Reply(quota.Payer{}, idOf(p.client), id, nil) }, 0, false, true},
		{"reply again", func() ntstatus.Status { return server.Reply(quota.Payer{}, idOf(p.client), id, nil) },
			ntstatus.ReplyMessageMismatch, false, false},
		{"answer", func() ntstatus.Status { _, st := client.Answer(p.client, id); return st }, 0, false, false},
		{"close", func() ntstatus.Status { client.Ref(ob.TagCall); closeAll(client); return 0 }, 0, true, true},
		{"request without a connection", func() ntstatus.Status { _, st := client.Request(p.client, nil); return st },
			ntstatus.PortDisconnected, true, false},
	}
	for _, c := range steps {
		port := p.port.Changed()
		var ends []<-chan struct{}
		for _, e := range []*lpc.Port{client, server} {
			if e != nil {
				ends = append(ends, e.Changed())
			}
		}
		expect(t, c.name, c.do(), c.want)
		check.Equal(t, bare.Closed(port), c.port, "%s: port signalled", c.name)
		for i, e := range ends {
			check.Equal(t, bare.Closed(e), c.ends, "%s: end %d signalled", c.name, i)
		}
		check.RequireThat(t, !bare.Closed(p.port.Changed()) && (client == nil || !bare.Closed(client.Changed())),
			"%s: a new waiter was woken by an earlier change, want it to wait", c.name)
	}
	client.Deref(ob.TagCall)
	closeAll(server, p.port)
}

// TestAcceptTakesOldestClient checks that without a message the oldest client is accepted and its connection
// completes immediately. With a message that client is accepted, once. Each state change is reported once (I-88).
func TestAcceptTakesOldestClient(t *testing.T) {
	p := newPair(t, 0)
	s := p.server.Process()
	first, second, third := p.connect("1"), p.connect("2"), p.connect("3")
	changed := first.Changed()
	e1 := p.world.port(p.port.Accept(s))
	check.That(t, bare.Closed(changed), "Accept does not wake the client")
	status := func(what string, f *lpc.Port, st ntstatus.Status) {
		t.Helper()
		_, got := f.Connected()
		expect(t, what, got, st)
	}
	status("the oldest", first, ntstatus.Success)
	status("the next", second, ntstatus.Pending)
	expect(t, "complete a complete client", e1.Complete(), ntstatus.InvalidParameter)
	check.Success(t, check.Status(first.Request(p.client, nil)))
	// Receive also returns requests to connect, but not those of clients that were accepted without a message.
	m, st := p.port.Receive()
	if expect(t, "receive", st, ntstatus.Success); m.ID != 2 || !m.Connecting || string(m.Data) != "2" {
		t.Fatalf("received %+v, want message 2 of a connecting client", m)
	}
	accept := func(what string, id uint32, who bool, refuse bool, st ntstatus.Status) *lpc.Port {
		t.Helper()
		client := idOf(p.client)
		if !who {
			client = idOf(p.second)
		}
		e, got := p.port.AcceptMessage(s, client, id, refuse, 7, nil)
		if expect(t, what, got, st); (e != nil) != (st == ntstatus.Success && !refuse) {
			t.Errorf("%s: AcceptMessage returned port %v, want a port only for an accepted client", what, e)
		}
		return e
	}
	accept("a client that was not received", 3, true, false, ntstatus.ReplyMessageMismatch)
	accept("a client that was accepted without a message", 1, true, false, ntstatus.ReplyMessageMismatch)
	accept("the message of another client", 2, false, false, ntstatus.ReplyMessageMismatch)
	status("after the failed accepts", second, ntstatus.Pending)
	e2 := p.world.port(accept("the message", 2, true, false, ntstatus.Success))
	status("accepted", second, ntstatus.Pending)
	accept("the message again", 2, true, false, ntstatus.ReplyMessageMismatch)
	accept("refuse after all", 2, true, true, ntstatus.ReplyMessageMismatch)
	expect(t, "complete", e2.Complete(), ntstatus.Success)
	status("complete", second, ntstatus.Success)
	check.Success(t, check.Status(p.port.Listen()))
	accept("refuse", 3, true, true, ntstatus.Success)
	status("refused", third, ntstatus.PortConnectionRefused)
	accept("a refused client", 3, true, false, ntstatus.ReplyMessageMismatch)
	if e := p.port.Accept(s); e != nil {
		t.Errorf("Accept = %v although no client waits, want nil", e)
	}
	closeAll(first)
	if m, st := p.port.Receive(); st != ntstatus.Timeout {
		t.Errorf("Receive after accepting without a message = %+v, %v, want %v", m, st, ntstatus.Timeout)
	}
	closeAll(second)
	accept("a client that was accepted and has closed its port", 2, true, false, ntstatus.ReplyMessageMismatch)
	closeAll(third, e1, e2)
	if m, st := p.port.Receive(); st != ntstatus.Timeout {
		t.Errorf("Receive after the ends of the connections were closed = %+v, %v, want %v", m, st, ntstatus.Timeout)
	}
	closeAll(p.port)
}

// Closing the connection port refuses the waiting clients, whether Listen returned them or not. It does not affect
// connections that exist or are accepted (I-88).
func TestClosedPortRefusesWaitingClients(t *testing.T) {
	p := newPair(t, 0)
	s := p.server.Process()
	client, server := p.connected()
	accepted := p.connect("accepted")
	m := check.Result(p.port.Listen())
	e := check.Result(p.port.AcceptMessage(s, m.Client, m.ID, false, 0, nil))
	p.world.port(e)
	listened, waits := p.connect("listened"), p.connect("waits")
	m = check.Result(p.port.Listen())
	p.port.Ref(ob.TagCall)
	now := waits.Changed()
	closeAll(p.port)
	for name, c := range map[string]struct {
		port *lpc.Port
		want ntstatus.Status
	}{"complete": {client, ntstatus.Success}, "received by Listen": {listened, ntstatus.PortConnectionRefused},
		"waiting": {waits, ntstatus.PortConnectionRefused}} {
		expect(t, name, check.Status(c.port.Connected()), c.want)
	}
	check.That(t, bare.Closed(now), "closing the port woke no waiter, want it woken")
	check.Equal(t, check.Status(p.port.Listen()), ntstatus.Timeout, "Listen on a closed port")
	check.Equal(t, check.Status(p.port.AcceptMessage(s, m.Client, m.ID, false, 0, nil)), ntstatus.ReplyMessageMismatch,
		"AcceptMessage on a closed port")
	id := check.Result(client.Request(p.client, nil))
	expect(t, "reply", server.Reply(quota.Payer{}, idOf(p.client), id, nil), ntstatus.Success)
	p.port.Deref(ob.TagCall)
	closeAll(client, server, accepted, listened, waits, e)
}

// Closing a server's end does not wake the connection port; closing a client's end does (I-88).
func TestClosedServerEndKeepsPort(t *testing.T) {
	p := newPair(t, 0)
	for _, c := range []struct {
		name             string
		server, accepted bool // accepted but not completed: the client still waits
		want             ntstatus.Status
	}{{"the server's", true, false, ntstatus.Timeout}, {"the server's before it is complete", true, true,
		ntstatus.Timeout}, {"the client's", false, false, ntstatus.Success}} {
		client := p.connect("")
		m, st := p.port.Listen()
		expect(t, "listen", st, ntstatus.Success)
		e := check.Result(p.port.AcceptMessage(p.server.Process(), m.Client, m.ID, false, 9, nil))
		if p.world.port(e); !c.accepted {
			expect(t, "complete", e.Complete(), ntstatus.Success)
		}
		first, second := e, client
		if !c.server {
			first, second = client, e
		}
		closeAll(first)
		m, st = p.port.Receive()
		expect(t, c.name, st, c.want)
		state := ntstatus.Success // also after the end
		if c.accepted {
			state = ntstatus.PortConnectionRefused
		}
		expect(t, c.name+": the connection", check.Status(client.Connected()), state)
		check.That(t, st != ntstatus.Success || m.Closed && !m.Connecting && m.Context == 9 &&
			m.Client == idOf(p.client) && m.ID == 0 && m.Data == nil,
			"%s: received %+v, want the end of the client with context 9", c.name, m)
		expect(t, c.name+" again", check.Status(p.port.Receive()), ntstatus.Timeout)
		closeAll(second)
	}
	var ends []*lpc.Port
	for range lpc.MaxPending + 1 { // no end of an accepted client is lost
		client := p.connect("")
		m := check.Result(p.port.Listen())
		e := check.Result(p.port.AcceptMessage(p.server.Process(), m.Client, m.ID, false, 9, nil))
		ends = append(ends, p.world.port(e))
		closeAll(client)
	}
	for i := range ends {
		m, st := p.port.Receive()
		check.That(t, st == ntstatus.Success && m.Closed, "end %d of %d clients: %+v, %v", i, len(ends), m, st)
	}
	closeAll(append(ends, p.port)...)
}

// A client that leaves before the server answers it leaves no bytes uncharged: its request is withdrawn, and what the
// server has received of it is bounded. So is a client whose handle could not be made. The server's answer is charged
// until the client has closed, and is no longer than a message.
func TestClosedClientsLeaveNoCharge(t *testing.T) {
	p := newPair(t, 1000)
	s := p.server.Process()
	b := quota.NewBlock(nil, 1<<20, false)
	s.SetQuota(b)
	before, _, _ := p.Sys.Security.Objects.Counts()
	unopened, out := p.port.Connect(p.client, static, []byte("unopened"))
	check.Success(t, out.Status)
	unopened.Init(lpc.PortType, unopened, nil)
	unopened.Deref(ob.TagCall)
	for range 300 { // more than may wait
		closeAll(p.connect("gone"))
	}
	check.Equal(t, check.Status(p.port.Listen()), ntstatus.Timeout, "Listen after the clients have gone")
	var first lpc.Message
	for i := range 300 {
		f := p.connect("received")
		m := check.Result(p.port.Listen())
		if i == 0 {
			first = m
		}
		closeAll(f)
	}
	check.Equal(t, check.Status(p.port.AcceptMessage(s, first.Client, first.ID, false, 0, nil)),
		ntstatus.ReplyMessageMismatch, "accept the first of 300 clients that have gone")
	last := first.ID + 299
	check.Equal(t, check.Status(p.port.AcceptMessage(s, first.Client, last, false, 0, []byte("late"))),
		ntstatus.PortConnectionRefused, "accept the last")
	after, _, _ := p.Sys.Security.Objects.Counts()
	check.That(t, before == after && b.Used() == 0, "%d objects and %d bytes remain, want %d and 0", after, b.Used(),
		before)
	f := p.connect("")
	m := check.Result(p.port.Listen())
	e := p.world.port(check.Result(p.port.AcceptMessage(s, m.Client, m.ID, false, 0, make([]byte, 5000))))
	check.Success(t, e.Complete())
	closeAll(e)
	answer, _ := f.Connected()
	check.That(t, len(answer) == 1000 && b.Used() == 1000, "answer of %d bytes, %d charged, want 1000", len(answer),
		b.Used())
	closeAll(f)
	check.Equal(t, b.Used(), 0, "bytes charged after the client has gone")
	f = p.connect("")
	m = check.Result(p.port.Listen())
	s.SetQuota(quota.NewBlock(nil, 9, false))
	check.Equal(t, check.Status(p.port.AcceptMessage(s, m.Client, m.ID, true, 0, make([]byte, 10))),
		ntstatus.QuotaExceeded, "Q-2: an answer beyond the quota")
	closeAll(f, p.port)
}
