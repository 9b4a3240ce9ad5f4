package ob_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// counted is an object that detects use after its destruction.
type counted struct {
	ob.Header
	dead atomic.Bool
	live *atomic.Int64
}

func destroyCounted(o ob.Object) {
	c := o.(*counted)
	if c.dead.Swap(true) {
		panic("an object was destroyed twice")
	}
	c.live.Add(-1)
}

var countedType = &ob.Type{ObjectType: winnt.EventObject, OnDestroy: destroyCounted}

// TestHandleCountsStayExactUnderStress opens, closes, duplicates and looks up the same few handles from many
// goroutines. No reader ever sees fewer references than handles. At the end the handles of all tables equal the handle
// counts of the objects (O-45, O-80).
func TestHandleCountsStayExactUnderStress(t *testing.T) { // O-45, O-80
	const workers, values = 8, 6
	steps := randtest.Size(30_000)
	tables := [2]*ob.Table{ob.NewTable(0), ob.NewTable(0)}
	var live atomic.Int64
	seed := rand.New(rand.NewPCG(randtest.Seed(t), 1)).Uint64()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(w)))
			for range steps {
				stressStep(t, r, tables, winnt.Handle(4*(1+r.IntN(values))), &live)
			}
		})
	}
	wg.Wait()
	checkConservation(t, tables[:])
	for _, table := range tables {
		table.Drain()
	}
	n := live.Load()
	check.That(t, n == 0, "%d objects alive after both tables were drained, want 0", n)
}

func stressStep(t *testing.T, r *rand.Rand, tables [2]*ob.Table, v winnt.Handle, live *atomic.Int64) {
	from, to := tables[r.IntN(2)], tables[r.IntN(2)]
	switch r.IntN(8) {
	case 0:
		o := &counted{live: live}
		o.Init(countedType, o, nil)
		live.Add(1)
		if n, st := from.Reserve(); st == ntstatus.Success {
			n.Audit(winnt.AccessMask(v))
			n.Publish(o, winnt.AccessMask(v), 0)
		}
		o.Deref(ob.TagCall)
	case 1, 2:
		from.Close(v)
	case 3:
		from.SetAttributes(v, winnt.OBJ_INHERIT)
	default:
		h, g, st := from.Lookup(v, ob.TagCall)
		if st != ntstatus.Success {
			return
		}
		check.That(t, !h.Object().(*counted).dead.Load(), "Lookup returned a destroyed object, want a live one")
		check.Equal(t, g.Pending, g.Access, "rights to audit of a handle that is found while others close it (O-53)")
		if handles, references := h.Counts(0); handles < 0 || references < handles {
			t.Errorf("object has %d references and %d handles, want at least %d references and at least 0 handles",
				references, handles, handles) // O-45
		}
		if r.IntN(4) == 0 {
			if n, st := to.Reserve(); st == ntstatus.Success {
				n.Audit(g.Pending)
				n.PublishDuplicate(h.Object(), g.Access, g.Attributes)
			}
		}
		h.Deref(ob.TagCall)
	}
}

// checkConservation checks that each object has as many handles and references as table entries (O-45).
func checkConservation(t *testing.T, tables []*ob.Table) {
	t.Helper()
	entries := map[*ob.Header]int64{}
	total := 0
	for _, table := range tables {
		n := 0
		for e := range table.All() {
			entries[e.Object.Head()]++
			n++
		}
		check.That(t, n == table.Count(), "All yields %d handles, want %d as Count", n, table.Count())
		total += n
	}
	for h, n := range entries {
		check.That(t, h.HandleCount() == n && h.PointerCount() == n,
			"object with %d entries has handle count %d and reference count %d, want %d", n, h.HandleCount(),
			h.PointerCount(), n)
	}
	t.Logf("%d handles to %d objects at rest", total, len(entries))
}
