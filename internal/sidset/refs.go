package sidset

import (
	"math"
	"math/bits"
	"strings"

	"github.com/refmon/refmon/sid"
)

// refs is the list and table of a Set that refers to the SIDs of another Set. It is immutable.
type refs struct {
	common *Set
	at     []uint32  // of each SID of the list: index in common followed by own
	own    []sid.SID // the SIDs that common does not have
	table  []uint16  // open addressing: 0 for a free slot, else an index plus 1
	shift  uint8     // 32 less the binary logarithm of len(table)
}

// leastRefs is the least length of a list that refers to another Set. Shorter lists keep the faster table.
const leastRefs = 64

// refBits is the number of filter bits for each SID of a Set that refers to another. It is less than filterBits,
// because such a Set is one of many.
const refBits = 16

// In returns a Set of the same list that refers to the SIDs of common instead of having copies. It takes a fifth of the
// memory, and Find takes longer. The order and all indexes are the same. In returns s itself if s has fewer than 64
// SIDs or more than 65,534, or if common has less than half of them. common may be nil.
func (s *Set) In(common *Set) *Set {
	if s.Len() < leastRefs || s.Len() >= math.MaxUint16 || s.ref != nil {
		return s
	}
	r := &refs{common: common, at: make([]uint32, len(s.sids))}
	var text strings.Builder
	for i, x := range s.sids {
		at := common.Find(x.Hash(), x)
		if at < 0 {
			at = common.Len() + len(r.own)
			r.own = append(r.own, x)
			text.WriteString(x.Binary())
		}
		r.at[i] = uint32(at)
	}
	if 2*len(r.own) > len(s.sids) {
		return s
	}
	for i, rest := 0, text.String(); i < len(r.own); i++ { // one string keeps nothing else in memory
		own, size, _ := sid.DecodeString(rest) // cannot fail: Binary wrote it
		r.own[i], rest = own, rest[size:]
	}
	room := make([]uint64, filterWords(refBits*len(s.sids)))
	out := &Set{tags: anything.tags, shift: anything.shift, dups: s.dups, ref: r,
		index: Index{&room[0], uint32(64*len(room) - 1)}}
	n := 2 * leastRefs
	for n < 2*len(s.sids) { // load of at most a half
		n *= 2
	}
	r.table, r.shift = make([]uint16, n), uint8(32-bits.TrailingZeros(uint(n)))
	for i, x := range s.sids {
		h := x.Hash()
		out.index.add(h)
		r.insert(h, uint16(i+1))
	}
	return out
}

// sid returns the SID at index i of the list.
func (r *refs) sid(i int) sid.SID {
	if at := int(r.at[i]); at < r.common.Len() {
		return r.common.At(at)
	}
	return r.own[int(r.at[i])-r.common.Len()]
}

// find returns the index of the first SID equal to x, or -1. hash must be the hash of x.
func (r *refs) find(hash uint32, x sid.SID) int {
	for p := hash >> r.shift; ; p = (p + 1) & uint32(len(r.table)-1) {
		i := int(r.table[p]) - 1 // a free slot is always reached: at most half of them are in use
		if i < 0 || r.sid(i).Equal(x) {
			return i
		}
	}
}

// insert enters a SID behind those equal to it, so that find returns the first. hash is its hash, and next its index
// plus 1.
func (r *refs) insert(hash uint32, next uint16) {
	p := hash >> r.shift
	for r.table[p] != 0 {
		p = (p + 1) & uint32(len(r.table)-1)
	}
	r.table[p] = next
}
