package bulk

import (
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// decider evaluates descriptors for the principals of a run, and lets through
// what the share does. Owned by one goroutine.
type decider struct {
	run   *Run
	types map[*winnt.ObjectType]*asked
}

// asked is the question of a run on one type of object, whose words have masks of
// their own: an evaluator for each chain of object types.
type asked struct {
	evaluators []*effective.Evaluator
	rights     [][]words.Place // of each right: its parts
	any        []bool          // of each right: one part is enough
	out        []effective.Set // of each right, if not every right has one part
	gates      [][]effective.Set
	gate       winnt.AccessMask // What: what the share leaves
}

// newDecider makes a decider. The error is that of the question.
func newDecider(r *Run) (*decider, error) {
	d := &decider{run: r, types: map[*winnt.ObjectType]*asked{}}
	_, err := d.asked(r.Type)
	return d, err
}

// asked returns the question on a type of object.
func (d *decider) asked(t *winnt.ObjectType) (*asked, error) {
	if a := d.types[t]; a != nil {
		return a, nil
	}
	a := &asked{gate: ^winnt.AccessMask(0)}
	var questions []effective.Question
	if d.run.Ask == What {
		rights := []winnt.AccessMask{winnt.MAXIMUM_ALLOWED}
		questions = []effective.Question{{Type: t, Rights: rights, ObjectTypes: words.Tree(d.run.Types)}}
	} else {
		questions = a.divide(d.run, t)
	}
	for _, q := range questions {
		e, err := effective.NewEvaluator(d.run.tokens, q)
		if err != nil {
			return nil, err
		}
		a.evaluators = append(a.evaluators, e)
	}
	a.share(d.run, questions, t)
	d.types[t] = a
	return a, nil
}

// divide makes a question for each chain of object types in the rights of a run.
func (a *asked) divide(r *Run, t *winnt.ObjectType) (questions []effective.Question) {
	rights, single := make([]Right, len(r.Rights)), true
	for i, right := range r.Rights {
		rights[i] = right.On(r.Types, t)
		a.any = append(a.any, rights[i].Any())
	}
	var groups []words.Group
	groups, a.rights = words.Divide(rights, t)
	for _, places := range a.rights {
		single = single && len(places) == 1
	}
	for _, g := range groups {
		questions = append(questions, effective.Question{Type: t, Rights: g.Masks, ObjectTypes: g.Types})
	}
	if !single || len(questions) > 1 {
		for range r.Rights {
			a.out = append(a.out, make(effective.Set, (r.tokens.Len()+63)/64))
		}
	}
	return questions
}

// share decides what the share leaves: its descriptor, and its configuration.
func (a *asked) share(r *Run, questions []effective.Question, t *winnt.ObjectType) {
	if r.Ask == What {
		if r.Share != nil {
			a.gate = a.evaluators[0].Maximum(r.Share)[0]
		}
		a.gate &^= r.guarded.withheld(0)
		return
	}
	if r.Share == nil && r.guarded == nil {
		return
	}
	for i, e := range a.evaluators {
		var gate []effective.Set
		for _, right := range questions[i].Rights {
			gate = append(gate, r.guarded.pass(t.Mapping.Map(right), r.tokens.Len()))
		}
		if r.Share != nil {
			for j, s := range e.Allowed(r.Share) {
				for k := range s {
					gate[j][k] &= s[k]
				}
			}
		}
		a.gates = append(a.gates, gate)
	}
}

// sets returns the principals that have each right. The sets are valid until the
// next call; share says that the answer holds for every object with the
// descriptor.
func (d *decider) sets(x *sd.Descriptor, t *winnt.ObjectType) (sets []effective.Set, share bool, err error) {
	a, err := d.asked(t)
	if err != nil {
		return nil, true, err
	}
	answers := make([][]effective.Set, len(a.evaluators))
	for i, e := range a.evaluators {
		answers[i] = e.Allowed(x)
		for j, s := range answers[i] {
			if a.gates == nil {
				break
			}
			d.run.guarded.admit(s)
			for k := range s {
				s[k] &= a.gates[i][j][k]
			}
		}
	}
	share = a.evaluators[0].Repeatable(x)
	if a.out == nil {
		return answers[0], share, nil
	}
	for i, places := range a.rights {
		a.combine(i, places, answers)
	}
	return a.out, share, nil
}

// combine puts the answer for a right together: of all its parts, or of any.
func (a *asked) combine(right int, places []words.Place, answers [][]effective.Set) {
	out := a.out[right]
	clear(out)
	for i, p := range places {
		s := answers[p.Group][p.Mask]
		for k := range out {
			switch {
			case i == 0:
				out[k] = s[k]
			case a.any[right]:
				out[k] |= s[k]
			default:
				out[k] &= s[k]
			}
		}
	}
}

// maximum returns every right of the one principal of What.
func (d *decider) maximum(x *sd.Descriptor, t *winnt.ObjectType) (m winnt.AccessMask, share bool, err error) {
	a, err := d.asked(t)
	if err != nil {
		return 0, true, err
	}
	m = a.evaluators[0].Maximum(x)[0] | d.run.guarded.all(0, t)
	return m & a.gate, a.evaluators[0].Repeatable(x), nil
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
