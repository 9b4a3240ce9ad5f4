package ps

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// client is a token to impersonate with, of an administrator or not.
func (w *jobWorld) client(of token.Spec) *se.TokenObject {
	of.Type, of.Level = winnt.TokenImpersonation, winnt.SecurityDelegation
	return w.token(of)
}

// TestJobJoinedMeanwhile: a process joins a job after the job was looked at and before the
// thread took the token. The token is tested for the new job: one that the job refuses is
// taken back, and the thread has what it had, with one reference on it (I-41, I-90).
func TestJobJoinedMeanwhile(t *testing.T) {
	for _, c := range []struct {
		name                          string
		refused, demoted, acted, none bool // the process's job is gone instead
	}{
		{"one that the job admits", false, false, true, false},
		{"one that the job refuses", true, false, true, false},
		{"one that the job refuses, of a thread that did not act", true, false, false, false},
		{"a copy that the job admits", false, true, true, false},
		{"a copy that the job refuses", true, true, true, false},
		{"one that no job looks at any more", false, false, true, true},
	} {
		w := newJobWorld(t)
		p, th, of := w.p, w.thread(), user()
		if c.demoted { // a process without the privilege, and another user's token
			th.Deref(ob.TagCall)
			var out Outcome
			given := w.token(user())
			if p, th, out = w.p.NewChild(Child{Token: given, Image: se.Unlabelled}); out.Status != ntstatus.Success {
				t.Fatal(out)
			}
			given.Deref(ob.TagCall)
			of = admin()
		}
		job := w.NewJob(w.p.Token())
		old, tok := w.client(user()), w.client(of)
		if c.acted {
			if out := ImpersonateClient(th, old, true, false, winnt.SecurityImpersonation); out.Status != ntstatus.Success {
				t.Fatal(out)
			}
		}
		if c.refused {
			flags := uint32(JobRestrictedToken)
			if c.demoted {
				flags = JobNoAdmin
			}
			job.SetLimits(JobLimits{Flags: flags})
		}
		looked := job // the job that the token was tested for
		if !c.none {
			looked = nil
			p.job.Store(job)
			job.Ref(ob.TagLink)
			job.active++
		}
		wasOld, wasNew := old.PointerCount(), tok.PointerCount()
		before := th.imp.Load()
		_, other := th.accept(tok, false, false, winnt.SecurityImpersonation, looked)
		if c.demoted && !c.refused && (other == nil || !other.Demoted) {
			t.Errorf("%s: not demoted: %+v", c.name, other)
		}
		now := th.imp.Load()
		if c.refused {
			if other == nil || other.Status != ntstatus.AccessDenied || other.Rule != "I-90" || now != before {
				t.Errorf("I-90: %s: %+v, the thread's state is the one before: %t", c.name, other, now == before)
			}
			if old.PointerCount() != wasOld || tok.PointerCount() != wasNew {
				t.Errorf("I-90: %s: %d and %d references more", c.name, old.PointerCount()-wasOld, tok.PointerCount()-wasNew)
			}
		} else {
			if now == nil || now == before || !c.demoted && now.Token != tok {
				t.Errorf("I-41: %s: the thread acts with %+v", c.name, now)
			}
			more := int64(1)
			if c.demoted {
				more = 0 // a copy has its own
			}
			if old.PointerCount() != wasOld-1 || tok.PointerCount() != wasNew+more {
				t.Errorf("I-41: %s: %d and %d references more", c.name, old.PointerCount()-wasOld, tok.PointerCount()-wasNew)
			}
		}
		th.RevertToSelf()
		for _, o := range []ob.Object{th, old, tok, job} {
			o.Head().Deref(ob.TagCall)
		}
		if p != w.p {
			p.Exit()
			p.Deref(ob.TagCall)
		}
		w.close()
	}
}

// TestSetAgainMeanwhile: a thread whose token is taken back has got another one since: that
// one stays, and what it replaced is dropped once (I-41).
func TestSetAgainMeanwhile(t *testing.T) {
	w := newJobWorld(t)
	th := w.thread()
	job := w.NewJob(w.p.Token())
	job.SetLimits(JobLimits{Flags: JobNoAdmin})
	if out := w.p.AssignToJob(job); out.Status != ntstatus.Success {
		t.Fatal(out)
	}
	old, refused, later := w.client(user()), w.client(admin()), w.client(user())
	record := func(tok *se.TokenObject) *se.Impersonation {
		tok.Ref(ob.TagImpersonation)
		return tok.Impersonation(false, false, winnt.SecurityImpersonation)
	}
	before, r, now := record(old), record(refused), record(later)
	th.imp.Store(now) // r was replaced, and its reference dropped, by who set this one
	refused.Deref(ob.TagImpersonation)
	if out := th.recheck(r, before); out.Status != ntstatus.AccessDenied {
		t.Errorf("I-41: %+v", out)
	}
	if th.imp.Load() != now || old.PointerCount() != 1 || refused.PointerCount() != 1 || later.PointerCount() != 2 {
		t.Errorf("I-41: another state; %d, %d and %d references", old.PointerCount(), refused.PointerCount(),
			later.PointerCount())
	}
	th.RevertToSelf()
	for _, o := range []ob.Object{th, old, refused, later, job} {
		o.Head().Deref(ob.TagCall)
	}
	w.close()
}

