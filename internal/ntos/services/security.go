package services

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/ntos/npfs"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// NtQuerySecurityObject returns parts of an object's descriptor. An object without a descriptor gives one without
// parts. If the buffer is too small, the call returns STATUS_BUFFER_TOO_SMALL and the required length. A handle without
// the right fails. An end of a pipe that was disconnected is STATUS_PIPE_DISCONNECTED.
func (c *Context) NtQuerySecurityObject(in nt.QuerySecurityObjectIn) (out nt.QuerySecurityObjectOut,
	st ntstatus.Status) {
	// capture
	if in.FaultLengthNeeded != ntstatus.Success {
		return out, c.Fail("O-3", in.FaultLengthNeeded)
	}
	// reference
	// The handle must grant the right for each requested part.
	obj, _, st := c.referenceFor(in.Handle, sd.QueryAccess(uint32(in.SecurityInformation)), "O-64")
	if st != ntstatus.Success {
		return out, st
	}
	defer obj.Head().Deref(ob.TagCall)
	if e, ok := obj.(*npfs.End); ok && e.Detached() {
		// A client that the server disconnected can no longer query the pipe.
		return out, c.Fail("I-130", ntstatus.PipeDisconnected)
	}
	// decide
	// The call reads one snapshot, never a mixture (O-66). An object without a descriptor returns one without parts
	// (O-64).
	whole, st := c.securityOf(obj)
	if st != ntstatus.Success {
		return out, st
	}
	part := sd.Select(whole, uint32(in.SecurityInformation))
	out.LengthNeeded = uint32(part.Size())
	if in.Length < out.LengthNeeded {
		// If the buffer is too small, the required length is returned.
		return out, c.Fail("O-64", ntstatus.BufferTooSmall)
	}
	out.SecurityDescriptor = part
	return out, ntstatus.Success
}

// referenceFor references the object of a handle for a call on its descriptor. The caller releases the object, which
// is nil after a failure. A handle that does not grant want is STATUS_ACCESS_DENIED; rule is the rule id for the
// tracer. A revoked file fails too.
func (c *Context) referenceFor(h winnt.Handle, want winnt.AccessMask, rule string) (ob.Object, ob.Granted,
	ntstatus.Status) {
	obj, g, st := ob.Reference[ob.Object](&c.Caller, h, want, nil)
	if st == ntstatus.AccessDenied {
		c.Fail(rule, st)
	}
	if st != ntstatus.Success {
		return obj, g, st
	}
	if st := c.notRevoked(obj); st != ntstatus.Success {
		obj.Head().Deref(ob.TagCall)
		return nil, g, st
	}
	return obj, g, st
}

// NtSetSecurityObject replaces the parts of an object's descriptor that SecurityInformation names. The handle must
// grant the right for each part. A nil descriptor is STATUS_ACCESS_VIOLATION, before the handle is used. An end of a
// pipe that was disconnected is STATUS_PIPE_DISCONNECTED. After that a named owner or group that the descriptor does
// not have is STATUS_INVALID_SECURITY_DESCR.
func (c *Context) NtSetSecurityObject(in nt.SetSecurityObjectIn) (out nt.SetSecurityObjectOut, st ntstatus.Status) {
	// capture
	switch {
	case in.SecurityDescriptor.Status != ntstatus.Success:
		// A descriptor that is unreadable, malformed or of another revision is refused before the handle.
		return out, c.Fail("O-65", in.SecurityDescriptor.Status)
	case in.SecurityDescriptor.V == nil:
		return out, c.Fail("O-65", ntstatus.AccessViolation)
	}
	info := uint32(in.SecurityInformation)
	// reference
	// The handle must grant the right of each part that is set.
	obj, _, st := c.referenceFor(in.Handle, sd.SetAccess(info), "O-65")
	if st != ntstatus.Success {
		return out, st
	}
	defer obj.Head().Deref(ob.TagCall)
	if e, ok := obj.(*npfs.End); ok && e.Detached() {
		// A client that the server disconnected can no longer change the pipe.
		return out, c.Fail("I-130", ntstatus.PipeDisconnected)
	}
	if info&winnt.OWNER_SECURITY_INFORMATION != 0 && in.SecurityDescriptor.V.Owner().IsZero() ||
		info&winnt.GROUP_SECURITY_INFORMATION != 0 && in.SecurityDescriptor.V.Group().IsZero() {
		// A part that is set must be there.
		return out, c.Fail("O-65", ntstatus.InvalidSecurityDescr)
	}
	if f, ok := obj.(*File); ok && f.open != nil {
		return out, c.setTreeSecurity(f, in.Handle, info, in.SecurityDescriptor.V)
	}
	// decide and commit: a compare-and-swap that restarts (O-66)
	return out, c.setSecurity(obj.Head(), in.Handle, info, in.SecurityDescriptor.V)
}

