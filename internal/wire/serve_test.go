package wire_test

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// process gives a connection a process of a kernel.
type process struct {
	*kernel.Process
	profile nt.Profile
}

func (p process) Profile() nt.Profile    { return p.profile }
func (p process) GiveBack(th *nt.Thread) { th.Close() }

// served is a kernel with one connection whose client is the test.
type served struct {
	*testing.T
	sys     *kernel.System
	conn    net.Conn
	end     chan error
	atLogon func() // nil, or called during each logon
}

// refusing is an authority that refuses each logon.
type refusing struct {
	*logon.Memory
	s *served
}

func (a refusing) LogOn(logon.Request) (logon.Result, ntstatus.Status) {
	if a.s.atLogon != nil {
		a.s.atLogon()
	}
	return logon.Result{}, ntstatus.LogonFailure
}

// serve starts a connection. At the test's end nothing of it may remain.
func serve(t *testing.T) *served {
	t.Helper()
	return serveAs(t, func(p process) wire.Process { return p })
}

// newServed returns a connection that is not served yet, with its process and the server's end.
func newServed(t *testing.T) (s *served, p process, theirs net.Conn) {
	t.Helper()
	s = &served{T: t, end: make(chan error, 1)}
	s.sys = kernel.Boot(kernel.Config{FirstLUID: 0x3E8, LSA: refusing{logon.Example(sid.SID{}), s}})
	user := check.Must(token.New(token.LocalSystem()))
	made := check.Must(s.sys.NewProcess("client", user))
	s.conn, theirs = net.Pipe()
	return s, process{made, nt.Documented}, theirs
}

// serveAs starts a connection whose process is built from a kernel's.
func serveAs(t *testing.T, made func(process) wire.Process) *served {
	t.Helper()
	s, p, theirs := newServed(t)
	ours, over := s.conn, make(chan struct{})
	go func() {
		defer close(over)
		s.end <- wire.Serve(theirs, made(p))
	}()
	t.Cleanup(func() {
		_ = ours.Close()
		<-over
		// The process has exited, and nothing of it remains (W-12).
		check.NoError(t, s.sys.Close())
	})
	return s
}

// awaitEnd waits for the server's side to end and returns why.
func (s *served) awaitEnd() error {
	s.Helper()
	select {
	case err := <-s.end:
		return err
	case <-time.After(time.Minute):
		s.Fatal("the server has not ended after a minute, want it ended")
		return nil
	}
}

// exchangeHello exchanges hellos as a client does.
func (s *served) exchangeHello() {
	s.Helper()
	s.send(&wire.Frame{Kind: wire.Hello, Body: wire.AppendHello(nil, wire.HelloBody{})})
	check.Require(s, s.receive().Kind, wire.Hello, "kind of the server's first frame")
}

func (s *served) send(f *wire.Frame) {
	s.Helper()
	check.NoError(s, check.Err(s.conn.Write(wire.AppendFrame(nil, f))))
}

// discardOutput reads and discards the server's output.
func (s *served) discardOutput() { go func() { _, _ = io.Copy(io.Discard, s.conn) }() }

func (s *served) receive() *wire.Frame {
	s.Helper()
	return check.Must(wire.ReadFrame(s.conn))
}

// status sends a frame and returns the status of its answer.
func (s *served) status(f *wire.Frame) ntstatus.Status {
	s.Helper()
	s.send(f)
	answer := s.receive()
	head, _, err := wire.DecodeAnswer(answer.Body)
	check.RequireThat(s, err == nil && answer.Kind == wire.Answer && answer.Request == f.Request,
		"reply = %+v, %v, want kind %v for request %v, no error", answer, err, wire.Answer, f.Request)
	return head.Status
}

func (s *served) connect() *client.Conn {
	s.Helper()
	return check.Must(client.New(s.conn))
}

// call is the frame of a call.
func call(t *testing.T, name string, in any) *wire.Frame {
	t.Helper()
	row := wire.Rows()[nt.NtTable.Find(name).Info().Number]
	body := check.Must(row.AppendCall(nil, in, false))
	return &wire.Frame{Kind: wire.Call, Request: 7, Thread: 1, Service: row.Service, Body: body}
}

