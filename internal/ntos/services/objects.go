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

// NtClose closes a handle. Closing a pseudo handle succeeds and has no effect (O-41). An invalid handle is
// STATUS_INVALID_HANDLE, one that is protected from closing STATUS_HANDLE_NOT_CLOSABLE.
func (c *Context) NtClose(in nt.CloseIn) (nt.CloseOut, ntstatus.Status) {
	// A handle that is protected from closing stays open, and a pseudo handle has no table entry to
	// close (O-40, O-41, O-42).
	return nt.CloseOut{}, c.Caller.Close(in.Handle)
}

// NtOpenProcess opens a process by its id. An unknown id is STATUS_INVALID_CID. The process's descriptor decides the
// rights. Reserved rights, and the SACL without its privilege, are refused before the id is looked up.
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
		// No process has that id.
		return out, c.Fail("O-37", ntstatus.InvalidCid)
	}
	defer p.Deref(ob.TagCall)
	out.ProcessHandle, st = c.openByID(p, winnt.ProcessObject, in.DesiredAccess, oa.Attributes)
	return out, st
}

// NtOpenThread opens a thread by its id. An unknown id, or a process id that is not 0 and not the thread's, is
// STATUS_INVALID_CID. The two low bits of ids are ignored. Reserved rights, and the SACL without its privilege, are
// refused before the id is looked up.
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
		// No thread has that id.
		return out, c.Fail("O-37", ntstatus.InvalidCid)
	}
	defer t.Deref(ob.TagCall)
	if id.UniqueProcess&^3 != 0 && id.UniqueProcess&^3 != t.Process().ID() {
		// The thread belongs to another process than the one named.
		return out, c.Fail("O-37", ntstatus.InvalidCid)
	}
	out.ThreadHandle, st = c.openByID(t, winnt.ThreadObject, in.DesiredAccess, oa.Attributes)
	return out, st
}

// captureID captures the parameters of NtOpenProcess and NtOpenThread: either a name or an id, not both (O-37).
// Processes and threads have no names here. NULL attributes are STATUS_ACCESS_VIOLATION. A name alone is
// STATUS_OBJECT_NAME_NOT_FOUND; both or neither are STATUS_INVALID_PARAMETER_MIX.
func (c *Context) captureID(a nt.Captured[*nt.ObjectAttributes], id nt.Captured[*nt.ClientID]) (oa nt.ObjectAttributes,
	cid nt.ClientID, st ntstatus.Status) {
	if id.Status != ntstatus.Success && a.Status != ntstatus.AccessViolation && a.V != nil {
		// An unreadable client id is refused before malformed attributes.
		return oa, cid, c.Fail("O-3", id.Status)
	}
	if a.V == nil && a.Status == ntstatus.Success {
		// The attributes must be given here.
		return oa, cid, c.Fail("O-37", ntstatus.AccessViolation)
	}
	if oa, st = c.captureAttributes(a); st != ntstatus.Success {
		return oa, cid, st
	}
	if (id.V == nil) == (oa.ObjectName == "") {
		// The caller must pass either a name or an id.
		return oa, cid, c.Fail("O-37", ntstatus.InvalidParameterMix)
	}
	if id.V == nil {
		// No process or thread has a name here.
		return oa, cid, c.Fail("O-23", ntstatus.ObjectNameNotFound)
	}
	return oa, *id.V, ntstatus.Success
}

// gateSystemSecurity checks the requested rights of an open before the object is looked up (O-22). It refuses reserved
// access bits, then ACCESS_SYSTEM_SECURITY without SeSecurityPrivilege.
func (c *Context) gateSystemSecurity(desired winnt.AccessMask) ntstatus.Status {
	if desired&winnt.RESERVED_RIGHTS != 0 {
		// Reserved bits are refused before rights are checked.
		return c.Fail("O-20", ntstatus.AccessDenied)
	}
	if desired&winnt.ACCESS_SYSTEM_SECURITY != 0 && !c.holds(winnt.SeSecurityPrivilege) {
		// Access to the SACL needs SeSecurityPrivilege.
		return c.Fail("O-30", ntstatus.PrivilegeNotHeld)
	}
	return ntstatus.Success
}

// openByID creates a handle to a process or thread. In user mode SeDebugPrivilege grants a non-empty request without an
// access check (O-37). The handle is 0 after a failure. Without the privilege the object's descriptor decides.
func (c *Context) openByID(obj ob.Object, typ *winnt.ObjectType, desired winnt.AccessMask,
	attributes uint32) (winnt.Handle, ntstatus.Status) {
	if attributes&typ.Invalid != 0 {
		// An attribute that the type refuses is found before access is checked.
		return 0, c.Fail("O-22", ntstatus.InvalidParameter)
	}
	subject := c.self.Subject()
	// SeDebugPrivilege grants the request without a check (O-37); an empty request is left to O-90.
	if c.Mode == access.User && desired != 0 && c.holds(winnt.SeDebugPrivilege) {
		d := ob.GrantNew(&c.Caller, obj.Head().Type(), &subject, desired, attributes)
		if d.Status() != ntstatus.Success {
			return 0, d.Status()
		}
		return c.insert(obj, d.Granted, attributes)
	}
	return ob.OpenByPointer(&c.Caller, obj, subject, desired, attributes)
}

