package ps

import (
	"github.com/refmon/refmon/internal/quota"
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A process in a job can join an empty job, which is nested in its own. A refusal changes nothing. A job with other
// members cannot be joined (I-91).
func TestJobIsNestedInOuterJob(t *testing.T) {
	w := newJobWorld(t)
	outer, inner, used := w.NewJob(w.p.Token()), w.NewJob(w.p.Token()), w.NewJob(w.p.Token())
	other, th, out := w.p.NewChild(Child{Image: se.Unlabelled})
	for _, st := range []ntstatus.Status{out.Status, w.p.AssignToJob(outer).Status, other.AssignToJob(used).Status} {
		check.Success(t, st)
	}
	inner.SetLimits(JobLimits{Flags: JobRestrictedToken})
	want := func(what string, j *Job, st ntstatus.Status, in, parent *Job, counts [3]int) {
		t.Helper()
		got := w.p.AssignToJob(j)
		now := [3]int{outer.active, inner.active, used.active}
		if got.Status != st || w.p.job.Load() != in || inner.parent.Load() != parent || now != counts {
			t.Errorf("I-91: %s: %v, in the job %t, nested %t, processes %v, want %v and %v", what, got.Status,
				w.p.job.Load() == in, inner.parent.Load() != nil, now, st, counts)
		}
	}
	want("refused by the inner job", inner, ntstatus.AccessDenied, outer, nil, [3]int{1, 0, 1})
	want("a job of others", used, ntstatus.AccessDenied, outer, nil, [3]int{1, 0, 1})
	want("its own again", outer, ntstatus.Success, outer, nil, [3]int{1, 0, 1})
	inner.Deref(ob.TagCall)
	inner = w.NewJob(w.p.Token()) // a limit is not taken back (I-89)
	want("an empty one", inner, ntstatus.Success, inner, outer, [3]int{1, 1, 1})
	want("the outer one, which applies", outer, ntstatus.Success, inner, outer, [3]int{1, 1, 1})
	// A later limit of a job does not affect its members (I-90).
	outer.SetLimits(JobLimits{Flags: JobRestrictedToken})
	want("the outer one, which would refuse now", outer, ntstatus.Success, inner, outer, [3]int{1, 1, 1})
	innermost := w.NewJob(w.p.Token())
	if out := w.p.AssignToJob(innermost); out.Status != ntstatus.Success || w.p.job.Load() != innermost {
		t.Errorf("I-90: joining a job nested in one that would reject the process now: %v, want success", out)
	}
	innermost.Deref(ob.TagCall)
	other.Exit()
	w.close(outer, inner, used, th, other)
}

// A process can be in 32 jobs, however their chain came about: by one that is nested further, or by a nested job
// of processes that have ended, whose outer jobs become nested. A refusal changes nothing (I-91).
func TestJobsAreNestedToABound(t *testing.T) {
	const most = 32
	w := newJobWorld(t)
	child := func() (*Process, *Thread) {
		p, th, out := w.p.NewChild(Child{Image: se.Unlabelled})
		succeeds(t, out)
		return p, th
	}
	first, th1 := child()
	second, th2 := child()
	var chain []*Job
	for range most {
		chain = append(chain, w.NewJob(w.p.Token()))
		succeeds(t, first.AssignToJob(chain[len(chain)-1]))
	}
	succeeds(t, first.AssignToJob(chain[0])) // it is in that job already
	more := w.NewJob(w.p.Token())
	refuses := func(what string, p *Process, j, in *Job) {
		t.Helper()
		got := p.AssignToJob(j)
		check.That(t, got.Status == ntstatus.AccessDenied && got.Rule == "I-91" && p.job.Load() == in && j.active == 0,
			"I-91: %s: %v, %d processes, want it refused", what, got, j.active)
	}
	refuses("one more", first, more, chain[most-1])
	first.Exit()
	succeeds(t, second.AssignToJob(more))
	succeeds(t, second.AssignToJob(chain[0])) // its outermost job is empty, and becomes nested
	second.Exit()
	third, th3 := child()
	refuses("the innermost of 33", third, chain[most-1], nil)
	succeeds(t, third.AssignToJob(chain[most-2]))
	third.Exit()
	for _, j := range chain {
		j.Deref(ob.TagCall)
	}
	w.close(more, th1, first, th2, second, th3, third)
}

// TestJoiningJobChecksThreadTokens checks that every job that starts to apply, inner or outer, checks the threads'
// tokens. A refused process counts in no job (I-90).
func TestJoiningJobChecksThreadTokens(t *testing.T) {
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
		in, counts := (*Job)(nil), [2]int{1, 1} // afterwards
		switch which {
		case 1: // it is in the outer job, and stays there
			in, counts[0] = outer, 2
			succeeds(t, w.p.AssignToJob(outer))
		case 2:
			in, counts = inner, [2]int{2, 2}
		}
		got := w.p.AssignToJob(inner)
		if (got.Status == ntstatus.Success) != (which == 2) || [2]int{outer.active, inner.active} != counts ||
			w.p.job.Load() != in {
			t.Errorf("I-90: limit of job %d: %v, %d and %d processes, want refused and uncounted unless it is job 2",
				which, got.Status, outer.active, inner.active)
		}
		first.Exit()
		w.close(outer, inner, th, first, self, tok)
	}
	// The inner job checks the token that the outer one puts in place.
	w := newJobWorld(t)
	outer, inner := w.NewJob(w.p.Token()), w.NewJob(w.p.Token())
	first, th, _ := w.p.NewChild(Child{Image: se.Unlabelled})
	first.AssignToJob(outer)
	first.AssignToJob(inner)
	spec := admin()
	spec.Type, spec.Level = winnt.TokenPrimary, 0
	single := w.token(spec)
	outer.SetLimits(JobLimits{Flags: JobOnlyToken, Token: single})
	inner.SetLimits(JobLimits{Flags: JobNoAdmin})
	check.Equal(t, w.p.AssignToJob(inner).Status, ntstatus.AccessDenied, "I-90: an administrator in the inner job")
	first.Exit()
	w.close(outer, inner, th, first, single)
}

