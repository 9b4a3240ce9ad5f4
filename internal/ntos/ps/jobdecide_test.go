package ps

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// user is a token of the server's user, changed.
func user(changes ...func(*token.Spec)) token.Spec {
	s := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-2000"))
	for _, c := range changes {
		c(&s)
	}
	return s
}

// TestJobRefusals: each flag refuses its own tokens, beside any other flag (I-90).
func TestJobRefusals(t *testing.T) {
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
		if (out.Status == ntstatus.AccessDenied) != c.refuse || c.refuse && out.Rule != "I-90" {
			t.Errorf("I-90: flags %#x, %v: %+v", c.flags, c.of.User.SID, out)
		}
	}
}

// TestRaised: an impersonation is worth a record where the token has a privilege or
// an integrity that the process lacks (I-48), or opening it gives a level that the
// thread has not (I-99).
func TestRaised(t *testing.T) {
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
		if got := raised(p, value(t, c.v), c.copy, c.level); got != c.want {
			t.Errorf("I-48, I-99: case %d: %t", i, got)
		}
	}
}

// TestLimitsStay: a limit in force is repeated as it is, with the same lists, or the
// call is refused and changes nothing (I-89).
func TestLimitsStay(t *testing.T) {
	w := newJobWorld(t)
	first, second := w.token(user()), w.token(user())
	j := w.NewJob(w.p.Token())
	filter := func() token.FilterSpec {
		return token.FilterSpec{Disable: []sid.SID{sid.Users}, Delete: winnt.SeShutdownPrivilege.Bit(),
			Restrict: []token.Group{{SID: sid.Everyone}}}
	}
	all := JobLimits{Flags: JobNoAdmin | JobFilterTokens | JobOnlyToken, Token: first, Filter: filter()}
	for range 2 {
		if out := j.SetLimits(all); out.Status != ntstatus.Success {
			t.Fatal(out)
		}
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
			t.Errorf("%s: %v", name, out)
		}
		if now := j.Limits(); now.Flags != all.Flags || now.Token != first || !sameFilter(&now.Filter, &all.Filter) {
			t.Errorf("%s: the limits are %+v", name, now)
		}
	}
	for _, o := range []ob.Object{first, second, j} {
		o.Head().Deref(ob.TagCall)
	}
	w.close()
}

// TestJoinNested: a process in a job joins an empty job, which nests in its own; a
// refusal leaves everything as it was; a job of others cannot be joined (I-91).
func TestJoinNested(t *testing.T) {
	w := newJobWorld(t)
	outer, inner, used := w.NewJob(w.p.Token()), w.NewJob(w.p.Token()), w.NewJob(w.p.Token())
	other, th, out := w.p.NewChild(Child{Image: se.Unlabelled})
	for _, st := range []ntstatus.Status{out.Status, w.p.AssignToJob(outer).Status, other.AssignToJob(used).Status} {
		if st != ntstatus.Success {
			t.Fatal(st)
		}
	}
	inner.SetLimits(JobLimits{Flags: JobRestrictedToken})
	want := func(what string, j *Job, st ntstatus.Status, in, parent *Job, counts [3]int) {
		t.Helper()
		got := w.p.AssignToJob(j)
		now := [3]int{outer.active, inner.active, used.active}
		if got.Status != st || w.p.job.Load() != in || inner.parent.Load() != parent || now != counts {
			t.Errorf("I-91: %s: %v, in the job: %t, nested: %t, processes %v, want %v", what, got.Status,
				w.p.job.Load() == in, inner.parent.Load() != nil, now, counts)
		}
	}
	want("refused by the inner job", inner, ntstatus.AccessDenied, outer, nil, [3]int{1, 0, 1})
	want("a job of others", used, ntstatus.AccessDenied, outer, nil, [3]int{1, 0, 1})
	want("its own again", outer, ntstatus.Success, outer, nil, [3]int{1, 0, 1})
	inner.Deref(ob.TagCall)
	inner = w.NewJob(w.p.Token()) // a limit is not taken back (I-89)
	want("an empty one", inner, ntstatus.Success, inner, outer, [3]int{1, 1, 1})
	want("the outer one, which applies", outer, ntstatus.Success, inner, outer, [3]int{1, 1, 1})
	// What a job has refused since then is not asked of who is in it already (I-90).
	outer.SetLimits(JobLimits{Flags: JobRestrictedToken})
	want("the outer one, which would refuse now", outer, ntstatus.Success, inner, outer, [3]int{1, 1, 1})
	innermost := w.NewJob(w.p.Token())
	if out := w.p.AssignToJob(innermost); out.Status != ntstatus.Success || w.p.job.Load() != innermost {
		t.Errorf("I-90: a job within one that would refuse now: %v", out)
	}
	innermost.Deref(ob.TagCall)
	other.Exit()
	for _, o := range []ob.Object{outer, inner, used, th, other} {
		o.Head().Deref(ob.TagCall)
	}
	w.close()
}

