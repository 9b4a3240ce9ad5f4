package services_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// If a walk ends after a thread that the caller must not open, the reason does not disclose that thread (O-37).
func TestNextThreadHidesDeniedThreads(t *testing.T) {
	th := newThread(t)
	h := check.Result(th.NtGetNextThread(winnt.NtCurrentProcess, 0, winnt.WRITE_DAC, 0, 0))
	want(t, "close it to all", th.NtSetSecurityObject(h, winnt.DACL_SECURITY_INFORMATION, sddl.MustParse("D:")),
		ntstatus.Success)
	s := th.Services()
	s.RecordWhy(true)
	want(t, "next thread", check.Status(s.NtGetNextThread(nt.GetNextThreadIn{ProcessHandle: winnt.NtCurrentProcess,
		DesiredAccess: winnt.THREAD_QUERY_INFORMATION})), ntstatus.NoMoreEntries)
	if why := s.TakeWhy(); why.Rule != "O-37" || why.Object != "" || why.Explanation != nil {
		t.Errorf("reason = %+v, want rule O-37 without object and explanation", why)
	}
}

// The anonymous token of a thread can be opened by the user of that thread's process (I-74).
func TestAnonymousTokenAdmitsServersUser(t *testing.T) {
	b := newBetween(t, kernel.Config{})
	want(t, "act as the anonymous logon", b.asks.NtImpersonateAnonymousToken(b.handle(b.server,
		winnt.THREAD_IMPERSONATE)), ntstatus.Success)
	got, is := b.acl(), "D:(A;;"+full+";;;AN)(A;;"+full+";;;"+otherServer+")(A;;"+full+";;;SY)"
	check.That(t, got == is, "DACL of the anonymous token = %s, want %s", got, is)
	b.serves.PsRevertToSelf()
}

// The thread of a restricted process cannot make any thread impersonate the anonymous token, even while it impersonates
// an unrestricted client. A restricted client, or a restricted process of the target thread, does not matter (I-74).
func TestRestrictedProcessGetsNoAnonymousToken(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	filtered := func(v *token.Token) *token.Token {
		t.Helper()
		return check.Result(v.Filter(token.FilterSpec{Restrict: []token.Group{{SID: sid.Everyone}}}))
	}
	for _, process := range []bool{false, true} {
		v := value(t, svc, winnt.TokenPrimary, 0, winnt.SeImpersonatePrivilege)
		unlike := filtered(v)
		if process {
			v, unlike = unlike, v
		}
		th, k := w.thread(check.Must(w.sys.NewProcess("p", v)))
		_, other := w.thread(check.Must(w.sys.NewProcess("other", unlike)))
		open := func(of *kernel.EThread) winnt.Handle {
			return check.Result(k.ObOpenObjectByPointer(of, 0, winnt.THREAD_IMPERSONATE, winnt.ThreadObject,
				kernel.KernelMode))
		}
		own, theirs := open(k.Thread()), open(other.Thread())
		for _, acts := range []bool{false, true} {
			if acts {
				c := k.NewToken(filtered(value(t, client, winnt.TokenImpersonation, winnt.SecurityImpersonation)))
				check.Success(t, k.PsImpersonateClient(k.Thread(), c, false, false, winnt.SecurityImpersonation))
				k.PsDereferencePrimaryToken(c)
			}
			wanted := ntstatus.Success
			if process {
				wanted = ntstatus.AccessDenied
			}
			for _, h := range []winnt.Handle{own, theirs} {
				_, st := th.Services().NtImpersonateAnonymousToken(nt.ImpersonateAnonymousTokenIn{ThreadHandle: h})
				want(t, "the anonymous token", st, wanted)
			}
			k.PsRevertToSelf()
			other.PsRevertToSelf()
		}
	}
}

