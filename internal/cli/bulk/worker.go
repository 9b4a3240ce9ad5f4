package bulk

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// asking is the implementation of a question: how to decide a descriptor, and how to write the answer. A is the type
// of the answer, T that of box.part. It belongs to one goroutine.
type asking[A, T any] struct {
	cost   int // bytes an answer takes, about
	decide func(x place) (a A, share bool, err error)
	put    func(b *box[T], o *objects.Object, a *A)
	fail   func(b *box[T], o *objects.Object, err error) // of an object that could not be decided
}

// place is the input of a decision: a descriptor with its object type and the folders on the way.
type place struct {
	d      *sd.Descriptor
	typ    *winnt.ObjectType
	way    *objects.Way
	object *objects.Object // the first one with this descriptor
	class  winnt.GUID      // of the object, if an entry of d is about it; else zero
}

// kind returns the kind of the object.
func (x *place) kind() kind { return kind{x.typ, x.class} }

// outcome is the answer for a descriptor, or the error. It is immutable once published.
type outcome[A any] struct {
	err    error
	noDACL bool // the descriptor has no D: part
	self   bool // it has entries for PRINCIPAL SELF; the answer is for objects without a SID
	answer A
	remark Remark
	text   string // of remark
}

// worker decides batches. Owned by one goroutine.
type worker[A, T any] struct {
	run  *Run
	ask  asking[A, T]
	near near[outcome[A]]
	also alternatives
	free *unlisted // nil: the run has no notes about unlisted accounts

	classes classTable
}

// errNotUTF8 is the error of an object in a format in which its path would look like that of another object.
var errNotUTF8 = errors.New("the path is not UTF-8, so this format cannot express it")

// exact reports whether programs look up objects by the paths in the output: in JSON, documents and database tables.
func (r *Run) exact() bool {
	return r.Ask == Index || r.Format == JSONL || r.Format == CSVTables || r.Format == ESBulk
}

// batch decides the objects of a batch and appends each result to it. It counts an object that cannot be decided and
// goes to the next one. It stops at an object whose type does not have the rights of the question, with the error in
// b.fatal (B-91).
func (w *worker[A, T]) batch(b *box[T]) {
	b.in.Each(func(o *objects.Object) {
		if b.fatal != nil {
			return
		}
		b.sum.Objects++
		if o.Type == nil {
			o.Type = w.run.Type
		}
		if o.Err == nil && w.run.exact() && !utf8.Valid(o.Path) {
			o.Err = errNotUTF8
		}
		if o.Err != nil {
			b.fail(o, o.Err)
			w.ask.fail(b, o, o.Err)
			return
		}
		x := w.outcome(o)
		if isTypeError(x.err) {
			err := fmt.Errorf("%w: choose its type, such as directoryService (--type)", x.err)
			b.fatal = objects.AddPath(string(o.Path), err)
			return
		}
		if x.noDACL && o.Note == 0 {
			o.Note = objects.NoteNoDACL
		}
		b.note(o)
		b.sum.Observe(o.Type, o.Entry, string(o.Path))
		if x.err != nil {
			b.fail(o, x.err)
			w.ask.fail(b, o, x.err)
			return
		}
		b.sum.remark(o, &x.remark, x.text)
		w.ask.put(b, o, &x.answer)
	})
}

// outcome returns the answer for an object, from the cache or newly computed. Answers that depend on the object
// itself are not cached. Answers that depend on the account's own SID are computed for each account, unless w.run.alike
// is set. Then the class of the object does not count either.
func (w *worker[A, T]) outcome(o *objects.Object) *outcome[A] {
	of := kind{typ: o.Type}
	if !w.run.alike {
		of.class = w.classes.of(o.Entry)
	}
	k := w.near.find(o, of)
	if x := k.answer.Load(); x != nil && (w.run.alike || !x.self || !o.Entry.Account()) {
		return x
	}
	x, share := w.decide(o, of.class)
	if share && !k.answer.CompareAndSwap(nil, x) {
		return k.answer.Load()
	}
	return x
}

