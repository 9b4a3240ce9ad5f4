package ps

import (
	"github.com/refmon/refmon/internal/quota"
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestProcessEndsOnceWithStatus checks that a process and its threads end once, with the exact status, which is
// STATUS_PENDING until then (O-169).
func TestProcessEndsOnceWithStatus(t *testing.T) {
	for _, st := range []ntstatus.Status{0, 1, ntstatus.AccessDenied, 0x80000005, 0x7FFFFFFF, 0xFFFFFFFF} {
		w := newJobWorld(t)
		th := w.thread()
		check.Equal(t, [2]ntstatus.Status{w.p.ExitStatus(), th.ExitStatus()}, [2]ntstatus.Status{ntstatus.Pending,
			ntstatus.Pending}, "exit statuses before the end")
		check.That(t, w.p.Terminate(st) && !w.p.Terminate(ntstatus.Cancelled),
			"Terminate(%v) must succeed once and then fail", st)
		if got := [2]ntstatus.Status{w.p.ExitStatus(), th.ExitStatus()}; got != [2]ntstatus.Status{st, st} {
			t.Errorf("exit statuses after Terminate(%v) = %v, want that status for both", st, got)
		}
		w.close(th)
	}
}

// TestCallQueueSignalsUntilLimit checks that a thread's queue is signalled while it has calls, up to its limit and
// until the thread ends (O-147).
func TestCallQueueSignalsUntilLimit(t *testing.T) {
	w := newJobWorld(t)
	th := w.thread()
	queued := func(want bool) {
		t.Helper()
		check.Equal(t, th.CallsQueued(), want, "O-147: CallsQueued()")
	}
	queued(false)
	for i := range MaxCalls {
		st := th.QueueCall(quota.Payer{}, nt.UserAPC{ApcRoutine: uint64(i + 1)})
		if st != ntstatus.Success || th.CallsFull() != (i+1 == MaxCalls) {
			t.Fatalf("O-147: queuing call %d: %v, full %t, want %v, %t", i, st, th.CallsFull(), ntstatus.Success,
				i+1 == MaxCalls)
		}
		queued(true)
	}
	check.Equal(t, th.QueueCall(quota.Payer{}, nt.UserAPC{}), ntstatus.InsufficientResources,
		"O-147: queuing one call too many")
	list := th.TakeCalls()
	check.That(t, len(list) == MaxCalls && list[0].ApcRoutine == 1 && list[MaxCalls-1].ApcRoutine == MaxCalls,
		"O-147: TakeCalls returned %d calls, want %d in order", len(list), MaxCalls)
	queued(false)
	check.That(t, !th.CallsFull() && len(th.TakeCalls()) == 0, "O-147: a second TakeCalls returned calls, want none")
	check.Success(t, th.QueueCall(quota.Payer{}, nt.UserAPC{}))
	th.Exit()
	queued(false)
	check.Equal(t, th.QueueCall(quota.Payer{}, nt.UserAPC{}), ntstatus.Unsuccessful,
		"O-147: queuing a call of an ended thread")
	w.close(th)
}

// A thread, and with it its process, starts when it has been resumed as often as it was suspended (O-144).
func TestThreadStartsAtSuspendCountZero(t *testing.T) {
	w := newJobWorld(t)
	th := check.Result(w.p.newThread(nil, false, false))
	for before := int32(1); before < MaximumSuspendCount; before++ {
		if got, st := th.Suspend(); got != before || st != ntstatus.Success {
			t.Fatalf("O-144: Suspend = previous count %d, %v, want %d", got, st, before)
		}
	}
	check.Equal(t, check.Status(th.Suspend()), ntstatus.SuspendCountExceeded, "O-144: Suspend at the maximum")
	for before := int32(MaximumSuspendCount); before > 0; before-- {
		check.RequireThat(t, !w.p.Started(),
			"O-144: the process has started at suspend count %d, want it to wait for 0", before)
		check.Require(t, th.Resume(), before, "O-144: Resume = previous count")
	}
	check.That(t, w.p.Started() && th.Resume() == 0,
		"O-144: the process has not started at suspend count 0, want it started")
	th.Exit()
	th.suspends.Store(MaximumSuspendCount) // the end is tested first
	check.Equal(t, check.Status(th.Suspend()), ntstatus.ThreadIsTerminating, "O-144: Suspend of an ended thread")
	w.close(th)
}

// TestOnlyQueryAndSetImplyLimitedRights checks that the rights to query and to set include only their limited forms,
// and that no other right includes any (O-36).
func TestOnlyQueryAndSetImplyLimitedRights(t *testing.T) {
	for bit := winnt.AccessMask(1); bit != 0; bit <<= 1 {
		process, thread := bit, bit
		switch bit {
		case winnt.PROCESS_QUERY_INFORMATION:
			process |= winnt.PROCESS_QUERY_LIMITED_INFORMATION
		case winnt.PROCESS_SET_INFORMATION:
			process |= winnt.PROCESS_SET_LIMITED_INFORMATION
		}
		switch bit {
		case winnt.THREAD_QUERY_INFORMATION:
			thread |= winnt.THREAD_QUERY_LIMITED_INFORMATION
		case winnt.THREAD_SET_INFORMATION:
			thread |= winnt.THREAD_SET_LIMITED_INFORMATION
		}
		if got := addProcessRights(bit); got != process {
			t.Errorf("O-36: process right %#x: %#x with implied rights, want %#x", bit, got, process)
		}
		if got := addThreadRights(bit); got != thread {
			t.Errorf("O-36: thread right %#x: %#x with implied rights, want %#x", bit, got, thread)
		}
	}
}

// The single token of a job limits primary tokens, not the tokens that threads impersonate (I-90).
func TestJobTokenLimitsOnlyPrimaryTokens(t *testing.T) {
	w := newJobWorld(t)
	root, other := w.token(user()), w.token(user())
	child := w.Security.NewFiltered(root, root.Value(), nil)
	l := JobLimits{Flags: JobOnlyToken, Token: root}
	for _, c := range []struct {
		tok     *se.TokenObject
		primary bool
		want    ntstatus.Status
	}{{root, true, 0}, {child, true, 0}, {other, true, ntstatus.AccessDenied}, {other, false, 0}, {root, false, 0}} {
		use, out := l.admit(w.System, c.tok, c.primary)
		check.That(t, out.Status == c.want && (use == c.tok) == (c.want == 0),
			"I-90: primary token %t: %+v, want %v", c.primary, out, c.want)
	}
	for _, o := range []*se.TokenObject{child, root, other} {
		o.Deref(ob.TagCall)
	}
	w.close()
}

// An impersonation that cannot have its memory or its account's quota gives the status, the rule and the reason, and
// the thread does not impersonate (I-41, I-43, O-81).
func TestRefusedImpersonationHasItsReason(t *testing.T) {
	for fault, want := range map[string]Outcome{
		"ps: impersonation record": {Status: ntstatus.NoMemory, Rule: "I-41",
			Because: "not enough memory for the impersonation state"},
		"se: copy token": {Status: ntstatus.InsufficientResources, Rule: "I-43", Because: "the token could not be copied"},
		"quota":          {Status: ntstatus.QuotaExceeded, Rule: "I-43", Because: "the token could not be copied"},
	} {
		w := newJobWorld(t)
		given, tok := w.token(user()), w.client(admin())
		p, th, out := w.p.NewChild(Child{Token: given, Image: se.Unlabelled}) // without the privilege
		succeeds(t, out)
		w.Faults = func(point string) bool { return point == fault }
		if fault == "quota" {
			p.SetQuota(quota.NewBlock(nil, 1, false))
		}
		got := ImpersonateClient(th, tok, false, false, winnt.SecurityImpersonation)
		check.Equal(t, got, want, "%s: impersonation", fault)
		check.That(t, !th.IsImpersonating() && tok.PointerCount() == 1, "%s: impersonating %t, %d references", fault,
			th.IsImpersonating(), tok.PointerCount())
		p.Exit()
		w.close(given, tok, th, p)
	}
	w := newJobWorld(t)
	th, tok := w.thread(), w.client(user())
	for range 2 { // a thread that has a client needs no memory for the next one
		succeeds(t, ImpersonateClient(th, tok, false, false, winnt.SecurityImpersonation))
		w.Faults = func(string) bool { return true }
	}
	th.RevertToSelf()
	w.close(th, tok)
}

// An undefined level is refused and changes nothing (I-41).
func TestNoLevelAboveDelegation(t *testing.T) {
	w := newJobWorld(t)
	th := w.thread()
	spec := user()
	spec.Type, spec.Level = winnt.TokenImpersonation, winnt.SecurityDelegation
	tok := w.token(spec)
	for level := winnt.SecurityAnonymous; level <= winnt.SecurityDelegation+4; level++ {
		out := ImpersonateClient(th, tok, false, false, level)
		refused := level > winnt.SecurityDelegation
		check.That(t, (out.Status == ntstatus.InvalidParameter) == refused && th.IsImpersonating() != refused,
			"I-41: impersonating at level %d: %+v, want refused = %v", level, out, refused)
		th.RevertToSelf()
	}
	w.close(tok, th)
}
