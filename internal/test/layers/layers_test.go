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
	"strings"
	"sync"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
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
	return check.Must(parsed())
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

// skipped reports whether the go command skips a folder.
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

// relative gives the path of one of the module's packages as table writes it.
func (tr tree) relative(imported string) (string, bool) {
	if imported == tr.module {
		return ".", true
	}
	return strings.CutPrefix(imported, tr.module+"/")
}

// maxLines is the ceiling of a source file, tests apart.
const maxLines = 800

func TestSourceFilesStayBelowLineLimit(t *testing.T) {
	for _, files := range load(t).packages {
		for _, f := range files {
			check.That(t, f.test || f.lines <= maxLines,
				"%s has %d lines, the ceiling is %d: divide it by subject", f.name, f.lines, maxLines)
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
		check.That(t, documented,
			"package %s has no package comment: say what it is for, its types, one example and its guards", pkg)
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
				check.That(t, !allCaps.MatchString(name),
					"%s declares %s: the documented ALL_CAPS spelling is winnt's; use a Go name", f.name, name)
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
