package services

import (
	"errors"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// NtAllocateLocallyUniqueId returns an identifier that this kernel never returned before. It never fails.
func (c *Context) NtAllocateLocallyUniqueId(nt.AllocateLocallyUniqueIDIn) (out nt.AllocateLocallyUniqueIDOut,
	st ntstatus.Status) {
	out.LUID = c.Sys.Security.AllocateLUID()
	return out, ntstatus.Success
}

// NtCreateToken creates a token from its parts. It is NtCreateTokenEx without claims, device groups and mandatory
// policy.
func (c *Context) NtCreateToken(in nt.CreateTokenIn) (nt.CreateTokenOut, ntstatus.Status) {
	return c.createToken(&nt.CreateTokenExIn{
		DesiredAccess: in.DesiredAccess, ObjectAttributes: in.ObjectAttributes, TokenType: in.TokenType,
		AuthenticationID: in.AuthenticationID,
		ExpirationTime:   in.ExpirationTime,
		User:             in.User, Groups: in.Groups, Privileges: in.Privileges, Owner: in.Owner,
		PrimaryGroup: in.PrimaryGroup, DefaultDACL: in.DefaultDACL, Source: in.Source,
	})
}

// NtCreateTokenEx creates a token from its parts and opens it. It needs SeCreateTokenPrivilege and an existing logon
// session.
func (c *Context) NtCreateTokenEx(in nt.CreateTokenExIn) (nt.CreateTokenOut, ntstatus.Status) {
	return c.createToken(&in)
}

// createToken creates and opens a token for NtCreateToken and NtCreateTokenEx, in the order of T-10. On an error no
// token exists. The logon session must exist. A missing session is STATUS_NO_SUCH_LOGON_SESSION. The handle has the
// rights that creatorAccess grants.
func (c *Context) createToken(in *nt.CreateTokenExIn) (out nt.CreateTokenOut, st ntstatus.Status) {
	// capture
	oa, st := c.captureCreate(in)
	if st != ntstatus.Success {
		return out, st
	}
	// reference: the logon session, so that it cannot end before the token holds it
	session := in.AuthenticationID.V
	if !c.Sys.Security.Sessions.Hold(session) {
		// A token is made only for a logon session that exists (T-10).
		return out, c.Fail("T-5", ntstatus.NoSuchLogonSession)
	}
	defer c.Sys.Security.Sessions.Release(session)
	// decide
	// Owner and primary group are SIDs of the token, and it is new in every identifier (T-11, T-12).
	value, st := c.newValue(in, oa.SecurityQualityOfService)
	if st != ntstatus.Success {
		return out, st
	}
	if c.Sys.Fault("se: create token") {
		return out, c.Fail("O-81", ntstatus.InsufficientResources)
	}
	granted, st := c.creatorAccess(in.DesiredAccess, oa.SecurityDescriptor)
	if st != ntstatus.Success {
		return out, st
	}
	// The descriptor is the one given, with its gaps filled from the creator's token (T-10, O-38).
	d, st := c.newTokenDescriptor(oa.SecurityDescriptor)
	if st != ntstatus.Success {
		return out, st
	}
	tok := c.Sys.Security.NewToken(value, d)
	defer tok.Deref(ob.TagCall)
	// commit
	out.TokenHandle, st = c.insertNew(tok, granted, oa.Attributes&(winnt.OBJ_INHERIT|winnt.OBJ_KERNEL_HANDLE))
	return out, st
}

// captureCreate captures and checks the parameters of NtCreateToken in the order of T-10, up to the quality of service.
// It also checks SeCreateTokenPrivilege. The first failure decides the status. An impersonation token without a quality
// of service is STATUS_BAD_IMPERSONATION_LEVEL, another type STATUS_BAD_TOKEN_TYPE.
func (c *Context) captureCreate(in *nt.CreateTokenExIn) (oa nt.ObjectAttributes, st ntstatus.Status) {
	if st := c.probe("T-10", in.AuthenticationID.Status, in.ExpirationTime.Status,
		required(in.User.V != nil, in.User.Status),
		required(in.Groups.V != nil, in.Groups.Status), required(in.Privileges.V != nil,
			in.Privileges.Status), in.UserAttributes.Status,
		in.DeviceAttributes.Status, in.DeviceGroups.Status, in.MandatoryPolicy.Status, in.Owner.Status,
		required(!in.PrimaryGroup.V.IsZero(),
			in.PrimaryGroup.Status), in.DefaultDACL.Status,
		required(in.Source.V != nil, in.Source.Status)); st != ntstatus.Success {
		return oa, st
	}
	if oa, st = c.captureAttributes(in.ObjectAttributes); st != ntstatus.Success {
		return oa, st
	}
	if in.TokenType != winnt.TokenPrimary && in.TokenType != winnt.TokenImpersonation {
		// The type is primary or impersonation.
		return oa, c.Fail("T-10", ntstatus.BadTokenType)
	}
	if !c.holds(winnt.SeCreateTokenPrivilege) {
		// Making a token needs SeCreateTokenPrivilege.
		return oa, c.Fail("T-10", ntstatus.PrivilegeNotHeld)
	}
	for _, st := range []ntstatus.Status{ // readable but malformed parameters are refused after the privilege (T-10)
		in.User.Status, in.Groups.Status, in.Privileges.Status, in.UserAttributes.Status,
		in.DeviceAttributes.Status, in.DeviceGroups.Status,
		in.MandatoryPolicy.Status, in.Owner.Status, in.PrimaryGroup.Status, in.DefaultDACL.Status, in.Source.Status,
		sidStatus(append([]token.Group{*in.User.V}, in.Groups.V...)), sidStatus(in.DeviceGroups.V)} {
		if st != ntstatus.Success {
			return oa, c.Fail("T-10", st)
		}
	}
	if in.TokenType == winnt.TokenImpersonation && oa.SecurityQualityOfService == nil {
		// An impersonation token needs a level.
		return oa, c.Fail("T-10", ntstatus.BadImpersonationLevel)
	}
	return oa, ntstatus.Success
}

// required checks that a required parameter is not NULL. given says whether it was passed, and st is the status of its
// capture. It returns STATUS_ACCESS_VIOLATION for a missing parameter, else st.
func required(given bool, st ntstatus.Status) ntstatus.Status {
	if !given && st == ntstatus.Success {
		// A NULL pointer where one must be given cannot be read (O-3).
		return ntstatus.AccessViolation
	}
	return st
}

// probe returns STATUS_ACCESS_VIOLATION if one of the captures in all failed with that status (O-3). rule is the
// rule id for the tracer. In all other cases the result is success, and the caller tests the other statuses later.
func (c *Context) probe(rule string, all ...ntstatus.Status) ntstatus.Status {
	for _, st := range all {
		if st == ntstatus.AccessViolation {
			// Unreadable parameters are refused before malformed ones (O-3).
			return c.Fail(rule, st)
		}
	}
	return ntstatus.Success
}

// sidStatus checks that each group of a list has a SID. It returns STATUS_INVALID_SID if one has the zero SID, else
// success. The empty list is a success.
func sidStatus(gs []token.Group) ntstatus.Status {
	for _, g := range gs {
		if g.SID.IsZero() {
			return ntstatus.InvalidSID
		}
	}
	return ntstatus.Success
}

// newValue builds the requested token. Unspecified fields follow T-12. A primary token has no impersonation level. A
// token without an integrity group gets medium integrity, unless its mandatory policy is 0. Errors are:
//   - an unknown privilege: STATUS_NO_SUCH_PRIVILEGE
//   - an owner or primary group outside the token: STATUS_INVALID_OWNER or STATUS_INVALID_PRIMARY_GROUP (T-11)
//   - malformed claims: STATUS_INVALID_PARAMETER
func (c *Context) newValue(in *nt.CreateTokenExIn, sqos *nt.SecurityQualityOfService) (*token.Token, ntstatus.Status) {
	s := token.Spec{
		// token.New enables mandatory groups (T-2); groups without attributes are disabled (T-144).
		User: *in.User.V, Groups: token.AsGiven(in.Groups.V), Type: in.TokenType,
		AuthenticationID: in.AuthenticationID.V, ExpirationTime: in.ExpirationTime.V, Source: *in.Source.V,
		// ParentTokenId and OriginatingLogon stay 0 (T-12).
		ModifiedID: c.Sys.Security.AllocateLUID(), SessionID: c.self.Process().Token().SessionID(),
		Owner: in.Owner.V, PrimaryGroup: in.PrimaryGroup.V, DefaultDACL: in.DefaultDACL.V,
		DeviceGroups:    in.DeviceGroups.V,
		MandatoryPolicy: winnt.TOKEN_MANDATORY_POLICY_NO_WRITE_UP | winnt.TOKEN_MANDATORY_POLICY_NEW_PROCESS_MIN,
	}
	if sqos != nil {
		s.Level = sqos.ImpersonationLevel
	}
	if s.Type == winnt.TokenPrimary {
		// A primary token has no impersonation level (T-54).
		s.Level = 0
	}
	if in.MandatoryPolicy.V != nil {
		s.MandatoryPolicy = *in.MandatoryPolicy.V
	}
	if !hasIntegrity(s.Groups) && s.MandatoryPolicy != 0 { // a policy that is off wants no level (T-12)
		s.Integrity = sid.MediumLevel
	}
	for _, p := range in.Privileges.V {
		v := winnt.Privilege(p.LUID)
		if p.LUID > winnt.LUID(winnt.LastPrivilege) || !v.Valid() {
			// The privilege does not exist.
			return nil, c.Fail("T-10", ntstatus.NoSuchPrivilege)
		}
		s.Privileges |= v.Bit()
		if p.Attributes&winnt.SE_PRIVILEGE_ENABLED != 0 {
			s.EnabledPrivileges |= v.Bit()
		}
		if p.Attributes&winnt.SE_PRIVILEGE_ENABLED_BY_DEFAULT != 0 {
			s.DefaultPrivileges |= v.Bit()
		}
	}
	var st1, st2 ntstatus.Status
	s.UserClaims, st1 = claimSet(in.UserAttributes.V)
	s.DeviceClaims, st2 = claimSet(in.DeviceAttributes.V)
	if st1 != ntstatus.Success || st2 != ntstatus.Success {
		// Claims that hold a value twice, or a malformed one, are refused.
		return nil, c.Fail("T-3", ntstatus.InvalidParameter)
	}
	v, err := token.New(s)
	var wrong *token.SpecError
	switch {
	case err == nil:
		return v, ntstatus.Success
	case !errors.As(err, &wrong):
		return nil, c.Fail("T-3", ntstatus.InvalidParameter)
	case wrong.Status == ntstatus.InvalidOwner || wrong.Status == ntstatus.InvalidPrimaryGroup:
		// Owner and primary group must be SIDs of the token that may serve so.
		return nil, c.Fail("T-11", wrong.Status)
	}
	// The token contradicts itself, in its groups or in its integrity (T-4).
	return nil, c.Fail("T-3", wrong.Status)
}

// hasIntegrity reports whether a group of the list is an integrity level.
func hasIntegrity(gs []token.Group) bool {
	for _, g := range gs {
		if g.Attributes&winnt.SE_GROUP_INTEGRITY != 0 {
			return true
		}
	}
	return false
}

// claimSet builds the claims of a new token from a captured list: nil for an empty list. A malformed or repeated claim
// is STATUS_INVALID_PARAMETER.
func claimSet(list []claims.Attribute) (*claims.Set, ntstatus.Status) {
	if len(list) == 0 {
		return nil, ntstatus.Success
	}
	s, err := claims.NewSet(list)
	if err != nil {
		return nil, ntstatus.InvalidParameter
	}
	return s, ntstatus.Success
}

// creatorAccess returns the rights of the creator's handle to a new token: all requested rights (O-91). explicit is
// the creator's descriptor, which may be nil. A SACL with more than labels requires SeSecurityPrivilege. The creator
// must be allowed to assign the owner. The first failed test decides the status.
func (c *Context) creatorAccess(desired winnt.AccessMask, explicit *sd.Descriptor) (winnt.AccessMask, ntstatus.Status) {
	subject := c.self.Subject()
	// The creator is granted its request, regardless of the descriptor (O-91).
	d := ob.GrantNew(&c.Caller, se.TokenType, &subject, desired, 0)
	if d.Status() != ntstatus.Success {
		return 0, d.Status()
	}
	if givesSACL(explicit) && !c.holds(winnt.SeSecurityPrivilege) {
		// A SACL in the descriptor needs its privilege.
		return 0, c.Fail("O-30", ntstatus.PrivilegeNotHeld)
	}
	// Another owner than the creator may assign is refused (S-61).
	if st := c.mayGive(winnt.TokenObject, explicit); st != ntstatus.Success {
		return 0, st
	}
	return d.Granted, ntstatus.Success
}