// TestConnectionEndReleasesClientThreads makes calls from two threads of a client, and leaves handles and an
// impersonation for the end of the connection (W-10, W-12).
func TestConnectionEndReleasesClientThreads(t *testing.T) {
	s := serve(t)
	c := s.connect()
	th := c.Thread()
	h := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_DUPLICATE))
	dup := check.Result(th.NtDuplicateToken(h, winnt.TOKEN_ALL_ACCESS, nil, false, winnt.TokenImpersonation))
	revert := check.Must(th.Impersonate(dup))
	other := check.Must(c.NewThread())
	check.Equal(t, check.Status(other.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true)),
		ntstatus.NoToken, "opening the token of the other thread")
	own, st := th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true)
	check.That(t, st == ntstatus.Success && own != 0,
		"opening the token of the impersonating thread: %s, want success", st)
	revert()
	revert() // A ticket works once (W-8).
	check.Equal(t, check.Status(th.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true)), ntstatus.NoToken,
		"opening the token after reverting")
	check.NoError(t, check.Err(th.Impersonate(dup)))
	other.Close()
	check.Equal(t, check.Status(other.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true)),
		ntstatus.InvalidCid, "W-7: call of an ended thread, whose number is not given")
	_ = c.Close()
	check.NoError(t, s.awaitEnd())
	// The connection is lost: calls fail and change nothing (W-9).
	check.Equal(t, check.Status(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY)),
		ntstatus.PortDisconnected, "call after Close")
	check.ErrorIs(t, check.Err(c.NewThread()), client.ErrClosed, "NewThread after Close")
}

// join starts another connection to the kernel of s, with a process of the given token.
func (s *served) join(tok string) *client.Conn {
	s.Helper()
	user := check.Must(token.Parse([]byte(tok)))
	p := check.Must(s.sys.NewProcess("other", user))
	ours, theirs := net.Pipe()
	end := make(chan error, 1)
	go func() { end <- wire.Serve(theirs, process{p, nt.Documented}) }()
	c := check.Must(client.New(ours))
	s.Cleanup(func() {
		_ = c.Close()
		if err := <-end; err != nil {
			s.Error(err)
		}
	})
	return c
}

