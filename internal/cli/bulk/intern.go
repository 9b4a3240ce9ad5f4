package bulk

import (
	"bytes"
	"hash/maphash"
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/winnt"
)

// known is a table entry for a distinct input: descriptor bytes, kind of object and folders on the way. It stores the
// answer once a worker has computed it.
type known[A any] struct {
	hash uint64       // immutable
	key  []byte       // immutable; in the form given
	form objects.Form // immutable
	kind kind         // immutable
	way  *objects.Way // immutable
	next *known[A]    // guarded by shard.mu: with the same hash

	answer atomic.Pointer[A] // nil until a worker has decided it
}

// is reports whether the entry is for the descriptor and the way of the object o, and for this kind.
func (k *known[A]) is(o *objects.Object, of kind) bool {
	return k.form == o.Form && k.kind == of && k.way == o.Way && bytes.Equal(k.key, o.SD)
}

// table interns descriptors in two generations. When the young generation is full it replaces the old one, so memory
// is bounded. A descriptor that was dropped is decided again.
type table[A any] struct {
	seed   maphash.Seed
	limit  int // bytes a shard's generation may hold
	shards [64]shard[A]
}

// shard is a part of the table with its own lock, so that workers rarely wait for each other.
type shard[A any] struct {
	mu sync.Mutex
	// +checklocks:mu
	young, old map[uint64]*known[A] // guarded by mu
	// +checklocks:mu
	size int // guarded by mu; of the young generation
}

// overhead estimates the bytes of an entry besides its key and answer.
const overhead = 400

// newTable returns an empty table of about limit bytes, but of no less than 8 MiB.
func newTable[A any](limit int) *table[A] {
	return &table[A]{seed: maphash.MakeSeed(), limit: max(limit/2/64, 1<<16)}
}

// hash returns a hash of a descriptor's source bytes, of the folders on its way and of a class.
func (t *table[A]) hash(o *objects.Object, class winnt.GUID) uint64 {
	h := maphash.Bytes(t.seed, o.SD) + uint64(o.Form) + o.Way.Hash()
	if class != (winnt.GUID{}) {
		h += maphash.Comparable(t.seed, class)
	}
	return h
}

// find returns the entry of a descriptor and creates it, without an answer, if it is new. h is the hash of o, and cost
// the memory of an answer in bytes. It may drop old entries. It is safe for concurrent use.
func (t *table[A]) find(h uint64, o *objects.Object, of kind, cost int) *known[A] {
	s := &t.shards[h>>58]
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := s.young[h]; k != nil; k = k.next {
		if k.is(o, of) {
			return k
		}
	}
	for k := s.old[h]; k != nil; k = k.next {
		if k.is(o, of) {
			moved := &known[A]{hash: h, key: k.key, form: k.form, kind: k.kind, way: k.way}
			moved.answer.Store(k.answer.Load())
			s.put(moved, t.limit, cost)
			return moved
		}
	}
	k := &known[A]{hash: h, key: bytes.Clone(o.SD), form: o.Form, kind: of, way: o.Way}
	s.put(k, t.limit, cost)
	return k
}

// put adds k to the young generation. If the young generation is full, put drops the old one first, and the young one
// becomes the old one.
//
// +checklocks:s.mu
func (s *shard[A]) put(k *known[A], limit, cost int) {
	size := len(k.key) + overhead + cost
	if s.young == nil || s.size+size > limit {
		s.old, s.young, s.size = s.young, make(map[uint64]*known[A]), 0
	}
	k.next = s.young[k.hash]
	s.young[k.hash] = k
	s.size += size
}

// near is a worker's private cache of the table. It needs no lock and may hold entries that the table has dropped.
// Owned by one goroutine.
type near[A any] struct {
	table *table[A]
	cost  int // of an answer, in bytes
	slots []*known[A]
}

// near returns a cache of at most half the size of the table, for answers of a given cost.
func (t *table[A]) near(cost int) near[A] {
	n := t.limit * len(t.shards) / (2*overhead + cost)
	return near[A]{t, cost, make([]*known[A], 1<<min(max(bits.Len(uint(n))-1, 6), 17))}
}

// find returns the entry of the object's descriptor: from the worker's own slots, or else from the shared
// table, which adds an unknown one.
func (n *near[A]) find(o *objects.Object, of kind) *known[A] {
	h := n.table.hash(o, of.class)
	slot := &n.slots[h&uint64(len(n.slots)-1)]
	if k := *slot; k != nil && k.hash == h && k.is(o, of) {
		return k
	}
	k := n.table.find(h, o, of, n.cost)
	*slot = k
	return k
}
