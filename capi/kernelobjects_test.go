//go:build cgo && linux

package main

import (
	"sync"
	"testing"

	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// Threads create, look up and release objects concurrently. Each address belongs to one object, the table forgets
// released objects, and no reference remains at the end.
func TestConcurrentObjectsKeepTheirAddresses(t *testing.T) {
	const threads, rounds = 4, 3000
	s, _ := embedded()
	value := check.Must(token.New(token.StandardUser(sid.MustParse("S-1-5-21-7-7-7-1001"))))
	first := check.Must(s.SystemThread())
	shared := first.NewToken(value)
	at := lend(shared)
	before := counts(s)
	seen := make([][]uint64, threads)
	var wg sync.WaitGroup
	for i := range threads {
		k := check.Must(s.SystemThread())
		wg.Go(func() {
			f := newFace(k, new(marshal.Memory))
			for range rounds {
				mine := k.NewToken(value)
				p := own(mine)
				seen[i] = append(seen[i], p)
				c := &call{thread: &f.thread}
				f.routine = func(*call) uint64 { // as two routines would
					check.That(t, object[*kernel.AccessToken](c, user(p)) == mine && lend(mine) == p,
						"an address refers to another object than the one that it was made for")
					k.PsDereferencePrimaryToken(disown[*kernel.AccessToken](c, user(p)))
					shared.Ref(0)
					check.That(t, own(shared) == at && object[*kernel.AccessToken](c, user(at)) == shared,
						"the shared object has another address than before, %#x", at)
					disown[*kernel.AccessToken](c, user(at)).Deref(0)
					return 0
				}
				kernelCall(c, f.routine)
			}
		})
	}
	wg.Wait()
	all := map[uint64]bool{}
	for _, list := range seen {
		for _, p := range list {
			check.RequireThat(t, !all[p], "two objects have the address %#x", p)
			all[p] = true
		}
	}
	after := counts(s)
	if after[3] != 0 || after[0]-before[0] != threads { // one system thread for each thread
		t.Errorf("objects, handles, references and owed references: %v, before %v; want %d more objects and none "+
			"owed", after, before, threads)
	}
	objects.Lock()
	defer objects.Unlock()
	if n := len(objects.at); n > 2*1024 || n != len(objects.of) {
		t.Errorf("the table keeps %d addresses and %d objects after %d creations, want at most %d and as many "+
			"objects", n, len(objects.of), threads*rounds, 2*1024)
	}
}

// A routine that calls the program back keeps its references until it returns, although the program called another
// routine. Each reference is released once.
func TestNestedRoutineKeepsOuterReferences(t *testing.T) {
	s, _ := embedded()
	k := check.Must(s.SystemThread())
	value := check.Must(token.New(token.StandardUser(sid.MustParse("S-1-5-21-7-7-7-1001"))))
	outer, inner := k.NewToken(value), k.NewToken(value)
	defer k.PsDereferencePrimaryToken(outer)
	defer k.PsDereferencePrimaryToken(inner)
	counts := func() [2]int64 { return [2]int64{outer.PointerCount(), inner.PointerCount()} }
	before := counts()
	f := newFace(k, new(marshal.Memory))
	c := &call{thread: &f.thread}
	held := func(more ...int64) [2]int64 { return [2]int64{before[0] + more[0], before[1] + more[1]} }
	kernelCall(c, func(c *call) uint64 {
		object[*kernel.AccessToken](c, user(lend(outer)))
		for range 2 {
			kernelCall(c, func(c *call) uint64 {
				object[*kernel.AccessToken](c, user(lend(inner)))
				check.Equal(t, counts(), held(1, 1), "references in the inner routine")
				return 0
			})
			check.Equal(t, counts(), held(1, 0), "references after the inner routine")
			check.That(t, f.routine != nil && len(f.used) == 1, "the outer routine is forgotten, %d references", len(f.used))
		}
		return 0
	})
	check.Equal(t, counts(), before, "references after both routines")
	check.That(t, f.routine == nil && len(f.used) == 0, "a routine is under way, with %d references", len(f.used))
}