// TestOuterJobFiltersSingleToken checks that the copy of a job's single token passes the outer jobs, which filter or
// reject it. The job's own checks apply to the result, and the process gets it (I-90, I-91).
func TestOuterJobFiltersSingleToken(t *testing.T) {
	narrow := JobLimits{Flags: JobFilterTokens, Filter: token.FilterSpec{Restrict: []token.Group{{SID: sid.Users}}}}
	poorer := JobLimits{Flags: JobFilterTokens, Filter: token.FilterSpec{Delete: winnt.SeShutdownPrivilege.Bit()}}
	harmless := JobLimits{Flags: JobFilterTokens, Filter: token.FilterSpec{Disable: []sid.SID{sid.Administrators}}}
	for _, c := range []struct {
		name         string
		outer, inner JobLimits // inner's single token is set below
		st           ntstatus.Status
		restricted   bool // the process's token afterwards
	}{
		{"no limit outside", JobLimits{}, JobLimits{Flags: JobOnlyToken}, 0, false},
		{"filtered outside", narrow, JobLimits{Flags: JobOnlyToken}, 0, true},
		{"refused outside", JobLimits{Flags: JobRestrictedToken}, JobLimits{Flags: JobOnlyToken}, ntstatus.AccessDenied,
			false},
		{"made harmless outside", harmless, JobLimits{Flags: JobOnlyToken | JobNoAdmin}, 0, false},
		{"refused inside", poorer, JobLimits{Flags: JobOnlyToken | JobNoAdmin}, ntstatus.AccessDenied, false},
	} {
		w := newJobWorld(t)
		spec := user(func(s *token.Spec) { s.User.SID = sid.MustParse("S-1-5-21-1-2-3-2001") })
		if c.inner.Flags&JobNoAdmin != 0 {
			spec = admin()
			spec.Type, spec.Level = winnt.TokenPrimary, 0
		}
		single := w.token(spec)
		outer, inner := w.NewJob(w.p.Token()), w.NewJob(w.p.Token())
		succeeds(t, w.p.AssignToJob(outer))
		c.inner.Token = single
		for _, out := range []Outcome{outer.SetLimits(c.outer), inner.SetLimits(c.inner)} {
			check.RequireThat(t, out.Status == ntstatus.Success, "%v %v", c.name, out)
		}
		old, refs := w.p.PrimaryToken(), single.PointerCount()
		objects, _, _ := w.Security.Objects.Counts()
		out := w.p.AssignToJob(inner)
		now := w.p.PrimaryToken()
		check.That(t, out.Status == c.st && (now != old) == (c.st == ntstatus.Success),
			"I-90: %s: %+v, token replaced %t, want %v, %t", c.name, out, now != old, c.st, c.st == ntstatus.Success)
		after, _, _ := w.Security.Objects.Counts()
		if single.PointerCount() != refs || after != objects || now.PointerCount() != 1 {
			t.Errorf("I-90: %s: %d more references, %d more objects, %d references to the process's token, want "+
				"0, 0, 1",
				c.name,
				single.PointerCount()-refs, after-objects, now.PointerCount())
		}
		job, parent := w.p.Job(), inner.parent.Load()
		if c.st != ntstatus.Success && (job != outer || inner.active != 0 || parent != nil) ||
			c.st == ntstatus.Success && (job != inner || inner.active != 1 || parent != outer || outer.active != 1) {
			t.Errorf("I-91: %s: outer job has %d, inner job %d processes, want the process in both or, if "+
				"refused, only in the outer",
				c.name, outer.active, inner.active)
		} else {
			job.Deref(ob.TagCall)
		}
		if c.st == ntstatus.Success && (now.Value().IsRestricted() != c.restricted || !now.DescendsFrom(single) ||
			now == single || now.Value().User().SID != spec.User.SID || !now.InUse()) {
			t.Errorf("I-90: %s: process has a token of %v, restricted %t, want a copy of the single token, "+
				"restricted %t",
				c.name,
				now.Value().User().SID, now.Value().IsRestricted(), c.restricted)
		}
		w.close(single, outer, inner)
	}
}

