package directory

import (
	"bytes"
	"slices"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// equalBy reports whether two lists have the same length and equal elements.
func equalBy[T any](a, b []T, equal func(a, b *T) bool) bool {
	for i := range min(len(a), len(b)) {
		if !equal(&a[i], &b[i]) {
			return false
		}
	}
	return len(a) == len(b)
}

// sameIdentity reports whether two groups have the same name and ids.
func (g *Group) sameIdentity(o *Group) bool {
	return g.Name == o.Name && g.SID == o.SID && g.GID == o.GID
}

// sameIdentity reports whether two users are equal in all fields that a userTable uses.
func (u *User) sameIdentity(o *User) bool {
	return u.Name == o.Name && u.SID == o.SID && u.UID == o.UID && u.Primary == o.Primary
}

// sameToken reports whether two users get the same token as long as the memberships of their groups do not change. It
// does not compare names, and Disabled, which is in no token.
func (u *User) sameToken(o *User) bool {
	return u.SID == o.SID && sameSIDs(u.MemberOf, o.MemberOf) && u.Primary == o.Primary && u.UID == o.UID &&
		u.GID == o.GID && sameClaims(u.Claims, o.Claims)
}

// sameSIDs reports whether two lists have the same SIDs in the same order. It is fast for lists that share memory, as
// unchanged lists usually do.
func sameSIDs(a, b []sid.SID) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0] || slices.Equal(a, b))
}

// sameClaims reports whether two sets have equal attributes in the same order. A nil set differs from every other
// set, even from an empty one.
func sameClaims(a, b *claims.Set) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil || a.Len() != b.Len() {
		return false
	}
	var left [][]byte
	for _, x := range a.All() {
		left = append(left, x.Append(nil))
	}
	for i, x := range b.All() {
		if !bytes.Equal(left[i], x.Append(nil)) {
			return false
		}
	}
	return true
}

// groupSet is a set of groups by SID, with the hash of each SID for fast searches in tokens.
type groupSet map[sid.SID]uint32 // their hashes

// changedGroups returns the SIDs of groups that are in only one of the lists, or whose gid or memberships differ, and
// the SIDs of their gids. It leaves out a former gid: tokens that have its SID have the group's, too. A changed name or
// order is no change.
func changedGroups(was, is []Group) groupSet {
	changed := groupSet{}
	add := func(g *Group) {
		changed[g.SID] = g.SID.Hash()
		if posix := g.posix(); !posix.IsZero() {
			changed[posix] = posix.Hash()
		}
	}
	same := func(a, b *Group) bool { return a.SID == b.SID && a.GID == b.GID && sameSIDs(a.MemberOf, b.MemberOf) }
	var old map[sid.SID]*Group // by SID; nil while both lists have the same groups at the same index
	for i := range is {
		var before *Group
		switch {
		case old == nil && i < len(was) && was[i].SID == is[i].SID:
			before = &was[i]
		default:
			if old == nil {
				old = make(map[sid.SID]*Group, len(was)-min(i, len(was)))
				for j := i; j < len(was); j++ {
					old[was[j].SID] = &was[j]
				}
			}
			before = old[is[i].SID]
			delete(old, is[i].SID)
		}
		if before == nil || !same(before, &is[i]) {
			add(&is[i])
		}
	}
	for _, g := range old {
		add(g)
	}
	if old == nil {
		for i := len(is); i < len(was); i++ {
			add(&was[i])
		}
	}
	return changed
}

// within reports whether a token is in one of the groups, so that a change of these groups can change the token.
// Attributes of the groups are ignored. It is false for an empty set.
func (c groupSet) within(t *token.Token) bool {
	set := t.SIDs()
	if len(c) < set.Len() {
		for s, hash := range c {
			if set.Find(hash, s) >= 0 {
				return true
			}
		}
		return false
	}
	for i := range set.Len() {
		if _, in := c[set.At(i)]; in {
			return true
		}
	}
	return false
}
