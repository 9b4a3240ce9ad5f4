//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// required reads a UNICODE_STRING that must be there.
func (c *call) required(i int) nt.Captured[string] {
	if c.ptr(i) == 0 {
		// A required name must not be NULL (U-36).
		return captured("", ntstatus.AccessViolation)
	}
	return c.text(i)
}

func ntCloseObjectAuditAlarm(c *call) uint64 {
	return status(c.nt.NtCloseObjectAuditAlarm(nt.CloseObjectAuditAlarmIn{SubsystemName: c.required(0),
		HandleID: c.handle(1), GenerateOnClose: c.boolean(2)}))
}

func ntDeleteObjectAuditAlarm(c *call) uint64 {
	return status(c.nt.NtDeleteObjectAuditAlarm(nt.CloseObjectAuditAlarmIn{SubsystemName: c.required(0),
		HandleID: c.handle(1), GenerateOnClose: c.boolean(2)}))
}

// auditOutputs are where the checks that record write n results.
type auditOutputs struct {
	granted, access, generate user
	n                         uint32
}

// auditOutputs returns the last three parameters, from i on.
func (c *call) auditOutputs(i int, n uint32) auditOutputs {
	return auditOutputs{c.ptr(i), c.ptr(i + 1), c.ptr(i + 2), n}
}

func (c *call) probeAudit(o auditOutputs) ntstatus.Status {
	if st := c.Probe(o.granted, 4*uintptr(o.n), 4); st != ntstatus.Success {
		return st
	}
	if st := c.Probe(o.access, 4*uintptr(o.n), 4); st != ntstatus.Success {
		return st
	}
	return c.Probe(o.generate, 1, 1)
}

// audited writes the results; nothing on failure.
func (c *call) audited(o auditOutputs, granted []winnt.AccessMask, access []ntstatus.Status, generate bool,
	st ntstatus.Status) uint64 {
	if !st.IsSuccess() {
		return status(st)
	}
	if r := c.checked(checkOutputs{granted: o.granted, access: o.access}, nil, 0, granted, access, st); r != status(st) {
		return r
	}
	if fault := c.WriteBool(o.generate, generate); fault != ntstatus.Success {
		return status(fault)
	}
	return status(st)
}

func ntAccessCheckAndAuditAlarm(c *call) uint64 {
	o := c.auditOutputs(8, 1)
	out, st := c.nt.NtAccessCheckAndAuditAlarm(nt.AccessCheckAndAuditAlarmIn{
		SubsystemName: c.required(0), HandleID: c.handle(1), ObjectTypeName: c.required(2), ObjectName: c.required(3),
		SecurityDescriptor: captured(c.DescriptorAt(c.ptr(4))), DesiredAccess: c.mask(5),
		GenericMapping: captured(c.MappingAt(c.ptr(6))),
		ObjectCreation: c.boolean(7), FaultOutputs: c.probeAudit(o)})
	return c.audited(o, []winnt.AccessMask{out.GrantedAccess}, []ntstatus.Status{out.AccessStatus}, out.GenerateOnClose,
		st)
}

// auditByType reads the parameters of the forms with an object type list, which
// start at i behind the token; a list that is too long is as good as none (U-47).
func (c *call) auditByType(i int, o *auditOutputs, list bool) (in nt.AccessCheckAndAuditAlarmByHandleIn) {
	n := c.u32(i + 8)
	results := uint32(1)
	if list {
		if results = n; n > marshal.MaxObjectTypes {
			n, results = 0, 0
		}
	}
	*o = c.auditOutputs(i+11, results)
	return nt.AccessCheckAndAuditAlarmByHandleIn{
		SubsystemName: c.required(0), HandleID: c.handle(1), ObjectTypeName: c.required(i), ObjectName: c.required(i + 1),
		SecurityDescriptor: captured(c.DescriptorAt(c.ptr(i + 2))), PrincipalSelfSid: captured(c.OptionalSIDAt(c.ptr(i + 3))),
		DesiredAccess: c.mask(i + 4),
		AuditType:     nt.AuditEventType(c.u32(i + 5)), Flags: c.u32(i + 6),
		ObjectTypeList: captured(c.ObjectTypesAt(c.ptr(i+7), n)),
		GenericMapping: captured(c.MappingAt(c.ptr(i + 9))), ObjectCreation: c.boolean(i + 10),
		FaultOutputs: c.probeAudit(*o)}
}

// withoutToken returns the input of the forms that ask for the thread's client.
func withoutToken(in nt.AccessCheckAndAuditAlarmByHandleIn) nt.AccessCheckByTypeAndAuditAlarmIn {
	return nt.AccessCheckByTypeAndAuditAlarmIn{
		SubsystemName: in.SubsystemName, HandleID: in.HandleID, ObjectTypeName: in.ObjectTypeName, ObjectName: in.ObjectName,
		SecurityDescriptor: in.SecurityDescriptor, PrincipalSelfSid: in.PrincipalSelfSid, DesiredAccess: in.DesiredAccess,
		AuditType: in.AuditType,
		Flags:     in.Flags, ObjectTypeList: in.ObjectTypeList, GenericMapping: in.GenericMapping,
		ObjectCreation: in.ObjectCreation, FaultOutputs: in.FaultOutputs}
}

func ntAccessCheckByTypeAndAuditAlarm(c *call) uint64 {
	var o auditOutputs
	out, st := c.nt.NtAccessCheckByTypeAndAuditAlarm(withoutToken(c.auditByType(2, &o, false)))
	return c.audited(o, []winnt.AccessMask{out.GrantedAccess}, []ntstatus.Status{out.AccessStatus}, out.GenerateOnClose,
		st)
}

func ntAccessCheckByTypeResultListAndAuditAlarm(c *call) uint64 {
	var o auditOutputs
	out, st := c.nt.NtAccessCheckByTypeResultListAndAuditAlarm(withoutToken(c.auditByType(2, &o, true)))
	return c.audited(o, out.GrantedAccess, out.AccessStatus, out.GenerateOnClose, st)
}

func ntAccessCheckByTypeResultListAndAuditAlarmByHandle(c *call) uint64 {
	var o auditOutputs
	in := c.auditByType(3, &o, true)
	in.ClientToken = c.handle(2)
	out, st := c.nt.NtAccessCheckByTypeResultListAndAuditAlarmByHandle(in)
	return c.audited(o, out.GrantedAccess, out.AccessStatus, out.GenerateOnClose, st)
}
