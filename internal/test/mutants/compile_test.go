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
	"strings"
	"testing"
)

// listed is a package as go list describes it.
type listed struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
}

// TestFaultsCompile: tests cannot be asked about a fault that the compiler
// sees. Each changed package is type checked beside the compiled others.
func TestFaultsCompile(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it wants compiled packages")
	}
	faults, err := Faults()
	if err != nil {
		t.Fatal(err)
	}
	packages, exports := list(t, faults)
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		name, ok := exports[path]
		if !ok {
			return nil, fmt.Errorf("no compiled package %s", path)
		}
		return os.Open(name)
	})
	for _, f := range faults {
		name, changed, err := f.Apply(root)
		if err != nil || filepath.Ext(name) != ".go" {
			continue // TestFaultsApply says of those that do not apply
		}
		if err := check(fset, imports, packages[f.Folder], filepath.Base(name), changed); err != nil {
			t.Errorf("fault %q: %v", f.Name, err)
		}
	}
}

// list compiles the packages below those with faults, and returns the packages
// by folder and where each compiled one is.
func list(t *testing.T, faults []Fault) (packages map[string]listed, exports map[string]string) {
	t.Helper()
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	packages, exports = map[string]listed{}, map[string]string{}
	for _, m := range modules {
		listIn(t, m, faults, here, packages, exports)
	}
	return packages, exports
}

// listIn adds the packages of one module.
func listIn(t *testing.T, module string, faults []Fault, here string, packages map[string]listed,
	exports map[string]string) {
	t.Helper()
	args := []string{"list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles"}
	asked := map[string]bool{}
	for _, f := range faults {
		if in, rel := moduleOf(f.Folder); in == module && !asked[rel] && inGo(f) {
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
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p listed
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		if dir, err := filepath.Rel(here, p.Dir); err == nil {
			packages[filepath.ToSlash(dir)] = p
		}
	}
}

// inGo tells whether a fault is one of Go. The compilers of others are asked by
// the tests that see the fault.
func inGo(f Fault) bool {
	name, _, err := f.Apply(root)
	return err == nil && filepath.Ext(name) == ".go"
}

// check type checks the file of a package that has changed. The bodies of the
// functions in its other files cannot change what it says, and are left out.
func check(fset *token.FileSet, imports types.Importer, p listed, file string, changed []byte) error {
	var syntax []*ast.File
	for _, name := range p.GoFiles {
		var source any
		if name == file {
			source = changed
		}
		f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), source, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		if name != file {
			withoutBodies(f)
		}
		syntax = append(syntax, f)
	}
	var first error
	conf := types.Config{Importer: imports, Error: func(err error) {
		var at types.Error
		if errors.As(err, &at) && filepath.Base(at.Fset.Position(at.Pos).Filename) == file && first == nil {
			first = err
		}
	}}
	conf.Check(p.ImportPath, fset, syntax, nil)
	return first
}

func withoutBodies(f *ast.File) {
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok {
			fn.Body = nil
		}
	}
}
