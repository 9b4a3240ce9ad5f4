package token

import (
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// entryState is the part of a group's or claim's attributes that decides whether it can be enabled or disabled. The
// flags of claims say "disabled", and those of groups "enabled". This type has one form for both.
type entryState struct {
	enabled, byDefault  bool
	mandatory, denyOnly bool
}

// adjust returns the enabled bit of a group or claim after a request to enable or disable it. If the request is not
// allowed, it returns the present bit and the status: a mandatory entry cannot be disabled, a deny-only one not
// enabled.
func (s entryState) adjust(enable bool) (bool, ntstatus.Status) {
	switch {
	// A mandatory entry cannot be disabled. Otherwise the token's holder could switch off a group that denies (T-75).
	case !enable && s.mandatory:
		return s.enabled, ntstatus.CantDisableMandatory
	// A deny-only entry cannot be enabled: a filter made it so that it no longer grants (T-75).
	case enable && s.denyOnly:
		return s.enabled, ntstatus.CantEnableDenyOnly
	}
	return enable, ntstatus.Success
}

// reset returns the enabled bit of a group or claim after ResetToDefault: the default. A mandatory or deny-only entry
// keeps its present bit.
func (s entryState) reset() bool {
	// A reset skips the entries that no adjustment may change (T-75).
	if s.mandatory || s.denyOnly {
		return s.enabled
	}
	return s.byDefault
}

// adjustable is a list of a token's groups or claims that adjustments can enable and disable. Its functions hide
// which of the two they are.
type adjustable[E any] struct {
	list   []E // of the token: it is shared, and never written to
	state  func(E) entryState
	with   func(E, bool) E     // the entry, enabled or disabled
	same   func(E, E) bool     // whether a change names the entry
	enable func(change E) bool // whether a change asks to enable
}

// adjust returns a copy of the list with entries enabled or disabled by the changes (T-75). With reset it resets
// every entry and ignores the changes. previous has the old state of each changed entry.
//   - A change that is not allowed: both lists are nil, and the status says why.
//   - A change of a missing entry: NotAllAssigned, and the remaining changes apply.
func (a adjustable[E]) adjust(reset bool, changes []E) (adjusted, previous []E, status ntstatus.Status) {
	adjusted = append([]E(nil), a.list...)
	if reset {
		changes = nil
		for i, e := range adjusted {
			adjusted[i] = a.with(e, a.state(e).reset())
		}
	}
	for _, c := range changes {
		found := false
		for i, e := range adjusted {
			// Every entry of the name changes: a list may have two of one SID.
			if !a.same(e, c) {
				continue
			}
			found = true
			on, st := a.state(e).adjust(a.enable(c))
			if st != ntstatus.Success {
				return nil, nil, st
			}
			adjusted[i] = a.with(e, on)
		}
		// A change of an entry that the token does not have is reported; the others are applied (T-75).
		if !found {
			status = ntstatus.NotAllAssigned
		}
	}
	for i, e := range a.list {
		if a.state(e).enabled != a.state(adjusted[i]).enabled {
			previous = append(previous, e)
		}
	}
	return adjusted, previous, status
}

// AdjustClaims disables and enables the user's claims, or with device those of the device, as
// NtAdjustTokenClaimsAndDeviceGroups does. A change names a claim, and its FlagDisabled is the new state of the claim.
// With reset AdjustClaims ignores the changes and returns every claim to FlagDisabledByDefault. previous has the old
// state of the changed claims. Rules and order are those of groups (T-75). The statuses are:
//   - STATUS_SUCCESS if all changes were applied
//   - STATUS_NOT_ALL_ASSIGNED (a success) if a change names a claim that the token does not have
//   - STATUS_CANT_DISABLE_MANDATORY and STATUS_CANT_ENABLE_DENY_ONLY for a change that is not allowed. AdjustClaims
//     then changes nothing and returns the receiver.
func (t *Token) AdjustClaims(modified winnt.LUID, device, reset bool, changes []claims.Attribute) (after *Token,
	previous []claims.Attribute, status ntstatus.Status) {
	// A claim keeps its position: previous has the order of the set.
	set := t.body.userClaims
	if device {
		set = t.body.deviceClaims
	}
	list := adjustable[claims.Attribute]{list: collect(set.All()), state: claimState, with: withClaimEnabled,
		same:   func(a, c claims.Attribute) bool { return claims.EqualName(a.Name, c.Name) },
		enable: func(c claims.Attribute) bool { return c.Flags&claims.FlagDisabled == 0 }}
	now, previous, status := list.adjust(reset, changes)
	if previous == nil {
		return t, nil, status
	}
	changed, err := claims.NewSet(now)
	if err != nil {
		return t, nil, ntstatus.InvalidParameter
	}
	return t.withBody(modified, func(b *body) {
		if device {
			b.deviceClaims = changed
		} else {
			b.userClaims = changed
		}
	}), previous, status
}

// claimState returns the state of a claim that its flags represent.
func claimState(a claims.Attribute) entryState {
	return entryState{a.Flags&claims.FlagDisabled == 0, a.Flags&claims.FlagDisabledByDefault == 0,
		a.Flags&claims.FlagMandatory != 0, a.Flags&claims.FlagUseForDenyOnly != 0}
}

// withClaimEnabled returns a copy of a claim that is enabled or disabled.
func withClaimEnabled(claim claims.Attribute, enabled bool) claims.Attribute {
	claim.Flags &^= claims.FlagDisabled
	if !enabled {
		claim.Flags |= claims.FlagDisabled
	}
	return claim
}

// AdjustDeviceGroups is like [Token.AdjustGroups], for the groups of the device.
func (t *Token) AdjustDeviceGroups(modified winnt.LUID, reset bool, changes []Group) (after *Token, previous []Group,
	status ntstatus.Status) {
	list := adjustable[Group]{list: collect(t.body.device.all), state: groupState, with: withGroupEnabled,
		same:   func(g, c Group) bool { return g.SID == c.SID },
		enable: func(c Group) bool { return c.Attributes&winnt.SE_GROUP_ENABLED != 0 }}
	now, previous, status := list.adjust(reset, changes)
	if previous == nil {
		return t, nil, status
	}
	return t.withBody(modified, func(b *body) { b.device = newList(now) }), previous, status
}

// groupState returns the state of a group that its attributes represent.
func groupState(g Group) entryState {
	a := g.Attributes
	return entryState{a&winnt.SE_GROUP_ENABLED != 0, a&winnt.SE_GROUP_ENABLED_BY_DEFAULT != 0,
		a&winnt.SE_GROUP_MANDATORY != 0, a&winnt.SE_GROUP_USE_FOR_DENY_ONLY != 0}
}

// withGroupEnabled returns a copy of a group that is enabled or disabled.
func withGroupEnabled(group Group, enabled bool) Group {
	group.Attributes &^= winnt.SE_GROUP_ENABLED
	if enabled {
		group.Attributes |= winnt.SE_GROUP_ENABLED
	}
	return group
}
