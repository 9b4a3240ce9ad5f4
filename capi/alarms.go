//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// text reads a UNICODE_STRING parameter.
func (c *call) text(i int) nt.Captured[string] { return captured(c.StringAt(c.ptr(i))) }

// usedPrivileges reads a PRIVILEGE_SET that is only read; NULL is no set.
func (c *call) usedPrivileges(i int) (x nt.Captured[*nt.PrivilegeSet]) {
	p := c.ptr(i)
	if p == 0 {
		return x
	}
	n, st := c.ReadU32(p)
	if st != ntstatus.Success {
		return captured(x.V, st)
	}
	s := &nt.PrivilegeSet{}
	if s.Control, st = c.ReadU32(p + 4); st != ntstatus.Success {
		return captured(x.V, st)
	}
	s.Privilege, st = c.PrivilegesFrom(p+8, n)
	return captured(s, st)
}

func ntOpenObjectAuditAlarm(c *call) uint64 {
	generate := c.ptr(11)
	if st := c.Probe(generate, 1, 1); st != ntstatus.Success {
		return status(st)
	}
	in := nt.OpenObjectAuditAlarmIn{SubsystemName: c.required(0), ObjectTypeName: c.required(2), ObjectName: c.required(3),
		SecurityDescriptor: captured(c.DescriptorAt(c.ptr(4))),
		ClientToken:        c.handle(5), DesiredAccess: c.mask(6), GrantedAccess: c.mask(7), Privileges: c.usedPrivileges(8),
		ObjectCreation: c.boolean(9), AccessGranted: c.boolean(10)}
	if p := c.ptr(1); p != 0 {
		v, st := c.ReadU64(p)
		in.HandleID = captured(winnt.Handle(v), st)
	}
	out, st := c.sys.NtOpenObjectAuditAlarm(in)
	if st.IsSuccess() {
		if fault := c.WriteBool(generate, out.GenerateOnClose); fault != ntstatus.Success {
			return status(fault)
		}
	}
	return status(st)
}

func ntPrivilegeObjectAuditAlarm(c *call) uint64 {
	_, st := c.sys.NtPrivilegeObjectAuditAlarm(nt.PrivilegeObjectAuditAlarmIn{SubsystemName: c.text(0),
		HandleID: c.handle(1), ClientToken: c.handle(2),
		DesiredAccess: c.mask(3), Privileges: c.usedPrivileges(4), AccessGranted: c.boolean(5)})
	return status(st)
}

func ntPrivilegedServiceAuditAlarm(c *call) uint64 {
	_, st := c.sys.NtPrivilegedServiceAuditAlarm(nt.PrivilegedServiceAuditAlarmIn{SubsystemName: c.text(0),
		ServiceName: c.text(1), ClientToken: c.handle(2),
		Privileges: c.usedPrivileges(3), AccessGranted: c.boolean(4)})
	return status(st)
}
