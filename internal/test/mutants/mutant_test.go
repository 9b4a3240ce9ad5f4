package mutants

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
)

const root = "../../.."

// wanted is how many mutants there are at least.
const wanted = 400

// Each old text is in its folder exactly once, with a few logged exceptions, its replacement is Go, and its tests
// exist. Whether it compiles is tested separately.
func TestMutantsMatchSourceExactlyOnce(t *testing.T) {
	mutants, err := All()
	check.NoError(t, err)
	check.That(t, len(mutants) >= wanted, "%d mutants, want %d", len(mutants), wanted)
	var stale []error
	folders, tested := map[string][]sourceFile{}, map[string]bool{}
	for _, f := range mutants {
		sources, ok := folders[f.Folder]
		if !ok {
			sources, err = readSources(filepath.Join(root, f.Folder))
			check.NoError(t, err)
			folders[f.Folder] = sources
		}
		name, changed, err := f.applyTo(sources)
		if err != nil {
			stale = append(stale, err)
			continue
		}
		if filepath.Ext(name) != ".go" {
			changed = []byte("package p")
		}
		check.Equal(t, check.Err(parser.ParseFile(token.NewFileSet(), name, changed, parser.SkipObjectResolution)), nil,
			"mutant %q", f.Name)
		for _, p := range f.Tests {
			if !tested[p] {
				tests, _ := filepath.Glob(filepath.Join(root, p, "*_test.go"))
				check.That(t, len(tests) != 0, "mutant %q: %s has no tests", f.Name, p)
				tested[p] = true
			}
		}
	}
	for _, err := range stale {
		t.Log(err)
	}
	check.That(t, len(stale) <= Stale, "%d mutants are stale, %d may be", len(stale), Stale)
}

func TestMutantsAreFoundByTheirWords(t *testing.T) {
	dir := t.TempDir()
	const source = `package p

// a < b once
func f(a, b int) bool {
	return g(a <
		b,
	) // a < b
}

func g(x bool) bool { return x == true }
`
	check.NoError(t, os.WriteFile(filepath.Join(dir, "p.go"), []byte(source), 0o600))
	for _, c := range []struct{ old, want string }{
		{"a < b", ""}, {"g(a < b)", ""}, {"x == true", ""},
		{"x == tru", "nowhere"}, {"bool", "more than once"}, {"a > b", "nowhere"},
	} {
		_, changed, err := Mutant{Name: "n", Folder: ".", Old: c.old, New: "true"}.Apply(dir)
		ok := err == nil && strings.Contains(string(changed), "true")
		if c.want != "" {
			ok = strings.Contains(fmt.Sprint(err), c.want)
		}
		check.That(t, ok, "%q: %v\n%s", c.old, err, changed)
	}
}

// Each kind of function calls its copy with all that it was called with, and nothing else of the file changes.
func TestSwitchedFunctionsPassAllArguments(t *testing.T) {
	const source = `package p

type t[T any] struct{ v T }

func (t[T]) bare(_ int, _ string) bool { return 1 < 2 }

func (t[T]) none(int, string) bool { return 3 < 4 }
func (x *t[T]) many(a, b int, c ...T) (n int, err error) { n = a + len(c); return }
func of[K comparable, V any](m map[K]V) { delete(m, *new(K)) }
func caught() { if recover() != nil { println() } }

const c = 1
`
	name := filepath.Join(t.TempDir(), "p.go")
	check.NoError(t, os.WriteFile(name, []byte(source), 0o600))
	s, err := newSwitched(name)
	check.NoError(t, err)
	for i, c := range []struct {
		old, new string
		want     bool
	}{{"1 < 2", "1 > 2", true}, {"a + len", "a - len", true}, {"1 < 2", "false", true},
		{"delete(m, *new(K))", "", true}, {"println()", "", false}, {"c = 1", "c = 2", false}, {"3 < 4", "3 > 4", true}} {
		if ok, err := s.add(i+1, []byte(strings.Replace(source, c.old, c.new, 1))); ok != c.want || err != nil {
			t.Errorf("%s: %v, %v, want %v", c.old, ok, err, c.want)
		}
	}
	text := s.text()
	text += "var refmonMutant int\n\nfunc refmonList(...int) {}\n"
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "p.go", text, 0)
	if err == nil {
		_, err = new(types.Config).Check("p", fset, []*ast.File{file}, nil)
	}
	check.RequireThat(t, err == nil, "%v\n%s", err, text)
	for _, want := range []string{
		"case 1: return mutantOf0.bareMutant1(mutant0, mutant1); case 3: return mutantOf0.bareMutant3(",
		"return x.manyMutant2(a, b, c...)", "case 4: ofMutant4[K, V](m); return;",
		"none(mutant0 int, mutant1 string)", "mutantOf0.noneMutant7(mutant0, mutant1)"} {
		check.That(t, strings.Contains(text, want), "%s is not in\n%s", want, text)
	}
}

