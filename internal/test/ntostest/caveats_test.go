package ntostest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/rules"
)

// Each row of docs/CAVEATS.md about the kernel that claims to be built has a
// case for each of its columns.
func TestEachCaveatRowHasCasePerProfile(t *testing.T) {
	b := check.Must(os.ReadFile(filepath.Join("..", "..", "..", "docs", "CAVEATS.md")))
	documented, observed := casesByProfile(t, "documented"), casesByProfile(t, "observed")
	rows := 0
	for line := range strings.Lines(string(b)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		ids := rules.FindAll(cells[0])
		if len(cells) != 5 || len(ids) == 0 || !strings.HasPrefix(strings.TrimSpace(cells[4]), "built") {
			continue
		}
		if !strings.Contains("OTI", ids[0].Family()) {
			continue // tested in its own package
		}
		rows++
		named := func(cases []rules.ID) bool {
			return slices.ContainsFunc(ids, func(id rules.ID) bool { return slices.Contains(cases, id) })
		}
		check.That(t, named(documented), "%v: no case with profile=documented names it", ids)
		check.That(t, named(observed), "%v: no case with profile=observed names it", ids)
	}
	check.That(t, rows != 0,
		"no row of docs/CAVEATS.md has a rule of family O, T or I, want at least 1: did the form of its table change?")
}

// casesByProfile lists the rules that the comments of cases of one profile name.
func casesByProfile(t *testing.T, profile string) []rules.ID {
	t.Helper()
	files := check.Must(filepath.Glob(filepath.Join("testdata", "*.txt")))
	var ids []rules.ID
	for _, f := range files {
		b := check.Must(os.ReadFile(f))
		comment := ""
		for line := range strings.Lines(string(b)) {
			switch {
			case strings.HasPrefix(line, "#"):
				comment += line
				continue
			case strings.TrimSpace(line) == "run profile="+profile:
				ids = append(ids, rules.FindAll(comment)...)
			}
			comment = ""
		}
	}
	return ids
}
