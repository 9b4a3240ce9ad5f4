package nt

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// AuditEventType is AUDIT_EVENT_TYPE; the zero value is AuditEventObjectAccess.
type AuditEventType uint32

// Kinds of access checks with a record.
const (
	AuditEventObjectAccess AuditEventType = iota
	AuditEventDirectoryServiceAccess
)

// Parameters of the calls that check and record, and of those that record the close of the opened object.
// FaultOutputs is the status of probing the outputs.
type (
	CloseObjectAuditAlarmIn struct {
		SubsystemName   Captured[string]
		HandleID        winnt.Handle `param:"HandleId"`
		GenerateOnClose bool
	}
	CloseObjectAuditAlarmOut struct{}

	AccessCheckAndAuditAlarmIn struct {
		SubsystemName      Captured[string]
		HandleID           winnt.Handle `param:"HandleId"`
		ObjectTypeName     Captured[string]
		ObjectName         Captured[string]
		SecurityDescriptor Captured[*sd.Descriptor]
		DesiredAccess      winnt.AccessMask `object:"file"`
		GenericMapping     Captured[winnt.GenericMapping]
		ObjectCreation     bool
		FaultOutputs       ntstatus.Status `param:"-"`
	}
	AccessCheckByTypeAndAuditAlarmIn struct {
		SubsystemName      Captured[string]
		HandleID           winnt.Handle `param:"HandleId"`
		ObjectTypeName     Captured[string]
		ObjectName         Captured[string]
		SecurityDescriptor Captured[*sd.Descriptor]
		PrincipalSelfSid   Captured[sid.SID]
		DesiredAccess      winnt.AccessMask `object:"file"`
		AuditType          AuditEventType
		Flags              uint32 // winnt.AUDIT_ALLOW_NO_PRIVILEGE
		ObjectTypeList     Captured[[]access.ObjectTypeEntry]
		GenericMapping     Captured[winnt.GenericMapping]
		ObjectCreation     bool
		FaultOutputs       ntstatus.Status `param:"-"`
	}
	AccessCheckAndAuditAlarmByHandleIn struct {
		SubsystemName      Captured[string]
		HandleID           winnt.Handle `param:"HandleId"`
		ClientToken        winnt.Handle
		ObjectTypeName     Captured[string]
		ObjectName         Captured[string]
		SecurityDescriptor Captured[*sd.Descriptor]
		PrincipalSelfSid   Captured[sid.SID]
		DesiredAccess      winnt.AccessMask `object:"file"`
		AuditType          AuditEventType
		Flags              uint32
		ObjectTypeList     Captured[[]access.ObjectTypeEntry]
		GenericMapping     Captured[winnt.GenericMapping]
		ObjectCreation     bool
		FaultOutputs       ntstatus.Status `param:"-"`
	}

	AccessCheckAndAuditAlarmOut struct {
		GrantedAccess   winnt.AccessMask `object:"file"`
		AccessStatus    ntstatus.Status
		GenerateOnClose bool
	}
	AccessCheckResultListAndAuditAlarmOut struct {
		GrantedAccess   []winnt.AccessMask
		AccessStatus    []ntstatus.Status
		GenerateOnClose bool
	}
)

