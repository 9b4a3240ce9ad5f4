package model

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
	"slices"
)

// take replaces the primary token of a process and computes the rights of the process on itself (O-17).
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

// kin reports whether a token was filtered from the token of the caller's process, or both from the same token
// (T-111).
func (c Caller) kin(t *Token) bool {
	own, v := c.Process.Primary, &t.Value
	return v.Parent == own || v.Parent == own.Value.Parent && v.Logon == own.Value.Logon && v.User == own.Value.User
}

// AssignPrimary models NtSetInformationProcess (T-110 to T-112).
func (m *Machine) AssignPrimary(c Caller, h, token winnt.Handle, class nt.ProcessInfoClass, length uint32) Result {
	var s Slot
	var use *Token
	var inUse bool
	if r, over := refuse("NtSetInformationProcess",
		when("T-110", "class", ntstatus.InvalidInfoClass, func() bool { return class != nt.ProcessAccessToken }),
		when("T-110", "length", ntstatus.InfoLengthMismatch, func() bool { return length != 16 }),
		m.handle(c, "O-31", "ProcessHandle", h, 0x200, isProcess, &s),
		several("T-110", "token handle is not valid", func() ntstatus.Status {
			t, st := m.reference(c, token, winnt.TOKEN_ASSIGN_PRIMARY, isToken)
			if use = t.Token; st == ntstatus.Success {
				inUse = m.inUse(use)
			}
			return st
		}),
		when("T-111", "", ntstatus.PrivilegeNotHeld, func() bool {
			return !c.may(winnt.SeAssignPrimaryTokenPrivilege) && !c.kin(use)
		}),
		when("T-112", "below SecurityImpersonation", ntstatus.BadImpersonationLevel, func() bool {
			return use.Value.Type != winnt.TokenPrimary && m.Profile == nt.Observed && use.Value.Level < 2
		}),
		when("T-112", "an impersonation token", ntstatus.BadTokenType, func() bool {
			return use.Value.Type != winnt.TokenPrimary
		}),
		when("T-112", "primary token of a process", ntstatus.TokenAlreadyInUse, func() bool {
			return inUse && m.Profile == nt.Observed
		}),
		several("I-90", "", func() (st ntstatus.Status) {
			if inUse {
				use = m.copyOf(use)
			}
			use, st = m.admit(s.Process.Job, use, true)
			return st
		}),
		when("T-110", "has started", ntstatus.NotSupported, func() bool { return len(s.Process.Threads) > 0 })); over {
		return r
	}
	s.Process.take(use)
	return Result{Token: use.ID}
}
