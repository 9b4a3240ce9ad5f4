package audit

import (
	"iter"
	"strings"
)

// Kind describes one kind of audit event: its number, such as 4656, the version that this package writes, and the
// names of its fields in order.
type Kind struct {
	ID          uint16
	Version     uint8
	Outcomes    Setting     // the documented ones; 0: the documents name none
	Subcategory Subcategory // the first that it belongs to; 0: the log service's
	Title       string
	fields      string // names of the fields, separated by blanks; S4 at the start stands for subjectFields
}

// subjectFields replaces S4 in a list of fields.
const subjectFields = "SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId"

// Fields yields the names of the event's fields in their documented order.
func (k Kind) Fields() iter.Seq[string] {
	if rest, ok := strings.CutPrefix(k.fields, "S4"); ok {
		return strings.FieldsSeq(subjectFields + rest)
	}
	return strings.FieldsSeq(k.fields)
}

// KindOf returns the description of the event with a number, such as 4656. ok is false if the package does not know
// the number.
func KindOf(eventID uint16) (kind Kind, ok bool) {
	for i := range kinds {
		if kinds[i].ID == eventID {
			return kinds[i], true
		}
	}
	return Kind{}, false
}

// Kinds yields the descriptions of all known events in the order of their numbers.
func Kinds(yield func(Kind) bool) {
	for i := range kinds {
		if !yield(kinds[i]) {
			return
		}
	}
}

