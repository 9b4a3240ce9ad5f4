package script

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// Scripts have the constants at both ends of each range: privileges, information classes and token types.
func TestScriptsKnowEndsOfConstantRanges(t *testing.T) {
	env := constants()
	for _, name := range []string{"SeCreateTokenPrivilege", "SeDelegateSessionUserImpersonatePrivilege", "TokenUser",
		winnt.MaxTokenInfoClass.String(), "TokenPrimary", "TokenImpersonation"} {
		check.That(t, env[name] != nil, "no constant %s", name)
	}
	numbers := Constants()
	check.Equal(t, numbers["SeCreateTokenPrivilege"], 2, "the LUID of the first privilege")
	check.Equal(t, numbers["SeDelegateSessionUserImpersonatePrivilege"], 36, "the LUID of the last privilege")
}
