package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestMigrationListsUnknownNamesUpToALimit checks that each name without a SID is listed once, and that one line stands
// for all from number maxListed on.
func TestMigrationListsUnknownNamesUpToALimit(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	check.NoError(t, os.WriteFile(file, nil, 0o600))
	const entries = 2 * (maxListed + 1)
	acl := binary.BigEndian.AppendUint32(nil, entries)
	for i := range entries {
		for _, x := range []uint32{0, 0, 1, 4} { // type, flags, mask and the length of the name
			acl = binary.BigEndian.AppendUint32(acl, x)
		}
		acl = fmt.Appendf(acl, "no%02d", i/2)
	}
	if err := setAttribute(file, "user.nfs4", acl); err != nil {
		t.Skipf("no attributes of users here: %v", err)
	}
	code, out, errs := runLine("acl", "migrate", "--from", "nfs4", "--source", "user.nfs4", "--dry-run", file)
	check.That(t, code == exitGranted && strings.Count(errs, `refmon: "no`) == maxListed-1 &&
		strings.Count(errs, `"no23"`) == 1 &&
		strings.Count(errs, "refmon: more names have no SID\n") == 1,
		"exit code %d, %s%s", code, out, errs)
}
