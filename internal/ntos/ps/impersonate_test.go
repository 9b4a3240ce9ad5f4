package ps_test

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
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

// Disabling returns the state with its reference. A second call finds no state, and the first state can be restored
// (IC-57, I-60, I-61).
func TestDisableMovesStateAndReference(t *testing.T) {
	w := newWorld(t, nt.Documented)
	th := w.thread(w.process("server", privileged))
	tok := w.token(user, winnt.SecurityImpersonation)
	impersonate(t, th, tok, true, true, winnt.SecurityImpersonation)
	count := tok.PointerCount()

	first, active := th.Disable()
	if !active || th.IsImpersonating() || tok.PointerCount() != count {
		t.Errorf("Disable = active %t, then impersonating %t, %d references, want true, false, %d", active,
			th.IsImpersonating(), tok.PointerCount(), count)
	}
	second, active := th.Disable()
	if active || second.Record() != nil {
		t.Errorf("Disable without a client = active %t, record %+v, want false, nil", active, second.Record())
	}
	th.Restore(second)
	th.Restore(first)
	r := th.Impersonation(ob.TagCall)
	defer r.Token.Deref(ob.TagCall)
	if r.Token != tok || !r.CopyOnOpen || !r.EffectiveOnly || r.Level != winnt.SecurityImpersonation ||
		tok.PointerCount() != count+1 {
		t.Errorf("restored record = %+v with %d references, want the first state with %d",
			r, tok.PointerCount()-1, count)
	}
}

// Restore releases the client that the thread impersonates now. A state without a token ends the impersonation, and a
// state can be restored only once (I-61).
func TestRestoreReplacesCurrentImpersonation(t *testing.T) {
	w := newWorld(t, nt.Documented)
	th := w.thread(w.process("server", privileged))
	other := w.token("S-1-5-21-1-2-3-1002", winnt.SecurityImpersonation)
	none, _ := th.Disable()
	impersonate(t, th, other, false, false, winnt.SecurityImpersonation)
	if th.Restore(nil); !th.IsImpersonating() {
		t.Error("I-61: Restore(nil) ended the impersonation, want no effect")
	}
	th.Restore(none)
	if th.IsImpersonating() || other.PointerCount() != 1 {
		t.Errorf("after restoring a state without client: impersonating %t, %d references, want false, 1",
			th.IsImpersonating(), other.PointerCount())
	}
	defer func() { check.That(t, recover() != nil, "restoring a state twice did not panic, want a panic") }()
	th.Restore(none)
}

// I-61: an accepted impersonation is restored without a new decision, even if the process could not impersonate now.
func TestRestoreSkipsDecision(t *testing.T) {
	w := newWorld(t, nt.Documented)
	p := w.process("server", privileged)
	th := w.thread(p)
	impersonate(t, th, w.token(user, winnt.SecurityImpersonation), false, false, winnt.SecurityImpersonation)
	saved, _ := th.Disable()
	p.PrimaryToken().Update(func(old *token.Token, modified winnt.LUID) *token.Token {
		n, _, _ := old.AdjustPrivileges(modified, true, nil)
		return n
	})
	if out := ps.ImpersonateClient(th, w.token(user, winnt.SecurityImpersonation), false, false,
		winnt.SecurityImpersonation); !out.Demoted {
		t.Fatalf("impersonation = %+v, want it demoted, because the process lost its privilege", out)
	}
	th.Restore(saved)
	if s := th.Subject(); s.Client == nil || s.Level != winnt.SecurityImpersonation {
		t.Errorf("subject after Restore = %+v, want a client at SecurityImpersonation", s)
	}
}

