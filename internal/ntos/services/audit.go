package services

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// auditor records the opens and closes of the object manager in the log.
type auditor struct{ log *audit.Log }

// Opens reports whether the policy asks for records of opens. It implements ob.Auditor.
func (a auditor) Opens() bool { return a.log.Policy.Opens() }

// Opened implements ob.Auditor (U-18). The request is built here, so that an open without a record does not pay for
// it. Without a record the result is zero. A required record that cannot be stored is STATUS_AUDIT_FAILED.
func (a auditor) Opened(c *ob.Caller, obj ob.Object, subject access.Subject, desired winnt.AccessMask,
	dec access.Decision, h winnt.Handle) (ob.Audited, ntstatus.Status) {
	head := obj.Head()
	r := access.Request{Descriptor: head.Security(), Subject: subject, Desired: desired, Type: head.Type().ObjectType,
		Mode: c.Mode}
	ha, st := a.log.Opened(&audit.Opening{
		Origin: originOf(c), Object: audit.Object{Type: head.Type().Name, Name: head.Path(),
			Handle: h}, Request: &r, Decision: dec,
		// Files are the only objects whose later reads and writes are recorded.
		Uses: head.Type().Name == winnt.FileObject.Name,
	})
	return ob.Audited{Rights: ha.Pending, OnClose: ha.GenerateOnClose}, st
}

// Closed records that a handle was closed. It implements ob.Auditor, and ignores a failure to write the record
// (U-73).
func (a auditor) Closed(c *ob.Caller, obj ob.Object, h winnt.Handle) {
	head := obj.Head()
	o := originOf(c)
	o.Subject = c.Subjects.Subject()
	a.log.Closed(o, audit.Object{Type: head.Type().Name, Name: head.Path(), Handle: h},
		audit.HandleAudit{GenerateOnClose: true})
}

// originOf returns the origin of an audit record, the process that made the call. The caller of originOf sets the
// subject.
func originOf(c *ob.Caller) audit.Origin {
	p, _ := c.Process.(*ps.Process)
	return audit.Origin{ProcessID: uint64(p.ID()), ProcessName: p.Name(), Wait: c.Wait}
}

// origin returns the origin of an audit record about this thread's own call: its process and subject (U-20).
func (c *Context) origin() audit.Origin {
	o := originOf(&c.Caller)
	o.Subject = c.self.Subject()
	return o
}

// maxAuditPrivileges is the largest number of privileges in the PRIVILEGE_SET of an audit call.
const maxAuditPrivileges = 60

// auditClient returns the client's token of an audit call. It first checks the token as auditToken does, then that
// the process itself holds SeAuditPrivilege (U-32).
func (c *Context) auditClient(h winnt.Handle) (*token.Token, ntstatus.Status) {
	v, st := c.auditToken(h)
	if st != ntstatus.Success {
		return nil, st
	}
	return v, c.auditPrivilege()
}

// auditToken returns the value of the client's token from the handle in an audit call (U-30, U-31). It fails with
// STATUS_BAD_IMPERSONATION_LEVEL for a client below SecurityIdentification. Any failure of the handle is returned.
func (c *Context) auditToken(h winnt.Handle) (*token.Token, ntstatus.Status) {
	// The handle must grant TOKEN_QUERY (U-30); pseudo handles of tokens are refused (O-15).
	tok, _, st := ob.Reference[*se.TokenObject](&c.Caller, h, winnt.TOKEN_QUERY, se.TokenType)
	if st != ntstatus.Success {
		return nil, st
	}
	defer tok.Deref(ob.TagCall)
	v := tok.Value()
	if v.Type() == winnt.TokenImpersonation && v.Level() < winnt.SecurityIdentification {
		// A client below SecurityIdentification is refused; a primary token is accepted.
		return nil, c.Fail("U-31", ntstatus.BadImpersonationLevel)
	}
	return v, ntstatus.Success
}

