// Package sidset finds a SID in a set with one hash lookup. Tokens use it for the user and groups, the restricting
// SIDs, the capabilities and the device groups.
//
// A [Set] is an immutable open-addressing table over a list of SIDs. Every
// slot has one tag byte, 0 when the slot is empty; at most a quarter of the
// slots are in use, so three quarters of the SIDs that are not in the list are
// answered by reading one byte. [Set.Find] is small enough that this first
// look is inlined at its caller. [Bits] holds one bit for each SID of a list.
//
//	s := sidset.New([]sid.SID{user, users, everyone})
//	i := s.Find(x.Hash(), x) // 0, 1, 2 or -1
//
// The hash is keyed by content and is not a secret: SIDs chosen to collide make
// a table slow, never wrong, since every hit compares the bytes.
//
// Guards: a Set is immutable; any goroutine may read it.
package sidset

import (
	"iter"
	"math/bits"
	"unsafe"

	"github.com/refmon/refmon/sid"
)

// Set is the index of a list of SIDs, made by New. A nil Set holds none; the
// zero value is of no use.
type Set struct {
	tags  []uint8  // immutable; one a slot, 0 for an empty one
	shift uint8    // immutable; 32 less the binary logarithm of len(tags)
	slots []uint32 // immutable; index into sids, parallel to tags
	sids  []sid.SID
	dups  []dup // immutable; nearly always empty
	index Index // immutable
	ref   *refs // immutable; nil: sids has the list, and tags and slots are its table
}

// dup says that the SID at index at is equal to the earlier one at first.
type dup struct{ at, first uint32 }

// minSlots keeps shift below 32 for the smallest table.
const minSlots = 8

// New indexes sids; the Set keeps the slice, which must not be written to
// afterwards. Of equal SIDs the first is the one Find reports.
func New(sids []sid.SID) *Set {
	n := minSlots
	for n < 4*len(sids) { // load of at most a quarter
		n *= 2
	}
	words := filterWords(filterBits * len(sids))
	room := make([]uint64, words+n/8+n/2) // filter, tags and slots are allocated at once
	s := &Set{
		tags:  unsafe.Slice((*uint8)(unsafe.Pointer(&room[words])), n),
		slots: unsafe.Slice((*uint32)(unsafe.Pointer(&room[words+n/8])), n),
		shift: uint8(32 - bits.TrailingZeros32(uint32(n))),
		sids:  sids,
		index: Index{&room[0], uint32(64*words - 1)},
	}
	for i, x := range sids {
		h := x.Hash()
		s.index.add(h)
		s.insert(uint32(i), h, x)
	}
	return s
}

// insert records x, with hash h, as the SID at index i. A SID that is in the set already is recorded as a duplicate
// of the first. The table must have room.
func (s *Set) insert(i, h uint32, x sid.SID) {
	mask := uint32(len(s.tags) - 1)
	p := h >> (s.shift & 31)
	for t := tagOf(h); s.tags[p] != 0; p = (p + 1) & mask {
		if s.tags[p] == t && s.sids[s.slots[p]] == x {
			s.dups = append(s.dups, dup{i, s.slots[p]})
			return
		}
	}
	s.tags[p], s.slots[p] = tagOf(h), i
}

// tagOf takes the low bits, since the high ones choose the slot; the lowest
// is set so that no tag is the empty one.
func tagOf(hash uint32) uint8 { return uint8(hash) | 1 }

// Find returns the index of the first SID equal to x, or -1. hash must be the hash of x. A nil Set contains nothing.
func (s *Set) Find(hash uint32, x sid.SID) int {
	if s != nil && s.tags[hash>>s.shift] != 0 {
		return s.probe(hash, x)
	}
	return -1
}

// FindPresent returns what Find does, without the first look, which the caller
// took by [Set.Absent]. A nil Set finds nothing.
func (s *Set) FindPresent(hash uint32, x sid.SID) int {
	if s == nil {
		return -1
	}
	return s.probe(hash, x)
}

// Index is the first test of Find, separate from its Set so that a loop can keep it in registers. Call Find if Absent
// is false. The zero value is invalid.
type Index struct {
	filter *uint64 // first of mask/64 + 1 words
	mask   uint32  // of the hash: low bits choose here, high ones in the table
}

