package nt

import (
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Parameters of the services that create tokens. A pointer that the documents
// call optional is NULL as nil, or as the zero SID; for the others that is a
// pointer that cannot be read. An impersonation token takes its level from
// the quality of service of ObjectAttributes.
type (
	CreateTokenIn struct {
		DesiredAccess    winnt.AccessMask `object:"token"`
		ObjectAttributes Captured[*ObjectAttributes]
		TokenType        winnt.TokenType
		AuthenticationID Captured[winnt.LUID] `param:"AuthenticationId"`
		ExpirationTime   Captured[int64]      // 100 ns units; 0 never expires here
		User             Captured[*token.Group]
		Groups           Captured[[]token.Group]
		Privileges       Captured[[]LUIDAndAttributes]
		Owner            Captured[sid.SID] // optional
		PrimaryGroup     Captured[sid.SID]
		DefaultDACL      Captured[*sd.ACL] `param:"DefaultDacl"` // optional
		Source           Captured[*token.Source]
	}
	CreateTokenExIn struct {
		DesiredAccess    winnt.AccessMask `object:"token"`
		ObjectAttributes Captured[*ObjectAttributes]
		TokenType        winnt.TokenType
		AuthenticationID Captured[winnt.LUID] `param:"AuthenticationId"`
		ExpirationTime   Captured[int64]
		User             Captured[*token.Group]
		Groups           Captured[[]token.Group]
		Privileges       Captured[[]LUIDAndAttributes]
		UserAttributes   Captured[[]claims.Attribute] // optional
		DeviceAttributes Captured[[]claims.Attribute] // optional
		DeviceGroups     Captured[[]token.Group]      // optional
		MandatoryPolicy  Captured[*uint32]            `param:"TokenMandatoryPolicy"` // optional
		Owner            Captured[sid.SID]            // optional
		PrimaryGroup     Captured[sid.SID]
		DefaultDACL      Captured[*sd.ACL] `param:"DefaultDacl"` // optional
		Source           Captured[*token.Source]
	}
	CreateTokenOut struct{ TokenHandle winnt.Handle }

	CreateLowBoxTokenIn struct {
		ExistingTokenHandle winnt.Handle
		DesiredAccess       winnt.AccessMask `object:"token"`
		ObjectAttributes    Captured[*ObjectAttributes]
		PackageSID          Captured[sid.SID]        `param:"PackageSid"`
		Capabilities        Captured[[]token.Group]  // optional
		Handles             Captured[[]winnt.Handle] // optional: objects that live as long as the token
	}
	CreateLowBoxTokenOut struct{ TokenHandle winnt.Handle }

	AllocateLocallyUniqueIDIn  struct{}
	AllocateLocallyUniqueIDOut struct {
		LUID winnt.LUID `param:"Luid"`
	}
)

var createTokenConditions = []Condition{
	{ntstatus.AccessViolation, "T-10",
		"TokenHandle is not writable, or a pointer is not readable; User, Groups, Privileges, PrimaryGroup and " +
			"Source are required"},
	{ntstatus.InvalidParameter, "O-22", "ObjectAttributes has a wrong Length or unknown attributes"},
	exclusiveInherited(),
	{ntstatus.InvalidParameter, "T-40", "the quality of service has a level above SecurityDelegation"},
	{ntstatus.BadTokenType, "T-10", "TokenType is neither TokenPrimary nor TokenImpersonation"},
	{ntstatus.PrivilegeNotHeld, "T-10", "the caller does not hold SeCreateTokenPrivilege enabled"},
	{ntstatus.InvalidSID, "T-10", "a SID is malformed"},
	{ntstatus.InvalidACL, "T-10", "DefaultDacl is malformed"},
	{ntstatus.BadImpersonationLevel, "T-10", "an impersonation token is requested without a quality of service"},
	{ntstatus.NoSuchLogonSession, "T-5", "AuthenticationId is not the id of a logon session"},
	{ntstatus.NoSuchPrivilege, "T-10", "a LUID does not identify a privilege"},
	{ntstatus.InvalidParameter, "T-3", "attributes of a group, a claim or the mandatory policy that no token can have"},
	{ntstatus.InvalidOwner, "T-11", "Owner is neither the user nor a group with SE_GROUP_OWNER"},
	{ntstatus.InvalidPrimaryGroup, "T-11", "PrimaryGroup is neither the user nor a group of the token"},
	{ntstatus.InsufficientResources, "O-81", "not enough memory"},
	{ntstatus.AccessDenied, "O-20", "reserved bits in DesiredAccess"},
	{ntstatus.AccessDenied, "O-21", "DesiredAccess has bits that no token has"},
	{ntstatus.PrivilegeNotHeld, "O-30",
		"ACCESS_SYSTEM_SECURITY, or a descriptor with a SACL of more than labels, without SeSecurityPrivilege"},
	{ntstatus.InvalidOwner, "S-61", "the descriptor names an owner that the caller must not assign"},
	{ntstatus.InvalidACL, "S-17", "the descriptor's SACL has no space for the label of the token"},
}

var (
	rowCreateToken = Add(&NtTable, Entry[Services, CreateTokenIn, CreateTokenOut]{
		Meta: Meta{
			Name:       "NtCreateToken",
			Summary:    "creates a token from its parts",
			Source:     "NtCreateToken, ntifs.h and \"Access Tokens\"",
			Conditions: createTokenConditions,
		},
		Call: Services.NtCreateToken,
	})
	rowCreateTokenEx = Add(&NtTable, Entry[Services, CreateTokenExIn, CreateTokenOut]{
		Meta: Meta{
			Name:       "NtCreateTokenEx",
			Summary:    "creates a token from its parts, with claims, device groups and mandatory policy",
			Source:     "NtCreateTokenEx, public headers",
			Conditions: createTokenConditions,
		},
		Call: Services.NtCreateTokenEx,
	})
	rowCreateLowBoxToken = Add(&NtTable, Entry[Services, CreateLowBoxTokenIn, CreateLowBoxTokenOut]{
		Meta: Meta{
			Name:    "NtCreateLowBoxToken",
			Summary: "creates the AppContainer token of a package",
			Source:  "\"AppContainer isolation\"; NtCreateLowBoxToken, public headers",
			Conditions: []Condition{
				{ntstatus.AccessViolation, "O-3",
					"TokenHandle is not writable, or a pointer is not readable; PackageSid is required"},
				{ntstatus.InvalidParameter, "O-22", "ObjectAttributes has a wrong Length or unknown attributes"},
				exclusiveInherited(),
				{ntstatus.InvalidParameter, "T-40", "the quality of service has a level above SecurityDelegation"},
				{ntstatus.InvalidHandle, "O-31", "ExistingTokenHandle is not a valid handle"},
				{ntstatus.ObjectTypeMismatch, "O-31", "ExistingTokenHandle is not a token"},
				{ntstatus.AccessDenied, "T-69", "ExistingTokenHandle does not grant TOKEN_DUPLICATE"},
				{ntstatus.InvalidSID, "T-69", "a SID is malformed"},
				{ntstatus.BadImpersonationLevel, "T-42",
					"the existing token is an impersonation token below SecurityImpersonation"},
				{ntstatus.InvalidParameter, "T-69",
					"PackageSid is not S-1-15-2-x, a capability is not S-1-15-3-x, or the existing token is of " +
						"an AppContainer already"},
				{ntstatus.InvalidHandle, "O-31", "one of Handles is not a valid handle"},
				{ntstatus.ObjectTypeMismatch, "T-69", "one of Handles is a process, thread, job, pipe or port"},
				{ntstatus.InsufficientResources, "O-81", "not enough memory"},
				{ntstatus.AccessDenied, "O-20", "reserved bits in DesiredAccess"},
				{ntstatus.AccessDenied, "O-21", "DesiredAccess has bits that no token has"},
				{ntstatus.PrivilegeNotHeld, "O-30",
					"ACCESS_SYSTEM_SECURITY, or a descriptor with a SACL of more than labels, without SeSecurityPrivilege"},
				{ntstatus.InvalidOwner, "S-61", "the descriptor names an owner that the caller must not assign"},
				{ntstatus.InvalidACL, "S-17", "the descriptor's SACL has no space for the label of the token"},
			},
		},
		Call: Services.NtCreateLowBoxToken,
	})
	rowAllocateLocallyUniqueID = Add(&NtTable, Entry[Services, AllocateLocallyUniqueIDIn, AllocateLocallyUniqueIDOut]{
		Meta: Meta{
			Name:       "NtAllocateLocallyUniqueId",
			Summary:    "returns a new identifier, never the same twice",
			Source:     "AllocateLocallyUniqueId",
			Conditions: []Condition{{ntstatus.AccessViolation, "O-3", "Luid is not writable"}},
		},
		Call: Services.NtAllocateLocallyUniqueId,
	})
)

// NtCreateToken creates a token from its parts. It needs SeCreateTokenPrivilege, and AuthenticationId must name a logon
// session.
func (t *Thread) NtCreateToken(in CreateTokenIn) (winnt.Handle, ntstatus.Status) {
	out, st := call(t, rowCreateToken, in)
	return out.TokenHandle, st
}

// NtCreateTokenEx works like NtCreateToken, with claims, device groups and
// mandatory policy.
func (t *Thread) NtCreateTokenEx(in CreateTokenExIn) (winnt.Handle, ntstatus.Status) {
	out, st := call(t, rowCreateTokenEx, in)
	return out.TokenHandle, st
}

// NtCreateLowBoxToken creates the AppContainer token of a package from an
// existing token. Its integrity is Low. The token keeps the objects of handles
// alive.
func (t *Thread) NtCreateLowBoxToken(
	existing winnt.Handle, desired winnt.AccessMask, attributes *ObjectAttributes, pkg sid.SID,
	capabilities []token.Group, handles []winnt.Handle,
) (winnt.Handle, ntstatus.Status) {
	in := CreateLowBoxTokenIn{existing, desired, Cap(attributes), Cap(pkg), Cap(capabilities), Cap(handles)}
	out, st := call(t, rowCreateLowBoxToken, in)
	return out.TokenHandle, st
}

// NtAllocateLocallyUniqueId returns an identifier that this system never
// returns again (AllocateLocallyUniqueId).
func (t *Thread) NtAllocateLocallyUniqueId() (winnt.LUID, ntstatus.Status) {
	var st ntstatus.Status
	out, st := call(t, rowAllocateLocallyUniqueID, AllocateLocallyUniqueIDIn{})
	return out.LUID, st
}