// A process that joins a job with a single token, or a job that gets lists, needs memory and quota for them. The
// refusal has its reason and changes nothing (I-89, I-90, O-81, Q-2).
func TestRefusedJobTokenHasItsReason(t *testing.T) {
	const noCopy, noQuota = "the job's token could not be copied", "the account has no quota left for a copy of the token"
	for name, c := range map[string]struct {
		fault string
		room  int64
		want  Outcome
	}{
		"memory": {"ps: job token", 1 << 20, Outcome{Status: ntstatus.InsufficientResources, Rule: "O-81", Because: noCopy}},
		"quota":  {"", 1, Outcome{Status: ntstatus.QuotaExceeded, Rule: "Q-2", Because: noQuota}},
	} {
		w := newJobWorld(t)
		single, j := w.token(user()), w.NewJob(w.p.Token())
		succeeds(t, j.SetLimits(JobLimits{Flags: JobOnlyToken, Token: single}))
		w.p.SetQuota(quota.NewBlock(nil, c.room, false))
		w.Faults = func(point string) bool { return point == c.fault }
		before := w.p.PrimaryToken()
		check.Equal(t, w.p.AssignToJob(j), c.want, "%s: AssignToJob", name)
		check.That(t, w.p.PrimaryToken() == before && w.p.job.Load() == nil && j.active == 0, "%s: something changed", name)
		lists := JobLimits{Flags: JobOnlyToken | JobFilterTokens, Token: single,
			Filter: token.FilterSpec{Disable: []sid.SID{sid.Users}}}
		poor := quota.Payer{Block: quota.NewBlock(nil, 1, false)}
		check.Equal(t, j.SetLimitsFor(poor, lists), Outcome{Status: ntstatus.QuotaExceeded, Rule: "Q-2",
			Because: "the account has no quota left for the lists"}, "limits without quota")
		check.Equal(t, j.Limits().Flags, JobOnlyToken, "flags after the refused call")
		w.close(single, j)
	}
}

