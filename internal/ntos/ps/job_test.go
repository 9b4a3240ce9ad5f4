package ps

import (
	"slices"
	"sync"
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// jobWorld is a system with one process of a server that has the right to impersonate.
type jobWorld struct {
	*System
	t *testing.T
	p *Process
}

func newJobWorld(t *testing.T) *jobWorld {
	t.Helper()
	s := New(nt.Documented, ob.NewKernelTable(0), value(t, token.LocalSystem()), 0)
	w := &jobWorld{System: s, t: t}
	spec := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-2000"))
	spec.Privileges |= winnt.SeImpersonatePrivilege.Bit()
	spec.EnabledPrivileges |= winnt.SeImpersonatePrivilege.Bit()
	tok := w.token(spec)
	w.p = s.NewProcess("server", tok)
	tok.Deref(ob.TagCall)
	return w
}

func value(t *testing.T, s token.Spec) *token.Token {
	t.Helper()
	return check.Must(token.New(s))
}

func (w *jobWorld) token(s token.Spec) *se.TokenObject {
	v := value(w.t, s)
	return w.Security.NewToken(v, se.DefaultDescriptor(v, winnt.TokenObject))
}

func (w *jobWorld) thread() *Thread {
	return check.Result(w.p.NewThread())
}

// accepted returns v. It panics unless the outcome is a success.
func accepted[T any](v T, out Outcome) T { return check.Result(v, out.Status) }

// succeeds ends the test unless the outcome is a success.
func succeeds(t *testing.T, out Outcome) {
	t.Helper()
	check.Success(t, out.Status)
}

// close releases the test's references on the objects, ends everything and reports leaked references.
func (w *jobWorld) close(objects ...ob.Object) {
	w.t.Helper()
	for _, o := range objects {
		o.Head().Deref(ob.TagCall)
	}
	w.p.Exit()
	w.p.Deref(ob.TagCall)
	w.SystemProcess().Exit()
	w.SystemProcess().Deref(ob.TagCall)
	left := w.Security.Objects.Report()
	check.That(w.t, len(left) <= 0, "objects still referenced: %v, want none", left)
}

func admin() token.Spec {
	s := token.Administrator(sid.MustParse("S-1-5-21-1-2-3-500"))
	s.Type, s.Level = winnt.TokenImpersonation, winnt.SecurityImpersonation
	return s
}

// A thread impersonates an administrator while its process joins a job with NO_ADMIN. The second of the two calls fails
// (P-12).
func TestNoAdminJobNeverHasAdminThread(t *testing.T) {
	for range 300 {
		w := newJobWorld(t)
		th, tok, j := w.thread(), w.token(admin()), w.NewJob(w.p.Token())
		j.SetLimits(JobLimits{Flags: JobNoAdmin})
		var wg sync.WaitGroup
		var joined, taken Outcome
		wg.Add(2)
		go func() { defer wg.Done(); joined = w.p.AssignToJob(j) }()
		go func() {
			defer wg.Done()
			taken = ImpersonateClient(th, tok, false, false, winnt.SecurityImpersonation)
		}()
		wg.Wait()
		if joined.Status == ntstatus.Success && th.IsImpersonating() {
			t.Fatalf("the process joined the job while its thread impersonates an administrator (%v), want one "+
				"call to fail",
				taken.Status)
		}
		if taken.Status == ntstatus.Success != th.IsImpersonating() {
			t.Fatalf("impersonation returned %v, thread impersonates %v, want both or neither",
				taken.Status, th.IsImpersonating())
		}
		if (joined.Status == ntstatus.Success) != (w.p.job.Load() == j) ||
			(j.active == 1) != (joined.Status == ntstatus.Success) {
			t.Fatalf("joining returned %v, job %v with %d processes, want the job only on success",
				joined.Status, w.p.job.Load(), j.active)
		}
		w.close(th, tok, j)
	}
}

// I-90, I-91: processes join jobs, create children and end concurrently. Counts and references are right at the end.
func TestConcurrentJoinsKeepJobCounts(t *testing.T) {
	w := newJobWorld(t)
	only := w.token(token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-2000")))
	jobs := make([]*Job, 6)
	for i := range jobs {
		jobs[i] = w.NewJob(w.p.Token())
		switch i % 3 {
		case 1:
			jobs[i].SetLimits(JobLimits{Flags: JobOnlyToken, Token: only})
		case 2:
			jobs[i].SetLimits(JobLimits{Flags: JobFilterTokens,
				Filter: token.FilterSpec{Disable: []sid.SID{sid.Users}}})
		}
	}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 60 {
				p, th, out := w.p.NewChild(Child{Image: se.Unlabelled, Inherit: i%2 == 0})
				if out.Status != ntstatus.Success {
					t.Error(out)
					return
				}
				for k := range 3 {
					p.AssignToJob(jobs[(i*7+g*5+k*3)%len(jobs)])
				}
				if c, ct, out := p.NewChild(Child{Image: se.Unlabelled}); out.Status == ntstatus.Success {
					c.Exit()
					ct.Deref(ob.TagCall)
					c.Deref(ob.TagCall)
				}
				p.Exit()
				th.Deref(ob.TagCall)
				p.Deref(ob.TagCall)
			}
		})
	}
	wg.Wait()
	only.Deref(ob.TagCall)
	for i, j := range jobs {
		check.Equal(t, j.active, 0, "job %d counts: processes", i)
		j.Deref(ob.TagCall)
	}
	w.close()
}

