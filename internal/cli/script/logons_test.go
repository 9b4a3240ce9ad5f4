package script_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
)

// TestTranscriptHidesPasswords checks that no form of a transcript shows a password that a program passes (L-1).
func TestTranscriptHidesPasswords(t *testing.T) {
	program := fmt.Sprintf(`
T = process("p", token(user="S-1-5-21-1-2-3-2001")).thread
for name in ["User", "zoe"]:
    r = T.LsaLogonUser(LogonType=3, AuthenticationInformation={"UserName": name, "Password": %q})
print(r)
`, string(logon.ExamplePassword))
	for _, json := range []bool{false, true} {
		var out bytes.Buffer
		r := script.New(script.Config{Output: &out, JSON: json})
		check.NoError(t, r.Run("p.star", []byte(program)))
		wantRefused(t, out.String())
	}
	var recorded []string
	r := script.New(script.Config{Record: func(x script.Recorded) { recorded = append(recorded, fmt.Sprintf("%+v", x)) }})
	check.NoError(t, r.Run("p.star", []byte(program)))
	wantRefused(t, strings.Join(recorded, "\n"))
}

func wantRefused(t *testing.T, text string) {
	t.Helper()
	check.That(t, !strings.Contains(text, string(logon.ExamplePassword)) && strings.Contains(text, "LsaLogonUser"),
		"transcript %s, want the call of LsaLogonUser without the password", text)
}