// auditCheckConditions returns the conditions, for the table of services, of the access checks that also write audit
// records. byType means that the call takes an object type list, list that it returns one result per entry, byHandle
// that it takes a token handle.
func auditCheckConditions(byType, list, byHandle bool) (c []Condition) {
	if byType {
		c = append(c, Condition{ntstatus.InvalidParameter, "U-45", "AuditType is not a type of audit event"})
	}
	if !byHandle {
		c = append(c,
			Condition{ntstatus.NoImpersonationToken, "U-46", "the thread does not impersonate"},
			Condition{ntstatus.BadImpersonationLevel, "U-46", "it impersonates below SecurityIdentification"})
	}
	if list {
		c = append(c, Condition{ntstatus.InvalidParameter, "U-47", "the object type list is empty or longer than 4096"})
	}
	c = append(
		c, Condition{ntstatus.AccessViolation, "U-48", "GenericMapping is not readable, or an output is not writable"})
	if byHandle {
		c = append(c,
			Condition{ntstatus.InvalidHandle, "U-30", "ClientToken is not a valid handle"},
			Condition{ntstatus.ObjectTypeMismatch, "U-30", "ClientToken is not a token"},
			Condition{ntstatus.AccessDenied, "U-30", "ClientToken does not grant TOKEN_QUERY"},
			Condition{ntstatus.BadImpersonationLevel, "U-31", "an impersonation token below SecurityIdentification"},
			Condition{ntstatus.NoImpersonationToken, "A-14", "ClientToken is a primary token"})
	}
	c = append(c,
		Condition{ntstatus.PrivilegeNotHeld, "U-50",
			"the caller's process does not hold SeAuditPrivilege enabled, and Flags does not say that it need not"},
		Condition{ntstatus.GenericNotMapped, "U-51", "generic bits in DesiredAccess"},
		Condition{ntstatus.InvalidSecurityDescr, "U-52", "the descriptor is NULL, malformed, or has no owner or group"},
		Condition{ntstatus.AccessViolation, "U-36", "a name is NULL"},
	)
	if byType {
		c = append(c,
			Condition{ntstatus.InvalidSID, "U-53", "PrincipalSelfSid is malformed"},
			Condition{ntstatus.InvalidParameter, "U-53", "the object type list is malformed"})
	}
	return append(
		c, Condition{ntstatus.AuditFailed, "U-64", "the required audit record cannot be stored"})
}

// closeAlarmConditions returns the conditions, for the table of services, of NtCloseObjectAuditAlarm and
// NtDeleteObjectAuditAlarm.
func closeAlarmConditions() []Condition {
	return []Condition{
		{ntstatus.Success, "U-40", "GenerateOnClose is FALSE: nothing is done"},
		{ntstatus.PrivilegeNotHeld, "U-32",
			"the caller's process does not hold SeAuditPrivilege enabled; that of the thread's client is ignored"},
		{ntstatus.AccessViolation, "U-36", "SubsystemName is NULL"},
		{ntstatus.AuditFailed, "U-64", "the required audit record cannot be stored"},
	}
}

var (
	rowCloseObjectAuditAlarm = Add(&NtTable, Entry[Services, CloseObjectAuditAlarmIn, CloseObjectAuditAlarmOut]{
		Meta: Meta{
			Name:       "NtCloseObjectAuditAlarm",
			Summary:    "records that a client's handle to an object was closed",
			Source:     "ObjectCloseAuditAlarm",
			Conditions: closeAlarmConditions(),
		},
		Call: Services.NtCloseObjectAuditAlarm,
	})
	rowDeleteObjectAuditAlarm = Add(&NtTable, Entry[Services, CloseObjectAuditAlarmIn, CloseObjectAuditAlarmOut]{
		Meta: Meta{
			Name:       "NtDeleteObjectAuditAlarm",
			Summary:    "records that an object was deleted",
			Source:     "ObjectDeleteAuditAlarm",
			Conditions: closeAlarmConditions(),
		},
		Call: Services.NtDeleteObjectAuditAlarm,
	})
	rowAccessCheckAndAuditAlarm = Add(&NtTable,
		Entry[Services, AccessCheckAndAuditAlarmIn, AccessCheckAndAuditAlarmOut]{
			Meta: Meta{
				Name:       "NtAccessCheckAndAuditAlarm",
				Summary:    "decides whether a descriptor grants rights to the thread's client, and records the decision",
				Source:     "AccessCheckAndAuditAlarm",
				Conditions: auditCheckConditions(false, false, false),
			},
			Call: Services.NtAccessCheckAndAuditAlarm,
		},
	)
	rowAccessCheckByTypeAndAuditAlarm = Add(&NtTable,
		Entry[Services, AccessCheckByTypeAndAuditAlarmIn, AccessCheckAndAuditAlarmOut]{
			Meta: Meta{
				Name:       "NtAccessCheckByTypeAndAuditAlarm",
				Summary:    "decides like NtAccessCheckAndAuditAlarm, with an object type list",
				Source:     "AccessCheckByTypeAndAuditAlarm",
				Conditions: auditCheckConditions(true, false, false),
			},
			Call: Services.NtAccessCheckByTypeAndAuditAlarm,
		},
	)
	rowAccessCheckByTypeResultListAndAuditAlarm = Add(&NtTable,
		Entry[Services, AccessCheckByTypeAndAuditAlarmIn, AccessCheckResultListAndAuditAlarmOut]{
			Meta: Meta{
				Name:       "NtAccessCheckByTypeResultListAndAuditAlarm",
				Summary:    "decides like NtAccessCheckAndAuditAlarm, with one result for each object type",
				Source:     "AccessCheckByTypeResultListAndAuditAlarm",
				Conditions: auditCheckConditions(true, true, false),
			},
			Call: Services.NtAccessCheckByTypeResultListAndAuditAlarm,
		},
	)
	rowAccessCheckByTypeResultListAndAuditAlarmByHandle = Add(&NtTable,
		Entry[Services, AccessCheckAndAuditAlarmByHandleIn, AccessCheckResultListAndAuditAlarmOut]{
			Meta: Meta{
				Name:       "NtAccessCheckByTypeResultListAndAuditAlarmByHandle",
				Summary:    "decides with one result for each object type, for the client of a token, and records it",
				Source:     "AccessCheckByTypeResultListAndAuditAlarmByHandle",
				Conditions: auditCheckConditions(true, true, true),
			},
			Call: Services.NtAccessCheckByTypeResultListAndAuditAlarmByHandle,
		},
	)
)

