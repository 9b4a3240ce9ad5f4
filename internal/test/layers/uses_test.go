package layers

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// unproven is the file of the exported names that nothing in the repository uses.
const unproven = "testdata/unproven.txt"

// ofTables are the packages that spell out documented tables: their names are
// there for readers of the document.
var ofTables = []string{"winnt", "ntstatus"}

// TestExportedNamesAreUsed holds that each exported name of a package that
// // others can import is used by another package, its tests, or an example. The
// names in unproven are excused; the list only gets shorter.
func TestExportedNamesAreUsed(t *testing.T) {
	tr := load(t)
	said := mentions(t, tr)
	excused, left := map[string]bool{}, map[string]bool{}
	b := check.Must(os.ReadFile(unproven))
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			excused[line] = true
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(tr.packages)) {
		if !public(pkg) {
			continue
		}
		for _, name := range said.unused(pkg, tr.packages[pkg]) {
			full := pkg + "." + name
			check.That(t, excused[full] || excused[pkg+".*"],
				"%s: no other package, test of one, or example uses it: give it an example, or unexport it", full)
			left[full] = true
		}
	}
	for name := range excused {
		if !left[name] && !strings.HasSuffix(name, ".*") {
			t.Logf("%s: it is used, or gone: it can be taken out of %s", name, unproven)
		}
	}
}

// public reports whether programs outside the module import the package.
func public(pkg string) bool {
	for _, part := range strings.Split(pkg, "/") {
		switch part {
		case ".", "internal", "cmd", "capi", "examples", "web", "docs":
			return false
		}
	}
	return !slices.Contains(ofTables, pkg)
}

// uses are the names that sources mention.
type uses struct {
	qualified map[string]bool            // "sd.Parse": selected from the package, by others or an example
	selected  map[string]map[string]bool // method and field names, by the packages that select them
	promised  map[string]bool            // methods of interfaces, of the module or of the standard library
}

// limit is a constant of the table of limits in docs/adopt.md, whose rows a test
// in examples compares with the constants.
var limit = regexp.MustCompile("(?m)`([a-z]+\\.Max[A-Za-z0-9]+)` \\|$")

// mentions reads every source of the repository, the nested modules included.
func mentions(t *testing.T, tr tree) uses {
	t.Helper()
	u := uses{map[string]bool{}, map[string]map[string]bool{}, map[string]bool{}}
	for _, m := range strings.Fields("String Error Unwrap Is As Format GoString MarshalText UnmarshalText AppendText " +
		"MarshalJSON UnmarshalJSON MarshalBinary UnmarshalBinary AppendBinary Read Write Close ReadFrom WriteTo " +
		"Accept Addr LocalAddr RemoteAddr SetDeadline SetReadDeadline SetWriteDeadline") {
		u.promised[m] = true
	}
	for pkg, files := range tr.packages {
		for _, f := range files {
			u.read(tr, pkg, f)
		}
	}
	adopt := check.Must(os.ReadFile(filepath.Join(root, "docs", "adopt.md")))
	for _, m := range limit.FindAllSubmatch(adopt, -1) {
		u.qualified[string(m[1])] = true
	}
	check.NoError(t, filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || p == root {
			return err
		}
		if _, nested := os.Stat(filepath.Join(p, "go.mod")); nested != nil {
			if skipped(p, d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		return u.readModule(tr, p)
	}))
	return u
}

// readModule reads the sources of a nested module.
func (u *uses) readModule(tr tree, dir string) error {
	return filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(p) != ".go" {
			return err
		}
		syntax, err := parser.ParseFile(tr.fset, p, nil, parser.SkipObjectResolution)
		if err == nil {
			u.read(tr, p, file{name: p, ast: syntax})
		}
		return err
	})
}

// read records the names that one file uses. Of a package's own tests only examples count as uses from outside.
func (u *uses) read(tr tree, pkg string, f file) {
	imported := map[string]string{}
	for _, spec := range f.ast.Imports {
		own, ok := tr.relative(strings.Trim(spec.Path.Value, `"`))
		if !ok {
			continue
		}
		name := path.Base(own)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imported[name] = own
	}
	for _, d := range f.ast.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if strings.HasPrefix(path.Base(f.name), "example") || f.test && ok && strings.HasPrefix(fn.Name.Name, "Example") {
			u.readDecl("an example of "+pkg, "", imported, d)
		} else {
			u.readDecl(pkg, pkg, imported, d)
		}
	}
}

// readDecl records the names of other packages that one declaration uses.
func (u *uses) readDecl(from, own string, imported map[string]string, d ast.Decl) {
	ast.Inspect(d, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && imported[x.Name] != "" {
				if imported[x.Name] != own {
					u.qualified[imported[x.Name]+"."+n.Sel.Name] = true
				}
				return true
			}
			if u.selected[n.Sel.Name] == nil {
				u.selected[n.Sel.Name] = map[string]bool{}
			}
			u.selected[n.Sel.Name][from] = true
		case *ast.InterfaceType:
			for _, m := range n.Methods.List {
				for _, id := range m.Names {
					u.promised[id.Name] = true
				}
			}
		}
		return true
	})
}

