package ps

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A static context has its own impersonation token at the allowed level, whatever type and level the client's token
// has. The client's token does not change. A dynamic context has the client's own token. From both the server
// impersonates the client at the allowed level, and copies on open (I-80, I-81).
func TestStaticContextIsACopy(t *testing.T) {
	for _, acts := range []winnt.TokenType{0, winnt.TokenPrimary, winnt.TokenImpersonation} { // 0: as its process
		for i := range 16 {
			level, effective := winnt.SecurityImpersonationLevel(i&3), i&4 != 0
			tracking := winnt.SECURITY_STATIC_TRACKING
			if i&8 != 0 {
				tracking = winnt.SECURITY_DYNAMIC_TRACKING
			}
			w := newJobWorld(t)
			th, server := w.thread(), w.thread()
			tok := w.p.ReferenceToken(ob.TagCall)
			if acts != 0 {
				tok.Deref(ob.TagCall)
				spec := user()
				if spec.Type = acts; acts == winnt.TokenImpersonation {
					spec.Level = winnt.SecurityDelegation
				}
				tok = w.token(spec)
				succeeds(t, ImpersonateClient(th, tok, false, false, winnt.SecurityDelegation))
			}
			before := tok.Value()
			c := accepted(th.CreateClientSecurity(nt.SecurityQualityOfService{ImpersonationLevel: level,
				EffectiveOnly: effective, ContextTrackingMode: tracking}, false, server.Process()))
			v := c.Token.Value()
			if tracking == winnt.SECURITY_STATIC_TRACKING {
				if c.Token == tok || c.Direct || v.Type() != winnt.TokenImpersonation || v.Level() != level {
					t.Errorf("I-80: static context at %v: type %v, level %v, own copy %t, want an impersonation token "+
						"at that level", level, v.Type(), v.Level(), c.Token != tok)
				}
			} else if c.Token != tok || !c.Direct {
				t.Errorf("I-80: dynamic context at %v has a copy, want the client's own token", level)
			}
			check.Equal(t, tok.Value(), before, "I-80: value of the client's token")
			succeeds(t, c.Impersonate(server))
			r := server.Impersonation(ob.TagCall)
			check.RequireThat(t, r != nil && r.Level == level && r.EffectiveOnly == effective && r.CopyOnOpen,
				"I-81: record of the server's thread = %+v, want level %v, effective only %t and copy on open", r, level, effective)
			r.Token.Deref(ob.TagCall)
			server.RevertToSelf()
			c.Delete()
			if tracking == winnt.SECURITY_STATIC_TRACKING {
				other := w.token(user(func(s *token.Spec) { s.User.SID = sid.LocalService }))
				p := w.NewProcess("other", other)
				c = accepted(th.CreateClientSecurity(nt.SecurityQualityOfService{ImpersonationLevel: level}, false, p))
				check.That(t, grants(c.Token, sid.LocalService), "I-80: the copy does not admit the server")
				c.Delete()
				p.Exit()
				p.Deref(ob.TagCall)
				other.Deref(ob.TagCall)
			}
			w.close(th, server, tok)
		}
	}
}

// grants reports whether the DACL of a token names a user.
func grants(tok *se.TokenObject, user sid.SID) bool {
	for _, a := range tok.Security().DACL().All() {
		if a.SID() == user {
			return true
		}
	}
	return false
}

// A remote dynamic context is a copy that names the client's own token by its identifiers (I-80).
func TestRemoteContextNamesItsToken(t *testing.T) {
	w := newJobWorld(t)
	th := w.thread()
	spec := user()
	spec.Type, spec.Level, spec.Source.Name = winnt.TokenImpersonation, winnt.SecurityDelegation, "test"
	tok := w.token(spec)
	dynamic := nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation,
		ContextTrackingMode: winnt.SECURITY_DYNAMIC_TRACKING}
	succeeds(t, ImpersonateClient(th, tok, false, false, winnt.SecurityDelegation))
	remote := accepted(th.CreateClientSecurity(dynamic, true, w.p))
	v := tok.Value()
	want := (TokenControl{tok.ID(), v.AuthenticationID(), v.ModifiedID(), v.Source()})
	check.That(t, remote.Control == want && remote.Token != tok && !remote.Direct,
		"remote context names the token %+v, want %+v", remote.Control, want)
	remote.Delete()
	th.RevertToSelf()
	w.close(th, tok)
}

