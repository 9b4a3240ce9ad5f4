// Package frozen finds the names that other programs read: JSON and YAML keys, metrics, texts of audit events,
// environment variables, exit codes, the wire protocol and the gateway's proto. Its test compares them with
// testdata/frozen.txt, so that no renaming in Go changes them unnoticed.
package frozen

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/refmon/refmon/internal/wire"
)

// Names maps each name, such as "json audit time", to the number of its declarations.
type Names map[string]int

var (
	metric      = regexp.MustCompile(`^refmon[a-z]*_[a-z_]+`)
	environment = regexp.MustCompile(`^REFMON_[A-Z_]+$`)
	protoField  = regexp.MustCompile(`^\s*(?:(?:repeated|optional) )?[\w.]+ \w+ = \d+;|^(?:message|service|enum) \w+|` +
		`^\s*rpc \w+`)
)

// Find returns the names in the Go and proto files below root, and the rows of the wire protocol. It skips tests,
// testdata and folders whose name starts with a dot. An unreadable or malformed file is an error.
func Find(root string) (Names, error) {
	n := Names{}
	for name, row := range wire.Describe().Rows {
		n["wire "+name+" "+row.Fingerprint]++
	}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(root, p)
		dir := filepath.ToSlash(filepath.Dir(rel))
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if p != root && (d.Name()[0] == '.' || d.Name() == "testdata" || filepath.ToSlash(rel) == "internal/test") {
				return filepath.SkipDir
			}
		case strings.HasSuffix(p, ".proto"):
			return n.proto(p)
		case strings.HasSuffix(p, ".go") && !strings.HasSuffix(p, "_test.go"):
			f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			n.source(dir, f)
		}
		return nil
	})
	return n, err
}

// proto adds the messages, fields and calls of a proto file.
func (n Names) proto(path string) error {
	b, err := os.ReadFile(path)
	for line := range strings.Lines(string(b)) {
		if m := protoField.FindStringSubmatch(line); m != nil {
			n["proto "+strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(m[0]), ";"))]++
		}
	}
	return err
}

// source adds the names that a Go file of a folder declares.
func (n Names) source(dir string, f *ast.File) {
	audited := dir == "audit"
	ast.Inspect(f, func(x ast.Node) bool {
		switch x := x.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.StructType:
			n.keys(dir, x)
			return false
		case *ast.CallExpr:
			// Error messages may change; they are no part of an event.
			if s, ok := x.Fun.(*ast.SelectorExpr); ok && (s.Sel.Name == "Errorf" || s.Sel.Name == "New") {
				return false
			}
		case *ast.ValueSpec:
			n.exits(dir, x)
		case *ast.BasicLit:
			n.literal(x, audited)
		}
		return true
	})
}

// keys adds the JSON and YAML keys of a structure. An exported field without a tag next to one with a tag is a key
// under its Go name.
func (n Names) keys(dir string, s *ast.StructType) {
	for _, format := range []string{"json", "yaml"} {
		tagged := false
		var names []string
		for _, f := range s.Fields.List {
			var tag string
			var ok bool
			if f.Tag != nil {
				text, _ := strconv.Unquote(f.Tag.Value)
				tag, ok = reflect.StructTag(text).Lookup(format)
			}
			tagged = tagged || ok
			if name, _, _ := strings.Cut(tag, ","); name != "" {
				names = append(names, name)
				continue
			}
			for _, id := range f.Names {
				if id.IsExported() {
					names = append(names, id.Name)
				}
			}
		}
		for _, name := range names {
			if tagged && name != "-" {
				n[format+" "+dir+" "+name]++
			}
		}
	}
}

// exits adds the values of the constants whose names start with "exit".
func (n Names) exits(dir string, v *ast.ValueSpec) {
	for i, id := range v.Names {
		if !strings.HasPrefix(id.Name, "exit") || i >= len(v.Values) {
			continue
		}
		if value, ok := v.Values[i].(*ast.BasicLit); ok {
			n[fmt.Sprintf("exit %s %s", dir, value.Value)]++
		}
	}
}

// literal adds a string that is a metric, an environment variable or, in package audit, a text of an event.
func (n Names) literal(x *ast.BasicLit, audited bool) {
	text, err := strconv.Unquote(x.Value)
	if err != nil || x.Kind != token.STRING || text == "" {
		return
	}
	if name := metric.FindString(text); name != "" {
		n["metric "+name]++
	}
	if environment.MatchString(text) {
		n["environment "+text]++
	}
	if audited {
		n["audit "+strconv.Quote(text)]++
	}
}
