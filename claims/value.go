package claims

import (
	"strings"
	"unsafe"
)

// elem is one value of an attribute or literal, in the form in which conditions compare it.
type elem struct {
	typ Type
	i   int64  // Int64; the bits of a Uint64; 0 or 1 of a Boolean
	s   string // String; the bytes of Octets; the binary form of a SID
}

// high classifies an integer by the range from 0 to the largest int64, for comparisons of signed with unsigned ones.
// It returns -1 below the range, 1 above (possible for a Uint64), and 0 inside.
func (x elem) high() int {
	switch {
	case x.i >= 0:
		return 0
	case x.typ == Uint64:
		return 1
	}
	return -1
}

// comparable reports whether x and y can be compared: all integers with each other, a boolean also with integers that
// are 0 or 1, and otherwise values of one type.
func (x elem) comparable(y elem) bool {
	switch x.typ {
	case Int64, Uint64:
		return y.typ == Int64 || y.typ == Uint64 || y.typ == Boolean && uint64(x.i) <= 1
	case Boolean:
		return y.typ == Boolean || (y.typ == Int64 || y.typ == Uint64) && uint64(y.i) <= 1
	}
	return x.typ == y.typ
}

// compare orders two comparable values. Integers compare as mathematical integers, octets byte by byte with
// the shorter first, and strings by compareStrings.
func (x elem) compare(other elem, caseSensitive bool) int {
	switch x.typ {
	case Int64, Uint64, Boolean:
		if h, k := x.high(), other.high(); h != k {
			return h - k
		}
		switch {
		case x.i < other.i:
			return -1
		case x.i > other.i:
			return 1
		}
		return 0
	case String:
		return compareStrings(x.s, other.s, caseSensitive)
	}
	return strings.Compare(x.s, other.s)
}

// view holds the values of an operand during evaluation: those of an attribute, or literals.
type view struct {
	a         Attribute
	lits      []literal
	order     *order // of a long list, nil otherwise
	n         int
	typ       Type // of all values; 0 if they differ or the list is empty
	attribute bool
	composite bool // a composite literal, a set even with one member
	sensitive bool // the claim asks for case-sensitive comparison
}

// at returns value i of the operand. It must exist.
func (v *view) at(i int) elem {
	if v.attribute {
		return v.a.at(i)
	}
	l := &v.lits[i]
	return elem{typ: l.typ, i: l.i, s: l.s}
}

// at returns value i of the attribute. It must exist.
func (a *Attribute) at(i int) elem {
	switch a.Type {
	case Int64:
		return elem{typ: Int64, i: a.Ints[i]}
	case Uint64, Boolean:
		return elem{typ: a.Type, i: int64(a.Uints[i])}
	case String:
		return elem{typ: String, s: a.Strings[i]}
	case SID:
		return elem{typ: SID, s: a.SIDs[i].Binary()}
	case Octets:
		// The string aliases the bytes. Callers compare it before anyone can change them.
		b := a.Octets[i]
		return elem{typ: Octets, s: unsafe.String(unsafe.SliceData(b), len(b))}
	}
	return elem{}
}
