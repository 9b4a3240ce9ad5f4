package services

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// NtDuplicateObject creates another handle to an object. With DUPLICATE_CLOSE_SOURCE it also closes the source handle,
// even if a later step fails (O-52). Without a target process it only closes the source handle, and without that option
// it returns STATUS_INVALID_PARAMETER (O-51). Both processes need PROCESS_DUP_HANDLE. The source process is checked
// first, then the target process and the source handle.
func (c *Context) NtDuplicateObject(in nt.DuplicateObjectIn) (out nt.DuplicateObjectOut, st ntstatus.Status) {
	// reference
	// The source process is checked first and must grant PROCESS_DUP_HANDLE (O-50).
	source, st := c.referenceProcess(in.SourceProcessHandle, winnt.PROCESS_DUP_HANDLE)
	if st != ntstatus.Success {
		return out, st
	}
	defer source.Deref(ob.TagCall)
	if uint32(in.Options)&winnt.DUPLICATE_CLOSE_SOURCE != 0 && in.TargetProcessHandle != 0 {
		defer c.closeIn(source, in.SourceHandle) // whatever comes of the duplication (O-52)
	}
	var target *ps.Process
	if in.TargetProcessHandle != 0 {
		// The target process is checked next and must grant PROCESS_DUP_HANDLE (O-50).
		if target, st = c.referenceProcess(in.TargetProcessHandle, winnt.PROCESS_DUP_HANDLE); st != ntstatus.Success {
			return out, c.named("TargetProcessHandle", "the right", st)
		}
		defer target.Deref(ob.TagCall)
	}
	// The source handle is checked last (O-50).
	from, st := c.lookupIn(source, in.SourceHandle)
	if st != ntstatus.Success {
		// The source handle does not exist in its process.
		return out, c.Fail("O-50", st)
	}
	defer from.head.Deref(ob.TagCall)
	if target == nil {
		return out, c.duplicateNowhere(source, &in)
	}
	// decide
	granted, st := c.decideDuplicate(from, target, &in)
	if st != ntstatus.Success {
		return out, st
	}
	// commit
	out.TargetHandle, st = c.insertDuplicate(from, source, target, granted, &in)
	return out, st
}

// duplicateNowhere handles NtDuplicateObject without a target process: it closes the source handle if
// DUPLICATE_CLOSE_SOURCE is set. Otherwise it returns STATUS_INVALID_PARAMETER (O-51). A close that fails gives its own
// status.
func (c *Context) duplicateNowhere(source *ps.Process, in *nt.DuplicateObjectIn) ntstatus.Status {
	if uint32(in.Options)&winnt.DUPLICATE_CLOSE_SOURCE == 0 {
		// Without a target the call creates and closes no handle.
		return c.Fail("O-51", ntstatus.InvalidParameter)
	}
	if st := c.closeIn(source, in.SourceHandle); st != ntstatus.Success {
		// The source could not be closed: that status is the call's.
		return c.Fail("O-51", st)
	}
	return ntstatus.Success
}

// sourceHandle is the handle that NtDuplicateObject copies: its object and the rights it grants.
type sourceHandle struct {
	ob.Granted
	head   *ob.Header // one reference
	pseudo bool       // no entry of a table
}

// lookupIn finds the object and rights of a source handle in process p. -1 means p itself. -2 means the calling
// thread, if p is the calling process (O-16). The pseudo handles of tokens are invalid here (O-57). A value without
// a table is STATUS_INVALID_HANDLE.
func (c *Context) lookupIn(p *ps.Process, v winnt.Handle) (sourceHandle, ntstatus.Status) {
	switch own := p == c.self.Process(); {
	// The value -1 means the process that the call is about, as a real handle would (O-16, O-57).
	case v == winnt.NtCurrentProcess:
		p.Ref(ob.TagCall)
		return sourceHandle{ob.Granted{Access: p.SelfAccess()}, p.Head(), true}, ntstatus.Success
	// The value -2 means the calling thread, and its duplicate is a real handle (O-57).
	case v == winnt.NtCurrentThread && own:
		c.self.Ref(ob.TagCall)
		return sourceHandle{ob.Granted{Access: c.self.SelfAccess()}, c.self.Head(), true}, ntstatus.Success
	}
	t := c.tableOf(p, v)
	if t == nil {
		// User mode does not see the kernel's table (O-13).
		return sourceHandle{}, ntstatus.InvalidHandle
	}
	h, g, st := t.Lookup(v, ob.TagCall)
	return sourceHandle{g, h, false}, st
}

