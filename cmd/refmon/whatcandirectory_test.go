package main

import (
	"os"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestWhatCanOfDirectoryWritesOutFile checks that the table about a directory's objects goes to --out, as that about
// files does. A run that fails leaves neither a new file nor a changed one.
func TestWhatCanOfDirectoryWritesOutFile(t *testing.T) {
	t.Chdir(t.TempDir())
	check.NoError(t, os.WriteFile("ad.ldif", []byte("dn: CN=bob,DC=corp\nobjectClass: user\n"+
		"objectSid: S-1-5-21-1-2-3-1107\nsAMAccountName: bob\n"+
		"nTSecurityDescriptor: O:SYG:SYD:(A;;GA;;;S-1-5-21-1-2-3-1107)\n"), 0o600))
	ask := []string{"what-can", "bob", "-o", "ad.ldif", "--out", "out"}
	code, out, errs := runLine(ask...)
	check.That(t, code == 0 && out == "", "exit code %d, %q, %q", code, out, errs)
	table, err := os.ReadFile("out")
	check.NoError(t, err)
	check.That(t, strings.Contains(string(table), "CN=bob,DC=corp") && strings.Contains(string(table), "GenericAll"),
		"the file has %q", table)
	code, _, errs = runLine(ask...)
	check.That(t, code == 2 && strings.Contains(errs, "out exists already"), "exit code %d, %q", code, errs)
	files, err := os.ReadDir(".")
	check.NoError(t, err)
	again, err := os.ReadFile("out")
	check.NoError(t, err)
	check.That(t, len(files) == 2 && string(again) == string(table), "%v, and out has %q", files, again)
}
