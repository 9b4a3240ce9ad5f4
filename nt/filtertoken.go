package nt

import (
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Parameters of NtFilterToken and NtFilterTokenEx. Every list is optional;
// attributes in SidsToDisable and PrivilegesToDelete are not looked at.
type (
	FilterTokenIn struct {
		ExistingTokenHandle winnt.Handle
		Flags               uint32                  // DISABLE_MAX_PRIVILEGE, SANDBOX_INERT, LUA_TOKEN, WRITE_RESTRICTED
		SIDsToDisable       Captured[[]token.Group] `param:"SidsToDisable"`
		PrivilegesToDelete  Captured[[]LUIDAndAttributes]
		RestrictedSIDs      Captured[[]token.Group] `param:"RestrictedSids"`
	}
	FilterTokenExIn struct {
		ExistingTokenHandle        winnt.Handle
		Flags                      uint32
		SIDsToDisable              Captured[[]token.Group] `param:"SidsToDisable"`
		PrivilegesToDelete         Captured[[]LUIDAndAttributes]
		RestrictedSIDs             Captured[[]token.Group]      `param:"RestrictedSids"`
		UserClaimsToDisable        Captured[[]string]           // names
		DeviceClaimsToDisable      Captured[[]string]           // names
		DeviceGroupsToDisable      Captured[[]token.Group]      // attributes are not looked at
		RestrictedUserAttributes   Captured[[]claims.Attribute] // names count
		RestrictedDeviceAttributes Captured[[]claims.Attribute] // names count
		RestrictedDeviceGroups     Captured[[]token.Group]
	}
	FilterTokenOut struct{ NewTokenHandle winnt.Handle }

	CompareTokensIn struct {
		FirstTokenHandle  winnt.Handle
		SecondTokenHandle winnt.Handle
		// FaultEqual is the status of probing Equal.
		FaultEqual ntstatus.Status `param:"-"`
	}
	CompareTokensOut struct{ Equal bool }
)

// filterTokenConditions are the conditions, for the table of services, of NtFilterToken and NtFilterTokenEx.
var filterTokenConditions = []Condition{
	{ntstatus.AccessViolation, "T-60", "NewTokenHandle is not writable, or a list is not readable"},
	{ntstatus.InvalidParameter, "T-60", "Flags outside 0xF"},
	{ntstatus.InvalidHandle, "T-60", "ExistingTokenHandle is not a valid handle"},
	{ntstatus.ObjectTypeMismatch, "T-60", "ExistingTokenHandle is not a token"},
	{ntstatus.AccessDenied, "T-60", "ExistingTokenHandle does not grant TOKEN_DUPLICATE"},
	{ntstatus.InvalidSID, "T-60", "a list holds a malformed SID"},
	{ntstatus.InvalidParameter, "T-63", "a restricting SID has attributes"},
	{ntstatus.InsufficientResources, "O-81", "not enough memory"},
}

var (
	rowFilterToken = Add(&NtTable, Entry[Services, FilterTokenIn, FilterTokenOut]{
		Meta: Meta{
			Name:       "NtFilterToken",
			Summary:    "creates a restricted copy of a token",
			Source:     "CreateRestrictedToken; SeFilterToken",
			Conditions: filterTokenConditions,
		},
		Call: Services.NtFilterToken,
	})
	rowFilterTokenEx = Add(&NtTable, Entry[Services, FilterTokenExIn, FilterTokenOut]{
		Meta: Meta{
			Name:       "NtFilterTokenEx",
			Summary:    "creates a restricted copy of a token, with restricted claims and device groups",
			Source:     "NtFilterTokenEx, public headers",
			Conditions: filterTokenConditions,
		},
		Call: Services.NtFilterTokenEx,
	})
	rowCompareTokens = Add(&NtTable, Entry[Services, CompareTokensIn, CompareTokensOut]{
		Meta: Meta{
			Name:    "NtCompareTokens",
			Summary: "reports whether two tokens are equal in access checks",
			Conditions: []Condition{
				{ntstatus.AccessViolation, "T-100", "Equal is not writable"},
				{ntstatus.InvalidHandle, "T-100", "a handle is not valid; the first one decides"},
				{ntstatus.ObjectTypeMismatch, "T-100", "a handle is not a token"},
				{ntstatus.AccessDenied, "T-100", "a handle does not grant TOKEN_QUERY"},
				{ntstatus.NoToken, "O-15", "NtCurrentThreadToken of a thread that does not impersonate"},
				{ntstatus.CantOpenAnonymous, "I-24",
					"NtCurrentThreadToken or NtCurrentEffectiveToken at SecurityAnonymous"},
			},
		},
		Call: Services.NtCompareTokens,
	})
)

// NtFilterToken creates a restricted version of a token (CreateRestrictedToken). The new handle has the rights of the
// existing one. A nil list is an empty list. The handle is 0 unless the status is a success.
func (t *Thread) NtFilterToken(
	existing winnt.Handle, flags uint32, disable []sid.SID, remove []winnt.Privilege, restrict []sid.SID,
) (winnt.Handle, ntstatus.Status) {
	in := FilterTokenIn{
		ExistingTokenHandle: existing,
		Flags:               flags,
		SIDsToDisable:       Cap(groupsOf(disable)),
		RestrictedSIDs:      Cap(groupsOf(restrict)),
	}
	for _, p := range remove {
		in.PrivilegesToDelete.V = append(in.PrivilegesToDelete.V, LUIDAndAttributes{LUID: p.LUID()})
	}
	out, st := call(t, rowFilterToken, in)
	return out.NewTokenHandle, st
}

// groupsOf returns the SIDs as groups without attributes, nil for an empty list.
func groupsOf(sids []sid.SID) []token.Group {
	var out []token.Group
	for _, s := range sids {
		out = append(out, token.Group{SID: s})
	}
	return out
}

// NtFilterTokenEx works like NtFilterToken, with claims and device groups.
func (t *Thread) NtFilterTokenEx(in FilterTokenExIn) (winnt.Handle, ntstatus.Status) {
	out, st := call(t, rowFilterTokenEx, in)
	return out.NewTokenHandle, st
}

// NtCompareTokens reports whether access checks give two tokens the same results. Both handles need TOKEN_QUERY.
func (t *Thread) NtCompareTokens(first, second winnt.Handle) (equal bool, st ntstatus.Status) {
	in := CompareTokensIn{FirstTokenHandle: first, SecondTokenHandle: second}
	out, st := call(t, rowCompareTokens, in)
	return out.Equal, st
}
