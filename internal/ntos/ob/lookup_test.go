package ob_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// O-31, O-34: if a handle value is reused between the loads of a lookup, it never returns one object with the rights
// of the other's handle. The writer alternates two objects with different rights in one slot.
func TestLookupNeverMixesReusedSlot(t *testing.T) {
	const want, limit = 5_000, 10_000_000 // changes of the object that the reader must have seen
	table := ob.NewTable(0)
	var live atomic.Int64
	objects := [2]*counted{{live: &live}, {live: &live}}
	for _, o := range objects {
		o.Init(countedType, o, nil)
		live.Add(1)
	}
	rights := [2]winnt.AccessMask{winnt.EVENT_QUERY_STATE, winnt.EVENT_MODIFY_STATE}
	v, _ := table.Insert(objects[0], rights[0], 0)
	var done atomic.Bool
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := 1; !done.Load(); i++ {
			table.Close(v)
			table.Insert(objects[i%2], rights[i%2], 0)
			if i%101 == 0 { // on one processor the reader sees either object in turn
				runtime.Gosched()
			}
		}
	})
	turns, last, begun := 0, -1, time.Now()
	// On a busy machine the writer can rest while the slot is empty, longer than the lookups up to the limit take.
	for n := 0; turns < want && (n < limit || turns < 2 && time.Since(begun) < time.Minute); n++ {
		if n%1000 == 0 {
			runtime.Gosched() // and the writer
		}
		h, g, st := table.Lookup(v, ob.TagCall)
		if st != ntstatus.Success {
			continue
		}
		which := 0
		if h == objects[1].Head() {
			which = 1
		}
		if g.Access != rights[which] {
			t.Errorf("lookup returned object %d with rights %#x, want %#x", which, g.Access, rights[which])
			turns = want
		}
		h.Deref(ob.TagCall)
		if which != last {
			turns, last = turns+1, which
		}
	}
	done.Store(true)
	writer.Wait()
	table.Drain()
	for _, o := range objects {
		o.Deref(ob.TagCall)
	}
	check.Equal(t, live.Load(), 0, "objects alive")
	check.That(t, turns >= 2, "the reader saw %d different values in the slot, want at least 2", turns)
}
