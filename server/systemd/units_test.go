package systemd_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// documentation is a line of a unit with a page of package refmon, which has docs/ in /usr/share/doc/refmon.
var documentation = regexp.MustCompile(`(?m)^Documentation=file:///usr/share/doc/refmon/(docs/[a-z-]+\.md)$`)

// TestUnitsNamePackagedPages checks that `systemctl help UNIT` finds a page for each unit.
func TestUnitsNamePackagedPages(t *testing.T) {
	units, err := filepath.Glob("*.service")
	check.RequireThat(t, err == nil && len(units) > 0, "%v, %v, want units", units, err)
	for _, unit := range units {
		b := check.Must(os.ReadFile(unit))
		page := documentation.FindSubmatch(b)
		if page == nil {
			t.Errorf("%s names no page of package refmon", unit)
			continue
		}
		check.NoError(t, check.Err(os.Stat(filepath.Join("../..", string(page[1])))))
	}
}