func TestMutantsAreParsed(t *testing.T) {
	for text, want := range map[string]int{
		"folder a\n\nmutant x\nold b\nnew c\n":       1,
		"folder a\nmutant x\nold b\nnew\n":           1, // the text goes
		"folder a\nmutant x\nold b\nnew b\n":         -1,
		"mutant x\nold b\nnew c\n":                   -1,
		"folder a\nmutant x\nnew c\n":                -1,
		"folder a\nmutant x\nold b\nnew c\nnonsense": -1,
	} {
		got, err := parse("n", text)
		if n := len(got); err == nil && n != want || (err != nil) != (want < 0) {
			t.Errorf("%q: %d mutants, %v", text, n, err)
		}
	}
}

// TestMutantRunReportsSurvivors runs the tests of a small module on three mutants of it.
func TestMutantRunReportsSurvivors(t *testing.T) {
	randtest.SkipUnlessDeep(t, "it compiles programs")
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.org/m\n\ngo 1.26\n",
		"p/p.go": `package p
func Less(a, b int) bool { return a < b }
func Sum(a, b int) int   { return a + b }
func Zero() int          { return 0 }
func One() int           { return 1 }
const two = 2
func Two() int           { return two }
`,
		"p/p_test.go": `package p
import "testing"
func TestLess(t *testing.T) {
	if Less(1, 1) { t.Fail() }
}
// TestMore is about more (A-1).
func TestMore(t *testing.T) {
	if !more(Less(2, 1)) { t.Fail() }
}
func TestTable(t *testing.T) {
	if table[0] == "" || Zero() != 0 || Two() != 2 { t.Fail() }
}
func more(less bool) bool { return !less }
var table = []string{"A-2"}
`,
		"q/q_test.go": `package q
import (
	"testing"
	"example.org/m/p"
)
func TestSum(t *testing.T) {
	if p.Sum(1, 1) != 2 { t.Fail() }
}
`,
	} {
		check.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		check.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	r := Runner{Root: dir, Scratch: t.TempDir()}
	var rows []Row
	cases := []struct {
		rule, old, new string
		want           Outcome
	}{
		{"A-1: ", "a < b", "a <= b", Killed}, {"A-1: ", "a < b", "a >= b", KilledByRule}, {"", "a < b", "a > b", Killed},
		{"A-2: ", "return 0", "return 1", KilledByRule}, {"A-3: ", "return 0", "return 2", Killed},
		{"", "a + b", "a - b", KilledLater}, {"", "return 1", "return 0", Survived},
		{"", "const two = 2", "const two = 3", Killed}, // outside a function
	}
	var mutants []Mutant
	for _, c := range cases {
		mutants = append(mutants, Mutant{Name: c.rule + c.new, Folder: "p", Old: c.old, New: c.new, Tests: []string{"p"}})
	}
	together, err := NewTogether(&r, mutants)
	check.NoError(t, err)
	for i, c := range cases {
		got, err := r.Ask(mutants[i])
		check.That(t, err == nil && got == c.want, "%s: %v, %v, want %v", c.old, got, err, c.want)
		if got, err := together.Ask(mutants[i]); err != nil || got != c.want {
			t.Errorf("%s, all in one build: %v, %v, want %v", c.old, got, err, c.want)
		}
		rows = append(rows, Row{mutants[i], got})
	}
	check.Equal(t, len(together.number), len(cases)-1, "mutants can be switched")
	less, zero := []string{"TestLess", "TestMore"}, []string{"TestTable"}
	check.Equal(t, fmt.Sprint(together.built["p"].calls), fmt.Sprint(map[int][]string{1: less, 2: less, 3: less, 4: zero,
		5: zero}), "tests that call the functions of mutants")
	broken := Mutant{Name: "broken", Folder: "p", Old: "a < b", New: "a < c", Tests: []string{"p"}}
	together, err = NewTogether(&r, []Mutant{broken, mutants[0]})
	check.NoError(t, err)
	for name, ask := range map[string]func(Mutant) (Outcome, error){"alone": r.Ask, "in a build": together.Ask} {
		check.ErrorIs(t, check.Err(ask(broken)), errBroken, "%s: a mutant that does not compile", name)
	}
	got, err := together.Ask(mutants[0])
	check.That(t, err == nil && got == cases[0].want, "next to one that does not compile: %v, %v, want %v", got, err,
		cases[0].want)
	if err := os.WriteFile(filepath.Join(dir, "q", "red_test.go"), []byte(`package q
import "testing"
func TestRed(t *testing.T) { t.Fail() }
`), 0o600); err != nil {
		t.Fatal(err)
	}
	red := Mutant{Name: "red", Folder: "p", Old: "return 1", New: "return 0", Tests: []string{"q"}}
	if got, err := r.Ask(red); !errors.Is(err, errRed) {
		t.Errorf("tests that always fail: %v, %v", got, err)
	}
	lines := strings.Split(Table(rows), "\n")
	for _, want := range []string{"| together | 8 | 2 | 4 | 1 | 1 |",
		"Of 3 rules with a mutant, a test that cites the rule saw one for 2. Another test saw those of A-3."} {
		if !slices.Contains(lines, want) {
			t.Errorf("got\n%s\nwant the line %s", strings.Join(lines, "\n"), want)
		}
	}
}
