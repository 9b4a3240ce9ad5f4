package services_test

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/lpc"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// named are the attributes of an object that everyone may use.
func named(name string) *nt.ObjectAttributes {
	return &nt.ObjectAttributes{ObjectName: name, SecurityDescriptor: sddl.MustParse("O:SYG:SYD:(A;;GA;;;WD)")}
}

func want(t *testing.T, what string, got, want ntstatus.Status) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// TestPipeQuota: what fills the quota to its last byte is written, a byte more waits
// for a reader, and an empty pipe takes any message (I-85).
func TestPipeQuota(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	p := w.process("server", winnt.SeCreateGlobalPrivilege)
	th, _ := w.thread(p)
	server, st := th.NtCreateNamedPipeFile(nt.CreateNamedPipeFileIn{NamedPipeType: 1, ReadMode: 1, InboundQuota: 8,
		DesiredAccess:    winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA,
		ObjectAttributes: nt.Cap(named(`\Device\NamedPipe\q`))})
	want(t, "create", st, ntstatus.Success)
	own := named(`\Device\NamedPipe\q`) // what is not written leaves no context of its writer behind
	own.SecurityQualityOfService = &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation,
		ContextTrackingMode: winnt.SECURITY_DYNAMIC_TRACKING}
	end, st := th.NtOpenFile(winnt.FILE_READ_DATA|winnt.FILE_WRITE_DATA, own, 3, 0)
	want(t, "open", st, ntstatus.Success)
	for i, c := range []struct {
		write int // bytes; 0 reads a message instead
		want  ntstatus.Status
	}{{9, ntstatus.Success}, {1, ntstatus.PipeBusy}, {0, 0}, {5, ntstatus.Success}, {3, ntstatus.Success},
		{1, ntstatus.PipeBusy}, {0, 0}, {4, ntstatus.Success}, {2, ntstatus.PipeBusy}, {1, ntstatus.Success}} {
		if c.write == 0 {
			_, st = th.NtReadFile(server, 100)
		} else {
			_, st = th.NtWriteFile(end, make([]byte, c.write))
		}
		if st != c.want {
			t.Errorf("I-85: step %d, %d bytes: %v, want %v", i, c.write, st, c.want)
		}
	}
}

// TestPortBounds: a client of a port is connected when the server has accepted it,
// has at most MaxRequests requests waiting, and its port accepts no one (I-88).
func TestPortBounds(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th := w.system("server") // who may make a name in the root
	s := th.Services()
	port, st := s.NtCreatePort(nt.CreatePortIn{ObjectAttributes: nt.Cap(named(`\orders`)), MaxMessageLength: 4})
	want(t, "create", st, ntstatus.Success)
	client, st := s.NtConnectPort(nt.ConnectPortIn{PortName: `\orders`})
	want(t, "connect", st, ntstatus.Success)
	_, _, st = s.PortConnected(client.PortHandle)
	want(t, "before it is accepted", st, ntstatus.Pending)
	_, st = s.NtAcceptConnectPort(nt.AcceptConnectPortIn{ConnectionPortHandle: client.PortHandle})
	want(t, "I-88: a client's port accepts", st, ntstatus.InvalidPortHandle)
	comm, st := s.NtAcceptConnectPort(nt.AcceptConnectPortIn{ConnectionPortHandle: port.PortHandle})
	want(t, "accept", st, ntstatus.Success)
	_, longest, st := s.PortConnected(client.PortHandle)
	if want(t, "after it is accepted", st, ntstatus.Success); longest != 4 {
		t.Errorf("the longest message has %d bytes", longest)
	}
	_, st = s.NtAcceptConnectPort(nt.AcceptConnectPortIn{ConnectionPortHandle: comm.PortHandle})
	want(t, "I-88: a server's communication port accepts", st, ntstatus.InvalidPortHandle)
	ask := func(text string) ntstatus.Status {
		_, st := s.NtRequestWaitReplyPort(nt.RequestWaitReplyPortIn{PortHandle: client.PortHandle,
			Request: nt.Cap([]byte(text))})
		return st
	}
	want(t, "a message too long", ask("12345"), ntstatus.PortMessageTooLong)
	for i := range lpc.MaxRequests {
		if st := ask("1234"); st != ntstatus.Pending {
			t.Fatalf("request %d: %v", i, st)
		}
	}
	want(t, "one request more", ask("1"), ntstatus.InsufficientResources)
}

// TestInformationClassOfProcesses: of the classes only that of the primary token is
// served, before anything else is looked at (T-110).
func TestInformationClassOfProcesses(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("server"))
	for _, class := range []nt.ProcessInfoClass{0, 1, nt.ProcessAccessToken - 1, nt.ProcessAccessToken + 1, 1 << 30} {
		want(t, "T-110", th.NtSetInformationProcess(winnt.NtCurrentProcess, class, 400), ntstatus.InvalidInfoClass)
	}
	want(t, "T-110", th.NtSetInformationProcess(winnt.NtCurrentProcess, nt.ProcessAccessToken, 400),
		ntstatus.InvalidHandle)
}

// TestOpenWithAttributes: an attribute that the type takes does not stand in the way
// of an open by id (O-22).
func TestOpenWithAttributes(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	p := w.process("server")
	th, _ := w.thread(p)
	for attributes, st := range map[uint32]ntstatus.Status{0: 0, winnt.OBJ_INHERIT: 0,
		winnt.OBJ_PERMANENT:                     ntstatus.InvalidParameter,
		winnt.OBJ_INHERIT | winnt.OBJ_PERMANENT: ntstatus.InvalidParameter} {
		h, got := th.NtOpenProcess(winnt.PROCESS_QUERY_LIMITED_INFORMATION, &nt.ObjectAttributes{Attributes: attributes},
			&nt.ClientID{UniqueProcess: p.ID()})
		want(t, "O-22", got, st)
		if got == ntstatus.Success {
			want(t, "close", th.NtClose(h), ntstatus.Success)
		}
	}
}
