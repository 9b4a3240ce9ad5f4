package ob_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// quiet is a type without hooks.
var quiet = &ob.Type{ObjectType: winnt.EventObject}

func BenchmarkReference(b *testing.B) {
	c := &ob.Caller{Mode: access.User, Table: ob.NewTable(0)}
	o := newObject(quiet, nil)
	v, _ := c.Table.Insert(o, winnt.EVENT_ALL_ACCESS, 0)
	b.ReportAllocs()
	for b.Loop() {
		o, _, st := ob.Reference[*object](c, v, winnt.EVENT_QUERY_STATE, quiet)
		check.Success(b, st)
		o.Deref(ob.TagCall)
	}
}

func BenchmarkLookup(b *testing.B) {
	table := ob.NewTable(0)
	v, _ := table.Insert(newObject(quiet, nil), 1, 0)
	b.ReportAllocs()
	for b.Loop() {
		h, _, _ := table.Lookup(v, ob.TagCall)
		h.Deref(ob.TagCall)
	}
}

func BenchmarkInsertClose(b *testing.B) {
	table := ob.NewTable(0)
	o := newObject(quiet, nil)
	b.ReportAllocs()
	for b.Loop() {
		v, _ := table.Insert(o, 1, 0)
		table.Close(v)
	}
}

// In BenchmarkScaling each goroutine opens, references and closes handles in a table of its own. In "own" the object is
// also its own. In "same" all share one object and contend for the cache line of its counts. Compare -cpu=1,2.
func BenchmarkScaling(b *testing.B) {
	run := func(b *testing.B, pick func(i int64) *object) {
		var n atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			table, o := ob.NewTable(0), pick(n.Add(1))
			for pb.Next() {
				v, _ := table.Insert(o, 1, 0)
				h, _, _ := table.Lookup(v, ob.TagCall)
				h.Deref(ob.TagCall)
				table.Close(v)
			}
		})
	}
	b.Run("own", func(b *testing.B) { run(b, func(int64) *object { return newObject(quiet, nil) }) })
	shared := newObject(quiet, nil)
	b.Run("same", func(b *testing.B) { run(b, func(int64) *object { return shared }) })
}

// Reference, insert, close, reserve and open by pointer allocate nothing.
func TestTableOperationsAllocateNothing(t *testing.T) {
	c := &ob.Caller{Mode: access.User, Table: ob.NewTable(0)}
	o := newObject(quiet, nil)
	v, _ := c.Table.Insert(o, winnt.EVENT_ALL_ACCESS, 0)
	for name, f := range map[string]func(){
		"reference and release": func() {
			o, _, _ := ob.Reference[*object](c, v, winnt.EVENT_QUERY_STATE, quiet)
			o.Deref(ob.TagCall)
		},
		"insert and close": func() {
			v, _ := c.Table.Insert(o, 1, 0)
			c.Table.Close(v)
		},
		"reserve, publish and close": func() {
			r, _ := c.Table.Reserve()
			r.Publish(o, 1, 0)
			c.Table.Close(r.Handle())
		},
		"open by pointer, no descriptor": func() {
			v, _ := ob.OpenByPointer(c, o, access.Subject{}, winnt.EVENT_QUERY_STATE, 0)
			c.Table.Close(v)
		},
	} {
		check.Equal(t, testing.AllocsPerRun(100, f), 0, "%s: allocations", name)
	}
}

func BenchmarkGrowth(b *testing.B) {
	for _, n := range []int{1, 100, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			o := newObject(quiet, nil)
			for b.Loop() {
				table := ob.NewTable(0)
				for range n {
					table.Insert(o, 1, 0)
				}
				table.Drain()
			}
		})
	}
}
