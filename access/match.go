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

// The order is the one in which the passes run: [query.readDACL] counts from the first to packagePass; traversePass is
// separate.
const (
	userPass       pass = iota // user and groups
	restrictedPass             // restricting SIDs
	packagePass                // package and capabilities of an AppContainer
	traversePass               // Everyone only
)

// resolve returns the SID, with its hash, for which an ACE's SID stands in this request. It replaces PRINCIPAL_SELF
// and OWNER RIGHTS, but PRINCIPAL_SELF only if the request names a principal. It returns any other SID
// unchanged, CREATOR OWNER and CREATOR GROUP included.
func (q *query) resolve(aceSID sid.SID, hash uint32) (sid.SID, uint32) {
	// The entry's hash is that of the SID in it; the replacement has its own hash.
	if replacement := Substitute(aceSID, q.r.Self, q.who.owner); replacement != aceSID {
		return replacement, replacement.Hash()
	}
	return aceSID, hash
}

// sidsOf returns the token's SIDs that ACEs are matched with in one pass: its user and groups, or its restricting
// SIDs. It returns nil for the package pass, which compares its few SIDs one by one, and for the traverse pass.
func (q *query) sidsOf(inPass pass) *sidset.Set {
	switch inPass {
	case userPass:
		return q.who.token.SIDs()
	case restrictedPass:
		return q.who.token.RestrictedDenySet() // A-92; for allow entries member ignores the SIDs that only deny
	}
	return nil
}

// counted returns which of the token's user and groups match ACEs that allow or deny (kind), as a bit for each SID.
// Allow ACEs match enabled groups. Deny ACEs also match deny-only groups.
func counted(t *token.Token, kind effect) sidset.Bits {
	if kind == deny {
		return t.DenyBits()
	}
	return t.AllowBits()
}

// member reports whether an ACE with a SID matches the token in the current pass. kind says whether the ACE allows or
// denies. The SID must have passed [query.resolve].
func (q *query) member(aceSID sid.SID, hash uint32, kind effect) bool {
	switch q.pass {
	case userPass:
		return counted(q.who.token, kind).Has(q.sids.Find(hash, aceSID))
	case restrictedPass:
		if kind == deny {
			// Restricting SIDs that a later filter dropped still deny.
			return q.sids.Find(hash, aceSID) >= 0
		}
		return q.who.token.RestrictedSet().Find(hash, aceSID) >= 0 // each as if enabled; Everyone is not implied
	}
	return q.inPackage(aceSID, hash, kind)
}

// inPackage reports whether an ACE with a SID matches an AppContainer. The SID must be its package, an enabled
// capability, or one of the two groups of all packages. For an allow ACE it returns false if the token's own groups
// match too.
func (q *query) inPackage(aceSID sid.SID, hash uint32, kind effect) bool {
	t := q.who.token
	switch {
	case aceSID == t.Package(), aceSID == sid.AllRestrictedAppPackages:
	case aceSID == sid.AllAppPackages && !t.LowPrivilege(): // not for an LPAC
	case t.CapabilityBits().Has(t.CapabilitySet().Find(hash, aceSID)):
	default:
		return false
	}
	return kind == deny || !t.AllowBits().Has(t.SIDs().Find(hash, aceSID))
}

// matches compares the SIDs of an ACE with the token. It returns matched, or the cause why the SIDs do not match. A
// compound ACE needs its client SID in the token and its server SID in the primary token.
func (q *query) matches(entry *sd.Entry, kind *aceKind) cause {
	if !kind.compound {
		s, hash := q.resolve(entry.SID, entry.Hash)
		if q.member(s, hash, kind.effect) {
			return matched
		}
		return q.whyNoMatch(s, hash, kind.effect)
	}
	x := q.dacl.acl.Extra(entry.Aux)
	// A compound entry has two SIDs; one without the second does not apply.
	if x == nil {
		return serverMissed
	}
	client, hash := q.resolve(x.Client, x.Client.Hash())
	if !q.member(client, hash, allow) {
		return q.whyNoMatch(client, hash, allow)
	}
	server, hash := q.resolve(entry.SID, entry.Hash)
	if !q.who.primary.AllowBits().Has(q.who.primary.SIDs().Find(hash, server)) {
		return serverMissed
	}
	return matched
}

// matchesEveryone reports whether an entry matches in SeFastTraverseCheck. A plain entry that allows Everyone
// all wanted rights matches. So does any deny entry, whatever its SID, object type or condition.
func (q *query) matchesEveryone(entry *sd.Entry, kind *aceKind) bool {
	return kind.effect == deny ||
		entry.Kind == sd.AccessAllowed && entry.SID == sid.Everyone && q.undecided&^q.mapping.Map(entry.Mask) == 0
}

// whyNoMatch returns why the SID of an ACE did not match in the current pass. Either the token does not have it, or it
// has it in a state that an ACE of this kind ignores.
func (q *query) whyNoMatch(aceSID sid.SID, hash uint32, kind effect) cause {
	switch {
	case q.pass == restrictedPass:
		return restrictedMissed
	case q.pass == packagePass:
		return packageMissed
	case q.sids.Find(hash, aceSID) < 0:
		return userMissed
	case kind == deny:
		return userDisabled
	}
	return userNotAllow
}

// node returns the node of the object type list on which an object ACE acts, and matched or the cause why it does not
// apply.
//   - ACE without an object type: the root
//   - request without a list: the root for a deny ACE, noTree for an allow ACE
//   - type that is not in the list: notInTree
func (q *query) node(entry *sd.Entry, kind *aceKind) (int, cause) {
	x := q.dacl.acl.Extra(entry.Aux)
	typed := x != nil && x.HasObjectType
	switch {
	case x == nil && kind.effect == allow:
		return 0, noTree
	case !typed: // the whole object
		return 0, matched
	case q.tree == nil && kind.effect == deny:
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
func (q *query) mapEntry(mask winnt.AccessMask) winnt.AccessMask {
	return q.mapping.Map(mask) &^ (winnt.MAXIMUM_ALLOWED | winnt.ACCESS_SYSTEM_SECURITY)
}