// TestJoinLooksAtThreads: every job that begins to apply looks at the tokens of
// threads, the inner as the outer; a refusal counts the process nowhere (I-90).
func TestJoinLooksAtThreads(t *testing.T) {
	for which := range 3 {
		w := newJobWorld(t)
		outer, inner := w.NewJob(w.p.Token()), w.NewJob(w.p.Token())
		first, th, _ := w.p.NewChild(Child{Image: se.Unlabelled})
		first.AssignToJob(outer)
		first.AssignToJob(inner) // nests
		if which < 2 {
			[]*Job{outer, inner}[which].SetLimits(JobLimits{Flags: JobNoAdmin})
		}
		self, tok := w.thread(), w.token(admin())
		ImpersonateClient(self, tok, false, false, winnt.SecurityImpersonation)
		got := w.p.AssignToJob(inner)
		count := 1
		if which == 2 {
			count = 2
		}
		if (got.Status == ntstatus.Success) != (which == 2) || outer.active != count || inner.active != count ||
			(w.p.job.Load() == inner) != (which == 2) {
			t.Errorf("I-90: limit of job %d: %v, %d and %d processes", which, got.Status, outer.active, inner.active)
		}
		first.Exit()
		for _, o := range []ob.Object{outer, inner, th, first, self, tok} {
			o.Head().Deref(ob.TagCall)
		}
		w.close()
	}
}

// TestAssignedTokenLetsTheOldGo: the former token is no process's any more, and the
// job's filter applies to the new one (T-110, I-90).
func TestAssignedTokenLetsTheOldGo(t *testing.T) {
	w := newJobWorld(t)
	j := w.NewJob(w.p.Token())
	j.SetLimits(JobLimits{Flags: JobFilterTokens, Filter: token.FilterSpec{Disable: []sid.SID{sid.Users}}})
	own := w.token(user())
	p := w.NewProcess("child", own, nil)
	if out := p.AssignToJob(j); out.Status != ntstatus.Success || !own.InUse() {
		t.Fatalf("%v, in use: %t", out.Status, own.InUse())
	}
	tok := w.token(user())
	if out := p.AssignPrimaryToken(tok); out.Status != ntstatus.Success {
		t.Fatal(out)
	}
	if own.InUse() || tok.InUse() || p.Token().Member(sid.Users, false) {
		t.Errorf("T-110: the old in use: %t, the unfiltered new: %t; Users: %t", own.InUse(), tok.InUse(),
			p.Token().Member(sid.Users, false))
	}
	p.Exit()
	for _, o := range []ob.Object{j, own, tok, p} {
		o.Head().Deref(ob.TagCall)
	}
	w.close()
}