// tableOf returns the handle table for a handle value in process p: the process's own, or for a negative value the
// kernel's. User mode gets nil for a negative value.
func (c *Context) tableOf(p *ps.Process, v winnt.Handle) *ob.Table {
	switch {
	case v >= 0:
		return p.Table()
	case c.Mode == access.Kernel:
		return c.Kernel
	}
	// User mode does not see the kernel's table (O-13).
	return nil
}

// closeIn closes a handle in the table of process p, for DUPLICATE_CLOSE_SOURCE. Closing a pseudo handle succeeds and
// has no effect. The tracer does not see a failure.
func (c *Context) closeIn(p *ps.Process, v winnt.Handle) ntstatus.Status {
	caller := c.Caller
	caller.Why = nil // the tracer must show the duplication's result, not that of the close
	caller.Table = p.Table()
	caller.Process = p // the audit record names the process of the closed handle
	return caller.Close(v)
}

// decideDuplicate returns the rights that the new handle grants, or the status that refuses them (O-54 to O-56). With a
// failure the rights are 0. An exclusive object gives STATUS_ACCESS_DENIED to another process.
func (c *Context) decideDuplicate(from sourceHandle, target *ps.Process, in *nt.DuplicateObjectIn) (winnt.AccessMask,
	ntstatus.Status) {
	subject := c.self.Subject()
	if c.Sys.Profile == nt.Observed && subject.Client == nil {
		// Observed: the target's token is the subject, not the caller's own process (O-56).
		subject = access.Subject{Primary: target.Token()}
	}
	d := ob.DecideDuplicate(&c.Caller, from.head.Object(), from.Granted, &subject, in.DesiredAccess, in.HandleAttributes,
		uint32(in.Options))
	if d.Status() != ntstatus.Success {
		return 0, d.Status()
	}
	if owner := from.head.Exclusive(); owner != nil && owner != ob.Object(target) {
		// An exclusive object gives handles to its one process only.
		return 0, c.Fail("O-27", ntstatus.AccessDenied)
	}
	return d.Granted, ntstatus.Success
}

// insertDuplicate creates the new handle of NtDuplicateObject. The kernel's table requires kernel mode and the
// System process as target (O-58). A duplicate from user mode is audited if the policy requires that, and fails if
// its record cannot be stored. A source that was closed meanwhile is STATUS_INVALID_HANDLE. After a failure the
// handle is 0, and none was created.
func (c *Context) insertDuplicate(from sourceHandle, source, target *ps.Process, granted winnt.AccessMask,
	in *nt.DuplicateObjectIn) (winnt.Handle, ntstatus.Status) {
	if st := c.MayInsert(); st != ntstatus.Success {
		return 0, st
	}
	t := target.Table()
	if c.Mode == access.Kernel && in.HandleAttributes&winnt.OBJ_KERNEL_HANDLE != 0 && target.IsSystem() {
		// A kernel handle is made only for kernel mode with the System process as target (O-58).
		t = c.Kernel
	}
	// The duplicate has the requested attributes, or the source's with DUPLICATE_SAME_ATTRIBUTES (O-53).
	attributes := ob.DuplicateAttributes(from.Attributes, in.HandleAttributes, uint32(in.Options))
	r, st := t.Reserve()
	if st == ntstatus.Success && c.Mode == access.User &&
		c.Sys.Log.Records(audit.HandleManipulation, audit.Success, c.effective()) {
		st = c.recordDuplicate(r, source, target, in)
	}
	if st == ntstatus.Success {
		// A program must not avoid the record of a use by using another handle (O-53).
		r.Audit(from.Pending & granted)
		publish := r.PublishDuplicate
		if from.pseudo {
			publish = r.Publish // the object of a pseudo handle may have no handle
		}
		st = publish(from.head.Object(), granted, attributes)
	}
	switch st {
	case ntstatus.Success:
		return r.Handle(), st
	case ntstatus.InvalidHandle:
		return 0, c.Fail("O-50", st) // the source was closed by another thread
	case ntstatus.AuditFailed:
		return 0, c.Fail("U-64", st)
	}
	return 0, c.NoHandle(st)
}

