package bulk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/verbs/batch"
	"github.com/refmon/refmon/internal/verbs/bulk/objects"
	"github.com/refmon/refmon/internal/verbs/columns"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// has is the answer of What: the rights of the principal.
type has struct {
	mask   winnt.AccessMask
	wanted bool // it has what was asked for
}

// askWhat asks which rights the one principal has.
func askWhat(d *decider) asking[has, none] {
	w := &rows{run: d.run}
	want := *d.run
	want.Ask, want.Rights = Who, want.Want
	wanted := &decider{run: &want, types: map[*winnt.ObjectType]*asked{}}
	return asking[has, none]{
		decide: func(x *sd.Descriptor, t *winnt.ObjectType) (a has, share bool, err error) {
			if a.mask, share, err = d.maximum(x, t); err != nil || len(want.Want) == 0 {
				a.wanted = a.mask != 0
				return a, share, err
			}
			sets, _, err := wanted.sets(x, t)
			a.wanted = !slices.ContainsFunc(sets, func(s effective.Set) bool { return !s.Has(0) })
			return a, share, err
		},
		put: func(b *box[none], o *objects.Object, a *has) {
			// A person is told what there is, and not about each object where there is no
			// right, unless that is the change (U-108).
			if r := d.run; a.wanted || len(r.Want) == 0 && (r.Format != Table || r.Nothing || r.Changes) {
				b.out = w.what(b.out, o, a.mask)
				return
			}
			if len(d.run.Want) == 0 {
				b.sum.Passed++
			}
		},
		fail: failed[none](w),
	}
}

// key returns what answers are compared by.
func (a *has) key() []byte { return fmt.Append(nil, *a) }

// what writes the row of an object: the mask and its words.
func (w *rows) what(dst []byte, o *objects.Object, m winnt.AccessMask) []byte {
	have := Words(m, o.Type)
	switch w.run.Format {
	case JSONL:
		dst = append(appendPath(append(dst, `{"path":`...), o), `,"granted":"`...)
		dst = append(append(dst, m.Padded()...), `","rights":[`...)
		for i, word := range have {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = batch.AppendString(dst, word)
		}
		return append(appendNote(append(dst, ']'), o), "}\n"...)
	case CSV:
		return appendCSV(dst, string(o.Path), m.Padded(), strings.Join(have, ";"))
	}
	text := strings.Join(have, ", ")
	switch {
	case m == 0:
		text = "(nothing)"
	case len(have) == 0:
		text = o.Type.Names(m)
	case text == "control": // it says little of what else there is
		text = o.Type.Names(m) + ", control"
	}
	return appendRow(dst, plain(string(o.Path)), masked(columns.Good, m), plain(text))
}
