package services_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// An object created without a descriptor, or without an owner in it, belongs to the user that the thread
// impersonates. This holds for every type: pipes, named objects and tokens (O-38).
func TestNewObjectBelongsToEffectiveUser(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	privileges := []winnt.Privilege{winnt.SeImpersonatePrivilege, winnt.SeCreateGlobalPrivilege,
		winnt.SeCreateTokenPrivilege}
	th, k := w.thread(w.process("server", privileges...))
	all := makers(t, w, th, k)
	tok := w.token(k, client, winnt.SecurityImpersonation, privileges...)
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_DUPLICATE|winnt.READ_CONTROL))
	for _, owner := range []string{svc, client} {
		copied := check.Result(th.NtDuplicateToken(own, 0,
			&nt.ObjectAttributes{SecurityDescriptor: sddl.MustParse("D:(A;;GA;;;WD)")}, false, winnt.TokenPrimary))
		d := check.Result(th.NtQuerySecurityObject(copied, winnt.OWNER_SECURITY_INFORMATION))
		check.Equal(t, d.Owner().String(), owner, "owner of a token with a DACL")
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
			check.Success(t, th.NtClose(again))
			check.Success(t, th.NtClose(h))
		}
		check.Success(t, k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation))
	}
	want(t, "T-30: the client opens the server's token", check.Status(th.NtOpenProcessToken(winnt.NtCurrentProcess,
		winnt.TOKEN_QUERY)), ntstatus.AccessDenied)
	k.PsRevertToSelf()
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
	want(t, "I-85: one instance more", create("many", func(*nt.CreateNamedPipeFileIn) {}),
		ntstatus.InstanceNotAvailable)
	// The first instance sets the limit, whatever later ones request.
	for n, wanted := range []ntstatus.Status{ntstatus.Success, ntstatus.Success, ntstatus.InstanceNotAvailable} {
		st := create("two", func(in *nt.CreateNamedPipeFileIn) { in.MaximumInstances = 2 + 3*uint32(n) })
		want(t, "I-85: the first of two instances, or a later one", st, wanted)
	}
}

// A client that gets no handle leaves the instance to others, whether a right, a privilege, memory or a level was
// missing (I-80, I-85).
func TestRefusedClientLeavesInstanceFree(t *testing.T) {
	var memory inject.Injector
	w := newWorld(t, kernel.Config{Faults: memory.Point})
	th, k := w.thread(w.process("server", winnt.SeCreateGlobalPrivilege))
	server := check.Result(th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{NamedPipeType: 1, ReadMode: 1,
		InboundQuota: 8, DesiredAccess: winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA,
		ObjectAttributes: nt.Cap(named(`\Device\NamedPipe\r`))}))
	delegates := named(`\Device\NamedPipe\r`)
	delegates.SecurityQualityOfService = &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityDelegation}
	w.impersonate(k, svc, winnt.SecurityImpersonation)
	_, st := th.NtOpenFile(winnt.FILE_WRITE_DATA, delegates, 3, 0)
	want(t, "open for a level above the client's own", st, ntstatus.BadImpersonationLevel)
	k.PsRevertToSelf()
	for _, tracking := range []nt.SecurityQualityOfService{{ImpersonationLevel: winnt.SecurityImpersonation},
		{ImpersonationLevel: winnt.SecurityImpersonation, ContextTrackingMode: winnt.SECURITY_DYNAMIC_TRACKING}} {
		name := named(`\Device\NamedPipe\r`)
		name.SecurityQualityOfService = &tracking
		_, st = th.NtOpenFile(winnt.ACCESS_SYSTEM_SECURITY, name, 3, 0)
		want(t, "open without the privilege", st, ntstatus.PrivilegeNotHeld)
		_, st = th.NtOpenFile(winnt.ACCESS_SYSTEM_SECURITY|0x00400000, name, 3, 0)
		want(t, "O-20: open for a reserved bit", st, ntstatus.AccessDenied)
		want(t, "open for nothing", check.Status(th.NtOpenFile(0, name, 3, 0)), ntstatus.AccessDenied)
		memory.Fail(ntstatus.InsufficientResources.Err(), inject.Kind("ob: handle"))
		_, st = th.NtOpenFile(winnt.FILE_READ_DATA, name, 3, 0)
		want(t, "open without memory", st, ntstatus.InsufficientResources)
		memory.Fail(nil)
	}
	end := check.Result(th.NtOpenFile(winnt.FILE_READ_DATA, named(`\Device\NamedPipe\r`), 3, 0))
	want(t, "close the client", th.NtClose(end), ntstatus.Success)
	want(t, "close the server", th.NtClose(server), ntstatus.Success)
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

