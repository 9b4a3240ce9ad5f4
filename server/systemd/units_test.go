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

// TestEnvironmentFilesHaveUnescapedNames checks that no unit names an environment file by its escaped instance. systemd
// reads the name as a glob pattern without its backslashes, so the file of /srv/team-plans was never found.
func TestEnvironmentFilesHaveUnescapedNames(t *testing.T) {
	b := check.Must(os.ReadFile("refmond-mount@.service"))
	check.That(t, regexp.MustCompile(`(?m)^EnvironmentFile=-/etc/refmon/mount%f\.env$`).Match(b),
		"the unit does not read /etc/refmon/mount/PATH.env")
}

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
