package claims

import (
	"sort"
	"unsafe"
)

// shortList is the longest list that is searched value by value. Longer ones
// get an order when they are decoded, so that no descriptor can make an
// evaluation quadratic.
const shortList = 16

// order is the sorted index of a long list of values of one type, for binary search. Strings are sorted without
// regard to case first and exactly second, so one order serves both comparisons.
type order struct {
	index       []uint16       // positions in ascending order of value
	data        unsafe.Pointer // the sorted list's memory; an attribute with another slice ignores the order
	uniqueFold  bool           // no two values equal, case ignored
	uniqueExact bool           // no two values equal
}

// newOrder returns a sorted index of a long list, for binary search. It returns nil for a short list, a list of
// several types, and one with more than MaxValues values.
func newOrder(v *view) *order {
	if v.n <= shortList || v.typ == 0 || v.n > MaxValues {
		return nil
	}
	o := &order{index: make([]uint16, v.n), data: v.data(), uniqueFold: true, uniqueExact: true}
	for i := range o.index {
		o.index[i] = uint16(i)
	}
	sort.Slice(o.index, func(i, j int) bool {
		return v.at(int(o.index[i])).total(v.at(int(o.index[j]))) < 0
	})
	for i := 1; i < v.n; i++ {
		x, y := v.at(int(o.index[i-1])), v.at(int(o.index[i]))
		if x.compare(y, false) == 0 {
			o.uniqueFold = false
			if x.compare(y, true) == 0 {
				o.uniqueExact = false
			}
		}
	}
	return o
}

// total compares two values for sorting: without regard to case first, then exactly. The result is negative, 0 or
// positive.
func (x elem) total(y elem) int {
	if c := x.compare(y, false); c != 0 {
		return c
	}
	return x.compare(y, true)
}

// data returns the address of the list's values, by which an order recognizes the list that it was made for.
func (v *view) data() unsafe.Pointer {
	if v.attribute {
		return v.a.data()
	}
	return unsafe.Pointer(unsafe.SliceData(v.lits))
}

// data returns the address of the attribute's first value. A cached order of values is valid only for this address.
// data returns nil for an attribute without values and for an unknown type.
func (a *Attribute) data() unsafe.Pointer {
	switch a.Type {
	case Int64:
		return unsafe.Pointer(unsafe.SliceData(a.Ints))
	case Uint64, Boolean:
		return unsafe.Pointer(unsafe.SliceData(a.Uints))
	case String:
		return unsafe.Pointer(unsafe.SliceData(a.Strings))
	case SID:
		return unsafe.Pointer(unsafe.SliceData(a.SIDs))
	case Octets:
		return unsafe.Pointer(unsafe.SliceData(a.Octets))
	}
	return nil
}

// setOrder prepares the attribute for fast look-ups: it sorts the index of a long list of values. Nothing may change
// the values afterwards.
func (a *Attribute) setOrder() {
	v := a.view()
	a.order = newOrder(&v)
}

// view returns the attribute's values as an operand of a condition.
func (a *Attribute) view() view {
	v := view{a: *a, n: a.Len(), typ: a.Type, attribute: true, sensitive: a.Flags&FlagCaseSensitive != 0}
	if o := a.order; o != nil && len(o.index) == v.n && o.data == a.data() {
		v.order = o
	}
	return v
}

// Duplicates reports whether two values are equal. It compares strings ignoring
// case, unless the attribute is case-sensitive. Like Windows, evaluation treats
// an attribute with duplicates as absent.
func (a *Attribute) Duplicates() bool {
	v := a.view()
	return v.duplicates()
}

// duplicates reports whether two values of the operand are equal. An attribute with duplicates counts as not existing
// (S-32).
func (v *view) duplicates() bool {
	if v.n < 2 {
		return false
	}
	if v.order != nil {
		if v.sensitive {
			return !v.order.uniqueExact
		}
		return !v.order.uniqueFold
	}
	for i := 1; i < v.n; i++ {
		x := v.at(i)
		for j := 0; j < i; j++ {
			if x.compare(v.at(j), v.sensitive) == 0 {
				return true
			}
		}
	}
	return false
}

// has reports whether a value of the operand equals another value, which must be comparable with all of them.
func (v *view) has(value elem, caseSensitive bool) bool {
	if v.order == nil {
		for i := 0; i < v.n; i++ {
			if v.at(i).compare(value, caseSensitive) == 0 {
				return true
			}
		}
		return false
	}
	lo, hi := 0, v.n
	for lo < hi { // the first value that is not below value
		mid := int(uint(lo+hi) >> 1)
		y := v.at(int(v.order.index[mid]))
		c := y.compare(value, false)
		if c == 0 && caseSensitive {
			c = y.compare(value, true)
		}
		if c < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo < v.n && v.at(int(v.order.index[lo])).compare(value, caseSensitive) == 0
}