// auditPrivilege checks that the caller may make an audit call: it fails with STATUS_PRIVILEGE_NOT_HELD unless the
// process's primary token has SeAuditPrivilege enabled. An impersonated client does not matter (I-7).
func (c *Context) auditPrivilege() ntstatus.Status {
	if !c.mayAudit() {
		// The process itself needs SeAuditPrivilege to write records.
		return c.Fail("U-32", ntstatus.PrivilegeNotHeld)
	}
	return ntstatus.Success
}

// mayAudit reports whether the caller may write audit records: in kernel mode, or with SeAuditPrivilege enabled in
// the process's own token.
func (c *Context) mayAudit() bool {
	// The privilege counts in the process's own token, not in the client's (I-7).
	return c.Mode == access.Kernel || c.self.Process().Token().Has(winnt.SeAuditPrivilege)
}

// clientOrigin returns the origin of an audit record for a call that names its client by a token. The process is that
// of the caller.
func (c *Context) clientOrigin(client *token.Token) audit.Origin {
	o := originOf(&c.Caller)
	// A client at SecurityAnonymous was refused above, and records do not distinguish the other levels (U-31).
	o.Subject = access.Subject{Primary: c.self.Process().Token(), Client: client, Level: winnt.SecurityImpersonation}
	return o
}

// auditSet captures a PRIVILEGE_SET of an audit call (U-35). NULL is the empty set. Privileges that do not exist are
// dropped. It fails with STATUS_INVALID_PARAMETER for more than maxAuditPrivileges entries.
func (c *Context) auditSet(in nt.Captured[*nt.PrivilegeSet]) (set winnt.PrivilegeSet, st ntstatus.Status) {
	if in.Status != ntstatus.Success {
		// A privilege set that cannot be read is refused.
		return 0, c.Fail("U-35", in.Status)
	}
	if in.V == nil {
		return 0, ntstatus.Success
	}
	if len(in.V.Privilege) > maxAuditPrivileges {
		// A set of more than sixty privileges is refused.
		return 0, c.Fail("U-35", ntstatus.InvalidParameter)
	}
	for _, p := range in.V.Privilege {
		if v := winnt.Privilege(p.LUID); p.LUID <= winnt.LUID(winnt.LastPrivilege) && v.Valid() {
			set |= v.Bit()
		}
	}
	return set, ntstatus.Success
}

// captureNames checks that the names of an audit call were readable. It returns the status of the first that was not,
// or success (U-36).
func (c *Context) captureNames(names ...nt.Captured[string]) ntstatus.Status {
	for _, n := range names {
		if n.Status != ntstatus.Success {
			// A name that is NULL or cannot be read is refused.
			return c.Fail("U-36", n.Status)
		}
	}
	return ntstatus.Success
}

// NtOpenObjectAuditAlarm records that a client opened a server's object, or was refused, if the SACL of the given
// descriptor requests the record. It first checks the client's token and SeAuditPrivilege. After that, without a
// descriptor, it succeeds and does nothing. The handle identifier and names that cannot be read are failures. A
// required record that cannot be kept fails the call. It decides nothing: the caller's AccessGranted is recorded.
func (c *Context) NtOpenObjectAuditAlarm(in nt.OpenObjectAuditAlarmIn) (out nt.OpenObjectAuditAlarmOut,
	st ntstatus.Status) {
	// reference
	client, st := c.auditClient(in.ClientToken)
	if st != ntstatus.Success {
		return out, st
	}
	// capture
	if in.SecurityDescriptor.Status != ntstatus.Success {
		// A descriptor that cannot be captured ends the call with the status of the capture.
		return out, c.Fail("U-34", in.SecurityDescriptor.Status)
	}
	if in.SecurityDescriptor.V == nil {
		return out, ntstatus.Success // without a descriptor nothing is done (U-33)
	}
	set, st := c.auditSet(in.Privileges)
	if st != ntstatus.Success {
		return out, st
	}
	if in.HandleID.Status != ntstatus.Success {
		// A handle identifier that cannot be read is refused.
		return out, c.Fail("U-35", in.HandleID.Status)
	}
	if st := c.captureNames(in.SubsystemName, in.ObjectTypeName, in.ObjectName); st != ntstatus.Success {
		return out, st
	}
	// decide and commit
	o := c.clientOrigin(client)
	r := access.Request{Descriptor: in.SecurityDescriptor.V, Subject: o.Subject, Desired: in.DesiredAccess,
		Type: typeNamed(in.ObjectTypeName.V)}
	d := access.Refuse(ntstatus.AccessDenied).Using(set)
	if in.AccessGranted {
		d = access.Grant(in.GrantedAccess).Using(set)
	}
	// The record contains the caller's decision; it is written if the descriptor's SACL requests it (U-37).
	ha, st := c.Sys.Log.Opened(&audit.Opening{
		Origin: o,
		Object: audit.Object{Server: in.SubsystemName.V, Type: in.ObjectTypeName.V, Name: in.ObjectName.V,
			Handle: in.HandleID.V},
		Request: &r, Decision: d, Reported: true,
	})
	if st != ntstatus.Success {
		// A demanded record that cannot be kept fails the call.
		return out, c.Fail("U-64", st)
	}
	out.GenerateOnClose = ha.GenerateOnClose
	return out, ntstatus.Success
}

