package services

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// gates are the token rights a duplicate gets only with a privilege of the
// calling thread's token (seed table of access rights, T-45).
var gates = [...]struct {
	right     winnt.AccessMask
	privilege winnt.Privilege
}{
	{winnt.TOKEN_ASSIGN_PRIMARY, winnt.SeAssignPrimaryTokenPrivilege},
	{winnt.TOKEN_ADJUST_SESSIONID, winnt.SeTcbPrivilege},
}

// NtDuplicateToken makes a token that duplicates an existing one.
func (c *Context) NtDuplicateToken(in nt.DuplicateTokenIn) (out nt.DuplicateTokenOut, st ntstatus.Status) {
	// capture
	if in.TokenType != winnt.TokenPrimary && in.TokenType != winnt.TokenImpersonation {
		return out, c.Fail("T-40", ntstatus.InvalidParameter) // T-40 (1)
	}
	oa, st := c.captureAttributes(in.ObjectAttributes) // T-40 (3)
	if st != ntstatus.Success {
		return out, st
	}
	// reference
	// T-40 (4)
	existing, info, st := ob.Reference[*se.TokenObject](&c.Caller, in.ExistingTokenHandle, winnt.TOKEN_DUPLICATE,
		se.TokenType)
	if st != ntstatus.Success {
		return out, st
	}
	defer existing.Deref(ob.TagCall)
	// decide
	value := existing.Value()
	level, rule, st := duplicateLevel(value, oa.SecurityQualityOfService, in.TokenType, c.Sys.Profile) // T-40 (5)
	if st != ntstatus.Success {
		return out, c.Fail(rule, st)
	}
	if c.Sys.Fault("se: duplicate token") {
		return out, c.Fail("T-53", ntstatus.InsufficientResources) // T-40 (6), T-53
	}
	// T-40 (7)
	granted, st := c.duplicateAccess(existing, info.Access, in.DesiredAccess, oa.SecurityDescriptor != nil &&
		oa.SecurityDescriptor.SACL() != nil)
	if st != ntstatus.Success {
		return out, st
	}
	if in.EffectiveOnly { // T-48: the parameter decides, SQOS.EffectiveOnly is ignored
		value = value.EffectiveOnly()
	}
	value = value.WithTypeLevel(in.TokenType, level) // T-49
	dup := c.Sys.Security.NewToken(value, c.newTokenDescriptor(oa.SecurityDescriptor))
	defer dup.Deref(ob.TagCall)
	// commit
	out.NewTokenHandle, st = c.insert(dup, granted, c.duplicateInherit(&oa)) // T-40 (8)
	return out, st
}

// duplicateLevel decides the level of the duplicate, or why there is none.
func duplicateLevel(existing *token.Token, sqos *nt.SecurityQualityOfService, typ winnt.TokenType,
	profile nt.Profile) (winnt.SecurityImpersonationLevel, string, ntstatus.Status) {
	imp := existing.Type() == winnt.TokenImpersonation
	if imp && sqos != nil && sqos.ImpersonationLevel > existing.Level() {
		return 0, "T-41", ntstatus.BadImpersonationLevel // T-41: for either requested type; I-3
	}
	if imp && typ == winnt.TokenPrimary && existing.Level() < winnt.SecurityImpersonation {
		return 0, "T-42", ntstatus.BadImpersonationLevel // T-42, I-97: the existing token's level counts
	}
	switch {
	case sqos != nil:
		return sqos.ImpersonationLevel, "", ntstatus.Success // T-43, T-54
	case typ == winnt.TokenPrimary:
		return 0, "", ntstatus.Success // T-54
	case imp:
		return existing.Level(), "", ntstatus.Success // T-43: its own level
	case profile == nt.Observed:
		return winnt.SecurityAnonymous, "", ntstatus.Success // T-43 Observed
	}
	return winnt.SecurityImpersonation, "", ntstatus.Success // T-43 Documented
}

