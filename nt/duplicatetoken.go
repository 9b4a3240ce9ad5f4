package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// DuplicateTokenIn and DuplicateTokenOut are the parameters of NtDuplicateToken.
type (
	DuplicateTokenIn struct {
		ExistingTokenHandle winnt.Handle
		DesiredAccess       winnt.AccessMask `object:"token"`
		ObjectAttributes    Captured[*ObjectAttributes]
		EffectiveOnly       bool
		TokenType           winnt.TokenType
	}
	DuplicateTokenOut struct{ NewTokenHandle winnt.Handle }
)

var rowDuplicateToken = Add(&NtTable, Entry[Services, DuplicateTokenIn, DuplicateTokenOut]{
	Meta: Meta{
		Name:    "NtDuplicateToken",
		Summary: "creates a copy of a token",
		Conditions: []Condition{
			{ntstatus.InvalidParameter, "T-40", "TokenType is neither TokenPrimary nor TokenImpersonation"},
			{ntstatus.AccessViolation, "T-40", "NewTokenHandle is not writable, or ObjectAttributes is not readable"},
			exclusiveInherited(),
			{ntstatus.InvalidParameter, "T-40",
				"ObjectAttributes or its quality of service has a wrong Length, or a level above SecurityDelegation"},
			{ntstatus.InvalidHandle, "T-40", "ExistingTokenHandle is not a valid handle"},
			{ntstatus.ObjectTypeMismatch, "T-40", "ExistingTokenHandle is not a token"},
			{ntstatus.AccessDenied, "T-40", "ExistingTokenHandle does not grant TOKEN_DUPLICATE"},
			{ntstatus.BadImpersonationLevel, "T-41",
				"the requested level is above that of the existing impersonation token"},
			{ntstatus.BadImpersonationLevel, "T-42",
				"a primary token is requested from an impersonation token below SecurityImpersonation"},
			{ntstatus.InsufficientResources, "T-53", "not enough memory"},
			{ntstatus.AccessDenied, "O-20", "reserved bits in DesiredAccess"},
			{ntstatus.AccessDenied, "O-21", "DesiredAccess has bits that no token has"},
			{ntstatus.BadImpersonationLevel, "T-45",
				"the caller impersonates below SecurityImpersonation and DesiredAccess is not 0"},
			{ntstatus.PrivilegeNotHeld, "T-52",
				"a descriptor with a SACL of more than mandatory labels without SeSecurityPrivilege"},
			{ntstatus.PrivilegeNotHeld, "T-45", "ACCESS_SYSTEM_SECURITY without SeSecurityPrivilege"},
			{ntstatus.AccessDenied, "T-45", "the existing token's DACL does not grant DesiredAccess"},
			{ntstatus.InvalidOwner, "S-61", "the descriptor names an owner that the caller must not assign"},
			{ntstatus.InvalidACL, "S-17", "the descriptor's SACL has no space for the label of the token"},
		},
	},
	Call: Services.NtDuplicateToken,
	Scalars: byValue(func(in DuplicateTokenIn) bool {
		// The token type is the first thing looked at (T-40).
		return in.TokenType == winnt.TokenPrimary || in.TokenType == winnt.TokenImpersonation
	}),
})

// NtDuplicateToken creates a duplicate of a token. desired 0 requests the rights of the existing handle
// (NtDuplicateToken). The handle is 0 unless the status is a success. attributes may be nil.
func (t *Thread) NtDuplicateToken(
	existing winnt.Handle, desired winnt.AccessMask, attributes *ObjectAttributes, effectiveOnly bool,
	typ winnt.TokenType,
) (winnt.Handle, ntstatus.Status) {
	in := DuplicateTokenIn{existing, desired, Cap(attributes), effectiveOnly, typ}
	out, st := call(t, rowDuplicateToken, in)
	return out.NewTokenHandle, st
}
