//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// creator returns the identity of a token's user as the creator of a private object, nil for NULL. The handle needs
// TOKEN_QUERY.
func (c *call) creator(h winnt.Handle) (*sd.Caller, ntstatus.Status) {
	if h == 0 {
		return nil, ntstatus.Success
	}
	if r := c.remote(); r != nil {
		return r.creator(h)
	}
	s, _ := embedded()
	k := s.KernelMode(c.nt)
	o, _, st := k.ObReferenceObjectByHandle(h, winnt.TOKEN_QUERY, winnt.TokenObject, kernel.UserMode)
	if st != ntstatus.Success {
		return nil, st
	}
	defer k.ObDereferenceObject(o)
	subject := access.Subject{Primary: o.(*kernel.AccessToken).Value()}
	return se.Creator(&subject, false), ntstatus.Success
}

// rmAssign creates the security descriptor of a new private object, as a block that the caller frees. Parent and
// creator may be NULL. A failure writes nothing.
func rmAssign(c *call) uint64 {
	parent, explicit, types := captured(c.DescriptorAt(c.ptr(0))), captured(c.DescriptorAt(c.ptr(1))),
		captured(c.GUIDsAt(c.ptr(3), c.u32(4)))
	mapping := captured(c.MappingAt(c.ptr(8)))
	for _, st := range []ntstatus.Status{parent.Status, explicit.Status, types.Status, mapping.Status,
		c.ProbeHandle(c.ptr(2))} {
		if st != ntstatus.Success {
			return status(st)
		}
	}
	who, st := c.creator(c.handle(7))
	if st != ntstatus.Success {
		return status(st)
	}
	d, st := sd.Assign(&sd.AssignRequest{Parent: parent.V, Creator: explicit.V, ObjectTypes: types.V,
		IsContainer: c.boolean(5), Flags: sd.AutoInherit(c.u32(6)), Subject: who, Mapping: &mapping.V})
	return c.giveDescriptor(2, d, st)
}

// rmSetParts replaces parts of a private object's descriptor. The result is newly allocated, and the caller frees it. A
// missing descriptor, old or new, is STATUS_INVALID_SECURITY_DESCR. Unreadable parameters give their status.
func rmSetParts(c *call) uint64 {
	change, old, mapping := captured(c.DescriptorAt(c.ptr(1))), captured(c.DescriptorAt(c.ptr(2))),
		captured(c.MappingAt(c.ptr(4)))
	for _, st := range []ntstatus.Status{change.Status, old.Status, mapping.Status} {
		if st != ntstatus.Success {
			return status(st)
		}
	}
	if change.V == nil || old.V == nil {
		return status(ntstatus.InvalidSecurityDescr)
	}
	who, st := c.creator(c.handle(6))
	if st != ntstatus.Success {
		return status(st)
	}
	d, st := sd.Set(&sd.SetRequest{Information: c.u32(0), Old: old.V, New: change.V, Flags: sd.AutoInherit(c.u32(5)),
		Subject: who, Mapping: &mapping.V})
	return c.giveDescriptor(3, d, st)
}

// rmSelectParts copies the requested parts of a descriptor to a buffer, in self-relative form. It writes the required
// length also if the buffer is too small. NULL as the descriptor gives STATUS_INVALID_SECURITY_DESCR.
func rmSelectParts(c *call) uint64 {
	d, st := c.DescriptorAt(c.ptr(0))
	if st != ntstatus.Success {
		return status(st)
	}
	if d == nil {
		return status(ntstatus.InvalidSecurityDescr)
	}
	b := sd.Select(d, c.u32(1)).Append(nil)
	if st := c.WriteU32(c.ptr(4), uint32(len(b))); st != ntstatus.Success {
		return status(st)
	}
	if c.u32(3) < uint32(len(b)) {
		return status(ntstatus.BufferTooSmall)
	}
	return status(c.Write(c.ptr(2), b))
}
