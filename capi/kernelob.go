//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// obReferenceObjectByHandle implements ObReferenceObjectByHandle: it passes a reference on a handle's object to the
// program. The handle information is optional. The information is written before the object; after a failure nothing
// is.
func obReferenceObjectByHandle(c *call) uint64 {
	o, info, st := c.face.k.ObReferenceObjectByHandle(c.handle(0), c.mask(1), c.objectType(2), c.processorMode(3))
	if st != ntstatus.Success {
		return status(st)
	}
	if p := c.ptr(5); p != 0 {
		c.write(p, le.AppendUint32(le.AppendUint32(nil, info.HandleAttributes), uint32(info.GrantedAccess)))
	}
	return status(c.receive(c.ptr(4), o))
}

// obReferenceObjectByPointer implements ObReferenceObjectByPointer: it references an object by its address. It checks
// the type but not the rights, because only handles carry rights. Another type, and in user mode no type, is
// STATUS_OBJECT_TYPE_MISMATCH.
func obReferenceObjectByPointer(c *call) uint64 {
	o, t := c.find(c.ptr(0)).object, c.objectType(2)
	if mine := o.Head().Type().ObjectType; mine != t && (t != nil || c.processorMode(3) == kernel.UserMode) {
		// The object is of another type; only kernel mode may leave the type out (O-33).
		return status(ntstatus.ObjectTypeMismatch)
	}
	o.Head().Ref(ob.TagContext)
	own(o)
	return status(ntstatus.Success)
}

// obfReferenceObject implements ObReferenceObject: it adds a reference to an object. The count that it returns is for
// debugging only.
func obfReferenceObject(c *call) uint64 {
	o := c.find(c.ptr(0)).object
	o.Head().Ref(ob.TagContext)
	own(o)
	return uint64(o.Head().PointerCount() - 1) // without the reference of this call
}

// obReferenceObjectSafe references an object unless its last reference is gone, and returns whether it did.
func obReferenceObjectSafe(c *call) uint64 {
	k := c.alive(c.ptr(0))
	if k == nil {
		return 0
	}
	k.object.Head().Ref(ob.TagContext)
	own(k.object)
	return 1
}

// obfDereferenceObject implements ObDereferenceObject: it releases a reference of the program. The count that it
// returns is for debugging only.
func obfDereferenceObject(c *call) uint64 {
	o := disown[ob.Object](c, c.ptr(0))
	c.face.k.ObDereferenceObject(o)
	return uint64(o.Head().PointerCount() - 1)
}

var openByPointer = kernel.Table.Find("ObOpenObjectByPointer")

// obOpenObjectByPointer implements ObOpenObjectByPointer: it opens an object by its address. A NULL access state means
// the caller's own. In the Observed profile a failure past the probe writes NULL.
func obOpenObjectByPointer(c *call) uint64 {
	if st := c.ProbeHandle(c.ptr(6)); st != ntstatus.Success {
		return status(st)
	}
	in := kernel.ObOpenObjectByPointerIn{Object: c.find(c.ptr(0)).object, HandleAttributes: c.u32(1),
		DesiredAccess: c.mask(3), ObjectType: c.objectType(4), AccessMode: c.processorMode(5)}
	if p := c.ptr(2); p != 0 {
		in.PassedAccessState = c.accessStateAt(p)
	}
	out, st := c.face.k.CallRow(openByPointer, in)
	var h winnt.Handle
	if o, ok := out.(kernel.ObOpenObjectByPointerOut); ok {
		h = o.Handle
	}
	return c.openedAt(c.ptr(6), h, st)
}

// obMakeTemporaryObject implements ObMakeTemporaryObject: the object loses its name with its last handle (O-46).
func obMakeTemporaryObject(c *call) uint64 {
	c.find(c.ptr(0)).object.Head().MakeTemporary()
	return 0
}

// obCloseHandle implements ObCloseHandle: it closes a handle in the given mode. User mode has no kernel handles.
func obCloseHandle(c *call) uint64 {
	if c.processorMode(1) == kernel.UserMode && c.handle(0) < 0 {
		// User mode does not see the handles of the kernel table, which have the top bit set (O-13).
		return status(ntstatus.InvalidHandle)
	}
	return status(c.face.k.ZwClose(c.handle(0)))
}

// obGetObjectSecurity implements ObGetObjectSecurity: it writes a copy of the object's descriptor, NULL for an object
// without security.
func obGetObjectSecurity(c *call) uint64 {
	d := c.find(c.ptr(0)).object.Head().Security()
	if st := firstFailure(c.ProbeHandle(c.ptr(1)), c.Probe(c.ptr(2), 1, 1)); st != ntstatus.Success {
		return status(st)
	}
	if st := firstFailure(c.WriteU64(c.ptr(1), 0), c.WriteBool(c.ptr(2), d != nil)); st != ntstatus.Success || d == nil {
		return status(st)
	}
	return status(c.give(c.ptr(1), d.Append(nil)))
}

// refmonCounts writes the numbers of objects, handles and references of the embedded kernel, for tests of leaks. It
// returns 0.
func refmonCounts(c *call) uint64 {
	s, _ := embedded()
	var e marshal.Encoder
	for _, n := range counts(s) {
		e.U64(uint64(n))
	}
	c.write(c.ptr(0), e.Bytes)
	return 0
}

// counts returns the numbers of objects, handles and references of the kernel, and of the references that the program
// has not released yet.
func counts(s *kernel.System) [4]int64 {
	o, h, r := s.Counts()
	return [4]int64{o, h, r, objects.owed.Load()}
}
