package model

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// QOS is the quality of service of a duplicate.
type QOS struct {
	Level         winnt.SecurityImpersonationLevel
	EffectiveOnly bool
}

// Duplicate models NtDuplicateToken (T-40 to T-54).
func (m *Machine) Duplicate(c Caller, h winnt.Handle, desired winnt.AccessMask, attributes uint32, q *QOS,
	guard *Descriptor, effective bool, typ winnt.TokenType) Result {
	if typ != winnt.TokenPrimary && typ != winnt.TokenImpersonation {
		return failed(ntstatus.InvalidParameter) // T-40 (1)
	}
	if attributes&^0x1FF2 != 0 || q != nil && q.Level > 3 {
		return failed(ntstatus.InvalidParameter) // T-40 (3)
	}
	s, st := m.reference(c, h, winnt.TOKEN_DUPLICATE, isToken)
	if st != ntstatus.Success {
		return failed(st)
	}
	old := &s.Token.Value
	imp := old.Type == winnt.TokenImpersonation
	if imp && (q != nil && q.Level > old.Level || typ == winnt.TokenPrimary && old.Level < 2) {
		// An impersonation token yields none of a higher level (T-41), and
		// below SecurityImpersonation no primary one (T-42).
		return failed(ntstatus.BadImpersonationLevel)
	}
	if m.fails("se: duplicate token") {
		return failed(ntstatus.InsufficientResources)
	}
	g, st := m.duplicateAccess(c, s, desired)
	if st != ntstatus.Success {
		return failed(st)
	}
	// A duplicate has the level asked for, else its origin's, else the
	// profile's (T-43).
	level := winnt.SecurityImpersonation
	switch {
	case q != nil:
		level = q.Level
	case typ == winnt.TokenPrimary:
		// A primary token has no level of its own (T-54).
		level = 0
	case imp:
		level = old.Level
	case m.Profile == nt.Observed:
		level = 0
	}
	v := old.as(typ, level)
	if effective {
		// EffectiveOnly leaves out what is not enabled (T-48).
		v = v.stripped()
	}
	// Without a descriptor the caller's token's defaults protect the duplicate
	// (T-47).
	dup := m.newToken(v, defaultGuard(c.subject().token, &tokenKind, guard), s.Token)
	inherit := attributes & (winnt.OBJ_INHERIT | winnt.OBJ_KERNEL_HANDLE)
	if guard == nil && m.Profile == nt.Documented {
		inherit &^= winnt.OBJ_INHERIT
	}
	return m.opened(c, dup, g, inherit)
}

// duplicateAccess returns the rights of a duplicate's handle (T-44 to T-46).
func (m *Machine) duplicateAccess(c Caller, s Slot, desired winnt.AccessMask) (winnt.AccessMask, ntstatus.Status) {
	if desired == 0 {
		return s.Granted, ntstatus.Success
	}
	if desired&reserved != 0 {
		return 0, ntstatus.AccessDenied
	}
	who := c.subject()
	mapped := tokenKind.mapped(desired)
	known := mapped & (tokenKind.valid | saclBit | maximum)
	switch {
	case c.KernelMode:
		return kernelOpen(known, &tokenKind)
	case m.Profile == nt.Observed:
		return grantNew(who, known, &tokenKind)
	case mapped != known:
		// A bit that the type does not have is denied (O-21).
		return 0, ntstatus.AccessDenied
	case who.client && who.level < 2:
		// The caller's context decides, and below SecurityImpersonation it
		// opens nothing (T-45).
		return 0, ntstatus.BadImpersonationLevel
	}
	var barred winnt.AccessMask
	if !who.holds(winnt.SeAssignPrimaryTokenPrivilege) {
		barred |= winnt.TOKEN_ASSIGN_PRIMARY
	}
	if !who.holds(winnt.SeTcbPrivilege) {
		barred |= winnt.TOKEN_ADJUST_SESSIONID
	}
	if mapped != 0 && mapped&^barred == 0 {
		return 0, ntstatus.Success
	}
	g, st := open(who, s.Token.Guard, mapped&^barred, &tokenKind)
	return g &^ barred, st
}
