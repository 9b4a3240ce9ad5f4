package kernel_test

import (
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// recordsEnds boots a system that records the end of each process.
func recordsEnds(t *testing.T) (*kernel.System, *audit.Memory) {
	t.Helper()
	policy := check.Must(audit.NewPolicy(audit.PolicySpec{
		System: map[audit.Subcategory]audit.Setting{audit.ProcessTermination: audit.OnSuccess},
	}))
	sink := audit.NewMemory(0, 0)
	sys := kernel.Boot(kernel.Config{Log: &audit.Log{Sink: sink}})
	sys.Audit().Policy.Store(policy)
	return sys, sink
}

// isEnd drains the sink and fails unless it had exactly one record: the end of a process of user 1107.
func isEnd(t *testing.T, sink *audit.Memory, process, status string) {
	t.Helper()
	events := sink.Drain()
	check.RequireThat(t, len(events) == 1 && events[0].ID == 4689, "audit records: %v, want exactly one 4689", events)
	for name, want := range map[string]string{"SubjectUserSid": "S-1-5-21-1-2-3-1107", "ProcessName": process,
		"Status": status} {
		got, _ := events[0].Field(name)
		check.That(t, got == want, "field %s of record 4689 is %q, want %q", name, got, want)
	}
}

// The end of a process is recorded once, even if Exit is called twice (U-86).
func TestExitIsRecordedOnce(t *testing.T) {
	sys, sink := recordsEnds(t)
	tok := check.Must(token.New(token.Spec{User: token.Group{SID: sid.MustParse("S-1-5-21-1-2-3-1107")}}))
	p := check.Must(sys.NewProcess("worker", tok))
	p.Exit()
	p.Exit()
	check.NoError(t, sys.Close())
	isEnd(t, sink, "worker", "0x0")
}

// exitStatuses returns the exit statuses of a process and of a thread.
func exitStatuses(t *testing.T, th *nt.Thread, process, thread winnt.Handle) [2]ntstatus.Status {
	t.Helper()
	p, st := th.NtQueryInformationProcess(process, nt.ProcessBasicInformation)
	eq(t, "NtQueryInformationProcess", 0, st, 0, ntstatus.Success)
	w, st := th.NtQueryInformationThread(thread, nt.ThreadBasicInformation)
	eq(t, "NtQueryInformationThread", 0, st, 0, ntstatus.Success)
	return [2]ntstatus.Status{p.(nt.ProcessBasic).ExitStatus, w.(nt.ThreadBasic).ExitStatus}
}

// NtTerminateProcess gives its exit status to the process and to the threads that still run. A second call fails and
// does not change the status, which the one record has (O-169, U-86).
func TestTerminateSetsExitStatusOnce(t *testing.T) {
	sys, sink := recordsEnds(t)
	tok := check.Must(token.New(token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1107"))))
	th := check.Must(check.Must(sys.NewProcess("maker", tok)).NewThread())
	const pending, code = ntstatus.Pending, ntstatus.Status(7)
	made, st := th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
		ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS})
	eq(t, "NtCreateUserProcess", 0, st, 0, ntstatus.Success)
	if got := exitStatuses(t, th, made.ProcessHandle, made.ThreadHandle); got != [2]ntstatus.Status{pending, pending} {
		t.Errorf("exit statuses of process and thread before the end: %v, want %v, %v", got, pending, pending)
	}
	second := check.Must(sys.Process(made.ClientID.UniqueProcess).NewThread())
	early, st := th.NtGetNextThread(made.ProcessHandle, made.ThreadHandle, winnt.THREAD_QUERY_LIMITED_INFORMATION, 0, 0)
	eq(t, "NtGetNextThread", 0, st, 0, ntstatus.Success)
	second.Close()

	eq(t, "NtTerminateProcess", 0, th.NtTerminateProcess(made.ProcessHandle, code), 0, ntstatus.Success)
	eq(t, "second call", 0, th.NtTerminateProcess(made.ProcessHandle, 8), 0, ntstatus.ProcessIsTerminating)
	if got := exitStatuses(t, th, made.ProcessHandle, made.ThreadHandle); got != [2]ntstatus.Status{code, code} {
		t.Errorf("exit statuses of process and thread after the end: %v, want %v, %v", got, code, code)
	}
	got := exitStatuses(t, th, made.ProcessHandle, early)
	check.That(t, got == [2]ntstatus.Status{code, ntstatus.Success},
		"exit statuses of the process and of the thread that ended before it: %v, want %v, %v", got, code,
		ntstatus.Success)
	_, st = th.NtWaitForSingleObject(made.ProcessHandle, false)
	eq(t, "NtWaitForSingleObject of the ended process", 0, st, 0, ntstatus.Success)

	isEnd(t, sink, "maker.1", "0x7")
	th.Close()
	check.NoError(t, sys.Close())
}

// TakeOver succeeds once for a process that a service created. It needs a handle with the rights to put a program
// into the process, and the process must have started and still run. A process that already runs a program has an
// owner (W-52).
func TestTakeOverNeedsRunningUnownedProcess(t *testing.T) {
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
		check.RequireThat(t, st == ntstatus.Success, "NtCreateUserProcess: %v, want success", st)
		return out.ProcessHandle, out.ThreadHandle
	}
	want := func(what string, h winnt.Handle, may func(*token.Token) ntstatus.Status, want ntstatus.Status) {
		t.Helper()
		p, st := b.sys.TakeOver(b.th, h, may)
		check.That(t, st == want && (p != nil) == (want == ntstatus.Success),
			"TakeOver of %s: %v, %v, want %v", what, p, st, want)
	}
	want("the caller's own process", winnt.NtCurrentProcess, yes, ntstatus.InvalidParameter)
	want("an invalid handle", 0x7770, yes, ntstatus.InvalidHandle)

	child, thread := make(false)
	want("a thread", thread, yes, ntstatus.ObjectTypeMismatch)
	for _, right := range []winnt.AccessMask{winnt.PROCESS_CREATE_THREAD, winnt.PROCESS_VM_OPERATION,
		winnt.PROCESS_VM_WRITE} {
		few := check.Result(b.th.NtDuplicateObject(winnt.NtCurrentProcess, child, winnt.NtCurrentProcess,
			winnt.PROCESS_ALL_ACCESS&^right, 0, 0))
		want("a handle without one of the rights", few, yes, ntstatus.AccessDenied)
	}
	want("a refused token", child, func(*token.Token) ntstatus.Status { return ntstatus.PrivilegeNotHeld },
		ntstatus.PrivilegeNotHeld)
	want("a process that has started", child, yes, ntstatus.Success)
	want("a process that has an owner", child, yes, ntstatus.InvalidParameter)

	waiting, _ := make(true)
	want("a process that has not started", waiting, yes, ntstatus.InvalidParameter)
	basic := check.Result(b.th.NtQueryInformationProcess(waiting, nt.ProcessBasicInformation))
	b.sys.Process(basic.(nt.ProcessBasic).UniqueProcessID).Exit()
	want("a process that has ended,", waiting, yes, ntstatus.ProcessIsTerminating)
	b.th.Close()
	want("a process by a thread that was closed", child, yes, ntstatus.ThreadIsTerminating)
}

