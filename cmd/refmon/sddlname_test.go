package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
)

// TestAccountNameInSDDLSuggestsACLCommand checks that a name in place of a SID gets an error with the command that
// accepts names, and that other errors do not (U-117).
func TestAccountNameInSDDLSuggestsACLCommand(t *testing.T) {
	for text, want := range map[string]string{
		"D:(A;;FA;;;bob)":               "refmon acl grant PATH bob:full",
		"D:(A;;FR;;;alice)":             "refmon acl grant PATH alice:read",
		"D:(D;;FW;;;WDD)":               "refmon acl deny PATH WDD:write",
		`D:(A;;0x1301bf;;;CORP\bob)`:    `refmon acl grant PATH 'CORP\bob:modify'`,
		"D:(A;;FA;;;BA)(A;;CC;;;bob@x)": "refmon acl grant PATH bob@x:RIGHTS",
		"D:(OD;;CR;;;bob)":              "refmon acl deny PATH bob:RIGHTS",
		"S:(AU;SA;FA;;;bob)":            "no command adds such an entry by name",
		"D:(A;;FA;;;)":                  "", "D:(A;;XX;;;bob)": "", "D:(A;;FA;;;S-1-x)": "", "O:bob": "", "bob": "",
		"D:(A;;FA;;;BA)x": "", "D:(A;;FA;;bob": "", "D:(A;;FA;;;AU": "",
	} {
		_, err := sddl.Parse(text)
		var e *sddl.SyntaxError
		check.RequireThat(t, errors.As(err, &e), "%s: %v", text, err)
		got := accountName(e)
		check.That(t, (want != "" || got == "") && strings.HasSuffix(got, want),
			"U-117: %s: %q, want %q", text, got, want)
	}
}
