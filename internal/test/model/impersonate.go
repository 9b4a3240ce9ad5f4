package model

import (
	"slices"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// SetThreadToken models NtSetInformationThread, class 5 (I-70).
func (m *Machine) SetThreadToken(c Caller, thread, token winnt.Handle) Result {
	s, st := m.reference(c, thread, winnt.THREAD_SET_THREAD_TOKEN, isThread)
	if st != ntstatus.Success {
		return failed(st)
	}
	if token == 0 {
		s.Thread.Record = nil
		return Result{}
	}
	t, st := m.reference(c, token, winnt.TOKEN_IMPERSONATE, isToken)
	if st != ntstatus.Success {
		return failed(st)
	}
	if t.Token.Value.Type != winnt.TokenImpersonation {
		return failed(ntstatus.BadTokenType)
	}
	return m.Impersonate(s.Thread, t.Token, false, false, t.Token.Value.Level)
}

// Impersonate models PsImpersonateClient (I-40 to I-46).
func (m *Machine) Impersonate(t *Thread, tok *Token, copyOnOpen, effectiveOnly bool,
	level winnt.SecurityImpersonationLevel) Result {
	if tok == nil {
		t.Record = nil
		return Result{}
	}
	if level > 3 {
		return failed(ntstatus.InvalidParameter)
	}
	if t.Record == nil && m.fails("ps: impersonation record") {
		return failed(ntstatus.NoMemory)
	}
	v := &tok.Value
	if v.Type == winnt.TokenImpersonation {
		level = min(level, v.Level)
	}
	tok, st := m.admit(t.Process.Job, tok, false)
	if st != ntstatus.Success {
		return failed(st)
	}
	v = &tok.Value
	ok, just := m.mayImpersonate(&t.Process.Primary.Value, v, level)
	if !ok {
		if m.fails("se: copy token") {
			return failed(ntstatus.InsufficientResources)
		}
		level = 1
		c := v.as(winnt.TokenImpersonation, level)
		// A thread that may not act so gets a copy at SecurityIdentification
		// (I-43).
		tok = m.newToken(c, copyGuard(&c, &t.Process.Primary.Value), tok)
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
