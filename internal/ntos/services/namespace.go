package services

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ke"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// EventType is the object type Event.
var EventType = &ob.Type{ObjectType: winnt.EventObject}

// Event is an NT event object, on which threads wait until it is signaled.
type Event struct {
	ob.Header
	Kind   nt.EventType // immutable
	signal ke.Signal
}

// NewEvent returns an unnamed event of a kind, signaled or not, with descriptor d and one reference (TagCall).
func NewEvent(kind nt.EventType, signaled bool, d *sd.Descriptor) *Event {
	e := &Event{Kind: kind}
	if signaled {
		e.signal.Set()
	}
	e.Init(EventType, e, d)
	return e
}

// Signaled reports whether the event is signaled. It does not reset the event.
func (e *Event) Signaled() bool { return e.signal.Take(false) }

// openNamed opens an object of a type by name (O-22). Missing attributes give STATUS_INVALID_PARAMETER. The handle is 0
// after a failure. Unreadable attributes give their status.
func (c *Context) openNamed(a nt.Captured[*nt.ObjectAttributes], typ *ob.Type, desired winnt.AccessMask) (winnt.Handle,
	ntstatus.Status) {
	// capture
	if a.Status == ntstatus.Success && a.V == nil {
		// An open without attributes has no name and is refused before any other check.
		return 0, c.Fail("O-22", ntstatus.InvalidParameter)
	}
	oa, st := c.captureAttributes(a)
	if st != ntstatus.Success {
		return 0, st
	}
	// reference, decide, commit
	h, _, st := c.Sys.Names.Open(&c.Caller, nameOf(&oa), typ, c.self.Subject(), desired)
	return h, st
}

// createNamed creates an object of a type, with or without a name (O-22). init returns the object for its descriptor.
// init is not called if a check fails. The handle is 0 after a failure. An injected fault is
// STATUS_INSUFFICIENT_RESOURCES.
func (c *Context) createNamed(a nt.Captured[*nt.ObjectAttributes], typ *ob.Type, desired winnt.AccessMask,
	init func(*sd.Descriptor) ob.Object) (winnt.Handle, ntstatus.Status) {
	// capture
	oa, st := c.captureAttributes(a)
	if st != ntstatus.Success {
		return 0, st
	}
	// reference, decide, commit
	h, _, st := c.Sys.Names.Create(&c.Caller, nameOf(&oa), typ, c.self.Subject(), desired,
		func(parent *ob.Directory) (ob.Object, ntstatus.Status) {
			if c.Sys.Fault("ob: object") {
				return nil, c.Fail("O-81", ntstatus.InsufficientResources)
			}
			d, st := c.newDescriptor(typ, oa.SecurityDescriptor, parent)
			if st != ntstatus.Success {
				return nil, st
			}
			obj := init(d)
			b := ob.Birth{}
			if c.Sys.Log.Clock != nil {
				b.CreationTime = c.Sys.Log.Clock()
			}
			obj.Head().SetBirth(b)
			c.Sys.Security.Objects.Track(obj)
			return obj, ntstatus.Success
		})
	return h, st
}

// nakedWithoutName reports whether an object of the type has no descriptor if it
// has no name and its creator supplies none (O-38).
func nakedWithoutName(typ *ob.Type) bool {
	return typ == EventType || typ == MutantType || typ == SemaphoreType || typ == TimerType
}

// newDescriptor returns the descriptor of a new object. explicit is the creator's descriptor, or nil. parent is nil
// for an unnamed object. A part that explicit does not have comes from parent's inheritable ACEs, then from the
// creator's effective token (O-38). With explicit and parent nil, a type of nakedWithoutName has no descriptor: the
// result is nil.
func (c *Context) newDescriptor(typ *ob.Type, explicit *sd.Descriptor, parent *ob.Directory) (*sd.Descriptor,
	ntstatus.Status) {
	if nakedWithoutName(typ) && parent == nil && explicit == nil {
		// Such an object without a name and a descriptor is open to every holder of a handle (O-35).
		return nil, ntstatus.Success
	}
	subject := c.self.Subject()
	r := sd.AssignRequest{
		Creator: explicit, IsContainer: typ.Container, Subject: se.Creator(&subject, c.Mode == access.Kernel),
		Mapping: &typ.Mapping, KernelObject: true,
	}
	if parent != nil {
		r.Parent = parent.Security()
	}
	// Missing parts of the creator's descriptor come from the directory, then from the token (O-38).
	d, st := c.assign(&r)
	if d != nil && explicit != nil {
		d = d.Clone() // otherwise it would keep the creator's whole buffer alive
	}
	return d, st
}

// assign computes the descriptor of a new object from its creator's, its parent's and its defaults. If the assignment
// is refused, it names the rule for the tracer.
func (c *Context) assign(r *sd.AssignRequest) (*sd.Descriptor, ntstatus.Status) {
	d, st := sd.Assign(r)
	switch st {
	case ntstatus.Success:
	case ntstatus.InvalidOwner:
		// Another owner than the creator may assign is refused.
		c.Fail("S-61", st)
	case ntstatus.InvalidPrimaryGroup:
		c.Fail("S-62", st)
	case ntstatus.PrivilegeNotHeld:
		c.Fail("S-71", st)
	default:
		c.Fail("S-17", st)
	}
	return d, st
}

