package wire_test

import (
	"testing"

	"github.com/refmon/refmon/client"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// laterPipe is a pipe with its server in one connection and its client in another, which
// both have the event.
type laterPipe struct {
	*served
	own, other         *client.Conn
	server, client     winnt.Handle
	event, othersEvent winnt.Handle
}

func newLaterPipe(t *testing.T, options ...uint32) *laterPipe {
	t.Helper()
	p := &laterPipe{served: serve(t)}
	p.own, p.other = p.connect(), p.join(alice)
	th, others := p.own.Thread(), p.other.Thread()
	const rights = winnt.GENERIC_READ | winnt.GENERIC_WRITE | winnt.SYNCHRONIZE
	p.server = check.Result(th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{DesiredAccess: rights, NamedPipeType: 1,
		ReadMode: 1, InboundQuota: 64, OutboundQuota: 64, CreateOptions: append(options, 0)[0],
		ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\pipe\later`,
			SecurityDescriptor: toEveryone.SecurityDescriptor})}))
	p.client = check.Result(others.NtOpenFile(winnt.GENERIC_READ|winnt.GENERIC_WRITE,
		&nt.ObjectAttributes{ObjectName: `\??\pipe\later`}, 0, 0))
	const name = `\BaseNamedObjects\later`
	p.event = check.Result(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{ObjectName: name,
		SecurityDescriptor: toEveryone.SecurityDescriptor}, nt.NotificationEvent, true))
	p.othersEvent = check.Result(others.NtOpenEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{ObjectName: name}))
	return p
}

// begin begins a call on a thread of its own.
func (p *laterPipe) begin(name string, in any, l *nt.Later) ntstatus.Status {
	p.Helper()
	tr := check.Must(p.own.NewTransport())
	_, st := tr.(interface {
		CallLater(*nt.Row, any, *nt.Later) (any, ntstatus.Status)
	}).CallLater(nt.NtTable.Find(name), in, l)
	return st
}

func (p *laterPipe) write(message string) {
	p.Helper()
	check.Success(p, check.Status(p.other.Thread().NtWriteFile(p.client, []byte(message))))
}

// signalled reports whether the other process sees the event signalled.
func (p *laterPipe) signalled() bool {
	p.Helper()
	return check.Status(p.other.Thread().NtWaitForSingleObject(p.othersEvent, false)) == ntstatus.Success
}

// TestEventIsSignalledAfterMemoryIsWritten checks that a waiting read ends with the other end's write. A second
// process sees the event signalled only once the first one's memory is written (W-90).
func TestEventIsSignalledAfterMemoryIsWritten(t *testing.T) {
	p := newLaterPipe(t)
	for _, early := range []bool{false, true} { // it is there before the read
		writing, goOn := make(chan nt.IOResult), make(chan struct{})
		l := &nt.Later{Event: p.event, Done: func(r nt.IOResult) { writing <- r; <-goOn }}
		begun := make(chan ntstatus.Status, 1)
		write := func() { p.write("hello") }
		if early {
			write()
		}
		go func() { begun <- p.begin("NtReadFile", nt.ReadFileIn{FileHandle: p.server, Length: 64, Later: l}, l) }()
		want := ntstatus.Success
		if !early {
			if want = <-begun; want != ntstatus.Pending {
				t.Fatalf("read of an empty pipe: %s, want STATUS_PENDING", want)
			}
			begun <- want
			write()
		}
		if r := <-writing; string(r.Data) != "hello" || r.Information != 5 || r.Status != ntstatus.Success {
			t.Errorf(`completion = %+v, want "hello" with Information 5 and %v`, r, ntstatus.Success)
		}
		check.That(t, !p.signalled(), "W-90: the event is signalled before the memory is written, want after")
		close(goOn)
		check.Equal(t, <-begun, want, "the call")
		if !early {
			<-l.Over
		}
		check.That(t, p.signalled(), "I-137: the event is not signalled after the operation, want signalled")
	}
	// A synchronous operation is over with its call.
	p = newLaterPipe(t, winnt.FILE_SYNCHRONOUS_IO_NONALERT)
	p.write("hello")
	l := &nt.Later{Event: p.event, Done: func(nt.IOResult) {}}
	check.Success(t, p.begin("NtReadFile", nt.ReadFileIn{FileHandle: p.server, Length: 64, Later: l}, l))
	check.That(t, p.signalled(), "I-137: the event is not signalled after a synchronous operation, want signalled")
}

// TestPendingOperationsAreBounded checks that a client's uncollected operations are bounded, and that operations it
// did not start are rejected (W-91).
func TestPendingOperationsAreBounded(t *testing.T) {
	s := serve(t)
	s.exchangeHello()
	pipe := call(t, "NtCreateNamedPipeFile", nt.CreateNamedPipeFileIn{DesiredAccess: winnt.GENERIC_READ,
		NamedPipeType: 1, ReadMode: 1, ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\pipe\later`})})
	check.Success(t, s.status(pipe))
	request := uint64(100)
	begin := func(name string, in any) ntstatus.Status {
		f := call(t, name, in)
		request++
		f.Kind, f.Request, f.Body = wire.Begin, request, append(wire.AppendLater(nil, &nt.Later{}), f.Body...)
		return s.status(f)
	}
	unknown := func() ntstatus.Status {
		request++
		return s.status(&wire.Frame{Kind: wire.Begin, Request: request, Thread: 1, Service: 60000,
			Body: wire.AppendLater(nil, &nt.Later{})})
	}
	about := func(kind wire.Kind, operation uint64) ntstatus.Status {
		request++
		return s.status(&wire.Frame{Kind: kind, Request: request, Body: wire.AppendOperation(nil, operation)})
	}
	listen := func(room uint32) ntstatus.Status {
		return begin("NtFsControlFile", nt.FsControlFileIn{FileHandle: 4, FsControlCode: winnt.FSCTL_PIPE_LISTEN,
			OutputBufferLength: room})
	}
	for i, c := range []struct{ got, want ntstatus.Status }{
		{begin("NtClose", nt.CloseIn{Handle: 4}), ntstatus.InvalidParameter},
		{unknown(), ntstatus.NotSupported}, // a row that the server does not have (W-5)
		{about(wire.Collect, 101), ntstatus.InvalidParameter},
		{about(wire.Collect, 102), ntstatus.InvalidParameter},
		{about(wire.Collect, 1), ntstatus.InvalidParameter},
		{about(wire.Confirm, 1), ntstatus.InvalidParameter},
		{begin("NtReadFile", nt.ReadFileIn{FileHandle: 400}), ntstatus.InvalidHandle},
		{listen(wire.MaxFrame), ntstatus.Pending},
		{about(wire.Confirm, request), ntstatus.InvalidParameter}, // it has not ended
		{listen(wire.MaxFrame), ntstatus.Pending},
		{listen(wire.MaxFrame), ntstatus.Pending},
		{listen(wire.MaxFrame), ntstatus.InsufficientResources},
		{listen(0), ntstatus.Pending},
	} {
		check.Equal(t, c.got, c.want, "step %d", i)
	}
	for n := 4; n < wire.MaxWaits; n++ {
		_ = listen(0) // one end also has its own limit
	}
	check.Equal(t, listen(0), ntstatus.InsufficientResources, "operation beyond the limit")
}

