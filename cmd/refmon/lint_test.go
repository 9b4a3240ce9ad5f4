package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestMalformedLinesAreListedUpToALimit checks that descriptors that need a domain are counted only, and take no place
// in the list of malformed lines.
func TestMalformedLinesAreListedUpToALimit(t *testing.T) {
	t.Chdir(t.TempDir())
	lines := strings.Repeat("O:DAG:DAD:\n", 2*maxMalformed) + strings.Repeat("O:\n", maxMalformed+1)
	check.NoError(t, os.WriteFile("f", []byte(lines), 0o600))
	code, _, errs := runLine("lint", "f")
	check.That(t, code == exitMalformed && strings.Count(errs, ": SDDL: at byte 2:") == maxMalformed &&
		strings.Contains(errs, fmt.Sprintf("refmon: %d descriptors have aliases", 2*maxMalformed)),
		"exit code %d: %s", code, errs)
}
