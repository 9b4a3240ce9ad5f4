package winnt_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// Each class has the name and number of TOKEN_INFORMATION_CLASS in winnt.h.
func TestTokenInfoClassesHaveDocumentedNumbers(t *testing.T) {
	const names = "User Groups Privileges Owner PrimaryGroup DefaultDacl Source Type ImpersonationLevel Statistics " +
		"RestrictedSids SessionId GroupsAndPrivileges SessionReference SandBoxInert AuditPolicy Origin ElevationType " +
		"LinkedToken Elevation HasRestrictions AccessInformation VirtualizationAllowed VirtualizationEnabled " +
		"IntegrityLevel UIAccess MandatoryPolicy LogonSid IsAppContainer Capabilities AppContainerSid " +
		"AppContainerNumber UserClaimAttributes DeviceClaimAttributes RestrictedUserClaimAttributes " +
		"RestrictedDeviceClaimAttributes DeviceGroups RestrictedDeviceGroups SecurityAttributes IsRestricted " +
		"ProcessTrustLevel PrivateNameSpace SingletonAttributes BnoIsolation ChildProcessFlags " +
		"IsLessPrivilegedAppContainer IsSandboxed IsAppSilo LoggingInformation LearningMode"
	list := strings.Fields(names)
	for i, name := range list {
		got := winnt.TokenInfoClass(i + 1).String()
		check.That(t, got == "Token"+name, "name of class %d: %s, want Token%s", i+1, got, name)
	}
	check.That(t, len(list) == int(winnt.MaxTokenInfoClass) && winnt.MaxTokenInfoClass == 50,
		"%d classes, MaxTokenInfoClass %d; want %d, 50", len(list), winnt.MaxTokenInfoClass, int(winnt.MaxTokenInfoClass))
	for class, want := range map[winnt.TokenInfoClass]string{0: "TOKEN_INFORMATION_CLASS(0)",
		51: "TOKEN_INFORMATION_CLASS(51)"} {
		check.Equal(t, class.String(), want, "name of an unknown class")
	}
	for class, want := range map[winnt.TokenInfoClass]int{winnt.TokenUser: 1, winnt.TokenTypeInfo: 8,
		winnt.TokenSessionId: 12, winnt.TokenElevationType: 18, winnt.TokenIntegrityLevel: 25, winnt.TokenIsAppContainer: 29,
		winnt.TokenIsRestricted: 40, winnt.TokenIsSandboxed: 47, winnt.TokenLearningMode: 50} {
		check.Equal(t, int(class), want, "number of %v", class)
	}
}
