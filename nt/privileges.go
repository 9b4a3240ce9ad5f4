package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// AdjustPrivilegesTokenIn and AdjustPrivilegesTokenOut are the parameters of
// NtAdjustPrivilegesToken. WantPrevious stands for a PreviousState pointer
// that is not NULL; BufferLength is its size in bytes.
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
				"a pointer cannot be read or written; NewState is not read with DisableAllPrivileges"},
			{ntstatus.InvalidHandle, "T-70", "TokenHandle names no handle"},
			{ntstatus.ObjectTypeMismatch, "T-70", "TokenHandle is no token"},
			{ntstatus.AccessDenied, "T-70",
				"TokenHandle lacks TOKEN_ADJUST_PRIVILEGES, or TOKEN_QUERY where the previous state is asked for"},
			{ntstatus.BufferTooSmall, "T-70", "BufferLength is below 4 + 12 bytes a change; nothing is changed"},
			{ntstatus.NotAllAssigned, "T-71", "the token lacks a listed privilege; the others are applied"},
		},
	},
	Call: Services.NtAdjustPrivilegesToken,
})

// NtAdjustPrivilegesToken enables, disables or removes privileges; with
// previous it also returns those it changed with their old attributes, which
// needs TOKEN_QUERY (AdjustTokenPrivileges). A nil state with disableAll FALSE
// is a NULL pointer.
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
		Summary: "tells whether privileges are enabled in a token",
		Source:  "PrivilegeCheck",
		Conditions: []Condition{
			{ntstatus.AccessViolation, "T-101", "a pointer cannot be read or written"},
			{ntstatus.NoToken, "O-15", "ClientToken is NtCurrentThreadToken and the thread is not impersonating"},
			{ntstatus.CantOpenAnonymous, "I-24",
				"ClientToken is a pseudo handle for an impersonation at SecurityAnonymous"},
			{ntstatus.InvalidHandle, "T-101", "ClientToken names no handle"},
			{ntstatus.ObjectTypeMismatch, "T-101", "ClientToken is no token"},
			{ntstatus.AccessDenied, "T-101", "ClientToken lacks TOKEN_QUERY"},
			{ntstatus.BadImpersonationLevel, "T-101", "an impersonation token below SecurityIdentification"},
		},
	},
	Call: Services.NtPrivilegeCheck,
})

// NtPrivilegeCheck tells whether the privileges are enabled in the token, all
// or one of them by set.Control (PrivilegeCheck).
func (t *Thread) NtPrivilegeCheck(
	client winnt.Handle, set *PrivilegeSet,
) (found *PrivilegeSet, result bool, st ntstatus.Status) {
	in := PrivilegeCheckIn{client, Cap(set)}
	out, st := call(t, rowPrivilegeCheck, in)
	return out.RequiredPrivileges, out.Result, st
}
