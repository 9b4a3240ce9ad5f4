package bulk

import (
	"encoding/base64"
	"encoding/binary"
	"io"
	"strconv"
	"sync/atomic"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/cli/batch"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
)

// indexed is the answer of an Index run for a descriptor: for each right, the id of the set of principals that have
// it.
type indexed struct {
	ids     []setID
	few     [4]setID // where the names of a few rights are kept, as in counted
	allowed int64
	fresh   *unwritten
}

// unwritten holds the members of sets that the table of sets may not contain yet. The writer owns it once it is
// published.
type unwritten struct {
	ids    []setID
	sets   []effective.Set
	counts []uint32
	exprs  [][]byte // with Expressions: JSON; nil if SIDs alone do not suffice
	put    atomic.Bool
}

// fresh holds the sets of a batch that may not be in the table yet.
type fresh []*unwritten

// askIndex returns the implementation of the question Index: for each object, the set of principals for each right.
// Equal sets for the same masks have one id. With Expressions each right also has its expression.
func askIndex(d *decider) asking[indexed, fresh] {
	w := &rows{run: d.run}
	return asking[indexed, fresh]{
		cost: 64 * len(d.run.Rights), // the memory of ids and masks; the sets are freed after they are written
		decide: func(x place) (a indexed, share bool, err error) {
			sets, share, err := d.sets(x)
			if err != nil {
				return a, share, err
			}
			u := &unwritten{}
			u.sets, u.counts, a.allowed = keep(sets)
			for i, s := range u.sets {
				u.ids = append(u.ids, d.run.namer.id(masksOf(d.run.Rights[i], x.typ), s))
			}
			if len(u.ids) > len(a.few) {
				a.ids = u.ids
			}
			copy(a.few[:], u.ids)
			for i := range sets {
				if d.run.Expressions {
					u.exprs = append(u.exprs, d.expression(x, i))
				}
			}
			a.fresh = u
			return a, share, nil
		},
		put: func(b *box[fresh], o *objects.Object, a *indexed) {
			b.sum.Allowed += a.allowed
			if !a.fresh.put.Load() {
				b.part = append(b.part, a.fresh)
			}
			b.out = w.index(b.out, o, a)
		},
		fail: failed[fresh](w),
	}
}

// index appends the row of an object to dst: its path and, for each right, the name of the set of principals that
// have it.
func (w *rows) index(dst []byte, o *objects.Object, a *indexed) []byte {
	ids := a.few[:]
	if a.ids != nil {
		ids = a.ids
	}
	if w.run.Format == CSVTables {
		for i := range w.run.Rights {
			dst = w.tableRow(dst, o, i, string(ids[i][:]))
		}
		return dst
	}
	dst = append(appendPath(append(dst, `{"path":`...), o), `,"sets":{`...)
	for i := range w.run.Rights {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(batch.AppendString(dst, w.run.Rights[i].Name), `:"`...)
		dst = append(append(dst, ids[i][:]...), '"')
	}
	return append(appendNote(append(dst, '}'), o), "}\n"...)
}

// setWriter writes the table of sets in order. Owned by the goroutine of Do.
type setWriter struct {
	run     *Run
	written [2]map[setID]struct{} // sets that are in the table, young and old ones
	buf     []byte
}

// setsTo returns the writer for the table of sets: Run.Sets, or Run.Out if that is nil.
func (r *Run) setsTo() io.Writer {
	if r.Sets != nil {
		return r.Sets
	}
	return r.Out
}

// batch writes the sets of a batch that were not written before, and releases their memory. A row has the numbers of
// the principals as ranges, or as a bitmap if that is shorter. The first output error is returned.
func (w *setWriter) batch(b *box[fresh], _ *Summary) error {
	if len(b.part) == 0 {
		return nil
	}
	out := w.buf[:0]
	for _, u := range b.part {
		if u.put.Load() {
			continue
		}
		for i, id := range u.ids {
			if w.first(id) {
				var x []byte
				if u.exprs != nil {
					x = u.exprs[i]
				}
				if w.run.Format == CSVTables {
					out = w.run.appendTableSet(out, id, u.sets[i])
					continue
				}
				out = appendSet(out, id, u.counts[i], u.sets[i], x)
			}
		}
		u.sets, u.exprs, u.counts = nil, nil, nil
		u.put.Store(true)
	}
	w.buf = out
	_, err := w.run.setsTo().Write(out)
	return err
}

