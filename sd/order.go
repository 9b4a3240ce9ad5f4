package sd

// Ranks of canonical order (S-77): explicit denials, explicit grants, then the inherited entries, which are already
// sorted by generation. In a SACL a label comes first.
const (
	rankLabel = iota
	rankDeny
	rankDenyObject
	rankAllow
	rankAllowObject
	rankOther
	rankInherited
)

// rank returns the place of an ACE in the canonical order of a list. Entries of one rank keep their order.
func rank(a ACE) int {
	t := a.Type()
	switch {
	case t == SystemMandatoryLabel:
		return rankLabel
	case a.Flags()&Inherited != 0:
		return rankInherited
	case t.IsDeny() && t.IsObject():
		return rankDenyObject
	case t.IsDeny():
		return rankDeny
	case t.IsAllow() && t.IsObject():
		return rankAllowObject
	case t.IsAllow():
		return rankAllow
	}
	return rankOther
}

// IsCanonical reports whether the entries are in canonical order (S-77). It
// assumes that inherited entries are in order, because a list does not record
// where one generation ends. A nil list is canonical.
func IsCanonical(l *ACL) bool {
	last := rankLabel
	for _, a := range l.All() {
		r := rank(a)
		if r < last {
			return false
		}
		last = r
	}
	return true
}

// Canonicalize returns l in canonical order. Entries of one rank keep their
// order (S-77), and the list keeps its revision. If l is in order, Canonicalize
// returns l itself.
func Canonicalize(l *ACL) *ACL {
	if IsCanonical(l) {
		return l
	}
	var byRank [rankInherited + 1][]ACE
	for _, a := range l.All() {
		r := rank(a)
		byRank[r] = append(byRank[r], a)
	}
	out := make([]ACE, 0, l.Len())
	for _, s := range byRank {
		out = append(out, s...)
	}
	c, err := newACL(l.Revision(), out)
	if err != nil { // possible only if entries of unknown types fill 65534 bytes
		return l
	}
	return c
}
