package services_test

import (
	"testing"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// O-14, O-17: -1 grants the rights that the process has now, for every call and also for a thread
// that is older than the token.
func TestOwnProcessAfterItsToken(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, k := w.thread(w.process("parent", winnt.SeAssignPrimaryTokenPrivilege))
	made, st := th.NtCreateUserProcess(nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
		ThreadDesiredAccess: winnt.THREAD_ALL_ACCESS, ThreadFlags: winnt.THREAD_CREATE_FLAGS_CREATE_SUSPENDED,
		ProcessObjectAttributes: nt.Cap(&nt.ObjectAttributes{SecurityDescriptor: sddl.MustParse("D:(A;;GA;;;SY)")})})
	want(t, "make a child", st, ntstatus.Success)
	child := w.sys.Process(made.ClientID.UniqueProcess).FirstThread()
	granted := func() winnt.AccessMask {
		t.Helper()
		v, st := child.NtQueryObject(winnt.NtCurrentProcess, nt.ObjectBasicInformation)
		want(t, "query", st, ntstatus.Success)
		return v.(nt.BasicInformation).GrantedAccess
	}
	if got := granted(); got != winnt.PROCESS_ALL_ACCESS {
		t.Errorf("before: %#x", uint32(got))
	}
	object := k.NewToken(value(t, client, winnt.TokenPrimary, 0))
	defer k.PsDereferencePrimaryToken(object)
	h, st := k.ObOpenObjectByPointer(object, 0, winnt.TOKEN_ASSIGN_PRIMARY, winnt.TokenObject, kernel.KernelMode)
	want(t, "open a token", st, ntstatus.Success)
	want(t, "give it to the child", th.NtSetInformationProcess(made.ProcessHandle, nt.ProcessAccessToken, h),
		ntstatus.Success)
	if got, always := granted(), winnt.AccessMask(0x1F07FB); got != always {
		t.Errorf("afterwards: %#x, want %#x", uint32(got), uint32(always))
	}
}

// T-102, W-13: a thread that a service makes has the mode of the one that makes it, is given
// back with the system though it was never ended, and once though it ends twice.
func TestThreadsOfServices(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, k := w.thread(w.process("p"))
	event, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false)
	want(t, "make an event", st, ntstatus.Success)
	for _, c := range []struct {
		of   nt.Services
		want ntstatus.Status
	}{{th.Services(), ntstatus.PrivilegeNotHeld}, {k.Zw().Services(), ntstatus.Success}} {
		for _, end := range []int{0, 1, 2} {
			s, _, st := c.of.NewThread()
			want(t, "make a thread", st, ntstatus.Success)
			_, st = s.NtMakePermanentObject(nt.MakePermanentObjectIn{Handle: event})
			want(t, "as its mode is", st, c.want)
			s.SaveImpersonation()
			for range end {
				s.EndThread()
			}
		}
	}
}

// I-61, I-76: each ticket restores what was there when it was made, once; those that were not
// used are given back with the thread.
func TestTickets(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, k := w.thread(w.process("p", winnt.SeImpersonatePrivilege))
	s := th.Services()
	act := func(user string) {
		t.Helper()
		tok := w.token(k, user, winnt.SecurityImpersonation)
		want(t, "act", k.PsImpersonateClient(k.Thread(), tok, false, false, winnt.SecurityImpersonation), ntstatus.Success)
	}
	is := func(what, user string) {
		t.Helper()
		got := "itself"
		if tok, _, _, _ := k.PsReferenceImpersonationToken(k.Thread()); tok != nil {
			got = tok.Value().User().SID.String()
			k.PsDereferenceImpersonationToken(tok)
		}
		if got != user {
			t.Errorf("%s: the thread acts as %s, want %s", what, got, user)
		}
	}
	none := s.SaveImpersonation()
	act(client)
	first := s.SaveImpersonation()
	act(acting)
	second := s.SaveImpersonation()
	s.SaveImpersonation() // never used
	s.RestoreImpersonation(first)
	is("the first", client)
	s.RestoreImpersonation(second)
	is("the second", acting)
	s.RestoreImpersonation(first)
	is("the first again", acting)
	s.RestoreImpersonation(none)
	is("the one before", "itself")
	s.RestoreImpersonation(second)
	is("the second again", "itself")
	s.RestoreImpersonation(99)
	is("one that was never made", "itself")
}

// A tracer is told of each call once, and nothing of what was before it.
func TestWhyIsTaken(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	th, _ := w.thread(w.process("p"))
	s := th.Services()
	fail := func() {
		_, st := s.NtCompareObjects(nt.CompareObjectsIn{FirstObjectHandle: 0x7770})
		want(t, "a handle of nothing", st, ntstatus.InvalidHandle)
	}
	rule := func(what, wanted string) {
		t.Helper()
		if got := s.TakeWhy(); got.Rule != wanted {
			t.Errorf("%s: %+v, want rule %q", what, got, wanted)
		}
	}
	fail()
	rule("no tracer", "")
	s.RecordWhy(true)
	rule("nothing happened", "")
	fail()
	rule("a failure", "O-31")
	rule("taken", "")
	fail()
	s.RecordWhy(true)
	rule("begun anew", "")
	s.RecordWhy(false)
	fail()
	rule("without a tracer again", "")
}
