package bulk

import (
	"strings"

	"github.com/refmon/refmon/internal/cli/batch"
	"github.com/refmon/refmon/internal/cli/columns"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/printable"
)

// names holds the principals' names, encoded for a format. Immutable.
type names [][]byte

// makeNames returns the name of each principal as the format writes it: JSON, sid:S-1-… or text without control
// characters. In CSV, which joins names by semicolons, quotes enclose a name with a semicolon or a quote.
func makeNames(d *directory.Directory, f Format) names {
	out := make(names, len(d.Principals))
	for i := range d.Principals {
		switch f {
		case JSONL:
			out[i] = batch.AppendString(nil, d.Principals[i].Name)
		case ESBulk:
			out[i] = batch.AppendString(nil, "sid:"+d.Principals[i].SID().String())
		default:
			name := printable.Line(d.Principals[i].Name)
			if f == CSV && strings.ContainsAny(name, `;"`) {
				name = `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
			}
			out[i] = []byte(name)
		}
	}
	return out
}

// heading writes the header of the output. JSON lines, bulk documents and a resumed run have none. An index run writes
// its principals instead. It returns the error of the output. Other formats than CSV are a table with columns.
func (r *Run) heading() error {
	if r.Resumed {
		return nil
	}
	var out []byte
	switch {
	case r.Format == CSVTables:
		return r.tablesHeading()
	case r.Ask == Index:
		_, err := r.setsTo().Write(appendPrincipals(nil, r.Directory))
		return err
	case r.Format == JSONL || r.Format == ESBulk:
	case r.Format == CSV:
		out = append(out, csvHeading[r.Ask]...)
	case r.Ask == What:
		out = columns.Heading("PATH", "GRANTED", "RIGHTS")
	case r.Ask == Count:
		out = columns.Heading("PATH", "RIGHT", "PRINCIPALS")
	case r.Ask == Through:
		out = columns.Heading("PATH", "RIGHT", "WHO", "THROUGH")
	default:
		out = columns.Heading("PATH", "RIGHT", "WHO")
	}
	_, err := r.Out.Write(out)
	return err
}

var csvHeading = map[Ask]string{
	Who: "path,right,principals\n", Count: "path,right,count\n", What: "path,granted,rights\n",
}

// rows writes rows. Owned by a worker.
type rows struct {
	run  *Run
	cell []byte
}

// failed returns a function that writes an object without an answer as a row of its own. Such an object counts
// neither as accessible nor as inaccessible.
func failed[T any](w *rows) func(b *box[T], o *objects.Object, err error) {
	return func(b *box[T], o *objects.Object, err error) { b.out = w.unreadable(b.out, o, err) }
}

// unreadable appends the row of an object without an answer, with the shortened error, in the run's format. CSVTables
// get a row for each right. Formats without rows of their own get a table row.
func (w *rows) unreadable(dst []byte, o *objects.Object, err error) []byte {
	text := batch.Shorten(err.Error())
	switch {
	case w.run.HasDocuments():
		return w.run.AppendUnreadable(dst, o, err)
	case w.run.Format == CSVTables:
		for i := range w.run.Rights {
			dst = w.tableRow(dst, o, i, unreadableSet)
		}
		return dst
	case w.run.Format == CSV:
		return appendCSV(dst, string(o.Path), "error", text)
	}
	return appendRow(dst, plain(string(o.Path)), bad("error"), plain(text))
}

// HasDocuments reports whether the rows are es-bulk or JSON lines, which a later run can delete by their paths.
func (r *Run) HasDocuments() bool {
	return r.Format == ESBulk || r.Format == JSONL || r.Ask == Index && r.Format != CSVTables
}

// AppendUnreadable appends the row of an object that could not be read, with the shortened error, as es-bulk or as a
// JSON line. The document in es-bulk belongs to nobody (B-6).
func (r *Run) AppendUnreadable(dst []byte, o *objects.Object, err error) []byte {
	if r.Format == ESBulk {
		dst = appendDocument(dst, o, nil)
	} else {
		dst = appendPath(append(dst, `{"path":`...), o)
	}
	return append(batch.AppendString(append(dst, `,"error":`...), batch.Shorten(err.Error())), "}\n"...)
}

// appendPath appends the path as JSON.
func appendPath(dst []byte, o *objects.Object) []byte {
	if o.Quoted != nil {
		return append(dst, o.Quoted...)
	}
	return batch.AppendString(dst, string(o.Path))
}

// appendNote appends the notes of an object to its JSON row. Other formats show notes in the summary only. The note of
// the object comes before its remark.
func appendNote(dst []byte, o *objects.Object) []byte {
	text := o.Note.String()
	switch {
	case text == "" && o.Remark == "":
		return dst
	case text == "":
		text = o.Remark
	case o.Remark != "":
		text += "; " + o.Remark
	}
	return batch.AppendString(append(dst, `,"note":`...), text)
}
