package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/ntacl"
)

// TestDryRunFailsForUnplannedFile checks that a dry run exits with 2 if a file cannot be planned, whether rights would
// change or not, and still lists who gains rights on the other files.
func TestDryRunFailsForUnplannedFile(t *testing.T) {
	dir := t.TempDir()
	people := filepath.Join(t.TempDir(), "people.yaml")
	must(t, os.WriteFile(people, []byte("users: [{name: alice, sid: S-1-5-21-1-2-3-1107}]\n"), 0o600))
	describe(t, dir, "O:BAG:SYD:(A;;FA;;;BA)")
	broken := filepath.Join(dir, "broken")
	must(t, os.WriteFile(broken, nil, 0o600))
	must(t, setAttribute(broken, ntacl.UserName, []byte("no descriptor")))
	for who, gains := range map[string]bool{"S-1-5-21-1-2-3-9": false, "alice": true} {
		code, out, errs := runLine("acl", "grant", "--offline", "--attribute", ntacl.UserName, "-d", people, "-r", dir,
			who+":read", "--dry-run")
		if code != exitMalformed || !strings.Contains(out, "2 files visited, 1 file would change; 1 failed\n") ||
			strings.Contains(out, "alice") != gains {
			t.Errorf("grant to %s: exit %d, want %d, a failed file, and gains of alice: %t\n%s%s", who, code, exitMalformed,
				gains, out, errs)
		}
	}
}
