package npfs_test

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/internal/test/bare"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// The server disconnects while the client's end is being opened. The instance keeps nothing of the client and accepts
// the next one (I-134).
func TestDisconnectDuringOpenFreesInstance(t *testing.T) {
	for _, q := range []*nt.SecurityQualityOfService{&static, &dynamic} {
		s := newSite(t)
		e := s.newServerEnd(npfs.Config{})
		var late, next *npfs.End
		out := s.connectWith(q, func(x *npfs.End) ntstatus.Status {
			late = x
			s.world.open(x)
			_, again := s.connect(nil)
			want(t, "a second client", again.Status, ntstatus.PipeNotAvailable)
			want(t, "the server has none", e.Listen(), ntstatus.PipeListening)
			want(t, "disconnect", e.Disconnect(), ntstatus.Success)
			want(t, "listen", e.Listen(), ntstatus.PipeListening)
			next = s.connected()
			return ntstatus.Success
		})
		want(t, "connect", out.Status, ntstatus.Success)
		check.That(t, late.Detached() && !next.Detached(), "first client disconnected: %t, next client: %t",
			late.Detached(), next.Detached())
		want(t, "write", send(next, s.second, []byte("a")), ntstatus.Success)
		want(t, "write", send(late, s.client, []byte("b")), ntstatus.PipeDisconnected)
		s.wantRead(e, 9, "a", ntstatus.Success)
		closeAll(late)
		want(t, "the next is there", e.Listen(), ntstatus.PipeConnected)
		closeAll(next, e)
	}
}

// TestServerEndsDuringConnectKeepsNoContext checks that nothing of a static client stays if the server disconnects or
// closes its end while the client's context is captured, and the client's handle then cannot be created (I-4, I-134).
func TestServerEndsDuringConnectKeepsNoContext(t *testing.T) {
	for name, do := range map[string]func(*npfs.End){"disconnect": func(e *npfs.End) { e.Disconnect() },
		"close": func(e *npfs.End) { e.DropOpen() }} {
		s := newSite(t)
		e := s.newServerEnd(npfs.Config{})
		s.Sys.Faults = func(string) bool { s.Sys.Faults = nil; do(e); return false }
		out := s.connectWith(&static, func(*npfs.End) ntstatus.Status { return ntstatus.InsufficientResources })
		want(t, name, out.Status, ntstatus.InsufficientResources)
		if name == "disconnect" {
			closeAll(e)
		}
	}
}

// Another thread of the client's process writes through the new handle before the client is connected. The server
// impersonates the client for that message (I-85).
func TestWriteDuringOpenHasItsContext(t *testing.T) {
	for _, q := range []*nt.SecurityQualityOfService{&static, &dynamic} {
		s := newSite(t)
		e := s.newServerEnd(npfs.Config{})
		var client *npfs.End
		out := s.connectWith(q, func(x *npfs.End) ntstatus.Status {
			client = x
			s.world.open(x)
			want(t, "write", send(x, s.client, []byte("a")), ntstatus.Success)
			s.wantRead(e, 9, "a", ntstatus.Success)
			want(t, "impersonate", e.Impersonate(s.server).Status, ntstatus.Success)
			check.That(t, s.server.IsImpersonating(), "dynamic tracking %t: the server does not impersonate",
				q.ContextTrackingMode)
			return ntstatus.Success
		})
		want(t, "connect", out.Status, ntstatus.Success)
		closeAll(client, e)
	}
}

// Another thread of the client's process closes the new handle before the client is connected. What the server wrote
// for it is returned to the server's quota with the instance.
func TestCloseDuringOpenReturnsCharges(t *testing.T) {
	s := newSite(t)
	paid := quota.NewBlock(nil, 1<<20, false)
	s.server.Process().SetQuota(paid)
	e := s.newServerEnd(npfs.Config{})
	a := &asks{site: s}
	a.begin(e, npfs.OpListen, "listen", 0, "", ntstatus.Pending)
	out := s.connectWith(&static, func(x *npfs.End) ntstatus.Status {
		s.world.open(x)
		want(t, "write", send(e, s.server, []byte("welcome")), ntstatus.Success)
		closeAll(x)
		return ntstatus.Success
	})
	want(t, "connect", out.Status, ntstatus.Success)
	a.end("a client was there", "listen: STATUS_SUCCESS 0 ")
	s.wantRead(e, 1, "", ntstatus.PipeBroken)
	s.server.Process().SetQuota(quota.NewBlock(nil, 1, false))
	want(t, "write without quota", send(e, s.server, nil), ntstatus.QuotaExceeded)
	closeAll(e)
	check.Equal(t, paid.Used(), 0, "bytes charged at the end")
}

