package services_test

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/lpc"
	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestPipeLimits: a pipe has at most 255 instances, and queues of at most 16 MiB; what
// asks for more is refused, and no number stands for the most (I-85).
func TestPipeLimits(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("server", winnt.SeCreateGlobalPrivilege))
	create := func(name string, change func(*nt.CreateNamedPipeFileIn)) ntstatus.Status {
		in := nt.CreateNamedPipeFileIn{DesiredAccess: winnt.FILE_READ_DATA | winnt.FILE_CREATE_PIPE_INSTANCE,
			ObjectAttributes: nt.Cap(named(`\Device\NamedPipe\` + name))}
		change(&in)
		_, st := th.NtCreateNamedPipeFile(in)
		return st
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
	if npfs.MaxInstances != 255 || npfs.MaxQuota != 16<<20 { // PIPE_UNLIMITED_INSTANCES
		t.Errorf("%d instances of %d bytes", npfs.MaxInstances, npfs.MaxQuota)
	}
	for i := range npfs.MaxInstances {
		if st := create("many", func(*nt.CreateNamedPipeFileIn) {}); st != ntstatus.Success {
			t.Fatalf("I-85: instance %d: %v", i, st)
		}
	}
	want(t, "I-85: one instance more", create("many", func(*nt.CreateNamedPipeFileIn) {}),
		ntstatus.InstanceNotAvailable)
}

// TestCallLimit: a thread takes 4,096 asynchronous procedure calls, and no more until it
// has made them (O-147).
func TestCallLimit(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	p := w.process("server")
	th, _ := w.thread(p)
	other, k := w.thread(p)
	h, st := k.ObOpenObjectByPointer(w.sys.ThreadObject(other), 0, winnt.THREAD_SET_CONTEXT, winnt.ThreadObject,
		kernel.UserMode)
	want(t, "open", st, ntstatus.Success)
	queue := func() ntstatus.Status {
		_, st := th.Services().NtQueueApcThread(nt.QueueApcThreadIn{ThreadHandle: h, ApcRoutine: 1})
		return st
	}
	for i := range ps.MaxCalls {
		if st := queue(); st != ntstatus.Success {
			t.Fatalf("call %d: %v", i, st)
		}
	}
	want(t, "one call more", queue(), ntstatus.InsufficientResources)
	out, st := other.Services().NtTestAlert(nt.TestAlertIn{})
	if want(t, "made", st, ntstatus.Success); len(out.UserApcs) != ps.MaxCalls || ps.MaxCalls != 4096 {
		t.Errorf("%d calls are made", len(out.UserApcs))
	}
	want(t, "after they are made", queue(), ntstatus.Success)
}

// TestPortLimits: a message has at most 64 KiB, whatever the server asks for, and 256
// clients can wait to be accepted (I-88).
func TestPortLimits(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th := w.system("server") // who may make a name in the root
	s := th.Services()
	for asked, longest := range map[uint32]uint32{0: 1 << 16, 1: 1, 1<<16 - 1: 1<<16 - 1, 1 << 16: 1 << 16,
		1<<16 + 1: 1 << 16, 1<<32 - 1: 1 << 16} {
		port, st := s.NtCreatePort(nt.CreatePortIn{ObjectAttributes: nt.Cap(named(`\orders`)), MaxMessageLength: asked})
		want(t, "create", st, ntstatus.Success)
		client, st := s.NtConnectPort(nt.ConnectPortIn{PortName: `\orders`})
		want(t, "connect", st, ntstatus.Success)
		_, st = s.NtAcceptConnectPort(nt.AcceptConnectPortIn{ConnectionPortHandle: port.PortHandle})
		want(t, "accept", st, ntstatus.Success)
		if _, got, st := s.PortConnected(client.PortHandle); st != ntstatus.Success || got != longest {
			t.Errorf("I-88: %d bytes asked for, the longest message has %d, %v, want %d", asked, got, st, longest)
		}
		want(t, "close", th.NtClose(client.PortHandle), ntstatus.Success)
		want(t, "close", th.NtClose(port.PortHandle), ntstatus.Success)
	}
	_, st := s.NtCreatePort(nt.CreatePortIn{ObjectAttributes: nt.Cap(named(`\queue`))})
	want(t, "create", st, ntstatus.Success)
	for i := range lpc.MaxPending {
		if _, st := s.NtConnectPort(nt.ConnectPortIn{PortName: `\queue`}); st != ntstatus.Success {
			t.Fatalf("I-88: client %d: %v", i, st)
		}
	}
	if _, st := s.NtConnectPort(nt.ConnectPortIn{PortName: `\queue`}); st == ntstatus.Success || lpc.MaxPending != 256 {
		t.Errorf("I-88: client %d is taken", lpc.MaxPending)
	}
}
