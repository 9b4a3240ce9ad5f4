package services

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// auditedCheck is one call of the NtAccessCheckAndAuditAlarm family, which checks a client's access to a server's
// object and records the result. run calls its steps in the order in which they are declared here.
type auditedCheck struct {
	c       *Context
	in      *nt.AccessCheckAndAuditAlarmByHandleIn // with no token for the calls that take none
	list    bool
	byToken bool

	client *token.Token
	silent bool // no privilege, and none needed: the check leaves no record
	r      access.Request
	d      access.Decision
	nodes  []access.NodeResult
	out    nt.AccessCheckResultListAndAuditAlarmOut
}

// run executes the call: it finds the client, checks SeAuditPrivilege, captures the input, decides, and writes the
// record. It returns the status of the first step that fails.
func (a *auditedCheck) run() (st ntstatus.Status) {
	for _, step := range []func() ntstatus.Status{a.who, a.privilege, a.capture, a.decide, a.record} {
		if st = step(); st != ntstatus.Success {
			return st
		}
	}
	return ntstatus.Success
}

// who finds the client whose access is checked, and stores it in a.client. The client is the token of the handle, or
// without a handle the impersonated client. Errors include:
//   - a wrong audit type or number of object types: STATUS_INVALID_PARAMETER
//   - no client, or a primary token: STATUS_NO_IMPERSONATION_TOKEN
//   - an impersonated client below SecurityIdentification: STATUS_BAD_IMPERSONATION_LEVEL
func (a *auditedCheck) who() ntstatus.Status {
	c, in := a.c, a.in
	if in.AuditType > nt.AuditEventDirectoryServiceAccess {
		// A check that records is about object access or directory service access.
		return c.Fail("U-45", ntstatus.InvalidParameter)
	}
	if !a.byToken {
		s := c.self.Subject()
		if s.Client == nil {
			// Without a token the client is the one impersonated, and this thread impersonates none (U-56).
			return c.Fail("U-46", ntstatus.NoImpersonationToken)
		}
		if s.Level < winnt.SecurityIdentification {
			// The client must be at SecurityIdentification at least.
			return c.Fail("U-46", ntstatus.BadImpersonationLevel)
		}
		a.client = s.Client.WithTypeLevel(winnt.TokenImpersonation, s.Level)
	}
	if n := len(in.ObjectTypeList.V); a.list && in.ObjectTypeList.Status == ntstatus.Success &&
		(n == 0 || n > access.MaxObjectTypes) {
		// A result list has one entry at least and 4096 at most.
		return c.Fail("U-47", ntstatus.InvalidParameter)
	}
	for _, st := range []ntstatus.Status{in.GenericMapping.Status, in.FaultOutputs} {
		if st != ntstatus.Success {
			// The mapping and the outputs are tried before token and privilege.
			return c.Fail("U-48", st)
		}
	}
	if !a.byToken {
		return ntstatus.Success
	}
	// The token of the form by handle is referenced as for the alarms (U-49).
	client, st := c.auditToken(in.ClientToken)
	if st != ntstatus.Success {
		return st
	}
	if client.Type() != winnt.TokenImpersonation {
		// A primary token is not a client.
		return c.Fail("A-14", ntstatus.NoImpersonationToken)
	}
	a.client = client
	return ntstatus.Success
}

// privilege checks SeAuditPrivilege in the process's own token. Without it, AUDIT_ALLOW_NO_PRIVILEGE lets the check go
// on without a record; otherwise the status is STATUS_PRIVILEGE_NOT_HELD.
func (a *auditedCheck) privilege() ntstatus.Status {
	a.silent = !a.c.mayAudit()
	if a.silent && a.in.Flags&winnt.AUDIT_ALLOW_NO_PRIVILEGE == 0 {
		// The check may go without its record only where the caller says so.
		return a.c.Fail("U-50", ntstatus.PrivilegeNotHeld)
	}
	return ntstatus.Success
}

