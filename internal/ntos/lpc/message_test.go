package lpc_test

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/lpc"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestReplyReachesItsRequester checks that requests are received once and in order, that each has its own id, and
// that each reply reaches the one thread that waits for it (I-88).
func TestReplyReachesItsRequester(t *testing.T) {
	p := newPair(t, 0)
	client, server := p.connected()
	defer closeAll(p.port, client, server)
	ask := func(th *ps.Thread, text string, id uint32) {
		t.Helper()
		if got, st := client.Request(th, []byte(text)); st != ntstatus.Success || got != id {
			t.Errorf("request %s: message id %d, %v, want %d", text, got, st, id)
		}
	}
	references := func(what string, one, two int64) {
		t.Helper()
		if a, b := p.client.PointerCount(), p.second.PointerCount(); a != one || b != two {
			t.Errorf("%s: threads have %d and %d references, want %d and %d", what, a, b, one, two)
		}
	}
	one, two := p.client.PointerCount(), p.second.PointerCount()
	ask(p.client, "a", 1)
	ask(p.second, "b", 2)
	ask(p.client, "c", 3)
	references("asked", one+2, two+1)
	for i, text := range []string{"a", "b", "c"} {
		m, st := server.Receive()
		if expect(t, text, st, ntstatus.Success); string(m.Data) != text || m.ID != uint32(i+1) {
			t.Errorf("received %+v, want %q", m, text)
		}
	}
	expect(t, "none is left", check.Status(server.Receive()), ntstatus.Timeout)
	reply := func(what string, who nt.ClientID, id uint32, text string, st ntstatus.Status) {
		t.Helper()
		expect(t, what, server.Reply(p.server.Payer(), who, id, []byte(text)), st)
	}
	elsewhere := nt.ClientID{UniqueProcess: p.server.Process().ID(), UniqueThread: p.client.ID()}
	reply("the other thread", idOf(p.second), 1, "x", ntstatus.ReplyMessageMismatch)
	reply("another process", elsewhere, 1, "x", ntstatus.ReplyMessageMismatch)
	reply("no message", idOf(p.client), 4, "x", ntstatus.ReplyMessageMismatch)
	reply("the third", idOf(p.client), 3, "C", ntstatus.Success)
	reply("the second", idOf(p.second), 2, "B", ntstatus.Success)
	answer := func(what string, th *ps.Thread, id uint32, text string, st ntstatus.Status) {
		t.Helper()
		if got, s := client.Answer(th, id); s != st || string(got) != text {
			t.Errorf("Answer for %s = %q, %v, want %q, %v", what, got, s, text, st)
		}
	}
	answer("not yet", p.client, 1, "", ntstatus.Pending)
	answer("another's that is not there yet", p.second, 1, "", ntstatus.ReplyMessageMismatch)
	answer("another's", p.client, 2, "", ntstatus.ReplyMessageMismatch)
	references("replied", one+2, two+1)
	answer("the second", p.second, 2, "B", ntstatus.Success)
	answer("the third", p.client, 3, "C", ntstatus.Success)
	references("answered", one+1, two)
	answer("the third again", p.client, 3, "", ntstatus.ReplyMessageMismatch)
	ask(p.client, "d", 4)
	references("asked again", one+2, two)
	server.Ref(ob.TagCall)
	closeAll(server)
	references("closed", one, two)
	answer("after the end", p.client, 1, "", ntstatus.PortDisconnected)
	answer("nothing after the end", p.client, 9, "", ntstatus.PortDisconnected)
	reply("after the end", idOf(p.client), 1, "", ntstatus.PortDisconnected)
	reply("to none after the end", idOf(p.client), 9, "", ntstatus.PortDisconnected)
	expect(t, "receive after the end", check.Status(server.Receive()), ntstatus.PortDisconnected)
	server.HoldOpen()
	server.Deref(ob.TagCall)
}