// I-80, I-82: a remote dynamic context is a copy that names the client's own token by its
// identifiers; a local one is up to date after each change of the token or of its value.
func TestClientContexts(t *testing.T) {
	w := newJobWorld(t)
	th := w.thread()
	spec := user()
	spec.Type, spec.Level, spec.Source.Name = winnt.TokenImpersonation, winnt.SecurityDelegation, "test"
	tok, other := w.token(spec), w.token(spec)
	dynamic := nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation,
		ContextTrackingMode: winnt.SECURITY_DYNAMIC_TRACKING}
	impersonate := func(o *se.TokenObject) {
		t.Helper()
		if out := ImpersonateClient(th, o, false, false, winnt.SecurityDelegation); out.Status != ntstatus.Success {
			t.Fatal(out)
		}
	}
	impersonate(tok)
	remote, out := th.CreateClientSecurity(dynamic, true, w.p)
	if out.Status != ntstatus.Success {
		t.Fatal(out)
	}
	v := tok.Value()
	if want := (TokenControl{tok.ID(), v.AuthenticationID(), v.ModifiedID(), v.Source()}); remote.Control != want ||
		remote.Token == tok || remote.Direct {
		t.Errorf("the remote context is of %+v, want %+v", remote.Control, want)
	}
	local, out := th.CreateClientSecurity(dynamic, false, w.p)
	if out.Status != ntstatus.Success {
		t.Fatal(out)
	}
	update := func(what string, want bool) {
		t.Helper()
		if changed, out := local.Update(th, w.p); changed != want || out.Status != ntstatus.Success {
			t.Errorf("%s: changed %t, %v, want %t", what, changed, out, want)
		}
	}
	update("nothing", false)
	tok.Update(func(old *token.Token, modified winnt.LUID) *token.Token {
		n, _, _ := old.AdjustPrivileges(modified, true, nil)
		return n
	})
	update("the same token with another value", true)
	update("nothing since the value", false)
	impersonate(other)
	update("another token", true)
	update("nothing since", false)
	remote.Delete()
	local.Delete()
	th.RevertToSelf()
	for _, o := range []ob.Object{th, tok, other} {
		o.Head().Deref(ob.TagCall)
	}
	w.close()
}

// T-112: an impersonation token is refused as one; the observed system tells a level
// below SecurityImpersonation first.
func TestAssignImpersonationToken(t *testing.T) {
	for _, profile := range []nt.Profile{nt.Documented, nt.Observed} {
		w := newJobWorld(t)
		w.Profile = profile
		for level := winnt.SecurityAnonymous; level <= winnt.SecurityDelegation; level++ {
			spec := user()
			spec.Type, spec.Level = winnt.TokenImpersonation, level
			tok := w.token(spec)
			want := ntstatus.BadTokenType
			if profile == nt.Observed && level < winnt.SecurityImpersonation {
				want = ntstatus.BadImpersonationLevel
			}
			if out := w.p.AssignPrimaryToken(tok); out.Status != want || out.Rule != "T-112" {
				t.Errorf("profile %v, level %v: %v, want %v", profile, level, out, want)
			}
			tok.Deref(ob.TagCall)
		}
		w.close()
	}
}

// TestLimitsAreWhole: a limit needs what it is about, each list is enough for a filter, the
// single token is a primary one, and what is given without its flag is not kept (I-89, T-112).
func TestLimitsAreWhole(t *testing.T) {
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
	} {
		j := w.NewJob(w.p.Token())
		if out := j.SetLimits(c.limits); out.Status != c.want || (c.want != 0 && out.Rule != "I-89") {
			t.Errorf("I-89: flags %#x: %+v, want %v", c.limits.Flags, out, c.want)
		}
		got := j.Limits()
		if (got.Token != nil) != c.kept || c.want != 0 && got.Flags != 0 || c.want == 0 && got.Flags != c.limits.Flags {
			t.Errorf("I-89: flags %#x are kept as %+v", c.limits.Flags, got)
		}
		j.Deref(ob.TagCall)
	}
	primary.Deref(ob.TagCall)
	client.Deref(ob.TagCall)
	w.close()
}

// TestFilteredTokenIsProtected: what a job's filter makes of a token is protected as the token
// is (I-90).
func TestFilteredTokenIsProtected(t *testing.T) {
	w := newJobWorld(t)
	j := w.NewJob(w.p.Token())
	j.SetLimits(JobLimits{Flags: JobFilterTokens, Filter: token.FilterSpec{Disable: []sid.SID{sid.Users}}})
	tok := w.token(admin())
	tok.SetSecurity(sddl.MustParse("O:SYG:SYD:(A;;0x8;;;BU)"))
	use, out := j.admit(w.System, tok, false)
	if out.Status != ntstatus.Success || use == tok || use.Security() == nil || !use.Security().Equal(tok.Security()) {
		t.Errorf("I-90: %+v, protected by %v", out, use.Security())
	}
	for _, o := range []ob.Object{use, tok, j} {
		o.Head().Deref(ob.TagCall)
	}
	w.close()
}