// A client whose access to a pipe was checked does not get another pipe that has taken the name since (I-130).
func TestClientDoesNotGetPipeThatTookTheName(t *testing.T) {
	s := newSite(t)
	first := s.newServerEnd(npfs.Config{})
	checked := s.fs.Find("p")
	closeAll(first)
	next := s.newServerEnd(npfs.Config{})
	opened := false
	out := s.fs.Connect(checked, s.client, nil, func(*npfs.End) ntstatus.Status { opened = true; return 0 })
	check.That(t, out.Status == ntstatus.ObjectNameNotFound && !opened, "connect: %v, opened %t, want %v", out.Status,
		opened, ntstatus.ObjectNameNotFound)
	checked.Deref(ob.TagCall)
	own := s.fs.Find("P")
	var client *npfs.End
	out = s.fs.Connect(own, s.client, nil, func(e *npfs.End) ntstatus.Status { client = e; s.world.open(e); return 0 })
	want(t, "connect to the pipe that has the name", out.Status, ntstatus.Success)
	own.Deref(ob.TagCall)
	closeAll(client, next)
}

// The server disconnects a client whose handle then cannot be created. The next client of the instance stays
// connected (I-134).
func TestLateRefusalReleasesInstance(t *testing.T) {
	s := newSite(t)
	e := s.newServerEnd(npfs.Config{})
	var next *npfs.End
	out := s.connectWith(&static, func(*npfs.End) ntstatus.Status {
		want(t, "disconnect", e.Disconnect(), ntstatus.Success)
		want(t, "listen", e.Listen(), ntstatus.PipeListening)
		next = s.connected()
		return ntstatus.InsufficientResources
	})
	want(t, "connect", out.Status, ntstatus.InsufficientResources)
	want(t, "the next is there", e.Listen(), ntstatus.PipeConnected)
	_, out = s.connect(nil)
	want(t, "the instance is not free", out.Status, ntstatus.PipeNotAvailable)
	closeAll(next, e)
}

// TestClientGetsFirstListeningInstance checks that a client gets the first listening instance, whatever the state of
// earlier ones. The end has the descriptor of the pipe's name (I-85).
func TestClientGetsFirstListeningInstance(t *testing.T) {
	s := newSite(t)
	a, b, c := s.newServerEnd(npfs.Config{}), s.newServerEnd(npfs.Config{}), s.newServerEnd(npfs.Config{})
	one, two := s.connected(), s.connected()
	want(t, "the first", a.Listen(), ntstatus.PipeConnected)
	want(t, "the second", b.Listen(), ntstatus.PipeConnected)
	want(t, "the third", c.Listen(), ntstatus.PipeListening)
	want(t, "disconnect", a.Disconnect(), ntstatus.Success)
	three := s.connected()
	want(t, "a disconnected one is not free", a.Listen(), ntstatus.PipeListening)
	want(t, "the third", c.Listen(), ntstatus.PipeConnected)
	four := s.connected()
	want(t, "the first again", a.Listen(), ntstatus.PipeConnected)
	_, out := s.connect(nil)
	check.That(t, out.Status == ntstatus.PipeNotAvailable && out.Rule == "I-85",
		"connecting without a free instance: %+v, want %v by rule I-85", out, ntstatus.PipeNotAvailable)
	for _, x := range []*npfs.End{one, two, three, four} {
		check.That(t, !x.IsServer() && x.Security() == a.Security() && a.IsServer(),
			"want the client's end, with the descriptor of the pipe's name")
	}
	closeAll(one, two, three, four, a, b, c)
}

