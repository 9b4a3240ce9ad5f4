package mutants

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/test/rules"
)

// declared is a top-level declaration of a test file.
type declared struct {
	uses map[string]bool // names that it mentions
	hit  bool            // it cites the rule, or reads files that do
}

// Citing returns a pattern of the tests of a folder that cite a rule: in their
// text, in a table or a helper that they use, or in a file of testdata that they
// read. It returns "" if none does.
func Citing(folder string, id rules.ID) (pattern string, err error) {
	data, err := dataCites(folder, id)
	if err != nil {
		return "", err
	}
	names, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		return "", err
	}
	all := map[string]*declared{}
	for _, name := range names {
		source, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, source, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return "", err
		}
		for _, d := range file.Decls {
			begin, end := d.Pos(), d.End()
			if doc := docOf(d); doc != nil {
				begin = doc.Pos()
			}
			text := source[fset.Position(begin).Offset:fset.Position(end).Offset]
			x := &declared{uses: usesOf(d)}
			x.hit = slices.Contains(rules.FindAll(string(text)), id) || data && bytes.Contains(text, []byte("testdata"))
			for _, n := range namesOf(d) {
				if of := all[n]; of != nil { // a method of another type
					maps.Copy(x.uses, of.uses)
					x.hit = x.hit || of.hit
				}
				all[n] = x
			}
		}
	}
	return testsOf(all), nil
}

// testsOf returns a pattern that matches the tests that cite the rule, directly or through the functions that they
// use.
func testsOf(all map[string]*declared) string {
	for changed := true; changed; {
		changed = false
		for _, x := range all {
			for n := range x.uses {
				if of := all[n]; !x.hit && of != nil && of.hit {
					x.hit, changed = true, true
				}
			}
		}
	}
	var tests []string
	for _, n := range slices.Sorted(maps.Keys(all)) {
		if all[n].hit && (strings.HasPrefix(n, "Test") || strings.HasPrefix(n, "Fuzz") || strings.HasPrefix(n, "Example")) {
			tests = append(tests, n)
		}
	}
	if tests == nil {
		return ""
	}
	return "^(" + strings.Join(tests, "|") + ")$"
}

// dataCites reports whether a file of a folder's testdata cites a rule. A folder without testdata cites none.
func dataCites(folder string, id rules.ID) (found bool, err error) {
	root := filepath.Join(folder, "testdata")
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		if bytes.Contains(b, []byte(id)) && slices.Contains(rules.FindAll(string(b)), id) {
			found = true
			return filepath.SkipAll
		}
		return err
	})
	if os.IsNotExist(err) {
		return false, nil
	}
	return found, err
}

func docOf(d ast.Decl) *ast.CommentGroup {
	if fn, ok := d.(*ast.FuncDecl); ok {
		return fn.Doc
	}
	return d.(*ast.GenDecl).Doc
}

// namesOf returns the names that a declaration makes.
func namesOf(d ast.Decl) (names []string) {
	if fn, ok := d.(*ast.FuncDecl); ok {
		return []string{fn.Name.Name}
	}
	for _, s := range d.(*ast.GenDecl).Specs {
		switch s := s.(type) {
		case *ast.ValueSpec:
			for _, n := range s.Names {
				names = append(names, n.Name)
			}
		case *ast.TypeSpec:
			names = append(names, s.Name.Name)
		}
	}
	return names
}

// usesOf returns all identifiers in a declaration, its own name included.
func usesOf(d ast.Decl) map[string]bool {
	uses := map[string]bool{}
	ast.Inspect(d, func(n ast.Node) bool {
		if x, ok := n.(*ast.Ident); ok {
			uses[x.Name] = true
		}
		return true
	})
	return uses
}
