package services

import (
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// filterFlags are the flags of NtFilterToken.
const filterFlags = winnt.DISABLE_MAX_PRIVILEGE | winnt.SANDBOX_INERT | winnt.LUA_TOKEN | winnt.WRITE_RESTRICTED

// NtFilterToken creates a restricted version of a token and opens it with the rights of the existing handle.
func (c *Context) NtFilterToken(in nt.FilterTokenIn) (nt.FilterTokenOut, ntstatus.Status) {
	return c.filterToken(&nt.FilterTokenExIn{ExistingTokenHandle: in.ExistingTokenHandle, Flags: in.Flags,
		SIDsToDisable: in.SIDsToDisable, PrivilegesToDelete: in.PrivilegesToDelete, RestrictedSIDs: in.RestrictedSIDs})
}

// NtFilterTokenEx filters like NtFilterToken, and also filters claims and device
// groups (T-67).
func (c *Context) NtFilterTokenEx(in nt.FilterTokenExIn) (nt.FilterTokenOut, ntstatus.Status) {
	return c.filterToken(&in)
}

// filterToken creates a restricted token and a handle to it, for NtFilterToken and NtFilterTokenEx. The new handle
// has the rights of the existing one, which must grant TOKEN_DUPLICATE. Failures come in this order: unreadable
// lists, flags, handle, malformed lists (T-60). Unknown flags are STATUS_INVALID_PARAMETER. After a failure no token
// exists.
func (c *Context) filterToken(in *nt.FilterTokenExIn) (out nt.FilterTokenOut, st ntstatus.Status) {
	// capture
	if st := c.probe("T-60", listStatuses(in)...); st != ntstatus.Success {
		return out, st
	}
	if in.Flags&^filterFlags != 0 {
		// Only the documented flags are taken.
		return out, c.Fail("T-60", ntstatus.InvalidParameter)
	}
	// reference
	// The existing handle must grant the right to duplicate, and is checked after the flags (T-60).
	existing, info, st := ob.Reference[*se.TokenObject](&c.Caller, in.ExistingTokenHandle, winnt.TOKEN_DUPLICATE,
		se.TokenType)
	if st != ntstatus.Success {
		return out, st
	}
	defer existing.Deref(ob.TagCall)
	if st := c.checkLists(in); st != ntstatus.Success { // the lists are checked after the handle (T-60)
		return out, st
	}
	// decide
	tok, st := c.filtered(existing, in)
	if st != ntstatus.Success {
		return out, st
	}
	defer tok.Deref(ob.TagCall)
	// commit
	out.NewTokenHandle, st = c.insertNew(tok, info.Access, 0) // the new handle has the rights of the old (T-60)
	return out, st
}

// listStatuses returns the capture statuses of all lists of NtFilterTokenEx, for the check that none is unreadable.
func listStatuses(in *nt.FilterTokenExIn) []ntstatus.Status {
	return []ntstatus.Status{in.SIDsToDisable.Status, in.PrivilegesToDelete.Status, in.RestrictedSIDs.Status,
		in.UserClaimsToDisable.Status, in.DeviceClaimsToDisable.Status, in.DeviceGroupsToDisable.Status,
		in.RestrictedUserAttributes.Status, in.RestrictedDeviceAttributes.Status, in.RestrictedDeviceGroups.Status}
}

// checkLists checks the lists of NtFilterTokenEx, because ignoring a bad list would leave its rights in the token. It
// returns the status of the first unreadable list, or else STATUS_INVALID_SID for a zero SID.
func (c *Context) checkLists(in *nt.FilterTokenExIn) ntstatus.Status {
	all := append(listStatuses(in), sidStatus(in.SIDsToDisable.V), sidStatus(in.RestrictedSIDs.V),
		sidStatus(in.DeviceGroupsToDisable.V), sidStatus(in.RestrictedDeviceGroups.V))
	for _, st := range all {
		if st != ntstatus.Success {
			// A list that cannot be captured is refused after the handle.
			return c.Fail("T-60", st)
		}
	}
	return ntstatus.Success
}

// filtered creates the restricted token of NtFilterToken from an existing one. The caller must release its reference. A
// restricting SID with attributes is STATUS_INVALID_PARAMETER. On failure it returns nil.
func (c *Context) filtered(existing *se.TokenObject, in *nt.FilterTokenExIn) (*se.TokenObject, ntstatus.Status) {
	spec := filterSpec(in)
	// The filtered token names its origin as parent (T-64).
	spec.ParentTokenID, spec.ModifiedID = existing.ID(), c.Sys.Security.AllocateLUID()
	// SIDs turn to deny only, privileges go, restricting SIDs come, and a limited token is made (T-61, T-62,
	// T-63, T-65).
	value, st := existing.Value().Filter(spec)
	if st != ntstatus.Success {
		// Restricting SIDs come without attributes.
		return nil, c.Fail("T-63", st)
	}
	if c.Sys.Fault("se: filter token") {
		return nil, c.Fail("O-81", ntstatus.InsufficientResources)
	}
	return c.Sys.Security.NewFiltered(existing, value, c.defaultTokenDescriptor()), ntstatus.Success
}

// FilterObject implements SeFilterToken: NtFilterToken without handles. The caller owns a reference on the result.
// With a failure it returns nil.
func (c *Context) FilterObject(existing *se.TokenObject, in nt.FilterTokenExIn) (*se.TokenObject, ntstatus.Status) {
	if in.Flags&^filterFlags != 0 {
		// Only the documented flags are taken.
		return nil, c.Fail("T-60", ntstatus.InvalidParameter)
	}
	if st := c.checkLists(&in); st != ntstatus.Success {
		return nil, st
	}
	return c.filtered(existing, &in)
}

// filterSpec converts the parameters of NtFilterTokenEx to a filter for token.Token.Filter. It ignores privileges that
// do not exist (T-62).
func filterSpec(in *nt.FilterTokenExIn) token.FilterSpec {
	f := token.FilterSpec{Flags: in.Flags, Disable: sidsOf(in.SIDsToDisable.V), Restrict: in.RestrictedSIDs.V,
		DisableUserClaims: in.UserClaimsToDisable.V, DisableDeviceClaims: in.DeviceClaimsToDisable.V,
		DisableDevice: sidsOf(in.DeviceGroupsToDisable.V), RestrictDevice: in.RestrictedDeviceGroups.V,
		RestrictUserClaims:   namesOf(in.RestrictedUserAttributes.V),
		RestrictDeviceClaims: namesOf(in.RestrictedDeviceAttributes.V)}
	for _, p := range in.PrivilegesToDelete.V {
		// A privilege that does not exist is skipped (T-62).
		if v := winnt.Privilege(p.LUID); p.LUID <= winnt.LUID(winnt.LastPrivilege) && v.Valid() {
			f.Delete |= v.Bit()
		}
	}
	return f
}

// sidsOf returns the SIDs of groups, nil for an empty list.
func sidsOf(gs []token.Group) []sid.SID {
	var out []sid.SID
	for _, g := range gs {
		out = append(out, g.SID)
	}
	return out
}

// namesOf returns the names of a list of claims; nil for a nil list.
func namesOf(list []claims.Attribute) []string {
	if list == nil {
		return nil
	}
	out := make([]string, 0, len(list))
	for _, a := range list {
		out = append(out, a.Name)
	}
	return out
}

// NtCompareTokens reports whether two tokens are equivalent for access checks: the same token, or equal SIDs and
// privileges. Both handles must grant TOKEN_QUERY. A fault of the output precedes the handles. Different tokens are no
// error.
func (c *Context) NtCompareTokens(in nt.CompareTokensIn) (out nt.CompareTokensOut, st ntstatus.Status) {
	// capture
	if in.FaultEqual != ntstatus.Success {
		// The output is tried before the handles.
		return out, c.Fail("T-100", in.FaultEqual)
	}
	// reference
	// Both tokens are named by handles that may query, pseudo handles included (T-100, O-15).
	first, st := c.referenceToken(in.FirstTokenHandle, winnt.TOKEN_QUERY)
	if st != ntstatus.Success {
		return out, st
	}
	defer first.Deref(ob.TagCall)
	second, st := c.referenceToken(in.SecondTokenHandle, winnt.TOKEN_QUERY)
	if st != ntstatus.Success {
		return out, st
	}
	defer second.Deref(ob.TagCall)
	// decide
	// A token equals itself, and a token whose SIDs and privileges are enabled in the same way (T-100).
	out.Equal = first == second || first.Value().Equal(second.Value())
	return out, ntstatus.Success
}
