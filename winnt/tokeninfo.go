package winnt

import "strconv"

// TokenInfoClass is TOKEN_INFORMATION_CLASS. The zero value is not a class.
type TokenInfoClass uint32

// Classes of NtQueryInformationToken and NtSetInformationToken, 1 to 50.
const (
	TokenUser TokenInfoClass = iota + 1
	TokenGroups
	TokenPrivileges
	TokenOwner
	TokenPrimaryGroup
	TokenDefaultDacl
	TokenSource
	TokenTypeInfo // documented as TokenType; that name is the type here
	TokenImpersonationLevel
	TokenStatistics
	TokenRestrictedSids
	TokenSessionId
	TokenGroupsAndPrivileges
	TokenSessionReference
	TokenSandBoxInert
	TokenAuditPolicy
	TokenOrigin
	TokenElevationType
	TokenLinkedToken
	TokenElevation
	TokenHasRestrictions
	TokenAccessInformation
	TokenVirtualizationAllowed
	TokenVirtualizationEnabled
	TokenIntegrityLevel
	TokenUIAccess
	TokenMandatoryPolicy
	TokenLogonSid
	TokenIsAppContainer
	TokenCapabilities
	TokenAppContainerSid
	TokenAppContainerNumber
	TokenUserClaimAttributes
	TokenDeviceClaimAttributes
	TokenRestrictedUserClaimAttributes
	TokenRestrictedDeviceClaimAttributes
	TokenDeviceGroups
	TokenRestrictedDeviceGroups
	TokenSecurityAttributes
	TokenIsRestricted
	TokenProcessTrustLevel
	TokenPrivateNameSpace
	TokenSingletonAttributes
	TokenBnoIsolation
	TokenChildProcessFlags
	TokenIsLessPrivilegedAppContainer
	TokenIsSandboxed
	TokenIsAppSilo
	TokenLoggingInformation
	TokenLearningMode

	MaxTokenInfoClass = TokenLearningMode
)

var tokenInfoNames = [...]string{1: "TokenUser", "TokenGroups", "TokenPrivileges", "TokenOwner", "TokenPrimaryGroup",
	"TokenDefaultDacl", "TokenSource",
	"TokenType", "TokenImpersonationLevel", "TokenStatistics", "TokenRestrictedSids", "TokenSessionId",
	"TokenGroupsAndPrivileges", "TokenSessionReference",
	"TokenSandBoxInert", "TokenAuditPolicy", "TokenOrigin", "TokenElevationType", "TokenLinkedToken", "TokenElevation",
	"TokenHasRestrictions",
	"TokenAccessInformation", "TokenVirtualizationAllowed", "TokenVirtualizationEnabled", "TokenIntegrityLevel",
	"TokenUIAccess", "TokenMandatoryPolicy",
	"TokenLogonSid", "TokenIsAppContainer", "TokenCapabilities", "TokenAppContainerSid", "TokenAppContainerNumber",
	"TokenUserClaimAttributes",
	"TokenDeviceClaimAttributes", "TokenRestrictedUserClaimAttributes", "TokenRestrictedDeviceClaimAttributes",
	"TokenDeviceGroups",
	"TokenRestrictedDeviceGroups", "TokenSecurityAttributes", "TokenIsRestricted", "TokenProcessTrustLevel",
	"TokenPrivateNameSpace",
	"TokenSingletonAttributes", "TokenBnoIsolation", "TokenChildProcessFlags", "TokenIsLessPrivilegedAppContainer",
	"TokenIsSandboxed", "TokenIsAppSilo",
	"TokenLoggingInformation", "TokenLearningMode"}

// String prints the documented name.
func (c TokenInfoClass) String() string {
	if c >= 1 && c <= MaxTokenInfoClass {
		return tokenInfoNames[c]
	}
	return "TOKEN_INFORMATION_CLASS(" + strconv.Itoa(int(c)) + ")"
}