// unused returns the exported functions, types, variables and methods of a package that nothing outside uses. A type
// counts as used if the declaration of something used mentions it. A constant of a named type belongs to that type.
func (u uses) unused(pkg string, files []file) []string {
	mentioned := map[string][]string{} // a name, and those in its declaration
	var methods [][2]string
	for _, f := range files {
		if f.test {
			continue
		}
		for _, decl := range f.ast.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					mentioned[d.Name.Name] = names(d.Type)
				} else if r := names(d.Recv); len(r) > 0 && ast.IsExported(r[len(r)-1]) && d.Name.IsExported() {
					methods = append(methods, [2]string{r[0], d.Name.Name})
					mentioned[r[0]+"."+d.Name.Name] = names(d.Type)
				}
			case *ast.GenDecl:
				declared(d, mentioned)
			}
		}
	}
	alive := map[string]bool{}
	var mark func(string)
	mark = func(name string) {
		if alive[name] {
			return
		}
		alive[name] = true
		for _, n := range mentioned[name] {
			if _, ok := mentioned[n]; ok {
				mark(n)
			}
		}
	}
	for name := range mentioned {
		if u.qualified[pkg+"."+name] {
			mark(name)
		}
	}
	for _, m := range methods {
		if u.promised[m[1]] || u.elsewhere(m[1], pkg) {
			mark(m[0] + "." + m[1])
		}
	}
	var unused []string
	for name := range mentioned {
		if ast.IsExported(name) && !alive[name] {
			unused = append(unused, name)
		}
	}
	slices.Sort(unused)
	return unused
}

// elsewhere reports whether a package other than this one selects the name.
func (u uses) elsewhere(name, pkg string) bool {
	for from := range u.selected[name] {
		if from != pkg {
			return true
		}
	}
	return false
}

// declared records the names in a declaration of types, variables or constants. Constants of a named type belong to
// the type. Names in a row of a service table are used by the code that walks the table.
func declared(d *ast.GenDecl, mentioned map[string][]string) {
	of := ""
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			mentioned[s.Name.Name] = names(s.Type)
		case *ast.ValueSpec:
			if id, ok := s.Type.(*ast.Ident); ok {
				of = id.Name
			} else if s.Type != nil || s.Values != nil {
				of = ""
			}
			if d.Tok == token.CONST && of != "" {
				continue
			}
			for _, id := range s.Names {
				mentioned[id.Name] = append(mentioned[id.Name], namesOf(s)...)
			}
			if (s.Names[0].Name == "_" || strings.HasPrefix(s.Names[0].Name, "row")) && len(s.Values) == 1 {
				mentioned["Table"] = append(mentioned["Table"], names(s.Values[0])...)
			}
		}
	}
}

// namesOf lists the names in the type of a variable or constant that has one.
func namesOf(s *ast.ValueSpec) []string {
	if s.Type == nil {
		return nil
	}
	return names(s.Type)
}

// names returns the identifiers of a declaration that are not selected from another package.
func names(n ast.Node) []string {
	var all []string
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			return false
		case *ast.Field:
			all = append(all, names(n.Type)...)
			return false
		case *ast.Ident:
			all = append(all, n.Name)
		}
		return true
	})
	return all
}

func TestUseCheckFindsUnusedNames(t *testing.T) {
	fset := token.NewFileSet()
	parse := func(name, source string) file {
		syntax := check.Must(parser.ParseFile(fset, name, source, parser.SkipObjectResolution))
		return file{name: name, test: strings.HasSuffix(name, "_test.go"), ast: syntax}
	}
	own := parse("p/p.go", `package p
type Used struct{ In Inside }
type Inside int
const One Inside = 1
const Lone = 2
type Left struct{}
func (Used) Called() {}
func (Used) Uncalled() {}
func (Used) String() string { return "" }
func Run() *Result { return nil }
type Result struct{}
var Value int
`)
	tr := tree{module: "m"}
	u := uses{map[string]bool{}, map[string]map[string]bool{}, map[string]bool{"String": true}}
	u.read(tr, "p", own)
	u.read(tr, "p", parse("p/p_test.go", "package p_test\nimport \"m/p\"\nvar _ p.Left\n"))
	u.read(tr, "q", parse("q/q.go", "package q\nimport r \"m/p\"\nfunc f(u r.Used) { u.Called(); r.Run() }\n"))
	got, want := fmt.Sprint(u.unused("p", []file{own})), "[Left Lone Used.Uncalled Value]"
	check.That(t, got == want, "got %s, want %s", got, want)
}
