package mutants

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// sourceOf type checks one file as a package.
func sourceOf(t *testing.T, text string) *source {
	t.Helper()
	s := &source{fset: token.NewFileSet(), texts: map[string][]byte{"p.go": []byte(text)}, listed: listed{ImportPath: "p"}}
	f, err := parser.ParseFile(s.fset, "p.go", text, parser.ParseComments|parser.SkipObjectResolution)
	check.NoError(t, err)
	s.files, s.imports = []*ast.File{f}, importer.Default()
	s.info = &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{}, Defs: map[*ast.Ident]types.Object{}}
	if s.pkg, s.mistakes = s.typed(s.files, s.info); s.mistakes != 0 {
		t.Fatalf("%d errors in\n%s", s.mistakes, text)
	}
	return s
}

func TestMutationOperatorsMakeExpectedEdits(t *testing.T) {
	const declarations = `package p
type pair struct { a, b int; name string; hidden bool }
type closer struct{}
func (closer) Close() error { return nil }
func (closer) Unlock() {}
func two(x, y int) int { return 0 }
func fails() error { return nil }
`
	for _, c := range []struct {
		operator, body string
		want           []string // the old and the new text of each edit that compiles
	}{
		{"bound", `func f(n int, s []int) bool { return n < len(s) }`, []string{"n < len(s)", "n <= len(s)"}},
		{"bound", `func f(x, y float64) bool { return x < y }`, nil},
		{"bound", `func f(n int) bool { return n == 1 }`, []string{"n == 1", "n == 0", "n == 1", "n == 2"}},
		{"bound", `func f(s []int) []int { return s[0:] }`, []string{"s[0:]", "s[1:]"}},
		{"sibling", `func f(p pair) int { return p.a }`, []string{"p.a", "p.b"}},
		{"sibling", `func f(p pair) string { return p.name }`, nil},
		{"sibling", `func f(x, y int, z string) int { return x }`, []string{"return x", "return y"}},
		{"sibling", `func f(x int) int { { y := 1; _ = y }; return x }`, nil}, // y is not visible there
		{"early return", `func f(x int) int { if x == 0 { return 1 }; return 2 }`,
			[]string{"if x == 0 { return 1 }", "if x == 0 {}"}},
		{"early return", `func f(x int) { for { if x == 0 { break } } }`, []string{"if x == 0 { break }", "if x == 0 {}"}},
		{"early return", `func f(x int) int { if x == 0 { x++ }; return x }`, nil},
		{"swapped arguments", `func f(x, y int) int { return two(x, y) }`, []string{"two(x, y)", "two(y, x)"}},
		{"swapped arguments", `func f(x, y int) int { return min(x, y) }`, nil},
		{"swallowed error", `func f() error { if err := fails(); err != nil { return err }; return nil }`,
			[]string{"if err := fails(); err != nil { return err }", "if err := fails(); err != nil {}",
				"return err", "return nil"}},
		{"forgotten cleanup",
			`func f(c closer, m map[int]int) { defer c.Close(); delete(m, 1); c.Unlock(); defer c.Unlock() }`,
			[]string{"defer c.Close()", "", "delete(m, 1)", ""}},
		{"stale value", `func f(p *pair, x int) { p.a = x; p.b++; x = 2 }`, []string{"p.a = x", "", "p.b++", ""}},
		{"stale value", `func f(m map[pair]int) int { return m[pair{a: 1, name: "n"}] }`,
			[]string{`pair{a: 1, name: "n"}`, `pair{name: "n"}`, `pair{a: 1, name: "n"}`, "pair{a: 1}"}},
		{"half condition", `func f(x, y bool) bool { return x && y }`, []string{"x && y", "x", "x && y", "y"}},
		{"half condition", `const c = 1 | 2; func f(x int) int { return x | c }`, []string{"x | c", "x", "x | c", "c"}},
		{"negated condition", `func f(x bool) { if x { println() } }`, []string{"x", "!(x)"}},
		{"result", `func f() (int, bool) { return 1, true }`, []string{"return 1, true", "return 1, false"}},
		{"sibling", `import "go/token"; func f() token.Token { return token.ADD }`,
			[]string{"token.ADD", "token.ADD_ASSIGN"}},
		// Tests need not compare the texts of messages.
		{"sibling", `import "log"; func f(x, y int) { log.Println(x) }`, nil},
		{"sibling", `func fail(format string, args ...any) {}; func f(x, y int) { fail("%d", x) }`, nil},
	} {
		text := declarations + c.body
		if rest, ok := c.body, c.body[:6] == "import"; ok {
			text = "package p\n" + rest + "\n" + declarations[len("package p\n"):]
		}
		s := sourceOf(t, text)
		var got []string
		for _, fn := range s.functions() {
			if fn.Name.Name != "f" {
				continue
			}
			for _, e := range s.edits(fn) {
				if e.Operator == c.operator && s.compiles(e) {
					got = append(got, e.Old, e.New)
				}
			}
		}
		check.That(t, slices.Equal(got, c.want), "%s of %s: got %q, want %q", c.operator, c.body, got, c.want)
	}
}

func TestEditReplacesOnlyItsText(t *testing.T) {
	s := sourceOf(t, "package p\n\n// f compares.\nfunc f(x, y int) bool { return x < y } // x < y\n")
	for _, e := range s.edits(s.functions()[0]) {
		if e.Operator != "bound" {
			continue
		}
		const want = "package p\n\n// f compares.\nfunc f(x, y int) bool { return x <= y } // x < y\n"
		if got := string(s.changed(e)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		return
	}
	t.Error("got no edit of the bound, want one")
}

// Two edits of a function with the same texts have different names, so a record leaves out one of them.
func TestEditsWithTheSameTextsHaveNumbers(t *testing.T) {
	s := sourceOf(t, "package p\n\nfunc f(x, y int) bool { return x < y || !(x < y) }\n")
	fn := s.functions()[0]
	var got []string
	for _, e := range s.edits(fn) {
		if e.Operator == "bound" {
			got = append(got, e.of(fn))
		}
	}
	if want := []string{"f", "f#2"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	check.That(t, s.find("f#2", "bound", "x < y", "x <= y") && !s.find("f#3", "bound", "x < y", "x <= y"),
		"got another number of edits, want two")
}

func TestGeneratedFilesHaveNoMutants(t *testing.T) {
	s := sourceOf(t, "// Code generated by x. DO NOT EDIT.\n\npackage p\n\nfunc f(x, y int) bool { return x < y }\n")
	if got := s.functions(); got != nil {
		t.Errorf("got %d functions, want none", len(got))
	}
}
