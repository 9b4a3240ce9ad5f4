package services_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A sent message does not change when the sender's buffer changes afterwards, in pipes and ports (O-4).
func TestSentMessageIsCopied(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th := w.system("server") // may create names in the root
	s := th.Services()
	holds := func(what string, got []byte, st ntstatus.Status, text string) {
		t.Helper()
		check.That(t, st == ntstatus.Success && string(got) == text, "O-4: %s = %q, %v, want %q", what, got, st, text)
	}
	send := func(text string, give func([]byte) ntstatus.Status) {
		t.Helper()
		b := []byte(text)
		want(t, "send "+text, give(b), ntstatus.Success)
		clear(b)
	}
	port := check.Result(s.NtCreatePort(nt.CreatePortIn{ObjectAttributes: nt.Cap(named(`\orders`))}))
	var client nt.PortOut
	send("hello", func(b []byte) (st ntstatus.Status) {
		client, st = s.NtConnectPort(nt.ConnectPortIn{PortName: `\orders`, ConnectionInformation: nt.Cap(b)})
		return st
	})
	came, st := s.NtListenPort(nt.ListenPortIn(port))
	holds("a connection", came.Request, st, "hello")
	server := check.Result(s.NtAcceptConnectPort(nt.AcceptConnectPortIn{ConnectionPortHandle: port.PortHandle,
		ClientID: nt.Cap(&came.ClientID), MessageID: came.MessageID}))
	_, st = s.NtCompleteConnectPort(nt.CompleteConnectPortIn(server))
	want(t, "complete", st, ntstatus.Success)
	var sent nt.RequestWaitReplyPortOut
	send("request", func(b []byte) (st ntstatus.Status) {
		sent, st = s.NtRequestWaitReplyPort(nt.RequestWaitReplyPortIn{PortHandle: client.PortHandle, Request: nt.Cap(b)})
		if st == ntstatus.Pending {
			st = ntstatus.Success
		}
		return st
	})
	got, st := s.NtReplyWaitReceivePort(nt.ReplyWaitReceivePortIn(server))
	holds("a request", got.Request, st, "request")
	send("reply", func(b []byte) ntstatus.Status {
		return check.Status(s.NtReplyPort(nt.ReplyPortIn{PortHandle: server.PortHandle, ClientID: nt.Cap(&got.ClientID),
			MessageID: got.MessageID, Reply: nt.Cap(b)}))
	})
	answer, st := s.NtRequestWaitReplyPort(nt.RequestWaitReplyPortIn{PortHandle: client.PortHandle,
		MessageID: sent.MessageID})
	holds("a reply", answer.Reply, st, "reply")

	pipe := check.Result(th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{DesiredAccess: winnt.FILE_READ_DATA,
		ObjectAttributes: nt.Cap(named(`\Device\NamedPipe\q`))}))
	end := check.Result(th.NtOpenFile(winnt.FILE_WRITE_DATA, named(`\Device\NamedPipe\q`), 3, 0))
	send("bytes", func(b []byte) ntstatus.Status { return check.Status(th.NtWriteFile(end, b)) })
	message, st := th.NtReadFile(pipe, 100)
	holds("a pipe's message", message, st, "bytes")
}

// An object created without a descriptor, or without an owner in it, belongs to the user that the thread
// impersonates. This holds for every type: pipes, named objects and tokens (O-38).
func TestNewObjectBelongsToEffectiveUser(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	privileges := []winnt.Privilege{winnt.SeImpersonatePrivilege, winnt.SeCreateGlobalPrivilege,
		winnt.SeCreateTokenPrivilege}
	th, k := w.thread(w.process("server", privileges...))
	all := makers(t, w, th, k)
	tok := w.token(k, client, winnt.SecurityImpersonation, privileges...)
	for _, owner := range []string{svc, client} {
		for _, m := range all {
			switch m.service {
			case "NtCreateNamedPipeFile", "NtCreateEvent", "NtCreateMutant", "NtCreateSemaphore", "NtCreateTimer",
				"NtCreateJobObject", "NtCreateDirectoryObject", "NtCreateSymbolicLinkObject",
				"NtCreateToken", "NtCreateLowBoxToken":
			default:
				continue
			}
			h := check.Result(m.call(th, 0))
			again := check.Result(k.Zw().NtDuplicateObject(winnt.NtCurrentProcess, h, winnt.NtCurrentProcess,
				winnt.READ_CONTROL, 0, 0))
			d, st := th.NtQuerySecurityObject(again, winnt.OWNER_SECURITY_INFORMATION)
			if want(t, "query", st, ntstatus.Success); st != ntstatus.Success {
				continue
			}
			bare := m.object.ObjectName == "" && (m.service == "NtCreateEvent" || m.service == "NtCreateMutant" ||
				m.service == "NtCreateSemaphore" || m.service == "NtCreateTimer")
			if got := d.Owner().String(); bare != d.Owner().IsZero() || !bare && got != owner {
				t.Errorf("%s: owner of the new object = %s, want %s (no owner: %v)", m.name, got, owner, bare)
			}
			want(t, "close", th.NtClose(again), ntstatus.Success)
			want(t, "close", th.NtClose(h), ntstatus.Success)
		}
		want(t, "act", k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation), ntstatus.Success)
	}
	k.PsRevertToSelf()
}

