package sd

import (
	"cmp"
	"slices"

	"github.com/refmon/refmon/sid"
)

// Normalize returns a list in the form that the methods of a ListEditor give it (S-82).
//   - It drops entries without effect: those with no rights, those of the other kind of list, and inherit-only ones
//     that nothing inherits.
//   - It clears flags without meaning.
//   - If the methods accept the list then, it sorts explicit entries and joins neighbours once. Any other list keeps
//     its order.
//
// nil gives nil.
func (e ListEditor) Normalize(acl *ACL) *ACL {
	if acl == nil {
		return nil
	}
	var aces []ACE
	for _, a := range acl.All() {
		if a, keep := e.trimFlags(a); keep {
			aces = append(aces, a)
		}
	}
	out, err := newACL(acl.Revision(), aces)
	if err != nil { // it cannot have become longer
		return acl
	}
	if !e.Canonical(out) {
		return out
	}
	if out, err = newACL(acl.Revision(), e.joined(sortACEs(aces))); err != nil {
		return acl
	}
	return out
}

// trimFlags returns an ACE without the flags that mean nothing on it. keep is false if the ACE has no effect in this
// kind of list. ACEs of special types have an effect, unless they are inherit-only and nothing can inherit them.
func (e ListEditor) trimFlags(ace ACE) (_ ACE, keep bool) {
	t := ace.Type()
	alarm := t == SystemAlarm || t == SystemAlarmObject || t == SystemAlarmCallback || t == SystemAlarmCallbackObject
	special := t == AccessAllowedCompound || t.Layout() == LayoutUnknown || t.IsSystem() && !t.IsAudit() && !alarm
	flags := ace.Flags()
	switch {
	case !special && (ace.Mask() == 0 || e.System != t.IsSystem() || alarm || e.System && flags&auditFlags == 0):
		return ace, false
	case !e.System:
		flags &^= auditFlags
	}
	if !e.Container || flags&(ObjectInherit|ContainerInherit) == 0 {
		if flags&InheritOnly != 0 {
			return ace, false
		}
		flags &^= inheritFlags
	}
	return ace.WithFlags(flags), true
}

// sortACEs puts the entries into the order of a ListEditor, in place, and returns them. Explicit entries come first:
// deny before allow, whole object before one object type, then by SID. Inherited entries follow in their order.
func sortACEs(aces []ACE) []ACE {
	slices.SortStableFunc(aces, func(a, b ACE) int {
		inherited := cmp.Compare(a.Flags()&Inherited, b.Flags()&Inherited)
		if inherited != 0 || a.Flags()&Inherited != 0 {
			return inherited
		}
		object := func(a ACE) int {
			if a.Type().IsObject() {
				return 1
			}
			return 0
		}
		return cmp.Or(cmp.Compare(qualifier(a), qualifier(b)), cmp.Compare(object(a), object(b)),
			compareSIDs(a.SID(), b.SID()))
	})
	return aces
}

// compareSIDs orders SIDs by authority, number of sub-authorities and their values. The result is negative, 0 or
// positive.
func compareSIDs(a, b sid.SID) int {
	order := cmp.Or(cmp.Compare(a.Authority(), b.Authority()), cmp.Compare(a.SubAuthorities(), b.SubAuthorities()))
	for i := 0; order == 0 && i < a.SubAuthorities(); i++ {
		order = cmp.Compare(a.Sub(i), b.Sub(i))
	}
	return order
}

// joined returns the list with pairs of adjacent entries replaced by one that means the same (see join). It goes
// through the list once: it does not join the result of a join again.
func (e ListEditor) joined(aces []ACE) []ACE {
	var out []ACE
	for i := 0; i < len(aces); i++ {
		a := aces[i]
		if i+1 < len(aces) {
			if both, ok := e.join(a, aces[i+1]); ok {
				a = both
				i++
			}
		}
		out = append(out, a)
	}
	return out
}

// join returns one entry with the same meaning as two explicit entries (S-84). ok
// is false if there is no such entry. It never joins entries with conditions.
func (e ListEditor) join(a, b ACE) (both ACE, ok bool) {
	if a.Type() != b.Type() || (a.Flags()|b.Flags())&Inherited != 0 ||
		a.SID() != b.SID() || a.AppData()+b.AppData() != "" || !sameObjectTypes(a, b) {
		return a, false
	}
	f, g := a.Flags(), b.Flags()
	switch {
	case f == g:
		return a.WithMask(a.Mask() | b.Mask()), true
	case a.Mask() != b.Mask():
		return a, false
	case f&inheritFlags == g&inheritFlags:
		return a.WithFlags(f | g), true
	case f&auditFlags != g&auditFlags || !e.Container:
		return a, false
	}
	flags, ok := flagsOf(placesOf(f) | placesOf(g))
	return a.WithFlags(f&^inheritFlags | flags), ok
}

// sameObjectTypes reports whether two entries have the same object types, or both none.
func sameObjectTypes(a, b ACE) bool {
	x, hasX := a.ObjectType()
	y, hasY := b.ObjectType()
	v, hasV := a.InheritedObjectType()
	w, hasW := b.InheritedObjectType()
	return x == y && hasX == hasY && v == w && hasV == hasW
}
