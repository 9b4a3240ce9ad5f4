package layers

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

var quoted = regexp.MustCompile("`([^`\n]+)`")

// mapped returns the packages in the tables of section 2 of docs/DESIGN.md. A name that ends in /... means all
// packages of that folder.
func mapped(t *testing.T) (names []string) {
	t.Helper()
	b := check.Must(os.ReadFile(filepath.Join(root, "docs", "DESIGN.md")))
	_, rest, _ := strings.Cut(string(b), "\n## 2. ")
	section, _, _ := strings.Cut(rest, "\n## 3. ")
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			cells = []string{"", line} // names in prose count, too
		} else if strings.Contains(line, "its own package") {
			cells[1] += cells[2]
		}
		for _, q := range quoted.FindAllStringSubmatch(cells[1], -1) {
			names = append(names, q[1])
		}
	}
	return names
}

// TestDesignPageNamesEveryPackage checks that section 2 of docs/DESIGN.md names exactly the existing packages of the
// three modules.
func TestDesignPageNamesEveryPackage(t *testing.T) {
	names := mapped(t)
	for _, e := range edges(t) {
		if e.from != "." && !slices.ContainsFunc(names, func(n string) bool {
			folder, all := strings.CutSuffix(n, "/...")
			return n == e.from || all && within(e.from, folder)
		}) {
			t.Errorf("%s is missing: name it in section 2 of docs/DESIGN.md", e.from)
			names = append(names, e.from)
		}
	}
	for _, n := range names {
		first, _, _ := strings.Cut(n, "/")
		folder := strings.TrimSuffix(n, "/...")
		if _, err := os.Stat(filepath.Join(root, folder)); err != nil && (ours()[first] || strings.HasSuffix(n, "/...")) {
			t.Errorf("section 2 of docs/DESIGN.md names %s, which does not exist", n)
		}
	}
}

// TestPackageDocNamesEachCommand checks that doc.go names each package that a user may import, and each command.
func TestPackageDocNamesEachCommand(t *testing.T) {
	b := check.Must(os.ReadFile(filepath.Join(root, "doc.go")))
	named := map[string]bool{}
	for _, w := range regexp.MustCompile(`[a-z0-9]+(?:[/-][a-z0-9]+)*`).FindAllString(string(b), -1) {
		named[w] = true
	}
	for pkg := range load(t).packages {
		top, _, _ := strings.Cut(pkg, "/")
		inside := slices.Contains([]string{".", "internal", "examples", "web", "docs"}, top)
		check.That(t, inside || named[pkg], "doc.go does not name %s", pkg)
	}
}

// TestServerDocNamesEveryPackage checks that server/doc.go lists the packages of the server module, without
// those that only tests import. A generated package counts as a part of its parent.
func TestServerDocNamesEveryPackage(t *testing.T) {
	b := check.Must(os.ReadFile(filepath.Join(root, "server", "doc.go")))
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^//   - ([a-z0-9/-]+):`).FindAllStringSubmatch(string(b), -1) {
		listed["server/"+m[1]] = true
		_, err := os.Stat(filepath.Join(root, "server", m[1]))
		check.That(t, err == nil, "server/doc.go lists %s, which does not exist", m[1])
	}
	for _, e := range edges(t) {
		from := strings.TrimSuffix(e.from, "/refmonv1connect")
		if strings.HasPrefix(from, "server/") && !within(from, "server/internal/test") && !listed[from] {
			t.Errorf("%s is missing: list it in server/doc.go", from)
			listed[from] = true
		}
	}
}