// recordDuplicate writes event 4690 for the reserved value r of the new handle, before the handle can be used (U-73).
// If the record cannot be stored, the value is free again.
func (c *Context) recordDuplicate(r ob.Reservation, source, target *ps.Process,
	in *nt.DuplicateObjectIn) ntstatus.Status {
	st := c.Sys.Log.Duplicated(c.origin(), in.SourceHandle, uint64(source.ID()), r.Handle(), uint64(target.ID()))
	if st != ntstatus.Success {
		r.Abandon() // U-64: nothing is granted
	}
	return st
}

// NtCompareObjects succeeds if two handles refer to one object, and otherwise returns STATUS_NOT_SAME_OBJECT. Neither
// handle needs a right. A handle that does not exist gives its status.
func (c *Context) NtCompareObjects(in nt.CompareObjectsIn) (out nt.CompareObjectsOut, st ntstatus.Status) {
	// reference
	// Any handle serves, with no right (O-31).
	a, _, st := ob.Reference[ob.Object](&c.Caller, in.FirstObjectHandle, 0, nil)
	if st != ntstatus.Success {
		return out, st
	}
	defer a.Head().Deref(ob.TagCall)
	b, _, st := ob.Reference[ob.Object](&c.Caller, in.SecondObjectHandle, 0, nil)
	if st != ntstatus.Success {
		return out, st
	}
	defer b.Head().Deref(ob.TagCall)
	// decide
	if a.Head() != b.Head() {
		return out, c.Fail("O-31", ntstatus.NotSameObject)
	}
	return out, ntstatus.Success
}

// NtMakeTemporaryObject makes an object temporary: it loses its name with its last handle. The handle must grant
// DELETE.
func (c *Context) NtMakeTemporaryObject(in nt.MakeTemporaryObjectIn) (out nt.MakeTemporaryObjectOut,
	st ntstatus.Status) {
	// reference
	// The handle must grant DELETE (O-46).
	obj, _, st := ob.Reference[ob.Object](&c.Caller, in.Handle, winnt.DELETE, nil)
	if st != ntstatus.Success {
		return out, st
	}
	defer obj.Head().Deref(ob.TagCall)
	// commit
	// From now on the object loses its name with its last handle (O-46).
	obj.Head().MakeTemporary()
	return out, ntstatus.Success
}

// NtMakePermanentObject lets an object's name outlive its last handle. The caller needs SeCreatePermanentPrivilege; the
// handle needs no right. A name that is permanent already stays so.
func (c *Context) NtMakePermanentObject(in nt.MakePermanentObjectIn) (out nt.MakePermanentObjectOut,
	st ntstatus.Status) {
	// capture
	if !c.holds(winnt.SeCreatePermanentPrivilege) {
		return out, c.Fail("O-46", ntstatus.PrivilegeNotHeld) // O-46: before the handle
	}
	// reference
	obj, _, st := ob.Reference[ob.Object](&c.Caller, in.Handle, 0, nil)
	if st != ntstatus.Success {
		return out, st
	}
	defer obj.Head().Deref(ob.TagCall)
	// commit
	// From now on the name stays when the last handle is closed (O-46).
	obj.Head().MakePermanent()
	return out, ntstatus.Success
}