// TestReplyDropsUnreceivedRequest checks that a request which gets its reply before anyone received it is not received
// later: it is no longer charged to its sender.
func TestReplyDropsUnreceivedRequest(t *testing.T) {
	p := newPair(t, 0)
	client, server := p.connected()
	defer closeAll(p.port, client, server)
	kept, st := client.Request(p.second, []byte("kept"))
	expect(t, "request", st, ntstatus.Success)
	for range 2 {
		id, st := client.Request(p.client, []byte("gone"))
		expect(t, "request", st, ntstatus.Success)
		expect(t, "reply", server.Reply(p.server.Payer(), idOf(p.client), id, nil), ntstatus.Success)
		expect(t, "answer", check.Status(client.Answer(p.client, id)), ntstatus.Success)
	}
	m, st := server.Receive()
	check.That(t, st == ntstatus.Success && m.ID == kept, "received %+v, %v, want request %d", m, st, kept)
	expect(t, "none is left", check.Status(server.Receive()), ntstatus.Timeout)
}

// A client can have 256 requests, received or not. Taking an answer frees a place. A closed end is reported before a
// full queue (I-88).
func TestClientHas256Requests(t *testing.T) {
	p := newPair(t, 0)
	client, server := p.connected()
	for range 256 {
		check.Success(t, check.Status(client.Request(p.client, nil)))
	}
	more := func(what string, st ntstatus.Status) {
		t.Helper()
		id, got := client.Request(p.client, nil)
		if expect(t, what, got, st); (id != 0) != (st == ntstatus.Success) {
			t.Errorf("request %s: message id %d, want an id only on success", what, id)
		}
	}
	more("request 257", ntstatus.InsufficientResources)
	expect(t, "receive", check.Status(server.Receive()), ntstatus.Success)
	more("one was received", ntstatus.InsufficientResources)
	expect(t, "reply", server.Reply(quota.Payer{}, idOf(p.client), 1, nil), ntstatus.Success)
	more("one has a reply", ntstatus.InsufficientResources)
	expect(t, "answer", check.Status(client.Answer(p.client, 1)), ntstatus.Success)
	more("one was answered", ntstatus.Success)
	more("and another", ntstatus.InsufficientResources)
	closeAll(server)
	more("the server is gone", ntstatus.PortDisconnected)
	closeAll(client, p.port)
}

// TestPortTrackingSelectsImpersonatedThread checks that with static tracking the server impersonates the client that
// connected, and with dynamic tracking the waiting thread. Neither leaves a reference (I-88, I-81).
func TestPortTrackingSelectsImpersonatedThread(t *testing.T) {
	for _, c := range []struct {
		name     string
		tracking bool
		want     string
	}{{"static", winnt.SECURITY_STATIC_TRACKING, clientUser}, {"dynamic", winnt.SECURITY_DYNAMIC_TRACKING, otherUser}} {
		t.Run(c.name, func(t *testing.T) {
			p := newPair(t, 0)
			q := static
			q.ContextTrackingMode = c.tracking
			f, out := p.port.Connect(p.client, q, nil)
			expect(t, "connect", out.Status, ntstatus.Success)
			client, server := p.world.port(f), p.world.port(p.port.Accept(p.server.Process()))
			defer closeAll(p.port, client, server)
			id := check.Result(client.Request(p.second, nil))
			p.As(p.second, otherUser, winnt.SecurityImpersonation)
			before := p.second.PointerCount()
			refused := func(what string, who nt.ClientID, id uint32, st ntstatus.Status) {
				t.Helper()
				out := server.Impersonate(p.server, who, id)
				if r := p.server.Subject(); out.Status != st || out.Rule != "I-88" || r.Client != nil {
					t.Errorf("%s: %+v, thread then impersonates %v, want %v by rule I-88 and no client",
						what, out, r.Client, st)
				}
			}
			refused("the thread that connected", idOf(p.client), id, ntstatus.ReplyMessageMismatch)
			refused("another message", idOf(p.second), id+1, ntstatus.ReplyMessageMismatch)
			out = server.Impersonate(p.server, idOf(p.second), id)
			expect(t, "impersonate", out.Status, ntstatus.Success)
			if s := p.server.Subject(); s.Client == nil || s.Client.User().SID.String() != c.want ||
				s.Level != winnt.SecurityImpersonation {
				t.Errorf("server impersonates %v at %v, want %s at SecurityImpersonation", s.Client, s.Level, c.want)
			}
			if p.second.PointerCount() != before || p.client.Subject().Client != nil {
				t.Errorf("%d more references to the client thread, which impersonates %v, want 0 and no client",
					p.second.PointerCount()-before, p.client.Subject().Client)
			}
			p.server.RevertToSelf()
			expect(t, "reply", server.Reply(quota.Payer{}, idOf(p.second), id, nil), ntstatus.Success)
			refused("after the reply", idOf(p.second), id, ntstatus.ReplyMessageMismatch)
			client.Ref(ob.TagCall)
			closeAll(client)
			refused("after the end", idOf(p.second), id, ntstatus.PortDisconnected)
			client.HoldOpen()
			client.Deref(ob.TagCall)
		})
	}
}

