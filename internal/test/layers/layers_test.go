package layers

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// root is the module's folder as seen from this one.
const root = "../../.."

// file is one parsed Go source file.
type file struct {
	name  string // relative to the root, with slashes
	test  bool
	lines int
	ast   *ast.File
}

// tree is the module's source.
type tree struct {
	module   string
	fset     *token.FileSet
	packages map[string][]file // by path below the module
}

// load gives the module's source, parsed once for all tests.
func load(t *testing.T) tree {
	t.Helper()
	tr, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// parsed parses every Go file of the module. Nested modules, testdata and
// folders that the go command skips are left out.
var parsed = sync.OnceValues(func() (tree, error) {
	gomod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return tree{}, err
	}
	first, _, _ := strings.Cut(string(gomod), "\n")
	tr := tree{
		module:   strings.TrimSpace(strings.TrimPrefix(first, "module")),
		fset:     token.NewFileSet(),
		packages: map[string][]file{},
	}
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if skipped(p, d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(p) != ".go" {
			return nil
		}
		return tr.add(p)
	})
	return tr, err
})

// skipped tells whether the go command would not look into this folder.
func skipped(p, name string) bool {
	if p == root {
		return false
	}
	if name == "testdata" || name == "vendor" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return true
	}
	_, err := os.Stat(filepath.Join(p, "go.mod"))
	return err == nil
}

func (tr tree) add(p string) error {
	src, err := os.ReadFile(p)
	if err != nil {
		return err
	}
	syntax, err := parser.ParseFile(tr.fset, p, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(root, p)
	if err != nil {
		return err
	}
	rel = filepath.ToSlash(rel)
	dir := path.Dir(rel)
	tr.packages[dir] = append(tr.packages[dir], file{
		name:  rel,
		test:  strings.HasSuffix(rel, "_test.go"),
		lines: bytes.Count(src, []byte("\n")),
		ast:   syntax,
	})
	return nil
}

// place is the index of a package in table, or -1.
func place(pkg string) int {
	return slices.IndexFunc(table, func(r row) bool {
		dir, many := strings.CutSuffix(r.path, "/...")
		return r.path == pkg || many && strings.HasPrefix(pkg, dir+"/")
	})
}

// imports lists what a file imports, unquoted.
func (f file) imports() []string {
	var paths []string
	for _, spec := range f.ast.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, p)
		}
	}
	return paths
}

func TestEveryPackageHasARow(t *testing.T) {
	for pkg := range load(t).packages {
		if place(pkg) < 0 {
			t.Errorf("package %s has no row: give it one in section 2 of docs/DESIGN.md and in "+
				"internal/test/layers/table_test.go (a new package has three callers or an ADR)", pkg)
		}
	}
}

func TestTableNamesEachPackageOnce(t *testing.T) {
	seen := map[string]bool{}
	layer := 0
	for _, r := range table {
		if seen[r.path] {
			t.Errorf("%s has two rows", r.path)
		}
		seen[r.path] = true
		if r.layer < layer {
			t.Errorf("%s is in layer %d, below a row of layer %d", r.path, r.layer, layer)
		}
		layer = r.layer
	}
}

// An import that points down or sideways makes a cycle of ideas long before
// it makes a cycle of packages. Tests may look down: sd's tests use sddl.
func TestImportsPointUp(t *testing.T) {
	tr := load(t)
	for pkg, files := range tr.packages {
		at := place(pkg)
		if at < 0 {
			continue
		}
		for _, f := range files {
			if f.test {
				continue
			}
			for _, imported := range f.imports() {
				if own, ok := tr.own(imported); ok && !above(own, at) {
					t.Errorf("%s imports %s: a package imports only rows above its own (%s is layer %d)", f.name, own, pkg,
						table[at].layer)
				}
			}
		}
	}
}

// above tells whether a package has a row before the one at index at.
func above(pkg string, at int) bool {
	to := place(pkg)
	return to >= 0 && to < at
}

// own gives the path of one of the module's packages as table writes it.
func (tr tree) own(imported string) (string, bool) {
	if imported == tr.module {
		return ".", true
	}
	return strings.CutPrefix(imported, tr.module+"/")
}

// external tells whether an import path is outside the standard library: its
// first element holds a dot.
func external(p string) bool {
	first, _, _ := strings.Cut(p, "/")
	return strings.Contains(first, ".")
}

func within(p string, list []string) bool {
	return slices.ContainsFunc(list, func(l string) bool { return p == l || strings.HasPrefix(p, l+"/") })
}

