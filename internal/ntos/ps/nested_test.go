package ps

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestSingleTokenInAnOuterJob: the copy of a job's single token goes through the outer
// jobs, which filter or refuse it; the job's own refusals look at the result, and the process
// gets it (I-90, I-91).
func TestSingleTokenInAnOuterJob(t *testing.T) {
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
		if out := w.p.AssignToJob(outer); out.Status != ntstatus.Success {
			t.Fatal(out)
		}
		c.inner.Token = single
		for _, out := range []Outcome{outer.SetLimits(c.outer), inner.SetLimits(c.inner)} {
			if out.Status != ntstatus.Success {
				t.Fatal(c.name, out)
			}
		}
		old, refs := w.p.PrimaryToken(), single.PointerCount()
		objects, _, _ := w.Security.Objects.Counts()
		out := w.p.AssignToJob(inner)
		now := w.p.PrimaryToken()
		if out.Status != c.st || (now != old) != (c.st == ntstatus.Success) {
			t.Errorf("I-90: %s: %+v, another token: %t", c.name, out, now != old)
		}
		after, _, _ := w.Security.Objects.Counts()
		if single.PointerCount() != refs || after != objects || now.PointerCount() != 1 {
			t.Errorf("I-90: %s: %d references and %d objects more, %d on the process's token", c.name,
				single.PointerCount()-refs, after-objects, now.PointerCount())
		}
		job, parent := w.p.Job(), inner.parent.Load()
		if c.st != ntstatus.Success && (job != outer || inner.active != 0 || parent != nil) ||
			c.st == ntstatus.Success && (job != inner || inner.active != 1 || parent != outer || outer.active != 1) {
			t.Errorf("I-91: %s: %d and %d processes", c.name, outer.active, inner.active)
		} else {
			job.Deref(ob.TagCall)
		}
		if c.st == ntstatus.Success && (now.Value().IsRestricted() != c.restricted || !now.DescendsFrom(single) ||
			now == single || now.Value().User().SID != spec.User.SID || !now.InUse()) {
			t.Errorf("I-90: %s: the process's token is %v, restricted %t", c.name, now.Value().User().SID,
				now.Value().IsRestricted())
		}
		for _, o := range []ob.Object{single, outer, inner} {
			o.Head().Deref(ob.TagCall)
		}
		w.close()
	}
}

// TestRaisedIsTold: an impersonation tells that it raises a thread above its process, and not
// one that lowers it (I-48).
func TestRaisedIsTold(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*token.Spec)
		raised bool
	}{
		{"a privilege more", func(s *token.Spec) { s.Privileges |= winnt.SeTcbPrivilege.Bit() }, true},
		{"a privilege less", func(s *token.Spec) { s.Privileges, s.EnabledPrivileges, s.DefaultPrivileges = 0, 0, 0 }, false},
		{"above", func(s *token.Spec) { s.Integrity = sid.HighLevel }, true},
	} {
		for _, job := range []bool{false, true} {
			w := newJobWorld(t)
			th, j := w.thread(), w.NewJob(w.p.Token())
			if job {
				w.p.AssignToJob(j)
			}
			tok := w.client(user(c.change))
			if out := ImpersonateClient(th, tok, true, false, winnt.SecurityDelegation); out.Status != ntstatus.Success ||
				out.Raised != c.raised || out.Demoted {
				t.Errorf("I-48: %s, in a job %t: %+v", c.name, job, out)
			}
			th.RevertToSelf()
			for _, o := range []ob.Object{th, tok, j} {
				o.Head().Deref(ob.TagCall)
			}
			w.close()
		}
	}
}

// TestProcessIsCounted: a process and its threads are among the objects of the system until
// they are gone, and its token is in use as long (T-112).
func TestProcessIsCounted(t *testing.T) {
	w := newJobWorld(t)
	tok := w.token(user())
	count := func(what string, more int64, before int64) {
		t.Helper()
		if now, _, _ := w.Security.Objects.Counts(); now-before != more {
			t.Errorf("%s: %d objects more, want %d", what, now-before, more)
		}
	}
	before, _, _ := w.Security.Objects.Counts()
	p := w.NewProcess("counted", tok, nil)
	count("a process", 1, before)
	th, st := p.NewThread()
	if st != ntstatus.Success || !tok.InUse() {
		t.Fatal(st, tok.InUse())
	}
	count("and its thread", 2, before)
	p.Exit()
	th.Deref(ob.TagCall)
	count("the thread is gone", 1, before)
	if !tok.InUse() {
		t.Error("T-112: the token of a process that ended and is there is not in use")
	}
	p.Deref(ob.TagCall)
	count("the process is gone", 0, before)
	if tok.InUse() || tok.PointerCount() != 1 {
		t.Errorf("T-112: the token is in use: %t, %d references", tok.InUse(), tok.PointerCount())
	}
	child, cth, out := w.p.NewChild(Child{Token: tok, Image: se.Unlabelled})
	if out.Status != ntstatus.Success || child.PrimaryToken() != tok {
		t.Errorf("T-112: a token that no process has is not given as it is: %+v", out)
	}
	cth.Deref(ob.TagCall)
	child.Exit()
	child.Deref(ob.TagCall)
	tok.Deref(ob.TagCall)
	w.close()
}
