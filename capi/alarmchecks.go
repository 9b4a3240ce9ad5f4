//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// auditOutputs holds the output pointers of an access check that writes an audit record: granted rights, access status
// and GenerateOnClose. The first two have n elements.
type auditOutputs struct {
	granted, access, generate user
	n                         uint32
}

// auditOutputs reads the output pointers of an audited access check, which are parameters i to i+2. n is the number of
// results.
func (c *call) auditOutputs(i int, n uint32) auditOutputs {
	return auditOutputs{c.ptr(i), c.ptr(i + 1), c.ptr(i + 2), n}
}

// probeAudit checks that the outputs of an audited access check are writable, before the check runs. It returns the
// status of the first that is not.
func (c *call) probeAudit(o auditOutputs) ntstatus.Status {
	if st := c.Probe(o.granted, 4*uintptr(o.n), 4); st != ntstatus.Success {
		return st
	}
	if st := c.Probe(o.access, 4*uintptr(o.n), 4); st != ntstatus.Success {
		return st
	}
	return c.Probe(o.generate, 1, 1)
}

// audited ends an audited access check: it writes the results to the program and returns the status. It writes nothing
// if the call failed.
func (c *call) audited(o auditOutputs, granted []winnt.AccessMask, access []ntstatus.Status, generate bool,
	st ntstatus.Status) uint64 {
	if !st.IsSuccess() {
		return status(st)
	}
	if r := c.checked(checkOutputs{granted: o.granted, access: o.access}, nil, 0, granted, access, st); r != status(st) {
		return r
	}
	return c.written(o.generate, boolean(generate), st)
}

// ntAccessCheckAndAuditAlarm implements NtAccessCheckAndAuditAlarm: it checks the impersonated client's access and
// writes the audit record. It has one result.
func ntAccessCheckAndAuditAlarm(c *call) uint64 {
	o, in := c.auditOutputs(8, 1), accessCheckAndAuditAlarmIn(c)
	in.FaultOutputs = c.probeAudit(o)
	out, st := c.sys.NtAccessCheckAndAuditAlarm(in)
	return c.audited(o, []winnt.AccessMask{out.GrantedAccess}, []ntstatus.Status{out.AccessStatus}, out.GenerateOnClose,
		st)
}

// ntAccessCheckByTypeAndAuditAlarm implements NtAccessCheckByTypeAndAuditAlarm: an audited access check with a list of
// object types and one result.
func ntAccessCheckByTypeAndAuditAlarm(c *call) uint64 {
	o, in := c.auditOutputs(13, 1), accessCheckByTypeAndAuditAlarmIn(c)
	in.FaultOutputs = c.probeAudit(o)
	out, st := c.sys.NtAccessCheckByTypeAndAuditAlarm(in)
	return c.audited(o, []winnt.AccessMask{out.GrantedAccess}, []ntstatus.Status{out.AccessStatus}, out.GenerateOnClose,
		st)
}

// perEntry returns the number of results of the access checks with one result for each entry of the object type list. n
// is the list's length. It drops a list that is too long, which then counts as missing (U-47).
func perEntry(n uint32, list *nt.Captured[[]access.ObjectTypeEntry]) uint32 {
	if n > access.MaxObjectTypes {
		*list, n = nt.Captured[[]access.ObjectTypeEntry]{}, 0
	}
	return n
}

// ntAccessCheckByTypeResultListAndAuditAlarm implements the service of this name, an audited access check. It writes
// one result for each entry of the object type list.
func ntAccessCheckByTypeResultListAndAuditAlarm(c *call) uint64 {
	in := accessCheckByTypeResultListAndAuditAlarmIn(c)
	o := c.auditOutputs(13, perEntry(c.u32(10), &in.ObjectTypeList))
	in.FaultOutputs = c.probeAudit(o)
	out, st := c.sys.NtAccessCheckByTypeResultListAndAuditAlarm(in)
	return c.audited(o, out.GrantedAccess, out.AccessStatus, out.GenerateOnClose, st)
}

// ntAccessCheckByTypeResultListAndAuditAlarmByHandle implements the service of this name, an audited access check for
// the client of a token handle. It writes one result for each entry of the object type list.
func ntAccessCheckByTypeResultListAndAuditAlarmByHandle(c *call) uint64 {
	in := accessCheckByTypeResultListAndAuditAlarmByHandleIn(c)
	o := c.auditOutputs(14, perEntry(c.u32(11), &in.ObjectTypeList))
	in.FaultOutputs = c.probeAudit(o)
	out, st := c.sys.NtAccessCheckByTypeResultListAndAuditAlarmByHandle(in)
	return c.audited(o, out.GrantedAccess, out.AccessStatus, out.GenerateOnClose, st)
}
