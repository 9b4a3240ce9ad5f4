package services

import (
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// NtClose closes a handle.
func (c *Context) NtClose(in nt.CloseIn) (nt.CloseOut, ntstatus.Status) {
	return nt.CloseOut{}, c.Caller.Close(in.Handle) // O-40, O-41, O-42
}

// NtOpenProcess opens a process by its id.
func (c *Context) NtOpenProcess(in nt.OpenProcessIn) (out nt.OpenProcessOut, st ntstatus.Status) {
	oa, id, st := c.captureID(in.ObjectAttributes, in.ClientID)
	if st != ntstatus.Success {
		return out, st
	}
	if st := c.gateSystemSecurity(in.DesiredAccess); st != ntstatus.Success {
		return out, st
	}
	// reference
	p := c.Sys.LookupProcess(id.UniqueProcess)
	if p == nil {
		return out, c.Fail("O-37", ntstatus.InvalidCid) // O-37
	}
	defer p.Deref(ob.TagCall)
	out.ProcessHandle, st = c.openByID(p, winnt.ProcessObject, in.DesiredAccess, oa.Attributes)
	return out, st
}

// NtOpenThread opens a thread by its id.
func (c *Context) NtOpenThread(in nt.OpenThreadIn) (out nt.OpenThreadOut, st ntstatus.Status) {
	oa, id, st := c.captureID(in.ObjectAttributes, in.ClientID)
	if st != ntstatus.Success {
		return out, st
	}
	if st := c.gateSystemSecurity(in.DesiredAccess); st != ntstatus.Success {
		return out, st
	}
	// reference
	t := c.Sys.LookupThread(id.UniqueThread)
	if t == nil {
		return out, c.Fail("O-37", ntstatus.InvalidCid) // O-37
	}
	defer t.Deref(ob.TagCall)
	if id.UniqueProcess&^3 != 0 && id.UniqueProcess&^3 != t.Process().ID() {
		return out, c.Fail("O-37", ntstatus.InvalidCid) // O-37: not a thread of that process
	}
	out.ThreadHandle, st = c.openByID(t, winnt.ThreadObject, in.DesiredAccess, oa.Attributes)
	return out, st
}

// captureID captures what NtOpenProcess and NtOpenThread are given: exactly
// one of name and id (O-37). Processes and threads have no names here.
func (c *Context) captureID(a nt.Captured[*nt.ObjectAttributes], id nt.Captured[*nt.ClientID]) (oa nt.ObjectAttributes,
	cid nt.ClientID, st ntstatus.Status) {
	if id.Status != ntstatus.Success && a.Status != ntstatus.AccessViolation && a.V != nil {
		return oa, cid, c.Fail("O-3", id.Status) // O-3: what cannot be read comes before what is wrong in what can
	}
	if a.V == nil && a.Status == ntstatus.Success {
		return oa, cid, c.Fail("O-37", ntstatus.AccessViolation) // NULL attributes are not optional here.
	}
	if oa, st = c.captureAttributes(a); st != ntstatus.Success {
		return oa, cid, st
	}
	if (id.V == nil) == (oa.ObjectName == "") {
		return oa, cid, c.Fail("O-37", ntstatus.InvalidParameterMix) // O-37
	}
	if id.V == nil {
		return oa, cid, c.Fail("O-23", ntstatus.ObjectNameNotFound) // O-23: no process has a name
	}
	return oa, *id.V, ntstatus.Success
}

// gateSystemSecurity is step (4) of O-22: reserved bits, and
// ACCESS_SYSTEM_SECURITY without its privilege.
func (c *Context) gateSystemSecurity(desired winnt.AccessMask) ntstatus.Status {
	if desired&winnt.RESERVED_RIGHTS != 0 {
		return c.Fail("O-20", ntstatus.AccessDenied) // O-20
	}
	if desired&winnt.ACCESS_SYSTEM_SECURITY != 0 && !c.holds(winnt.SeSecurityPrivilege) {
		return c.Fail("O-30", ntstatus.PrivilegeNotHeld) // O-30
	}
	return ntstatus.Success
}

// openByID makes the handle. SeDebugPrivilege bypasses the access check and
// grants what is asked (O-37).
func (c *Context) openByID(obj ob.Object, typ *winnt.ObjectType, desired winnt.AccessMask,
	attributes uint32) (winnt.Handle, ntstatus.Status) {
	if attributes&typ.Invalid != 0 {
		return 0, c.Fail("O-22", ntstatus.InvalidParameter) // O-22 (7)
	}
	subject := c.self.Subject()
	if c.Mode == access.User && desired != 0 && c.holds(winnt.SeDebugPrivilege) { // O-37; nothing asked is O-90's
		d := ob.GrantNew(&c.Caller, obj.Head().Type(), &subject, desired, attributes)
		if d.Status() != ntstatus.Success {
			return 0, d.Status()
		}
		return c.insert(obj, d.Granted, attributes)
	}
	h, _, st := ob.OpenByPointer(&c.Caller, obj, subject, desired, attributes)
	return h, st
}

// FileType is the object type File.
var FileType = &ob.Type{ObjectType: winnt.FileObject}

// File is a named file without contents: something to open.
type File struct{ ob.Header }

// NtOpenFile opens the file of that name.
func (c *Context) NtOpenFile(in nt.OpenFileIn) (out nt.OpenFileOut, st ntstatus.Status) {
	// capture
	oa, st := c.captureAttributes(in.ObjectAttributes)
	if st != ntstatus.Success {
		return out, st
	}
	if name, pipe := pipeName(oa.ObjectName); pipe {
		if st := c.gateSystemSecurity(in.DesiredAccess); st != ntstatus.Success { // O-22 (4)
			return out, st
		}
		out.FileHandle, st = c.openPipe(name, &oa, in.DesiredAccess)
		return out, st
	}
	if oa.RootDirectory != 0 || strings.HasPrefix(oa.ObjectName, `\`) {
		// reference, decide, commit
		// O-22 (2) to (10)
		out.FileHandle, _, st = c.Sys.Names.Open(&c.Caller, nameOf(&oa), FileType, c.self.Subject(), in.DesiredAccess)
		return out, st
	}
	// reference: a plain name is one of the root of files, which is not walked to
	if oa.ObjectName == "" || strings.Contains(oa.ObjectName, `\`) {
		return out, c.Fail("O-23", ntstatus.ObjectNameInvalid) // O-23
	}
	if st := c.gateSystemSecurity(in.DesiredAccess); st != ntstatus.Success { // O-22 (4)
		return out, st
	}
	h := c.Sys.Files.Lookup(oa.ObjectName, oa.Attributes&winnt.OBJ_CASE_INSENSITIVE != 0)
	if h == nil {
		return out, c.Fail("O-23", ntstatus.ObjectNameNotFound) // O-23
	}
	defer h.Deref(ob.TagCall)
	if h.Type() != FileType {
		return out, c.Fail("O-23", ntstatus.ObjectTypeMismatch) // O-23
	}
	// decide and commit
	out.FileHandle, _, st = ob.OpenByPointer(&c.Caller, h.Object(), c.self.Subject(), in.DesiredAccess, oa.Attributes)
	return out, st
}

// NtSetInformationThread sets or ends the impersonation of a thread.
func (c *Context) NtSetInformationThread(in nt.SetInformationThreadIn) (out nt.SetInformationThreadOut,
	st ntstatus.Status) {
	// capture
	if in.ThreadInformationClass != nt.ThreadImpersonationToken {
		return out, c.Fail("I-70", ntstatus.InvalidInfoClass) // I-70
	}
	if in.ThreadInformationLength != 8 {
		return out, c.Fail("I-70", ntstatus.InfoLengthMismatch) // I-70
	}
	if in.ThreadInformation.Status != ntstatus.Success {
		return out, c.Fail("O-3", in.ThreadInformation.Status) // O-3
	}
	// reference
	// I-70
	t, _, st := ob.Reference[*ps.Thread](&c.Caller, in.ThreadHandle, winnt.THREAD_SET_THREAD_TOKEN, ps.ThreadType)
	if st != ntstatus.Success {
		return out, st
	}
	defer t.Deref(ob.TagCall)
	return out, c.assignImpersonationToken(t, in.ThreadInformation.V)
}

// assignImpersonationToken is PsAssignImpersonationToken (I-70).
func (c *Context) assignImpersonationToken(t *ps.Thread, h winnt.Handle) ntstatus.Status {
	if h == 0 {
		t.RevertToSelf() // I-70, I-51: success also when not impersonating
		return ntstatus.Success
	}
	tok, _, st := ob.Reference[*se.TokenObject](&c.Caller, h, winnt.TOKEN_IMPERSONATE, se.TokenType) // I-70
	if st != ntstatus.Success {
		return st
	}
	defer tok.Deref(ob.TagCall)
	v := tok.Value()
	if v.Type() != winnt.TokenImpersonation {
		return c.Fail("I-70", ntstatus.BadTokenType) // I-70
	}
	// decide and commit
	return c.Impersonated(ps.ImpersonateClient(t, tok, false, false, v.Level())) // I-70
}

// Impersonated notes the outcome for the tracer: a demotion is a success that
// a reader of the transcript must not overlook.
func (c *Context) Impersonated(o ps.Outcome) ntstatus.Status {
	if c.Why != nil && o.Rule != "" {
		c.why.Rule, c.why.Because = o.Rule, o.Because
	}
	return o.Status
}