// capture checks the captured input of an audited access check. The order is: requested rights, descriptor, names,
// self SID, list of types. The first failure decides the status. Generic rights are STATUS_GENERIC_NOT_MAPPED. A
// descriptor without owner or group is STATUS_INVALID_SECURITY_DESCR.
func (a *auditedCheck) capture() ntstatus.Status {
	c, in := a.c, a.in
	if in.DesiredAccess&winnt.GENERIC_RIGHTS != 0 {
		// Generic rights are refused after the privilege.
		return c.Fail("U-51", ntstatus.GenericNotMapped)
	}
	if in.SecurityDescriptor.Status != ntstatus.Success {
		// A descriptor that cannot be captured ends the call.
		return c.Fail("U-52", in.SecurityDescriptor.Status)
	}
	if d := in.SecurityDescriptor.V; d == nil || d.Owner().IsZero() || d.Group().IsZero() {
		// The descriptor must have an owner and a group.
		return c.Fail("U-52", ntstatus.InvalidSecurityDescr)
	}
	if st := c.captureNames(in.SubsystemName, in.ObjectTypeName, in.ObjectName); st != ntstatus.Success {
		// The names are captured after the descriptor (U-53).
		return st
	}
	for _, st := range []ntstatus.Status{in.PrincipalSelfSid.Status, in.ObjectTypeList.Status} {
		if st != ntstatus.Success {
			// The SID for the object itself and the list of types are checked last.
			return c.Fail("U-53", st)
		}
	}
	return ntstatus.Success
}

// decide runs the access check of NtAccessCheck and its forms (U-55), and stores the granted rights and statuses in
// a.out. A list that is not a tree fails the call; a denial does not.
func (a *auditedCheck) decide() (st ntstatus.Status) {
	c, in := a.c, a.in
	a.r = access.Request{
		Descriptor: in.SecurityDescriptor.V, Desired: in.DesiredAccess, Mapping: &in.GenericMapping.V,
		Type:        typeNamed(in.ObjectTypeName.V),
		ObjectTypes: in.ObjectTypeList.V, Self: in.PrincipalSelfSid.V,
		Subject: access.Subject{Primary: c.self.Process().Token(), Client: a.client, Level: a.client.Level()},
	}
	if a.list {
		st, a.nodes, a.d = access.NtAccessCheckResultList(&a.r)
	} else {
		st, a.d = access.NtAccessCheck(&a.r)
	}
	if st != ntstatus.Success {
		// An object type list that is not a tree is refused.
		return c.Fail("U-53", st)
	}
	c.explainCheck(&a.r, a.d)
	if !a.list {
		a.nodes = []access.NodeResult{{Granted: a.d.Granted, Verdict: a.d.Verdict}}
	}
	for _, n := range a.nodes {
		a.out.GrantedAccess = append(a.out.GrantedAccess, n.Granted)
		a.out.AccessStatus = append(a.out.AccessStatus, n.Status())
	}
	return ntstatus.Success
}

// record writes the audit record if the SACL requests one (U-12, U-54). A silent check writes none. A record that
// cannot be kept fails with its status, and the caller gets no GenerateOnClose.
func (a *auditedCheck) record() ntstatus.Status {
	if a.silent {
		// The caller does not have the privilege and allowed the check to go without its record (U-50).
		return ntstatus.Success
	}
	in := a.in
	o := audit.Opening{Origin: a.c.clientOrigin(a.client), Request: &a.r, Decision: a.d,
		Object: audit.Object{Server: in.SubsystemName.V, Type: in.ObjectTypeName.V, Name: in.ObjectName.V,
			Handle: in.HandleID}}
	if a.list {
		o.Nodes = a.nodes
	}
	ha, st := a.c.Sys.Log.Opened(&o)
	if st != ntstatus.Success {
		// A demanded record that cannot be kept fails the call.
		return a.c.Fail("U-64", st)
	}
	a.out.GenerateOnClose = ha.GenerateOnClose
	return ntstatus.Success
}

// typeNamed returns the object type with that name. For an unknown name it returns a new type with an empty mapping.
func typeNamed(name string) *winnt.ObjectType {
	if typ := winnt.ObjectTypeByName(name); typ != nil {
		return typ
	}
	return &winnt.ObjectType{Name: name}
}