// Servers that wait for a client get one before the others, the longest wait first. A second call does not begin a
// new wait (I-156).
func TestClientsGoToWaitingServersFirst(t *testing.T) {
	a := &asks{site: newSite(t)}
	one, two, three := a.newServerEnd(npfs.Config{}), a.newServerEnd(npfs.Config{}), a.newServerEnd(npfs.Config{})
	a.begin(three, npfs.OpListen, "third", 0, "", pending)
	a.begin(two, npfs.OpListen, "second", 0, "", pending)
	want(t, "listen again", three.Listen(), ntstatus.PipeListening)
	c := a.connected()
	a.end("the longest wait", "third: STATUS_SUCCESS 0 ")
	d := a.connected()
	a.end("the other wait", "second: STATUS_SUCCESS 0 ")
	closeAll(c, d, one, two, three)
	one, two = a.newServerEnd(npfs.Config{}), a.newServerEnd(npfs.Config{})
	want(t, "first wait", one.Listen(), ntstatus.PipeListening)
	want(t, "second wait", two.Listen(), ntstatus.PipeListening)
	out := a.connectWith(nil, func(*npfs.End) ntstatus.Status {
		want(t, "disconnect during the open", one.Disconnect(), ntstatus.Success)
		want(t, "new wait", one.Listen(), ntstatus.PipeListening)
		return ntstatus.InsufficientResources
	})
	want(t, "connect", out.Status, ntstatus.InsufficientResources)
	c = a.connected()
	want(t, "the longest wait", two.Listen(), ntstatus.PipeConnected)
	want(t, "the new wait", one.Listen(), ntstatus.PipeListening)
	closeAll(c, one, two)
}

// TestMissingClientHasReason checks that each rejection names its rule and its reason (I-85).
func TestMissingClientHasReason(t *testing.T) {
	s := newSite(t)
	e := s.newServerEnd(npfs.Config{})
	because := map[string]bool{}
	refused := func(x *npfs.End, st ntstatus.Status) {
		t.Helper()
		out := x.Impersonate(s.server)
		check.That(t, out.Status == st && out.Rule == "I-85" && out.Because != "" && !because[out.Because],
			"impersonation: %+v, want %v, rule I-85 and a reason that no other case has", out, st)
		because[out.Because] = true
	}
	refused(e, ntstatus.PipeListening)
	c := s.connected()
	refused(c, ntstatus.IllegalFunction)
	refused(e, ntstatus.CannotImpersonate)
	want(t, "disconnect", e.Disconnect(), ntstatus.Success)
	refused(e, ntstatus.InvalidPipeState)
	closeAll(c, e)
}

// Waiting threads at either end are woken by changes that may end their wait.
func TestPipeChangeWakesItsWaiters(t *testing.T) {
	s := newSite(t)
	e := s.newServerEnd(npfs.Config{Inbound: 1})
	var c *npfs.End
	for _, x := range []struct {
		name    string
		do      func() ntstatus.Status
		want    ntstatus.Status
		changed bool
	}{
		{"connect", func() ntstatus.Status { c = s.connected(); return 0 }, 0, true},
		{"read nothing", func() ntstatus.Status { _, st := e.Read(1); return st }, ntstatus.PipeEmpty, false},
		{"write", func() ntstatus.Status { return send(c, s.client, []byte("a")) }, 0, true},
		{"no room", func() ntstatus.Status { return send(c, s.client, []byte("b")) }, ntstatus.PipeBusy, false},
		{"peek", func() ntstatus.Status { _, st := e.Peek(1); return st }, 0, false},
		{"read", func() ntstatus.Status { _, st := e.Read(1); return st }, 0, true},
		{"the client disconnects", func() ntstatus.Status { return c.Disconnect() }, ntstatus.IllegalFunction, false},
		{"close", func() ntstatus.Status { closeAll(c); return 0 }, 0, true},
		{"disconnect", func() ntstatus.Status { return e.Disconnect() }, 0, true},
		{"disconnect again", func() ntstatus.Status { return e.Disconnect() }, ntstatus.PipeDisconnected, false},
	} {
		changed := e.Changed()
		want(t, x.name, x.do(), x.want)
		check.Equal(t, bare.Closed(changed), x.changed, "%s: the server's waiter is woken", x.name)
		check.That(t, !bare.Closed(e.Changed()), "%s: a new waiter is woken", x.name)
	}
	closeAll(e)
}