// A captured context keeps both tokens, the level and the process, whatever the thread does. Locked, it also keeps
// their values. A release drops all references, once (I-83).
func TestSubjectContextKeepsTokens(t *testing.T) {
	w := newJobWorld(t)
	child, th, out := w.p.NewChild(Child{Image: se.Unlabelled}) // another process than the first
	check.RequireThat(t, out.Status == ntstatus.Success, "%v", out)
	tok := w.client(user())
	succeeds(t, ImpersonateClient(th, tok, false, true, winnt.SecurityImpersonation))
	primary := child.PrimaryToken()
	refs := func() [2]int64 { return [2]int64{tok.PointerCount(), primary.PointerCount()} }
	before := refs()
	c := th.CaptureSubjectContext()
	if got := refs(); got != [2]int64{before[0] + 1, before[1] + 1} {
		t.Errorf("I-83: references after the capture = %v, before %v, want one more each", got, before)
	}
	th.RevertToSelf()
	self := th.CaptureSubjectContext()
	check.That(t, self.Client == nil && self.Primary == primary && self.Token() == primary &&
		self.Subject().Client == nil && self.Process == child.ID() && self.Subject().Primary == primary.Value(),
		"I-83: context of a thread without client = %+v, want only its primary token and process", self)
	self.Release()
	s := c.Subject()
	check.That(t, c.Client == tok && c.Token() == tok && c.Primary == primary && c.Process == child.ID() &&
		c.Level == winnt.SecurityImpersonation && s.Client == tok.Value() && s.Primary == primary.Value() &&
		s.Level == winnt.SecurityImpersonation && s.EffectiveOnly,
		"I-83: context after the thread reverted = %+v, want the captured client and process", c)
	change := func() *token.Token {
		return tok.Value().WithTypeLevel(winnt.TokenImpersonation, winnt.SecurityDelegation)
	}
	was := tok.Value()
	c.Lock()
	next := change()
	set(tok, next)
	check.That(t, c.Subject().Client == was,
		"I-83: a locked context shows a later value of the token, want the locked one")
	c.Lock() // once more: the present values
	check.That(t, c.Subject().Client == next,
		"I-83: a context locked again shows an earlier value of the token, want the current one")
	set(tok, was)
	c.Unlock()
	check.That(t, c.Subject().Client == was,
		"I-83: an unlocked context shows an earlier value of the token, want the current one")
	for range 2 {
		c.Release()
		if got := refs(); got != [2]int64{before[0] - 1, before[1]} { // the thread's own is gone, too
			t.Errorf("I-83: references after Release = %v, before the capture %v, want the thread's own released too",
				got, before)
		}
	}
	check.Equal(t, c.Subject(), access.Subject{}, "I-83: subject of a released context")
	var none *SubjectContext
	none.Release()
	(&SubjectContext{}).Release()
	if s := none.Subject(); s.Primary != nil || s.Client != nil {
		t.Errorf("subject of a nil context = %+v, want no tokens", s)
	}
	if s := (&SubjectContext{}).Subject(); s.Primary != nil || s.Client != nil {
		t.Errorf("subject of an empty context = %+v, want no tokens", s)
	}
	for _, o := range []ob.Object{th, tok} {
		o.Head().Deref(ob.TagCall)
	}
	child.Exit()
	w.close(child)
}

