package sd

import "github.com/refmon/refmon/winnt"

// Map returns a list with each entry replaced by the result of f. It drops an entry for which f returns false. The
// order and the revision stay the same. If nothing changes, Map returns l itself. It returns nil for a nil list. It
// fails like [NewACL] if f makes entries longer or returns the zero ACE.
func (l *ACL) Map(f func(ACE) (ACE, bool)) (*ACL, error) {
	same := true
	kept := make([]ACE, 0, l.Len())
	for _, a := range l.All() {
		b, keep := f(a)
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

// MapGeneric returns the ACE with its generic rights replaced by the specific rights that m has for them. An ACE that
// only children inherit keeps them, because they are mapped when a child is created (S-65). An ACE whose mask is not
// an access mask also keeps them: a label, an attribute, a policy identifier, or an ACE of an unknown type. A nil m
// changes nothing.
func (a ACE) MapGeneric(m *winnt.GenericMapping) ACE {
	if a.Flags()&InheritOnly != 0 {
		return a
	}
	return (&Heir{Mapping: m}).effective(a, false, false)
}
