// Command typecheck reads all packages of a module and their tests, with the packages that they import, as the compiler
// would for other systems, and reports their type errors:
//
//	go run ./internal/test/typecheck FOLDER windows/amd64 darwin/arm64
//
// It finds the type errors that go build would report, but neither errors of embedded files nor those of the compiler's
// later stages and the linker. go build takes ten times as long, because it compiles the standard library and all
// modules for each system first. This command omits the function bodies of those packages, and generates no code.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: typecheck FOLDER SYSTEM/PROCESSOR...")
		os.Exit(2)
	}
	targets := os.Args[2:]
	errs := make([]error, len(targets))
	var all sync.WaitGroup
	for i, target := range targets {
		all.Go(func() { errs[i] = check(os.Args[1], target) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("no type error for", strings.Join(targets, ", "))
}

// check returns the type errors of all packages and tests of the module in a folder, for a system as in "linux/arm64".
func check(folder, target string) error {
	system, processor, ok := strings.Cut(target, "/")
	sizes := types.SizesFor("gc", processor)
	if !ok || sizes == nil {
		return fmt.Errorf("%q: want SYSTEM/PROCESSOR, such as linux/arm64", target)
	}
	list := exec.Command("go", "-C", folder, "list", "-deps", "-test",
		"-json=ImportPath,Dir,GoFiles,ImportMap,Module", "./...")
	list.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+processor, "CGO_ENABLED=0")
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return fmt.Errorf("%s: go list: %w", target, err)
	}
	done := checked{sizes: sizes, packages: map[string]*types.Package{"unsafe": types.Unsafe}}
	var errs []error
	for d := json.NewDecoder(strings.NewReader(string(out))); ; { // imported packages come first
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("%s: go list: %w", target, err)
		}
		if p.ImportPath == "unsafe" || strings.HasSuffix(p.ImportPath, ".test") { // or the generated main of tests
			continue
		}
		if err := done.add(&p); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", target, err))
		}
	}
	return errors.Join(errs...)
}

// listed is a package as go list prints it.
type listed struct {
	ImportPath, Dir string
	GoFiles         []string
	ImportMap       map[string]string // from paths in the sources to those of packages, where they differ
	Module          *struct {
		Main      bool
		GoVersion string
	} // nil in the standard library
}

// checked are the packages that were read for one system, by import path.
type checked struct {
	sizes    types.Sizes
	packages map[string]*types.Package
}

// add reads a package whose imports were added before, and returns its errors, each with its position.
func (c checked) add(p *listed) error {
	var errs []error
	places := token.NewFileSet()
	conf := types.Config{Importer: imports{c.packages, p.ImportMap}, Sizes: c.sizes, IgnoreFuncBodies: true,
		Error: func(err error) { errs = append(errs, err) }}
	if p.Module != nil {
		conf.IgnoreFuncBodies = !p.Module.Main
		if p.Module.GoVersion != "" {
			conf.GoVersion = "go" + p.Module.GoVersion
		}
	}
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(places, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	c.packages[p.ImportPath], _ = conf.Check(p.ImportPath, places, files, nil) // conf.Error has all errors
	return errors.Join(errs...)
}

// imports finds the packages that one package imports.
type imports struct {
	packages map[string]*types.Package
	names    map[string]string
}

// Import implements types.Importer.
func (i imports) Import(path string) (*types.Package, error) {
	if name, ok := i.names[path]; ok {
		path = name
	}
	if p := i.packages[path]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("package %s is not built for this system", path)
}
