package token

import (
	"github.com/refmon/refmon/internal/sidset"
)

// Equal implements NtCompareTokens. It reports whether both tokens get the same result in every access check that
// depends on the user, groups, restricting SIDs, privileges and AppContainer. It compares lists as sets. Type, level,
// identifiers, source, defaults and claims do not matter. It panics if only one of the tokens is nil.
func (t *Token) Equal(other *Token) bool {
	if t == other {
		return true
	}
	// Equal tokens have the same privileges and the same package, and both are
	// restricted or neither is (T-100).
	if t.present != other.present || t.enabled != other.enabled || t.body.pkg != other.body.pkg ||
		t.IsRestricted() != other.IsRestricted() {
		return false
	}
	// Two values of one token share both parts: nothing is left to compare.
	if t.body == other.body && t.groups == other.groups {
		return true
	}
	// User, groups, restricting SIDs, those for deny entries only among them, and
	// capabilities are compared as sets (T-100).
	return t.equalGroups(other) &&
		equalSets(t.body.restricted, other.body.restricted) &&
		equalSets(t.body.restrictedDeny, other.body.restrictedDeny) &&
		equalLists(t.body.capabilities, other.body.capabilities)
}

// equalGroups reports whether both tokens have the same user and groups, in any order, in the same states. It
// compares which of them match allow ACEs and deny ACEs. This covers ENABLED and USE_FOR_DENY_ONLY, also
// for a SID that occurs twice.
func (t *Token) equalGroups(o *Token) bool {
	// Equal counts and every SID of one in the other make equal sets.
	mine, others := t.held(), o.held()
	if count(mine) != count(others) {
		return false
	}
	for i := range t.body.attrs {
		if !mine.Has(i) {
			continue
		}
		s := t.body.set.At(i)
		// Has is false for -1, a SID that the other token does not have.
		j := o.body.set.Find(s.Hash(), s)
		if !others.Has(j) || t.groups.allow.Has(i) != o.groups.allow.Has(j) || t.groups.deny.Has(i) != o.groups.deny.Has(j) {
			return false
		}
	}
	return true
}

// held returns a bitmap of the user and groups that EffectiveOnly has not removed. A SID that occurs twice has one
// bit, at its first index.
func (t *Token) held() sidset.Bits {
	out := append(sidset.Bits(nil), t.groups.alive...)
	for at, first := range t.body.set.Duplicates() {
		if out.Has(at) {
			out.Clear(at)
			out.Set(first)
		}
	}
	return out
}

// equalSets reports whether both sets have the same SIDs. nil is the empty set.
func equalSets(a, b *sidset.Set) bool { return a == b || isSubset(a, b) && isSubset(b, a) }

// isSubset reports whether whole has every SID of part. nil is the empty set.
func isSubset(part, whole *sidset.Set) bool {
	for i := range part.Len() {
		s := part.At(i)
		if whole.Find(s.Hash(), s) < 0 {
			return false
		}
	}
	return true
}

// equalLists reports whether two lists of groups have the same SIDs, each enabled in both lists or in neither. Order
// and repetition do not matter. A nil list is empty.
func equalLists(a, b *list) bool {
	return containsGroups(a, b) && containsGroups(b, a)
}

// containsGroups reports whether whole has the SID of every group of part, and whether each is enabled in both lists
// or in neither.
func containsGroups(part, whole *list) bool {
	for i, g := range part.all {
		// Find gives the first of several entries with one SID; the bits of all of
		// them are joined there.
		j := whole.index().Find(g.SID.Hash(), g.SID)
		if j < 0 {
			return false
		}
		if first := part.set.Find(g.SID.Hash(), g.SID); first == i && part.allow.Has(i) != whole.allow.Has(j) {
			return false
		}
	}
	return true
}
