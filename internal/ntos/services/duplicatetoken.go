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

// gates are the token rights that a duplicate's handle gets only if the calling thread holds a privilege (T-45).
var gates = [...]struct {
	right     winnt.AccessMask
	privilege winnt.Privilege
}{
	{winnt.TOKEN_ASSIGN_PRIMARY, winnt.SeAssignPrimaryTokenPrivilege},
	{winnt.TOKEN_ADJUST_SESSIONID, winnt.SeTcbPrivilege},
}

// NtDuplicateToken makes a token that duplicates an existing one. It checks in this order: the token type, the
// attributes and the quality of service, the handle and its right TOKEN_DUPLICATE, the levels, memory, the requested
// access (T-40), then the new owner (S-61). The first check that fails decides the status, and no token is created.
// With EffectiveOnly disabled groups and privileges are left out.
func (c *Context) NtDuplicateToken(in nt.DuplicateTokenIn) (out nt.DuplicateTokenOut, st ntstatus.Status) {
	// capture
	if in.TokenType != winnt.TokenPrimary && in.TokenType != winnt.TokenImpersonation {
		// The token type is the first thing checked.
		return out, c.Fail("T-40", ntstatus.InvalidParameter)
	}
	oa, st := c.captureAttributes(in.ObjectAttributes) // then the pointers and the quality of service (T-40)
	if st != ntstatus.Success {
		return out, st
	}
	// reference
	// Then the existing handle and its right to duplicate (T-40).
	existing, info, st := ob.Reference[*se.TokenObject](&c.Caller, in.ExistingTokenHandle, winnt.TOKEN_DUPLICATE,
		se.TokenType)
	if st != ntstatus.Success {
		return out, st
	}
	defer existing.Deref(ob.TagCall)
	// decide
	value := existing.Value()
	// Then the levels (T-40).
	level, rule, st := duplicateLevel(value, oa.SecurityQualityOfService, in.TokenType, c.Sys.Profile)
	if st != ntstatus.Success {
		return out, c.Fail(rule, st)
	}
	if c.Sys.Fault("se: duplicate token") {
		// Then memory (T-40).
		return out, c.Fail("T-53", ntstatus.InsufficientResources)
	}
	// Then the requested access is checked (T-40).
	granted, st := c.duplicateAccess(existing, info.Access, in.DesiredAccess, givesSACL(oa.SecurityDescriptor))
	if st != ntstatus.Success {
		return out, st
	}
	// Another owner than the caller may assign is refused (S-61).
	if st := c.mayGive(winnt.TokenObject, oa.SecurityDescriptor); st != ntstatus.Success {
		return out, st
	}
	if in.EffectiveOnly { // the field of the same name in the quality of service is ignored (T-48)
		value = value.EffectiveOnly()
	}
	// The duplicate differs from its original only in type and level (T-49).
	value = value.WithTypeLevel(in.TokenType, level)
	d, st := c.newTokenDescriptor(oa.SecurityDescriptor)
	if st != ntstatus.Success {
		return out, st
	}
	dup := c.Sys.Security.NewToken(value, d)
	defer dup.Deref(ob.TagCall)
	// commit
	out.NewTokenHandle, st = c.insertNew(dup, granted, c.duplicateInherit(&oa)) // the last step (T-40)
	return out, st
}

// duplicateLevel returns the impersonation level of a duplicate token. A nil sqos keeps the level of an
// impersonation token; for a primary token the profile decides. A refusal returns its rule and
// STATUS_BAD_IMPERSONATION_LEVEL; after success the rule is "". Refusals are:
//   - a level above that of an impersonation token
//   - a primary duplicate of a token below SecurityImpersonation
func duplicateLevel(existing *token.Token, sqos *nt.SecurityQualityOfService, typ winnt.TokenType,
	profile nt.Profile) (winnt.SecurityImpersonationLevel, string, ntstatus.Status) {
	imp := existing.Type() == winnt.TokenImpersonation
	if imp && sqos != nil && sqos.ImpersonationLevel > existing.Level() {
		// A duplicate never has a higher level, whatever its type (I-3).
		return 0, "T-41", ntstatus.BadImpersonationLevel
	}
	if imp && typ == winnt.TokenPrimary && existing.Level() < winnt.SecurityImpersonation {
		// A client that is only identified becomes no primary token: the existing token's level counts
		// (I-97).
		return 0, "T-42", ntstatus.BadImpersonationLevel
	}
	switch {
	case sqos != nil:
		// The duplicate gets the requested level; a primary token only reports it (T-43, T-54).
		return sqos.ImpersonationLevel, "", ntstatus.Success
	case typ == winnt.TokenPrimary:
		// A primary token made without a quality of service reports no level (T-54).
		return 0, "", ntstatus.Success
	case imp:
		return existing.Level(), "", ntstatus.Success // the impersonation token's own level (T-43)
	case profile == nt.Observed:
		return winnt.SecurityAnonymous, "", ntstatus.Success // Observed: the lowest level (T-43)
	}
	return winnt.SecurityImpersonation, "", ntstatus.Success // Documented: the level that serves a server (T-43)
}

