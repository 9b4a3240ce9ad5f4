package script

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// Scripts have the constants at both ends of each range: privileges, information classes, token types and kinds of
// names. They have the rights of each type of object.
func TestScriptsKnowEndsOfConstantRanges(t *testing.T) {
	env := constants()
	for _, name := range []string{"SeCreateTokenPrivilege", "SeDelegateSessionUserImpersonatePrivilege", "TokenUser",
		winnt.MaxTokenInfoClass.String(), "TokenPrimary", "TokenImpersonation", "SidTypeUser", "SidTypeLogonSession",
		"ObjectBasicInformation", "ObjectHandleFlagInformation", "NotificationTimer", "SynchronizationTimer",
		"NotificationEvent", "SynchronizationEvent", "ProcessHandleInformation", "ThreadNameInformation",
		"FileIoCompletionNotificationInformation", "FileFsFullSizeInformation"} {
		check.That(t, env[name] != nil, "no constant %s", name)
	}
	for _, name := range []string{"file", "directory", "key", "token", "process", "thread", "job", "objectDirectory",
		"symbolicLink", "event", "port", "directoryService", "mutant", "semaphore", "timer", "policy"} {
		for _, r := range winnt.ObjectTypeByName(name).Rights {
			check.That(t, env[r.Name] != nil, "%s: no constant %s", name, r.Name)
		}
	}
	numbers := Constants()
	check.Equal(t, numbers["SeCreateTokenPrivilege"], 2, "the LUID of the first privilege")
	check.Equal(t, numbers["SeDelegateSessionUserImpersonatePrivilege"], 36, "the LUID of the last privilege")
}
