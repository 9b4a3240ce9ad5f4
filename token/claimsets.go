package token

import (
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// RestrictedUserClaims returns the user's claims that the restricted pass of an
// access check sees: all of them, unless NtFilterTokenEx narrowed them (T-67).
func (t *Token) RestrictedUserClaims() *claims.Set {
	if t.body.restrictedUser != nil {
		return t.body.restrictedUser
	}
	return t.body.userClaims
}

// RestrictedDeviceClaims returns the device's claims that the restricted pass
// sees.
func (t *Token) RestrictedDeviceClaims() *claims.Set {
	if t.body.restrictedDeviceClaims != nil {
		return t.body.restrictedDeviceClaims
	}
	return t.body.deviceClaims
}

// AuditPolicySize is the size of a per-user audit policy, in bytes.
const AuditPolicySize = 30

// AuditPolicy returns the per-user audit policy of class 16: [AuditPolicySize]
// bytes, half a byte a subcategory. All zero where none was set.
func (t *Token) AuditPolicy() []byte {
	out := make([]byte, AuditPolicySize)
	copy(out, t.body.auditPolicy)
	return out
}

// WithAuditPolicy sets the per-user audit policy; STATUS_INVALID_PARAMETER for
// a policy of another size. ModifiedId is kept: no decision reads the policy.
func (t *Token) WithAuditPolicy(policy []byte) (*Token, ntstatus.Status) {
	if len(policy) != AuditPolicySize {
		return nil, ntstatus.InvalidParameter
	}
	return t.withBody(t.modified, func(b *body) { b.auditPolicy = string(policy) }), ntstatus.Success
}

// IsolationPrefix returns the prefix of the token's private part of the
// namespace (class 44), "" where names are not isolated.
func (t *Token) IsolationPrefix() string { return t.body.isolation }

// WithIsolationPrefix sets the prefix, "" for none. ModifiedId is kept.
func (t *Token) WithIsolationPrefix(prefix string) *Token {
	return t.withBody(t.modified, func(b *body) { b.isolation = prefix })
}

// AdjustClaims disables and enables the user's claims, or with device those of
// the device, as NtAdjustTokenClaimsAndDeviceGroups does: a change names a
// claim, and its FlagDisabled says what the claim is to be. With reset the
// changes are ignored and every claim returns to FlagDisabledByDefault.
//
// STATUS_CANT_DISABLE_MANDATORY and STATUS_CANT_ENABLE_DENY_ONLY leave
// everything as it was and return the receiver. STATUS_NOT_ALL_ASSIGNED (a
// success) means that a change names a claim the token does not have. previous
// has what changed as it was. Rules and order are those of groups (T-75).
func (t *Token) AdjustClaims(modified winnt.LUID, device, reset bool, changes []claims.Attribute) (n *Token,
	previous []claims.Attribute, status ntstatus.Status) {
	// A claim keeps its place: previous is told in the order of the set.
	set := t.body.userClaims
	if device {
		set = t.body.deviceClaims
	}
	now := make([]claims.Attribute, 0, set.Len())
	for _, a := range set.All() {
		if reset {
			resetClaim(&a)
		}
		now = append(now, a)
	}
	if reset {
		changes = nil
	}
	for _, c := range changes { // a dry run: now is a copy
		st := adjustClaim(now, c)
		switch st {
		case ntstatus.Success:
		case ntstatus.NotAllAssigned:
			status = st
		default:
			return t, nil, st
		}
	}
	for i, a := range set.All() {
		if a.Flags != now[i].Flags {
			previous = append(previous, a)
		}
	}
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

// adjustClaim applies one change to every claim of its name.
func adjustClaim(now []claims.Attribute, c claims.Attribute) ntstatus.Status {
	found := false
	for i := range now {
		a := &now[i]
		if !claims.EqualName(a.Name, c.Name) {
			continue
		}
		found = true
		switch {
		case c.Flags&claims.FlagDisabled != 0 && a.Flags&claims.FlagMandatory != 0:
			return ntstatus.CantDisableMandatory
		case c.Flags&claims.FlagDisabled != 0:
			a.Flags |= claims.FlagDisabled
		case a.Flags&claims.FlagUseForDenyOnly != 0:
			return ntstatus.CantEnableDenyOnly
		default:
			a.Flags &^= claims.FlagDisabled
		}
	}
	if !found {
		return ntstatus.NotAllAssigned
	}
	return ntstatus.Success
}

// resetClaim gives a claim its default state. Mandatory claims and those for
// deny entries only have none to return to.
func resetClaim(a *claims.Attribute) {
	if a.Flags&(claims.FlagMandatory|claims.FlagUseForDenyOnly) != 0 {
		return
	}
	a.Flags &^= claims.FlagDisabled
	if a.Flags&claims.FlagDisabledByDefault != 0 {
		a.Flags |= claims.FlagDisabled
	}
}

// AdjustDeviceGroups adjusts the groups of the device as AdjustGroups does
// those of the user.
func (t *Token) AdjustDeviceGroups(modified winnt.LUID, reset bool, changes []Group) (n *Token, previous []Group,
	status ntstatus.Status) {
	// now is a copy on which the changes are tried; an error returns the receiver,
	// so that all changes are made or none.
	old := collect(t.body.device.all)
	now := append([]Group(nil), old...)
	if reset {
		changes = nil
		for i := range now {
			resetDeviceGroup(&now[i])
		}
	}
	for _, c := range changes {
		switch st := adjustDeviceGroup(now, c); st {
		case ntstatus.Success:
		case ntstatus.NotAllAssigned:
			status = st
		default:
			return t, nil, st
		}
	}
	for i, g := range old {
		if g.Attributes != now[i].Attributes {
			previous = append(previous, g)
		}
	}
	if previous == nil {
		return t, nil, status
	}
	return t.withBody(modified, func(b *body) { b.device = newList(now) }), previous, status
}

// adjustDeviceGroup applies one change to every device group of its SID. A
// mandatory group cannot be disabled, nor one for deny entries enabled (T-75).
func adjustDeviceGroup(now []Group, c Group) ntstatus.Status {
	found := false
	for i := range now {
		g := &now[i]
		if g.SID != c.SID {
			continue
		}
		found = true
		switch {
		case c.Attributes&winnt.SE_GROUP_ENABLED == 0 && g.Attributes&winnt.SE_GROUP_MANDATORY != 0:
			return ntstatus.CantDisableMandatory
		case c.Attributes&winnt.SE_GROUP_ENABLED == 0:
			g.Attributes &^= winnt.SE_GROUP_ENABLED
		case g.Attributes&winnt.SE_GROUP_USE_FOR_DENY_ONLY != 0:
			return ntstatus.CantEnableDenyOnly
		default:
			g.Attributes |= winnt.SE_GROUP_ENABLED
		}
	}
	if !found {
		return ntstatus.NotAllAssigned
	}
	return ntstatus.Success
}

func resetDeviceGroup(g *Group) {
	if g.Attributes&(winnt.SE_GROUP_MANDATORY|winnt.SE_GROUP_USE_FOR_DENY_ONLY) != 0 {
		return
	}
	g.Attributes &^= winnt.SE_GROUP_ENABLED
	if g.Attributes&winnt.SE_GROUP_ENABLED_BY_DEFAULT != 0 {
		g.Attributes |= winnt.SE_GROUP_ENABLED
	}
}