// NtOpenFile opens an existing file: the client end of a pipe, a file of a tree, a device, or a named file without
// contents. It connects a pipe to a listening instance. An empty plain name, or one with a backslash, is
// STATUS_OBJECT_NAME_INVALID. An unknown one is STATUS_OBJECT_NAME_NOT_FOUND, and an object of another type
// STATUS_OBJECT_TYPE_MISMATCH.
func (c *Context) NtOpenFile(in nt.OpenFileIn) (out nt.OpenFileOut, st ntstatus.Status) {
	// capture
	oa, st := c.captureAttributes(in.ObjectAttributes)
	if st != ntstatus.Success {
		return out, st
	}
	if name, server, pipe := c.pipeToOpen(&oa); pipe {
		// The rights that the request implies are checked before the path (O-22).
		if st := c.gateSystemSecurity(in.DesiredAccess); st != ntstatus.Success {
			if server != nil {
				server.Deref(ob.TagCall)
			}
			return out, st
		}
		out.FileHandle, st = c.openPipe(name, server, &oa, in.DesiredAccess, in.OpenOptions)
		return out, st
	}
	if n, ok, st := c.inTree(&oa); ok {
		if st == ntstatus.Success {
			defer n.held.Head().Deref(ob.TagCall)
			out.FileHandle, st = c.openExisting(&n, &in, &oa)
		}
		return out, st
	}
	name := nameOf(&oa)
	if oa.RootDirectory == 0 {
		// The device of pipes is a file, with a backslash behind it too (T-139).
		name.Path, name.Below = deviceName(oa.ObjectName)
	}
	if oa.RootDirectory != 0 || strings.HasPrefix(oa.ObjectName, `\`) {
		// reference, decide, commit
		// Root, syntax, request, path, type, attributes and access are checked in this order (O-22).
		out.FileHandle, _, st = c.Sys.Names.Open(&c.Caller, name, FileType, c.self.Subject(), in.DesiredAccess)
		return out, st
	}
	// reference: a plain name refers to the root of files, without a path walk
	if oa.ObjectName == "" || strings.Contains(oa.ObjectName, `\`) {
		// A plain name has one component.
		return out, c.Fail("O-23", ntstatus.ObjectNameInvalid)
	}
	// The rights that the request implies are checked before the path (O-22).
	if st := c.gateSystemSecurity(in.DesiredAccess); st != ntstatus.Success {
		return out, st
	}
	h := c.Sys.Files.Lookup(oa.ObjectName, oa.Attributes&winnt.OBJ_CASE_INSENSITIVE != 0)
	if h == nil {
		// No file has that name.
		return out, c.Fail("O-23", ntstatus.ObjectNameNotFound)
	}
	defer h.Deref(ob.TagCall)
	if h.Type() != FileType {
		// Something of another type has that name.
		return out, c.Fail("O-23", ntstatus.ObjectTypeMismatch)
	}
	// decide and commit
	out.FileHandle, st = ob.OpenByPointer(&c.Caller, h.Object(), c.self.Subject(), in.DesiredAccess, oa.Attributes)
	return out, st
}

// NtSetInformationThread sets the impersonation token of a thread. Token handle 0 ends the impersonation. The handle
// must grant THREAD_SET_THREAD_TOKEN. Another class is STATUS_INVALID_INFO_CLASS. A length other than 8 is
// STATUS_INFO_LENGTH_MISMATCH.
func (c *Context) NtSetInformationThread(in nt.SetInformationThreadIn) (out nt.SetInformationThreadOut,
	st ntstatus.Status) {
	// capture
	if in.ThreadInformationClass != nt.ThreadImpersonationToken {
		// The impersonation token is the one class that can be set here.
		return out, c.Fail("I-70", ntstatus.InvalidInfoClass)
	}
	if in.ThreadInformationLength != 8 {
		// The value is one handle.
		return out, c.Fail("I-70", ntstatus.InfoLengthMismatch)
	}
	if in.ThreadInformation.Status != ntstatus.Success {
		return out, c.Fail("O-3", in.ThreadInformation.Status)
	}
	// reference
	// The handle must grant THREAD_SET_THREAD_TOKEN (I-70).
	t, _, st := ob.Reference[*ps.Thread](&c.Caller, in.ThreadHandle, winnt.THREAD_SET_THREAD_TOKEN, ps.ThreadType)
	if st != ntstatus.Success {
		return out, st
	}
	defer t.Deref(ob.TagCall)
	return out, c.AssignImpersonationToken(t, in.ThreadInformation.V)
}

// AssignImpersonationToken makes thread t impersonate the token of handle h, as PsAssignImpersonationToken does (I-70).
// Handle 0 ends the impersonation, and succeeds if there is none. The handle must grant TOKEN_IMPERSONATE. A primary
// token is STATUS_BAD_TOKEN_TYPE.
func (c *Context) AssignImpersonationToken(t *ps.Thread, h winnt.Handle) ntstatus.Status {
	if h == 0 {
		t.RevertToSelf() // success also where there is nothing to end (I-51)
		return ntstatus.Success
	}
	// The handle must grant TOKEN_IMPERSONATE (I-70).
	tok, _, st := ob.Reference[*se.TokenObject](&c.Caller, h, winnt.TOKEN_IMPERSONATE, se.TokenType)
	if st != ntstatus.Success {
		return st
	}
	defer tok.Deref(ob.TagCall)
	v := tok.Value()
	if v.Type() != winnt.TokenImpersonation {
		// A primary token is not taken.
		return c.Fail("I-70", ntstatus.BadTokenType)
	}
	// decide and commit
	// The rest is PsImpersonateClient at the token's own level (I-70).
	return c.ImpersonatedOn(t, ps.ImpersonateClient(t, tok, false, false, v.Level()))
}

// Impersonated ends a call that changed a thread's impersonation: it returns the status of the outcome o and names its
// rule for the tracer. A demotion to SecurityIdentification also has a rule, although it succeeds.
func (c *Context) Impersonated(o ps.Outcome) ntstatus.Status {
	if c.Why != nil && o.Rule != "" {
		c.why.Rule, c.why.Because = o.Rule, o.Because
	}
	return o.Status
}
