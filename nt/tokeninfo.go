package nt

import (
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Go values of the information classes that are structures of their own. The
// other classes are a token.Group (a SID with attributes), a list of them, a
// sid.SID (the zero SID is a NULL pointer), a *sd.ACL, a list of
// LUIDAndAttributes or of claims.Attribute, a LUID, a Handle or a uint32.
type (
	// TokenGroupsAndPrivileges is TOKEN_GROUPS_AND_PRIVILEGES (56 bytes and the
	// data to which it points). The user is the first SID.
	TokenGroupsAndPrivileges struct {
		SIDs             []token.Group `param:"Sids"`
		RestrictedSIDs   []token.Group `param:"RestrictedSids"`
		Privileges       []LUIDAndAttributes
		AuthenticationID winnt.LUID `param:"AuthenticationId"`
	}

	// TokenAccessInformation is TOKEN_ACCESS_INFORMATION: the data for an access
	// check of a user-mode resource manager. It has lists instead of the hash
	// tables of C.
	TokenAccessInformation struct {
		SIDs               []token.Group `param:"SidHash"`
		RestrictedSIDs     []token.Group `param:"RestrictedSidHash"`
		Privileges         []LUIDAndAttributes
		AuthenticationID   winnt.LUID `param:"AuthenticationId"`
		TokenType          winnt.TokenType
		ImpersonationLevel winnt.SecurityImpersonationLevel
		MandatoryPolicy    uint32
		Flags              uint32 // TOKEN_*
		AppContainerNumber uint32
		PackageSID         sid.SID            `param:"PackageSid"`
		Capabilities       []token.Group      `param:"CapabilitiesHash"`
		TrustLevelSID      sid.SID            `param:"TrustLevelSid"`
		SecurityAttributes []claims.Attribute // the token's own
	}

	// TokenBnoIsolation is TOKEN_BNO_ISOLATION_INFORMATION (16 bytes and the
	// prefix): the private part of the namespace for base named objects.
	TokenBnoIsolation struct {
		IsolationPrefix  string
		IsolationEnabled bool
	}
)

// Bits of class 45, TokenChildProcessFlags (the layout is that of
// PROCESS_MITIGATION_CHILD_PROCESS_POLICY).
const (
	ChildProcessNone      uint32 = 1 // no child process may be made
	ChildProcessAudit     uint32 = 2 // one that would be refused is recorded
	ChildProcessSecureToo uint32 = 4 // none, unless it is a secure process
)

// Parameters of NtSetInformationToken and NtQuerySecurityAttributesToken.
// TokenInformation holds the Go value of the class as a query returns it;
// nil is a NULL pointer. The value of class 39 is a []token.AttributeChange,
// that of class 19 the Handle of the token to link.
type (
	SetInformationTokenIn struct {
		TokenHandle            winnt.Handle
		TokenInformationClass  winnt.TokenInfoClass
		TokenInformation       Captured[any]
		TokenInformationLength uint32 `default:"4294967295"` // all bits set: the size of the value
	}
	SetInformationTokenOut struct{}

	QuerySecurityAttributesTokenIn struct {
		TokenHandle winnt.Handle
		Attributes  Captured[[]string] // names; none asks for all
		Length      uint32             `default:"4294967295"`
	}
	QuerySecurityAttributesTokenOut struct {
		Buffer       []claims.Attribute
		ReturnLength uint32
	}
)

var (
	rowSetInformationToken = Add(&NtTable, Entry[Services, SetInformationTokenIn, SetInformationTokenOut]{
		Meta: Meta{
			Name:    "NtSetInformationToken",
			Summary: "sets information about a token",
			Source:  "SetTokenInformation; ZwSetInformationToken",
			Conditions: []Condition{
				{ntstatus.InvalidInfoClass, "T-90", "a class that is unknown or cannot be set"},
				{ntstatus.InfoLengthMismatch, "T-90",
					"TokenInformationLength is not the size of a class of fixed size"},
				{ntstatus.AccessViolation, "T-90", "TokenInformation is NULL or is not readable"},
				{ntstatus.InvalidHandle, "T-90", "TokenHandle is not a valid handle"},
				{ntstatus.ObjectTypeMismatch, "T-90", "TokenHandle is not a token"},
				{ntstatus.AccessDenied, "T-90",
					"TokenHandle does not grant TOKEN_ADJUST_DEFAULT (TokenSessionId: and TOKEN_ADJUST_SESSIONID)"},
				{ntstatus.InfoLengthMismatch, "T-90",
					"TokenInformationLength is below the header of a class of variable size"},
				{ntstatus.PrivilegeNotHeld, "T-90",
					"the class needs SeTcbPrivilege or SeCreateTokenPrivilege, or integrity is to rise without " +
						"SeTcbPrivilege"},
				{ntstatus.InvalidSID, "T-90", "a SID is malformed"},
				{ntstatus.InvalidACL, "T-90", "the ACL is malformed"},
				{ntstatus.InvalidOwner, "T-90",
					"TokenOwner: neither the user nor a group with SE_GROUP_OWNER, or deny-only"},
				{ntstatus.AllottedSpaceExceeded, "T-90",
					"TokenPrimaryGroup, TokenDefaultDacl: more than DynamicCharged"},
				{ntstatus.InvalidPrimaryGroup, "T-90", "TokenPrimaryGroup: neither the user nor a group of the token"},
				{ntstatus.InvalidHandle, "T-90", "TokenLinkedToken: the value is not valid"},
				{ntstatus.ObjectTypeMismatch, "T-90", "TokenLinkedToken: the value is not a token"},
				{ntstatus.AccessDenied, "T-90", "TokenLinkedToken: the value does not grant TOKEN_DUPLICATE"},
				{ntstatus.NotFound, "T-90",
					"TokenSecurityAttributes: an attribute to delete that the token does not have"},
				{ntstatus.InvalidParameter, "T-90", "a value that the class does not permit"},
			},
		},
		Call: Services.NtSetInformationToken,
	})
	rowQuerySecurityAttributesToken = Add(&NtTable,
		Entry[Services, QuerySecurityAttributesTokenIn, QuerySecurityAttributesTokenOut]{
			Meta: Meta{
				Name:    "NtQuerySecurityAttributesToken",
				Summary: "returns the security attributes of a token, all or by name",
				Source:  "NtQuerySecurityAttributesToken, public headers",
				Conditions: []Condition{
					{ntstatus.AccessViolation, "T-80", "a pointer is not readable or not writable"},
					{ntstatus.InvalidHandle, "T-80", "TokenHandle is not a valid handle"},
					{ntstatus.ObjectTypeMismatch, "T-80", "TokenHandle is not a token"},
					{ntstatus.AccessDenied, "T-80", "TokenHandle does not grant TOKEN_QUERY"},
					{ntstatus.NoToken, "O-15", "NtCurrentThreadToken of a thread that does not impersonate"},
					{ntstatus.CantOpenAnonymous, "I-24",
						"NtCurrentThreadToken or NtCurrentEffectiveToken at SecurityAnonymous"},
					{ntstatus.NotFound, "T-80", "the token has none of the attributes named"},
					{ntstatus.BufferTooSmall, "T-80", "the buffer is too small; ReturnLength returns the needed length"},
				},
			},
			Call: Services.NtQuerySecurityAttributesToken,
		},
	)
)

// NtSetInformationToken changes the information of a class in a token
// (SetTokenInformation). value is the Go value of the class. nil is a NULL
// pointer.
func (t *Thread) NtSetInformationToken(tok winnt.Handle, class winnt.TokenInfoClass, value any) ntstatus.Status {
	in := SetInformationTokenIn{tok, class, Cap(value), ^uint32(0)}
	_, st := call(t, rowSetInformationToken, in)
	return st
}

// NtQuerySecurityAttributesToken returns the token's own security attributes
// with the given names, or all of them without names.
func (t *Thread) NtQuerySecurityAttributesToken(
	tok winnt.Handle, names ...string,
) ([]claims.Attribute, ntstatus.Status) {
	in := QuerySecurityAttributesTokenIn{tok, Cap(names), ^uint32(0)}
	out, st := call(t, rowQuerySecurityAttributesToken, in)
	return out.Buffer, st
}
