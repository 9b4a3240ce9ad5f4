package ob_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
)

// The close action runs at the last handle, and the object is destroyed at the last reference (O-44). A hold counts as
// a handle.
func TestObjectIsDestroyedWithLastReference(t *testing.T) {
	o := newObject(eventType, nil)
	table := ob.NewTable(0)
	v, _ := table.Insert(o, 1, 0)
	w, _ := table.Insert(o, 1, 0)
	check.Equal(t, o.HandleCount(), 2, "handles")
	check.Equal(t, o.PointerCount(), 3, "references of two handles and the creator")
	handles, references := o.Counts(1)
	check.Equal(t, [2]int64{handles, references}, [2]int64{2, 2}, "O-62: counts without the query's own reference")
	table.Close(v)
	o.HoldOpen()
	table.Close(w)
	check.RequireThat(t, o.closed == 0, "close hook ran %d times with a hold, want 0", o.closed)
	o.DropOpen()
	check.RequireThat(t, o.closed == 1 && o.destroyed == 0,
		"after the last handle: closed %d, destroyed %d; want 1, 0", o.closed, o.destroyed)
	o.Deref(ob.TagCall)
	check.RequireThat(t, o.destroyed == 1, "destroy hook ran %d times after the last reference, want 1", o.destroyed)
	check.RequireThat(t, !o.TryRef(ob.TagCall), "TryRef = true on a destroyed object, want false")
}

func TestHooksMayUseClosingTable(t *testing.T) { // a hook may use the table that is being closed
	table := ob.NewTable(0)
	typ := &ob.Type{ObjectType: eventType.ObjectType}
	var seen []int
	look := func(ob.Object) { seen = append(seen, table.Count()) }
	typ.OnLastHandle, typ.OnDestroy = look, look
	for range 2 {
		o := newObject(typ, nil)
		table.Insert(o, 1, 0)
		o.Deref(ob.TagCall)
	}
	table.Close(4)
	table.Drain()
	check.RequireThat(t, len(seen) == 4 && seen[0] == 1 && seen[3] == 0,
		"table sizes seen by the hooks = %v, want 4 sizes from 1 to 0", seen)
}

// A swap replaces the current descriptor and its charge. It fails if the descriptor is no longer the current one
// (O-66). A failed swap keeps the old charge, which the deletion of the object returns. A shared descriptor is
// charged until its last object is deleted.
func TestReplacedDescriptorReturnsItsCharge(t *testing.T) {
	b := quota.NewBlock(nil, 1000, false)
	charge := func(n int) quota.Receipt { return check.Result(quota.Payer{Block: b}.Charge(n)) }
	o := newObject(eventType, nil)
	first, second := sd.New(sd.Parts{}), sd.New(sd.Parts{})
	o.ReplaceSecurity(first, charge(100))
	check.Equal(t, b.Used(), 100, "bytes charged for the first descriptor")
	check.That(t, o.CompareAndSwapSecurity(first, second, charge(30)) && o.Security() == second,
		"the swap of the current descriptor")
	check.Equal(t, b.Used(), 30, "bytes charged for the second descriptor")
	refused := charge(5)
	check.That(t, !o.CompareAndSwapSecurity(first, second, refused) && o.Security() == second,
		"the swap of a descriptor that is no longer the current one")
	check.Equal(t, b.Used(), 35, "bytes charged after a swap that failed")
	refused.Return()
	o.Deref(ob.TagCall)
	check.Equal(t, b.Used(), 0, "bytes charged after the object's end")
	shared, ends := ob.NewSharedSecurity(nil), []*object{newObject(eventType, nil), newObject(eventType, nil)}
	for i, o := range ends {
		o.ShareSecurity(shared)
		o.ReplaceSecurity(first, charge(40+i))
	}
	check.Equal(t, b.Used(), 41, "bytes charged for a shared descriptor that two objects replaced")
	ends[1].Deref(ob.TagCall)
	check.Equal(t, b.Used(), 41, "bytes charged after the end of the object that replaced it last")
	ends[0].Deref(ob.TagCall)
	check.Equal(t, b.Used(), 0, "bytes charged after the end of both objects")
}

