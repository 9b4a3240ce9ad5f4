package model

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
	"slices"
)

// take gives a process another primary token (O-17).
func (p *Process) take(t *Token) {
	if p.Primary == t {
		return
	}
	p.Primary, p.Self = t, 0x1F07FB
	if g, st := decide(&t.Value, p.Guard, maximum, &processKind); st.IsSuccess() {
		p.Self |= g
	}
}

// inUse reports whether a token is the primary one of a process (T-112).
func (m *Machine) inUse(t *Token) bool {
	return slices.ContainsFunc(m.Processes, func(p *Process) bool { return p.Primary == t })
}

// kin reports whether a token was filtered from that of the caller's process, or both from
// the same one (T-111).
func (c Caller) kin(t *Token) bool {
	own, v := c.Process.Primary, &t.Value
	return v.Parent == own || v.Parent == own.Value.Parent && v.Logon == own.Value.Logon && v.User == own.Value.User
}

// AssignPrimary models NtSetInformationProcess (T-110 to T-112).
func (m *Machine) AssignPrimary(c Caller, h, token winnt.Handle) Result {
	s, st := m.reference(c, h, 0x200, isProcess)
	if st != ntstatus.Success {
		return failed(st)
	}
	t, st := m.reference(c, token, winnt.TOKEN_ASSIGN_PRIMARY, isToken)
	if st != ntstatus.Success {
		return failed(st)
	}
	v := &t.Token.Value
	inUse := m.inUse(t.Token)
	switch {
	case !c.may(winnt.SeAssignPrimaryTokenPrivilege) && !c.kin(t.Token):
		return failed(ntstatus.PrivilegeNotHeld)
	case v.Type != winnt.TokenPrimary && m.Profile == nt.Observed && v.Level < 2:
		return failed(ntstatus.BadImpersonationLevel)
	case v.Type != winnt.TokenPrimary:
		return failed(ntstatus.BadTokenType)
	case inUse && m.Profile == nt.Observed:
		return failed(ntstatus.TokenAlreadyInUse)
	}
	use := t.Token
	if inUse {
		use = m.copyOf(use)
	}
	if use, st = m.admit(s.Process.Job, use, true); st != ntstatus.Success {
		return failed(st)
	}
	if len(s.Process.Threads) > 0 {
		// A thread has run (T-110).
		return failed(ntstatus.NotSupported)
	}
	s.Process.take(use)
	return Result{Token: use.ID}
}
