package token

import (
	"github.com/refmon/refmon/internal/sidset"
	"github.com/refmon/refmon/winnt"
)

// WithTypeLevel returns a copy of the token with another type and level, as NtDuplicateToken makes it. The caller
// decides whether the level is allowed (T-41 to T-43). On a primary token the level is only reported (T-54).
func (t *Token) WithTypeLevel(typ winnt.TokenType, level winnt.SecurityImpersonationLevel) *Token {
	// Everything but type and level is kept, ModifiedId included (T-49).
	n := *t
	n.typ, n.level = uint8(typ), uint8(level)
	return &n
}

// WithModifiedID returns a copy of the token with another ModifiedId.
func (t *Token) WithModifiedID(modified winnt.LUID) *Token {
	n := *t
	n.modified = modified
	return &n
}

// EffectiveOnly returns the token of a duplication with EffectiveOnly. It is without disabled groups and privileges,
// which no adjustment can bring back. The user, deny-only groups and the integrity entry stay. If the primary group or
// default owner is removed, the user replaces it. It keeps ModifiedId.
func (t *Token) EffectiveOnly() *Token {
	n := *t
	// A privilege that is not enabled is removed permanently (T-48).
	n.present = t.enabled
	n.byDefault &= t.enabled
	old := t.groups
	keep := true
	for i, a := range old.alive {
		keep = keep && a&^(old.enabled[i]|t.body.pinned[i]) == 0
	}
	if keep {
		return &n
	}
	alive := make(sidset.Bits, len(old.alive))
	for i, a := range old.alive {
		// A group that is neither enabled nor pinned is removed permanently (T-48).
		alive[i] = a & (old.enabled[i] | t.body.pinned[i])
	}
	// The removed entries matched nothing, so the bitmaps of remain valid.
	n.groups = &groups{enabled: old.enabled, alive: alive, allow: old.allow, deny: old.deny}
	// The user takes the place of a primary group that goes, unless its SID is
	// there once more (T-48).
	if !alive.Has(int(n.primary)) {
		n.primary = uint16(max(0, n.index(t.PrimaryGroup())))
	}
	// The user takes the place of a default owner that goes (T-48).
	if !alive.Has(int(n.owner)) {
		n.owner = uint16(max(0, n.ownerIndex(t.Owner())))
	}
	return &n
}
