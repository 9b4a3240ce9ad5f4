package bulk

import (
	"bytes"
	"errors"
	"slices"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/cli/batch"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// change is a change in the rights of one principal on one object.
type change struct {
	who          int              // index into Diff.pairs
	was, is      winnt.AccessMask // all rights in each state
	gained, lost winnt.AccessMask
	cause        string
}

// key identifies a decision in the cache: one descriptor on one type of object. A nil d means that the object does
// not exist.
type key struct {
	d   *sd.Descriptor
	typ *winnt.ObjectType
}

// compared holds the summary groups of one batch: changes by folder and cause, in the order of their appearance.
type compared struct {
	groups map[group]*tally
	order  []group
}

// parsed is the result of parsing a descriptor: the descriptor or the error, and a remark for each state, whose
// directories may know different accounts. The text form depends on the domain of the state.
type parsed struct {
	d       *sd.Descriptor
	err     error
	remarks [2]Remark
}

// comparer computes the changed rights of objects, with caches for parsed descriptors, evaluators and answers. It
// belongs to one goroutine.
type comparer struct {
	d          *Diff
	near       [2]near[parsed] // of Before and After; both use the second if they parse descriptors equally
	evaluators map[side]*effective.Evaluator
	gates      map[side][]winnt.AccessMask
	changes    map[question][]change
	held       int // bytes in changes, about
	limit      int // of held
	old        objects.Object
	entry      entry
}

// side is the cache key of an evaluator: the principals of one state, and an object type.
type side struct {
	p   *effective.Principals
	typ *winnt.ObjectType
}

// question is the cache key of an answer: the descriptors before and after, and the principals to compare. A nil
// descriptor means that the object does not exist.
type question struct {
	before, after *known[parsed]
	pairs         *two
}

// parsedCost estimates the memory of a parsed descriptor, in bytes.
const parsedCost = 2000

// worker returns a constructor of pipeline workers. Each worker has its own comparer and calls decide for every
// object of its batches. The constructor fails if the question is invalid.
func (d *Diff) worker(
	decide func(c *comparer, b *box[compared], o *objects.Object) error,
) func() (func(b *box[compared]), error) {
	return func() (func(b *box[compared]), error) {
		c := newComparer(d)
		if _, _, err := c.evaluator(d.all.before, d.Type); err != nil {
			return nil, err
		}
		return func(b *box[compared]) { c.batch(b, decide) }, nil
	}
}

// newComparer returns a comparer for one worker, with its own evaluators. All comparers of a diff share its tables of
// answers. It is for one goroutine.
func newComparer(d *Diff) *comparer {
	c := &comparer{
		d: d, evaluators: map[side]*effective.Evaluator{}, gates: map[side][]winnt.AccessMask{},
		changes: map[question][]change{}, limit: d.CacheBytes / 16,
	}
	for i, t := range d.tables {
		c.near[i] = t.near(parsedCost)
	}
	return c
}

// compile prepares principals for evaluation in both states. pairs has their indexes in d.pairs. If both states have
// one Directory, they share the compiled principals.
func (d *Diff) compile(pairs []int) two {
	t := two{pairs: pairs, at: make([][2]int, len(pairs))}
	var tokens [2][]*token.Token
	var list [2][]directory.Principal
	for i, n := range pairs {
		p := d.pairs[n]
		for j, index := range [2]int{p.before, p.after} {
			t.at[i][j] = -1
			if index >= 0 {
				t.at[i][j] = len(tokens[j])
				dir := [2]*directory.Directory{d.Directory, d.DirectoryAfter}[j]
				list[j] = append(list[j], dir.Principals[index])
				tokens[j] = append(tokens[j], dir.Principals[index].Token)
			}
		}
	}
	t.guards = [2]*guarded{guardedOf(list[0]), guardedOf(list[1])}
	t.before = effective.Compile(tokens[0], d.Config)
	if t.after = t.before; d.Directory != d.DirectoryAfter {
		t.after = effective.Compile(tokens[1], d.Config)
	}
	return t
}

// missing compares an object that only Before has with nothing, so that all its rights are lost.
func (c *comparer) missing(b *box[compared], o *objects.Object) error { return c.object(b, o, o, nil) }

// batch calls decide for each object of a batch until one returns an error, which it stores in b.fatal. An object
// without a type gets the diff's. The objects after an error are not counted.
func (c *comparer) batch(b *box[compared], decide func(c *comparer, b *box[compared], o *objects.Object) error) {
	b.in.Each(func(o *objects.Object) {
		if b.fatal != nil {
			return
		}
		b.sum.Objects++
		if o.Type == nil {
			o.Type = c.d.Type
		}
		b.fatal = decide(c, b, o)
	})
}

// after compares an object of After with its state in Before, if any. The path is marked as present in both. A path
// that Before does not have is a new object. Unreadable objects are counted in b. An object that was unreadable in
// Before is not compared. An error ends the run.
func (c *comparer) after(b *box[compared], o *objects.Object) error {
	slot, known, err := c.d.past.find(o.Path, &c.entry)
	if err != nil {
		return err
	}
	if known && c.d.past.mark(slot) && o.Err == nil {
		b.sum.repeat(o.Path)
	}
	switch {
	case o.Err != nil:
		b.fail(o, o.Err)
		if known && c.entry.kind&unreadable == 0 {
			c.uncompared(b, o, o.Err)
		}
		return nil
	case !known:
		return c.object(b, o, nil, o)
	case c.entry.kind&unreadable != 0:
		return nil // the run counted this object when it read the first state
	}
	if err := c.d.past.object(&c.entry, &c.old); err != nil {
		return err
	}
	return c.object(b, o, &c.old, o)
}

// uncompared writes a row with an error for an object of After that could not be read and that Before has. A missing
// descriptor is a change of unknown effect and no removed object (B-51). In a summary it writes no row.
func (c *comparer) uncompared(b *box[compared], o *objects.Object, err error) {
	if c.d.Summary {
		return
	}
	text := "not compared: " + batch.Shorten(err.Error())
	if errors.Is(err, objects.ErrNoDescriptor) {
		text = "descriptor missing in the second state"
	}
	switch c.d.Format {
	case JSONL:
		b.out = append(appendPath(append(b.out, `{"path":`...), o), `,"error":`...)
		b.out = append(batch.AppendString(b.out, text), "}\n"...)
	case CSV:
		b.out = appendCSV(b.out, "", string(o.Path), "", "", text)
	default:
		b.out = appendRow(b.out, plain("-"), plain(string(o.Path)), plain("-"), plain("-"), bad(text))
	}
	b.full()
}

// object compares two states of an object and appends the changes to b under the path of o. A nil before or after
// means that the object does not exist then. A malformed descriptor is counted in b and is no error. If principals
// changed, equal states are compared too. With Summary the changes are only counted.
func (c *comparer) object(b *box[compared], o, before, after *objects.Object) error {
	var ks [2]*known[parsed]
	var as [2]*parsed
	for i, x := range [2]*objects.Object{before, after} {
		if x == nil {
			continue
		}
		if i == 1 && before != nil && c.alike(before, x) {
			ks[1], as[1] = ks[0], as[0]
			continue
		}
		if ks[i], as[i] = c.known(i, x); as[i].err != nil {
			b.fail(o, as[i].err)
			return nil
		}
	}
	if as[1] != nil && accessquery.LacksDACL(as[1].d) {
		b.sum.NoDACL++
	}
	b.sum.Observe(o.Type, o.Entry, string(o.Path))
	for i := len(as) - 1; i >= 0; i-- { // remarks of both states count as those of one object
		if as[i] != nil && (i == 1 || as[1] == nil) {
			b.sum.remark(o, &as[i].remarks[i], "")
		}
	}
	pairs := &c.d.all
	if ks[0] == ks[1] { // equal descriptors: only changed principals can differ
		if pairs = &c.d.moved; len(pairs.pairs) == 0 {
			return nil
		}
	}
	changes, err := c.answer(question{ks[0], ks[1], pairs}, as)
	if err != nil || len(changes) == 0 {
		return err
	}
	b.sum.Changed++
	b.sum.Changes += len(changes)
	if c.d.Summary {
		b.part.add(c.d, string(o.Path), o.Type, changes)
		return nil
	}
	for i := range changes {
		b.out = c.d.row(b.out, string(o.Path), o.Type, &changes[i])
		b.full()
	}
	return nil
}

// alike reports whether two objects have the same type and the same descriptor bytes in the same form, and both states
// the same domain.
func (c *comparer) alike(x, y *objects.Object) bool {
	return x.Type == y.Type && x.Form == y.Form && bytes.Equal(x.SD, y.SD) &&
		c.d.Directory.Domain == c.d.DirectoryAfter.Domain
}

// known returns the parsed descriptor of an object, with its entry in the shared table. It parses a new one and
// stores it. i is 0 for an object of Before and 1 for one of After.
func (c *comparer) known(i int, o *objects.Object) (*known[parsed], *parsed) {
	dir := c.d.Directory
	if i == 1 {
		dir = c.d.DirectoryAfter
	}
	if dir.Domain == c.d.DirectoryAfter.Domain {
		i = 1
	}
	k := c.near[i].find(o, kind{typ: o.Type})
	a := k.answer.Load()
	if a == nil {
		a = &parsed{}
		if a.d, a.err = o.Descriptor(dir.Domain); a.err == nil {
			a.remarks[0] = remarkOn(a.d, c.d.Directory, true)
			if a.remarks[1] = a.remarks[0]; c.d.Directory != c.d.DirectoryAfter {
				a.remarks[1] = remarkOn(a.d, c.d.DirectoryAfter, true)
			}
		}
		if !k.answer.CompareAndSwap(nil, a) {
			a = k.answer.Load()
		}
	}
	return k, a
}

// answer computes which principals gained or lost rights between two descriptors, or returns the cached result. as
// holds the parsed descriptors of q; a nil one means that the object does not exist. The caller must not change the
// result.
func (c *comparer) answer(q question, as [2]*parsed) ([]change, error) {
	if known, ok := c.changes[q]; ok {
		return known, nil
	}
	var ks [2]key
	repeatable := true
	var masks [2][]winnt.AccessMask
	for i, k := range [2]*known[parsed]{q.before, q.after} {
		if k == nil {
			continue
		}
		ks[i] = key{as[i].d, k.kind.typ}
		e, gate, err := c.evaluator([2]*effective.Principals{q.pairs.before, q.pairs.after}[i], k.kind.typ)
		if err != nil {
			return nil, err
		}
		repeatable = repeatable && e.Repeatable(ks[i].d)
		masks[i] = slices.Clone(e.Maximum(ks[i].d)) // both may come from one evaluator
		for j := range masks[i] {
			g := q.pairs.guards[i]
			masks[i][j] = (masks[i][j] | g.all(j, k.kind.typ)) &^ g.withheld(j)
		}
		for j := range gate {
			masks[i][j] &= gate[j]
		}
	}
	out := c.d.changed(q.pairs, masks)
	for i := range out {
		out[i].cause = c.d.cause(&out[i], ks[0], ks[1])
	}
	// The answer may be shared only if no condition depends on volatile values.
	if repeatable {
		size := 2 * (parsedCost + overhead)
		for i := range out {
			size += 96 + len(out[i].cause)
		}
		if c.held += size; c.held > c.limit {
			clear(c.changes)
			c.held = size
		}
		c.changes[q] = out
	}
	return out, nil
}