// TestSubjectContext: a captured context keeps both tokens, the level and the process as
// they were, whatever the thread does; locked, it keeps their values too; released, it holds
// nothing, once (I-83).
func TestSubjectContext(t *testing.T) {
	w := newJobWorld(t)
	child, th, out := w.p.NewChild(Child{Image: se.Unlabelled}) // another process than the first
	if out.Status != ntstatus.Success {
		t.Fatal(out)
	}
	tok := w.client(user())
	if out := ImpersonateClient(th, tok, false, true, winnt.SecurityImpersonation); out.Status != ntstatus.Success {
		t.Fatal(out)
	}
	primary := child.PrimaryToken()
	refs := func() [2]int64 { return [2]int64{tok.PointerCount(), primary.PointerCount()} }
	before := refs()
	c := th.CaptureSubjectContext()
	if got := refs(); got != [2]int64{before[0] + 1, before[1] + 1} {
		t.Errorf("I-83: captured: %v references, before %v", got, before)
	}
	th.RevertToSelf()
	self := th.CaptureSubjectContext()
	if self.Client != nil || self.Primary != primary || self.Token() != primary || self.Subject().Client != nil ||
		self.Process != child.ID() || self.Subject().Primary != primary.Value() {
		t.Errorf("I-83: of a thread that acts for itself: %+v", self)
	}
	self.Release()
	s := c.Subject()
	if c.Client != tok || c.Token() != tok || c.Primary != primary || c.Process != child.ID() ||
		c.Level != winnt.SecurityImpersonation || s.Client != tok.Value() || s.Primary != primary.Value() ||
		s.Level != winnt.SecurityImpersonation || !s.EffectiveOnly {
		t.Errorf("I-83: after the thread reverted: %+v", c)
	}
	change := func() *token.Token {
		return tok.Value().WithTypeLevel(winnt.TokenImpersonation, winnt.SecurityDelegation)
	}
	was := tok.Value()
	c.Lock()
	next := change()
	set(tok, next)
	if c.Subject().Client != was {
		t.Error("I-83: locked: a later value is seen")
	}
	c.Lock() // once more: the present values
	if c.Subject().Client != next {
		t.Error("I-83: locked again: an earlier value is seen")
	}
	set(tok, was)
	c.Unlock()
	if c.Subject().Client != was {
		t.Error("I-83: unlocked: an earlier value is seen")
	}
	for range 2 {
		c.Release()
		if got := refs(); got != [2]int64{before[0] - 1, before[1]} { // the thread's own is gone, too
			t.Errorf("I-83: released: %v references, before %v", got, before)
		}
	}
	var none *SubjectContext
	none.Release()
	(&SubjectContext{}).Release()
	if s := none.Subject(); s.Primary != nil || s.Client != nil {
		t.Errorf("of no context: %+v", s)
	}
	if s := (&SubjectContext{}).Subject(); s.Primary != nil || s.Client != nil {
		t.Errorf("of an empty context: %+v", s)
	}
	for _, o := range []ob.Object{th, tok} {
		o.Head().Deref(ob.TagCall)
	}
	child.Exit()
	child.Deref(ob.TagCall)
	w.close()
}

// TestUpdateTells: a dynamic context that is renewed tells whether the client's token is
// another one or another value; a static one never changes (I-82).
func TestUpdateTells(t *testing.T) {
	w := newJobWorld(t)
	th := w.thread()
	tok, other := w.client(user()), w.client(user())
	act := func(x *se.TokenObject) {
		if out := ImpersonateClient(th, x, false, false, winnt.SecurityDelegation); out.Status != ntstatus.Success {
			t.Fatal(out)
		}
	}
	q := nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation,
		ContextTrackingMode: winnt.SECURITY_DYNAMIC_TRACKING}
	act(tok)
	c, out := th.CreateClientSecurity(q, false, w.p)
	if out.Status != ntstatus.Success {
		t.Fatal(out)
	}
	update := func(what string, x *se.TokenObject, want bool) {
		t.Helper()
		changed, out := c.Update(th, w.p)
		if changed != want || out.Status != ntstatus.Success || c.Token != x || !c.Direct {
			t.Errorf("I-82: %s: changed %t, %v, its token %t", what, changed, out.Status, c.Token == x)
		}
	}
	update("nothing happened", tok, false)
	act(other)
	update("another token", other, true)
	update("and again", other, false)
	s := user()
	s.Type, s.Level = winnt.TokenImpersonation, winnt.SecurityDelegation
	s.ModifiedID = 77
	set(other, value(t, s))
	update("another value", other, true)
	update("and again", other, false)
	refs := other.PointerCount()
	act(tok)
	if out := ImpersonateClient(th, tok, false, false, winnt.SecurityIdentification); out.Status != ntstatus.Success {
		t.Fatal(out)
	}
	if changed, out := c.Update(th, w.p); changed || out.Status != ntstatus.BadImpersonationLevel || c.Token != other ||
		other.PointerCount() != refs-1 {
		t.Errorf("I-82: a client that cannot be captured: %t, %+v", changed, out)
	}
	q.ContextTrackingMode = winnt.SECURITY_STATIC_TRACKING
	act(tok)
	fixed, out := th.CreateClientSecurity(q, false, w.p)
	if out.Status != ntstatus.Success {
		t.Fatal(out)
	}
	was := fixed.Token
	act(other)
	if changed, out := fixed.Update(th, w.p); changed || out.Status != ntstatus.Success || fixed.Token != was {
		t.Errorf("I-82: a static context: %t, %+v", changed, out)
	}
	for range 2 { // the reference is dropped once
		c.Delete()
		fixed.Delete()
	}
	th.RevertToSelf()
	for _, o := range []ob.Object{th, tok, other} {
		if n := o.Head().PointerCount(); n != 1 && o.Head() != th.Head() {
			t.Errorf("I-82: %d references are left", n)
		}
		o.Head().Deref(ob.TagCall)
	}
	w.close()
}

// set gives a token object another value.
func set(tok *se.TokenObject, v *token.Token) {
	tok.Update(func(*token.Token, winnt.LUID) *token.Token { return v })
}
