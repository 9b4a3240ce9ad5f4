package services_test

import (
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// I-73: the thread of the server handle acts as the client does, not the one that asks.
func TestImpersonateThreadOfAnother(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	p := w.process("server", winnt.SeImpersonatePrivilege)
	asks, _ := w.thread(p)
	server, serves := w.thread(p)
	acts, k := w.thread(w.process("client"))
	tok := w.token(k, svc, winnt.SecurityImpersonation)
	want(t, "the client acts", k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation),
		ntstatus.Success)
	handle := func(th *nt.Thread, rights winnt.AccessMask) winnt.Handle {
		v, st := th.NtQueryInformationThread(winnt.NtCurrentThread, nt.ThreadBasicInformation)
		want(t, "who it is", st, ntstatus.Success)
		id := v.(nt.ThreadBasic).ClientID
		h, st := asks.NtOpenThread(rights, &nt.ObjectAttributes{}, &nt.ClientID{UniqueThread: id.UniqueThread})
		want(t, "open it", st, ntstatus.Success)
		return h
	}
	to, from := handle(server, winnt.THREAD_DIRECT_IMPERSONATION), handle(acts, winnt.THREAD_IMPERSONATE)
	qos := &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation}
	want(t, "handles the wrong way round", asks.NtImpersonateThread(from, to, qos), ntstatus.AccessDenied)
	want(t, "impersonate", asks.NtImpersonateThread(to, from, qos), ntstatus.Success)
	if !serves.Thread().IsImpersonating() || w.sys.KernelMode(asks).Thread().IsImpersonating() {
		t.Error("the thread that asks acts as the client, or the server does not")
	}
	serves.PsRevertToSelf()
	k.PsRevertToSelf()
}

// I-20: attributes are looked at before the thread's handle, and that before the token.
func TestOpenThreadTokenOrder(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("p"))
	for _, c := range []struct {
		thread     winnt.Handle
		attributes uint32
		want       ntstatus.Status
	}{
		{4000, winnt.OBJ_PERMANENT, ntstatus.InvalidParameter},
		{winnt.NtCurrentProcess, winnt.OBJ_PERMANENT, ntstatus.InvalidParameter},
		{4000, winnt.OBJ_INHERIT, ntstatus.InvalidHandle},
		{winnt.NtCurrentProcess, winnt.OBJ_INHERIT, ntstatus.ObjectTypeMismatch},
		{winnt.NtCurrentThread, winnt.OBJ_INHERIT, ntstatus.NoToken},
	} {
		_, st := th.NtOpenThreadTokenEx(c.thread, winnt.RESERVED_RIGHTS, true, c.attributes)
		want(t, "thread and attributes", st, c.want)
	}
}

// I-95: a flag that is not supported is refused, of the process and of its thread alike.
func TestCreateProcessFlags(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("p"))
	for bit := range 32 {
		flag := uint32(1) << bit
		for _, in := range []nt.CreateUserProcessIn{{ProcessFlags: flag}, {ThreadFlags: flag}} {
			if in.ProcessFlags == winnt.PROCESS_CREATE_FLAGS_INHERIT_HANDLES ||
				in.ThreadFlags == winnt.THREAD_CREATE_FLAGS_CREATE_SUSPENDED {
				continue
			}
			if _, st := th.NtCreateUserProcess(in); st != ntstatus.InvalidParameter {
				t.Errorf("process flags %#x, thread flags %#x: %v", in.ProcessFlags, in.ThreadFlags, st)
			}
		}
	}
}

