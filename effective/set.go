package effective

import (
	"iter"
	"math/bits"
)

// Set is a set of principals. Bit i%64 of word i/64 represents principal i in the order of [Compile]. The zero value
// is empty.
type Set []uint64

// newSet returns an empty set for the numbers below n.
func newSet(n int) Set { return make(Set, (n+63)/64) }

// Has reports whether principal i is in the set. It is false for i beyond the
// words of the set.
func (s Set) Has(i int) bool {
	w := uint(i) / 64
	return w < uint(len(s)) && s[w]>>(uint(i)%64)&1 != 0
}

// Count returns the number of principals in the set.
func (s Set) Count() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// All yields the principals in ascending order.
func (s Set) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, w := range s {
			for ; w != 0; w &= w - 1 {
				if !yield(i*64 + bits.TrailingZeros64(w)) {
					return
				}
			}
		}
	}
}

// Equal reports whether both sets have the same principals. Words beyond the end of a set count as empty. nil equals
// every empty set. The lengths may differ.
func (s Set) Equal(o Set) bool {
	if len(s) < len(o) {
		s, o = o, s
	}
	for i, w := range s {
		if i < len(o) && w != o[i] || i >= len(o) && w != 0 {
			return false
		}
	}
	return true
}

// add adds i, which must be below the size of the set.
func (s Set) add(i int) { s[uint(i)/64] |= 1 << (uint(i) % 64) }

// empty reports whether the set has no element.
func (s Set) empty() bool {
	for _, w := range s {
		if w != 0 {
			return false
		}
	}
	return true
}

// fill puts the first n principals into the set. s must have just the words for n. Others leave the set.
func (s Set) fill(n int) {
	for i := range s {
		s[i] = ^uint64(0)
	}
	if n%64 != 0 {
		s[len(s)-1] = 1<<(uint(n)%64) - 1
	}
}

// The following expect sets of one length.

// or adds the elements of o, which must not be shorter.
func (s Set) or(o Set) {
	o = o[:len(s)]
	for i := range s {
		s[i] |= o[i]
	}
}

// and removes the elements that o does not have. o must not be shorter.
func (s Set) and(o Set) {
	o = o[:len(s)]
	for i := range s {
		s[i] &= o[i]
	}
}

// andNot removes the elements of o, which must not be shorter.
func (s Set) andNot(o Set) {
	o = o[:len(s)]
	for i := range s {
		s[i] &^= o[i]
	}
}
