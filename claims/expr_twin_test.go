package claims

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
)

// Eval agrees with the naive evaluator on random programs and attributes.
func TestEvalMatchesNaiveEvaluator(t *testing.T) {
	g := generator{Rand: source(t)}
	rounds := randtest.Size(50_000)
	seen := map[Truth]int{}
	for i := range rounds {
		if i%16 == 0 {
			g.env = g.newEnv()
		}
		env := g.env
		code := g.program([]byte(signature), 3)
		e, err := Decode(code)
		check.RequireThat(t, err == nil, "round %d: Decode(%x): %v", i, code, err)
		got, want := e.Eval(env), naiveEval(code[len(signature):], env)
		if got != want {
			t.Fatalf("round %d: %x %s\nattributes %+v\nEval %v, the naive evaluator returns %v", i, code,
				e.Format(nil), env.attributes, got, want)
		}
		seen[got]++
	}
	t.Logf("outcomes %v", seen)
	for _, truth := range []Truth{Unknown, False, True} {
		if seen[truth] < rounds/50 {
			t.Errorf("result %v occurred %d times in %d rounds, want at least %d", truth, seen[truth], rounds, rounds/50)
		}
	}
}
