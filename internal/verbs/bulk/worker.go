package bulk

import (
	"slices"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/verbs/bulk/objects"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// worker decides batches. Owned by one goroutine.
type worker struct {
	run        *Run
	evaluators map[*winnt.ObjectType]*effective.Evaluator
	gates      map[*winnt.ObjectType]gate
	near       near
	put        func(b *portion, o *objects.Object, a *answer, err error)
	rows       rows
}

func newWorker(r *Run) (*worker, error) {
	w := &worker{run: r, evaluators: map[*winnt.ObjectType]*effective.Evaluator{}}
	if _, err := w.evaluator(r.Type); err != nil {
		return nil, err
	}
	cost := 0
	switch r.Ask {
	case Who:
		cost = 8 * ((r.tokens.Len() + 63) / 64) * len(r.Rights)
	case Index: // the sets go when they have been written
		cost = 64 * len(r.Rights)
	}
	w.near = r.table.near(cost)
	return w, nil
}

// evaluator is the one for a type of object.
func (w *worker) evaluator(t *winnt.ObjectType) (*effective.Evaluator, error) {
	if e := w.evaluators[t]; e != nil {
		return e, nil
	}
	q := effective.Question{Type: t}
	for _, r := range w.run.Rights {
		q.Rights = append(q.Rights, r.Mask(t))
	}
	if w.run.Ask == What {
		q.Rights = []winnt.AccessMask{winnt.MAXIMUM_ALLOWED}
	}
	e, err := effective.NewEvaluator(w.run.tokens, q)
	if err != nil {
		return nil, err
	}
	w.evaluators[t] = e
	return e, nil
}

// gate is what the share leaves: the principals that have each right on it, and
// the mask of the one principal of What. No sets stand for all.
type gate struct {
	sets []effective.Set
	mask winnt.AccessMask
}

// gate is that for a type of object, whose words have masks of their own.
func (w *worker) gate(t *winnt.ObjectType, e *effective.Evaluator) gate {
	if w.run.Share == nil {
		return gate{mask: ^winnt.AccessMask(0)}
	}
	g, ok := w.gates[t]
	if !ok {
		if w.run.Ask == What {
			g.mask = e.Maximum(w.run.Share)[0]
		}
		for _, s := range e.Allowed(w.run.Share) {
			g.sets = append(g.sets, slices.Clone(s))
		}
		if w.gates == nil {
			w.gates = map[*winnt.ObjectType]gate{}
		}
		w.gates[t] = g
	}
	return g
}

// batch decides the objects of a batch and puts each where it belongs.
func (w *worker) batch(b *portion) {
	b.in.Each(func(o *objects.Object) {
		b.rows++
		if o.Type == nil {
			o.Type = w.run.Type
		}
		if o.Err != nil {
			b.fail(o, o.Err)
			w.put(b, o, nil, o.Err)
			return
		}
		b.note(o)
		a := w.answer(o)
		if a.err != nil {
			b.fail(o, a.err)
			w.put(b, o, nil, a.err)
			return
		}
		b.allowed += a.total
		w.put(b, o, a, nil)
	})
}

// answer finds or makes the answer for an object. Two workers that meet a new
// descriptor at once may both decide it; either answer will do.
func (w *worker) answer(o *objects.Object) *answer {
	k := w.near.find(o, o.Type)
	if a := k.answer.Load(); a != nil {
		return a
	}
	a, share := w.decide(o)
	if share {
		if !k.answer.CompareAndSwap(nil, a) {
			return k.answer.Load()
		}
	}
	return a
}

func (w *worker) decide(o *objects.Object) (a *answer, share bool) {
	d, err := o.Descriptor(w.run.Directory.Domain)
	if err != nil {
		return &answer{err: err}, true
	}
	e, err := w.evaluator(o.Type)
	if err != nil {
		return &answer{err: err}, true
	}
	a = &answer{}
	g := w.gate(o.Type, e)
	if w.run.Ask == What {
		a.mask = e.Maximum(d)[0] & g.mask
		return a, e.Repeatable(d)
	}
	sets := e.Allowed(d)
	a.counts = a.few.counts[:0]
	if len(sets) > len(a.few.counts) {
		a.counts = make([]uint32, 0, len(sets))
	}
	for i, s := range sets {
		if g.sets != nil {
			for j := range s {
				s[j] &= g.sets[i][j]
			}
		}
		n := s.Count()
		a.counts = append(a.counts, uint32(n))
		a.total += int64(n)
	}
	if w.run.Ask == Count {
		return a, e.Repeatable(d)
	}
	if w.run.Ask == Index {
		a.ids = a.few.ids[:0]
	}
	words := len(sets[0])
	all := make(effective.Set, words*len(sets))
	for i, s := range sets {
		mine := all[i*words : (i+1)*words : (i+1)*words]
		copy(mine, s)
		a.sets = append(a.sets, mine)
		if w.run.Ask == Index {
			a.ids = append(a.ids, idOf(mine))
		}
	}
	if w.run.inspect != nil {
		w.run.inspect(d, o.Type, a)
	}
	if w.run.Ask == Index && w.run.Expressions {
		for i := range sets {
			a.exprs = append(a.exprs, w.expression(e, d, i))
		}
	}
	return a, e.Repeatable(d)
}

// expression is that of a right, as JSON: clauses of terms. The share's clauses
// must allow too. Nil if SIDs alone do not tell.
func (w *worker) expression(e *effective.Evaluator, d *sd.Descriptor, right int) []byte {
	x, ok := e.Expression(d, right)
	if ok && w.run.Share != nil {
		var gate effective.Expression
		gate, ok = e.Expression(w.run.Share, right)
		x = append(x, gate...)
	}
	if !ok {
		return nil
	}
	out := []byte{'['}
	for i, c := range x {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, '[')
		for j, t := range c {
			if j > 0 {
				out = append(out, ',')
			}
			out = append(append(append(out, '"'), t.String()...), '"')
		}
		out = append(out, ']')
	}
	return append(out, ']')
}
