package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// W-52: a process that a service made is taken over once, by a handle with the rights
// to put a program into it, when it has started and while it runs; one that a program
// runs in has an owner.
func TestTakeOver(t *testing.T) {
	b := newBench(t)
	yes := func(*token.Token) ntstatus.Status { return ntstatus.Success }
	make := func(suspended bool) (process, thread winnt.Handle) {
		t.Helper()
		in := nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
			ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS}
		if suspended {
			in.ThreadFlags = winnt.THREAD_CREATE_FLAGS_CREATE_SUSPENDED
		}
		out, st := b.th.NtCreateUserProcess(in)
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		return out.ProcessHandle, out.ThreadHandle
	}
	want := func(what string, h winnt.Handle, may func(*token.Token) ntstatus.Status, want ntstatus.Status) {
		t.Helper()
		p, st := b.sys.TakeOver(b.th, h, may)
		if st != want || (p != nil) != (want == ntstatus.Success) {
			t.Errorf("%s: %v, %v, want %v", what, p, st, want)
		}
	}
	want("the caller's own process", winnt.NtCurrentProcess, yes, ntstatus.InvalidParameter)
	want("no handle", 0x7770, yes, ntstatus.InvalidHandle)

	child, thread := make(false)
	want("a thread", thread, yes, ntstatus.ObjectTypeMismatch)
	for _, right := range []winnt.AccessMask{winnt.PROCESS_CREATE_THREAD, winnt.PROCESS_VM_OPERATION,
		winnt.PROCESS_VM_WRITE} {
		few, st := b.th.NtDuplicateObject(winnt.NtCurrentProcess, child, winnt.NtCurrentProcess,
			winnt.PROCESS_ALL_ACCESS&^right, 0, 0)
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		want("a handle with one right less", few, yes, ntstatus.AccessDenied)
	}
	want("a token that is refused", child, func(*token.Token) ntstatus.Status { return ntstatus.PrivilegeNotHeld },
		ntstatus.PrivilegeNotHeld)
	want("a process that has started", child, yes, ntstatus.Success)
	want("a process that has an owner", child, yes, ntstatus.InvalidParameter)

	waiting, _ := make(true)
	want("a process that has not started", waiting, yes, ntstatus.InvalidParameter)
	basic, st := b.th.NtQueryInformationProcess(waiting, nt.ProcessBasicInformation)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	b.sys.Process(basic.(nt.ProcessBasic).UniqueProcessID).Exit()
	want("a process that has ended", waiting, yes, ntstatus.ProcessIsTerminating)
}
