package mutants

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
)

// Tests cannot detect a mutant that does not compile. Each changed package is type checked with the compiled others.
// Without REFMON_DEEP every tenth mutant is checked.
func TestMutantsTypeCheck(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it wants compiled packages")
	}
	mutants, err := All()
	check.NoError(t, err)
	if !randtest.Deep() {
		// The other modules' libraries take minutes to compile from an empty cache.
		mutants = everyTenth(slices.DeleteFunc(mutants, func(m Mutant) bool {
			module, _ := moduleOf(m.Folder)
			return module != "."
		}))
	}
	seeds := seedsOf(mutants)
	packages, exports := list(t, seeds)
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		name, ok := exports[path]
		if !ok {
			return nil, fmt.Errorf("no compiled package %s", path)
		}
		return os.Open(name)
	})
	c := checker{fset: fset, imports: imports, others: map[string]*ast.File{}}
	for _, s := range seeds {
		check.Equal(t, c.check(packages[s.mutant.Folder], s.file, s.changed), nil, "mutant %q", s.mutant.Name)
	}
}

func everyTenth(all []Mutant) (some []Mutant) {
	for i := 0; i < len(all); i += 10 {
		some = append(some, all[i])
	}
	return some
}

// applied is a mutant of Go with the name of the file that it changes, and its text then.
type applied struct {
	mutant  Mutant
	file    string
	changed []byte
}

// seedsOf applies the Go mutants; TestMutantsMatchSourceExactlyOnce reports those that do not apply. Tests that detect
// mutants in other languages run their compilers.
func seedsOf(mutants []Mutant) []applied {
	var out []applied
	for _, f := range mutants {
		name, changed, err := f.Apply(root)
		if err == nil && filepath.Ext(name) == ".go" {
			out = append(out, applied{f, filepath.Base(name), changed})
		}
	}
	return out
}

// list compiles the packages below those with mutants, and returns the packages
// by folder and where each compiled one is.
func list(t *testing.T, seeds []applied) (packages map[string]listed, exports map[string]string) {
	t.Helper()
	here := check.Must(filepath.Abs(root))
	packages, exports = map[string]listed{}, map[string]string{}
	for _, m := range modules {
		listIn(t, m, seeds, here, packages, exports)
	}
	return packages, exports
}

// listIn adds the packages of one module.
func listIn(t *testing.T, module string, seeds []applied, here string, packages map[string]listed,
	exports map[string]string) {
	t.Helper()
	args := []string{"list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles"}
	asked := map[string]bool{}
	for _, s := range seeds {
		if in, rel := moduleOf(s.mutant.Folder); in == module && !asked[rel] {
			asked[rel] = true
			args = append(args, "./"+rel)
		}
	}
	if len(asked) == 0 {
		return
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = filepath.Join(root, module)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	check.RequireThat(t, err == nil, "go list: %v", err)
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p listed
		check.NoError(t, d.Decode(&p))
		exports[p.ImportPath] = p.Export
		if dir, err := filepath.Rel(here, p.Dir); err == nil {
			packages[filepath.ToSlash(dir)] = p
		}
	}
}

// checker type checks changed packages.
type checker struct {
	fset    *token.FileSet
	imports types.Importer
	others  map[string]*ast.File // unchanged files by their path, without bodies
}

// check type checks a package with one changed file. It omits the function bodies of the other files, which cannot
// change the result.
func (c *checker) check(p listed, file string, changed []byte) error {
	var syntax []*ast.File
	for _, name := range p.GoFiles {
		f, err := c.parse(filepath.Join(p.Dir, name), name == file, changed)
		if err != nil {
			return err
		}
		syntax = append(syntax, f)
	}
	var first error
	conf := types.Config{Importer: c.imports, Error: func(err error) {
		var at types.Error
		if errors.As(err, &at) && filepath.Base(at.Fset.Position(at.Pos).Filename) == file && first == nil {
			first = err
		}
	}}
	conf.Check(p.ImportPath, c.fset, syntax, nil)
	return first
}

// parse parses a file: one that is not changed once.
func (c *checker) parse(path string, isChanged bool, changed []byte) (*ast.File, error) {
	if isChanged {
		return parser.ParseFile(c.fset, path, changed, parser.SkipObjectResolution)
	}
	if f := c.others[path]; f != nil {
		return f, nil
	}
	f, err := parser.ParseFile(c.fset, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	withoutBodies(f)
	c.others[path] = f
	return f, nil
}

func withoutBodies(f *ast.File) {
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok {
			fn.Body = nil
		}
	}
}