// A walk skips the threads that the caller must not open, forward and backward. A walk that requests fewer rights
// finds them (O-37, O-163).
func TestNextThreadSkipsDeniedThreads(t *testing.T) {
	w, th, k := newProcess(t)
	p := check.Must(w.sys.NewProcess("other", value(t, client, winnt.TokenPrimary, 0)))
	process := openProcess(t, k, p)
	var ids []winnt.Handle
	for i := range 5 {
		_, owner := w.thread(p)
		ids = append(ids, owner.Thread().ID())
		h := check.Result(k.ObOpenObjectByPointer(owner.Thread(), 0, winnt.WRITE_DAC, winnt.ThreadObject,
			kernel.KernelMode))
		text := "D:(A;;0x840;;;" + svc + ")"
		if i%2 == 0 {
			text = "D:(A;;0x800;;;" + svc + ")"
		}
		want(t, "protect it", th.NtSetSecurityObject(h, winnt.DACL_SECURITY_INFORMATION, sddl.MustParse(text)),
			ntstatus.Success)
	}
	for rights, wanted := range map[winnt.AccessMask][]int{winnt.THREAD_QUERY_INFORMATION: {1, 3},
		winnt.THREAD_QUERY_LIMITED_INFORMATION: {0, 1, 2, 3, 4}, winnt.THREAD_SET_CONTEXT: nil} {
		for _, flags := range []uint32{0, nt.NextThreadBackward} {
			var after winnt.Handle
			for n := range len(wanted) + 1 {
				h, st := th.NtGetNextThread(process, after, rights, 0, flags)
				if n == len(wanted) {
					want(t, "at the end", st, ntstatus.NoMoreEntries)
					break
				}
				if want(t, "the next one", st, ntstatus.Success); st != ntstatus.Success {
					break
				}
				at := n
				if flags != 0 {
					at = len(wanted) - 1 - n
				}
				known := ids[wanted[at]]
				o, _, st := k.ObReferenceObjectByHandle(h, 0, winnt.ThreadObject, kernel.KernelMode)
				check.Success(t, st)
				check.Equal(t, o.(*kernel.EThread).ID(), known, "rights %v, flags %d: thread %d of the walk", rights,
					flags, n)
				k.ObDereferenceObject(o)
				after = h
			}
		}
	}
}

// No program can terminate the System process, whatever its handle grants and whichever privileges it holds (O-170).
// Another process ends once (O-169).
func TestSystemProcessCannotBeTerminated(t *testing.T) {
	th := newThread(t, winnt.SeDebugPrivilege, winnt.SeShutdownPrivilege, winnt.SeTcbPrivilege)
	h := check.Result(th.NtOpenProcess(winnt.PROCESS_ALL_ACCESS, &nt.ObjectAttributes{},
		&nt.ClientID{UniqueProcess: 4}))
	want(t, "end it", th.NtTerminateProcess(h, 0), ntstatus.AccessDenied)
	v, st := th.NtQueryInformationProcess(h, nt.ProcessBasicInformation)
	if b, ok := v.(nt.ProcessBasic); st != ntstatus.Success || !ok || b.ExitStatus != ntstatus.Pending {
		t.Errorf("System process afterwards = %+v, %v, want exit status STATUS_PENDING", v, st)
	}
	made := check.Result(th.NtCreateUserProcess(children()))
	for _, wanted := range []ntstatus.Status{ntstatus.Success, ntstatus.ProcessIsTerminating} {
		want(t, "end another process", th.NtTerminateProcess(made.ProcessHandle, 0), wanted)
	}
}

// TestNtSuspendThread and TestNtResumeThread are one sequence. Each call returns the previous suspend count, 127 is
// the maximum, and resuming at 0 changes nothing (O-144).
func TestNtSuspendThread(t *testing.T) {
	th := newThread(t)
	made := check.Result(th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
		ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS, ThreadFlags: winnt.THREAD_CREATE_FLAGS_CREATE_SUSPENDED}))
	suspend, h := th.NtSuspendThread, made.ThreadHandle
	badHandles(t, th, h, winnt.THREAD_TERMINATE, winnt.NtCurrentProcess, func(h winnt.Handle) ntstatus.Status {
		return check.Status(suspend(h))
	})
	for n := uint32(1); n < 127; n++ { // it was made suspended once
		if was, st := suspend(h); was != n || st != ntstatus.Success {
			t.Fatalf("O-144: NtSuspendThread at count %d returned %d, %v, want %d, %v", n, was, st, n, ntstatus.Success)
		}
	}
	if was, st := suspend(h); was != 0 || st != ntstatus.SuspendCountExceeded {
		t.Errorf("O-144: NtSuspendThread at the maximum returned %d, %v, want 0, %v", was, st,
			ntstatus.SuspendCountExceeded)
	}
	want(t, "end the process", th.NtTerminateProcess(made.ProcessHandle, 1), ntstatus.Success)
	was, st := suspend(h)
	check.That(t, was == 0 && st == ntstatus.ThreadIsTerminating,
		"O-144: NtSuspendThread of an ended thread returned %d, %v, want 0, %v", was, st, ntstatus.ThreadIsTerminating)
}