// O-47: an ended process cannot create a thread or a child, or join a job, and the attempts leave nothing.
func TestExitedProcessCreatesNothing(t *testing.T) {
	w, block := newJobWorld(t), quota.NewBlock(nil, 1<<20, false)
	w.p.SetQuota(block)
	j := w.NewJob(w.p.Token())
	w.p.Exit()
	check.Equal(t, check.Status(w.p.NewThread()), ntstatus.ProcessIsTerminating, "NewThread after exit")
	_, _, out := w.p.NewChild(Child{Image: se.Unlabelled})
	check.Equal(t, out, Outcome{Status: ntstatus.ProcessIsTerminating, Rule: "O-47",
		Because: "the parent process has ended"}, "NewChild after exit")
	if out := w.p.AssignToJob(j); out.Status != ntstatus.ProcessIsTerminating || j.active != 0 {
		t.Errorf("AssignToJob after exit: %v, %d processes in the job, want %v, 0", out, j.active,
			ntstatus.ProcessIsTerminating)
	}
	check.Equal(t, block.Used(), 0, "bytes charged after the refusals")
	w.close(j)
}

// TestFailedJobFilterChangesNothing checks that a job whose filter cannot be applied to a token rejects it with the
// filter's status and changes nothing. Otherwise it returns a child of the token (I-90).
func TestFailedJobFilterChangesNothing(t *testing.T) {
	w := newJobWorld(t)
	tok := w.token(user())
	tok.SetSecurity(sddl.MustParse("O:SYG:SYD:(A;;0x8;;;BU)"))
	good := JobLimits{Flags: JobFilterTokens, Filter: token.FilterSpec{Disable: []sid.SID{sid.Users}}}
	n, out := good.admit(w.System, tok, true)
	if out.Status != ntstatus.Success || n == tok || n.Value().ParentTokenID() != tok.ID() || !n.DescendsFrom(tok) ||
		n.Value().ModifiedID() == tok.Value().ModifiedID() || !n.Security().Equal(tok.Security()) {
		t.Errorf("I-90: admit = %v with parent token %v and descriptor %v, want success with parent %v and its descriptor",
			out.Status, n.Value().ParentTokenID(), n.Security(), tok.ID())
	}
	n.Deref(ob.TagCall)
	bad := JobLimits{Flags: JobFilterTokens, Filter: token.FilterSpec{Restrict: []token.Group{{SID: sid.Users,
		Attributes: 1}}}}
	n, out = bad.admit(w.System, tok, true)
	check.That(t, n == nil && out.Status == ntstatus.InvalidParameter && out.Rule == "I-90",
		"I-90: admit with an invalid filter = %+v, want STATUS_INVALID_PARAMETER by rule I-90", out)
	w.close(tok)
}

