package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Parameters of the audit alarms. A name with Status STATUS_ACCESS_VIOLATION means a NULL pointer.
type (
	OpenObjectAuditAlarmIn struct {
		SubsystemName      Captured[string]
		HandleID           Captured[winnt.Handle] `param:"HandleId"`
		ObjectTypeName     Captured[string]
		ObjectName         Captured[string]
		SecurityDescriptor Captured[*sd.Descriptor]
		ClientToken        winnt.Handle
		DesiredAccess      winnt.AccessMask `object:"file"`
		GrantedAccess      winnt.AccessMask `object:"file"`
		Privileges         Captured[*PrivilegeSet]
		ObjectCreation     bool
		AccessGranted      bool
	}
	OpenObjectAuditAlarmOut struct{ GenerateOnClose bool }

	PrivilegeObjectAuditAlarmIn struct {
		SubsystemName Captured[string]
		HandleID      winnt.Handle `param:"HandleId"`
		ClientToken   winnt.Handle
		DesiredAccess winnt.AccessMask
		Privileges    Captured[*PrivilegeSet]
		AccessGranted bool
	}
	PrivilegeObjectAuditAlarmOut struct{}

	PrivilegedServiceAuditAlarmIn struct {
		SubsystemName Captured[string]
		ServiceName   Captured[string]
		ClientToken   winnt.Handle
		Privileges    Captured[*PrivilegeSet]
		AccessGranted bool
	}
	PrivilegedServiceAuditAlarmOut struct{}
)

// alarmConditions returns the conditions, for the table of services, of the audit alarms that name their client by a
// token handle. more follows them.
func alarmConditions(more ...Condition) []Condition {
	return append([]Condition{
		{ntstatus.InvalidHandle, "U-30", "ClientToken is not a valid handle"},
		{ntstatus.ObjectTypeMismatch, "U-30", "ClientToken is not a token"},
		{ntstatus.AccessDenied, "U-30", "ClientToken does not grant TOKEN_QUERY"},
		{ntstatus.BadImpersonationLevel, "U-31", "an impersonation token below SecurityIdentification"},
		{ntstatus.PrivilegeNotHeld, "U-32",
			"the caller's process does not hold SeAuditPrivilege enabled; that of the thread's client is ignored"},
	}, more...)
}

var (
	rowOpenObjectAuditAlarm = Add(&NtTable, Entry[Services, OpenObjectAuditAlarmIn, OpenObjectAuditAlarmOut]{
		Meta: Meta{
			Name:    "NtOpenObjectAuditAlarm",
			Summary: "records that a client opened an object",
			Source:  "ObjectOpenAuditAlarm",
			Conditions: alarmConditions(
				Condition{ntstatus.Success, "U-33", "SecurityDescriptor is NULL: nothing is done"},
				Condition{ntstatus.InvalidSecurityDescr, "U-34", "the descriptor is malformed"},
				Condition{ntstatus.InvalidParameter, "U-35", "more than 60 privileges"},
				Condition{ntstatus.AccessViolation, "U-36", "a name is NULL"},
				Condition{ntstatus.AuditFailed, "U-64", "the required audit record cannot be stored"},
			),
		},
		Call: Services.NtOpenObjectAuditAlarm,
	})
	rowPrivilegeObjectAuditAlarm = Add(&NtTable,
		Entry[Services, PrivilegeObjectAuditAlarmIn, PrivilegeObjectAuditAlarmOut]{
			Meta: Meta{
				Name:    "NtPrivilegeObjectAuditAlarm",
				Summary: "records the use of privileges on an object",
				Source:  "ObjectPrivilegeAuditAlarm",
				Conditions: alarmConditions(
					Condition{ntstatus.AccessViolation, "U-36", "the name is not readable"},
					Condition{ntstatus.InvalidParameter, "U-35", "more than 60 privileges"},
					Condition{ntstatus.AuditFailed, "U-64", "the required audit record cannot be stored"},
				),
			},
			Call: Services.NtPrivilegeObjectAuditAlarm,
		},
	)
	rowPrivilegedServiceAuditAlarm = Add(&NtTable,
		Entry[Services, PrivilegedServiceAuditAlarmIn, PrivilegedServiceAuditAlarmOut]{
			Meta: Meta{
				Name:    "NtPrivilegedServiceAuditAlarm",
				Summary: "records the use of privileges by a service",
				Source:  "PrivilegedServiceAuditAlarm",
				Conditions: alarmConditions(
					Condition{ntstatus.AccessViolation, "U-36", "a name is not readable"},
					Condition{ntstatus.InvalidParameter, "U-35", "more than 60 privileges"},
					Condition{ntstatus.AuditFailed, "U-64", "the required audit record cannot be stored"},
				),
			},
			Call: Services.NtPrivilegedServiceAuditAlarm,
		},
	)
)

// NtOpenObjectAuditAlarm records that the client of a token opened an object of a server. generateOnClose reports
// whether the close must also be recorded. The caller's process needs SeAuditPrivilege. Without a security descriptor
// the call succeeds and records nothing.
func (t *Thread) NtOpenObjectAuditAlarm(in OpenObjectAuditAlarmIn) (generateOnClose bool, st ntstatus.Status) {
	out, st := call(t, rowOpenObjectAuditAlarm, in)
	return out.GenerateOnClose, st
}

// NtPrivilegeObjectAuditAlarm records that the client of a token used privileges, at most 60, on an open object of a
// server. HandleID is the server's own identifier of the handle, 0 for none. The caller's process needs
// SeAuditPrivilege.
func (t *Thread) NtPrivilegeObjectAuditAlarm(in PrivilegeObjectAuditAlarmIn) ntstatus.Status {
	_, st := call(t, rowPrivilegeObjectAuditAlarm, in)
	return st
}

// NtPrivilegedServiceAuditAlarm records that the client of a token used privileges, at most 60, for a service. The
// caller's process needs SeAuditPrivilege.
func (t *Thread) NtPrivilegedServiceAuditAlarm(in PrivilegedServiceAuditAlarmIn) ntstatus.Status {
	_, st := call(t, rowPrivilegedServiceAuditAlarm, in)
	return st
}