// I-80, I-85: a client that cannot give the level that it promises gets no connection, and
// leaves the instance to others. A server whose client has gone does not listen again before
// it has disconnected it.
func TestClientsComeAndGo(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("server", winnt.SeCreateGlobalPrivilege))
	server, st := th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{DesiredAccess: winnt.FILE_READ_DATA,
		MaximumInstances: 1, ObjectAttributes: nt.Cap(named(`\Device\NamedPipe\g`))})
	want(t, "create", st, ntstatus.Success)
	other, k := w.thread(w.process("client", winnt.SeImpersonatePrivilege))
	tok := w.token(k, svc, winnt.SecurityImpersonation)
	want(t, "act", k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation), ntstatus.Success)
	name := named(`\Device\NamedPipe\g`)
	name.SecurityQualityOfService = &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityDelegation}
	_, st = other.NtOpenFile(winnt.FILE_WRITE_DATA, name, 3, 0)
	want(t, "a level above the client's own", st, ntstatus.BadImpersonationLevel)
	k.PsRevertToSelf()
	listen := func() ntstatus.Status {
		_, st := th.Services().NtFsControlFile(nt.FsControlFileIn{FileHandle: server,
			FsControlCode: winnt.FSCTL_PIPE_LISTEN})
		return st
	}
	want(t, "without a client", listen(), ntstatus.PipeListening)
	for range 2 {
		end, st := other.NtOpenFile(winnt.FILE_WRITE_DATA, named(`\Device\NamedPipe\g`), 3, 0)
		want(t, "open", st, ntstatus.Success)
		want(t, "with a client", listen(), ntstatus.PipeConnected)
		want(t, "close the client", other.NtClose(end), ntstatus.Success)
		want(t, "when the client has gone", listen(), ntstatus.PipeClosing)
		_, st = other.NtOpenFile(winnt.FILE_WRITE_DATA, named(`\Device\NamedPipe\g`), 3, 0)
		want(t, "before the server disconnects", st, ntstatus.PipeNotAvailable)
		_, st = th.Services().NtFsControlFile(nt.FsControlFileIn{FileHandle: server,
			FsControlCode: winnt.FSCTL_PIPE_DISCONNECT})
		want(t, "disconnect", st, ntstatus.Success)
		want(t, "afterwards", listen(), ntstatus.PipeListening)
	}
}

// O-38, I-88: who may connect to a port is said by the descriptor that its creator gives.
func TestDescriptorOfAPort(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th := w.system("server") // who may make a name in the root
	other, _ := w.thread(w.process("client"))
	for text, wanted := range map[string]ntstatus.Status{
		"O:SYG:SYD:(A;;0x1;;;" + svc + ")(A;;GA;;;SY)": ntstatus.Success,
		"O:SYG:SYD:(D;;0x1;;;" + svc + ")(A;;GA;;;WD)": ntstatus.AccessDenied} {
		name := named(`\orders`)
		name.SecurityDescriptor = sddl.MustParse(text)
		port, st := th.Services().NtCreatePort(nt.CreatePortIn{ObjectAttributes: nt.Cap(name)})
		want(t, "create", st, ntstatus.Success)
		client, st := other.Services().NtConnectPort(nt.ConnectPortIn{PortName: `\orders`})
		if want(t, "connect to a port of "+text, st, wanted); st == ntstatus.Success {
			want(t, "close", other.NtClose(client.PortHandle), ntstatus.Success)
		}
		want(t, "close", th.NtClose(port.PortHandle), ntstatus.Success)
	}
}

// O-66: a change of security that is made while another one is under way is not lost: each
// begins again from what the other made.
func TestChangesOfSecurityMeet(t *testing.T) {
	var meets func()
	w := newWorld(t, kernel.Config{Faults: func(point string) bool {
		if f := meets; f != nil && point == "se: descriptor" {
			meets = nil
			f()
		}
		return false
	}})
	p := w.process("p")
	a, _ := w.thread(p)
	b, _ := w.thread(p)
	event, st := a.NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{
		SecurityDescriptor: sddl.MustParse("O:" + svc + "G:" + svc + "D:(A;;GA;;;WD)")}, nt.NotificationEvent, false)
	want(t, "make an event", st, ntstatus.Success)
	meets = func() {
		want(t, "the group meanwhile", b.NtSetSecurityObject(event, winnt.GROUP_SECURITY_INFORMATION,
			sddl.MustParse("G:WD")), ntstatus.Success)
	}
	want(t, "the list", a.NtSetSecurityObject(event, winnt.DACL_SECURITY_INFORMATION, sddl.MustParse("D:(A;;0x1;;;SY)")),
		ntstatus.Success)
	got, st := a.NtQuerySecurityObject(event, winnt.GROUP_SECURITY_INFORMATION|winnt.DACL_SECURITY_INFORMATION)
	want(t, "what is there", st, ntstatus.Success)
	if text, err := sddl.Format(got, sddl.Options{}); err != nil || text != "G:WDD:(A;;CC;;;SY)" {
		t.Errorf("both changes: %s", text)
	}
}