// NtCloseObjectAuditAlarm records the close of a handle. The caller's process needs SeAuditPrivilege. If
// GenerateOnClose is false, the call succeeds and records nothing.
func (t *Thread) NtCloseObjectAuditAlarm(in CloseObjectAuditAlarmIn) ntstatus.Status {
	_, st := call(t, rowCloseObjectAuditAlarm, in)
	return st
}

// NtDeleteObjectAuditAlarm records the deletion of an object through a handle, under the conditions of
// NtCloseObjectAuditAlarm.
func (t *Thread) NtDeleteObjectAuditAlarm(in CloseObjectAuditAlarmIn) ntstatus.Status {
	_, st := call(t, rowDeleteObjectAuditAlarm, in)
	return st
}

// NtAccessCheckAndAuditAlarm checks the access of the client that the thread
// impersonates, and records the decision as the object's SACL requires.
func (t *Thread) NtAccessCheckAndAuditAlarm(
	in AccessCheckAndAuditAlarmIn,
) (AccessCheckAndAuditAlarmOut, ntstatus.Status) {
	return call(t, rowAccessCheckAndAuditAlarm, in)
}

// NtAccessCheckByTypeAndAuditAlarm works like NtAccessCheckAndAuditAlarm, for an object
// with properties.
func (t *Thread) NtAccessCheckByTypeAndAuditAlarm(
	in AccessCheckByTypeAndAuditAlarmIn,
) (AccessCheckAndAuditAlarmOut, ntstatus.Status) {
	return call(t, rowAccessCheckByTypeAndAuditAlarm, in)
}

// NtAccessCheckByTypeResultListAndAuditAlarm works like
// NtAccessCheckByTypeAndAuditAlarm, with one result for each entry of the
// object type list.
func (t *Thread) NtAccessCheckByTypeResultListAndAuditAlarm(
	in AccessCheckByTypeAndAuditAlarmIn,
) (AccessCheckResultListAndAuditAlarmOut, ntstatus.Status) {
	return call(t, rowAccessCheckByTypeResultListAndAuditAlarm, in)
}

// NtAccessCheckByTypeResultListAndAuditAlarmByHandle works like
// NtAccessCheckByTypeResultListAndAuditAlarm, for the client of a token instead
// of the impersonated client.
func (t *Thread) NtAccessCheckByTypeResultListAndAuditAlarmByHandle(
	in AccessCheckAndAuditAlarmByHandleIn,
) (AccessCheckResultListAndAuditAlarmOut, ntstatus.Status) {
	return call(t, rowAccessCheckByTypeResultListAndAuditAlarmByHandle, in)
}
