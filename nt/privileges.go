package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// AdjustPrivilegesTokenIn and AdjustPrivilegesTokenOut are the parameters of NtAdjustPrivilegesToken. WantPrevious
// means a PreviousState pointer that is not NULL; BufferLength is its size in bytes.
type (
	AdjustPrivilegesTokenIn struct {
		TokenHandle          winnt.Handle
		DisableAllPrivileges bool
		NewState             Captured[[]LUIDAndAttributes]
		BufferLength         uint32 `default:"65536"`
		WantPrevious         bool   `param:"PreviousState"`
	}
	AdjustPrivilegesTokenOut struct {
		PreviousState []LUIDAndAttributes
		ReturnLength  uint32
	}
)

var rowAdjustPrivilegesToken = Add(&NtTable, Entry[Services, AdjustPrivilegesTokenIn, AdjustPrivilegesTokenOut]{
	Meta: Meta{
		Name:    "NtAdjustPrivilegesToken",
		Summary: "enables, disables or removes privileges of a token",
		Source:  "AdjustTokenPrivileges",
		Conditions: []Condition{
			{ntstatus.InvalidParameter, "T-70", "NewState is NULL and DisableAllPrivileges is FALSE"},
			{ntstatus.AccessViolation, "T-70",
				"a pointer is not readable or not writable; NewState is not read with DisableAllPrivileges"},
			{ntstatus.InvalidHandle, "T-70", "TokenHandle is not a valid handle"},
			{ntstatus.ObjectTypeMismatch, "T-70", "TokenHandle is not a token"},
			{ntstatus.AccessDenied, "T-70",
				"TokenHandle does not grant TOKEN_ADJUST_PRIVILEGES, or TOKEN_QUERY if the previous state is requested"},
			{ntstatus.BufferTooSmall, "T-70", "BufferLength is below 4 bytes and 12 bytes per change; nothing is changed"},
			{ntstatus.NotAllAssigned, "T-71", "the token does not have a listed privilege; the others are applied"},
		},
	},
	Call: Services.NtAdjustPrivilegesToken,
})

// NtAdjustPrivilegesToken enables, disables or removes privileges. With
// previous it also returns the changed privileges with their old attributes,
// which needs TOKEN_QUERY (AdjustTokenPrivileges). A nil state with disableAll
// FALSE is a NULL pointer.
func (t *Thread) NtAdjustPrivilegesToken(
	token winnt.Handle, disableAll bool, state []LUIDAndAttributes, previous bool,
) ([]LUIDAndAttributes, ntstatus.Status) {
	in := AdjustPrivilegesTokenIn{
		TokenHandle:          token,
		DisableAllPrivileges: disableAll,
		NewState:             Cap(state),
		BufferLength:         1 << 16,
		WantPrevious:         previous,
	}
	out, st := call(t, rowAdjustPrivilegesToken, in)
	return out.PreviousState, st
}

// PrivilegeCheckIn and PrivilegeCheckOut are the parameters of NtPrivilegeCheck.
type (
	PrivilegeCheckIn struct {
		ClientToken        winnt.Handle
		RequiredPrivileges Captured[*PrivilegeSet]
	}
	PrivilegeCheckOut struct {
		RequiredPrivileges *PrivilegeSet // with USED_FOR_ACCESS set on those found
		Result             bool
	}
)

var rowPrivilegeCheck = Add(&NtTable, Entry[Services, PrivilegeCheckIn, PrivilegeCheckOut]{
	Meta: Meta{
		Name:    "NtPrivilegeCheck",
		Summary: "reports whether privileges are enabled in a token",
		Source:  "PrivilegeCheck",
		Conditions: []Condition{
			{ntstatus.AccessViolation, "T-101", "a pointer is not readable or not writable"},
			{ntstatus.NoToken, "O-15", "ClientToken is NtCurrentThreadToken and the thread is not impersonating"},
			{ntstatus.CantOpenAnonymous, "I-24",
				"ClientToken is a pseudo handle for an impersonation at SecurityAnonymous"},
			{ntstatus.InvalidHandle, "T-101", "ClientToken is not a valid handle"},
			{ntstatus.ObjectTypeMismatch, "T-101", "ClientToken is not a token"},
			{ntstatus.AccessDenied, "T-101", "ClientToken does not grant TOKEN_QUERY"},
			{ntstatus.BadImpersonationLevel, "T-101", "an impersonation token below SecurityIdentification"},
		},
	},
	Call: Services.NtPrivilegeCheck,
})

// NtPrivilegeCheck reports whether the privileges are enabled in the token.
// set.Control chooses between all of them and at least one (PrivilegeCheck).
func (t *Thread) NtPrivilegeCheck(
	client winnt.Handle, set *PrivilegeSet,
) (found *PrivilegeSet, result bool, st ntstatus.Status) {
	in := PrivilegeCheckIn{client, Cap(set)}
	out, st := call(t, rowPrivilegeCheck, in)
	return out.RequiredPrivileges, out.Result, st
}