// If the thread reverts or impersonates another client after the opener has read its state, the copy is not assigned
// (IC-74, I-23, I-29).
func TestTokenCopyReplacesOnlyItsSource(t *testing.T) {
	w := newWorld(t, nt.Documented)
	th := w.thread(w.process("server", privileged))
	tok, other, dup := w.token(user, winnt.SecurityImpersonation), w.token("S-1-5-21-1-2-3-1002",
		winnt.SecurityImpersonation), w.token(user, winnt.SecurityImpersonation)

	impersonate(t, th, tok, true, false, winnt.SecurityImpersonation)
	read := th.Impersonation(ob.TagCall)
	defer read.Token.Deref(ob.TagCall)
	th.RevertToSelf()
	if out := th.ReplaceOwnCopy(read, dup); out.Status != ntstatus.Success || th.IsImpersonating() {
		t.Errorf("ReplaceOwnCopy after a revert = %+v, impersonating %t, want %v and false", out, th.IsImpersonating(),
			ntstatus.Success)
	}
	impersonate(t, th, other, true, false, winnt.SecurityImpersonation)
	if out := th.ReplaceOwnCopy(read, dup); out.Status != ntstatus.Success || th.Subject().Client != other.Value() {
		t.Errorf("ReplaceOwnCopy after another impersonation = %+v, want success and the other client", out)
	}
	if tok.PointerCount() != 2 || dup.PointerCount() != 1 {
		t.Errorf("references: read token %d, copy %d, want 2, 1", tok.PointerCount(), dup.PointerCount())
	}
	for _, only := range []bool{false, true} {
		impersonate(t, th, tok, !only, only, winnt.SecurityIdentification)
		now := th.Impersonation(ob.TagCall)
		check.Equal(t, th.ReplaceOwnCopy(now, dup), ps.Outcome{}, "ReplaceOwnCopy of the present record")
		now.Token.Deref(ob.TagCall)
		got := th.Impersonation(ob.TagCall)
		check.Equal(t, *got, se.Impersonation{Token: dup, EffectiveOnly: only, Level: winnt.SecurityIdentification,
			Own: true}, "record after ReplaceOwnCopy")
		got.Token.Deref(ob.TagCall)
		check.Equal(t, [2]int64{tok.PointerCount(), dup.PointerCount()}, [2]int64{2, 2}, "references on token and copy")
	}
	th.RevertToSelf()
}

// The subject as self omits the client and does not change the thread's state (I-21).
func TestSubjectAsSelfHasNoClient(t *testing.T) {
	w := newWorld(t, nt.Documented)
	p := w.process("server", privileged)
	th := w.thread(p)
	tok := w.token(user, winnt.SecurityDelegation)
	impersonate(t, th, tok, false, true, winnt.SecurityImpersonation)
	self, s := th.SubjectAsSelf(), th.Subject()
	if self.Client != nil || self.Primary != p.Token() {
		t.Errorf("subject as self = %+v, want only the primary token %v", self, p.Token())
	}
	// I-25
	if s.Client != tok.Value() || s.Primary != p.Token() || s.Level != winnt.SecurityImpersonation || !s.EffectiveOnly {
		t.Errorf("subject = %+v, want client %v, primary token %v, level %v and effective only", s, tok.Value(),
			p.Token(), winnt.SecurityImpersonation)
	}
}

// Reverting, or the end of a thread, releases the token once. On a thread that does not impersonate it has no effect
// (IC-59, I-9, I-50).
func TestRevertAndExitReleaseTokenOnce(t *testing.T) {
	w := newWorld(t, nt.Documented)
	tok := w.token(user, winnt.SecurityImpersonation)
	for name, end := range map[string]func(*ps.Thread){"revert": (*ps.Thread).RevertToSelf, "exit": (*ps.Thread).Exit,
		"no token": func(th *ps.Thread) { // which ignores the level (I-40)
			check.Equal(t, ps.ImpersonateClient(th, nil, true, true, winnt.SecurityDelegation+1), ps.Outcome{}, "no token")
		}} {
		th := w.thread(w.process("server", privileged))
		th.RevertToSelf()
		impersonate(t, th, tok, false, false, winnt.SecurityImpersonation)
		for range 2 {
			end(th)
			check.That(t, !th.IsImpersonating() && tok.PointerCount() == 1,
				"%s: impersonating %t, %d references, want false, 1", name, th.IsImpersonating(), tok.PointerCount())
		}
	}
}

