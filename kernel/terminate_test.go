package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// ends returns what a process and a thread ended with.
func ends(t *testing.T, th *nt.Thread, process, thread winnt.Handle) [2]ntstatus.Status {
	t.Helper()
	p, st := th.NtQueryInformationProcess(process, nt.ProcessBasicInformation)
	is(t, "NtQueryInformationProcess", 0, st, 0, ntstatus.Success)
	w, st := th.NtQueryInformationThread(thread, nt.ThreadBasicInformation)
	is(t, "NtQueryInformationThread", 0, st, 0, ntstatus.Success)
	return [2]ntstatus.Status{p.(nt.ProcessBasic).ExitStatus, w.(nt.ThreadBasic).ExitStatus}
}

// TestTerminate: what a process ended with is told of it and of its threads, but of a
// thread that ended before; it ends once, and the record has the status (O-169, U-86).
func TestTerminate(t *testing.T) {
	sys, sink := recordsEnds(t)
	tok, err := token.New(token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1107")))
	if err != nil {
		t.Fatal(err)
	}
	p, err := sys.NewProcess("maker", tok)
	if err != nil {
		t.Fatal(err)
	}
	th, err := p.NewThread()
	if err != nil {
		t.Fatal(err)
	}
	const pending, code = ntstatus.Pending, ntstatus.Status(7)
	made, st := th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
		ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS})
	is(t, "NtCreateUserProcess", 0, st, 0, ntstatus.Success)
	if got := ends(t, th, made.ProcessHandle, made.ThreadHandle); got != [2]ntstatus.Status{pending, pending} {
		t.Errorf("before the end: %v", got)
	}
	second, err := sys.Process(made.ClientID.UniqueProcess).NewThread()
	if err != nil {
		t.Fatal(err)
	}
	early, st := th.NtGetNextThread(made.ProcessHandle, made.ThreadHandle, winnt.THREAD_QUERY_LIMITED_INFORMATION, 0, 0)
	is(t, "NtGetNextThread", 0, st, 0, ntstatus.Success)
	second.Close()

	is(t, "NtTerminateProcess", 0, th.NtTerminateProcess(made.ProcessHandle, code), 0, ntstatus.Success)
	is(t, "again", 0, th.NtTerminateProcess(made.ProcessHandle, 8), 0, ntstatus.ProcessIsTerminating)
	if got := ends(t, th, made.ProcessHandle, made.ThreadHandle); got != [2]ntstatus.Status{code, code} {
		t.Errorf("after the end: %v", got)
	}
	if got := ends(t, th, made.ProcessHandle, early); got != [2]ntstatus.Status{code, ntstatus.Success} {
		t.Errorf("the thread that ended before: %v", got)
	}
	_, st = th.NtWaitForSingleObject(made.ProcessHandle, false)
	is(t, "the wait", 0, st, 0, ntstatus.Success)

	isEnd(t, sink, "maker.1", "0x7")
	th.Close()
	if err := sys.Close(); err != nil {
		t.Error(err)
	}
}

// TestTerminateSystem: no program ends the System process, whatever its handle grants (O-170).
func TestTerminateSystem(t *testing.T) {
	_, th := userThread(t, token.LocalSystem())
	h, st := th.NtOpenProcess(winnt.PROCESS_TERMINATE, nil, &nt.ClientID{UniqueProcess: 4})
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	is(t, "NtTerminateProcess", 0, th.NtTerminateProcess(h, 0), 0, ntstatus.AccessDenied)
	info, st := th.NtGetNextProcess(0, winnt.PROCESS_QUERY_LIMITED_INFORMATION, 0, 0)
	is(t, "NtGetNextProcess", 0, st, 0, ntstatus.Success)
	if got, _ := th.NtQueryInformationProcess(info, nt.ProcessBasicInformation); got.(nt.ProcessBasic).ExitStatus !=
		ntstatus.Pending {
		t.Errorf("the System process ended with %s", got.(nt.ProcessBasic).ExitStatus)
	}
}
