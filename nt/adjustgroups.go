package nt

import (
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Parameters of the services that enable and disable groups and claims. A Want field means that the out pointer is
// not NULL; the length field after it is the buffer's size in bytes.
type (
	AdjustGroupsTokenIn struct {
		TokenHandle    winnt.Handle
		ResetToDefault bool
		NewState       Captured[[]token.Group]
		BufferLength   uint32 `default:"65536"`
		WantPrevious   bool   `param:"PreviousState"`
	}
	AdjustGroupsTokenOut struct {
		PreviousState []token.Group
		ReturnLength  uint32
	}

	AdjustTokenClaimsIn struct {
		TokenHandle                winnt.Handle
		UserResetToDefault         bool
		DeviceResetToDefault       bool
		DeviceGroupsResetToDefault bool
		NewUserState               Captured[[]claims.Attribute] // a claim's name, and FlagDisabled to disable it
		NewDeviceState             Captured[[]claims.Attribute]
		NewDeviceGroupsState       Captured[[]token.Group]
		UserBufferLength           uint32 `default:"65536"`
		WantPreviousUser           bool   `param:"PreviousUserState"`
		DeviceBufferLength         uint32 `default:"65536"`
		WantPreviousDevice         bool   `param:"PreviousDeviceState"`
		DeviceGroupsBufferLength   uint32 `default:"65536"`
		WantPreviousDeviceGroups   bool   `param:"PreviousDeviceGroups"`
	}
	AdjustTokenClaimsOut struct {
		PreviousUserState              []claims.Attribute
		PreviousDeviceState            []claims.Attribute
		PreviousDeviceGroups           []token.Group
		UserReturnLength               uint32
		DeviceReturnLength             uint32
		DeviceGroupsReturnBufferLength uint32
	}
)

var (
	rowAdjustGroupsToken = Add(&NtTable, Entry[Services, AdjustGroupsTokenIn, AdjustGroupsTokenOut]{
		Meta: Meta{
			Name:    "NtAdjustGroupsToken",
			Summary: "enables or disables groups of a token",
			Source:  "AdjustTokenGroups",
			Conditions: []Condition{
				{ntstatus.AccessViolation, "T-74",
					"a pointer is not readable or not writable; NewState is not read with ResetToDefault"},
				{ntstatus.InvalidHandle, "T-74", "TokenHandle is not a valid handle"},
				{ntstatus.ObjectTypeMismatch, "T-74", "TokenHandle is not a token"},
				{ntstatus.AccessDenied, "T-74",
					"TokenHandle does not grant TOKEN_ADJUST_GROUPS, or TOKEN_QUERY if the previous state is requested"},
				{ntstatus.InvalidParameter, "T-74", "NewState is NULL and ResetToDefault is FALSE"},
				{ntstatus.InvalidSID, "T-74", "NewState holds a malformed SID"},
				{ntstatus.CantDisableMandatory, "T-75",
					"a mandatory group, the user, the logon SID or the integrity entry is to be disabled; " +
						"nothing is changed"},
				{ntstatus.CantEnableDenyOnly, "T-75", "a deny-only group is to be enabled; nothing is changed"},
				{ntstatus.BufferTooSmall, "T-74",
					"BufferLength is below 8 bytes, 16 bytes per change, and their SIDs; nothing is changed"},
				{ntstatus.NotAllAssigned, "T-75", "the token does not have a listed group; the others are applied"},
			},
		},
		Call: Services.NtAdjustGroupsToken,
	})
	rowAdjustTokenClaims = Add(&NtTable, Entry[Services, AdjustTokenClaimsIn, AdjustTokenClaimsOut]{
		Meta: Meta{
			Name:    "NtAdjustTokenClaimsAndDeviceGroups",
			Summary: "enables or disables claims and device groups of a token",
			Source:  "NtAdjustTokenClaimsAndDeviceGroups, public headers; the rules are those of AdjustTokenGroups",
			Conditions: []Condition{
				{ntstatus.AccessViolation, "T-74", "a pointer is not readable or not writable"},
				{ntstatus.InvalidHandle, "T-74", "TokenHandle is not a valid handle"},
				{ntstatus.ObjectTypeMismatch, "T-74", "TokenHandle is not a token"},
				{ntstatus.AccessDenied, "T-74",
					"TokenHandle does not grant TOKEN_ADJUST_GROUPS, or TOKEN_QUERY if the previous state is requested"},
				{ntstatus.InvalidSID, "T-74", "NewDeviceGroupsState holds a malformed SID"},
				{ntstatus.CantDisableMandatory, "T-75",
					"a mandatory claim or group is to be disabled; nothing is changed"},
				{ntstatus.CantEnableDenyOnly, "T-75",
					"a deny-only claim or group is to be enabled; nothing is changed"},
				{ntstatus.BufferTooSmall, "T-74", "a buffer for a previous state is too small; nothing is changed"},
				{ntstatus.NotAllAssigned, "T-75", "the token does not have a listed claim or group; the others are applied"},
			},
		},
		Call: Services.NtAdjustTokenClaimsAndDeviceGroups,
	})
)

// NtAdjustGroupsToken enables and disables groups of a token. With previous it also returns the changed groups with
// their old attributes, which needs TOKEN_QUERY (AdjustTokenGroups). A nil state with reset FALSE is a NULL pointer.
func (t *Thread) NtAdjustGroupsToken(
	tok winnt.Handle, reset bool, state []token.Group, previous bool,
) ([]token.Group, ntstatus.Status) {
	in := AdjustGroupsTokenIn{
		TokenHandle:    tok,
		ResetToDefault: reset,
		NewState:       Cap(state),
		BufferLength:   1 << 20,
		WantPrevious:   previous,
	}
	out, st := call(t, rowAdjustGroupsToken, in)
	return out.PreviousState, st
}

// NtAdjustTokenClaimsAndDeviceGroups enables and disables claims and device groups of a token. It changes all three
// lists or none. If the token does not have a listed entry, it changes the others and returns
// STATUS_NOT_ALL_ASSIGNED.
func (t *Thread) NtAdjustTokenClaimsAndDeviceGroups(in AdjustTokenClaimsIn) (AdjustTokenClaimsOut, ntstatus.Status) {
	return call(t, rowAdjustTokenClaims, in)
}
