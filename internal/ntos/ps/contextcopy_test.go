package ps

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestStaticContextIsACopy: a static context has an impersonation token of its own at the
// level that was allowed, whatever type and level the client's has, and the client's stays
// as it is; a dynamic one has the client's own (I-80).
func TestStaticContextIsACopy(t *testing.T) {
	for _, typ := range []winnt.TokenType{winnt.TokenPrimary, winnt.TokenImpersonation} {
		for level := winnt.SecurityAnonymous; level <= winnt.SecurityDelegation; level++ {
			for _, effective := range []bool{false, true} {
				for _, tracking := range []bool{winnt.SECURITY_STATIC_TRACKING, winnt.SECURITY_DYNAMIC_TRACKING} {
					w := newJobWorld(t)
					th := w.thread()
					spec := user()
					spec.Type = typ
					if typ == winnt.TokenImpersonation {
						spec.Level = winnt.SecurityDelegation
					}
					tok := w.token(spec)
					before := tok.Value()
					if out := ImpersonateClient(th, tok, false, false, winnt.SecurityDelegation); out.Status != ntstatus.Success {
						t.Fatal(out)
					}
					c, out := th.CreateClientSecurity(nt.SecurityQualityOfService{ImpersonationLevel: level,
						EffectiveOnly: effective, ContextTrackingMode: tracking}, false, w.p)
					if out.Status != ntstatus.Success {
						t.Fatal(out)
					}
					v := c.Token.Value()
					if tracking == winnt.SECURITY_STATIC_TRACKING {
						if c.Token == tok || c.Direct || v.Type() != winnt.TokenImpersonation || v.Level() != level {
							t.Errorf("I-80: static, %v at %v: type %v, level %v, its own %t", typ, level, v.Type(), v.Level(),
								c.Token != tok)
						}
					} else if c.Token != tok || !c.Direct {
						t.Errorf("I-80: dynamic, %v at %v: a copy", typ, level)
					}
					if tok.Value() != before {
						t.Error("I-80: the client's token changed")
					}
					c.Delete()
					th.Deref(ob.TagCall)
					tok.Deref(ob.TagCall)
					w.close()
				}
			}
		}
	}
}

// TestEndedThreadBeginsNothing: a thread that has ended begins no operation, with the
// status that says so, and takes no room for it (I-141).
func TestEndedThreadBeginsNothing(t *testing.T) {
	w := newJobWorld(t)
	th := w.thread()
	th.Exit()
	if st := th.AddIO(nil); st != ntstatus.ThreadIsTerminating || w.p.pending.Load() != 0 {
		t.Errorf("I-141: %v, %d under way", st, w.p.pending.Load())
	}
	th.Deref(ob.TagCall)
	w.close()
}

// TestFilterThatFails: a job whose filter cannot be applied to a token refuses it with the
// filter's status and changes nothing; one that can gives a child of the token (I-90).
func TestFilterThatFails(t *testing.T) {
	w := newJobWorld(t)
	tok := w.token(user())
	good := JobLimits{Flags: JobFilterTokens, Filter: token.FilterSpec{Disable: []sid.SID{sid.Users}}}
	n, out := good.admit(w.System, tok, true)
	if out.Status != ntstatus.Success || n == tok || n.Value().ParentTokenID() != tok.ID() || !n.DescendsFrom(tok) {
		t.Errorf("I-90: %v, parent %v, want %v", out.Status, n.Value().ParentTokenID(), tok.ID())
	}
	n.Deref(ob.TagCall)
	bad := JobLimits{Flags: JobFilterTokens, Filter: token.FilterSpec{Restrict: []token.Group{{SID: sid.Users,
		Attributes: 1}}}}
	n, out = bad.admit(w.System, tok, true)
	if n != nil || out.Status != ntstatus.InvalidParameter || out.Rule != "I-90" {
		t.Errorf("I-90: a filter with attributes: %+v", out)
	}
	tok.Deref(ob.TagCall)
	w.close()
}
