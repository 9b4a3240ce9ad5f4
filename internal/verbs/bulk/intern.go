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

// known is a descriptor that was met before, as it was given and for a type.
type known struct {
	hash uint64            // immutable
	key  []byte            // immutable; in the form given
	form objects.Form      // immutable
	typ  *winnt.ObjectType // immutable
	next *known            // guarded by shard.mu: with the same hash

	answer atomic.Pointer[answer] // nil until somebody has decided it
}

func (k *known) is(o *objects.Object, typ *winnt.ObjectType) bool {
	return k.form == o.Form && k.typ == typ && bytes.Equal(k.key, o.SD)
}

// table interns descriptors. It keeps two generations: when the young one is
// full it becomes the old one and the old one goes, so that memory is bounded
// and there is nothing to sweep. What goes is decided again if it comes again.
type table struct {
	seed   maphash.Seed
	limit  int // bytes a shard's generation may hold
	shards [64]shard
}

type shard struct {
	mu sync.Mutex
	// +checklocks:mu
	young, old map[uint64]*known // guarded by mu
	// +checklocks:mu
	size int // guarded by mu; of the young generation
}

// overhead is what an entry costs besides its key and answer, about.
const overhead = 400

func newTable(limit int) *table {
	return &table{seed: maphash.MakeSeed(), limit: max(limit/2/64, 1<<16)}
}

// hash is that of a descriptor as it was given.
func (t *table) hash(o *objects.Object) uint64 {
	return maphash.Bytes(t.seed, o.SD) + uint64(o.Form)
}

// find is the entry of a descriptor, made if there is none; cost is what its
// answer will take.
func (t *table) find(h uint64, o *objects.Object, typ *winnt.ObjectType, cost int) *known {
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
			moved := &known{hash: h, key: k.key, form: k.form, typ: k.typ}
			moved.answer.Store(k.answer.Load())
			s.put(moved, t.limit, cost)
			return moved
		}
	}
	k := &known{hash: h, key: bytes.Clone(o.SD), form: o.Form, typ: typ}
	s.put(k, t.limit, cost)
	return k
}

// put adds k.
//
// +checklocks:s.mu
func (s *shard) put(k *known, limit, cost int) {
	size := len(k.key) + overhead + cost
	if s.young == nil || s.size+size > limit {
		s.old, s.young, s.size = s.young, make(map[uint64]*known), 0
	}
	k.next = s.young[k.hash]
	s.young[k.hash] = k
	s.size += size
}

// near is a worker's own look at the table: what it met lately, without a
// lock. What it holds is kept even if the table has forgotten it. Owned by one
// goroutine.
type near struct {
	table *table
	cost  int // of an answer, in bytes
	slots []*known
}

// near makes a look that keeps half of what the table does at most, for answers
// of a cost.
func (t *table) near(cost int) near {
	n := t.limit * len(t.shards) / (2*overhead + cost)
	return near{t, cost, make([]*known, 1<<min(max(bits.Len(uint(n))-1, 6), 17))}
}

func (n *near) find(o *objects.Object, typ *winnt.ObjectType) *known {
	h := n.table.hash(o)
	slot := &n.slots[h&uint64(len(n.slots)-1)]
	if k := *slot; k != nil && k.hash == h && k.is(o, typ) {
		return k
	}
	k := n.table.find(h, o, typ, n.cost)
	*slot = k
	return k
}