func TestPureAndCoreImports(t *testing.T) {
	tr := load(t)
	for pkg, files := range tr.packages {
		at := place(pkg)
		if at < 0 || table[at].layer > lastCore {
			continue
		}
		pure := table[at].layer <= lastPure
		for _, f := range files {
			if f.test {
				continue
			}
			for _, p := range f.imports() {
				_, own := tr.own(p)
				switch {
				case own:
				case pure && (external(p) || p == "C"):
					t.Errorf("%s imports %s: layers 0 to %d use the standard library only", f.name, p, lastPure)
				case pure && within(p, effects) && !within(p, pureAnyway):
					t.Errorf("%s imports %s: layers 0 to %d have no effects; take an interface or an argument instead", f.name, p,
						lastPure)
				case external(p) && !within(p, append(linked[pkg], "golang.org/x/sys")):
					t.Errorf("%s imports %s: layers 0 to %d link the standard library and golang.org/x/sys only", f.name, p, lastCore)
				}
			}
		}
	}
}

func TestFilesAreShort(t *testing.T) {
	for _, files := range load(t).packages {
		for _, f := range files {
			if !f.test && f.lines > maxLines {
				t.Errorf("%s has %d lines, the ceiling is %d: divide it by subject", f.name, f.lines, maxLines)
			}
		}
	}
}

// A package made of tests only may carry its comment in a test file.
func TestPackagesHaveComments(t *testing.T) {
	for pkg, files := range load(t).packages {
		source := slices.ContainsFunc(files, func(f file) bool { return !f.test })
		documented := slices.ContainsFunc(files, func(f file) bool {
			return f.ast.Doc != nil && (!f.test || !source) && strings.TrimSpace(f.ast.Doc.Text()) != ""
		})
		if !documented {
			t.Errorf("package %s has no package comment: say what it is for, its types, one example and its guards", pkg)
		}
	}
}

var allCaps = regexp.MustCompile(`^[A-Z][A-Z0-9]*_[A-Z0-9_]*$`)

func TestDocumentedSpellingOnlyInWinnt(t *testing.T) {
	for pkg, files := range load(t).packages {
		if pkg == "winnt" {
			continue
		}
		for _, f := range files {
			if f.test {
				continue
			}
			for _, name := range exported(f.ast) {
				if allCaps.MatchString(name) {
					t.Errorf("%s declares %s: the documented ALL_CAPS spelling is winnt's; use a Go name", f.name, name)
				}
			}
		}
	}
}

// exported lists the exported package-level names, methods and struct fields
// of a file.
func exported(f *ast.File) []string {
	var names []string
	keep := func(ids ...*ast.Ident) {
		for _, id := range ids {
			if id.IsExported() {
				names = append(names, id.Name)
			}
		}
	}
	for _, decl := range f.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			keep(d.Name)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.ValueSpec:
					keep(s.Names...)
				case *ast.TypeSpec:
					keep(s.Name)
					ast.Inspect(s.Type, func(n ast.Node) bool {
						if field, ok := n.(*ast.Field); ok {
							keep(field.Names...)
						}
						return true
					})
				}
			}
		}
	}
	return names
}

// The tests above pass on an empty tree too, so what they decide by has a
// test of its own.
func TestRulesSeeWhatTheyAreFor(t *testing.T) {
	tr := tree{module: "example.org/m"}
	if own, ok := tr.own("example.org/m/sid"); !ok || own != "sid" {
		t.Errorf("own package: got %q, %t", own, ok)
	}
	if _, ok := tr.own("example.org/more"); ok {
		t.Error("a module with the same prefix is taken for this one")
	}
	sd, kernel := place("sd"), place("kernel")
	for _, c := range []struct {
		pkg  string
		at   int
		want bool
	}{{"sid", sd, true}, {"sd", sd, false}, {"sddl", sd, false}, {"nosuch", sd, false}, {"nt", kernel,
		true}, {"examples/server", kernel, false}} {
		if got := above(c.pkg, c.at); got != c.want {
			t.Errorf("%s above %s: got %t", c.pkg, table[c.at].path, got)
		}
	}
	for p, want := range map[string]bool{"os/exec": true, "sync": true, "sync/atomic": false, "net/netip": false,
		"io/fs": false, "log/slog": true, "strings": false} {
		if got := within(p, effects) && !within(p, pureAnyway); got != want {
			t.Errorf("%s has effects: got %t", p, got)
		}
	}
	for name, want := range map[string]bool{"FILE_READ_DATA": true, "SID": false, "ReadData": false, "A_": true,
		"ACLSize": false} {
		if got := allCaps.MatchString(name); got != want {
			t.Errorf("%s is ALL_CAPS: got %t", name, got)
		}
	}
}