// O-28, O-29: kernel mode may ask for OBJ_KERNEL_HANDLE and nothing else, and must outside the
// System process.
func TestAttributesOfTokenHandles(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	_, outside := w.thread(w.process("p"))
	inside, err := w.sys.SystemThread()
	if err != nil {
		t.Fatal(err)
	}
	const inherit, kernelHandle = winnt.OBJ_INHERIT, winnt.OBJ_KERNEL_HANDLE
	for _, c := range []struct {
		attributes      uint32
		inside, outside ntstatus.Status
	}{
		{0, ntstatus.Success, ntstatus.InvalidParameter},
		{kernelHandle, ntstatus.Success, ntstatus.Success},
		{inherit, ntstatus.InvalidParameter, ntstatus.InvalidParameter},
		{inherit | kernelHandle, ntstatus.InvalidParameter, ntstatus.InvalidParameter},
		{winnt.OBJ_FORCE_ACCESS_CHECK | kernelHandle, ntstatus.InvalidParameter, ntstatus.InvalidParameter},
	} {
		for k, wanted := range map[*kernel.KernelThread]ntstatus.Status{inside: c.inside, outside: c.outside} {
			h, st := k.ZwOpenProcessTokenEx(winnt.NtCurrentProcess, winnt.TOKEN_QUERY, c.attributes)
			if want(t, "open", st, wanted); st != ntstatus.Success {
				continue
			}
			if (h < 0) != (c.attributes&kernelHandle != 0) {
				t.Errorf("attributes %#x: handle %#x", c.attributes, int64(h))
			}
			want(t, "close", k.ZwClose(h), ntstatus.Success)
		}
	}
}

// O-170: the System process is ended by no program, whatever its handle grants and whatever
// privileges it has.
func TestSystemIsNotEnded(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("debugger", winnt.SeDebugPrivilege, winnt.SeShutdownPrivilege, winnt.SeTcbPrivilege))
	h, st := th.NtOpenProcess(winnt.PROCESS_ALL_ACCESS, &nt.ObjectAttributes{}, &nt.ClientID{UniqueProcess: 4})
	want(t, "open the System process", st, ntstatus.Success)
	want(t, "end it", th.NtTerminateProcess(h, 0), ntstatus.AccessDenied)
	v, st := th.NtQueryInformationProcess(h, nt.ProcessBasicInformation)
	if b, ok := v.(nt.ProcessBasic); st != ntstatus.Success || !ok || b.ExitStatus != ntstatus.Pending {
		t.Errorf("afterwards: %+v, %v", v, st)
	}
}

// O-145, O-146: to look at a signal's changes takes nothing: the wait that follows does.
func TestLookingTakesNothing(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("p"))
	event, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.SynchronizationEvent, true)
	want(t, "make an event", st, ntstatus.Success)
	for range 2 {
		if _, ok := th.Services().ObjectSignaled(event); !ok {
			t.Error("an event is not waited for")
		}
	}
	for _, wanted := range []ntstatus.Status{ntstatus.Success, ntstatus.Timeout} {
		_, st := th.NtWaitForSingleObject(event, false)
		want(t, "wait", st, wanted)
	}
}
