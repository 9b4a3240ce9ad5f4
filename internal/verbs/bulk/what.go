package bulk

import (
	"strings"

	"github.com/refmon/refmon/internal/verbs/batch"
	"github.com/refmon/refmon/internal/verbs/bulk/objects"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// askWhat asks which rights the one principal has.
func askWhat(d *decider) asking[winnt.AccessMask, none] {
	w := &rows{run: d.run}
	return asking[winnt.AccessMask, none]{
		decide: func(x *sd.Descriptor, t *winnt.ObjectType) (winnt.AccessMask, bool, error) { return d.maximum(x, t) },
		put:    func(b *box[none], o *objects.Object, a *winnt.AccessMask) { b.out = w.what(b.out, o, *a) },
		fail:   failed[none](w),
	}
}

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
	return appendColumns(dst, w.printable(o), m.Padded(), text)
}
