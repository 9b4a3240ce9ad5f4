package claims

import "sort"

// upperRun maps lo, lo+step … hi to themselves plus delta.
type upperRun struct {
	lo, hi uint16
	step   uint16
	delta  int32
}

// upperUnit returns the upper-case form of one UTF-16 unit, as Windows compares strings. The table maps single units
// of Unicode 5.1 one to one, and never changes. A unit without upper case, a surrogate, or a letter of a later
// Unicode version maps to itself.
func upperUnit(unit uint16) uint16 {
	// Source and method: the mappings are Simple_Uppercase_Mapping of the Unicode Character Database
	// (unicode.ToUpper), kept where both code points have an Age of 5.1 or less (DerivedAge.txt). U+0131 and U+017F,
	// which would map into ASCII, are left out: ordinal comparison never makes such a letter equal to an ASCII
	// letter.
	if unit < 0x80 {
		if 'a' <= unit && unit <= 'z' {
			return unit - 0x20
		}
		return unit
	}
	i := sort.Search(len(upperRuns), func(i int) bool { return upperRuns[i].hi >= unit })
	if i == len(upperRuns) {
		return unit
	}
	r := &upperRuns[i]
	if unit < r.lo || (unit-r.lo)%r.step != 0 {
		return unit
	}
	return uint16(int32(unit) + r.delta)
}

// EqualName reports whether two attribute names are equal, ignoring case with
// the table for string values (S-32).
func EqualName(a, b string) bool {
	return compareStrings(a, b, false) == 0
}

// compareStrings orders two strings by UTF-16 units. It compares the upper-cased units unless caseSensitive. The
// result is negative, 0 or positive.
func compareStrings(a, b string, caseSensitive bool) int {
	i := 0
	// An ASCII character is one UTF-16 unit; units are compared in upper case
	// unless caseSensitive.
	for i < len(a) && i < len(b) && a[i]|b[i] < 0x80 {
		x, y := a[i], b[i]
		if x != y {
			if !caseSensitive {
				x, y = byte(upperUnit(uint16(x))), byte(upperUnit(uint16(y)))
			}
			if x != y {
				return int(x) - int(y)
			}
		}
		i++
	}
	u, v := units{s: a[i:]}, units{s: b[i:]}
	for {
		x, ok := u.step()
		y, more := v.step()
		switch {
		case !ok && !more:
			return 0
		case !ok:
			return -1
		case !more:
			return 1
		}
		if x != y {
			if !caseSensitive {
				x, y = upperUnit(x), upperUnit(y)
			}
			if x != y {
				return int(x) - int(y)
			}
		}
	}
}

// foldHash returns a hash of an attribute name that ignores case: it is equal for names that EqualName calls equal.
func foldHash(s string) uint32 {
	h := uint32(2166136261)
	for u := (units{s: s}); ; {
		x, ok := u.step()
		if !ok {
			return h
		}
		h = (h ^ uint32(upperUnit(x))) * 16777619
	}
}