// Updating a dynamic context reports whether the client's token is another object or another value. A static one
// never changes (I-82).
func TestUpdateReportsChange(t *testing.T) {
	w := newJobWorld(t)
	th := w.thread()
	tok, other := w.client(user()), w.client(user())
	act := func(x *se.TokenObject) { succeeds(t, ImpersonateClient(th, x, false, false, winnt.SecurityDelegation)) }
	q := nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation,
		ContextTrackingMode: winnt.SECURITY_DYNAMIC_TRACKING}
	act(tok)
	c := accepted(th.CreateClientSecurity(q, false, w.p))
	update := func(what string, x *se.TokenObject, want bool) {
		t.Helper()
		changed, out := c.Update(th, w.p)
		check.That(t, changed == want && out.Status == ntstatus.Success && c.Token == x && c.Direct,
			"I-82: %s: Update = %t, %v, uses the thread's token %t, want %t", what, changed, out.Status, c.Token == x, want)
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
	for _, only := range []bool{true, false} { // the flag follows the thread's (T-48)
		succeeds(t, ImpersonateClient(th, other, false, only, winnt.SecurityDelegation))
		update("another flag", other, false)
		s := th.CaptureSubjectContext()
		check.Equal(t, [2]bool{c.EffectiveOnly, s.Subject().EffectiveOnly}, [2]bool{only, only},
			"T-48: context and subject are effective-only")
		s.Release()
	}
	refs := other.PointerCount()
	act(tok)
	succeeds(t, ImpersonateClient(th, tok, false, false, winnt.SecurityIdentification))
	if changed, out := c.Update(th, w.p); changed || out.Status != ntstatus.BadImpersonationLevel || c.Token != other ||
		other.PointerCount() != refs-1 {
		t.Errorf("I-82: Update for a client that cannot be captured = %t, %+v, want false, "+
			"STATUS_BAD_IMPERSONATION_LEVEL",
			changed, out)
	}
	q.ContextTrackingMode = winnt.SECURITY_STATIC_TRACKING
	act(tok)
	fixed := accepted(th.CreateClientSecurity(q, false, w.p))
	was := fixed.Token
	act(other)
	if changed, out := fixed.Update(th, w.p); changed || out.Status != ntstatus.Success || fixed.Token != was {
		t.Errorf("I-82: Update of a static context = %t, %+v, want false and success", changed, out)
	}
	for range 2 { // the reference is dropped once
		c.Delete()
		fixed.Delete()
	}
	th.RevertToSelf()
	for _, o := range []ob.Object{th, tok, other} {
		n := o.Head().PointerCount()
		check.That(t, n == 1 || o.Head() == th.Head(), "I-82: %d references are left, want 1", n)
		o.Head().Deref(ob.TagCall)
	}
	w.close()
}

// client returns an impersonation token of the spec at SecurityDelegation.
func (w *jobWorld) client(of token.Spec) *se.TokenObject {
	of.Type, of.Level = winnt.TokenImpersonation, winnt.SecurityDelegation
	return w.token(of)
}

// set replaces the value of a token object.
func set(tok *se.TokenObject, v *token.Token) {
	tok.Update(func(*token.Token, winnt.LUID) *token.Token { return v })
}

