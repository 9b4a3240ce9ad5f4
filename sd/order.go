package sd

// Ranks of canonical order (S-77): explicit refusals, explicit grants, then
// whatever is inherited, which stands by generation already. In a SACL a
// label comes first.
const (
	rankLabel = iota
	rankDeny
	rankDenyObject
	rankAllow
	rankAllowObject
	rankOther
	rankInherited
)

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

// IsCanonical reports whether the entries stand in canonical order (S-77).
// Inherited entries are taken to be in order: where one generation ends is not
// recorded. A nil list is canonical.
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

// Canonicalize returns l in canonical order, entries of one rank as they stood
// (S-77). The revision is kept; l itself is returned if it is in order.
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
	if err != nil { // the list had slack up to 65534 bytes: it still fits without
		return l
	}
	return c
}