// replacedSize is the number of bytes charged for a replaced descriptor in addition to its own size.
const replacedSize = 64

// setSecurity implements NtSetSecurityObject for objects outside the trees. A change from user mode is recorded
// once, before the descriptor changes (U-73). The caller pays for the new descriptor. An object without a descriptor
// is STATUS_NO_SECURITY_ON_OBJECT. After a failure the old descriptor stays and nothing is charged.
func (c *Context) setSecurity(h *ob.Header, handle winnt.Handle, info uint32, given *sd.Descriptor) ntstatus.Status {
	recorded := false
	for {
		// decide
		old := h.Security()
		if old == nil {
			// The object has no descriptor to change.
			return c.Fail("O-65", ntstatus.NoSecurityOnObject)
		}
		if c.Sys.Fault("se: descriptor") {
			return c.Fail("O-81", ntstatus.InsufficientResources)
		}
		d, rule, st := c.changed(h.Type(), info, old, given)
		if st != ntstatus.Success {
			return c.Fail(rule, st)
		}
		paid, st := c.self.Payer().Charge(replacedSize + d.HeapSize())
		if st != ntstatus.Success {
			// The caller pays for the new descriptor. If it cannot, the old one stays.
			return c.Fail("Q-2", st)
		}
		if !recorded && c.Mode == access.User {
			recorded = true
			if st := c.recordSecurity(h, handle, info, old, d); st != ntstatus.Success {
				paid.Return()
				return c.Fail("U-64", st) // nothing is changed
			}
		}
		// commit
		// The change is seen whole or not at all (O-66).
		if h.CompareAndSwapSecurity(old, d, paid) {
			return ntstatus.Success
		}
		paid.Return()
	}
}

// changed computes the descriptor that replaces old when a caller sets the parts info of given on an object of type t.
// After a refusal, rule is the rule of the status, and d must not be used. old and given stay unchanged.
func (c *Context) changed(t *ob.Type, info uint32, old, given *sd.Descriptor) (d *sd.Descriptor, rule string,
	st ntstatus.Status) {
	subject := c.self.Subject()
	// The subject must be allowed to assign the owner (S-61). Parts that the call does not name stay the
	// same (S-73).
	d, st = sd.Set(&sd.SetRequest{
		Information: info, Old: old, New: given, Subject: se.Creator(&subject, c.Mode == access.Kernel),
		Mapping: &t.Mapping,
	})
	d = d.Clone() // its parts come from the old descriptor and the given one, which are larger
	if st == ntstatus.Success && t == se.TokenType {
		// A token keeps its label against writing up, whatever the new descriptor contains (O-39).
		d, st = se.KeepLabel(old, d, info)
	}
	switch st {
	case ntstatus.Success:
	case ntstatus.InvalidOwner:
		// The caller may not assign this owner (O-65, S-61).
		rule = "S-61"
	case ntstatus.InvalidPrimaryGroup:
		rule = "S-73"
	case ntstatus.InvalidParameter:
		// A list cannot be protected and unprotected at once.
		rule = "S-75"
	case ntstatus.InvalidACL:
		rule = "S-17"
	default:
		rule = "O-65" // a label above the caller's, or without its privilege
	}
	return d, rule, st
}

// recordSecurity writes the audit records of a changed descriptor, events 4670 and 4907, if the policy requires them. A
// required record that cannot be stored is a failure.
func (c *Context) recordSecurity(h *ob.Header, handle winnt.Handle, info uint32, old,
	d *sd.Descriptor) ntstatus.Status {
	if info&winnt.BACKUP_SECURITY_INFORMATION != 0 {
		info |= winnt.OWNER_SECURITY_INFORMATION | winnt.DACL_SECURITY_INFORMATION | winnt.SACL_SECURITY_INFORMATION
	}
	return c.Sys.Log.SecuritySet(c.origin(), audit.Object{Type: h.Type().Name, Name: h.Path(), Handle: handle}, old, d,
		info)
}
