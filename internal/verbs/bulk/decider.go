package bulk

import (
	"slices"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// decider evaluates descriptors for the principals of a run, and lets through
// what the share does. Owned by one goroutine.
type decider struct {
	run        *Run
	evaluators map[*winnt.ObjectType]*effective.Evaluator
	gates      map[*winnt.ObjectType]gate
}

// gate is what the share leaves: the principals that have each right on it, and
// the mask of the one principal of What. No sets stand for all.
type gate struct {
	sets []effective.Set
	mask winnt.AccessMask
}

// newDecider makes a decider. The error is that of the question.
func newDecider(r *Run) (*decider, error) {
	d := &decider{run: r, evaluators: map[*winnt.ObjectType]*effective.Evaluator{}, gates: map[*winnt.ObjectType]gate{}}
	_, err := d.evaluator(r.Type)
	return d, err
}

// evaluator returns the one for a type of object.
func (d *decider) evaluator(t *winnt.ObjectType) (*effective.Evaluator, error) {
	if e := d.evaluators[t]; e != nil {
		return e, nil
	}
	q := effective.Question{Type: t}
	for _, r := range d.run.Rights {
		q.Rights = append(q.Rights, r.Mask(t))
	}
	if d.run.Ask == What {
		q.Rights = []winnt.AccessMask{winnt.MAXIMUM_ALLOWED}
	}
	e, err := effective.NewEvaluator(d.run.tokens, q)
	if err != nil {
		return nil, err
	}
	d.evaluators[t] = e
	return e, nil
}

// gate returns that for a type of object, whose words have masks of their own.
func (d *decider) gate(t *winnt.ObjectType, e *effective.Evaluator) gate {
	if d.run.Share == nil {
		return gate{mask: ^winnt.AccessMask(0)}
	}
	g, ok := d.gates[t]
	if !ok {
		if d.run.Ask == What {
			g.mask = e.Maximum(d.run.Share)[0]
		}
		for _, s := range e.Allowed(d.run.Share) {
			g.sets = append(g.sets, slices.Clone(s))
		}
		d.gates[t] = g
	}
	return g
}

// sets returns the principals that have each right. The sets are valid until the
// next call; share says that the answer holds for every object with the
// descriptor.
func (d *decider) sets(x *sd.Descriptor, t *winnt.ObjectType) (sets []effective.Set, share bool, err error) {
	e, err := d.evaluator(t)
	if err != nil {
		return nil, true, err
	}
	g := d.gate(t, e)
	sets = e.Allowed(x)
	for i, s := range sets {
		if g.sets == nil {
			break
		}
		for j := range s {
			s[j] &= g.sets[i][j]
		}
	}
	return sets, e.Repeatable(x), nil
}

// maximum returns every right of the one principal of What.
func (d *decider) maximum(x *sd.Descriptor, t *winnt.ObjectType) (m winnt.AccessMask, share bool, err error) {
	e, err := d.evaluator(t)
	if err != nil {
		return 0, true, err
	}
	g := d.gate(t, e)
	return e.Maximum(x)[0] & g.mask, e.Repeatable(x), nil
}

// keep copies sets into one piece of memory, and counts them.
func keep(sets []effective.Set) (kept []effective.Set, counts []uint32, allowed int64) {
	words := 0
	for _, s := range sets {
		words += len(s)
	}
	all := make(effective.Set, 0, words)
	for _, s := range sets {
		all = append(all, s...)
		kept = append(kept, all[len(all)-len(s):len(all):len(all)])
		n := s.Count()
		counts = append(counts, uint32(n))
		allowed += int64(n)
	}
	return kept, counts, allowed
}
