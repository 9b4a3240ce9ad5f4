package bulk

import (
	"strconv"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/cli/batch"
	"github.com/refmon/refmon/internal/objects"
)

// none is the type of box.part for questions that produce only rows.
type none struct{}

// named is the answer of Who for a descriptor: the principals that have each right.
type named struct {
	sets    []effective.Set
	allowed int64
}

// askWho returns the implementation of the question Who: for each object, the principals that have each right, in a
// row for each right.
func askWho(d *decider) asking[named, none] {
	r := d.run
	w := &rows{run: r}
	return asking[named, none]{
		cost: 8 * ((r.tokens.Len() + 63) / 64) * len(r.Rights),
		decide: func(x place) (a named, share bool, err error) {
			sets, share, err := d.sets(x)
			a.sets, _, a.allowed = keep(sets)
			return a, share, err
		},
		put: func(b *box[none], o *objects.Object, a *named) {
			b.sum.Allowed += a.allowed
			for i := range r.Rights {
				b.out = w.who(b.out, o, r.Rights[i].Name, a.sets[i])
				b.full()
			}
		},
		fail: failed[none](w),
	}
}

// counted is the answer of Count for a descriptor: how many principals have each right.
type counted struct {
	counts  []uint32
	allowed int64
	// Where the counts of a few rights are kept: a row then reads the answer and
	// nothing else of memory that is far away.
	few [4]uint32
}

// askCount returns the implementation of the question Count: for each object, the number of principals that have each
// right.
func askCount(d *decider) asking[counted, none] {
	w := &rows{run: d.run}
	return asking[counted, none]{
		decide: func(x place) (a counted, share bool, err error) {
			sets, share, err := d.sets(x)
			if len(sets) > len(a.few) {
				a.counts = make([]uint32, len(sets))
			}
			for i, s := range sets {
				n := s.Count()
				a.allowed += int64(n)
				a.at()[i] = uint32(n)
			}
			return a, share, err
		},
		put: func(b *box[none], o *objects.Object, a *counted) {
			b.sum.Allowed += a.allowed
			for i := range d.run.Rights {
				b.out = w.count(b.out, o, d.run.Rights[i].Name, a.at()[i])
			}
		},
		fail: failed[none](w),
	}
}

// at returns the counts, one for each right. Without a.counts the slice has unused elements at the end.
func (a *counted) at() []uint32 {
	if a.counts != nil {
		return a.counts
	}
	return a.few[:]
}

// who appends the row of a right on an object. The row has the path, the right and the names of the principals in s.
// If s is empty, a table says in red that no one has the right; other formats have an empty list.
func (w *rows) who(dst []byte, o *objects.Object, right string, s effective.Set) []byte {
	switch w.run.Format {
	case ESBulk:
		w.cell = w.join(w.cell[:0], s, ",")
		return append(appendNote(appendDocument(dst, o, w.cell), o), "}\n"...)
	case JSONL:
		dst = append(appendPath(append(dst, `{"path":`...), o), `,"right":`...)
		dst = batch.AppendString(dst, right)
		dst = w.join(append(dst, `,"principals":[`...), s, ",")
		return append(appendNote(append(dst, ']'), o), "}\n"...)
	case CSV:
		w.cell = w.join(w.cell[:0], s, ";")
		return appendCSV(dst, string(o.Path), right, string(w.cell))
	}
	who := plain(string(w.join(w.cell[:0], s, ", ")))
	if who.text == "" {
		who = bad(noOne)
	}
	return appendRow(dst, plain(string(o.Path)), plain(right), who)
}

// count appends the row of a right to dst, in the format of the run: the path, the right and the number n of
// principals.
func (w *rows) count(dst []byte, o *objects.Object, right string, n uint32) []byte {
	if w.run.Format == JSONL {
		dst = append(appendPath(append(dst, `{"path":`...), o), `,"right":`...)
		dst = batch.AppendString(dst, right)
		dst = strconv.AppendUint(append(dst, `,"count":`...), uint64(n), 10)
		return append(appendNote(dst, o), "}\n"...)
	}
	w.cell = strconv.AppendUint(w.cell[:0], uint64(n), 10)
	if w.run.Format == CSV {
		return appendCSV(dst, string(o.Path), right, string(w.cell))
	}
	return appendRow(dst, plain(string(o.Path)), plain(right), plain(string(w.cell)))
}

// join appends the names of a set to dst, with the separator between them. It appends nothing for an empty set.
func (w *rows) join(dst []byte, s effective.Set, separator string) []byte {
	begun := false
	for i := range s.All() {
		if begun {
			dst = append(dst, separator...)
		}
		begun = true
		dst = append(dst, w.run.names[i]...)
	}
	return dst
}
