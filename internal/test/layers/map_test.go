package layers

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	designRow = regexp.MustCompile(`(?m)^\| (\d+) \| ((?:` + "`[^`]+`" + `(?:, )?)+) \| .+ \|$`)
	quoted    = regexp.MustCompile("`([^`]+)`")
)

// TestDesignHasTheTable: section 2 of docs/DESIGN.md has the rows of table, in
// its order, and no package that is not there.
func TestDesignHasTheTable(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, "docs", "DESIGN.md"))
	if err != nil {
		t.Fatal(err)
	}
	var design []row
	for _, m := range designRow.FindAllStringSubmatch(string(b), -1) {
		layer, _ := strconv.Atoi(m[1])
		for _, q := range quoted.FindAllStringSubmatch(m[2], -1) {
			design = append(design, row{layer, q[1]})
		}
	}
	if !slices.Equal(design, table) {
		for i := range max(len(design), len(table)) {
			if i >= len(design) || i >= len(table) || design[i] != table[i] {
				t.Fatalf("row %d: docs/DESIGN.md has %v, table_test.go %v", i+1, at(design, i), at(table, i))
			}
		}
	}
	for _, r := range table {
		if _, err := os.Stat(filepath.Join(root, strings.TrimSuffix(r.path, "/..."))); err != nil {
			t.Errorf("%s has a row and is not there: what is planned is not on the map", r.path)
		}
	}
}

func at(rows []row, i int) any {
	if i < len(rows) {
		return rows[i]
	}
	return "no row"
}

// TestDocIsTheMap: doc.go names each package that a user may import, and each
// command.
func TestDocIsTheMap(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, "doc.go"))
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, w := range regexp.MustCompile(`[a-z0-9]+(?:[/-][a-z0-9]+)*`).FindAllString(string(b), -1) {
		named[w] = true
	}
	for pkg := range load(t).packages {
		top, _, _ := strings.Cut(pkg, "/")
		inside := slices.Contains([]string{".", "internal", "examples", "web", "docs"}, top)
		if !inside && !named[pkg] {
			t.Errorf("doc.go does not name %s", pkg)
		}
	}
}