// Each flag refuses its own tokens, with any other flag (I-90).
func TestJobFlagsRefuseTheirTokens(t *testing.T) {
	narrow := user(func(s *token.Spec) { s.Restricted = []token.Group{{SID: sid.Everyone}} })
	filtered := user(func(s *token.Spec) { s.Flags |= winnt.TOKEN_IS_FILTERED })
	const rest = JobOnlyToken | JobFilterTokens
	for _, c := range []struct {
		flags  uint32
		of     token.Spec
		refuse bool
	}{
		{0, admin(), false}, {0, user(), false}, {JobNoAdmin, admin(), true}, {JobNoAdmin, user(), false},
		{JobRestrictedToken, user(), true}, {JobRestrictedToken, narrow, false}, {JobRestrictedToken, filtered, false},
		{JobRestrictedToken, admin(), true}, {JobNoAdmin | JobRestrictedToken, admin(), true}, {rest, admin(), false},
		{rest, user(), false}, {rest | JobNoAdmin, admin(), true}, {rest | JobNoAdmin, user(), false},
	} {
		l := JobLimits{Flags: c.flags}
		out := l.refuses(value(t, c.of))
		check.That(t, (out.Status == ntstatus.AccessDenied) == c.refuse && (!c.refuse || out.Rule == "I-90"),
			"I-90: flags %#x, user %v: %+v, want refused = %v", c.flags, c.of.User.SID, out, c.refuse)
	}
}

// An existing limit can only be repeated with the same lists. Any other call is refused and changes nothing (I-89).
func TestJobLimitsCannotBeRelaxed(t *testing.T) {
	w := newJobWorld(t)
	first, second := w.token(user()), w.token(user())
	j := w.NewJob(w.p.Token())
	filter := func() token.FilterSpec {
		return token.FilterSpec{Disable: []sid.SID{sid.Users}, Delete: winnt.SeShutdownPrivilege.Bit(),
			Restrict: []token.Group{{SID: sid.Everyone}}}
	}
	all := JobLimits{Flags: JobNoAdmin | JobFilterTokens | JobOnlyToken, Token: first, Filter: filter()}
	for range 2 {
		succeeds(t, j.SetLimits(all))
	}
	for name, change := range map[string]func(*JobLimits){
		"NO_ADMIN left out":      func(l *JobLimits) { l.Flags &^= JobNoAdmin },
		"FILTER_TOKENS left out": func(l *JobLimits) { l.Flags &^= JobFilterTokens },
		"ONLY_TOKEN left out":    func(l *JobLimits) { l.Flags &^= JobOnlyToken },
		"another token":          func(l *JobLimits) { l.Token = second },
		"other groups":           func(l *JobLimits) { l.Filter.Disable = []sid.SID{sid.Guests} },
		"no groups":              func(l *JobLimits) { l.Filter.Disable = nil },
		"other privileges":       func(l *JobLimits) { l.Filter.Delete = winnt.SeUndockPrivilege.Bit() },
		"more privileges":        func(l *JobLimits) { l.Filter.Delete |= winnt.SeUndockPrivilege.Bit() },
		"other restricting SIDs": func(l *JobLimits) { l.Filter.Restrict = []token.Group{{SID: sid.Users}} },
	} {
		l := all
		l.Filter = filter()
		change(&l)
		if out := j.SetLimits(l); out.Status != ntstatus.AccessDenied || out.Rule != "I-89" {
			t.Errorf("%s: SetLimits = %v, want %v by rule I-89", name, out, ntstatus.AccessDenied)
		}
		if now := j.Limits(); now.Flags != all.Flags || now.Token != first || !sameFilter(&now.Filter, &all.Filter) {
			t.Errorf("%s: limits after the refused call = %+v, want the first ones", name, now)
		}
	}
	w.close(first, second, j)
}