// decide returns the outcome for an object of a class; zero is an unknown one. share is true if every object with this
// descriptor, type, class and traverse rights has the same outcome. Errors are in the outcome.
func (w *worker[A, T]) decide(o *objects.Object, class winnt.GUID) (x *outcome[A], share bool) {
	x = new(outcome[A])
	d, err := o.Descriptor(w.run.Directory.Domain)
	if err != nil {
		x.err = err
		return x, true
	}
	x.noDACL = accessquery.LacksDACL(d)
	x.self = d.DACL().Facts()&sd.HasPrincipalSelf != 0
	self := d
	if !about(d, class) {
		class = winnt.GUID{} // every class has an evaluator of its own
	}
	if !w.run.alike {
		if self, err = withSelf(d, o.Entry); err != nil {
			x.err = err
			return x, false
		}
	}
	x.answer, share, x.err = w.ask.decide(place{self, o.Type, o.Way, o, class})
	share = share && self == d
	x.remark = remarkOn(d, w.run.Directory, w.run.whole(o.Type))
	if x.err == nil {
		if x.remark.Logons, err = w.also.remark(place{self, o.Type, o.Way, o, class}); err != nil {
			x.remark.Logons = "the other kinds are not known: " + err.Error() // the answer itself is still valid
		}
		x.remark.Unlisted = w.free.of(place{d, o.Type, o.Way, o, class})
	}
	x.text = x.remark.String()
	return x, share
}

// withSelf returns a copy of d with the account's own SID in place of PRINCIPAL SELF. It returns d itself if
// e is not an account, or if d does not name PRINCIPAL SELF. A list that would be too long is an error, because an
// answer without its entries for PRINCIPAL SELF would be wrong. d does not change.
func withSelf(d *sd.Descriptor, e *objects.Entry) (*sd.Descriptor, error) {
	if !e.Account() || d.DACL().Facts()&sd.HasPrincipalSelf == 0 {
		return d, nil
	}
	var entries []sd.ACE
	for _, a := range d.DACL().All() {
		if a.SID() == sid.PrincipalSelf {
			a = a.WithSID(e.SID)
		}
		entries = append(entries, a)
	}
	p := d.Parts()
	list, err := sd.NewACL(entries...)
	if err != nil {
		return nil, fmt.Errorf("the DACL has no room for the object's SID in place of PRINCIPAL SELF: %w", err)
	}
	p.DACL = list
	return sd.New(p), nil
}

// pass runs one question for all objects and writes their rows. write handles box.part before the rows of each batch;
// it may be nil. An error of write ends the run.
func pass[A, T any](
	ctx context.Context, r *Run, ask func(d *decider) asking[A, T], write func(b *box[T], so *Summary) error,
) (Summary, error) {
	p := pipeline[T]{source: r.Source, out: r.Out, workers: r.Workers, progress: r.Progress, save: r.Save}
	p.worker = workers(r, ask)
	p.write = func(b *box[T], so *Summary) error {
		if write != nil {
			if err := write(b, so); err != nil {
				return err
			}
		}
		_, err := r.Out.Write(b.out)
		return err
	}
	return p.do(ctx)
}

// workers returns a function that creates workers, which share one table of answers. A question that cannot be
// decided is an error of that function.
func workers[A, T any](r *Run, ask func(d *decider) asking[A, T]) func() (func(*box[T]), error) {
	known := newTable[outcome[A]](r.CacheBytes)
	return func() (func(*box[T]), error) {
		d, err := newDecider(r)
		if err != nil {
			return nil, err
		}
		w := &worker[A, T]{run: r, ask: ask(d), also: alternatives{run: r}, free: newUnlisted(r)}
		w.near = known.near(w.ask.cost)
		return w.batch, nil
	}
}
