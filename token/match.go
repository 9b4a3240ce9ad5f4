package token

import (
	"math/bits"

	"github.com/refmon/refmon/internal/sidset"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// SIDs returns the index of the user and groups. Index 0 is the user. It also contains groups that EffectiveOnly
// removed. Their bits are clear in both bitmaps.
func (t *Token) SIDs() *sidset.Set { return t.body.set }

// ReferTo returns a token equal to t whose user and groups, if they are many, refer to the SIDs of common instead of
// having copies. So many tokens with many groups in common take less memory. The order of SIDs does not change.
func (t *Token) ReferTo(common *sidset.Set) *Token {
	set := t.body.set.In(common)
	if set == t.body.set {
		return t
	}
	n := t.withBody(t.modified, func(b *body) { b.set = set })
	groups := *t.groups // New allocates it together with the old body
	n.groups = &groups
	return n
}

// AllowBits returns a bitmap with a bit for each index of SIDs that matches allow entries. The user matches
// unless it is deny-only. A group matches if it is enabled and not deny-only. An integrity entry never matches. If
// SIDs are equal, the first one has the bits of all. The bitmap is shared and must not be changed.
func (t *Token) AllowBits() sidset.Bits { return t.groups.allow }

// DenyBits returns a bitmap with a bit for each index of SIDs that matches deny
// and audit entries: those of AllowBits and the deny-only ones. Do not
// write to the bitmap.
func (t *Token) DenyBits() sidset.Bits { return t.groups.deny }

// RestrictedSet returns the index of the restricting SIDs, each of which counts as enabled. It returns nil for
// an unrestricted token.
func (t *Token) RestrictedSet() *sidset.Set { return t.body.restricted }

// RestrictedDenySet returns the index of the SIDs that match deny entries in
// the restricted pass. These are the SIDs of RestrictedSet, followed by those
// that a later restriction removed from the list. If their deny entries no
// longer counted, a filter could widen access (T-68).
func (t *Token) RestrictedDenySet() *sidset.Set { return t.body.restrictedDeny }

// CapabilitySet returns the index of the capabilities. CapabilityBits marks the
// enabled ones.
func (t *Token) CapabilitySet() *sidset.Set { return t.body.capabilities.index() }

// CapabilityBits returns a bitmap with a bit for each enabled capability of
// CapabilitySet.
func (t *Token) CapabilityBits() sidset.Bits { return t.body.capabilities.allowBits() }

// DeviceSet returns the index of the device groups, nil for a token without them. DeviceBits and DeviceDenyBits apply
// to them.
func (t *Token) DeviceSet() *sidset.Set { return t.body.device.index() }

// DeviceBits returns a bitmap with a bit for each device group that is enabled
// and not deny-only.
func (t *Token) DeviceBits() sidset.Bits { return t.body.device.allowBits() }

// DeviceDenyBits returns a bitmap with a bit for each device group that is
// enabled or deny-only.
func (t *Token) DeviceDenyBits() sidset.Bits {
	if t.body.device == nil {
		return nil
	}
	return t.body.device.deny
}

// RestrictedDeviceSet returns the index of the restricting SIDs of the device, nil for a token without them.
func (t *Token) RestrictedDeviceSet() *sidset.Set { return t.body.restrictedDevice.index() }

// Member reports whether a SID matches allow entries, or with deny set deny entries.
func (t *Token) Member(member sid.SID, deny bool) bool {
	// The maps have no bit for -1: a SID that is not in the token counts for
	// nothing.
	i := t.body.set.Find(member.Hash(), member)
	if deny {
		return t.groups.deny.Has(i)
	}
	return t.groups.allow.Has(i)
}

// index returns the SIDs of the list. It returns nil for a nil list, which matches nothing.
func (l *list) index() *sidset.Set {
	if l == nil {
		return nil
	}
	return l.set
}

// allowBits returns a bitmap of the list's groups that match allow ACEs, nil for a nil list.
func (l *list) allowBits() sidset.Bits {
	if l == nil {
		return nil
	}
	return l.allow
}

// newList returns a list of the groups gs, prepared for matching, or nil if there are none.
func newList(gs []Group) *list {
	if len(gs) == 0 {
		return nil
	}
	return newPresentList(gs)
}

// newPresentList returns a list of the groups gs, prepared for matching. It is not nil if there are none: an empty
// list of restricting SIDs restricts everything (T-63).
func newPresentList(gs []Group) *list {
	l := &list{set: sidset.New(compact(gs)), attrs: make([]uint32, len(gs)), allow: sidset.NewBits(len(gs)),
		deny: sidset.NewBits(len(gs))}
	for i, g := range gs {
		l.attrs[i] = g.Attributes
		// The bits of entries with one SID are joined at the first of them, which the
		// matcher finds: a SID matches if any of its entries does.
		at := i
		if f := l.set.Find(g.SID.Hash(), g.SID); f >= 0 {
			at = f
		}
		switch {
		case g.Attributes&winnt.SE_GROUP_USE_FOR_DENY_ONLY != 0:
			l.deny.Set(at)
		case g.Attributes&winnt.SE_GROUP_ENABLED != 0:
			l.allow.Set(at)
			l.deny.Set(at)
		}
	}
	return l
}

// matchBits computes which of the user and groups match allow ACEs and deny ACEs, as bitmaps. enabled
// marks those that are enabled, kept those that EffectiveOnly has not removed.
func (b *body) matchBits(enabled, kept sidset.Bits, integrityAt uint16) (allow, deny sidset.Bits) {
	return b.matchBitsIn(make(sidset.Bits, 2*len(kept)), enabled, kept, integrityAt)
}

// matchBitsIn computes the bitmaps of matchBits in the memory of space, which must hold both.
func (b *body) matchBitsIn(space, enabled, kept sidset.Bits, integrityAt uint16) (allow, deny sidset.Bits) {
	w := len(kept)
	allow, deny = space[:w:w], space[w:]
	for i := range kept {
		e := enabled[i]
		if i == 0 {
			e |= 1 // T-3, A-1: the user needs no ENABLED
		}
		allow[i] = e &^ b.denyOnly[i] & kept[i]
		// A deny-only SID matches entries that deny.
		deny[i] = (e | b.denyOnly[i]) & kept[i]
	}
	// An integrity entry never matches.
	if integrityAt != 0 {
		allow.Clear(int(integrityAt))
		deny.Clear(int(integrityAt))
	}
	// A repeated SID counts by its first index, which the walk uses: one enabled entry suffices to grant, one
	// deny-only entry to refuse.
	for at, first := range b.set.Duplicates() {
		if allow.Has(at) {
			allow.Clear(at)
			allow.Set(first)
		}
		if deny.Has(at) {
			deny.Clear(at)
			deny.Set(first)
		}
	}
	return allow, deny
}

// count returns the number of bits that are set in the bitmap.
func count(b sidset.Bits) int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}
