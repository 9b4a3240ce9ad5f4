package frozen

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/frozen.txt with the names that the code has")

const list = "testdata/frozen.txt"

// read returns the names of the list: one a line, after the number of its declarations.
func read(t *testing.T) Names {
	t.Helper()
	b := check.Must(os.ReadFile(list))
	n := Names{}
	for line := range strings.Lines(string(b)) {
		var count int
		number, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		check.RequireThat(t, check.Err(fmt.Sscan(number, &count)) == nil, "%s: line %q: want a number and a name", list, line)
		n[name] = count
	}
	return n
}

// missing returns the names that want declares more often than got, sorted.
func missing(want, got Names) (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] < want[name] {
			lines = append(lines, fmt.Sprintf("%s: %d declarations, want %d", name, got[name], want[name]))
		}
	}
	return lines
}

// TestFrozenNamesAreStillDeclared fails if the code no longer declares a name of the list. New names are no failure:
// they enter the list with -rewrite.
func TestFrozenNamesAreStillDeclared(t *testing.T) {
	got, err := Find("../../..")
	check.NoError(t, err)
	if *rewrite {
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(got)) {
			fmt.Fprintf(&b, "%d %s\n", got[name], name)
		}
		check.NoError(t, os.WriteFile(list, []byte(b.String()), 0o600))
		return
	}
	for _, line := range missing(read(t), got) {
		t.Errorf("%s\nOther programs read this name. If its removal is intended, run the test with -args -rewrite.", line)
	}
}

// TestFindDetectsRenamedKeys compares a file before and after renames. Each renamed key, metric, variable, exit code
// and event text must be missing.
func TestFindDetectsRenamedKeys(t *testing.T) {
	const before = `package audit

import "os"

type row struct {
	ID   int    'json:"id" yaml:"ident"'
	Name string 'json:",omitempty"'
}

const exitDenied = 1

var text, sum, set = "SubjectUserSid", "refmond_calls_total{service=", os.Getenv("REFMON_COLOR")
`
	tags := strings.NewReplacer("'", "`")
	find := func(source string) Names {
		dir := t.TempDir()
		check.NoError(t, os.Mkdir(filepath.Join(dir, "audit"), 0o700))
		check.NoError(t, os.WriteFile(filepath.Join(dir, "audit", "a.go"), []byte(tags.Replace(source)), 0o600))
		n, err := Find(dir)
		check.NoError(t, err)
		return n
	}
	want := find(before)
	for _, c := range []struct{ old, new, name string }{
		{`"id"`, `"number"`, "json audit id"},
		{`"ident"`, `"number"`, "yaml audit ident"},
		{"Name string", "Label string", "json audit Name"},
		{"exitDenied = 1", "exitDenied = 7", "exit audit 1"},
		{"SubjectUserSid", "SubjectUser", `audit "SubjectUserSid"`},
		{"refmond_calls_total", "refmond_calls", "metric refmond_calls_total"},
		{"REFMON_COLOR", "REFMON_COLOUR", "environment REFMON_COLOR"},
	} {
		got := missing(want, find(strings.Replace(before, c.old, c.new, 1)))
		check.That(t, slices.ContainsFunc(got, func(l string) bool { return strings.HasPrefix(l, c.name+": ") }),
			"%s renamed to %s: missing %q, want a line for %q", c.old, c.new, got, c.name)
	}
}

// TestReleasedFilesAreUnchanged compares the files that released versions wrote with the hashes in SHA256SUMS.
func TestReleasedFilesAreUnchanged(t *testing.T) {
	const dir = "../../../testdata/formats"
	sums, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
	check.NoError(t, err)
	n := 0
	for line := range strings.Lines(string(sums)) {
		want, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		b, err := os.ReadFile(filepath.Join(dir, name))
		if got := fmt.Sprintf("%x", sha256.Sum256(b)); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s: a file of a release never changes", name, got, err, want)
		}
		n++
	}
	check.That(t, n >= 12, "%d files, want at least 12", n)
}