// duplicateAccess returns the rights of the handle to a duplicate token (T-40). held has the rights of the existing
// handle; desired 0 requests held. In kernel mode and under Observed the caller is the creator, who gets every
// requested right that a token has. Any other caller gets no right that needs a missing privilege, which can leave 0
// with success. Errors are:
//   - withSACL without SeSecurityPrivilege: STATUS_PRIVILEGE_NOT_HELD
//   - a reserved bit, or from another caller a bit that a token does not have: STATUS_ACCESS_DENIED
//   - another caller below SecurityImpersonation: STATUS_BAD_IMPERSONATION_LEVEL
func (c *Context) duplicateAccess(existing *se.TokenObject, held, desired winnt.AccessMask,
	withSACL bool) (winnt.AccessMask, ntstatus.Status) {
	if desired&winnt.RESERVED_RIGHTS != 0 {
		// Reserved bits are refused before any privilege is checked.
		return 0, c.Fail("O-20", ntstatus.AccessDenied)
	}
	subject := c.self.Subject()
	// In kernel mode and under Observed the caller counts as the creator of the duplicate (T-46).
	creator := c.Mode == access.Kernel || c.Sys.Profile == nt.Observed
	if desired != 0 && !creator {
		if c.inValidMask(desired) != winnt.TokenObject.Mapping.Map(desired)&^winnt.SYNCHRONIZE {
			// A bit that a token does not have is refused.
			return 0, c.Fail("O-21", ntstatus.AccessDenied)
		}
		if subject.BelowImpersonation() {
			// A client below SecurityImpersonation cannot open an object (I-1, I-2), whatever its privileges are.
			return 0, c.Fail("T-45", ntstatus.BadImpersonationLevel)
		}
	}
	// A SACL in the descriptor, unless it has labels alone, brings the right to it, for which the privilege is
	// needed (T-52).
	if withSACL {
		if !c.holds(winnt.SeSecurityPrivilege) {
			return 0, c.Fail("T-52", ntstatus.PrivilegeNotHeld)
		}
		if desired == 0 {
			return held | winnt.ACCESS_SYSTEM_SECURITY, ntstatus.Success
		}
		desired |= winnt.ACCESS_SYSTEM_SECURITY
	}
	if desired == 0 {
		return held, ntstatus.Success // the new handle has the rights of the existing one (T-44)
	}
	if creator {
		// The creator gets every bit that a token has (T-46).
		d := ob.GrantNew(&c.Caller, se.TokenType, &subject, c.inValidMask(desired), 0)
		if d.Status() == ntstatus.PrivilegeNotHeld {
			c.Fail("T-45", d.Status()) // access to the SACL is checked in any case (T-46)
		}
		return d.Granted, d.Status()
	}
	// A right that needs a missing privilege is left out of the grant, and the call continues (T-45).
	want := winnt.TokenObject.Mapping.Map(desired)
	var barred winnt.AccessMask
	for _, g := range gates {
		if !c.holds(g.privilege) {
			barred |= g.right
		}
	}
	if want&barred != 0 && want&^barred&^winnt.SYNCHRONIZE == 0 {
		return 0, ntstatus.Success // without the barred rights the request is empty
	}
	// The existing token's own DACL decides in the caller's context (T-45).
	d := ob.Decide(&c.Caller, existing, &subject, want&^barred, 0)
	return d.Granted &^ barred, d.Status()
}

// inValidMask removes bits that have no meaning on a token (T-46). Reserved
// bits stay, so that O-20 refuses them.
func (c *Context) inValidMask(m winnt.AccessMask) winnt.AccessMask {
	return winnt.TokenObject.Mapping.Map(m) & (winnt.TokenObject.Valid | winnt.ACCESS_SYSTEM_SECURITY |
		winnt.MAXIMUM_ALLOWED | winnt.RESERVED_RIGHTS)
}

// newTokenDescriptor returns the descriptor of a new token: the one given with its gaps filled, or the default of the
// caller's effective token if none is given (T-47, O-38). A list without space for the label is STATUS_INVALID_ACL.
func (c *Context) newTokenDescriptor(explicit *sd.Descriptor) (*sd.Descriptor, ntstatus.Status) {
	if explicit == nil {
		return c.defaultTokenDescriptor(), ntstatus.Success
	}
	return c.descriptorGiven(c.effective(), winnt.TokenObject, explicit)
}

// descriptorGiven makes a descriptor like [se.NewDescriptor]. If it fails, it names the rule for the tracer.
func (c *Context) descriptorGiven(creator *token.Token, typ *winnt.ObjectType, explicit *sd.Descriptor) (*sd.Descriptor,
	ntstatus.Status) {
	d, st := se.NewDescriptor(creator, typ, explicit)
	if st != ntstatus.Success {
		return nil, c.Fail("S-17", st)
	}
	return d, ntstatus.Success
}

// defaultTokenDescriptor returns the descriptor of a new token whose creator passes none: the default of the caller's
// effective token (T-47, O-38). A caller who impersonates gets the default of that token.
func (c *Context) defaultTokenDescriptor() *sd.Descriptor {
	creator, _, _, _ := c.self.EffectiveToken(ob.TagCall)
	defer creator.Deref(ob.TagCall)
	return creator.DefaultTokenDescriptor()
}

// duplicateInherit returns the inherit attribute of the new handle. Documented:
// without a descriptor the handle cannot be inherited; Observed: OBJ_INHERIT is
// honoured (T-47).
func (c *Context) duplicateInherit(oa *nt.ObjectAttributes) uint32 {
	if oa.SecurityDescriptor == nil && c.Sys.Profile == nt.Documented {
		return oa.Attributes & winnt.OBJ_KERNEL_HANDLE
	}
	return oa.Attributes & (winnt.OBJ_INHERIT | winnt.OBJ_KERNEL_HANDLE)
}
