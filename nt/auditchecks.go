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

// What an access check with a record is about.
const (
	AuditEventObjectAccess AuditEventType = iota
	AuditEventDirectoryServiceAccess
)

// Parameters of the calls that check and record, and of those that record the
// end of what they opened. FaultOutputs is the status of probing the outputs.
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

// auditCheckConditions returns those of the calls that check and record: byType
// has an object type list, list one result for each entry, byHandle a token.
func auditCheckConditions(byType, list, byHandle bool) (c []Condition) {
	if byType {
		c = append(c, Condition{ntstatus.InvalidParameter, "U-45", "AuditType names no type of audit event"})
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
		c, Condition{ntstatus.AccessViolation, "U-48", "GenericMapping cannot be read or an output not be written"})
	if byHandle {
		c = append(c,
			Condition{ntstatus.InvalidHandle, "U-30", "ClientToken names no handle"},
			Condition{ntstatus.ObjectTypeMismatch, "U-30", "ClientToken is no token"},
			Condition{ntstatus.AccessDenied, "U-30", "ClientToken lacks TOKEN_QUERY"},
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
		c, Condition{ntstatus.AuditFailed, "U-64", "the record could not be kept and the policy says to fail"})
}

func closeAlarmConditions() []Condition {
	return []Condition{
		{ntstatus.Success, "U-40", "GenerateOnClose is FALSE: nothing is done"},
		{ntstatus.PrivilegeNotHeld, "U-32",
			"the caller's process does not hold SeAuditPrivilege enabled; that of the thread's client does not count"},
		{ntstatus.AccessViolation, "U-36", "SubsystemName is NULL"},
		{ntstatus.AuditFailed, "U-64", "the record could not be kept and the policy says to fail"},
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
				Summary:    "decides for the client the thread acts as, and records it",
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
				Summary:    "the same for an object with properties",
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
				Summary:    "the same with one result a property",
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
				Summary:    "the same for the client of a token",
				Source:     "AccessCheckByTypeResultListAndAuditAlarmByHandle",
				Conditions: auditCheckConditions(true, true, true),
			},
			Call: Services.NtAccessCheckByTypeResultListAndAuditAlarmByHandle,
		},
	)
)

// NtCloseObjectAuditAlarm records that a handle was closed whose open said that
// its close is to be recorded.
func (t *Thread) NtCloseObjectAuditAlarm(in CloseObjectAuditAlarmIn) ntstatus.Status {
	_, st := call(t, rowCloseObjectAuditAlarm, in)
	return st
}

// NtDeleteObjectAuditAlarm records that an object was deleted through such a
// handle.
func (t *Thread) NtDeleteObjectAuditAlarm(in CloseObjectAuditAlarmIn) ntstatus.Status {
	_, st := call(t, rowDeleteObjectAuditAlarm, in)
	return st
}

// NtAccessCheckAndAuditAlarm decides for the client that the thread
// impersonates, and records the decision as the object's SACL says.
func (t *Thread) NtAccessCheckAndAuditAlarm(
	in AccessCheckAndAuditAlarmIn,
) (AccessCheckAndAuditAlarmOut, ntstatus.Status) {
	return call(t, rowAccessCheckAndAuditAlarm, in)
}

// NtAccessCheckByTypeAndAuditAlarm decides likewise for an object with properties.
func (t *Thread) NtAccessCheckByTypeAndAuditAlarm(
	in AccessCheckByTypeAndAuditAlarmIn,
) (AccessCheckAndAuditAlarmOut, ntstatus.Status) {
	return call(t, rowAccessCheckByTypeAndAuditAlarm, in)
}

// NtAccessCheckByTypeResultListAndAuditAlarm gives one result for each entry of
// the list.
func (t *Thread) NtAccessCheckByTypeResultListAndAuditAlarm(
	in AccessCheckByTypeAndAuditAlarmIn,
) (AccessCheckResultListAndAuditAlarmOut, ntstatus.Status) {
	return call(t, rowAccessCheckByTypeResultListAndAuditAlarm, in)
}

// NtAccessCheckByTypeResultListAndAuditAlarmByHandle asks for the client of a
// token rather than the one impersonated.
func (t *Thread) NtAccessCheckByTypeResultListAndAuditAlarmByHandle(
	in AccessCheckAndAuditAlarmByHandleIn,
) (AccessCheckResultListAndAuditAlarmOut, ntstatus.Status) {
	return call(t, rowAccessCheckByTypeResultListAndAuditAlarmByHandle, in)
}