// A thread whose job filters a token needs quota for the filtered one. Without it, the impersonation fails, and the
// thread keeps its client (I-90, Q-2).
func TestFilteredTokenIsCharged(t *testing.T) {
	w := newJobWorld(t)
	j := w.NewJob(w.p.Token())
	succeeds(t, w.p.AssignToJob(j))
	th := w.thread()
	first, second := w.client(user()), w.client(user())
	succeeds(t, ImpersonateClient(th, first, false, false, winnt.SecurityDelegation))
	succeeds(t, j.SetLimits(JobLimits{Flags: JobFilterTokens, Filter: token.FilterSpec{Disable: []sid.SID{sid.Users}}}))
	w.p.SetQuota(quota.NewBlock(nil, 1, false))
	check.Equal(t, ImpersonateClient(th, second, false, false, winnt.SecurityDelegation), Outcome{
		Status: ntstatus.QuotaExceeded, Rule: "Q-2", Because: "the account has no quota left for a copy of the token"},
		"Q-2: impersonation of a token that must be filtered")
	r := th.Impersonation(ob.TagCall)
	check.That(t, r.Token == first, "Q-2: the thread impersonates %v, want its first client", r.Token)
	r.Token.Deref(ob.TagCall)
	block := quota.NewBlock(nil, 1<<20, false)
	w.p.SetQuota(block)
	before := block.Used()
	succeeds(t, ImpersonateClient(th, second, false, false, winnt.SecurityDelegation))
	check.That(t, block.Used() > before, "Q-2: %d bytes are charged for the filtered token, want some",
		block.Used()-before)
	// The copy that an open made is checked, too.
	succeeds(t, j.SetLimits(JobLimits{Flags: JobFilterTokens | JobNoAdmin, Filter: j.Limits().Filter}))
	r, dup := th.Impersonation(ob.TagCall), w.client(admin())
	check.Equal(t, th.ReplaceOwnCopy(r, dup).Rule, "I-90", "rule for a copy that the job refuses")
	r.Token.Deref(ob.TagCall)
	th.RevertToSelf()
	check.Equal(t, block.Used(), before, "Q-2: charged bytes after the thread reverted")
	w.close(th, j, first, second, dup)
}

// A thread in nested jobs acts with a token that every job has filtered, and with the requested flags and level (I-91).
func TestNestedJobsFilterInTurn(t *testing.T) {
	w := newJobWorld(t)
	jobs := []*Job{w.NewJob(w.p.Token()), w.NewJob(w.p.Token()), w.NewJob(w.p.Token())}
	for i, j := range jobs {
		succeeds(t, w.p.AssignToJob(j))
		if i != 1 {
			succeeds(t, j.SetLimits(JobLimits{Flags: JobFilterTokens,
				Filter: token.FilterSpec{Disable: []sid.SID{sid.Users, sid.Everyone}[i/2 : i/2+1]}}))
		}
	}
	tok, th := w.client(user()), w.thread()
	for _, flags := range [][2]bool{{true, false}, {false, true}} {
		succeeds(t, ImpersonateClient(th, tok, flags[0], flags[1], winnt.SecurityImpersonation))
		r := th.Impersonation(ob.TagCall)
		check.That(t, r.CopyOnOpen == flags[0] && r.EffectiveOnly == flags[1] && r.Level == winnt.SecurityImpersonation,
			"record of the thread: %+v, want the flags %v at SecurityImpersonation", r, flags)
		v := r.Token.Value()
		check.That(t, !v.Member(sid.Users, false) && !v.Member(sid.Everyone, false) && r.Token.DescendsFrom(tok),
			"the outermost and the innermost job have not both filtered the token")
		r.Token.Deref(ob.TagCall)
	}
	th.RevertToSelf()
	// Each job of the chain can refuse a token, whichever it is (P-12).
	administrator := value(t, admin())
	check.Equal(t, jobs[2].refuses(administrator), Outcome{}, "an administrator's token, which no job refuses")
	succeeds(t, jobs[1].SetLimits(JobLimits{Flags: JobNoAdmin}))
	check.Equal(t, jobs[2].refuses(administrator), refused("the job admits no administrator's token"),
		"P-12: an administrator's token, which the job in the middle refuses")
	w.close(jobs[0], jobs[1], jobs[2], tok, th)
}