// AssignToJob applies the limits ONLY_TOKEN and FILTER_TOKENS of its argument. It refuses malformed limits, and a
// process whose token the limits do not allow (I-89, I-90).
func TestAssignToJobAppliesItsLimits(t *testing.T) {
	sys := boot(t, kernel.Config{})
	k := check.Must(sys.SystemThread())
	tok := plain(t, "S-1-5-21-1-2-3-1001", winnt.TokenPrimary)
	spec := tok.Spec()
	spec.SessionID = 7
	only := k.NewToken(check.Must(token.New(spec)))
	process := func() *kernel.Process { return check.Must(sys.NewProcess("p", tok)) }
	check.Equal(t, process().AssignToJob(kernel.JobSecurity{Flags: 0x10}), ntstatus.InvalidParameter, "unknown flag")
	check.Equal(t, process().AssignToJob(kernel.JobSecurity{Flags: winnt.JOB_OBJECT_SECURITY_ONLY_TOKEN}),
		ntstatus.InvalidParameter, "ONLY_TOKEN without a token")
	p := process()
	check.Success(t, p.AssignToJob(kernel.JobSecurity{Flags: winnt.JOB_OBJECT_SECURITY_ONLY_TOKEN, Token: only}))
	check.Equal(t, sys.TokenOf(p.ID()).SessionID(), 7, "session of the token that the process got from its job")
	p = process()
	check.Success(t, p.AssignToJob(kernel.JobSecurity{Flags: winnt.JOB_OBJECT_SECURITY_FILTER_TOKENS,
		Filter: token.FilterSpec{Disable: []sid.SID{sid.Users}}}))
	th := check.Must(p.NewThread())
	check.NoError(t, sys.As(th, tok, func() error {
		acting, _ := sys.Acting(sys.KernelMode(th).Thread().ID())
		for _, g := range acting.Token.Groups() {
			check.Equal(t, g.Attributes&winnt.SE_GROUP_USE_FOR_DENY_ONLY != 0, g.SID == sid.Users,
				"I-90: group %s of a token that the job filtered is deny-only", g.SID)
		}
		return nil
	}))
	p.Exit()
	check.Equal(t, p.AssignToJob(kernel.JobSecurity{}), ntstatus.ProcessIsTerminating, "a process that has ended")
	k.PsDereferencePrimaryToken(only)
}
