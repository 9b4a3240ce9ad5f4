package model

import (
	"slices"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// SetThreadToken models NtSetInformationThread, class 5 (I-70).
func (m *Machine) SetThreadToken(c Caller, thread, token winnt.Handle) Result {
	var s, t Slot
	if r, over := refuse("NtSetInformationThread",
		m.handle(c, "O-31", "ThreadHandle", thread, winnt.THREAD_SET_THREAD_TOKEN, isThread, &s),
		several("O-31", "the token handle is not valid", func() (st ntstatus.Status) {
			if token != 0 {
				t, st = m.reference(c, token, winnt.TOKEN_IMPERSONATE, isToken)
			}
			return st
		}),
		when("I-70", "primary token", ntstatus.BadTokenType, func() bool {
			return token != 0 && t.Token.Value.Type != winnt.TokenImpersonation
		})); over {
		return r
	}
	if token == 0 {
		s.Thread.Record = nil
		return Result{}
	}
	return m.Impersonate(s.Thread, t.Token, false, false, t.Token.Value.Level)
}

// Impersonate models PsImpersonateClient (I-40 to I-46).
func (m *Machine) Impersonate(t *Thread, tok *Token, copyOnOpen, effectiveOnly bool,
	level winnt.SecurityImpersonationLevel) Result {
	if tok == nil {
		t.Record = nil
		return Result{} // the impersonation ends (I-40)
	}
	var just bool
	if r, over := refuse("PsImpersonateClient",
		when("I-41", "above SecurityDelegation", ntstatus.InvalidParameter, func() bool { return level > 3 }),
		when("I-41", "not enough memory", ntstatus.NoMemory, func() bool {
			return t.Record == nil && m.fails("ps: impersonation record")
		}),
		several("I-90", "", func() (st ntstatus.Status) {
			if tok.Value.Type == winnt.TokenImpersonation {
				level = min(level, tok.Value.Level)
			}
			tok, st = m.admit(t.Process.Job, tok, false)
			return st
		}),
		several("I-43", "copy at a lower level", func() ntstatus.Status {
			var ok bool
			if ok, just = m.mayImpersonate(&t.Process.Primary.Value, &tok.Value, level); ok {
				return ntstatus.Success
			}
			if m.fails("se: copy token") {
				return ntstatus.InsufficientResources
			}
			level = 1
			c := tok.Value.as(winnt.TokenImpersonation, level)
			// A thread that may not act so gets a copy at SecurityIdentification
			// (I-43).
			tok = m.newToken(c, copyGuard(&c, &t.Process.Primary.Value), tok)
			return ntstatus.Success
		})); over {
		return r
	}
	t.Record = &Record{Token: tok, CopyOnOpen: copyOnOpen, EffectiveOnly: effectiveOnly, Level: level, Just: just,
		Under: t.Process.noAdmins(), Levels: m.levels, By: t.Process.Primary}
	return Result{}
}

// noAdmins reports whether a job of the process admits no administrators.
func (p *Process) noAdmins() bool {
	return slices.ContainsFunc(p.Job.chain(), func(j *Job) bool { return j.Limits.Flags&1 != 0 })
}

// mayImpersonate decides by the table of I-42.
func (m *Machine) mayImpersonate(p, t *Value, level winnt.SecurityImpersonationLevel) (ok, just bool) {
	anonymous := t.Logon == 0x3E6
	pr, tr := p.restricted(), t.restricted()
	restricted := pr || tr
	if m.Profile == nt.Observed {
		restricted = pr != tr || pr && !sameNames(p.Restricted, t.Restricted)
	}
	switch {
	case level < 2:
		return true, false
	case anonymous && t.FromSystem:
		return true, true
	case p.Enabled.has(winnt.SeImpersonatePrivilege):
		return true, true
	case anonymous:
		return false, false
	case t.Origin != 0 && t.Origin == p.Logon && t.Integrity <= p.Integrity:
		return true, true
	case t.User != p.User, restricted, t.Integrity > p.Integrity, t.elevated() && !p.elevated():
		return false, false
	}
	return true, false
}
