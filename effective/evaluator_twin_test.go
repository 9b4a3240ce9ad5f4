package effective_test

import (
	"math/rand/v2"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/questions"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestBulkResultsEqualSingleChecks compares every bulk result with a single access check: the sets of up to
// four rights and the masks of MAXIMUM_ALLOWED, on tokens and descriptors with every feature. A pair is one token and
// one descriptor with one mask.
func TestBulkResultsEqualSingleChecks(t *testing.T) {
	w := world{rand.New(rand.NewPCG(randtest.Seed(t), 0))}
	want := randtest.Count(t, "REFMON_PAIRS", 1_000_000)
	compared, allowed := 0, 0
	var drawn questions.Drawn
	for compared < want {
		cfg, tokens, q, descriptor := w.newCase()
		p := effective.Compile(tokens, cfg)
		if p.Len() != len(tokens) || p.Distinct() > p.Len() {
			t.Fatalf("Compile of %d tokens: Len %d, Distinct %d; want Len %d, Distinct at most that", len(tokens),
				p.Len(), p.Distinct(), len(tokens))
		}
		e := check.Must(effective.NewEvaluator(p, q))
		for range 8 {
			d := descriptor()
			if w.chance(50) {
				d = nil
			}
			n, ok := compare(t, e, d, tokens, cfg, q, &drawn)
			compared, allowed = compared+n, allowed+ok
			if t.Failed() {
				t.Fatalf("after %d pairs: type %s rights %v self %v options %+v\nsd %x", compared, q.Type.Name,
					q.Rights, q.Self, cfg.Options, d.Binary())
			}
		}
	}
	t.Logf("%d pairs compared, %d allowed", compared, allowed)
	for _, name := range drawn.Lacks(20, "intent", "granted before") { // bulk requests never have these
		t.Errorf("too few requests had or gave %s: share %.3f", name, drawn.Share(name))
	}
}

func compare(t *testing.T, e *effective.Evaluator, d *sd.Descriptor, tokens []*token.Token, cfg effective.Config,
	q effective.Question, drawn *questions.Drawn) (n, allowed int) {
	t.Helper()
	ask := func(tok *token.Token, desired winnt.AccessMask) access.Decision {
		r := access.Request{Descriptor: d, Subject: access.Subject{Primary: tok}, Desired: desired, Type: q.Type,
			Self: q.Self, ObjectTypes: q.ObjectTypes, Policies: cfg.Policies, Options: cfg.Options}
		dec := check.Must(access.SeAccessCheck(&r))
		if d != nil && tok == tokens[0] { // count equal requests once
			drawn.Add(&r, dec.Allowed())
		}
		return dec
	}
	sets := e.Allowed(d)
	for r, desired := range q.Rights {
		for i, tok := range tokens {
			dec := ask(tok, desired)
			if got := sets[r].Has(i); got != dec.Allowed() {
				t.Errorf("token %d, right %v: Allowed has it: %t, but the access check returns %v", i, desired, got, dec)
				t.Logf("token %+v", tok.Spec())
				return n, allowed
			}
			n++
			if dec.Allowed() {
				allowed++
			}
		}
		if got := sets[r].Count(); sets[r].Has(len(tokens)) || got > len(tokens) {
			t.Errorf("Allowed has %d principals of %d, or one beyond the last", got, len(tokens))
		}
	}
	for i, got := range e.Maximum(d) {
		want := ask(tokens[i], winnt.MAXIMUM_ALLOWED).Granted
		if n++; got != want {
			t.Errorf("token %d: Maximum = %v, but the access check grants %v", i, got, want)
			t.Logf("token %+v", tokens[i].Spec())
			return n, allowed
		}
	}
	return n, allowed
}