// Messages come in the order in which Listen returned their clients, after all requests to connect. A reply goes to
// the waiting client (I-88).
func TestConnectionPortReceivesInOrder(t *testing.T) {
	p := newPair(t, 0)
	var clients, servers []*lpc.Port
	for i := range 12 {
		f := p.connect("")
		m := check.Result(p.port.Listen())
		e := check.Result(p.port.AcceptMessage(p.server.Process(), m.Client, m.ID, false, uint64(i+100), nil))
		expect(t, "complete", p.world.port(e).Complete(), ntstatus.Success)
		clients, servers = append(clients, f), append(servers, e)
	}
	for i := len(clients) - 1; i >= 0; i-- {
		if i != 3 {
			expect(t, "request", check.Status(clients[i].Request(p.client, []byte{byte(i)})), ntstatus.Success)
		}
	}
	last := p.connect("last")
	m, st := p.port.Receive()
	if expect(t, "connects", st, ntstatus.Success); !m.Connecting || string(m.Data) != "last" {
		t.Errorf(`first message = %+v, want the connecting client "last"`, m)
	}
	closeAll(clients[5]) // this also removes its request
	for i := range clients {
		switch i {
		case 3:
			continue
		case 5:
			m, st = p.port.Receive()
			if expect(t, "the end", st, ntstatus.Success); !m.Closed || m.Context != 105 {
				t.Errorf("message of client 5 = %+v, want its end with context 105", m)
			}
			continue
		}
		m, st = p.port.Receive()
		if expect(t, "receive", st, ntstatus.Success); m.Context != uint64(i+100) || m.Data[0] != byte(i) || m.Closed ||
			m.ID != 1 || m.Client != idOf(p.client) {
			t.Errorf("message of client %d = %+v, want its request with id 1", i, m)
		}
	}
	// Several clients wait for the reply to their first message. The oldest client gets the first reply.
	expect(t, "reply", p.port.Reply(quota.Payer{}, idOf(p.client), 1, []byte("0")), ntstatus.Success)
	expect(t, "reply", p.port.Reply(quota.Payer{}, idOf(p.client), 1, []byte("1")), ntstatus.Success)
	for i := range 2 {
		if got, st := clients[i].Answer(p.client, 1); st != ntstatus.Success || string(got) != string('0'+rune(i)) {
			t.Errorf("reply to client %d = %q, %v, want its own number", i, got, st)
		}
	}
	expect(t, "reply to none", p.port.Reply(quota.Payer{}, idOf(p.client), 2, nil), ntstatus.ReplyMessageMismatch)
	closeAll(clients[:5]...)
	closeAll(clients[6:]...)
	closeAll(servers...)
	closeAll(last, p.port)
}