// Index returns the filter of the hashes of s, for Absent. A nil Set has that of the empty set.
func (s *Set) Index() Index {
	if s == nil {
		s = &none
	}
	return s.index
}

var none = *New(nil)

// Absent returns true only if no SID with this hash is in the set. False decides nothing: look the SID up.
func (x Index) Absent(hash uint32) bool {
	return *x.word(hash)>>(hash&63)&1 == 0
}

// word returns the word of the filter with the bit of hash. The mask keeps it
// inside: the compiler cannot know, and its test costs a tenth of a check.
func (x Index) word(hash uint32) *uint64 {
	return (*uint64)(unsafe.Add(unsafe.Pointer(x.filter), uintptr(hash&x.mask>>6)*8))
}

// Absent takes the second look, at the table: false says nothing, as for an
// Index.
func (s *Set) Absent(hash uint32) bool { return s == nil || s.tags[hash>>s.shift] == 0 }

// Anything returns an Index and a Set in which nothing is Absent: a loop that
// has to look at all SIDs uses them in place of its own.
func Anything() (Index, *Set) { return Index{&full, 63}, anything }

var anything = &Set{tags: []uint8{1}, shift: 32}

var full = ^uint64(0)

// filterBits is the least number of filter bits a SID: at most one of that
// many absent SIDs is looked up in vain.
const filterBits = 64

// filterWords returns the words of a filter with at least the given bits.
func filterWords(bits int) int {
	n := 1
	for 64*n < bits {
		n *= 2
	}
	return n
}

// add sets the bit of a SID's hash in the filter.
func (x Index) add(hash uint32) {
	*x.word(hash) |= 1 << (hash & 63)
}

// probe returns the index of the SID x, with that hash, in the list. It returns -1 if the set does not have it. The
// set must not be empty.
//
//go:noinline
func (s *Set) probe(hash uint32, x sid.SID) int {
	if s.ref != nil {
		return s.ref.find(hash, x)
	}
	mask := uint32(len(s.tags) - 1)
	t := tagOf(hash)
	for p := hash >> (s.shift & 31); ; p = (p + 1) & mask {
		switch s.tags[p] {
		case 0: // always reached: at most a quarter of the slots are in use
			return -1
		case t:
			if i := s.slots[p]; s.sids[i].Equal(x) {
				return int(i)
			}
		}
	}
}

// Len returns the length of the list with its duplicates, 0 for a nil Set.
func (s *Set) Len() int {
	if s == nil {
		return 0
	}
	if s.ref != nil {
		return len(s.ref.at)
	}
	return len(s.sids)
}

// At returns the SID at index i of the list. It panics if the list has none.
func (s *Set) At(i int) sid.SID {
	if s.ref != nil {
		return s.ref.sid(i)
	}
	return s.sids[i]
}

// Duplicates yields each index whose SID occurs earlier in the list, together with the index that Find returns for it.
// A nil set has none.
func (s *Set) Duplicates() iter.Seq2[int, int] {
	return func(yield func(at, first int) bool) {
		if s == nil {
			return
		}
		for _, d := range s.dups {
			if !yield(int(d.at), int(d.first)) {
				return
			}
		}
	}
}

// Bits is a bitmap, bit i%64 of word i/64 for index i. Nil is all clear.
type Bits []uint64

// NewBits returns a bitmap of n clear bits, rounded up to a multiple of 64.
func NewBits(n int) Bits { return make(Bits, (n+63)/64) }

// Has reports whether bit i is set. It returns false for an index outside of the map, such as -1.
func (b Bits) Has(i int) bool {
	w := uint(i) / 64
	return w < uint(len(b)) && b[w]>>(uint(i)%64)&1 != 0
}

// Set sets bit i, which must be inside the map. Maps that are shared are
// never written to.
func (b Bits) Set(i int) { b[uint(i)/64] |= 1 << (uint(i) % 64) }

// Clear clears bit i. It panics if i is outside of the map.
func (b Bits) Clear(i int) { b[uint(i)/64] &^= 1 << (uint(i) % 64) }
