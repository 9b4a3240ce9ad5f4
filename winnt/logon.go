package winnt

import "strconv"

// LogonType is SECURITY_LOGON_TYPE, the LOGON32_LOGON_* of LogonUser. The zero
// value is not a logon.
type LogonType uint32

// The types of logon (ntsecapi.h, winbase.h).
const (
	LOGON32_LOGON_INTERACTIVE        LogonType = 2
	LOGON32_LOGON_NETWORK            LogonType = 3
	LOGON32_LOGON_BATCH              LogonType = 4
	LOGON32_LOGON_SERVICE            LogonType = 5
	LOGON32_LOGON_UNLOCK             LogonType = 7
	LOGON32_LOGON_NETWORK_CLEARTEXT  LogonType = 8
	LOGON32_LOGON_NEW_CREDENTIALS    LogonType = 9
	LOGON32_LOGON_REMOTE_INTERACTIVE LogonType = 10
)

// Arguments of LogonUser that choose the logon provider (winbase.h).
const (
	LOGON32_PROVIDER_DEFAULT uint32 = 0
	LOGON32_PROVIDER_WINNT40 uint32 = 2
	LOGON32_PROVIDER_WINNT50 uint32 = 3
)

// Rights of a policy object ("Policy Object Access Rights").
const (
	POLICY_VIEW_LOCAL_INFORMATION AccessMask = 0x1
	POLICY_VIEW_AUDIT_INFORMATION AccessMask = 0x2
	POLICY_LOOKUP_NAMES           AccessMask = 0x800
	POLICY_ALL_ACCESS             AccessMask = 0xF0FFF
)

// PolicyInformationClass is POLICY_INFORMATION_CLASS; the zero value is not a class.
type PolicyInformationClass uint32

// Classes of LsaQueryInformationPolicy (ntsecapi.h).
const (
	PolicyAuditEventsInformation   PolicyInformationClass = 2
	PolicyPrimaryDomainInformation PolicyInformationClass = 3
	PolicyAccountDomainInformation PolicyInformationClass = 5
)

// PolicyAuditEventOptions is POLICY_AUDIT_EVENT_OPTIONS. The zero value is
// POLICY_AUDIT_EVENT_UNCHANGED, which no query returns.
type PolicyAuditEventOptions uint32

// Outcomes that an audit category records (ntsecapi.h).
const (
	POLICY_AUDIT_EVENT_UNCHANGED PolicyAuditEventOptions = 0
	POLICY_AUDIT_EVENT_SUCCESS   PolicyAuditEventOptions = 1
	POLICY_AUDIT_EVENT_FAILURE   PolicyAuditEventOptions = 2
	POLICY_AUDIT_EVENT_NONE      PolicyAuditEventOptions = 4
)

// LSA_LOOKUP_ISOLATED_AS_LOCAL looks names without a domain up on this computer only.
const LSA_LOOKUP_ISOLATED_AS_LOCAL uint32 = 0x80000000

// SIDNameUse is SID_NAME_USE. The zero value means no use.
type SIDNameUse uint32

// The uses of a SID (winnt.h).
const (
	SidTypeUser SIDNameUse = 1 + iota
	SidTypeGroup
	SidTypeDomain
	SidTypeAlias
	SidTypeWellKnownGroup
	SidTypeDeletedAccount
	SidTypeInvalid
	SidTypeUnknown
	SidTypeComputer
	SidTypeLabel
	SidTypeLogonSession
)

var sidTypeNames = [...]string{"", "SidTypeUser", "SidTypeGroup", "SidTypeDomain", "SidTypeAlias",
	"SidTypeWellKnownGroup", "SidTypeDeletedAccount", "SidTypeInvalid", "SidTypeUnknown", "SidTypeComputer",
	"SidTypeLabel", "SidTypeLogonSession"}

// String prints the documented name, or the number.
func (u SIDNameUse) String() string {
	if u >= SidTypeUser && u <= SidTypeLogonSession {
		return sidTypeNames[u]
	}
	return "SID_NAME_USE(" + strconv.FormatUint(uint64(u), 10) + ")"
}
