package bulk

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/verbs/batch"
	"github.com/refmon/refmon/internal/verbs/bulk/objects"
	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/winnt"
)

// names are the names of the principals, made ready for a format. Immutable.
type names [][]byte

func makeNames(d *people.Directory, f Format) names {
	out := make(names, len(d.Principals))
	for i := range d.Principals {
		if f == JSONL {
			out[i] = batch.AppendString(nil, d.Principals[i].Name)
		} else {
			out[i] = []byte(Printable(d.Principals[i].Name))
		}
	}
	return out
}

// Printable replaces what could steer a terminal: control characters.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || 0x7f <= r && r < 0xa0 {
			return utf8.RuneError
		}
		return r
	}, text)
}

// heading starts the output.
func (w *writer) heading() error {
	r := w.run
	if r.Resumed {
		return nil
	}
	var out []byte
	switch {
	case r.Ask == Index:
		to := r.Sets
		if to == nil {
			to = r.Out
		}
		_, err := to.Write(appendPrincipals(nil, r.Directory))
		return err
	case r.Format == JSONL:
	case r.Format == CSV:
		out = append(out, csvHeading[r.Ask]...)
	case r.Ask == What:
		out = appendColumns(out, []byte("PATH"), "GRANTED", "RIGHTS")
	case r.Ask == Count:
		out = appendColumns(out, []byte("PATH"), "RIGHT", "PRINCIPALS")
	default:
		out = appendColumns(out, []byte("PATH"), "RIGHT", "WHO")
	}
	_, err := r.Out.Write(out)
	return err
}

var csvHeading = map[Ask]string{
	Who: "path,right,principals\n", Count: "path,right,count\n", What: "path,granted,rights\n",
}

// rows writes the rows of a batch. Owned by a worker.
type rows struct {
	run  *Run
	b    *portion
	path []byte
	cell []byte
}

// unreadable writes the row of an object that could not be decided. It is
// never taken as open to all, nor as closed.
func (w *rows) unreadable(o *objects.Object, err error) {
	b := w.b
	text := batch.Shorten(err.Error())
	switch {
	case w.run.Ask == Index || w.run.Format == JSONL:
		b.out = append(w.appendPath(append(b.out, `{"path":`...), o), `,"error":`...)
		b.out = append(batch.AppendString(b.out, text), "}\n"...)
	case w.run.Format == CSV:
		w.csv(string(o.Path), "error", text)
	default:
		b.out = appendColumns(b.out, w.printable(o), "error", Printable(text))
	}
}

// appendPath appends the path as JSON.
func (w *rows) appendPath(dst []byte, o *objects.Object) []byte {
	if o.Quoted != nil {
		return append(dst, o.Quoted...)
	}
	return batch.AppendString(dst, string(o.Path))
}

// appendNote appends what is to be known about an object to its row in JSON;
// other formats leave it to the summary.
func appendNote(dst []byte, o *objects.Object) []byte {
	if o.Note == 0 {
		return dst
	}
	return batch.AppendString(append(dst, `,"note":`...), o.Note.String())
}

// put writes the rows of an object, of which err is not nil if it could not be
// decided.
func (w *rows) put(b *portion, o *objects.Object, a *answer, err error) {
	if w.b = b; err != nil {
		w.unreadable(o, err)
		return
	}
	if a.ids != nil && !a.put.Load() {
		b.fresh = append(b.fresh, a)
	}
	w.row(o, a)
}

// row writes the rows of an object: one, or one for each right.
func (w *rows) row(o *objects.Object, a *answer) {
	switch w.run.Ask {
	case Index:
		w.index(o, a)
	case What:
		w.what(o, a.mask)
	default:
		for i := range w.run.Rights {
			w.who(o, a, i)
			if w.run.Ask == Who {
				w.b.full()
			}
		}
	}
}