// A write that completes immediately returns the number of bytes, with and without remote memory (I-135, I-136).
func TestImmediateWriteReturnsLength(t *testing.T) {
	o := newOperations(t)
	for _, later := range []bool{false, true} {
		in := nt.WriteFileIn{FileHandle: o.client, Buffer: nt.Cap([]byte("ab"))}
		if later {
			in.Later = o.begin(false, false, false, false)
		}
		out, st := o.th.Services().NtWriteFile(in)
		if want(t, "write", st, ntstatus.Success); out.Information != 2 {
			t.Errorf("write with remote memory = %v: Information = %d, want 2", later, out.Information)
		}
	}
	want(t, "close", o.th.NtClose(o.client), ntstatus.Success)
}

// A write up to the last byte of the quota succeeds. One byte more waits or fails, also on an empty pipe (I-85,
// I-152).
func TestPipeQuotaIsExact(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	p := w.process("server", winnt.SeCreateGlobalPrivilege)
	th, _ := w.thread(p)
	server, st := th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{NamedPipeType: 1, ReadMode: 1, InboundQuota: 8,
		DesiredAccess:    winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA,
		ObjectAttributes: nt.Cap(named(`\Device\NamedPipe\q`))})
	want(t, "create", st, ntstatus.Success)
	own := named(`\Device\NamedPipe\q`) // a refused write leaves no context of its writer
	own.SecurityQualityOfService = &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation,
		ContextTrackingMode: winnt.SECURITY_DYNAMIC_TRACKING}
	end := check.Result(th.NtOpenFile(winnt.FILE_READ_DATA|winnt.FILE_WRITE_DATA, own, 3, 0))
	for i, c := range []struct {
		write int // bytes; 0 reads a message instead
		want  ntstatus.Status
	}{{9, ntstatus.PipeBusy}, {8, ntstatus.Success}, {1, ntstatus.PipeBusy}, {0, 0},
		{5, ntstatus.Success}, {3, ntstatus.Success},
		{1, ntstatus.PipeBusy}, {0, 0}, {4, ntstatus.Success}, {2, ntstatus.PipeBusy}, {1, ntstatus.Success}} {
		if c.write == 0 {
			_, st = th.NtReadFile(server, 100)
		} else {
			_, st = th.NtWriteFile(end, make([]byte, c.write))
		}
		check.Equal(t, st, c.want, "I-85: step %d: writing %d bytes", i, c.write)
	}
}