// A client that cannot be captured gives the status, the rule and the reason in words. Nothing is left (I-80, O-81,
//
func TestRefusedClientContextHasItsReason(t *testing.T) {
	const none, identify, impersonate, delegate = winnt.SecurityAnonymous, winnt.SecurityIdentification,
		winnt.SecurityImpersonation, winnt.SecurityDelegation
	w := newJobWorld(t)
	tok := w.token(user()) // a primary one has no level: the thread's counts (I-44)
	low := ntstatus.BadImpersonationLevel
	for _, c := range []struct {
		acts, level winnt.SecurityImpersonationLevel // acts: 0 without a client
		remote      bool
		room        int64 // of the process's account; 0: no limit
		memory      bool  // runs out
		want        Outcome
	}{
		{none, delegate + 1, false, 0, false, Outcome{Status: ntstatus.InvalidParameter, Rule: "I-80",
			Because: "the level is above SecurityDelegation"}},
		{impersonate, delegate, false, 0, false, Outcome{Status: low, Rule: "I-80",
			Because: "the level is above that of the client's own impersonation"}},
		{identify, identify, false, 0, false, Outcome{Status: low, Rule: "I-80",
			Because: "the client itself impersonates below SecurityImpersonation"}},
		{impersonate, impersonate, true, 0, false, Outcome{Status: low, Rule: "I-80",
			Because: "a remote server needs a client at SecurityDelegation"}},
		{none, impersonate, false, 0, true, Outcome{Status: ntstatus.InsufficientResources, Rule: "O-81",
			Because: "the client's token could not be copied"}},
		{none, impersonate, false, 1, false, Outcome{Status: ntstatus.QuotaExceeded, Rule: "Q-2",
			Because: "the account has no quota left for a copy of the token"}},
	} {
		th := w.thread()
		if c.acts != none {
			succeeds(t, ImpersonateClient(th, tok, false, false, c.acts))
		}
		if c.room > 0 {
			w.p.SetQuota(quota.NewBlock(nil, c.room, false))
		}
		w.Faults = func(string) bool { return c.memory }
		objects, _, references := w.Security.Objects.Counts()
		x, out := th.CreateClientSecurity(nt.SecurityQualityOfService{ImpersonationLevel: c.level}, c.remote, w.p)
		check.That(t, x == nil && out == c.want, "capture of %+v: %v, %+v, want nil, %+v", c, x, out, c.want)
		o, _, r := w.Security.Objects.Counts()
		check.That(t, o == objects && r == references, "%d objects and %d references after the refusal, want %d and %d", o,
			r, objects, references)
		w.Faults = nil
		w.p.SetQuota(nil)
		th.Exit()
		x, out = th.CreateClientSecurity(nt.SecurityQualityOfService{ImpersonationLevel: identify}, false, w.p)
		check.That(t, x == nil && out.Status == low && out.Rule == "I-80",
			"I-9: capture of a thread that has ended: %v, %+v, want %v", x, out, low)
		th.Deref(ob.TagCall)
	}
	w.close(tok)
}

// A context of a client with EffectiveOnly keeps it, even if the server did not request it, and its token copy has no
// disabled group (I-80, T-48). A context from a subject context has the token of the client or of the process, without
// EffectiveOnly.
func TestContextKeepsEffectiveOnlyOfClient(t *testing.T) {
	w := newJobWorld(t)
	tok := w.client(user(func(s *token.Spec) {
		s.Groups = append(s.Groups, token.Group{SID: sid.MustParse("S-1-5-21-1-2-3-4000"), Attributes: token.GroupDisabled})
	}))
	th := w.thread()
	succeeds(t, ImpersonateClient(th, tok, false, true, winnt.SecurityDelegation))
	sqos := nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation}
	all := tok.Value().GroupCount()
	subject := th.CaptureSubjectContext()
	for name, c := range map[string]struct {
		context *ClientContext
		only    bool
		groups  int
	}{
		"thread":  {accepted(th.CreateClientSecurity(sqos, false, w.p)), true, all - 1},
		"subject": {accepted(w.CreateClientSecurityFromSubject(subject, sqos, true, w.p)), false, all},
	} {
		v := c.context.Token.Value()
		check.That(t, c.context.EffectiveOnly == c.only && v.GroupCount() == c.groups &&
			v.User().SID == tok.Value().User().SID && c.context.Remote == (name == "subject"),
			"context from the %s: %+v with %d groups, want EffectiveOnly %t, %d groups", name, c.context, v.GroupCount(),
			c.only, c.groups)
		check.Equal(t, c.context.Control, TokenControl{}, "identifiers of a static context")
		c.context.Delete()
	}
	subject.Release()
	// The level of the thread counts, whatever that of its token is (I-80).
	succeeds(t, ImpersonateClient(th, tok, false, true, winnt.SecurityIdentification))
	subject = th.CaptureSubjectContext()
	_, out := w.CreateClientSecurityFromSubject(subject, sqos, false, w.p)
	check.Equal(t, out.Status, ntstatus.BadImpersonationLevel, "I-80: capture of a client at SecurityIdentification")
	subject.Release()
	th.RevertToSelf()
	w.close(th, tok)
}
