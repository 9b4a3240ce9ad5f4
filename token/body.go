package token

import (
	"strings"

	"github.com/refmon/refmon/internal/sidset"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// entries appends the token's user and groups from the spec to space, with their stored attributes. The user comes
// first. The integrity entry from Spec.Integrity comes last, and one in Spec.Groups keeps its position. integrityAt
// is its index, or 0 if there is none.
func (s *Spec) entries(space []Group) (groups []Group, integrityAt uint16) {
	groups = append(append(space, s.User), s.Groups...)
	for i := range groups {
		a := &groups[i].Attributes
		switch {
		case i == 0:
		case *a == 0:
			// A group without attributes is an ordinary one, as a restricting SID (T-143).
			*a = GroupDefault
		case *a == GroupDisabled:
			// The mark of a disabled group belongs to the spec; the token has 0 (T-143).
			*a = 0
		case *a&winnt.SE_GROUP_INTEGRITY != 0:
			integrityAt = uint16(i)
		case *a&winnt.SE_GROUP_MANDATORY != 0 && *a&winnt.SE_GROUP_USE_FOR_DENY_ONLY == 0:
			// A mandatory group is enabled, also by default (T-2).
			*a |= winnt.SE_GROUP_ENABLED | winnt.SE_GROUP_ENABLED_BY_DEFAULT
		}
	}
	// If the spec has the level as a field, the integrity entry comes last, like after a logon. One among the groups
	// keeps its position.
	if integrityAt == 0 && !s.Integrity.IsZero() {
		integrityAt = uint16(len(groups))
		groups = append(groups, Group{s.Integrity, integrityAttributes})
	}
	return groups, integrityAt
}

// fill sets the part of a token that derived tokens share, from the spec. entries is the result of Spec.entries.
// bitmaps provides the memory for the two bitmaps of that part.
func (s *Spec) fill(shared *body, entries []Group, bitmaps sidset.Bits) {
	// SIDs are copied (compact and Clone): a token lives longer than the
	// descriptor or message that its SIDs were read from.
	n, words := len(entries), len(bitmaps)/2
	*shared = body{
		set: sidset.New(compact(entries)), attrs: make([]uint32, n),
		denyOnly: bitmaps[:words:words], pinned: bitmaps[words:],
		authenticationID: s.AuthenticationID, parentTokenID: s.ParentTokenID, originatingLogon: s.OriginatingLogon,
		source: s.Source, expiration: s.ExpirationTime, elevation: s.ElevationType,
		pkg: s.Package.Clone(), lowPrivilege: s.LowPrivilege, lowBoxNumber: s.LowBoxNumber,
		capabilities: newList(withAttributes(s.Capabilities, winnt.SE_GROUP_ENABLED)),
		userClaims:   s.UserClaims, deviceClaims: s.DeviceClaims, local: s.LocalAttributes,
		device:         newList(s.DeviceGroups),
		trust:          s.TrustLevel.Clone(),
		restrictedUser: s.RestrictedUserClaims, restrictedDeviceClaims: s.RestrictedDeviceClaims,
		auditPolicy: s.AuditPolicy, isolation: s.IsolationPrefix,
	}
	for i, e := range entries {
		// Whether an entry is enabled changes with the token and not with the body:
		// the bit lives in groups.
		shared.attrs[i] = e.Attributes &^ winnt.SE_GROUP_ENABLED
	}
	// An empty list of restricting SIDs differs from no list, because it restricts
	// everything (T-63).
	shared.classify()
	if s.IsRestricted || len(s.Restricted) > 0 {
		shared.restrict(withAttributes(s.Restricted, groupForce))
	}
	// An empty list restricts the device to nothing, which no later filter may widen (T-67).
	if s.RestrictedDeviceGroups != nil {
		shared.restrictedDevice = newPresentList(withAttributes(s.RestrictedDeviceGroups, groupForce))
	}
	// Zero values of a Spec mean the documented defaults.
	if shared.expiration == 0 {
		shared.expiration = NeverExpires
	}
	if shared.elevation == 0 {
		shared.elevation = winnt.TokenElevationTypeDefault
	}
}

// classify finds the entries of the user and groups that match only deny ACEs (denyOnly), and those that an
// EffectiveOnly duplicate keeps (pinned). Both bitmaps must be empty before.
func (b *body) classify() {
	for i, a := range b.attrs {
		if a&winnt.SE_GROUP_USE_FOR_DENY_ONLY != 0 {
			b.denyOnly.Set(i)
		}
		// The user, deny-only groups and the integrity entry stay in an
		// effective-only duplicate (T-48).
		if i == 0 || a&(winnt.SE_GROUP_USE_FOR_DENY_ONLY|winnt.SE_GROUP_INTEGRITY) != 0 {
			b.pinned.Set(i)
		}
	}
}

// restrict makes gs the restricting SIDs of the token. Deny-only ones match only deny ACEs. An empty list also
// restricts the token (T-63).
func (b *body) restrict(gs []Group) {
	var keep, drop []Group
	for _, g := range gs {
		// Deny-only SIDs follow the others in one set, so that the number of allowing SIDs separates the two (T-68).
		if g.Attributes&winnt.SE_GROUP_USE_FOR_DENY_ONLY != 0 {
			drop = append(drop, g)
		} else {
			keep = append(keep, g)
		}
	}
	b.restricted = sidset.New(compact(keep))
	b.restrictedAttr = make([]uint32, len(keep))
	for i, g := range keep {
		b.restrictedAttr[i] = g.Attributes
	}
	b.restrictedDeny = b.restricted
	if drop != nil {
		b.restrictedDeny = sidset.New(compact(append(keep, drop...)))
	}
}

// withAttributes returns a copy of the groups in which each group with attributes 0 gets the default attributes. It
// returns nil for an empty list.
func withAttributes(groups []Group, defaults uint32) []Group {
	if len(groups) == 0 {
		return nil
	}
	out := make([]Group, len(groups))
	for i, g := range groups {
		if g.Attributes == 0 {
			g.Attributes = defaults
		}
		out[i] = g
	}
	return out
}

// compact returns the SIDs of gs, copied into one string. So a token does not keep the descriptor in memory from
// which its SIDs were read, and its SIDs are close together.
func compact(gs []Group) []sid.SID {
	n := 0
	for _, g := range gs {
		n += g.SID.Len()
	}
	var b strings.Builder
	b.Grow(n)
	for _, g := range gs {
		b.WriteString(g.SID.Binary())
	}
	// One string holds all of them, and each SID is a part of it.
	text := b.String()
	out := make([]sid.SID, len(gs))
	for i := range gs {
		s, size, _ := sid.DecodeString(text) // cannot fail: validate has seen each
		out[i], text = s, text[size:]
	}
	return out
}
