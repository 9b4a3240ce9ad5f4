package bulk

import (
	"testing"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/test/check"
)

// Two parts of a group have one type if both have it, also files and directories, and the place of the first.
func TestGroupHasOneTypeOrNone(t *testing.T) {
	for _, c := range [][3]string{{"file", "file", "file"}, {"file", "directory", "file"}, {"directory", "file",
		"file"},
		{"file", "key", ""}, {"key", "file", ""}, {"", "file", ""}} {
		a := tally{First: "2", Type: c[0], Who: effective.Set{1}}
		addTally(&a, &tally{First: "1", Type: c[1], Who: effective.Set{2}})
		check.That(t, a.Type == c[2] && a.First == "1", "%s and %s: type %q, first %s", c[0], c[1], a.Type, a.First)
	}
}
