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

// NtQuerySecurityObject returns parts of an object's descriptor.
func (c *Context) NtQuerySecurityObject(in nt.QuerySecurityObjectIn) (out nt.QuerySecurityObjectOut,
	st ntstatus.Status) {
	// capture
	if in.FaultLengthNeeded != ntstatus.Success {
		return out, c.Fail("O-3", in.FaultLengthNeeded) // O-3
	}
	// reference
	obj, _, st := c.referenceFor(in.Handle, sd.QueryAccess(uint32(in.SecurityInformation)), "O-64") // O-64
	if st != ntstatus.Success {
		return out, st
	}
	defer obj.Head().Deref(ob.TagCall)
	if e, ok := obj.(*npfs.End); ok && e.Detached() {
		// A client that the server disconnected learns nothing of the pipe any more.
		return out, c.Fail("I-130", ntstatus.PipeDisconnected)
	}
	// decide
	// O-64, O-66: one snapshot; without security, no parts
	part := sd.Select(obj.Head().Security(), uint32(in.SecurityInformation))
	out.LengthNeeded = uint32(part.Size())
	if in.Length < out.LengthNeeded {
		return out, c.Fail("O-64", ntstatus.BufferTooSmall) // O-64
	}
	out.SecurityDescriptor = part
	return out, ntstatus.Success
}

// referenceFor references any object; a right that the handle lacks is noted
// with the rule that asks for it.
func (c *Context) referenceFor(h winnt.Handle, want winnt.AccessMask, rule string) (ob.Object, ob.Granted,
	ntstatus.Status) {
	if h == winnt.NtCurrentProcess {
		c.ProcessAccess = c.self.Process().SelfAccess() // O-17
	}
	obj, g, st := ob.Reference[ob.Object](&c.Caller, h, want, nil)
	if st == ntstatus.AccessDenied {
		c.Fail(rule, st)
	}
	return obj, g, st
}

// NtSetSecurityObject replaces parts of an object's descriptor.
func (c *Context) NtSetSecurityObject(in nt.SetSecurityObjectIn) (out nt.SetSecurityObjectOut, st ntstatus.Status) {
	// capture
	switch {
	case in.SecurityDescriptor.Status != ntstatus.Success:
		return out, c.Fail("O-65", in.SecurityDescriptor.Status) // O-65: unreadable, malformed, another revision
	case in.SecurityDescriptor.V == nil:
		return out, c.Fail("O-65", ntstatus.AccessViolation) // O-65
	}
	info := uint32(in.SecurityInformation)
	// reference
	obj, _, st := c.referenceFor(in.Handle, sd.SetAccess(info), "O-65") // O-65
	if st != ntstatus.Success {
		return out, st
	}
	defer obj.Head().Deref(ob.TagCall)
	if info&winnt.OWNER_SECURITY_INFORMATION != 0 && in.SecurityDescriptor.V.Owner().IsZero() ||
		info&winnt.GROUP_SECURITY_INFORMATION != 0 && in.SecurityDescriptor.V.Group().IsZero() {
		return out, c.Fail("O-65", ntstatus.InvalidSecurityDescr) // O-65
	}
	// decide and commit: a compare-and-swap that restarts (O-66)
	return out, c.setSecurity(obj.Head(), in.Handle, info, in.SecurityDescriptor.V)
}

// setSecurity puts parts of a descriptor into an object's. The change is
// recorded before it is made, once, also when the swap is tried again (U-73).
func (c *Context) setSecurity(h *ob.Header, handle winnt.Handle, info uint32, given *sd.Descriptor) ntstatus.Status {
	recorded := false
	for {
		// decide
		old := h.Security()
		if old == nil {
			return c.Fail("O-65", ntstatus.NoSecurityOnObject)
		}
		if c.Sys.Fault("se: descriptor") {
			return c.Fail("O-81", ntstatus.InsufficientResources) // O-81
		}
		d, rule, st := c.changed(h.Type(), info, old, given)
		if st != ntstatus.Success {
			return c.Fail(rule, st)
		}
		if !recorded && c.Mode == access.User {
			recorded = true
			if st := c.recordSecurity(h, handle, info, old, d); st != ntstatus.Success {
				return c.Fail("U-64", st) // U-64: nothing is changed
			}
		}
		// commit
		if h.CompareAndSwapSecurity(old, d) { // O-66
			return ntstatus.Success
		}
	}
}

// changed is what an object's descriptor becomes, or which rule refuses.
func (c *Context) changed(t *ob.Type, info uint32, old, given *sd.Descriptor) (d *sd.Descriptor, rule string,
	st ntstatus.Status) {
	subject := c.self.Subject()
	d, st = sd.Set(&sd.SetRequest{
		Information: info, Old: old, New: given, Subject: se.Creator(&subject, c.Mode == access.Kernel), // S-61, S-73
		IsContainer: t.Container, Mapping: &t.Mapping,
	})
	if st == ntstatus.Success && t == se.TokenType {
		d, st = se.KeepLabel(old, d, info) // O-39
	}
	switch st {
	case ntstatus.Success:
	case ntstatus.InvalidOwner:
		rule = "S-61" // O-65
	case ntstatus.InvalidPrimaryGroup:
		rule = "S-73"
	case ntstatus.InvalidParameter:
		rule = "S-75" // S-75
	case ntstatus.InvalidACL:
		rule = "S-17"
	default:
		rule = "O-65" // O-65: a label, SeRelabelPrivilege
	}
	return d, rule, st
}

// recordSecurity writes events 4670 and 4907 where the policy asks for them.
func (c *Context) recordSecurity(h *ob.Header, handle winnt.Handle, info uint32, old,
	d *sd.Descriptor) ntstatus.Status {
	if info&winnt.BACKUP_SECURITY_INFORMATION != 0 {
		info |= winnt.OWNER_SECURITY_INFORMATION | winnt.GROUP_SECURITY_INFORMATION | winnt.DACL_SECURITY_INFORMATION |
			winnt.SACL_SECURITY_INFORMATION
	}
	return c.Sys.Log.SecuritySet(c.origin(), audit.Object{Type: h.Type().Name, Name: h.Path(), Handle: handle}, old, d,
		info)
}