// ActingSince returns the time of the last call that set the impersonation, also of a demoted one and of one that was
// restored, and 0 without an impersonation.
func TestActingSinceIsTimeOfImpersonation(t *testing.T) {
	w := newWorld(t, nt.Documented)
	now := int64(1000)
	w.sys.Clock = func() int64 { return now }
	for _, change := range []func(*token.Spec){privileged, nil} { // without the privilege it is demoted (I-43)
		th := w.thread(w.process("server", change))
		check.Equal(t, th.ActingSince(), 0, "before")
		now++
		ps.ImpersonateClient(th, w.token(user, winnt.SecurityImpersonation), false, false, winnt.SecurityImpersonation)
		check.Equal(t, th.ActingSince(), now, "impersonating")
		saved, _ := th.Disable()
		check.Equal(t, th.ActingSince(), 0, "disabled")
		now++
		th.Restore(saved)
		check.Equal(t, th.ActingSince(), now, "restored")
		th.RevertToSelf()
	}
}

// Objects that a thread creates count towards the quota of its process. Within that, the user whom the thread
// impersonates is charged, or else the user whom the object is for. The process's own user is not charged apart.
func TestCreatedObjectsAreChargedToClient(t *testing.T) {
	w := newWorld(t, nt.Documented)
	p := w.process("server", privileged)
	th := w.thread(p)
	own, client, other := sid.MustParse(svc), sid.MustParse(user), sid.MustParse("S-1-5-21-1-2-3-1002")
	check.Equal(t, [2]quota.Payer{th.Payer(), th.PayerFor(client)}, [2]quota.Payer{}, "without an account")
	block := quota.NewBlock(nil, 1<<20, false)
	p.SetQuota(block)
	for acts, want := range map[string]struct{ self, forOwn, forOther sid.SID }{
		"": {forOther: other}, svc: {forOther: other}, user: {client, client, client}} {
		for level := range winnt.SecurityDelegation { // each level up to the token's
			if acts != "" {
				impersonate(t, th, w.token(acts, winnt.SecurityImpersonation), false, false, level)
			}
			got := [3]quota.Payer{th.Payer(), th.PayerFor(own), th.PayerFor(other)}
			check.Equal(t, got, [3]quota.Payer{{Block: block, Client: want.self}, {Block: block, Client: want.forOwn},
				{Block: block, Client: want.forOther}}, "impersonating %q: payers for the thread, its own user, another", acts)
			th.RevertToSelf()
		}
	}
	// So are copies of tokens. A client gets at most half of an account that nobody else uses.
	plain, from := w.thread(w.process("plain", nil)), w.token(user, winnt.SecurityImpersonation)
	impersonate(t, th, from, false, false, winnt.SecurityImpersonation)
	for what, c := range map[string]struct {
		th   *ps.Thread
		copy func() ntstatus.Status
	}{"captured": {th, func() ntstatus.Status {
		c, out := th.CreateClientSecurity(nt.SecurityQualityOfService{}, false, p)
		if c != nil {
			c.Delete()
		}
		return out.Status
	}}, "demoted": {plain, func() ntstatus.Status {
		impersonate(t, plain, from, false, false, winnt.SecurityIdentification)
		return ps.ImpersonateClient(plain, from, false, false, winnt.SecurityImpersonation).Status
	}}} {
		all := quota.NewPool(1<<20, 0)
		c.th.Process().SetQuota(quota.NewBlock(all, 1<<20, false))
		check.Success(t, c.copy())
		c.th.Process().SetQuota(quota.NewBlock(nil, 2*all.Peak()-1, false))
		check.Equal(t, c.copy(), ntstatus.QuotaExceeded, "status of a client's %s token", what)
	}
}

