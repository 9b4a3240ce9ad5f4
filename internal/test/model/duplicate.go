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
	var s Slot
	var old *Value
	var imp bool
	o := c.opens(&tokenKind, desired, func() *Descriptor { return s.Token.Guard })
	if r, over := refuse("NtDuplicateToken", append(m.duplicateAccess(o),
		when("T-40", "TokenType", ntstatus.InvalidParameter, func() bool {
			return typ != winnt.TokenPrimary && typ != winnt.TokenImpersonation
		}),
		when("T-40", "wrong Length", ntstatus.InvalidParameter, func() bool {
			return attributes&^0x1FF2 != 0 || q != nil && q.Level > 3
		}),
		exclusiveInherited(attributes),
		several("T-40", "is not a valid handle", func() (st ntstatus.Status) {
			if s, st = m.reference(c, h, winnt.TOKEN_DUPLICATE, isToken); st == ntstatus.Success {
				old, imp = &s.Token.Value, s.Token.Value.Type == winnt.TokenImpersonation
			}
			return st
		}),
		// An impersonation token yields none of a higher level (T-41), and below
		// SecurityImpersonation no primary one (T-42).
		when("T-41", "", ntstatus.BadImpersonationLevel, func() bool { return imp && q != nil && q.Level > old.Level }),
		when("T-42", "", ntstatus.BadImpersonationLevel, func() bool {
			return imp && typ == winnt.TokenPrimary && old.Level < 2
		}),
		when("T-53", "", ntstatus.InsufficientResources, func() bool { return m.fails("se: duplicate token") }),
		c.givesOwner(guard))...); over {
		return r
	}
	g := o.granted
	if desired == 0 {
		g = s.Granted
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

// duplicateAccess returns the conditions on the rights of a duplicate's handle (T-44 to T-46). The observed profile
// treats the caller as the creator and ignores rights that tokens do not have.
func (m *Machine) duplicateAccess(o *opening) []refusal {
	o.creator = m.Profile == nt.Observed
	asked := func() bool { return !o.KernelMode && !o.creator && o.desired != 0 }
	return []refusal{o.reserved(),
		when("O-21", "", ntstatus.AccessDenied, func() bool {
			return asked() && o.mapped()&^(tokenKind.valid|saclBit|maximum) != 0
		}),
		when("T-45", "impersonates below", ntstatus.BadImpersonationLevel, func() bool {
			return asked() && o.who.client && o.who.level < 2
		}),
		o.sacl("T-45"),
		several("T-45", "DACL", func() ntstatus.Status {
			if !asked() {
				o.grant()
				return ntstatus.Success
			}
			var barred winnt.AccessMask
			if !o.who.holds(winnt.SeAssignPrimaryTokenPrivilege) {
				barred |= winnt.TOKEN_ASSIGN_PRIMARY
			}
			if !o.who.holds(winnt.SeTcbPrivilege) {
				barred |= winnt.TOKEN_ADJUST_SESSIONID
			}
			want := o.mapped()
			if want != 0 && want&^barred == 0 {
				return ntstatus.Success
			}
			if want &^= barred; want == 0 {
				// Asking a token for nothing is denied (O-90).
				return ntstatus.AccessDenied
			}
			g, st := decide(o.who.token, o.guard(), want, &tokenKind)
			o.granted = g &^ barred
			return st
		})}
}