// What an object charged is returned at its end.
func TestEndReturnsCharges(t *testing.T) {
	b := quota.NewBlock(nil, 1<<20, false)
	payer := quota.Payer{Block: b}
	for what, pay := range map[string]func(h *ob.Header) ntstatus.Status{
		"creation":   func(h *ob.Header) ntstatus.Status { return h.Pay(payer, 7) },
		"advance":    func(h *ob.Header) ntstatus.Status { h.Prepaid(check.Result(payer.Charge(7))); return 0 },
		"more":       func(h *ob.Header) ntstatus.Status { return h.PayMore(payer, 7) },
		"more twice": func(h *ob.Header) ntstatus.Status { return h.PayMore(payer, 7) | h.PayMore(payer, 8) },
	} {
		o := newObject(eventType, nil)
		check.Success(t, pay(&o.Header))
		small := b.Used()
		check.That(t, small >= 7, "%s: %d bytes are charged, want 7 or more", what, small)
		o.Deref(ob.TagCall)
		if what == "creation" { // the descriptor is charged too
			o = protected(eventType, "O:SYG:SYD:(A;;GR;;;WD)")
			check.Success(t, pay(&o.Header))
			check.Equal(t, b.Used(), small+int64(o.Security().HeapSize()), "bytes charged with a descriptor")
			o.Deref(ob.TagCall)
			o = newObject(eventType, nil)
			o.SetPath(`\a name`)
			check.Success(t, pay(&o.Header))
			check.Equal(t, b.Used(), small+7, "bytes charged with a name of 7 bytes")
			o.Deref(ob.TagCall)
		}
		check.Equal(t, b.Used(), 0, "%s: bytes charged after the object's end", what)
	}
}

// TestLookupNeverRaisesCountFromZero races lookups against the last release. A lookup that increments the count
// without checking it would raise it from zero again.
func TestLookupNeverRaisesCountFromZero(t *testing.T) {
	var destroyed atomic.Int64
	typ := &ob.Type{ObjectType: eventType.ObjectType, OnDestroy: func(ob.Object) { destroyed.Add(1) }}
	const rounds = 2000
	table := ob.NewTable(0)
	for range rounds {
		o := newObject(typ, nil)
		v, _ := table.Insert(o, 1, 0)
		o.Deref(ob.TagCall)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for {
					h, _, st := table.Lookup(v, ob.TagCall)
					if st != 0 {
						return
					}
					check.That(t, h.PointerCount() >= 1, "Lookup returned a reference to a destroyed object, want none")
					h.Deref(ob.TagCall)
				}
			})
		}
		table.Close(v)
		wg.Wait()
	}
	check.Equal(t, destroyed.Load(), rounds, "%d objects created: destroyed", rounds)
}

// O-45: TryRef never raises a count from zero. One goroutine creates objects and drops their only reference; another
// calls TryRef at the same time. If it succeeds, the object lives until that reference is dropped, and is destroyed
// once (destroyCounted panics on the second time).
func TestTryRefRacesLastRelease(t *testing.T) {
	objects := randtest.Size(800_000)
	var live atomic.Int64
	var current atomic.Pointer[counted]
	var done atomic.Bool
	var reader sync.WaitGroup
	taken := 0
	reader.Go(func() {
		for !done.Load() && !t.Failed() {
			o := current.Load()
			if o == nil || !o.TryRef(ob.TagCall) {
				continue
			}
			if o.dead.Load() {
				t.Error("TryRef returned a reference to a destroyed object, want false")
				return
			}
			taken++
			o.Deref(ob.TagCall)
		}
	})
	for range objects {
		o := &counted{live: &live}
		o.Init(countedType, o, nil)
		live.Add(1)
		current.Store(o)
		o.Deref(ob.TagCall)
	}
	done.Store(true)
	reader.Wait()
	check.Equal(t, live.Load(), 0, "objects alive")
	t.Logf("%d references taken of %d objects", taken, objects)
}