func (w *rows) index(o *objects.Object, a *answer) {
	out := append(w.appendPath(append(w.b.out, `{"path":`...), o), `,"sets":{`...)
	for i := range w.run.Rights {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(batch.AppendString(out, w.run.Rights[i].Name), `:"`...)
		out = append(append(out, a.ids[i][:]...), '"')
	}
	w.b.out = append(appendNote(append(out, '}'), o), "}\n"...)
}

func (w *rows) who(o *objects.Object, a *answer, right int) {
	r, b := w.run, w.b
	name := r.Rights[right].Name
	if r.Format == JSONL {
		out := append(w.appendPath(append(b.out, `{"path":`...), o), `,"right":`...)
		out = batch.AppendString(out, name)
		if r.Ask == Count {
			out = strconv.AppendUint(append(out, `,"count":`...), uint64(a.counts[right]), 10)
			b.out = append(appendNote(out, o), "}\n"...)
			return
		}
		out = w.join(append(out, `,"principals":[`...), a.sets[right], ",")
		b.out = append(appendNote(append(out, ']'), o), "}\n"...)
		return
	}
	if r.Ask == Count {
		w.cell = strconv.AppendUint(w.cell[:0], uint64(a.counts[right]), 10)
	} else if w.cell = w.join(w.cell[:0], a.sets[right], ", "); len(w.cell) == 0 && r.Format == Table {
		w.cell = append(w.cell, "(nobody)"...)
	}
	if r.Format == CSV {
		w.csv(string(o.Path), name, strings.ReplaceAll(string(w.cell), ", ", ";"))
		return
	}
	b.out = appendColumns(b.out, w.printable(o), name, string(w.cell))
}

// join appends the names of a set.
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

func (w *rows) what(o *objects.Object, m winnt.AccessMask) {
	r, b := w.run, w.b
	have := Words(m, o.Type)
	switch r.Format {
	case JSONL:
		out := append(w.appendPath(append(b.out, `{"path":`...), o), `,"granted":"`...)
		out = append(append(out, m.Padded()...), `","rights":[`...)
		for i, word := range have {
			if i > 0 {
				out = append(out, ',')
			}
			out = batch.AppendString(out, word)
		}
		b.out = append(appendNote(append(out, ']'), o), "}\n"...)
	case CSV:
		w.csv(string(o.Path), m.Padded(), strings.Join(have, ";"))
	default:
		text := strings.Join(have, ", ")
		if text == "" {
			text = o.Type.Names(m)
		}
		if m == 0 {
			text = "(nothing)"
		}
		b.out = appendColumns(b.out, w.printable(o), m.Padded(), text)
	}
}

func (w *rows) printable(o *objects.Object) []byte {
	w.path = append(w.path[:0], Printable(string(o.Path))...)
	return w.path
}

func (w *rows) csv(cells ...string) { w.b.out = appendCSV(w.b.out, cells...) }

// appendCSV appends a record. A cell that a spreadsheet would run as a formula
// starts with an apostrophe.
func appendCSV(dst []byte, cells ...string) []byte {
	for i, c := range cells {
		if i > 0 {
			dst = append(dst, ',')
		}
		if c != "" && strings.IndexByte("=+-@\t\r", c[0]) >= 0 {
			c = "'" + c
		}
		if !strings.ContainsAny(c, "\",\r\n") {
			dst = append(dst, c...)
			continue
		}
		dst = append(dst, '"')
		dst = append(dst, strings.ReplaceAll(c, `"`, `""`)...)
		dst = append(dst, '"')
	}
	return append(dst, '\n')
}

// Columns of tables: the first two are padded, and longer cells push the rest
// aside, since a table of a million rows is not held back to measure it.
const (
	pathWidth  = 40
	rightWidth = 10
)

func appendColumns(dst, path []byte, second, third string) []byte {
	dst = appendCell(dst, string(path), pathWidth)
	dst = appendCell(dst, second, rightWidth)
	return append(append(dst, third...), '\n')
}

func appendCell(dst []byte, text string, width int) []byte {
	dst = append(dst, text...)
	for n := utf8.RuneCountInString(text); n < width; n++ {
		dst = append(dst, ' ')
	}
	return append(dst, ' ', ' ')
}
