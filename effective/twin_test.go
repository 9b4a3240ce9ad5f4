package effective_test

import (
	"math/rand/v2"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestBulkEqualsScalar holds every answer to the scalar check, pair by pair
// sets of up to four rights and the masks of MAXIMUM_ALLOWED, on
// tokens and descriptors with every feature. A pair is one token on one
// descriptor with one mask.
func TestBulkEqualsScalar(t *testing.T) {
	w := world{rand.New(rand.NewPCG(randtest.Seed(t), 0))}
	want := randtest.Count(t, "REFMON_PAIRS", 100_000)
	compared, allowed := 0, 0
	for compared < want {
		cfg := effective.Config{}
		if w.one(3) {
			cfg.Policies = w.policies()
		}
		cfg.Options.ADOwnerReadOnly = w.one(10)
		cfg.Options.ClaimsDisabled = w.one(20)
		if w.one(10) {
			cfg.Options.Callback = func(a sd.ACE,
				t *token.Token) claims.Truth {
				return claims.Truth(len(a.AppData()) % 3)
			}
		}
		tokens := w.tokens(1 + w.IntN(150))
		p := effective.Compile(tokens, cfg)
		if p.Len() != len(tokens) || p.Distinct() > p.Len() {
			t.Fatalf("%d tokens, %d principals, %d distinct", len(tokens), p.Len(), p.Distinct())
		}
		q := effective.Question{Type: pick(w, worldTypes)}
		for range 1 + w.IntN(4) {
			q.Rights = append(q.Rights, pick(w, worldDesired))
		}
		if w.one(3) {
			q.Self = pick(w, worldSIDs)
		}
		switch w.IntN(20) {
		case 0, 1:
			q.ObjectTypes = []access.ObjectTypeEntry{
				{GUID: worldGUIDs[0]}, {Level: 1, GUID: worldGUIDs[1]}, {Level: 1, GUID: worldGUIDs[2]},
			}
		case 2, 3, 4, 5, 6: // a chain
			for i, at := range w.Perm(len(worldGUIDs))[:1+w.IntN(3)] {
				q.ObjectTypes = append(q.ObjectTypes, access.ObjectTypeEntry{Level: uint16(i), GUID: worldGUIDs[at]})
			}
		}
		e := must(effective.NewEvaluator(p, q))
		for range 8 {
			d := w.descriptor()
			if w.one(50) {
				d = nil
			}
			n, ok := compare(t, e, d, tokens, cfg, q)
			compared, allowed = compared+n, allowed+ok
			if t.Failed() {
				t.Fatalf("after %d pairs: type %s rights %v self %v options %+v\nsd %x", compared, q.Type.Name,
					q.Rights, q.Self, cfg.Options, d.Binary())
			}
		}
	}
	t.Logf("%d pairs compared, %d allowed", compared, allowed)
}

func compare(t *testing.T, e *effective.Evaluator, d *sd.Descriptor, tokens []*token.Token, cfg effective.Config,
	q effective.Question) (n, allowed int) {
	t.Helper()
	ask := func(tok *token.Token, desired winnt.AccessMask) access.Decision {
		return must(access.SeAccessCheck(&access.Request{Descriptor: d, Subject: access.Subject{Primary: tok},
			Desired: desired, Type: q.Type,
			Self: q.Self, ObjectTypes: q.ObjectTypes, Policies: cfg.Policies, Options: cfg.Options}))
	}
	sets := e.Allowed(d)
	for r, desired := range q.Rights {
		for i, tok := range tokens {
			dec := ask(tok, desired)
			if got := sets[r].Has(i); got != dec.Allowed() {
				t.Errorf("token %d, right %v: bulk says %t, the check %v", i, desired, got, dec)
				t.Logf("token %+v", tok.Spec())
				return n, allowed
			}
			n++
			if dec.Allowed() {
				allowed++
			}
		}
		if got := sets[r].Count(); sets[r].Has(len(tokens)) || got > len(tokens) {
			t.Errorf("%d of %d principals", got, len(tokens))
		}
	}
	for i, got := range e.Maximum(d) {
		want := ask(tokens[i], winnt.MAXIMUM_ALLOWED).Granted
		if n++; got != want {
			t.Errorf("token %d: bulk grants at most %v, the check %v", i, got, want)
			t.Logf("token %+v", tokens[i].Spec())
			return n, allowed
		}
	}
	return n, allowed
}
