package sd

import "github.com/refmon/refmon/winnt"

// Map returns a list with each entry replaced by the result of replace. It drops an entry for which replace returns
// false. The order and the revision stay the same. If nothing changes, Map returns l itself. It returns nil for a nil
// list. It fails like [NewACL] if replace makes entries longer or returns the zero ACE.
func (l *ACL) Map(replace func(ACE) (ACE, bool)) (*ACL, error) {
	same := true
	kept := make([]ACE, 0, l.Len())
	for _, a := range l.All() {
		b, keep := replace(a)
		same = same && keep && a == b
		if keep {
			kept = append(kept, b)
		}
	}
	if same {
		return l, nil
	}
	return newACL(l.Revision(), kept)
}

// MapGeneric returns the ACE with its generic rights replaced by the specific rights of a mapping. It returns the ACE
// unchanged in these cases:
//   - Only children inherit it, because its rights are mapped when a child is created (S-65).
//   - Its mask is not an access mask: a label, an attribute, a policy identifier, or an ACE of an unknown type.
//   - The mapping is nil.
func (a ACE) MapGeneric(mapping *winnt.GenericMapping) ACE {
	if a.Flags()&InheritOnly != 0 {
		return a
	}
	return (&Heir{Mapping: mapping}).effective(a, false, false)
}