// A limit requires its parameters: a filter needs at least one list, a single token a primary one. Parameters without
// their flag are not stored (I-89, T-112).
func TestJobLimitsNeedTheirLists(t *testing.T) {
	w := newJobWorld(t)
	primary, client := w.token(user()), w.token(user(func(s *token.Spec) {
		s.Type, s.Level = winnt.TokenImpersonation, winnt.SecurityDelegation
	}))
	for _, c := range []struct {
		limits JobLimits
		want   ntstatus.Status
		kept   bool // the token
	}{
		{JobLimits{Flags: JobFilterTokens}, ntstatus.InvalidParameter, false},
		{JobLimits{Flags: JobFilterTokens, Filter: token.FilterSpec{Disable: []sid.SID{sid.Users}}}, 0, false},
		{JobLimits{Flags: JobFilterTokens, Filter: token.FilterSpec{Delete: winnt.SeUndockPrivilege.Bit()}}, 0, false},
		{JobLimits{Flags: JobFilterTokens, Filter: token.FilterSpec{Restrict: []token.Group{{SID: sid.Users}}}}, 0, false},
		{JobLimits{Flags: JobOnlyToken}, ntstatus.InvalidParameter, false},
		{JobLimits{Flags: JobOnlyToken, Token: client}, ntstatus.BadTokenType, false},
		{JobLimits{Flags: JobOnlyToken, Token: primary}, 0, true},
		{JobLimits{Flags: JobNoAdmin, Token: primary}, 0, false}, {JobLimits{Flags: JobNoAdmin, Token: client}, 0, false},
		{JobLimits{Flags: 1 << 30}, ntstatus.InvalidParameter, false},
		// A list without its flag is not kept, because nobody paid for it.
		{JobLimits{Flags: JobNoAdmin, Filter: token.FilterSpec{Disable: []sid.SID{sid.Users}}}, 0, false},
	} {
		j := w.NewJob(w.p.Token())
		check.That(t, j.Security().Equal(se.DefaultDescriptor(w.p.Token(), winnt.JobObject)), "descriptor of a new job")
		if out := j.SetLimits(c.limits); out.Status != c.want || c.want != 0 && (out.Rule != "I-89" || out.Because == "") {
			t.Errorf("I-89: SetLimits with flags %#x: %+v, want %v", c.limits.Flags, out, c.want)
		}
		got := j.Limits()
		if (got.Token != nil) != c.kept || c.want != 0 && got.Flags != 0 || c.want == 0 && got.Flags != c.limits.Flags ||
			isEmpty(&got.Filter) != (c.want != 0 || c.limits.Flags&JobFilterTokens == 0) {
			t.Errorf("I-89: limits after flags %#x = %+v, want a token stored: %v", c.limits.Flags, got, c.kept)
		}
		j.Deref(ob.TagCall)
	}
	charged := int64(0)
	for n := range 3 { // a longer list costs more
		j, b := w.NewJob(w.p.Token()), quota.NewBlock(nil, 1<<20, false)
		succeeds(t, j.SetLimitsFor(quota.Payer{Block: b}, JobLimits{Flags: JobFilterTokens,
			Filter: token.FilterSpec{Disable: slices.Repeat([]sid.SID{sid.Users}, n+1)}}))
		check.That(t, b.Used() > charged, "%d bytes are charged for %d SIDs, %d for one less", b.Used(), n+1, charged)
		charged = b.Used()
		j.Deref(ob.TagCall)
		check.Equal(t, b.Used(), 0, "bytes charged after the end of the job")
	}
	w.close(primary, client)
}

// user is a token of the server's user, changed.
func user(changes ...func(*token.Spec)) token.Spec {
	s := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-2000"))
	for _, c := range changes {
		c(&s)
	}
	return s
}
