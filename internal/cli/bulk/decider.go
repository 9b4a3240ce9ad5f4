package bulk

import (
	"errors"
	"slices"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/winnt"
)

// decider evaluates the run's question for a descriptor, a share and the folders on the way included. It belongs to
// one goroutine.
type decider struct {
	run   *Run
	types map[kind]*typedQuestion

	folders *effective.Evaluator // nil: no object had folders on its way
	passes  map[*objects.Way]effective.Set
}

// kind is the kind of an object as far as a question depends on it. A zero class is that of an object whose class no
// entry is about.
type kind struct {
	typ   *winnt.ObjectType
	class winnt.GUID
}

// typedQuestion is the question of a run, compiled for one kind of object. It has one evaluator for each list of object
// type GUIDs in the rights.
type typedQuestion struct {
	evaluators []*effective.Evaluator
	rights     [][]words.Place // of each right: its parts
	any        []bool          // of each right: one part is enough
	out        []effective.Set // of each right, if not every right has one part
	gates      [][]effective.Set
	gate       winnt.AccessMask // for What: the rights that the share allows
}

// newDecider returns a decider for the prepared run r. It compiles the question for r.Type at once, so an invalid
// question is an error here. A right that objects of r.Type do not have is no error, because all objects may have
// another type.
func newDecider(r *Run) (*decider, error) {
	d := &decider{run: r, types: map[kind]*typedQuestion{}}
	_, err := d.asked(kind{typ: r.Type})
	if isTypeError(err) {
		err = nil
	}
	return d, err
}

// isTypeError reports whether err says that objects of a type do not have a right.
func isTypeError(err error) bool {
	var wrong *words.TypeError
	return errors.As(err, &wrong)
}

// asked returns the run's question, compiled for a kind of object. It compiles each kind on first use. An invalid
// question is an error and is not cached. A right that objects of the type do not have is a [words.TypeError] (B-91).
func (d *decider) asked(k kind) (*typedQuestion, error) {
	t := k.typ
	if a := d.types[k]; a != nil {
		return a, nil
	}
	for _, r := range d.run.Rights {
		if err := r.CheckType(t); err != nil {
			return nil, err
		}
	}
	a := &typedQuestion{gate: ^winnt.AccessMask(0)}
	var questions []effective.Question
	if d.run.Ask == What {
		rights := []winnt.AccessMask{winnt.MAXIMUM_ALLOWED}
		questions = []effective.Question{{Type: t, Rights: rights, ObjectTypes: words.Tree(d.run.Types)}}
	} else {
		questions = a.divide(d.run, t)
	}
	for _, q := range questions {
		q.ObjectTypes = words.Under(k.class, q.ObjectTypes)
		e, err := effective.NewEvaluator(d.run.tokens, q)
		if err != nil {
			return nil, err
		}
		a.evaluators = append(a.evaluators, e)
	}
	a.share(d.run, questions, t)
	d.types[k] = a
	return a, nil
}

// divide splits the rights of a run into questions for evaluators, because one evaluator has one list of object type
// GUIDs. It records in a where each right finds its answers. If a single question answers every right directly, a.out
// stays nil.
func (a *typedQuestion) divide(r *Run, t *winnt.ObjectType) (questions []effective.Question) {
	rights, single := make([]words.Right, len(r.Rights)), true
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

// share computes the limits that a file share puts on each right: from its descriptor and from its configuration.
// Without a share it leaves a without limits (gates).
func (a *typedQuestion) share(r *Run, questions []effective.Question, t *winnt.ObjectType) {
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

// sets returns, for each right of Run.Rights, the principals that have it on the object x. A principal that cannot
// search a folder on the path has none. The sets are valid until the next call. share reports whether all objects
// with this descriptor have the same answer. After an error share is true.
func (d *decider) sets(x place) (sets []effective.Set, share bool, err error) {
	a, err := d.asked(x.kind())
	if err != nil {
		return nil, true, err
	}
	pass, err := d.pass(x.way)
	if err != nil {
		return nil, true, err
	}
	answers := make([][]effective.Set, len(a.evaluators))
	for i, e := range a.evaluators {
		answers[i] = e.Allowed(x.d)
		for j, s := range answers[i] {
			if pass != nil { // a principal has no rights behind a folder without the search permission (B-20)
				keepIn(s, pass)
			}
			if a.gates != nil {
				d.run.guarded.admit(s)
				keepIn(s, a.gates[i][j])
			}
		}
	}
	share = a.evaluators[0].Repeatable(x.d)
	if a.out == nil {
		return answers[0], share, nil
	}
	for i, places := range a.rights {
		a.combine(i, places, answers)
	}
	return a.out, share, nil
}

// combine computes the principals with a right of several parts, into a.out: the intersection of the parts' answers,
// or the union if one part is enough. places says where the parts are in answers. Without places the answer is empty.
func (a *typedQuestion) combine(right int, places []words.Place, answers [][]effective.Set) {
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

// keepIn removes from s the principals that are not in other. Both have the same length.
func keepIn(s, other effective.Set) {
	for i := range s {
		s[i] &= other[i]
	}
}

// maxPasses limits the ways whose answer a decider caches.
const maxPasses = 1 << 10

// pass returns the principals that can traverse every folder on the way to an object. A nil result means no limit,
// for a nil way and for one without folders. The caller must not change the result.
func (d *decider) pass(w *objects.Way) (effective.Set, error) {
	if w == nil {
		return nil, nil
	}
	if known := d.passes[w]; known != nil {
		return known, nil
	}
	if d.folders == nil {
		e, err := effective.NewEvaluator(d.run.tokens, effective.Question{Type: winnt.DirectoryFileObject,
			Rights: []winnt.AccessMask{winnt.FILE_TRAVERSE}})
		if err != nil {
			return nil, err
		}
		d.folders = e
	}
	var pass effective.Set
	for _, folder := range w.Folders() {
		s := d.folders.Allowed(folder)[0]
		if pass == nil {
			pass = slices.Clone(s)
		}
		keepIn(pass, s)
	}
	if d.passes == nil || len(d.passes) >= maxPasses {
		d.passes = map[*objects.Way]effective.Set{}
	}
	d.passes[w] = pass
	return pass, nil
}

// maximum returns all rights of a What run's one principal on the object x. A folder on the path that refuses the
// principal leaves none. A share that does not check file access leaves all. The share's limits always apply. share
// is as for sets, and true after an error.
func (d *decider) maximum(x place) (m winnt.AccessMask, share bool, err error) {
	a, err := d.asked(x.kind())
	if err != nil {
		return 0, true, err
	}
	pass, err := d.pass(x.way)
	if err != nil {
		return 0, true, err
	}
	if m = a.evaluators[0].Maximum(x.d)[0]; pass != nil && !pass.Has(0) {
		m = 0 // a folder on the way refuses the principal (B-20)
	}
	m |= d.run.guarded.all(0, x.typ)
	return m & a.gate, a.evaluators[0].Repeatable(x.d), nil
}

// keep copies sets, which may change later, into one allocation. counts has the size of each set, and allowed their
// sum.
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
