package pages

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

const root = "../../.."

// namedTest is the name of a Go test in a page.
var namedTest = regexp.MustCompile(`\bTest[A-Z][A-Za-z0-9]+\b`)

// testFunction is the definition of a Go test.
var testFunction = regexp.MustCompile(`(?m)^func (Test[A-Z][A-Za-z0-9]*)\(`)

// testNames returns the names of all Go tests of the repository.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	have := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(path)
		for _, m := range testFunction.FindAllSubmatch(b, -1) {
			have[string(m[1])] = true
		}
		return err
	})
	check.NoError(t, err)
	return have
}

// runPattern is the pattern of a command `go test -run PATTERN` in a page.
var runPattern = regexp.MustCompile("go (?:-C \\w+ )?test [^`\n]*-run[ =]'?([^' `\n]+)")

// TestCommandsOfPagesSelectTests checks that each pattern of a `go test` command in a page matches a test.
func TestCommandsOfPagesSelectTests(t *testing.T) {
	names := slices.Collect(maps.Keys(testNames(t)))
	pages := append(check.Must(filepath.Glob(filepath.Join(root, "docs", "*.md"))), filepath.Join(root, "README.md"))
	patterns := 0
	for _, page := range pages {
		for _, m := range runPattern.FindAllSubmatch(check.Must(os.ReadFile(page)), -1) {
			for part := range strings.SplitSeq(strings.NewReplacer("(", "", ")", "", `\`, "").Replace(string(m[1])), "|") {
				part, _, _ = strings.Cut(part, "/")
				if part == "^$" || strings.EqualFold(part, "xxx") || part == "NAME" || part == "-" {
					continue // it runs none, or says what to put there
				}
				patterns++
				if !slices.ContainsFunc(names, regexp.MustCompile(part).MatchString) {
					t.Errorf("%s: no test has a name that matches %s", filepath.Base(page), part)
				}
			}
		}
	}
	check.That(t, patterns >= 20, "the pages run %d patterns of tests, want at least 20", patterns)
}

// TestPagesNameExistingTests checks that every test which a page about trust names as evidence exists.
func TestPagesNameExistingTests(t *testing.T) {
	have := testNames(t)
	for page, least := range map[string]int{"revocation.md": 12, "threats.md": 25} {
		b := check.Must(os.ReadFile(filepath.Join(root, "docs", page)))
		names := namedTest.FindAllString(string(b), -1)
		check.That(t, len(names) >= least, "%s names %d tests, want at least %d", page, len(names), least)
		for _, name := range names {
			check.That(t, have[name], "%s names %s, which does not exist", page, name)
		}
	}
}
