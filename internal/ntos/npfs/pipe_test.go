package npfs_test

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/test/bare"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

const (
	serverUser = "S-1-5-21-1-2-3-1500"
	clientUser = "S-1-5-21-1-2-3-1001"
	otherUser  = "S-1-5-21-1-2-3-1002"
)

// site is a file system with one thread of a server's process and two threads of a client's.
type site struct {
	*world
	fs                     npfs.FileSystem
	server, client, second *ps.Thread
}

func newSite(t *testing.T) *site {
	t.Helper()
	w := &world{bare.New(t)}
	c := w.Threads(clientUser, 2)
	return &site{world: w, server: w.Threads(serverUser, 1)[0], client: c[0], second: c[1]}
}

// create makes an instance and opens its server's end.
func (s *site) create(name string, cfg npfs.Config) (e *npfs.End, st ntstatus.Status) {
	st = s.fs.Create(name, cfg, s.server.Process(), sddl.MustParse("O:SYG:SY"), func(x *npfs.End, _ bool) ntstatus.Status {
		e = x
		s.world.open(e)
		return ntstatus.Success
	})
	return e, st
}

// newServerEnd creates an instance of the pipe p and returns the server's end. A failure ends the test.
func (s *site) newServerEnd(cfg npfs.Config) *npfs.End {
	s.T.Helper()
	return check.Result(s.create("p", cfg))
}

// connect opens a client's end. The end is nil on a refusal.
func (s *site) connect(q *nt.SecurityQualityOfService) (e *npfs.End, out ps.Outcome) {
	out = s.connectWith(q, func(x *npfs.End) ntstatus.Status {
		e = x
		s.world.open(e)
		return ntstatus.Success
	})
	return e, out
}

// connectWith opens a client's end with a callback.
func (s *site) connectWith(q *nt.SecurityQualityOfService, open func(*npfs.End) ntstatus.Status) ps.Outcome {
	s.T.Helper()
	server := s.fs.Find("p")
	check.RequireThat(s.T, server != nil, "there is no pipe p")
	defer server.Deref(ob.TagCall)
	return s.fs.Connect(server, s.client, q, open)
}

// pair returns both ends of an instance.
func (s *site) pair(cfg npfs.Config) (server, client *npfs.End) {
	s.T.Helper()
	server = s.newServerEnd(cfg)
	return server, s.connected()
}

// connected connects a client without a quality of service. Its end reads messages if the pipe has the message type.
func (s *site) connected() *npfs.End {
	s.T.Helper()
	e, out := s.connect(nil)
	check.Success(s.T, out.Status)
	want(s.T, "modes", e.SetModes(nt.PipeInformation{ReadMode: e.Local().NamedPipeType}), ntstatus.Success)
	return e
}

func closeAll(ends ...*npfs.End) {
	for _, e := range ends {
		e.DropOpen()
	}
}

// A pipe has at most 255 instances and queues of at most 16 MiB. Negative numbers are refused, and 0 instances mean
// the maximum (I-85).
func TestPipeConfigurationIsBounded(t *testing.T) {
	s := newSite(t)
	type config = npfs.Config
	const good, bad = ntstatus.Success, ntstatus.InvalidParameter
	for i, c := range []struct {
		name string
		cfg  config
		want ntstatus.Status
		most uint32
	}{
		{"", config{}, good, 1}, // a pipe without a name has one instance (I-161)
		{"", config{Instances: 256}, bad, 0}, {"p", config{Instances: -1}, bad, 0},
		{"p", config{Instances: 256}, bad, 0}, {"p", config{Inbound: -1}, bad, 0},
		{"p", config{Outbound: -1}, bad, 0}, {"p", config{Inbound: 16<<20 + 1}, bad, 0},
		{"p", config{Outbound: 16<<20 + 1}, bad, 0}, {"p", config{Instances: 0}, good, 0xFFFFFFFF},
		{"p", config{Instances: 255}, good, 0xFFFFFFFF},
		{"p", config{Instances: 254, Inbound: 16 << 20, Outbound: 16 << 20}, good, 254},
		{"p", config{Instances: 1}, good, 1},
	} {
		e, st := s.create(c.name, c.cfg)
		if check.Equal(t, st, c.want, "configuration %d", i); st != ntstatus.Success {
			check.That(t, e == nil, "configuration %d: a refused open returned an end, want nil", i)
			continue
		}
		check.Equal(t, e.Local().MaximumInstances, c.most, "configuration %d: most instances", i)
		check.Equal(t, e.Local().CurrentInstances, 1, "configuration %d: instances", i)
		check.Equal(t, e.Unnamed(), c.name == "", "configuration %d: the pipe has no name", i)
		closeAll(e)
		check.RequireThat(t, s.fs.Find(c.name) == nil,
			"configuration %d: the name still exists after the close, want it removed", i)
	}
}

