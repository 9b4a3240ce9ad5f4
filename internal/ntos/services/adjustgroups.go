package services

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// NtAdjustGroupsToken enables or disables groups, all of the list or none. With ResetToDefault it ignores the list and
// restores the default state. If the buffer is too small for the previous state, it changes nothing and returns the
// required length. Without a list and reset it is STATUS_INVALID_PARAMETER, found after the handle. Mandatory and
// deny-only groups cannot change, and an unknown group changes none.
func (c *Context) NtAdjustGroupsToken(in nt.AdjustGroupsTokenIn) (out nt.AdjustGroupsTokenOut, st ntstatus.Status) {
	// capture
	if in.ResetToDefault {
		in.NewState = nt.Captured[[]token.Group]{} // with ResetToDefault the list is ignored (T-75)
	}
	if st := c.probe("T-74", in.NewState.Status); st != ntstatus.Success {
		return out, st
	}
	// reference
	tok, st := c.referenceAdjust(in.TokenHandle, in.WantPrevious)
	if st != ntstatus.Success {
		return out, st
	}
	defer tok.Deref(ob.TagCall)
	if !in.ResetToDefault && in.NewState.V == nil && in.NewState.Status == ntstatus.Success {
		// Without reset a list is required. The call tests this only after the handle.
		return out, c.Fail("T-74", ntstatus.InvalidParameter)
	}
	for _, st := range []ntstatus.Status{in.NewState.Status, sidStatus(in.NewState.V)} {
		if st != ntstatus.Success {
			// A list that was readable and is malformed is refused after the handle.
			return out, c.Fail("T-74", st)
		}
	}
	// The list is copied, so a change by the caller during the call has no effect (O-4).
	changes := append([]token.Group(nil), in.NewState.V...)
	// decide and commit: a compare-and-swap that restarts
	tok.Update(func(old *token.Token, modified winnt.LUID) *token.Token {
		// Either all groups change or none does; mandatory and deny-only groups cannot change (T-75).
		n, previous, s := old.AdjustGroups(modified, in.ResetToDefault, changes)
		out, st = nt.AdjustGroupsTokenOut{}, s
		if in.WantPrevious && s.IsSuccess() {
			out.PreviousState, out.ReturnLength = previous, groupListSize(previous)
			if in.BufferLength < out.ReturnLength {
				out.PreviousState, st = nil, ntstatus.BufferTooSmall // a small buffer changes nothing (T-74)
				return nil
			}
		}
		return n // ModifiedId changes only with the token, and a refused list changes nothing (T-72, T-75)
	})
	return out, c.adjustedStatus(st)
}

// referenceAdjust references the token of a handle for a change of its groups or claims. With previous the handle
// must also grant TOKEN_QUERY. The caller releases the token.
func (c *Context) referenceAdjust(h winnt.Handle, previous bool) (*se.TokenObject, ntstatus.Status) {
	want := winnt.TOKEN_ADJUST_GROUPS
	if previous {
		// The previous state requires a handle with TOKEN_QUERY (T-74).
		want |= winnt.TOKEN_QUERY
	}
	tok, _, st := ob.Reference[*se.TokenObject](&c.Caller, h, want, se.TokenType)
	return tok, st
}

// adjustedStatus names for the tracer the rule that refused an adjustment of groups or claims, and returns st
// unchanged. Success has no rule.
func (c *Context) adjustedStatus(st ntstatus.Status) ntstatus.Status {
	switch st {
	case ntstatus.Success:
		return st
	case ntstatus.BufferTooSmall:
		return c.Fail("T-74", st)
	}
	return c.Fail("T-75", st)
}

// NtAdjustTokenClaimsAndDeviceGroups enables or disables claims and device groups under the rules for groups. Either
// all changes of the three lists take effect, or none. Unreadable memory is refused before the handle, a malformed list
// after it. The handle needs TOKEN_ADJUST_GROUPS, and TOKEN_QUERY for a previous state.
func (c *Context) NtAdjustTokenClaimsAndDeviceGroups(in nt.AdjustTokenClaimsIn) (out nt.AdjustTokenClaimsOut,
	st ntstatus.Status) {
	// capture
	if st := c.probe("T-74", in.NewUserState.Status, in.NewDeviceState.Status,
		in.NewDeviceGroupsState.Status); st != ntstatus.Success {
		return out, st
	}
	// reference
	tok, st := c.referenceAdjust(in.TokenHandle, in.WantPreviousUser || in.WantPreviousDevice ||
		in.WantPreviousDeviceGroups)
	if st != ntstatus.Success {
		return out, st
	}
	defer tok.Deref(ob.TagCall)
	for _, st := range []ntstatus.Status{in.NewUserState.Status, in.NewDeviceState.Status,
		in.NewDeviceGroupsState.Status, sidStatus(in.NewDeviceGroupsState.V)} {
		if st != ntstatus.Success {
			// A list that was readable and is malformed is refused after the handle.
			return out, c.Fail("T-74", st)
		}
	}
	// decide and commit
	tok.Update(func(old *token.Token, modified winnt.LUID) *token.Token {
		var n *token.Token
		n, out, st = adjustClaims(old, modified, &in)
		return n
	})
	return out, c.adjustedStatus(st)
}

// adjustClaims computes the result of NtAdjustTokenClaimsAndDeviceGroups and changes no object. n is the new token,
// and after a failure old. A buffer that is too small is STATUS_BUFFER_TOO_SMALL, with the required lengths in out.
// After success st is the last list's status other than plain success, such as STATUS_NOT_ALL_ASSIGNED.
func adjustClaims(old *token.Token, modified winnt.LUID, in *nt.AdjustTokenClaimsIn) (n *token.Token,
	out nt.AdjustTokenClaimsOut, st ntstatus.Status) {
	n, user, st1 := old.AdjustClaims(modified, false, in.UserResetToDefault, in.NewUserState.V)
	n, device, st2 := n.AdjustClaims(modified, true, in.DeviceResetToDefault, in.NewDeviceState.V)
	n, groups, st3 := n.AdjustDeviceGroups(modified, in.DeviceGroupsResetToDefault, in.NewDeviceGroupsState.V)
	for _, s := range []ntstatus.Status{st1, st2, st3} {
		if !s.IsSuccess() {
			return old, out, s // one list that is refused leaves all three unchanged (T-75)
		}
		if s != ntstatus.Success {
			st = s
		}
	}
	small := false
	if in.WantPreviousUser {
		out.UserReturnLength = attributesSize(user)
		small = small || in.UserBufferLength < out.UserReturnLength
	}
	if in.WantPreviousDevice {
		out.DeviceReturnLength = attributesSize(device)
		small = small || in.DeviceBufferLength < out.DeviceReturnLength
	}
	if in.WantPreviousDeviceGroups {
		out.DeviceGroupsReturnBufferLength = groupListSize(groups)
		small = small || in.DeviceGroupsBufferLength < out.DeviceGroupsReturnBufferLength
	}
	if small {
		// If the buffer is too small for its previous state, nothing changes and the required length is returned
		// (T-74).
		return old, out, ntstatus.BufferTooSmall
	}
	if in.WantPreviousUser {
		out.PreviousUserState = user
	}
	if in.WantPreviousDevice {
		out.PreviousDeviceState = device
	}
	if in.WantPreviousDeviceGroups {
		out.PreviousDeviceGroups = groups
	}
	return n, out, st
}
