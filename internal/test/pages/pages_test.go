package pages

import (
	"io/fs"
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

// Parts of a command `go test` in a page: the module's folder and the arguments, the patterns, and the packages.
var (
	goTest      = regexp.MustCompile("go (?:-C (\\S+) )?test ([^`\n]*)")
	runPattern  = regexp.MustCompile(`-(?:run|bench)[ =]'?([^' ]+)`)
	testPackage = regexp.MustCompile(`(?:^| )(\./[\w./-]*|\.(?: |$))`)
	function    = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Example|Benchmark)\w*)\(`)
)

// functionsBelow returns the names of the tests and benchmarks in a folder of the repository, or also in those below it
// if its name ends with "...".
func functionsBelow(t *testing.T, folder string) (names []string) {
	t.Helper()
	folder, deep := strings.CutSuffix(folder, "...")
	top := filepath.Join(root, folder)
	check.NoError(t, filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != top && !deep:
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		b, err := os.ReadFile(path)
		for _, m := range function.FindAllSubmatch(b, -1) {
			names = append(names, string(m[1]))
		}
		return err
	}))
	return names
}

// TestCommandsOfPagesSelectTests checks that each pattern of a `go test` command in a page matches a test or benchmark
// of the packages in that command.
func TestCommandsOfPagesSelectTests(t *testing.T) {
	pages := append(check.Must(filepath.Glob(filepath.Join(root, "docs", "*.md"))), filepath.Join(root, "README.md"))
	patterns := 0
	for _, page := range pages {
		for _, command := range goTest.FindAllStringSubmatch(string(check.Must(os.ReadFile(page))), -1) {
			packages := testPackage.FindAllStringSubmatch(command[2], -1)
			var names []string
			for _, m := range packages {
				if m[1] == "./YOUR/PACKAGE" {
					continue // the reader fills it in
				}
				names = append(names, functionsBelow(t, filepath.Join(command[1], strings.TrimSpace(m[1])))...)
			}
			for _, m := range runPattern.FindAllStringSubmatch(command[2], -1) {
				for part := range strings.SplitSeq(strings.NewReplacer("(", "", ")", "", `\`, "").Replace(m[1]), "|") {
					part, _, _ = strings.Cut(part, "/")
					if len(packages) == 0 || strings.EqualFold(part, "xxx") ||
						slices.Contains([]string{"^$", "NAME", "-", "."}, part) {
						continue // the text names the package elsewhere, or the pattern selects none or all
					}
					patterns++
					if !slices.ContainsFunc(names, regexp.MustCompile(part).MatchString) {
						t.Errorf("%s: %s: no test or benchmark has a name that matches %s", filepath.Base(page), command[0], part)
					}
				}
			}
		}
	}
	check.That(t, patterns >= 60, "the pages run %d patterns of tests, want at least 60", patterns)
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
