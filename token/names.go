package token

import (
	"strconv"
	"strings"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// named is a word of the token file with the bits or the number that it means.
type named struct {
	name  string
	value uint32
}

// Attribute names are those of the SE_GROUP_* and SE_PRIVILEGE_* constants in
// CamelCase without the prefix; the same holds for the other tables.
var (
	groupAttributes = []named{
		{"Mandatory", winnt.SE_GROUP_MANDATORY}, {"EnabledByDefault", winnt.SE_GROUP_ENABLED_BY_DEFAULT},
		{"Enabled", winnt.SE_GROUP_ENABLED},
		{"Owner", winnt.SE_GROUP_OWNER}, {"UseForDenyOnly", winnt.SE_GROUP_USE_FOR_DENY_ONLY},
		{"Integrity", winnt.SE_GROUP_INTEGRITY},
		{"IntegrityEnabled", winnt.SE_GROUP_INTEGRITY_ENABLED}, {"Resource", winnt.SE_GROUP_RESOURCE},
		{"LogonId", winnt.SE_GROUP_LOGON_ID}}
	privilegeAttributes = []named{
		{"EnabledByDefault", winnt.SE_PRIVILEGE_ENABLED_BY_DEFAULT}, {"Enabled", winnt.SE_PRIVILEGE_ENABLED}}
	tokenTypes = []named{{"Primary", uint32(winnt.TokenPrimary)}, {"Impersonation", uint32(winnt.TokenImpersonation)}}
	levels     = []named{
		{"Anonymous", uint32(winnt.SecurityAnonymous)}, {"Identification", uint32(winnt.SecurityIdentification)},
		{"Impersonation", uint32(winnt.SecurityImpersonation)}, {"Delegation", uint32(winnt.SecurityDelegation)}}
	policies = []named{
		{"NoWriteUp", winnt.TOKEN_MANDATORY_POLICY_NO_WRITE_UP},
		{"NewProcessMin", winnt.TOKEN_MANDATORY_POLICY_NEW_PROCESS_MIN}}
	elevations = []named{
		{"Default", winnt.TokenElevationTypeDefault}, {"Full", winnt.TokenElevationTypeFull},
		{"Limited", winnt.TokenElevationTypeLimited}}
	// The levels go from Untrusted to Protected (T-4).
	integrityLevels = []named{
		{"Untrusted", winnt.SECURITY_MANDATORY_UNTRUSTED_RID}, {"Low", winnt.SECURITY_MANDATORY_LOW_RID},
		{"Medium", winnt.SECURITY_MANDATORY_MEDIUM_RID}, {"MediumPlus", winnt.SECURITY_MANDATORY_MEDIUM_PLUS_RID},
		{"High", winnt.SECURITY_MANDATORY_HIGH_RID}, {"System", winnt.SECURITY_MANDATORY_SYSTEM_RID},
		{"Protected", winnt.SECURITY_MANDATORY_PROTECTED_PROCESS_RID}}
	fileFlags = []named{
		{"SessionNotReferenced", winnt.TOKEN_SESSION_NOT_REFERENCED},
		{"BackupPrivilegesChecked", winnt.SE_BACKUP_PRIVILEGES_CHECKED},
		{"VirtualizeAllowed", winnt.TOKEN_VIRTUALIZE_ALLOWED}, {"VirtualizeEnabled", winnt.TOKEN_VIRTUALIZE_ENABLED},
		{"IsFiltered", winnt.TOKEN_IS_FILTERED}, {"UIAccess", winnt.TOKEN_UIACCESS},
		{"HasOwnClaimAttributes", winnt.TOKEN_HAS_OWN_CLAIM_ATTRIBUTES}, {"PrivateNamespace", winnt.TOKEN_PRIVATE_NAMESPACE},
		{"NoChildProcess", winnt.TOKEN_NO_CHILD_PROCESS}, {"NoChildProcessUnlessSecure",
			winnt.TOKEN_NO_CHILD_PROCESS_UNLESS_SECURE},
		{"AuditNoChildProcess", winnt.TOKEN_AUDIT_NO_CHILD_PROCESS}}
	claimTypes = []named{
		{"int64", uint32(claims.Int64)}, {"uint64", uint32(claims.Uint64)}, {"string", uint32(claims.String)},
		{"sid", uint32(claims.SID)}, {"boolean", uint32(claims.Boolean)}, {"octets", uint32(claims.Octets)}}
)

// lookup returns the value of a word in the table, and false for an unknown word. Case matters.
func lookup(table []named, name string) (uint32, bool) {
	for _, n := range table {
		if n.name == name {
			return n.value, true
		}
	}
	return 0, false
}

// nameOf returns the word that means value in the token file, or "" if the table has none.
func nameOf(table []named, value uint32) string {
	for _, n := range table {
		if n.value == value {
			return n.name
		}
	}
	return ""
}

// namesOf returns the words of the table whose bits are set in value. The result is never nil.
func namesOf(table []named, value uint32) []string {
	out := []string{}
	for _, n := range table {
		if value&n.value == n.value {
			out = append(out, n.name)
		}
	}
	return out
}

// choices returns all words of the table, separated by commas, for an error message.
func choices(table []named) string {
	var out []string
	for _, n := range table {
		out = append(out, n.name)
	}
	return strings.Join(out, ", ")
}

// ParseIntegrityLevel parses the name of an integrity level ("Medium",
// "MediumPlus"…) or a SID S-1-16-x. It returns false for other texts.
func ParseIntegrityLevel(text string) (sid.SID, bool) {
	if rid, ok := lookup(integrityLevels, text); ok {
		return sid.IntegrityLevel(rid), true
	}
	s, err := sid.Resolve(text, sid.SID{})
	// Any other SID, even a known one, is not a level: it would count as Untrusted.
	return s, err == nil && isIntegrity(s)
}

// IntegrityName returns the name of an integrity level by its RID, or
// S-1-16-rid for one between the named ones.
func IntegrityName(rid uint32) string {
	if n := nameOf(integrityLevels, rid); n != "" {
		return n
	}
	return "S-1-16-" + strconv.FormatUint(uint64(rid), 10)
}

// GroupAttributeNames returns the token file's names of SE_GROUP_* bits, in the order of the bits.
func GroupAttributeNames(attributes uint32) []string { return namesOf(groupAttributes, attributes) }