func TestNtResumeThread(t *testing.T) {
	th := newThread(t, winnt.SeAssignPrimaryTokenPrivilege)
	made := check.Result(th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
		ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS, ThreadFlags: winnt.THREAD_CREATE_FLAGS_CREATE_SUSPENDED}))
	s, h := th.Services(), made.ThreadHandle
	badHandles(t, th, h, winnt.THREAD_QUERY_INFORMATION, winnt.NtCurrentProcess, func(h winnt.Handle) ntstatus.Status {
		return check.Status(s.NtResumeThread(nt.ResumeThreadIn{ThreadHandle: h}))
	})
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_DUPLICATE))
	tok := check.Result(th.NtDuplicateToken(own, winnt.TOKEN_ASSIGN_PRIMARY, nil, false, winnt.TokenPrimary))
	// A process that has not started can be given another token, one that has started cannot (T-110).
	started := func() bool {
		return th.NtSetInformationProcess(made.ProcessHandle, nt.ProcessAccessToken, tok) == ntstatus.NotSupported
	}
	_, st := s.NtSuspendThread(nt.SuspendThreadIn{ThreadHandle: h})
	want(t, "suspend it once more", st, ntstatus.Success)
	for _, c := range []struct {
		was     uint32
		started bool
	}{{2, false}, {1, true}, {0, true}, {0, true}} {
		out, st := s.NtResumeThread(nt.ResumeThreadIn{ThreadHandle: h})
		check.That(t, st == ntstatus.Success && out.PreviousSuspendCount == c.was,
			"O-144: NtResumeThread returned previous count %d, %v, want %d", out.PreviousSuspendCount, st, c.was)
		check.Equal(t, started(), c.started, "O-144: after resuming at count %d the process has started", c.was)
	}
}

// The copy of a client's token that a thread gets from NtImpersonateThread admits the client, the server's user and
// LocalSystem (I-23).
func TestTokenCopyAdmitsClientServerAndSystem(t *testing.T) {
	b := newBetween(t, kernel.Config{})
	qos := &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation}
	to, from := b.handle(b.server, winnt.THREAD_DIRECT_IMPERSONATION), b.handle(b.client, winnt.THREAD_IMPERSONATE)
	want(t, "handles the wrong way round", b.asks.NtImpersonateThread(from, to, qos), ntstatus.AccessDenied)
	check.Success(t, b.asks.NtImpersonateThread(to, from, qos))
	for _, th := range []*nt.Thread{b.server, b.asks, b.client} { // only the server's thread changes (I-73)
		check.Equal(t, b.sys.KernelMode(th).Thread().IsImpersonating(), th == b.server, "%s impersonates", th.Name())
	}
	got, is := b.acl(), "D:(A;;"+full+";;;"+client+")(A;;"+full+";;;"+otherServer+")(A;;"+full+";;;SY)"
	check.That(t, got == is, "DACL of the copied token = %s, want %s", got, is)
	qos.ImpersonationLevel = winnt.SecurityIdentification
	check.Success(t, b.asks.NtImpersonateThread(to, from, qos))
	h := check.Result(b.server.NtOpenThreadToken(winnt.NtCurrentThread, winnt.TOKEN_QUERY, true))
	check.Equal(t, class[winnt.SecurityImpersonationLevel](t, b.server, h, winnt.TokenImpersonationLevel),
		winnt.SecurityIdentification, "the level")
	b.serves.PsRevertToSelf()
}