// A pipe has at most 255 instances and queues of at most 16 MiB. Larger requests are refused. 0 means the maximum
// (I-85).
func TestPipeRejectsOver255Instances(t *testing.T) {
	th := newThread(t, winnt.SeCreateGlobalPrivilege)
	create := func(name string, change func(*nt.CreateNamedPipeFileIn)) ntstatus.Status {
		in := nt.CreateNamedPipeFileIn{DesiredAccess: winnt.FILE_READ_DATA | winnt.FILE_CREATE_PIPE_INSTANCE,
			ObjectAttributes: nt.Cap(named(`\Device\NamedPipe\` + name))}
		change(&in)
		return check.Status(th.NtCreateNamedPipeFile(in))
	}
	for _, c := range []struct {
		name                         string
		instances, inbound, outbound uint32
		want                         ntstatus.Status
	}{
		{"most", npfs.MaxInstances, npfs.MaxQuota, npfs.MaxQuota, ntstatus.Success},
		{"instances", npfs.MaxInstances + 1, 0, 0, ntstatus.InvalidParameter},
		{"inbound", 0, npfs.MaxQuota + 1, 0, ntstatus.InvalidParameter},
		{"outbound", 0, 0, npfs.MaxQuota + 1, ntstatus.InvalidParameter},
	} {
		want(t, "I-85: "+c.name, create(c.name, func(in *nt.CreateNamedPipeFileIn) {
			in.MaximumInstances, in.InboundQuota, in.OutboundQuota = c.instances, c.inbound, c.outbound
		}), c.want)
	}
	check.That(t, npfs.MaxInstances == 255 && npfs.MaxQuota == 16<<20, // PIPE_UNLIMITED_INSTANCES
		"limits = %d instances and %d bytes, want 255 and 16 MiB", npfs.MaxInstances, npfs.MaxQuota)
	for i := range npfs.MaxInstances {
		check.Require(t, create("many", func(*nt.CreateNamedPipeFileIn) {}), ntstatus.Success,
			"I-85: creating instance %d", i)
	}
	want(t, "I-85: one instance more", create("many", func(*nt.CreateNamedPipeFileIn) {}), ntstatus.InstanceNotAvailable)
}

// A client that cannot give its promised level is not connected, and leaves the instance to others. If the client has
// gone, the server must disconnect it before it listens again (I-80, I-85).
func TestListenNeedsDisconnectOfFormerClient(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("server", winnt.SeCreateGlobalPrivilege))
	server := check.Result(th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{DesiredAccess: winnt.FILE_READ_DATA,
		MaximumInstances: 1, ObjectAttributes: nt.Cap(named(`\Device\NamedPipe\g`))}))
	other, k := w.thread(w.process("client", winnt.SeImpersonatePrivilege))
	w.act(k, svc, winnt.SecurityImpersonation)
	name := named(`\Device\NamedPipe\g`)
	name.SecurityQualityOfService = &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityDelegation}
	_, st := other.NtOpenFile(winnt.FILE_WRITE_DATA, name, 3, 0)
	want(t, "a level above the client's own", st, ntstatus.BadImpersonationLevel)
	k.PsRevertToSelf()
	listen := func() ntstatus.Status {
		return check.Status(th.Services().NtFsControlFile(nt.FsControlFileIn{FileHandle: server,
			FsControlCode: winnt.FSCTL_PIPE_LISTEN}))
	}
	want(t, "without a client", listen(), ntstatus.PipeListening)
	for range 2 {
		end := check.Result(other.NtOpenFile(winnt.FILE_WRITE_DATA, named(`\Device\NamedPipe\g`), 3, 0))
		want(t, "with a client", listen(), ntstatus.PipeConnected)
		want(t, "close the client", other.NtClose(end), ntstatus.Success)
		want(t, "when the client has gone", listen(), ntstatus.PipeClosing)
		_, st := other.NtOpenFile(winnt.FILE_WRITE_DATA, named(`\Device\NamedPipe\g`), 3, 0)
		want(t, "before the server disconnects", st, ntstatus.PipeNotAvailable)
		_, st = th.Services().NtFsControlFile(nt.FsControlFileIn{FileHandle: server,
			FsControlCode: winnt.FSCTL_PIPE_DISCONNECT})
		want(t, "disconnect", st, ntstatus.Success)
		want(t, "afterwards", listen(), ntstatus.PipeListening)
	}
}

// A client that gets no handle leaves the instance to others, whether a right, a privilege or memory was missing
// (I-85).
func TestRefusedClientLeavesInstanceFree(t *testing.T) {
	var memory inject.Injector
	w := newWorld(t, kernel.Config{Faults: memory.Point})
	th, _ := w.thread(w.process("server", winnt.SeCreateGlobalPrivilege))
	server, st := th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{NamedPipeType: 1, ReadMode: 1, InboundQuota: 8,
		DesiredAccess:    winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA,
		ObjectAttributes: nt.Cap(named(`\Device\NamedPipe\r`))})
	want(t, "create", st, ntstatus.Success)
	for _, tracking := range []nt.SecurityQualityOfService{{ImpersonationLevel: winnt.SecurityImpersonation},
		{ImpersonationLevel: winnt.SecurityImpersonation, ContextTrackingMode: winnt.SECURITY_DYNAMIC_TRACKING}} {
		name := named(`\Device\NamedPipe\r`)
		name.SecurityQualityOfService = &tracking
		_, st = th.NtOpenFile(winnt.ACCESS_SYSTEM_SECURITY, name, 3, 0)
		want(t, "open without the privilege", st, ntstatus.PrivilegeNotHeld)
		_, st = th.NtOpenFile(0, name, 3, 0)
		want(t, "open for nothing", st, ntstatus.AccessDenied)
		memory.Fail(ntstatus.InsufficientResources.Err(), inject.Kind("ob: handle"))
		_, st = th.NtOpenFile(winnt.FILE_READ_DATA, name, 3, 0)
		want(t, "open without memory", st, ntstatus.InsufficientResources)
		memory.Fail(nil)
	}
	end := check.Result(th.NtOpenFile(winnt.FILE_READ_DATA, named(`\Device\NamedPipe\r`), 3, 0))
	want(t, "close the client", th.NtClose(end), ntstatus.Success)
	want(t, "close the server", th.NtClose(server), ntstatus.Success)
}

// Adding an instance requires FILE_CREATE_PIPE_INSTANCE in the descriptor of the name, whatever else it grants
// (I-130).
func TestAddingInstanceNeedsRight(t *testing.T) {
	const user = "S-1-5-21-1-2-3-1107"
	for _, c := range []struct {
		mask winnt.AccessMask
		want ntstatus.Status
	}{
		{winnt.FILE_CREATE_PIPE_INSTANCE, ntstatus.Success}, {winnt.FILE_ALL_ACCESS, ntstatus.Success},
		{winnt.FILE_ALL_ACCESS &^ winnt.FILE_CREATE_PIPE_INSTANCE, ntstatus.AccessDenied},
		{winnt.FILE_READ_DATA, ntstatus.AccessDenied}, {0x1, ntstatus.AccessDenied},
	} {
		sys := kernel.Boot(kernel.Config{})
		var threads []*nt.Thread
		for _, u := range []string{"S-1-5-21-1-2-3-1200", user} {
			p := check.Must(sys.NewProcess("p", value(t, u, winnt.TokenPrimary, 0, winnt.SeImpersonatePrivilege)))
			th := check.Must(p.NewThread())
			threads = append(threads, th)
		}
		create := func(th *nt.Thread, text string) ntstatus.Status {
			oa := &nt.ObjectAttributes{ObjectName: `\??\pipe\many`}
			if text != "" {
				oa.SecurityDescriptor = sddl.MustParse(text)
			}
			return check.Status(th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{DesiredAccess: winnt.SYNCHRONIZE,
				CreateDisposition: winnt.FILE_OPEN_IF, ObjectAttributes: nt.Cap(oa)}))
		}
		check.Success(t, create(threads[0], "D:(A;;"+hex(c.mask)+";;;"+user+")"))
		check.Equal(t, create(threads[1], "D:(A;;FA;;;WD)"), c.want,
			"I-130: adding an instance to a pipe whose descriptor grants %#x", uint32(c.mask))
		check.NoError(t, sys.Close())
	}
}

// hex returns a mask in SDDL syntax.
func hex(m winnt.AccessMask) string {
	const digits = "0123456789abcdef"
	text := "0x"
	for shift := 28; shift >= 0; shift -= 4 {
		text += string(digits[m>>shift&15])
	}
	return text
}

// A write above the quota of an empty pipe completes when the rest fits. A timeout and a close discard the unread
// data (I-152).
func TestLargeWriteWaitsForReader(t *testing.T) {
	_, server, client := pipePair(t)
	l := check.Must(server.ListenPipe("orders", everyone))
	defer l.Close()
	c := check.Must(client.DialPipe("orders", nil))
	s := check.Must(l.AcceptPipe())
	defer s.Close()
	const size, quota = 100_000, 1 << 16
	_ = c.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
	if n, err := c.Write(make([]byte, size)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("write without a reader = %d bytes, %v, want 0 and a deadline error", n, err)
	}
	_ = c.SetWriteDeadline(time.Time{})
	type ended struct {
		n   int
		err error
	}
	done := make(chan ended, 1)
	write := func() {
		n, err := c.Write(make([]byte, size))
		done <- ended{n, err}
	}
	go write()
	check.NoError(t, check.Err(io.ReadFull(s, make([]byte, size-quota))))
	if e := <-done; e.n != size || e.err != nil {
		t.Errorf("write after a reader took all but the quota = %+v, want %d bytes, no error", e, size)
	}
	check.NoError(t, check.Err(io.ReadFull(s, make([]byte, quota))))
	go write()
	check.NoError(t, check.Err(io.ReadFull(s, make([]byte, 7))))
	_ = c.Close()
	if e := <-done; e.n != 7 || !errors.Is(e.err, net.ErrClosed) {
		t.Errorf("write whose pipe was closed after 7 bytes = %+v, want 7 bytes, error %v", e, net.ErrClosed)
	}
	if n, err := s.Read(make([]byte, 9)); n != 0 || err != io.EOF {
		t.Errorf("read after the cancelled write = %d bytes, %v, want 0, %v", n, err, io.EOF)
	}
}

// At most 256 reads wait at one end. Closing it ends them all (I-141).
func TestPendingReadsAreBounded(t *testing.T) {
	w := newPendingWorld(t, 8)
	w.connect()
	var ends atomic.Int32
	var got nt.IOResult
	pending := 0
	for range 1000 {
		st := w.read(w.th, w.server, later(&ends, &got))
		if st == ntstatus.Pending {
			pending++
		} else if st != ntstatus.InsufficientResources {
			t.Fatal(st)
		}
	}
	check.That(t, pending == 256, "I-141: %d reads wait at one end, want 256", pending)
	w.must(w.th.NtClose(w.server))
	n := ends.Load()
	check.That(t, n == 256, "%d reads ended with the handle, want 256", n)
}

// Creating a pipe with no access at all fails and leaves no pipe (I-155).
func TestPipeWithoutAccessIsRefused(t *testing.T) {
	p := newPipeSide(t)
	h, st := p.make(func(in *nt.CreateNamedPipeFileIn) { in.DesiredAccess = 0 })
	check.That(t, st == ntstatus.AccessDenied && h == 0,
		"creating a pipe without access = %v, handle %#x, want STATUS_ACCESS_DENIED and no handle", st, h)
	_, st = p.client.NtOpenFile(both, &nt.ObjectAttributes{ObjectName: `\??\pipe\m`}, 0, 0)
	check.Equal(t, st, ntstatus.ObjectNameNotFound, "opening the refused pipe")
	p.made(func(in *nt.CreateNamedPipeFileIn) { in.DesiredAccess = winnt.SYNCHRONIZE })
}

// A client's end starts in byte mode, also on a message pipe, until the client sets the read mode (I-157).
func TestClientStartsInByteMode(t *testing.T) {
	p := newPipeSide(t)
	s := p.made(nil)
	c := p.open(both)
	for _, text := range []string{"ab", "cd"} {
		p.must(check.Status(p.server.NtWriteFile(s, []byte(text))))
	}
	i, st := p.client.NtQueryInformationFile(c, nt.FilePipeInformation)
	if p.must(st); i != (nt.PipeInformation{}) {
		t.Errorf("modes of a new client = %+v, want both 0", i)
	}
	if b, st := p.client.NtReadFile(c, 3); string(b) != "abc" || st != ntstatus.Success {
		t.Errorf(`read across two messages = %q, %v, want "abc", %v`, b, st, ntstatus.Success)
	}
	p.must(p.client.NtSetInformationFile(c, nt.FilePipeInformation, nt.PipeInformation{ReadMode: 1}))
	p.must(check.Status(p.server.NtWriteFile(s, []byte("ef"))))
	if b, st := p.client.NtReadFile(c, 3); string(b) != "d" || st != ntstatus.Success {
		t.Errorf(`read of the rest = %q, %v, want "d", %v`, b, st, ntstatus.Success)
	}
	if b, st := p.client.NtReadFile(c, 1); string(b) != "e" || st != ntstatus.BufferOverflow {
		t.Errorf(`read in message mode = %q, %v, want "e", %v`, b, st, ntstatus.BufferOverflow)
	}
}

// The first instance sets a pipe's maximum number of instances, whatever later ones request (I-85).
func TestFirstInstanceSetsTheLimit(t *testing.T) {
	_, th := userThread(t, token.LocalSystem())
	for i, c := range []struct{ first, other uint32 }{{1, 1}, {1, 5}, {2, 1}, {3, 1}, {3, 3}, {3, 200}} {
		create := func(instances uint32) ntstatus.Status {
			return check.Status(th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{DesiredAccess: winnt.FILE_ALL_ACCESS,
				CreateDisposition: winnt.FILE_OPEN_IF, MaximumInstances: instances,
				ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: fmt.Sprintf(`\??\pipe\limit%d`, i)})}))
		}
		for n := range c.first {
			asked := c.other
			if n == 0 {
				asked = c.first
			}
			check.Equal(t, create(asked), ntstatus.Success, "I-85: %+v: creating instance %d", c, n+1)
		}
		check.Equal(t, create(c.other), ntstatus.InstanceNotAvailable, "I-85: %+v: creating one instance too many", c)
	}
}