// A server that impersonates before a client has connected gets STATUS_PIPE_LISTENING, and in the profile Observed
// STATUS_CANNOT_IMPERSONATE. A disconnected pipe has the same status in both (T-133).
func TestImpersonationOfListeningPipeDependsOnProfile(t *testing.T) {
	for profile, listening := range map[nt.Profile]ntstatus.Status{nt.Documented: ntstatus.PipeListening,
		nt.Observed: ntstatus.CannotImpersonate} {
		w := newWorld(t, kernel.Config{Profile: profile})
		th, _ := w.thread(w.process("server"))
		h := check.Result(th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{DesiredAccess: winnt.FILE_READ_DATA,
			ObjectAttributes: nt.Cap(named(`\??\pipe\p`))}))
		want(t, "listening", th.NtFsControlFile(h, winnt.FSCTL_PIPE_IMPERSONATE), listening)
		end := check.Result(th.NtOpenFile(winnt.FILE_WRITE_DATA, named(`\??\pipe\p`), 3, 0))
		want(t, "disconnect", th.NtFsControlFile(h, winnt.FSCTL_PIPE_DISCONNECT), ntstatus.Success)
		want(t, "disconnected", th.NtFsControlFile(h, winnt.FSCTL_PIPE_IMPERSONATE), ntstatus.InvalidPipeState)
		check.Success(t, th.NtClose(end))
	}
}

// Creating a pipe with no access at all fails and leaves no pipe (I-155).
func TestPipeWithoutAccessIsRefused(t *testing.T) {
	p := newPipeSide(t)
	h, st := p.make(func(in *nt.CreateNamedPipeFileIn) { in.DesiredAccess = 0 })
	check.That(t, st == ntstatus.AccessDenied && h == 0,
		"creating a pipe without access = %v, handle %#x, want STATUS_ACCESS_DENIED and no handle", st, h)
	_, st = p.client.NtOpenFile(both, &nt.ObjectAttributes{ObjectName: `\??\pipe\m`}, 0, 0)
	check.Equal(t, st, ntstatus.ObjectNameNotFound, "opening the refused pipe")
	st = check.Status(p.make(func(in *nt.CreateNamedPipeFileIn) { in.CreateDisposition = winnt.FILE_OPEN }))
	check.Equal(t, st, ntstatus.ObjectNameNotFound, "another instance of a pipe that does not exist")
	p.made(func(in *nt.CreateNamedPipeFileIn) { in.ObjectAttributes.V.ObjectName = `\??\pipe\a\m` })
	_, st = p.client.NtOpenFile(both, &nt.ObjectAttributes{ObjectName: `\??\pipe\m`}, 0, 0)
	check.Equal(t, st, ntstatus.ObjectNameNotFound, "the last part of another pipe's name")
	p.made(func(in *nt.CreateNamedPipeFileIn) { in.DesiredAccess = winnt.SYNCHRONIZE })
}