// If there are several reasons to refuse another instance, the first is returned. A refused instance does not count,
// even if its open refused it (I-85, T-132, T-136).
func TestRefusedInstanceIsNotCounted(t *testing.T) {
	const (
		full, denied, none = ntstatus.InstanceNotAvailable, ntstatus.AccessDenied, ntstatus.ObjectNameNotFound
		good               = ntstatus.Success
	)
	s := newSite(t)
	type config = npfs.Config
	const in, out = winnt.FILE_SHARE_WRITE, winnt.FILE_SHARE_READ
	for i, c := range []struct {
		limit, there int // instances that are allowed, and that exist
		cfg          config
		want         ntstatus.Status
	}{
		{2, 0, config{}, good}, {2, 0, config{Which: npfs.First}, good}, {2, 0, config{Which: npfs.Another}, none},
		{2, 0, config{Which: npfs.Another, LimitFirst: true}, none}, {2, 1, config{Share: in}, good},
		{2, 1, config{Share: in, Which: npfs.Another}, good}, {2, 1, config{Share: in, Which: npfs.First}, denied},
		{2, 1, config{Share: in, Which: npfs.First, LimitFirst: true}, denied},
		{2, 1, config{Share: in, Instances: 1, LimitFirst: true}, good}, // the first instance sets the limit
		{2, 1, config{Share: out}, denied}, {2, 1, config{Share: in | out}, denied}, {2, 1, config{}, denied},
		{2, 2, config{Share: in}, full}, {2, 2, config{Share: in, Instances: 9}, full},
		{2, 2, config{Share: in, Which: npfs.Another}, full},
		{2, 2, config{Share: out}, full}, // the limit is checked before the directions
		{2, 2, config{Share: in, Which: npfs.First}, denied},
		{2, 2, config{Share: in, Which: npfs.First, LimitFirst: true}, full},
		{2, 2, config{Share: out, Which: npfs.Another, LimitFirst: true}, full},
	} {
		var there []*npfs.End
		for range c.there {
			there = append(there, s.newServerEnd(npfs.Config{Instances: c.limit, Share: in}))
		}
		for _, name := range []string{"p", "P"} { // a name has no case
			called := false
			st := s.fs.Create(name, c.cfg, s.server.Process(), nil, func(_ *npfs.End, existed bool) ntstatus.Status {
				called = true
				check.Equal(t, existed, c.there > 0, "case %d: the open reports an existing pipe", i)
				return ntstatus.BadImpersonationLevel // its opener refuses
			})
			expected := c.want
			if c.want == good {
				expected = ntstatus.BadImpersonationLevel
			}
			check.Equal(t, st, expected, "case %d: creating %s", i, name)
			check.Equal(t, called, c.want == good, "case %d: opened", i)
		}
		check.That(t, c.there != 0 || s.fs.Find("p") == nil, "case %d: a refused pipe exists, want none", i)
		for _, e := range there {
			check.Equal(t, e.Local().CurrentInstances, uint32(c.there), "case %d: instances", i)
		}
		closeAll(there...)
	}
}

// Each instance is removed with its server end, the name with the last one. A later pipe with the name is independent
// (I-85, I-130).
func TestInstanceIsRemovedWithServerEnd(t *testing.T) {
	s := newSite(t)
	one, two, three := s.newServerEnd(npfs.Config{}), s.newServerEnd(npfs.Config{}), s.newServerEnd(npfs.Config{})
	found := func(what string, e *npfs.End) {
		t.Helper()
		x := s.fs.Find("P")
		check.That(t, x == e, "%s: Find returned %p, want %p", what, x, e)
		if x != nil {
			x.Deref(ob.TagCall)
		}
	}
	found("three", one)
	closeAll(two)
	found("two", one)
	check.Equal(t, three.Local().CurrentInstances, 2, "instances after one was closed")
	client := s.connected() // of the first
	closeAll(one)
	found("one", three)
	check.Equal(t, three.Local().CurrentInstances, 1, "instances after two were closed")
	shared := sddl.MustParse("O:BAG:BA")
	client.SetSecurity(shared)
	check.Equal(t, three.Security(), shared, "I-130: descriptor of another instance")
	three.Ref(ob.TagCall)
	closeAll(three)
	found("none", nil)
	out := s.fs.Connect(three, s.client, nil, func(*npfs.End) ntstatus.Status { return ntstatus.Success })
	check.That(t, out.Status == ntstatus.ObjectNameNotFound && out.Rule == "I-85",
		"connecting to a removed pipe: %+v, want %v by rule I-85", out, ntstatus.ObjectNameNotFound)
	again := s.newServerEnd(npfs.Config{})
	three.SetSecurity(nil)
	found("again", again)
	check.That(t, again.Security() != nil, "I-130: Security() of a removed pipe = nil, want its descriptor")
	three.HoldOpen() // a late end of the old pipe
	three.Deref(ob.TagCall)
	closeAll(three)
	found("still", again)
	closeAll(client, again)
}

// TestEndsReferenceTheirProcess checks that each end references its creator's process until it is closed, also if its
// opener fails.
func TestEndsReferenceTheirProcess(t *testing.T) {
	s := newSite(t)
	sp, cp := s.server.Process(), s.client.Process()
	s0, c0 := sp.PointerCount(), cp.PointerCount()
	more := func(what string, server, client int64) {
		t.Helper()
		if a, b := sp.PointerCount()-s0, cp.PointerCount()-c0; a != server || b != client {
			t.Errorf("%s: %d and %d more references to server and client, want %d and %d", what, a, b, server, client)
		}
	}
	refuse := func(*npfs.End) ntstatus.Status { return ntstatus.AccessDenied }
	st := s.fs.Create("p", npfs.Config{}, sp, nil, func(e *npfs.End, _ bool) ntstatus.Status { return refuse(e) })
	want(t, "refused", st, ntstatus.AccessDenied)
	more("refused", 0, 0)
	e := s.newServerEnd(npfs.Config{})
	more("made", 1, 0)
	for _, q := range []*nt.SecurityQualityOfService{nil, &static} {
		out := s.connectWith(q, refuse)
		want(t, "refused", out.Status, ntstatus.AccessDenied)
		more("refused a client", 1, 0)
	}
	c := s.connected() // the instance is free again
	more("connected", 1, 1)
	closeAll(c)
	more("the client is gone", 1, 0)
	closeAll(e)
	more("closed", 0, 0)
}

var static = nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation,
	ContextTrackingMode: winnt.SECURITY_STATIC_TRACKING}
