//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
)

// firstFailure returns the first status that is not a success, or STATUS_SUCCESS.
func firstFailure(list ...ntstatus.Status) ntstatus.Status {
	for _, st := range list {
		if st != ntstatus.Success {
			return st
		}
	}
	return ntstatus.Success
}

// hasSubject reports whether p points to a subject context with a primary token.
func (c *call) hasSubject(p user) bool {
	if p == 0 {
		return false
	}
	var b [subjectContextSize]byte
	c.read(p, b[:])
	return le.Uint64(b[16:]) != 0
}

// seAssignSecurityEx implements SeAssignSecurityEx: it computes a new object's descriptor and writes its address. The
// program frees it. Without a subject it writes NULL and returns STATUS_NO_TOKEN (S-60). The output is probed first.
// Then parameters that cannot be read give their status.
func seAssignSecurityEx(c *call) uint64 {
	in := kernel.SeAssignSecurityExIn{ParentDescriptor: captured(c.DescriptorAt(c.ptr(0))),
		ExplicitDescriptor: captured(c.DescriptorAt(c.ptr(1))),
		ObjectType:         captured(c.GUIDAt(c.ptr(3))), IsDirectoryObject: c.boolean(4),
		AutoInheritFlags: sd.AutoInherit(c.u32(5)),
		GenericMapping:   captured(c.MappingAt(c.ptr(7)))}
	if st := c.ProbeHandle(c.ptr(2)); st != ntstatus.Success {
		return status(st)
	}
	if c.hasSubject(c.ptr(6)) {
		in.SubjectContext = c.subjectAt(c.ptr(6))
	}
	d, st := c.face.k.SeAssignSecurityEx(in)
	if st == ntstatus.NoToken {
		c.WriteU64(c.ptr(2), 0) // Without a subject the variable becomes NULL (S-60).
	}
	return c.giveDescriptor(2, d, st)
}

// objectsDescriptor returns the descriptor of an object whose pointer to it parameter i points to.
func (c *call) objectsDescriptor(i int) (*sd.Descriptor, ntstatus.Status) {
	at, st := c.ReadU64(c.ptr(i))
	if st != ntstatus.Success {
		return nil, st
	}
	return c.DescriptorAt(user(at))
}

// seSetSecurityDescriptorInfoEx implements SeSetSecurityDescriptorInfoEx: it writes the address of the new
// descriptor. It does not free the replaced descriptor, which the caller owns. A failure leaves the address. The
// caller must hold the object's lock.
func seSetSecurityDescriptorInfoEx(c *call) uint64 {
	information, st := c.ReadU32(c.ptr(1))
	if st != ntstatus.Success {
		return status(st)
	}
	in := kernel.SeSetSecurityDescriptorInfoExIn{SecurityInformation: information,
		ModificationDescriptor:    captured(c.DescriptorAt(c.ptr(2))),
		ObjectsSecurityDescriptor: captured(c.objectsDescriptor(3)), AutoInheritFlags: sd.AutoInherit(c.u32(4)),
		GenericMapping: captured(c.MappingAt(c.ptr(6)))}
	if st := c.ProbeHandle(c.ptr(3)); st != ntstatus.Success {
		return status(st)
	}
	d, st := c.face.k.SeSetSecurityDescriptorInfoEx(in)
	return c.giveDescriptor(3, d, st)
}

// seQuerySecurityDescriptorInfo copies the selected parts of an object's descriptor. It always writes the required
// length. An object without a descriptor has one without parts (O-64). A buffer that is too small gives
// STATUS_BUFFER_TOO_SMALL.
func seQuerySecurityDescriptorInfo(c *call) uint64 {
	information, st := c.ReadU32(c.ptr(0))
	length, st2 := c.ReadU32(c.ptr(2))
	d, st3 := c.objectsDescriptor(3)
	if st := firstFailure(st, st2, st3); st != ntstatus.Success {
		return status(st)
	}
	if d == nil {
		d = sd.New(sd.Parts{}) // one without parts (O-64)
	}
	b := sd.Select(d, information).Append(nil)
	if st := c.WriteU32(c.ptr(2), uint32(len(b))); st != ntstatus.Success {
		return status(st)
	}
	if length < uint32(len(b)) {
		return status(ntstatus.BufferTooSmall)
	}
	return status(c.Write(c.ptr(1), b))
}

// seValidSecurityDescriptor implements SeValidSecurityDescriptor: it tests a self-relative descriptor, which must also
// have an owner (S-22).
func seValidSecurityDescriptor(c *call) uint64 {
	n := c.u32(0)
	if n < 20 {
		return 0
	}
	b, st := c.Block(c.ptr(1), int(n), 1)
	return truth(st == ntstatus.Success && sd.ValidRelative(b) && le.Uint32(b[4:]) != 0)
}