// NtPrivilegeObjectAuditAlarm records the use of privileges on an object, or the failed attempt. The caller's process
// needs SeAuditPrivilege, also if nothing is recorded.
func (c *Context) NtPrivilegeObjectAuditAlarm(in nt.PrivilegeObjectAuditAlarmIn) (out nt.PrivilegeObjectAuditAlarmOut,
	st ntstatus.Status) {
	// The tests run in the same order as in the other alarms (U-42).
	used, st := c.privilegesUsed(in.ClientToken, in.Privileges, in.AccessGranted, in.SubsystemName)
	if st != ntstatus.Success {
		return out, st
	}
	object := audit.Object{Server: in.SubsystemName.V, Handle: in.HandleID}
	// The use of these privileges on an object is one record (U-42).
	return out, c.kept(c.Sys.Log.PrivilegesUsed(used.by, object, in.DesiredAccess, used.set, used.outcome))
}

// NtPrivilegedServiceAuditAlarm records the use of privileges by a service, or the failed attempt. The caller's
// process needs SeAuditPrivilege, also if nothing is recorded.
func (c *Context) NtPrivilegedServiceAuditAlarm(
	in nt.PrivilegedServiceAuditAlarmIn,
) (out nt.PrivilegedServiceAuditAlarmOut, st ntstatus.Status) {
	// The tests run in the same order as in the other alarms (U-43).
	used, st := c.privilegesUsed(in.ClientToken, in.Privileges, in.AccessGranted, in.SubsystemName, in.ServiceName)
	if st != ntstatus.Success {
		return out, st
	}
	return out, c.kept(c.Sys.Log.ServiceCalled(used.by, in.SubsystemName.V, in.ServiceName.V, used.set, used.outcome))
}

// privilegeUse is the captured input of an audit call about the use of privileges: the client's origin, the privileges,
// and whether the use succeeded.
type privilegeUse struct {
	by      audit.Origin
	set     winnt.PrivilegeSet
	outcome audit.Outcome
}

// privilegesUsed checks and captures the parameters of an alarm about privileges. It checks token, level and
// SeAuditPrivilege first, then the names, then the set. With a status other than success u is incomplete.
func (c *Context) privilegesUsed(client winnt.Handle, privileges nt.Captured[*nt.PrivilegeSet], granted bool,
	names ...nt.Captured[string]) (u privilegeUse, st ntstatus.Status) {
	// reference
	v, st := c.auditClient(client)
	if st != ntstatus.Success {
		return u, st
	}
	// capture
	if st = c.captureNames(names...); st != ntstatus.Success {
		return u, st
	}
	u.by, u.outcome = c.clientOrigin(v), audit.Failure
	if granted {
		u.outcome = audit.Success
	}
	u.set, st = c.auditSet(privileges)
	return u, st
}

// kept ends a call that had to write an audit record. st is the status of the write, which it returns: a record that
// cannot be kept fails the call, and the tracer gets the rule (U-64).
func (c *Context) kept(st ntstatus.Status) ntstatus.Status {
	if st != ntstatus.Success {
		return c.Fail("U-64", st)
	}
	return st
}