// A thread that has ended is the client S-1-0-0 at level Anonymous for every routine that captures it. A captured
// context with the process's token alone would pass every check that the process passes (I-9).
func TestEndedThreadIsCapturedAsNobody(t *testing.T) {
	w := newWorld(t, nt.Documented)
	p := w.process("server", privileged)
	live, ended := w.thread(p), w.thread(p)
	ended.Exit()
	for _, c := range []struct {
		th   *ps.Thread
		user string
		typ  winnt.TokenType
	}{{live, p.Token().User().SID.String(), winnt.TokenPrimary}, {ended, "S-1-0-0", winnt.TokenImpersonation}} {
		s := c.th.CaptureSubjectContext()
		subject := s.Subject()
		check.That(t, s.Token().Value().User().SID.String() == c.user && subject.Primary == p.Token() &&
			subject.BelowImpersonation() == (c.th == ended), "captured subject: %+v, want user %s", subject, c.user)
		s.Release()
		now := c.th.Subject()
		check.That(t, now.Primary == p.Token() && now.Effective().User().SID.String() == c.user &&
			now.Level == winnt.SecurityAnonymous, "subject: %+v, want user %s", now, c.user)
		tok, typ, only, level := c.th.EffectiveToken(ob.TagCall)
		check.That(t, tok.Value().User().SID.String() == c.user && typ == c.typ && !only && level == 0,
			"effective token: user %v, %v, EffectiveOnly %t, %v; want %s, %v, false, 0", tok.Value().User(), typ, only, level,
			c.user, c.typ)
		tok.Deref(ob.TagCall)
	}
}

// Impersonating and reverting allocate nothing.
func TestImpersonateAllocatesNothing(t *testing.T) {
	w := newWorld(t, nt.Documented)
	th := w.thread(w.process("server", privileged))
	tok := w.token(user, winnt.SecurityImpersonation)
	check.Equal(t, testing.AllocsPerRun(100, func() {
		ps.ImpersonateClient(th, tok, true, false, winnt.SecurityImpersonation)
		th.RevertToSelf()
	}), 0, "impersonating and reverting made: allocations")
}

// A demotion keeps the requested copy-on-open and effective-only flags. Its copy is at SecurityIdentification, and
// client and server can open it, however the token is protected (I-43, I-23).
func TestDemotionKeepsFlags(t *testing.T) {
	w := newWorld(t, nt.Documented)
	p := w.process("server", nil)
	tok := w.token(user, winnt.SecurityDelegation)
	tok.SetSecurity(sddl.MustParse("O:SYG:SYD:(A;;0x8;;;BU)"))
	before := tok.PointerCount()
	for i, asked := range [][2]bool{{false, false}, {true, false}, {false, true}, {true, true}} {
		if i == 2 { // then as a primary token, which has no level
			tok.Update(func(v *token.Token, _ winnt.LUID) *token.Token { return v.WithTypeLevel(winnt.TokenPrimary, 0) })
		}
		th := w.thread(p)
		out := ps.ImpersonateClient(th, tok, asked[0], asked[1], winnt.SecurityDelegation)
		check.Equal(t, out, ps.Outcome{Rule: "I-42 f", Because: "the client is another user and the server's process " +
			"lacks SeImpersonatePrivilege", Demoted: true}, "I-43: impersonation")
		r := th.Impersonation(ob.TagCall)
		check.That(t, r.CopyOnOpen == asked[0] && r.EffectiveOnly == asked[1] &&
			r.Level == winnt.SecurityIdentification && !r.Own && r.Token != tok,
			"I-43: requested flags %v: record %+v, want a copy with these flags at SecurityIdentification", asked, r)
		v := r.Token.Value()
		if v.Type() != winnt.TokenImpersonation || v.Level() != winnt.SecurityIdentification {
			t.Errorf("I-43: the copy is of type %v, level %v, want %v, %v", v.Type(), v.Level(),
				winnt.TokenImpersonation, winnt.SecurityIdentification)
		}
		check.That(t, r.Token.Security().Equal(se.CopyDescriptor(v, p.Token())),
			"I-23: requested flags %v: the copy has another descriptor, want that of CopyDescriptor", asked)
		r.Token.Deref(ob.TagCall)
	}
	check.Equal(t, tok.PointerCount(), before, "I-45: token: references")
}
