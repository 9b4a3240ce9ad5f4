package mutants

import (
	"bytes"
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
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// listed is a package as go list describes it.
type listed struct {
	ImportPath, Dir, Export                               string
	GoFiles, CgoFiles, Imports, TestImports, XTestImports []string
}

// A source is a package's syntax and types, and the text of its files. Immutable.
type source struct {
	folder   string
	listed   listed
	fset     *token.FileSet
	files    []*ast.File
	texts    map[string][]byte // by path
	pkg      *types.Package
	info     *types.Info
	imports  types.Importer
	mistakes int // errors of the package as it is, such as those of cgo's names
}

// load returns the type-checked package of a folder. It compiles the packages that it imports.
func (r *Runner) load(folder string) (*source, error) {
	module, rel := moduleOf(folder)
	out, err := r.output(filepath.Join(r.Root, module), "list", "-export", "-deps",
		"-json=ImportPath,Dir,Export,GoFiles,CgoFiles", "./"+rel)
	if err != nil {
		return nil, err
	}
	s := &source{folder: folder, fset: token.NewFileSet(), texts: map[string][]byte{}}
	exports := map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		s.listed = listed{} // the asked package is the last one
		if err := d.Decode(&s.listed); err != nil {
			return nil, err
		}
		exports[s.listed.ImportPath] = s.listed.Export
	}
	s.imports = importer.ForCompiler(s.fset, "gc", func(path string) (io.ReadCloser, error) {
		name := exports[path]
		if name == "" {
			return nil, fmt.Errorf("no compiled package %s", path)
		}
		return os.Open(name)
	})
	for _, name := range slices.Concat(s.listed.GoFiles, s.listed.CgoFiles) {
		path := filepath.Join(s.listed.Dir, name)
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		f, err := parser.ParseFile(s.fset, path, b, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		s.texts[path], s.files = b, append(s.files, f)
	}
	s.info = &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{}, Defs: map[*ast.Ident]types.Object{}}
	s.pkg, s.mistakes = s.typed(s.files, s.info)
	return s, nil
}

// typed type-checks files and returns the package and the number of errors.
func (s *source) typed(files []*ast.File, info *types.Info) (pkg *types.Package, mistakes int) {
	conf := types.Config{Importer: s.imports, FakeImportC: true, Error: func(error) { mistakes++ }}
	pkg, _ = conf.Check(s.listed.ImportPath, s.fset, files, info) // the errors are counted
	return pkg, mistakes
}

// functions returns the functions that have a body. It leaves out generated files.
func (s *source) functions() (all []*ast.FuncDecl) {
	for _, f := range s.files {
		if ast.IsGenerated(f) {
			continue
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil && fn.Name.Name != "main" {
				all = append(all, fn)
			}
		}
	}
	return all
}

// path returns the file name of a position.
func (s *source) path(at token.Pos) string { return s.fset.Position(at).Filename }

// text returns the source between two positions of a file.
func (s *source) text(from, to token.Pos) string {
	return string(s.texts[s.path(from)][s.fset.Position(from).Offset:s.fset.Position(to).Offset])
}

// edits returns all edits of a function.
func (s *source) edits(fn *ast.FuncDecl) []Edit {
	return (&site{pkg: s.pkg, info: s.info, text: s.text, fn: fn, silent: map[ast.Node]bool{}}).editsOf()
}

// changed returns the text of the edited file.
func (s *source) changed(e Edit) []byte {
	b := s.texts[s.path(e.at)]
	return slices.Concat(b[:s.fset.Position(e.at).Offset], []byte(e.text), b[s.fset.Position(e.end).Offset:])
}

// compiles reports whether the package has no more errors with an edit than without it.
func (s *source) compiles(e Edit) bool {
	path := s.path(e.at)
	f, err := parser.ParseFile(s.fset, path, s.changed(e), parser.SkipObjectResolution)
	if err != nil {
		return false
	}
	files := slices.Clone(s.files)
	for i, old := range files {
		if s.path(old.Package) == path {
			files[i] = f
		}
	}
	_, mistakes := s.typed(files, nil)
	return mistakes <= s.mistakes
}

// nameOf returns a function's name, with that of its receiver's type.
func nameOf(fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return fn.Name.Name
	}
	t := fn.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name + "." + fn.Name.Name
		default:
			return fn.Name.Name
		}
	}
}

// of returns the name of the edit's function, with the edit's number if the function has others with the same texts.
func (e Edit) of(fn *ast.FuncDecl) string {
	if e.nth > 1 {
		return nameOf(fn) + "#" + strconv.Itoa(e.nth)
	}
	return nameOf(fn)
}

// packages lists the packages of a module by their folders.
func (r *Runner) packages(module string) (map[string]listed, error) {
	const fields = "ImportPath,Dir,GoFiles,CgoFiles,Imports,TestImports,XTestImports"
	out, err := r.output(filepath.Join(r.Root, module), "list", "-json="+fields, "./...")
	if err != nil {
		return nil, err
	}
	root, err := filepath.Abs(r.Root)
	if err != nil {
		return nil, err
	}
	all := map[string]listed{}
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var p listed
		if err := d.Decode(&p); err != nil {
			return nil, err
		}
		dir, err := filepath.Rel(root, p.Dir)
		if err != nil {
			return nil, err
		}
		all[filepath.ToSlash(dir)] = p
	}
	return all, nil
}

// importers returns the folders of packages with tests that import a package directly or in their tests: at most
// most of them, those that use it most often first.
func importers(all map[string]listed, folder string, most int) (folders []string) {
	path := all[folder].ImportPath
	uses := map[string]int{}
	for f, p := range all {
		if f == folder || slices.Contains(untested, f) || strings.HasPrefix(f, "examples") ||
			!slices.Contains(slices.Concat(p.Imports, p.TestImports, p.XTestImports), path) {
			continue
		}
		names, _ := filepath.Glob(filepath.Join(p.Dir, "*.go"))
		tested := false
		for _, name := range names {
			b, _ := os.ReadFile(name)
			uses[f] += bytes.Count(b, []byte(filepath.Base(folder)+"."))
			tested = tested || strings.HasSuffix(name, "_test.go")
		}
		if tested {
			folders = append(folders, f)
		}
	}
	slices.SortFunc(folders, func(a, b string) int {
		if uses[a] != uses[b] {
			return uses[b] - uses[a]
		}
		return strings.Compare(a, b)
	})
	return folders[:min(most, len(folders))]
}

// output runs the go command and returns its standard output.
func (r *Runner) output(dir string, args ...string) ([]byte, error) {
	cmd := r.prepare(dir, "go", args...)
	var failed bytes.Buffer
	cmd.Stderr = &failed
	out, err := cmd.Output()
	switch {
	case err != nil && r.late():
		return nil, ErrTime
	case err != nil:
		return nil, errors.Join(err, errors.New(failed.String()))
	}
	return out, nil
}
