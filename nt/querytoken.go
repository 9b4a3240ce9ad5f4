package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// QueryInformationTokenIn and QueryInformationTokenOut are the parameters of
// NtQueryInformationToken. TokenInformation holds the Go value of the class
// (see [winnt.TokenInfoClass]); lengths are those of 64-bit Windows.
type (
	QueryInformationTokenIn struct {
		TokenHandle            winnt.Handle
		TokenInformationClass  winnt.TokenInfoClass
		TokenInformationLength uint32 `default:"4294967295"`
		// FaultReturnLength is the status of probing ReturnLength.
		FaultReturnLength ntstatus.Status `param:"-"`
	}
	QueryInformationTokenOut struct {
		TokenInformation any
		ReturnLength     uint32
	}
)

var rowQueryInformationToken = Add(&NtTable, Entry[Services, QueryInformationTokenIn, QueryInformationTokenOut]{
	Meta: Meta{
		Name:    "NtQueryInformationToken",
		Summary: "returns information about a token",
		Source:  "NtQueryInformationToken; GetTokenInformation",
		Conditions: []Condition{
			{ntstatus.InvalidInfoClass, "T-80", "the class is 0 or above 50"},
			{ntstatus.AccessViolation, "T-80", "ReturnLength is NULL, or a pointer is not writable"},
			{ntstatus.NoToken, "O-15", "TokenHandle is NtCurrentThreadToken and the thread is not impersonating"},
			{ntstatus.CantOpenAnonymous, "I-24",
				"TokenHandle is a pseudo handle for an impersonation at SecurityAnonymous"},
			{ntstatus.InvalidHandle, "T-80", "TokenHandle is not a valid handle"},
			{ntstatus.ObjectTypeMismatch, "T-80", "TokenHandle is not a token"},
			{ntstatus.AccessDenied, "T-80", "TokenHandle does not grant TOKEN_QUERY (TokenSource: TOKEN_QUERY_SOURCE)"},
			{ntstatus.NoSuchLogonSession, "T-80", "TokenLinkedToken: the token has no linked token"},
			{ntstatus.PrivilegeNotHeld, "T-80",
				"TokenAuditPolicy: the caller does not hold SeSecurityPrivilege enabled"},
			{ntstatus.NotFound, "T-80", "TokenLogonSid: the token has no logon SID"},
			{ntstatus.InvalidInfoClass, "T-80",
				"a class that cannot be queried, or TokenImpersonationLevel of a primary token"},
			{ntstatus.BufferTooSmall, "T-80", "the buffer is too small; ReturnLength returns the needed length"},
			{ntstatus.InsufficientResources, "O-81", "TokenLinkedToken: memory ran out"},
		},
	},
	Call: Services.NtQueryInformationToken,
	Scalars: byValue(func(in QueryInformationTokenIn) bool {
		// There is no other class (T-80).
		return in.TokenInformationClass != 0 && in.TokenInformationClass <= winnt.MaxTokenInfoClass
	}),
})

// NtQueryInformationToken returns the information of a class as a Go value (T-81), so the caller needs no size. It
// needs TOKEN_QUERY, or TOKEN_QUERY_SOURCE for TokenSource. A class that cannot be queried gives
// STATUS_INVALID_INFO_CLASS.
func (t *Thread) NtQueryInformationToken(token winnt.Handle, class winnt.TokenInfoClass) (any, ntstatus.Status) {
	in := QueryInformationTokenIn{TokenHandle: token, TokenInformationClass: class, TokenInformationLength: ^uint32(0)}
	out, st := call(t, rowQueryInformationToken, in)
	return out.TokenInformation, st
}