// expression returns the expression of a right as JSON. It includes the clauses of the share and of the folders on
// the path. Call it after sets for the same object. It returns nil if SIDs alone do not suffice, for a right of
// several masks, and in a run with file checks.
func (d *decider) expression(of place, right int) []byte {
	asked, err := d.asked(of.kind())
	if err != nil || len(asked.rights[right]) != 1 || d.run.guarded != nil {
		return nil
	}
	part := asked.rights[right][0]
	e := asked.evaluators[part.Group]
	x, ok := e.Expression(of.d, part.Mask)
	if ok && d.run.Share != nil {
		var gate effective.Expression
		gate, ok = e.Expression(d.run.Share, part.Mask)
		x = append(x, gate...)
	}
	if !ok {
		return nil
	}
	// sets has made the evaluator of folders.
	for _, folder := range of.way.Folders() {
		gate, ok := d.folders.Expression(folder, 0)
		if !ok {
			return nil
		}
		x = append(x, gate...)
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

// maxWritten limits each of the two generations of set names that setWriter remembers, at about 64 bytes each. A set
// whose name is forgotten is written again when it recurs.
const maxWritten = 1 << 20

// first reports whether the set with this id must be written now, because it is not known to be in the table. It
// records the set as written. It forgets sets that were not used for a long time, which are then written again.
func (w *setWriter) first(id setID) bool {
	if _, ok := w.written[0][id]; ok {
		return false
	}
	_, old := w.written[1][id]
	if w.written[0] == nil || len(w.written[0]) >= w.run.maxSets() {
		w.written[0], w.written[1] = map[setID]struct{}{}, w.written[0]
	}
	w.written[0][id] = struct{}{}
	return !old
}

// maxSets returns how many sets a run remembers as written: maxWritten, or less if CacheBytes is small, but at least
// 65,536.
func (r *Run) maxSets() int { return max(min(maxWritten, r.CacheBytes/256), 1<<16) }

// appendSet appends the line of a set of principals: its count, an expression unless that is nil, and the
// members as ranges or, if that is shorter, as a bitmap in base64.
func appendSet(dst []byte, id setID, count uint32, s effective.Set, expression []byte) []byte {
	dst = append(append(append(dst, `{"set":"`...), id[:]...), `","count":`...)
	dst = strconv.AppendUint(dst, uint64(count), 10)
	if expression != nil {
		dst = append(append(dst, `,"expression":`...), expression...)
	}
	mark := len(dst)
	bitmap := len(`,"bitmap":""}`) + base64.StdEncoding.EncodedLen(8*len(s))
	dst = append(dst, `,"ids":"`...)
	var ok bool
	dst, ok = appendRanges(dst, s, mark+bitmap)
	if ok {
		return append(dst, "\"}\n"...)
	}
	raw := make([]byte, 0, 8*len(s))
	for _, w := range s {
		raw = binary.LittleEndian.AppendUint64(raw, w)
	}
	dst = append(dst[:mark], `,"bitmap":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, raw)
	return append(dst, "\"}\n"...)
}

// appendRanges appends ranges such as "0-3,7" to dst. It returns false if dst is then longer than most bytes. With
// false, dst may be incomplete. An empty set appends nothing. The limit counts what dst had before.
func appendRanges(dst []byte, s effective.Set, most int) ([]byte, bool) {
	first, last, any := 0, -2, false
	flush := func() {
		if last < 0 {
			return
		}
		if any {
			dst = append(dst, ',')
		}
		any = true
		dst = strconv.AppendInt(dst, int64(first), 10)
		if last > first {
			dst = strconv.AppendInt(append(dst, '-'), int64(last), 10)
		}
	}
	for i := range s.All() {
		if i == last+1 {
			last = i
			continue
		}
		flush()
		if len(dst) > most {
			return dst, false
		}
		first, last = i, i
	}
	flush()
	return dst, len(dst) <= most
}

// appendPrincipals appends the row that lists the principals by number, with an empty list for none.
func appendPrincipals(dst []byte, d *directory.Directory) []byte {
	dst = append(dst, `{"principals":[`...)
	for i := range d.Principals {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = batch.AppendString(dst, d.Principals[i].Name)
	}
	return append(dst, "]}\n"...)
}