// mayGive checks that the caller may set a descriptor on a new object of the type. A nil descriptor succeeds. The
// SACL of a token is not checked. Errors are:
//   - an owner that the caller may not assign: STATUS_INVALID_OWNER (S-61)
//   - a SACL that needs a missing privilege: STATUS_PRIVILEGE_NOT_HELD (S-71)
func (c *Context) mayGive(typ *winnt.ObjectType, given *sd.Descriptor) ntstatus.Status {
	if given == nil {
		return ntstatus.Success
	}
	p := given.Parts()
	if typ == winnt.TokenObject {
		p.SACL, p.Control = nil, p.Control&^sd.SACLPresent
	}
	subject := c.self.Subject()
	_, st := c.assign(&sd.AssignRequest{Creator: sd.New(p), Subject: se.Creator(&subject, c.Mode == access.Kernel),
		Mapping: &typ.Mapping, KernelObject: true})
	return st
}

// givesSACL reports whether a descriptor, which may be nil, gives a new token a SACL. A token ignores labels (O-39), so
// for a list with labels only the result is false.
func givesSACL(given *sd.Descriptor) bool {
	return given != nil && given.SACL() != nil && !given.SACL().OnlyLabels()
}

// NtCreateDirectoryObject creates an empty directory of named objects and opens it. A name that exists is an error,
// unless OBJ_OPENIF opens it.
func (c *Context) NtCreateDirectoryObject(in nt.CreateDirectoryObjectIn) (out nt.DirectoryObjectOut,
	st ntstatus.Status) {
	out.DirectoryHandle, st = c.createNamed(in.ObjectAttributes, ob.DirectoryType, in.DesiredAccess,
		func(d *sd.Descriptor) ob.Object {
			return ob.NewDirectory(d, 0)
		})
	return out, st
}

// NtOpenDirectoryObject opens a directory of named objects by its name. A missing name is
// STATUS_OBJECT_NAME_NOT_FOUND, an object of another type STATUS_OBJECT_TYPE_MISMATCH.
func (c *Context) NtOpenDirectoryObject(in nt.OpenDirectoryObjectIn) (out nt.DirectoryObjectOut, st ntstatus.Status) {
	out.DirectoryHandle, st = c.openNamed(in.ObjectAttributes, ob.DirectoryType, in.DesiredAccess)
	return out, st
}

// NtCreateSymbolicLinkObject creates a name that refers to another path, and opens it. The target need not exist. An
// empty target is STATUS_INVALID_PARAMETER, before the name is looked at. The handle is 0 after a failure.
func (c *Context) NtCreateSymbolicLinkObject(in nt.CreateSymbolicLinkObjectIn) (out nt.SymbolicLinkObjectOut,
	st ntstatus.Status) {
	// capture
	switch {
	case in.LinkTarget.Status != ntstatus.Success:
		return out, c.Fail("O-3", in.LinkTarget.Status)
	case in.LinkTarget.V == "":
		return out, c.Fail("O-22", ntstatus.InvalidParameter)
	}
	out.SymbolicLinkHandle, st = c.createNamed(in.ObjectAttributes, ob.SymbolicLinkType, in.DesiredAccess,
		func(d *sd.Descriptor) ob.Object {
			return ob.NewSymbolicLink(in.LinkTarget.V, d)
		})
	return out, st
}

// NtOpenSymbolicLinkObject opens a symbolic link itself, not its target. A missing name is
// STATUS_OBJECT_NAME_NOT_FOUND, an object of another type STATUS_OBJECT_TYPE_MISMATCH.
func (c *Context) NtOpenSymbolicLinkObject(in nt.OpenSymbolicLinkObjectIn) (out nt.SymbolicLinkObjectOut,
	st ntstatus.Status) {
	out.SymbolicLinkHandle, st = c.openNamed(in.ObjectAttributes, ob.SymbolicLinkType, in.DesiredAccess)
	return out, st
}

// NtCreateEvent creates an event, named or not, in its initial state, and opens it. An unknown type of event is
// STATUS_INVALID_PARAMETER, before the name is looked at.
func (c *Context) NtCreateEvent(in nt.CreateEventIn) (out nt.EventOut, st ntstatus.Status) {
	// capture
	if in.EventType > nt.SynchronizationEvent {
		return out, c.Fail("O-3", ntstatus.InvalidParameter)
	}
	out.EventHandle, st = c.createNamed(in.ObjectAttributes, EventType, in.DesiredAccess,
		func(d *sd.Descriptor) ob.Object {
			return NewEvent(in.EventType, in.InitialState, d)
		})
	return out, st
}

// NtOpenEvent opens an event by its name. A missing name is STATUS_OBJECT_NAME_NOT_FOUND, an object of another type
// STATUS_OBJECT_TYPE_MISMATCH.
func (c *Context) NtOpenEvent(in nt.OpenEventIn) (out nt.EventOut, st ntstatus.Status) {
	out.EventHandle, st = c.openNamed(in.ObjectAttributes, EventType, in.DesiredAccess)
	return out, st
}