// duplicateAccess decides what the new handle grants (T-40 (7)).
func (c *Context) duplicateAccess(existing *se.TokenObject, held, desired winnt.AccessMask,
	withSACL bool) (winnt.AccessMask, ntstatus.Status) {
	if desired&winnt.RESERVED_RIGHTS != 0 {
		return 0, c.Fail("O-20", ntstatus.AccessDenied) // O-20: before every privilege
	}
	subject := c.self.Subject()
	creator := c.Mode == access.Kernel || c.Sys.Profile == nt.Observed // T-46
	if desired != 0 && !creator {
		if c.inValidMask(desired) != winnt.TokenObject.Mapping.Map(desired)&^winnt.SYNCHRONIZE {
			return 0, c.Fail("O-21", ntstatus.AccessDenied) // O-21
		}
		if subject.BelowImpersonation() {
			// T-45, I-1, I-2: before what the level makes of privileges
			return 0, c.Fail("T-45", ntstatus.BadImpersonationLevel)
		}
	}
	if withSACL { // T-52
		if !c.holds(winnt.SeSecurityPrivilege) {
			return 0, c.Fail("T-52", ntstatus.PrivilegeNotHeld)
		}
		if desired == 0 {
			return held | winnt.ACCESS_SYSTEM_SECURITY, ntstatus.Success
		}
		desired |= winnt.ACCESS_SYSTEM_SECURITY
	}
	if desired == 0 {
		return held, ntstatus.Success // T-44: the rights of the existing handle
	}
	if creator {
		d := ob.GrantNew(&c.Caller, se.TokenType, &subject, c.inValidMask(desired), 0) // T-46
		if d.Status() == ntstatus.PrivilegeNotHeld {
			c.Fail("T-45", d.Status()) // T-46: the one right that is checked all the same
		}
		return d.Granted, d.Status()
	}
	// T-45: a gated bit without its privilege is left out of the grant, not failed.
	want := winnt.TokenObject.Mapping.Map(desired)
	var barred winnt.AccessMask
	for _, g := range gates {
		if !c.holds(g.privilege) {
			barred |= g.right
		}
	}
	if want&barred != 0 && want&^barred&^winnt.SYNCHRONIZE == 0 {
		return 0, ntstatus.Success // nothing is left to ask for
	}
	d := ob.Decide(&c.Caller, existing, &subject, want&^barred, 0) // T-45
	return d.Granted &^ barred, d.Status()
}

// inValidMask drops bits that mean nothing on a token (T-46); reserved bits
// stay, for O-20 to refuse.
func (c *Context) inValidMask(m winnt.AccessMask) winnt.AccessMask {
	return winnt.TokenObject.Mapping.Map(m) & (winnt.TokenObject.Valid | winnt.ACCESS_SYSTEM_SECURITY |
		winnt.MAXIMUM_ALLOWED | winnt.RESERVED_RIGHTS)
}

// newTokenDescriptor is the descriptor of a new token: the one given, its gaps
// filled, or the default of the caller's effective token (T-47, O-38).
func (c *Context) newTokenDescriptor(explicit *sd.Descriptor) *sd.Descriptor {
	if explicit != nil {
		return se.NewDescriptor(c.effective(), winnt.TokenObject, explicit)
	}
	r := c.self.Impersonation(ob.TagCall)
	if r == nil {
		p := c.self.Process().ReferenceToken(ob.TagCall)
		defer p.Deref(ob.TagCall)
		return p.DefaultTokenDescriptor()
	}
	defer r.Token.Deref(ob.TagCall)
	return r.Token.DefaultTokenDescriptor()
}

// duplicateInherit is the inherit attribute of the new handle. Documented:
// without a descriptor the handle cannot be inherited; Observed: OBJ_INHERIT
// is honoured (T-47).
func (c *Context) duplicateInherit(oa *nt.ObjectAttributes) uint32 {
	if oa.SecurityDescriptor == nil && c.Sys.Profile == nt.Documented {
		return oa.Attributes & winnt.OBJ_KERNEL_HANDLE
	}
	return oa.Attributes & (winnt.OBJ_INHERIT | winnt.OBJ_KERNEL_HANDLE)
}