// An operation has one waiter at a time; after a cancel another may wait. An operation that was not collected cannot
// be acknowledged, nor can one twice (W-91).
func TestOperationIsCollectedOnce(t *testing.T) {
	s := serve(t)
	s.exchangeHello()
	s.status(call(t, "NtCreateNamedPipeFile", nt.CreateNamedPipeFileIn{DesiredAccess: winnt.GENERIC_READ,
		NamedPipeType: 1, ReadMode: 1, ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\pipe\once`,
			SecurityDescriptor: toEveryone.SecurityDescriptor})}))
	listen := call(t, "NtFsControlFile", nt.FsControlFileIn{FileHandle: 4, FsControlCode: winnt.FSCTL_PIPE_LISTEN})
	const operation = 100
	listen.Kind, listen.Request = wire.Begin, operation
	listen.Body = append(wire.AppendLater(nil, &nt.Later{}), listen.Body...)
	check.Require(t, s.status(listen), ntstatus.Pending, "status")
	about := func(kind wire.Kind, request uint64) *wire.Frame {
		return &wire.Frame{Kind: kind, Request: request, Body: wire.AppendOperation(nil, operation)}
	}
	expect := func(request uint64, want ntstatus.Status) {
		t.Helper()
		f := s.receive()
		head, _, err := wire.DecodeAnswer(f.Body)
		check.RequireThat(t, err == nil && f.Request == request && head.Status == want,
			"reply to request %d: %v, %v, want request %d: %s", f.Request, head.Status, err, request, want)
	}
	s.send(about(wire.Collect, 101))
	s.send(about(wire.Collect, 102))
	expect(102, ntstatus.InvalidParameter)
	cancels := map[uint64]ntstatus.Status{101: ntstatus.Cancelled, 103: ntstatus.Success}
	s.send(&wire.Frame{Kind: wire.Cancel, Request: 103, Body: wire.AppendCancel(nil, 101)})
	for range 2 { // in either order
		f := s.receive()
		head, _, err := wire.DecodeAnswer(f.Body)
		if want, ok := cancels[f.Request]; err != nil || !ok || head.Status != want {
			t.Fatalf("reply to request %d: %v, %v, want the status of its cancel", f.Request, head.Status, err)
		}
	}
	// The thread ends before the operation was collected.
	check.Success(t, check.Status(s.join(alice).Thread().NtOpenFile(winnt.GENERIC_WRITE,
		&nt.ObjectAttributes{ObjectName: `\??\pipe\once`}, 0, 0)))
	for _, c := range []struct {
		kind wire.Kind
		want ntstatus.Status
	}{{wire.Confirm, ntstatus.InvalidParameter}, {wire.Collect, ntstatus.Success}, {wire.Confirm, ntstatus.Success},
		{wire.Confirm, ntstatus.InvalidParameter}, {wire.Collect, ntstatus.InvalidParameter}} {
		const request = 102 // it was answered above, so the number is free
		s.send(about(c.kind, request))
		expect(request, c.want)
	}
}

// A disconnected client leaves no operation behind, whether it waited, completed or was collected. Other waiters are
// woken (W-92).
func TestDisconnectReleasesOperations(t *testing.T) {
	p := newLaterPipe(t)
	goOn := make(chan struct{})
	defer close(goOn)
	writing := make(chan struct{})
	l := &nt.Later{Event: p.event, Done: func(nt.IOResult) { close(writing); <-goOn }}
	read := func(l *nt.Later) {
		t.Helper()
		st := p.begin("NtReadFile", nt.ReadFileIn{FileHandle: p.server, Length: 64, Later: l}, l)
		check.Require(t, st, ntstatus.Pending, "begin")
	}
	read(l)
	wrote := make(chan nt.IOResult, 1)
	waits := &nt.Later{Done: func(r nt.IOResult) { wrote <- r }}
	read(waits)
	p.write("x")
	<-writing // its program never says that it has it
	_ = p.own.Close()
	check.NoError(t, p.awaitEnd())
	check.That(t, p.signalled(), "W-92: the event of a disconnected program is not signalled, want signalled")
	<-waits.Over
	check.Equal(t, waits.Failure, ntstatus.PortDisconnected, "operation of a lost connection")
	select {
	case r := <-wrote:
		check.That(t, r.Status == ntstatus.PortDisconnected && len(r.Data) == 0,
			"completion of the waiting read: %+v, want %v without data", r, ntstatus.PortDisconnected)
	default:
		t.Error("W-90: the waiting read has no completion, want one")
	}
}
