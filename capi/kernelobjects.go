//go:build cgo && linux

package main

import (
	"sync"
	"sync/atomic"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Addresses of objects are in a range that no program can map, so dereferencing one faults. No address is used twice,
// so a stale pointer is detected. kernel/internal.h has the same constants.
const (
	objectTypes   user = 0xFFFF800000000000
	systemProcess user = 0xFFFF800000001000
	firstObject   user = 0xFFFF800000010000
	objectStep         = 0x40
)

// types are the object types by their addresses: objectTypes + 0x100 * index.
var types = []*winnt.ObjectType{nil, winnt.TokenObject, winnt.ProcessObject, winnt.ThreadObject, winnt.JobObject,
	winnt.EventObject, winnt.FileObject}

// objectType returns the type for a POBJECT_TYPE, nil for NULL (any type). Another address is a bug and ends the
// program.
func (c *call) objectType(i int) *winnt.ObjectType {
	p := c.ptr(i)
	if p == 0 {
		return nil
	}
	if n := (p - objectTypes) / 0x100; p >= objectTypes && p%0x100 == 0 && n > 0 && int(n) < len(types) {
		return types[n]
	}
	c.bug("%#x is not an object type: pass what a variable such as SeTokenObjectType points to", uintptr(p))
	return nil
}

// known is an object that a program can name by an address in kernel mode. It holds no reference to the object.
type known struct {
	object  ob.Object    // immutable; not referenced by being known
	address user         // immutable
	owed    atomic.Int64 // references that routines gave out and that were not given back
}

// objects are the objects that the program knows by address.
var objects = struct {
	sync.RWMutex
	at    map[user]*known
	of    map[*ob.Header]*known
	next  user
	sweep int          // the size at which dead ones are forgotten
	owed  atomic.Int64 // the sum of all owed
}{at: map[user]*known{}, of: map[*ob.Header]*known{}, next: firstObject, sweep: 1024}

// addressOf returns the address by which the program names a kernel object. The first call for an object assigns the
// address, which stays the same while the object lives. The caller must keep the object alive. A full table first
// drops objects that no longer exist.
func addressOf(o ob.Object) *known {
	h := o.Head()
	objects.RLock()
	k := objects.of[h]
	objects.RUnlock()
	if k != nil {
		return k
	}
	_, process := embedded()
	system := process.Object().System().SystemProcess()
	objects.Lock()
	defer objects.Unlock()
	if k = objects.of[h]; k != nil {
		return k
	}
	if len(objects.at) >= objects.sweep {
		forgetDead()
	}
	k = &known{object: o, address: objects.next}
	if h == system.Head() {
		k.address = systemProcess
	} else {
		objects.next += objectStep
	}
	objects.at[k.address], objects.of[h] = k, k
	return k
}

// forgetDead removes destroyed objects from the table of addresses. A reference count of zero never increases again.
// objects must be locked.
func forgetDead() {
	for p, k := range objects.at {
		if h := k.object.Head(); h.PointerCount() == 0 {
			delete(objects.at, p)
			delete(objects.of, h)
		}
	}
	objects.sweep = max(1024, 2*len(objects.at))
}

// lend returns an object's address for a routine that passes no reference to the program. o must not be nil.
func lend(o ob.Object) uint64 { return uint64(addressOf(o).address) }

// own returns an object's address for a routine that passes a reference to the program. The program must release that
// reference.
func own(o ob.Object) uint64 {
	k := addressOf(o)
	k.owed.Add(1)
	objects.owed.Add(1)
	return uint64(k.address)
}

// alive returns the object at an address of the program, and keeps it alive until the routine returns. It returns nil
// if no object has the address.
func (c *call) alive(p user) *known {
	if p == systemProcess { // known to programs from the start
		_, process := embedded()
		addressOf(process.Object().System().SystemProcess())
	}
	objects.RLock()
	k := objects.at[p]
	objects.RUnlock()
	if k == nil || !k.object.Head().TryRef(ob.TagCall) {
		return nil
	}
	c.face.used = append(c.face.used, k.object)
	return k
}

// find returns the object at an address of the program, and keeps it alive until the routine returns. An address
// without an object is a bug and ends the program.
func (c *call) find(p user) *known {
	k := c.alive(p)
	if k == nil {
		c.bug("%#x is not an object: it is gone, or it never was one", uintptr(p))
	}
	return k
}

// object returns the object of a type T at an address. An address without an object, or another type, is a bug and
// ends the program.
func object[T ob.Object](c *call, p user) T {
	k := c.find(p)
	o, ok := k.object.(T)
	if !ok {
		c.bug("%#x is an object of type %s, which does not belong here", uintptr(p), k.object.Head().Type().Name)
	}
	return o
}

// disown returns the object at p for a routine that releases a reference of the program. The caller must drop that
// reference. More releases than references are a bug and end the program.
func disown[T ob.Object](c *call, p user) T {
	o := object[T](c, p)
	k := addressOf(o)
	if k.owed.Add(-1) < 0 {
		c.bug("the %s at %#x: all references that were given out have been given back already", o.Head().Type().Name,
			uintptr(p))
	}
	objects.owed.Add(-1)
	return o
}

// receive ends a routine that outputs an object: it writes the object's address to out and passes its reference to the
// program. On a fault it drops the reference.
func (c *call) receive(out user, o ob.Object) ntstatus.Status {
	if st := c.ProbeHandle(out); st != ntstatus.Success {
		o.Head().Deref(ob.TagContext)
		return st
	}
	return c.WriteU64(out, own(o))
}