// TestDependentCallNeedsSuccess checks that a dependent call is skipped after a failure and made after a success, and
// that calls of other threads do not count (W-38).
func TestDependentCallNeedsSuccess(t *testing.T) {
	s := serve(t)
	s.exchangeHello()
	good := call(t, "NtOpenProcessToken", nt.OpenProcessTokenIn{
		ProcessHandle: winnt.NtCurrentProcess, DesiredAccess: winnt.TOKEN_QUERY})
	bad := call(t, "NtClose", nt.CloseIn{Handle: 4000})
	open := call(t, "NtCreateFile", openDevice())
	event := call(t, "NtCreateEvent", nt.CreateEventIn{DesiredAccess: winnt.EVENT_ALL_ACCESS,
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\BaseNamedObjects\then`,
			Attributes: winnt.OBJ_OPENIF})})
	check.Success(t, s.status(&wire.Frame{Kind: wire.NewThread}))
	for i, c := range []struct {
		frame  *wire.Frame
		kind   wire.Kind
		thread uint32
		want   ntstatus.Status
	}{
		{good, wire.Then, 1, ntstatus.Success}, // a thread's first call
		{bad, wire.Then, 1, ntstatus.InvalidHandle},
		{good, wire.Then, 2, ntstatus.Success},
		{good, wire.Then, 1, ntstatus.Cancelled},
		{&wire.Frame{Body: []byte{9}}, wire.Then, 1, ntstatus.Cancelled}, // a call that is not made is not decoded
		{open, wire.ThenWith, 1, ntstatus.Cancelled},
		{open, wire.CallWith, 1, ntstatus.Success},
		{open, wire.ThenWith, 1, ntstatus.Success},
		{good, wire.ThenWith, 1, ntstatus.InvalidParameter}, // it opens nothing
		{good, wire.Then, 1, ntstatus.Cancelled},
		{good, wire.Call, 1, ntstatus.Success},
		{event, wire.Then, 1, ntstatus.Success},
		{event, wire.Then, 1, ntstatus.ObjectNameExists}, // a success, too
		{event, wire.Then, 1, ntstatus.ObjectNameExists},
		{event, wire.Call, 1, ntstatus.ObjectNameExists},
		{good, wire.Then, 1, ntstatus.Success},
		{bad, wire.Wait, 1, ntstatus.InvalidHandle}, // a call that waits does not count
		{good, wire.Then, 1, ntstatus.Success},
		{bad, wire.Call, 1, ntstatus.InvalidHandle},
		{good, wire.Wait, 1, ntstatus.Success},
		{good, wire.Then, 1, ntstatus.Cancelled},
	} {
		f := *c.frame
		if f.Kind, f.Thread = c.kind, c.thread; f.Kind == wire.Wait {
			f.Body = append(wire.AppendWait(nil, 0, ntstatus.Timeout), f.Body...)
		}
		check.Equal(t, s.status(&f), c.want, "call %d", i)
	}
}

// broke is a process whose user has no quota.
type broke struct{ process }

func (broke) Payer() quota.Payer { return quota.Payer{Block: quota.NewBlock(nil, 0, false)} }

// TestDependentCallNeedsAdmittedCall checks that a dependent call is skipped after a call that was refused at a limit,
// before or after its body was read. Refused waits and calls of other threads do not count (W-38).
func TestDependentCallNeedsAdmittedCall(t *testing.T) {
	s := serveAs(t, func(p process) wire.Process { return broke{p} })
	s.exchangeHello()
	good := call(t, "NtOpenProcessToken", nt.OpenProcessTokenIn{
		ProcessHandle: winnt.NtCurrentProcess, DesiredAccess: winnt.TOKEN_QUERY}).Body
	service := call(t, "NtOpenProcessToken", nt.OpenProcessTokenIn{}).Service
	const free = 4 << 10 // a longer body is charged before it is read, a shorter one with its call
	check.Success(t, s.status(&wire.Frame{Kind: wire.NewThread}))
	for i, c := range []struct {
		kind   wire.Kind
		thread uint32
		body   []byte
		want   ntstatus.Status
	}{
		{wire.Call, 1, make([]byte, free+1), ntstatus.QuotaExceeded},
		{wire.Then, 2, good, ntstatus.Success},
		{wire.Then, 1, good, ntstatus.Cancelled},
		{wire.Call, 1, good, ntstatus.Success},
		{wire.Save, 1, make([]byte, free), ntstatus.QuotaExceeded},
		{wire.Wait, 1, good, ntstatus.QuotaExceeded},
		{wire.Then, 1, good, ntstatus.Cancelled},
		{wire.Then, 1, good, ntstatus.Cancelled},
		{wire.Call, 1, good, ntstatus.Success},
		{wire.Wait, 1, good, ntstatus.QuotaExceeded},
		{wire.Then, 1, good, ntstatus.Success},
		{wire.CallWith, 1, good, ntstatus.InvalidParameter},
		{wire.Then, 1, good, ntstatus.Cancelled},
	} {
		f := &wire.Frame{Kind: c.kind, Thread: c.thread, Service: service, Body: c.body}
		check.Equal(t, s.status(f), c.want, "call %d", i)
	}
}

// TestInvalidFrameEndsConnection sends frames that a correct client cannot send: the connection ends with a reason,
// and nothing of it remains.
func TestInvalidFrameEndsConnection(t *testing.T) {
	long := binary.LittleEndian.AppendUint32(nil, ^uint32(0))
	truncated := call(t, "NtClose", nt.CloseIn{Handle: 4})
	truncated.Body = truncated.Body[:len(truncated.Body)-1]
	longer := call(t, "NtClose", nt.CloseIn{Handle: 4})
	longer.Body = append(longer.Body, 0)
	for _, c := range []struct {
		name  string
		rule  string
		hello bool
		bytes []byte
		want  error
	}{
		{"a length of 4 GiB", "W-2", true, long, wire.ErrFrame},
		{"a length below a head", "W-2", true, []byte{1, 0, 0, 0}, wire.ErrFrame},
		{"no hello", "W-1", false, wire.AppendFrame(nil, call(t, "NtClose", nt.CloseIn{})), wire.ErrFrame},
		{"an unknown kind", "W-6", true, wire.AppendFrame(nil, &wire.Frame{Kind: 99}), wire.ErrFrame},
		{"an answer", "W-6", true, wire.AppendFrame(nil, &wire.Frame{Kind: wire.Answer}), wire.ErrFrame},
		{"a body too short", "W-6", true, wire.AppendFrame(nil, truncated), wire.ErrValue},
		{"a body too long", "W-6", true, wire.AppendFrame(nil, longer), wire.ErrValue},
		{"a cancel too short", "W-6", true,
			wire.AppendFrame(nil, &wire.Frame{Kind: wire.Cancel, Body: []byte{1, 2, 3}}), wire.ErrValue},
		{"half a frame", "W-6", true, wire.AppendFrame(nil, longer)[:9], io.ErrUnexpectedEOF},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t)
			if c.hello {
				s.exchangeHello()
			}
			s.discardOutput()
			_, _ = s.conn.Write(c.bytes)
			if c.want == io.ErrUnexpectedEOF {
				_ = s.conn.Close()
			}
			check.ErrorIs(t, s.awaitEnd(), c.want, "%s: connection ended with", c.rule)
		})
	}
}

// TestHelloHasOwnLimit checks the longest hello, and that the head of a longer one ends the connection before the rest
// arrives (W-3).
func TestHelloHasOwnLimit(t *testing.T) {
	s := serve(t)
	longest := []byte(`{"Magic":"refmon","Version":1}` + strings.Repeat(" ", wire.MaxHello))[:wire.MaxHello-15]
	s.send(&wire.Frame{Kind: wire.Hello, Body: longest})
	check.Equal(t, s.receive().Kind, wire.Hello, "kind of the answer to the longest hello")
	s = serve(t)
	over := wire.AppendFrame(nil, &wire.Frame{Kind: wire.Hello, Body: append(longest, ' ')})
	check.NoError(t, check.Err(s.conn.Write(over[:19])))
	check.ErrorIs(t, s.awaitEnd(), wire.ErrFrame, "a hello that is too long")
}

// These requests get a reply with an error status, and the connection continues.
func TestInvalidRequestKeepsConnection(t *testing.T) {
	s := serve(t)
	s.exchangeHello()
	closing := call(t, "NtClose", nt.CloseIn{Handle: 4})
	foreign, unknown := *closing, *closing
	foreign.Thread, unknown.Service = 2, 60000
	for _, c := range []struct {
		frame *wire.Frame
		want  ntstatus.Status
	}{
		{closing, ntstatus.InvalidHandle},
		{&foreign, ntstatus.InvalidCid},   // a thread that is not of this connection (W-7)
		{&unknown, ntstatus.NotSupported}, // a row that the server does not have (W-5)
		{&wire.Frame{Kind: wire.Restore, Thread: 1, Body: wire.AppendTicket(nil, 99)}, ntstatus.Success}, // W-8: does nothing
		{closing, ntstatus.InvalidHandle},
	} {
		check.Equal(t, s.status(c.frame), c.want, "frame %+v", c.frame)
	}
	// Reaching a limit returns a status (W-3).
	for range wire.MaxThreads - 1 {
		check.Success(t, s.status(&wire.Frame{Kind: wire.NewThread}))
	}
	check.Equal(t, s.status(&wire.Frame{Kind: wire.NewThread}), ntstatus.InsufficientResources, "one thread too many")
}

// FuzzServe sends any bytes after a hello: the server ends without a panic, and nothing of the process remains.
func FuzzServe(f *testing.F) {
	f.Add(wire.AppendFrame(nil, &wire.Frame{Kind: wire.NewThread, Request: 1}))
	f.Add(wire.AppendFrame(nil, &wire.Frame{Kind: wire.Save, Thread: 1}))
	f.Add(wire.AppendFrame(nil, &wire.Frame{Kind: wire.HandOut, Thread: 1, Body: wire.AppendHandle(nil, 4)}))
	f.Add(wire.AppendFrame(nil, &wire.Frame{Kind: wire.ReplaceContents, Thread: 1,
		Body: wire.AppendReplaceContents(nil, 4, 8)}))
	f.Add(wire.AppendFrame(nil, &wire.Frame{Kind: wire.ReadAs, Thread: 1, Body: wire.AppendReadAs(nil, 4, 9)}))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := serve(t)
		s.exchangeHello()
		s.discardOutput()
		_, _ = s.conn.Write(b)
		_ = s.conn.Close()
		_ = s.awaitEnd()
	})
}
