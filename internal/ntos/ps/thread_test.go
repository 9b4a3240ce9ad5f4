package ps

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// An ended thread cannot start an operation. The refusal has its own status and uses no place of the limit (I-141).
func TestEndedThreadStartsNoOperation(t *testing.T) {
	w := newJobWorld(t)
	th := w.thread()
	th.Exit()
	if st := th.AddIO(nil); st != ntstatus.ThreadIsTerminating || w.p.pending.Load() != 0 {
		t.Errorf("I-141: AddIO of an ended thread = %v, %d pending, want %v, 0",
			st, w.p.pending.Load(), ntstatus.ThreadIsTerminating)
	}
	w.close(th)
}

// An impersonation needs a record if the token has a privilege or an integrity level that the process does not have
// (I-48), or if opening it gives a higher level than the thread has (I-99).
func TestImpersonationAboveProcessIsRaised(t *testing.T) {
	p := value(t, user())
	typed := func(typ winnt.TokenType, l winnt.SecurityImpersonationLevel) func(*token.Spec) {
		return func(s *token.Spec) { s.Type, s.Level = typ, l }
	}
	client := typed(winnt.TokenImpersonation, winnt.SecurityDelegation)
	held := func(s *token.Spec) { s.Privileges |= winnt.SeTcbPrivilege.Bit() }
	high := func(s *token.Spec) { s.Integrity = sid.HighLevel }
	low := func(s *token.Spec) {
		s.Integrity, s.Privileges, s.EnabledPrivileges, s.DefaultPrivileges = sid.LowLevel, 0, 0, 0
	}
	primary := typed(winnt.TokenPrimary, 0)
	for i, c := range []struct {
		v     token.Spec
		copy  bool
		level winnt.SecurityImpersonationLevel
		want  bool
	}{
		{user(client), false, winnt.SecurityDelegation, false}, {user(client, held), false, winnt.SecurityDelegation, true},
		{user(client, high), false, winnt.SecurityDelegation, true},
		{user(client, low), false, winnt.SecurityDelegation, false},
		{user(client, high), true, winnt.SecurityDelegation, true}, {user(client, held), true, winnt.SecurityAnonymous, true},
		{user(client), false, winnt.SecurityImpersonation, true}, {user(client), true, winnt.SecurityImpersonation, false},
		{user(client), true, winnt.SecurityAnonymous, false}, {user(primary), false, winnt.SecurityImpersonation, false},
		{user(primary), false, winnt.SecurityDelegation, false}, {user(primary), false, winnt.SecurityIdentification, true},
		{user(primary), true, winnt.SecurityIdentification, false},
		{user(typed(winnt.TokenImpersonation, winnt.SecurityIdentification)), false, winnt.SecurityIdentification, false},
		{user(typed(winnt.TokenImpersonation, winnt.SecurityIdentification)), false, winnt.SecurityAnonymous, true},
	} {
		check.Equal(t, raised(p, value(t, c.v), c.copy, c.level), c.want, "I-48, I-99: case %d: raised", i)
	}
}

// An impersonation reports whether it raises a thread above its process (I-48).
func TestRaisedImpersonationIsReported(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*token.Spec)
		raised bool
	}{
		{"one privilege more", func(s *token.Spec) { s.Privileges |= winnt.SeTcbPrivilege.Bit() }, true},
		{"fewer", func(s *token.Spec) { s.Privileges, s.EnabledPrivileges, s.DefaultPrivileges = 0, 0, 0 }, false},
		{"higher integrity", func(s *token.Spec) { s.Integrity = sid.HighLevel }, true},
	} {
		for _, job := range []bool{false, true} {
			w := newJobWorld(t)
			th, j := w.thread(), w.NewJob(w.p.Token())
			if job {
				w.p.AssignToJob(j)
			}
			tok := w.client(user(c.change))
			out := ImpersonateClient(th, tok, true, false, winnt.SecurityDelegation)
			check.That(t, out.Status == ntstatus.Success && (out.Raised != nil) == c.raised && !out.Demoted,
				"I-48: %s, in a job %t: %+v, want %v, raised %v and not demoted", c.name, job, out, ntstatus.Success, c.raised)
			th.RevertToSelf()
			w.close(th, tok, j)
		}
	}
}