// kinds is the catalogue. Source: the event manifests of
// Microsoft-Windows-Security-Auditing and Microsoft-Windows-Eventlog.
var kinds = [...]Kind{
	{1100, 0, OnSuccess, 0x00, "log service stopped", ""},
	{1102, 0, OnSuccess, 0x00, "log cleared", "S4"},
	{1103, 0, OnSuccess, 0x00, "log nearly full", "PercentFull"},
	{1104, 0, OnSuccess, 0x00, "log full", ""},
	{1105, 0, OnSuccess, 0x00, "log archived", "Channel BackupPath"},
	{1108, 0, OnSuccess, 0x00, "event could not be processed", "ErrorCode EventID PubID"},
	{4608, 0, OnSuccess, 0x10, "security service started", ""},
	{4611, 0, OnSuccess, 0x11, "trusted logon process", "S4 LogonProcessName"},
	{4612, 0, OnSuccess, 0x12, "audits lost", "AuditsDiscarded"},
	{4616, 1, OnSuccess, 0x10, "time changed", "S4 PreviousTime NewTime ProcessId ProcessName"},
	{4621, 0, OnSuccess, 0x10, "recovered from CrashOnAuditFail", "CrashOnAuditFailValue"},
	{4624, 2, OnSuccess, 0x15, "logon", "S4 TargetUserSid TargetUserName TargetDomainName TargetLogonId " +
		"LogonType LogonProcessName AuthenticationPackageName WorkstationName LogonGuid TransmittedServices " +
		"LmPackageName KeyLength ProcessId ProcessName IpAddress IpPort ImpersonationLevel " +
		"RestrictedAdminMode TargetOutboundUserName TargetOutboundDomainName VirtualAccount " +
		"TargetLinkedLogonId ElevatedToken"},
	{4625, 0, OnFailure, 0x15, "logon failed", "S4 TargetUserSid TargetUserName TargetDomainName Status " +
		"FailureReason SubStatus LogonType LogonProcessName AuthenticationPackageName WorkstationName " +
		"TransmittedServices LmPackageName KeyLength ProcessId ProcessName IpAddress IpPort"},
	{4626, 0, OnSuccess, 0x47, "claims of a logon", "S4 TargetUserSid TargetUserName TargetDomainName " +
		"TargetLogonId LogonType EventIdx EventCountTotal UserClaims DeviceClaims"},
	{4627, 0, OnSuccess, 0x49, "groups of a logon", "S4 TargetUserSid TargetUserName TargetDomainName " +
		"TargetLogonId LogonType EventIdx EventCountTotal GroupMembership"},
	{4634, 0, OnSuccess, 0x16, "logoff", "TargetUserSid TargetUserName TargetDomainName TargetLogonId LogonType"},
	{4647, 0, OnSuccess, 0x16, "user-initiated logoff", "TargetUserSid TargetUserName TargetDomainName " +
		"TargetLogonId"},
	{4648, 0, OnSuccess, 0x15, "logon with explicit credentials", "S4 LogonGuid TargetUserName TargetDomainName " +
		"TargetLogonGuid TargetServerName TargetInfo ProcessId ProcessName IpAddress IpPort"},
	{4656, 1, OnBoth, 0x1D, "handle requested", "S4 ObjectServer ObjectType ObjectName HandleId TransactionId " +
		"AccessList AccessReason AccessMask PrivilegeList RestrictedSidCount ProcessId ProcessName " +
		"ResourceAttributes"},
	{4657, 0, OnSuccess, 0x1E, "registry value changed", "S4 ObjectName ObjectValueName HandleId OperationType " +
		"OldValueType OldValue NewValueType NewValue ProcessId ProcessName"},
	{4658, 0, OnSuccess, 0x1D, "handle closed", "S4 ObjectServer HandleId ProcessId ProcessName"},
	{4659, 0, OnSuccess, 0x1D, "handle requested for delete", "S4 ObjectServer ObjectType ObjectName HandleId " +
		"TransactionId AccessList AccessMask PrivilegeList ProcessId"},
	{4660, 0, OnSuccess, 0x1D, "object deleted", "S4 ObjectServer HandleId ProcessId ProcessName TransactionId"},
	{4661, 1, OnBoth, 0x20, "SAM/DS handle", "S4 ObjectServer ObjectType ObjectName HandleId TransactionId " +
		"AccessList AccessReason AccessMask PrivilegeList Properties RestrictedSidCount ProcessId ProcessName"},
	{4662, 0, OnBoth, 0x3B, "operation on DS object", "S4 ObjectServer ObjectType ObjectName OperationType " +
		"HandleId AccessList AccessMask Properties AdditionalInfo AdditionalInfo2"},
	{4663, 1, OnSuccess, 0x1D, "attempt to access", "S4 ObjectServer ObjectType ObjectName HandleId AccessList " +
		"AccessMask ProcessId ProcessName ResourceAttributes"},
	{4664, 0, OnSuccess, 0x1D, "hard link", "S4 FileName LinkName TransactionId"},
	{4665, 0, OnBoth, 0x22, "application client context created", "AppName AppInstance ClientName ClientDomain " +
		"ClientLogonId Status"},
	{4666, 0, OnBoth, 0x22, "application operation", "AppName AppInstance ObjectName ScopeName ClientName " +
		"ClientDomain ClientLogonId Role Group OperationName OperationId"},
	{4667, 0, OnSuccess, 0x22, "application client context deleted", "AppName AppInstance ClientName " +
		"ClientDomain ClientLogonId"},
	{4668, 0, OnSuccess, 0x22, "application initialised", "AppName AppInstance ClientName ClientDomain " +
		"ClientLogonId StoreUrl"},
	{4670, 0, OnSuccess, 0x31, "permissions changed", "S4 ObjectServer ObjectType ObjectName HandleId OldSd " +
		"NewSd ProcessId ProcessName"},
	{4671, 0, 0, 0x27, "blocked ordinal access", "CallerUserSid CallerUserName CallerDomainName CallerLogonId " +
		"Ordinal"},
	{4672, 0, OnSuccess, 0x1B, "special privileges", "S4 PrivilegeList"},
	{4673, 0, OnBoth, 0x28, "privileged service called", "S4 ObjectServer Service PrivilegeList ProcessId " +
		"ProcessName"},
	{4674, 0, OnBoth, 0x28, "operation on privileged object", "S4 ObjectServer ObjectType ObjectName HandleId " +
		"AccessMask PrivilegeList ProcessId ProcessName"},
	{4688, 2, OnSuccess, 0x2B, "process created", "S4 NewProcessId NewProcessName TokenElevationType ProcessId " +
		"CommandLine TargetUserSid TargetUserName TargetDomainName TargetLogonId ParentProcessName " +
		"MandatoryLabel"},
	{4689, 0, OnSuccess, 0x2C, "process exited", "S4 Status ProcessId ProcessName"},
	{4690, 0, OnSuccess, 0x23, "handle duplicated", "S4 SourceHandleId SourceProcessId TargetHandleId " +
		"TargetProcessId"},
	{4691, 0, OnSuccess, 0x27, "indirect access requested", "S4 ObjectType ObjectName AccessList AccessMask " +
		"ProcessId"},
	{4696, 0, OnSuccess, 0x2B, "primary token assigned", "S4 TargetUserSid TargetUserName TargetDomainName " +
		"TargetLogonId TargetProcessId TargetProcessName ProcessId ProcessName"},
	{4697, 0, OnSuccess, 0x11, "service installed", "S4 ServiceName ServiceFileName ServiceType ServiceStartType " +
		"ServiceAccount"},
	{4703, 0, OnSuccess, 0x4A, "user right adjusted", "S4 TargetUserSid TargetUserName TargetDomainName " +
		"TargetLogonId ProcessName ProcessId EnabledPrivilegeList DisabledPrivilegeList"},
	{4704, 0, OnSuccess, 0x31, "user right assigned", "S4 TargetSid PrivilegeList"},
	{4705, 0, OnSuccess, 0x31, "user right removed", "S4 TargetSid PrivilegeList"},
	{4715, 0, OnSuccess, 0x2F, "audit policy SD changed", "S4 OldSd NewSd"},
	{4717, 0, OnSuccess, 0x30, "logon right granted", "S4 TargetSid AccessGranted"},
	{4718, 0, OnSuccess, 0x30, "logon right removed", "S4 TargetSid AccessRemoved"},
	{4719, 0, OnSuccess, 0x2F, "system audit policy changed", "S4 CategoryId SubcategoryId SubcategoryGuid " +
		"AuditPolicyChanges"},
	{4817, 0, OnSuccess, 0x2F, "audit settings changed", "S4 ObjectServer ObjectType ObjectName OldSd NewSd"},
	{4818, 0, OnSuccess, 0x46, "staged CAP differs", "S4 ObjectServer ObjectType ObjectName HandleId ProcessId " +
		"ProcessName AccessReason StagingReason"},
	{4902, 0, OnSuccess, 0x2F, "per-user policy table created", "PuaCount PuaPolicyId"},
	{4904, 0, OnSuccess, 0x2F, "event source registered", "S4 AuditSourceName EventSourceId ProcessId " +
		"ProcessName"},
	{4905, 0, OnSuccess, 0x2F, "event source removed", "S4 AuditSourceName EventSourceId ProcessId ProcessName"},
	{4906, 0, OnSuccess, 0x2F, "CrashOnAuditFail changed", "CrashOnAuditFailValue"},
	{4907, 0, OnSuccess, 0x2F, "SACL changed", "S4 ObjectServer ObjectType ObjectName HandleId OldSd NewSd " +
		"ProcessId ProcessName"},
	{4908, 0, OnSuccess, 0x2F, "special groups changed", "SidList"},
	{4911, 0, OnSuccess, 0x31, "resource attributes", "S4 ObjectServer ObjectType ObjectName HandleId OldSd " +
		"NewSd ProcessId ProcessName"},
	{4912, 0, OnSuccess, 0x2F, "per-user audit policy changed", "S4 TargetUserSid CategoryId SubcategoryId " +
		"SubcategoryGuid AuditPolicyChanges"},
	{4913, 0, OnSuccess, 0x31, "resource CAP changed", "S4 ObjectServer ObjectType ObjectName HandleId OldSd " +
		"NewSd ProcessId ProcessName"},
	{4964, 0, OnSuccess, 0x1B, "special group logged on", "S4 LogonGuid TargetUserSid TargetUserName " +
		"TargetDomainName TargetLogonId TargetLogonGuid SidList"},
	{4985, 0, OnSuccess, 0x1D, "transaction state changed", "S4 TransactionId NewState ResourceManager ProcessId " +
		"ProcessName"},
	{5140, 1, OnBoth, 0x24, "share accessed", "S4 ObjectType IpAddress IpPort ShareName ShareLocalPath " +
		"AccessMask AccessList"},
	{5142, 0, OnSuccess, 0x24, "share added", "S4 ShareName ShareLocalPath"},
	{5143, 0, OnSuccess, 0x24, "share modified", "S4 ObjectType ShareName ShareLocalPath OldRemark NewRemark " +
		"OldMaxUsers NewMaxUsers OldShareFlags NewShareFlags OldSD NewSD"},
	{5144, 0, OnSuccess, 0x24, "share deleted", "S4 ShareName ShareLocalPath"},
	{5145, 0, OnBoth, 0x44, "share object checked", "S4 ObjectType IpAddress IpPort ShareName ShareLocalPath " +
		"RelativeTargetName AccessMask AccessList AccessReason"},
}
