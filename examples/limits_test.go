package examples

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// consts maps the names of a package's constants to their expressions. They come from the source, so that the table
// may name unexported ones.
type consts struct {
	t     *testing.T
	named map[string]ast.Expr
}

func constsOf(t *testing.T, dir string) consts {
	t.Helper()
	all := consts{t, map[string]ast.Expr{}}
	names := check.Must(filepath.Glob(filepath.Join(root, filepath.FromSlash(dir), "*.go")))
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f := check.Must(parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution))
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, s := range g.Specs {
				v := s.(*ast.ValueSpec)
				for i := range v.Values {
					all.named[v.Names[i].Name] = v.Values[i]
				}
			}
		}
	}
	return all
}

// value computes a constant; ok is false for an expression that is not a sum of integers.
func (c consts) value(e ast.Expr) (v constant.Value, ok bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		v := constant.MakeFromLiteral(e.Value, e.Kind, 0)
		return v, v.Kind() == constant.Int
	case *ast.ParenExpr:
		return c.value(e.X)
	case *ast.Ident:
		if x, ok := c.named[e.Name]; ok {
			return c.value(x)
		}
	case *ast.SelectorExpr: // of a package in the root of the module
		if pkg, ok := e.X.(*ast.Ident); ok {
			other := constsOf(c.t, pkg.Name)
			return other.value(other.named[e.Sel.Name])
		}
	case *ast.BinaryExpr:
		x, ok1 := c.value(e.X)
		y, ok2 := c.value(e.Y)
		if !ok1 || !ok2 {
			return nil, false
		}
		switch e.Op {
		case token.SHL, token.SHR:
			n, _ := constant.Uint64Val(y)
			return constant.Shift(x, e.Op, uint(n)), true
		case token.QUO:
			return constant.BinaryOp(x, token.QUO_ASSIGN, y), true // of integers, as in Go
		}
		return constant.BinaryOp(x, e.Op, y), true
	}
	return nil, false
}

var limitRow = regexp.MustCompile("(?m)^\\| ([^|]+) \\| ([0-9]+) \\| ([^|]*)\\| `([a-z/]+)\\.([A-Za-z0-9]+)` \\|$")

// TestDocumentedLimitsEqualConstants compares the table with the constants, both ways.
func TestDocumentedLimitsEqualConstants(t *testing.T) {
	rows := limitRow.FindAllStringSubmatch(readFile(t, "docs/adopt.md"), -1)
	packages, listed := map[string]consts{}, map[string]bool{}
	for _, r := range rows {
		dir, name := r[4], r[5]
		listed[dir+"."+name] = true
		if _, ok := packages[dir]; !ok {
			packages[dir] = constsOf(t, dir)
		}
		v, ok := packages[dir].value(packages[dir].named[name])
		if !ok {
			t.Errorf("%s: package %s has no such constant", name, dir)
		} else if got := v.ExactString(); got != r[2] {
			t.Errorf("%s is %s, the page has %s (%s), want %s", name, got, r[2], r[1], r[2])
		}
	}
	for dir, all := range packages {
		for name := range all.named {
			if full := fmt.Sprintf("%s.%s", dir, name); strings.HasPrefix(name, "Max") && !listed[full] {
				t.Errorf("docs/adopt.md, Limits: no row for %s", full)
			}
		}
	}
	check.That(t, len(rows) >= 20, "found %d rows, want at least 20", len(rows))
}

// The sentence below the table.
func TestDocumentedNumberOfSmallestEntriesFits(t *testing.T) {
	c := constsOf(t, "sd")
	v, ok := c.value(c.named["MaxACLSize"])
	check.RequireThat(t, ok, "no MaxACLSize")
	size, _ := constant.Int64Val(v)
	if n := (size - 8) / 16; n != 4095 || !strings.Contains(readFile(t, "docs/adopt.md"),
		"4,095 of the smallest kind (16 bytes)") {
		t.Errorf("%d entries fit", n)
	}
}
