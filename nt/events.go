package nt

// Events returns the numbers of the audit records that the service can write
// itself, if the policy and the object's SACL require them. A service that
// opens an object by name or identifier writes 4656, and 4674 if the open used
// privileges.
func (m *Meta) Events() []uint16 { return events[m.Name] }

// opens are the records of a service that opens an object.
var opens = []uint16{4656, 4674}

// openFiles are the records of a service that opens a file, perhaps through a share.
var openFiles = []uint16{4656, 4674, 5145}

// checks are the records of a check that is recorded.
var checks = []uint16{4656, 4662, 4674}

// uses are the records of the first use of a handle's rights.
var uses = []uint16{4663}

// events are the records of each service that writes some.
var events = map[string][]uint16{
	"NtOpenFile": openFiles, "NtCreateFile": openFiles, "NtDeleteFile": openFiles,
	"NtOpenProcess": opens, "NtOpenThread": opens,
	"NtOpenProcessToken": opens, "NtOpenProcessTokenEx": opens, "NtOpenThreadToken": opens, "NtOpenThreadTokenEx": opens,
	"NtCreateJobObject": opens, "NtOpenJobObject": opens, "NtCreateEvent": opens, "NtOpenEvent": opens,
	"NtCreateMutant": opens, "NtOpenMutant": opens, "NtCreateSemaphore": opens, "NtOpenSemaphore": opens,
	"NtCreateTimer": opens, "NtOpenTimer": opens,
	"NtCreateDirectoryObject": opens, "NtOpenDirectoryObject": opens,
	"NtCreateSymbolicLinkObject": opens, "NtOpenSymbolicLinkObject": opens,
	"NtCreatePort": opens, "NtConnectPort": opens,

	"NtReadFile": uses, "NtWriteFile": uses, "NtSetInformationFile": uses,
	"NtQueryDirectoryFile": uses,
	"NtClose":              {4658}, "NtDuplicateObject": {4690}, "NtSetSecurityObject": {4670, 4907, 4911, 4913},
	"LsaLogonUser":            {4624, 4625, 4672},
	"NtAdjustPrivilegesToken": {4703}, "NtCreateUserProcess": {4688}, "NtSetInformationProcess": {4696},

	"NtOpenObjectAuditAlarm": {4656, 4662, 4674}, "NtCloseObjectAuditAlarm": {4658}, "NtDeleteObjectAuditAlarm": {4660},
	"NtPrivilegeObjectAuditAlarm": {4674}, "NtPrivilegedServiceAuditAlarm": {4673},
	"NtAccessCheckAndAuditAlarm": checks, "NtAccessCheckByTypeAndAuditAlarm": checks,
	"NtAccessCheckByTypeResultListAndAuditAlarm": checks, "NtAccessCheckByTypeResultListAndAuditAlarmByHandle": checks,

	"PsImpersonateClient": {64048}, "SePrivilegedServiceAuditAlarm": {4673},
}
