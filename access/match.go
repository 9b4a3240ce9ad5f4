package access

import (
	"github.com/refmon/refmon/internal/sidset"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// pass is one reading of a DACL, which matches ACEs with one group of the token's SIDs.
type pass uint8

// The order is the one in which the passes run: [query.read] counts from the first to packagePass; traversePass is
// separate.
const (
	userPass       pass = iota // user and groups
	restrictedPass             // restricting SIDs
	packagePass                // package and capabilities of an AppContainer
	traversePass               // Everyone only
)

// resolve returns the SID, with its hash, that an ACE's SID means for this request. It replaces PRINCIPAL_SELF and
// OWNER RIGHTS. It returns any other SID unchanged, CREATOR OWNER and CREATOR GROUP included, and
// PRINCIPAL_SELF too if the request names no principal.
func (q *query) resolve(s sid.SID, hash uint32) (sid.SID, uint32) {
	// The entry's hash is that of the SID in it; the replacement has its own hash.
	if stands := Substitute(s, q.r.Self, q.who.owner); stands != s {
		return stands, stands.Hash()
	}
	return s, hash
}

// sidsOf returns the token's SIDs that ACEs are matched with in pass p: its user and groups, or its restricting SIDs.
// It returns nil for the package pass, which compares its few SIDs one by one, and for the traverse pass.
func (q *query) sidsOf(p pass) *sidset.Set {
	switch p {
	case userPass:
		return q.who.token.SIDs()
	case restrictedPass:
		return q.who.token.RestrictedDenySet() // A-92; allow entries look at the part that counts, see member
	}
	return nil
}

// counted returns which of the token's user and groups match ACEs of effect f, as a bit for each SID. Allow ACEs
// match enabled groups. Deny ACEs also match deny-only groups.
func counted(t *token.Token, f effect) sidset.Bits {
	if f == deny {
		return t.DenyBits()
	}
	return t.AllowBits()
}

// member reports whether an ACE for SID s with effect f matches the token in the current pass. s must have passed
// [query.resolve].
func (q *query) member(s sid.SID, hash uint32, f effect) bool {
	switch q.pass {
	case userPass:
		return counted(q.who.token, f).Has(q.sids.Find(hash, s))
	case restrictedPass:
		if f == deny {
			// Restricting SIDs that a later filter dropped still deny.
			return q.sids.Find(hash, s) >= 0
		}
		return q.who.token.RestrictedSet().Find(hash, s) >= 0 // each as if enabled; Everyone is not implied
	}
	return q.inPackage(s, hash, f)
}

// inPackage reports whether an ACE for SID s matches an AppContainer: s is its package, an enabled capability, or one
// of the two groups of all packages. For an allow ACE it returns false if the token's own groups match too.
func (q *query) inPackage(s sid.SID, hash uint32, f effect) bool {
	t := q.who.token
	switch {
	case s == t.Package(), s == sid.AllRestrictedAppPackages:
	case s == sid.AllAppPackages && !t.LowPrivilege(): // not for an LPAC
	case t.CapabilityBits().Has(t.CapabilitySet().Find(hash, s)):
	default:
		return false
	}
	return f == deny || !t.AllowBits().Has(t.SIDs().Find(hash, s))
}

// matches compares the SIDs of ACE e with the token in the current pass. It returns matched, or the cause why they do
// not match. A compound ACE must match with its client SID in the token and its server SID in the primary token.
func (q *query) matches(e *sd.Entry, k *aceKind) cause {
	if !k.compound {
		s, hash := q.resolve(e.SID, e.Hash)
		if q.member(s, hash, k.effect) {
			return matched
		}
		return q.missed(s, hash, k.effect)
	}
	x := q.dacl.acl.Extra(e.Aux)
	// A compound entry has two SIDs; one without the second does not apply.
	if x == nil {
		return serverMissed
	}
	client, hash := q.resolve(x.Client, x.Client.Hash())
	if !q.member(client, hash, allow) {
		return q.missed(client, hash, allow)
	}
	server, hash := q.resolve(e.SID, e.Hash)
	if !q.who.primary.AllowBits().Has(q.who.primary.SIDs().Find(hash, server)) {
		return serverMissed
	}
	return matched
}

// matchesEveryone reports whether an entry matches in SeFastTraverseCheck. This
// is a plain entry that allows Everyone all wanted rights, or any deny entry,
// whatever its SID, object type or condition.
func (q *query) matchesEveryone(e *sd.Entry, k *aceKind) bool {
	return k.effect == deny ||
		e.Kind == sd.AccessAllowed && e.SID == sid.Everyone && q.undecided&^q.mapping.Map(e.Mask) == 0
}

// missed returns why SID s of an ACE did not match in the current pass: the token does not have it, or has it in a
// state that effect f ignores.
func (q *query) missed(s sid.SID, hash uint32, f effect) cause {
	switch {
	case q.pass == restrictedPass:
		return restrictedMissed
	case q.pass == packagePass:
		return packageMissed
	case q.sids.Find(hash, s) < 0:
		return userMissed
	case f == deny:
		return userDisabled
	}
	return userNotAllow
}

// node returns the node of the object type list on which an object ACE acts, and matched. An ACE without object type
// acts on the root. Without a list an allow ACE for one type grants nothing, and a deny ACE denies whatever its type
// . A type that is not in the list gives the cause notInTree.
func (q *query) node(e *sd.Entry, k *aceKind) (int, cause) {
	x := q.dacl.acl.Extra(e.Aux)
	typed := x != nil && x.HasObjectType
	switch {
	case x == nil && k.effect == allow:
		return 0, noTree
	case !typed: // the whole object
		return 0, matched
	case q.tree == nil && k.effect == deny:
		// Without a tree a denial of one type denies the object.
		return 0, matched
	case q.tree == nil:
		// Without a tree a grant of one type grants nothing.
		return 0, noTree
	}
	if n := q.tree.find(x.ObjectType); n >= 0 {
		return n, matched
	}
	// The type is not in the list, and the entry does nothing.
	return 0, notInTree
}

// mapEntry returns the rights that an ACE's mask stands for, with generic rights mapped. It removes MAXIMUM_ALLOWED
// and ACCESS_SYSTEM_SECURITY, which no ACE can grant.
func (q *query) mapEntry(m winnt.AccessMask) winnt.AccessMask {
	return q.mapping.Map(m) &^ (winnt.MAXIMUM_ALLOWED | winnt.ACCESS_SYSTEM_SECURITY)
}