// Adding an instance requires FILE_CREATE_PIPE_INSTANCE in the descriptor of the name, whatever else it grants
// (I-130).
func TestAddingInstanceNeedsRight(t *testing.T) {
	for mask, wanted := range map[winnt.AccessMask]ntstatus.Status{winnt.FILE_CREATE_PIPE_INSTANCE: ntstatus.Success,
		winnt.FILE_ALL_ACCESS: ntstatus.Success, winnt.FILE_READ_DATA: ntstatus.AccessDenied,
		winnt.FILE_ALL_ACCESS &^ winnt.FILE_CREATE_PIPE_INSTANCE: ntstatus.AccessDenied} {
		w := newWorld(t, kernel.Config{})
		for i, descriptor := range []string{fmt.Sprintf("D:(A;;%#x;;;%s)", uint32(mask), client), "D:(A;;FA;;;WD)"} {
			th, _ := w.thread(w.with("p", value(t, []string{svc, client}[i], winnt.TokenPrimary, 0)))
			st := check.Status(th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{DesiredAccess: winnt.SYNCHRONIZE,
				CreateDisposition: winnt.FILE_OPEN_IF, ObjectAttributes: nt.Cap(&nt.ObjectAttributes{
					ObjectName: `\??\pipe\many`, SecurityDescriptor: sddl.MustParse(descriptor)})}))
			check.Equal(t, st, []ntstatus.Status{ntstatus.Success, wanted}[i],
				"I-130: instance %d of a pipe that grants %#x", i, uint32(mask))
		}
	}
}

// TestUnnamedPipeIsOpenedOnceThroughItsServer checks that an empty name below the device creates an unnamed pipe with
// one instance, and that an empty name below the server's end opens it once (I-161).
func TestUnnamedPipeIsOpenedOnceThroughItsServer(t *testing.T) {
	p := newPipeSide(t)
	device := p.device(p.server)
	unnamed := func(in *nt.CreateNamedPipeFileIn) {
		in.ObjectAttributes.V.RootDirectory, in.ObjectAttributes.V.ObjectName = device, ""
		in.ShareAccess, in.NamedPipeType, in.ReadMode = winnt.FILE_SHARE_WRITE, 0, 0
	}
	s, other := p.made(unnamed), p.made(unnamed)
	below := &nt.ObjectAttributes{RootDirectory: s}
	check.Equal(t, check.Status(p.server.NtOpenFile(winnt.GENERIC_READ, below, 0, 0)), ntstatus.AccessDenied,
		"opening the writing end for reading")
	check.Equal(t, check.Status(p.server.NtOpenFile(winnt.ACCESS_SYSTEM_SECURITY, below, 0, 0)),
		ntstatus.PrivilegeNotHeld, "opening it for the SACL")
	c := check.Result(p.server.NtOpenFile(winnt.GENERIC_WRITE, below, 0, 0))
	check.Equal(t, check.Status(p.server.NtOpenFile(winnt.GENERIC_WRITE, below, 0, 0)), ntstatus.PipeNotAvailable,
		"opening a second client")
	check.Equal(t, check.Result(p.server.NtWriteFile(c, []byte("hello"))), 5, "I-135: bytes written")
	if b, st := p.server.NtReadFile(s, 9); string(b) != "hello" || st != ntstatus.Success {
		t.Errorf(`reading from the pipe = %q, %v, want "hello", %v`, b, st, ntstatus.Success)
	}
	check.Equal(t, p.state(p.server, other), winnt.FILE_PIPE_LISTENING_STATE, "another unnamed pipe has state")
	i, st := p.server.NtQueryInformationFile(s, nt.FileNameInformation)
	if p.must(st); i.(nt.NameInformation).FileName != "" {
		t.Errorf("name of an unnamed pipe = %+v, want an empty one", i)
	}
	below.RootDirectory = p.made(nil)
	check.Equal(t, check.Status(p.server.NtOpenFile(winnt.GENERIC_WRITE, below, 0, 0)), ntstatus.ObjectTypeMismatch,
		"an empty name below a pipe with a name")
	below.RootDirectory, below.ObjectName = device, `\m`
	check.Equal(t, check.Status(p.server.NtOpenFile(winnt.GENERIC_WRITE, below, 0, 0)), ntstatus.ObjectTypeMismatch,
		"I-160: a name below the device that begins with a backslash")
	p.must(p.server.NtClose(s))
	if _, st := p.server.NtWriteFile(c, []byte("x")); !strings.Contains(st.String(), "PIPE_CLOSING") {
		t.Errorf(`writing after the reader closed: %v, want a status with "PIPE_CLOSING"`, st)
	}
}