// NtAccessCheckAndAuditAlarm checks the access of the client that the thread impersonates, and records the result. A
// refusal is in AccessStatus; the call itself then succeeds. It fails with STATUS_NO_IMPERSONATION_TOKEN if the
// thread does not impersonate.
func (c *Context) NtAccessCheckAndAuditAlarm(in nt.AccessCheckAndAuditAlarmIn) (nt.AccessCheckAndAuditAlarmOut,
	ntstatus.Status) {
	a := auditedCheck{c: c, in: &nt.AccessCheckAndAuditAlarmByHandleIn{
		SubsystemName: in.SubsystemName, HandleID: in.HandleID, ObjectTypeName: in.ObjectTypeName,
		ObjectName:         in.ObjectName,
		SecurityDescriptor: in.SecurityDescriptor, DesiredAccess: in.DesiredAccess, GenericMapping: in.GenericMapping,
		ObjectCreation: in.ObjectCreation, FaultOutputs: in.FaultOutputs}}
	return a.one()
}

// NtAccessCheckByTypeAndAuditAlarm works like NtAccessCheckAndAuditAlarm, with a list of object types, a self SID, an
// audit type and flags.
func (c *Context) NtAccessCheckByTypeAndAuditAlarm(
	in nt.AccessCheckByTypeAndAuditAlarmIn,
) (nt.AccessCheckAndAuditAlarmOut, ntstatus.Status) {
	a := auditedCheck{c: c, in: withoutToken(&in)}
	return a.one()
}

// one runs a check of the whole object and returns its single result: the granted rights, the access status, and
// GenerateOnClose. If a step fails, the output is empty.
func (a *auditedCheck) one() (out nt.AccessCheckAndAuditAlarmOut, st ntstatus.Status) {
	if st = a.run(); st != ntstatus.Success {
		return out, st
	}
	return nt.AccessCheckAndAuditAlarmOut{GrantedAccess: a.d.Granted, AccessStatus: a.d.Status(),
		GenerateOnClose: a.out.GenerateOnClose}, st
}

// NtAccessCheckByTypeResultListAndAuditAlarm works like NtAccessCheckByTypeAndAuditAlarm and returns one result for
// each entry of the list. An empty list fails with STATUS_INVALID_PARAMETER.
func (c *Context) NtAccessCheckByTypeResultListAndAuditAlarm(
	in nt.AccessCheckByTypeAndAuditAlarmIn,
) (out nt.AccessCheckResultListAndAuditAlarmOut, st ntstatus.Status) {
	a := auditedCheck{c: c, in: withoutToken(&in), list: true}
	if st = a.run(); st != ntstatus.Success {
		return out, st
	}
	return a.out, st
}

// NtAccessCheckByTypeResultListAndAuditAlarmByHandle works like NtAccessCheckByTypeResultListAndAuditAlarm for the
// client of a token handle. It refuses a primary token.
func (c *Context) NtAccessCheckByTypeResultListAndAuditAlarmByHandle(
	in nt.AccessCheckAndAuditAlarmByHandleIn,
) (out nt.AccessCheckResultListAndAuditAlarmOut, st ntstatus.Status) {
	a := auditedCheck{c: c, in: &in, list: true, byToken: true}
	if st = a.run(); st != ntstatus.Success {
		return out, st
	}
	return a.out, st
}

// withoutToken converts the parameters of a call that checks the impersonated client to the form that takes a token
// handle, with no handle set. It shares the lists with in.
func withoutToken(in *nt.AccessCheckByTypeAndAuditAlarmIn) *nt.AccessCheckAndAuditAlarmByHandleIn {
	return &nt.AccessCheckAndAuditAlarmByHandleIn{
		SubsystemName: in.SubsystemName, HandleID: in.HandleID, ObjectTypeName: in.ObjectTypeName,
		ObjectName:         in.ObjectName,
		SecurityDescriptor: in.SecurityDescriptor, PrincipalSelfSid: in.PrincipalSelfSid,
		DesiredAccess: in.DesiredAccess,
		AuditType:     in.AuditType,
		Flags:         in.Flags, ObjectTypeList: in.ObjectTypeList, GenericMapping: in.GenericMapping,
		ObjectCreation: in.ObjectCreation, FaultOutputs: in.FaultOutputs}
}
