package bulk

import (
	"bytes"
	"hash/maphash"
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/refmon/refmon/internal/verbs/bulk/objects"
	"github.com/refmon/refmon/winnt"
)

// known is a descriptor that was met before, as it was given and for a type, and
// its answer.
type known[A any] struct {
	hash uint64            // immutable
	key  []byte            // immutable; in the form given
	form objects.Form      // immutable
	typ  *winnt.ObjectType // immutable
	next *known[A]         // guarded by shard.mu: with the same hash

	answer atomic.Pointer[A] // nil until a worker has decided it
}

func (k *known[A]) is(o *objects.Object, typ *winnt.ObjectType) bool {
	return k.form == o.Form && k.typ == typ && bytes.Equal(k.key, o.SD)
}

// table interns descriptors. It keeps two generations: when the young one is
// full it becomes the old one and the old one goes, so that memory is bounded
// and there is nothing to sweep. What goes is decided again if it comes again.
type table[A any] struct {
	seed   maphash.Seed
	limit  int // bytes a shard's generation may hold
	shards [64]shard[A]
}

type shard[A any] struct {
	mu sync.Mutex
	// +checklocks:mu
	young, old map[uint64]*known[A] // guarded by mu
	// +checklocks:mu
	size int // guarded by mu; of the young generation
}

// overhead is about how many bytes an entry takes besides its key and answer.
const overhead = 400

func newTable[A any](limit int) *table[A] {
	return &table[A]{seed: maphash.MakeSeed(), limit: max(limit/2/64, 1<<16)}
}

// hash returns the hash of a descriptor as it was given.
func (t *table[A]) hash(o *objects.Object) uint64 {
	return maphash.Bytes(t.seed, o.SD) + uint64(o.Form)
}

// find returns the entry of a descriptor, and makes it if it is new; cost is the
// memory of its answer.
func (t *table[A]) find(h uint64, o *objects.Object, typ *winnt.ObjectType, cost int) *known[A] {
	s := &t.shards[h>>58]
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := s.young[h]; k != nil; k = k.next {
		if k.is(o, typ) {
			return k
		}
	}
	for k := s.old[h]; k != nil; k = k.next {
		if k.is(o, typ) {
			moved := &known[A]{hash: h, key: k.key, form: k.form, typ: k.typ}
			moved.answer.Store(k.answer.Load())
			s.put(moved, t.limit, cost)
			return moved
		}
	}
	k := &known[A]{hash: h, key: bytes.Clone(o.SD), form: o.Form, typ: typ}
	s.put(k, t.limit, cost)
	return k
}

// put adds k.
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

// near is a worker's own look at the table: what it met lately, without a
// lock. What it holds is kept even if the table has forgotten it. Owned by one
// goroutine.
type near[A any] struct {
	table *table[A]
	cost  int // of an answer, in bytes
	slots []*known[A]
}

// near makes a look that keeps half of what the table does at most, for answers
// of a cost.
func (t *table[A]) near(cost int) near[A] {
	n := t.limit * len(t.shards) / (2*overhead + cost)
	return near[A]{t, cost, make([]*known[A], 1<<min(max(bits.Len(uint(n))-1, 6), 17))}
}

func (n *near[A]) find(o *objects.Object, typ *winnt.ObjectType) *known[A] {
	h := n.table.hash(o)
	slot := &n.slots[h&uint64(len(n.slots)-1)]
	if k := *slot; k != nil && k.hash == h && k.is(o, typ) {
		return k
	}
	k := n.table.find(h, o, typ, n.cost)
	*slot = k
	return k
}