// TestProcessAndThreadCountUntilRemoved checks that a process and its threads count as objects of the system until
// they are removed, and that the token is in use until then (T-112).
func TestProcessAndThreadCountUntilRemoved(t *testing.T) {
	w := newJobWorld(t)
	tok := w.token(user())
	count := func(what string, more int64, before int64) {
		t.Helper()
		now, _, _ := w.Security.Objects.Counts()
		check.That(t, now-before == more, "%s: %d more objects, want %d", what, now-before, more)
	}
	before, _, _ := w.Security.Objects.Counts()
	p := w.NewProcess("counted", tok)
	count("a process", 1, before)
	th, st := p.NewThread()
	if st != ntstatus.Success || !tok.InUse() {
		t.Fatal(st, tok.InUse())
	}
	count("and its thread", 2, before)
	p.Exit()
	th.Deref(ob.TagCall)
	count("the thread is gone", 1, before)
	check.That(t, tok.InUse(), "T-112: token of an ended but existing process is not in use, want it in use")
	p.Deref(ob.TagCall)
	count("the process is gone", 0, before)
	if tok.InUse() || tok.PointerCount() != 1 {
		t.Errorf("T-112: token in use %t with %d references after the process was removed, want false, 1",
			tok.InUse(), tok.PointerCount())
	}
	child, cth, out := w.p.NewChild(Child{Token: tok, Image: se.Unlabelled})
	check.That(t, out.Status == ntstatus.Success && child.PrimaryToken() == tok,
		"T-112: NewChild with an unused token = %+v, want it assigned unchanged", out)
	cth.Deref(ob.TagCall)
	child.Exit()
	w.close(child, tok)
}

// A thread has on itself its creator's rights, always the rights to terminate, set and query it, and no others (O-18,
// O-36).
func TestThreadRightsOnItselfDependOnCreator(t *testing.T) {
	const user = "S-1-5-21-1-2-3-2000"
	// THREAD_TERMINATE, SET_INFORMATION, QUERY_INFORMATION and the limited forms of the two.
	const always = winnt.AccessMask(0x0001 | 0x0020 | 0x0040 | 0x0400 | 0x0800)
	w := newJobWorld(t)
	for text, want := range map[string]winnt.AccessMask{
		"O:SYG:SYD:P":                            always,
		"O:SYG:SYD:(A;;0x20000;;;" + user + ")":  always | winnt.READ_CONTROL,
		"O:SYG:SYD:(A;;0x2;;;" + user + ")":      always | winnt.THREAD_SUSPEND_RESUME,
		"O:SYG:SYD:(A;;0x2;;;SY)":                always,
		"O:SYG:SYD:(A;;GA;;;" + user + ")":       winnt.THREAD_ALL_ACCESS & winnt.ThreadObject.Valid,
		"O:" + user + "G:SYD:P":                  always | winnt.READ_CONTROL | winnt.WRITE_DAC,
		"O:SYG:SYD:(D;;0x1;;;" + user + ")":      always,
		"O:SYG:SYD:(A;;0x100000;;;" + user + ")": always | winnt.SYNCHRONIZE,
	} {
		th := check.Result(w.p.newThread(sddl.MustParse(text), true, false))
		check.Equal(t, th.SelfAccess(), want, "thread created with %s: SelfAccess()", text)
		th.Exit()
		th.Deref(ob.TagCall)
	}
	w.close()
}

// Processes and threads without a name of their own get that of their parent and a number. The id of an ended one
// leads to nothing, and many of them leave no memory (O-37).
func TestEndedThreadLeavesNoID(t *testing.T) {
	w := newJobWorld(t)
	for i := range 3 {
		child, th, out := w.p.NewChild(Child{Image: se.Unlabelled})
		succeeds(t, out)
		want := fmt.Sprintf("server.%d", i+1)
		check.Equal(t, [2]string{child.Name(), th.Name()}, [2]string{want, want + "/1"}, "names of child and thread")
		child.Exit()
		th.Deref(ob.TagCall)
		child.Deref(ob.TagCall)
	}
	kept := w.thread()
	for range 1000 {
		th, id := kept, kept.ID()
		kept = w.thread()
		th.Exit()
		th.Deref(ob.TagCall)
		check.That(t, w.LookupThread(id) == nil, "O-37: an ended thread is found by its id %v", id)
		next, _ := w.p.ThreadAfter(0)
		check.RequireThat(t, next == kept, "a walk finds %v, want the one thread that goes on", next)
		next.Deref(ob.TagCall)
	}
	w.mu.Lock()
	ids := len(w.processIDs.ids) + len(w.p.threadIDs.ids)
	check.That(t, len(w.byID) == 3 && ids <= 2*(len(w.byID)+16),
		"%d ids of %d objects are kept, want at most %d", ids, len(w.byID), 2*(len(w.byID)+16))
	w.mu.Unlock()
	found := w.LookupThread(kept.ID() | 3)
	check.That(t, found == kept, "O-37: LookupThread: %v, want the thread that goes on", found)
	found.Deref(ob.TagCall)
	w.close(kept)
}
