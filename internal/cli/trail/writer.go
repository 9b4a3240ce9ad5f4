package trail

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/winnt"
)

// Writer prints records in one format. [NewWriter] returns one.
type Writer struct {
	out   *bufio.Writer
	csv   *csv.Writer
	one   func(e *audit.Event) error
	close func() error
	mark  Mark
	name  Namer
	buf   []byte
}

// NewWriter returns a writer for a format: table, json, csv, xml or ocsf. Another format is an error. It buffers the
// output, with the heading of csv and xml, so the caller must call Close. mark formats the lines of a table, and name
// names their SIDs, as for [Line]; both may be nil. An error of the head is returned.
func NewWriter(w io.Writer, format string, mark Mark, name Namer) (*Writer, error) {
	out := &Writer{out: bufio.NewWriter(w), mark: mark, name: name, close: func() error { return nil }}
	switch format {
	case "table":
		out.one = out.line
	case "json":
		out.one = out.json
	case "csv":
		out.csv = csv.NewWriter(out.out)
		out.one = out.row
		if err := out.csv.Write(columns); err != nil {
			return nil, err
		}
	case "xml":
		out.one, out.close = out.xml, out.xmlEnd
		if _, err := out.out.WriteString(xmlHead); err != nil {
			return nil, err
		}
	case "ocsf":
		out.one = out.ocsf
	default:
		return nil, fmt.Errorf("unknown format %q: want table, json, csv, xml or ocsf", format)
	}
	return out, nil
}

// Write prints one record into the buffer. It does not keep e. It returns the error of the underlying writer.
func (w *Writer) Write(e *audit.Event) error { return w.one(e) }

// Close writes the end of the output and flushes the buffer. It does not close the underlying writer. After an error
// the rest is not written.
func (w *Writer) Close() error {
	if err := w.close(); err != nil {
		return err
	}
	if w.csv != nil {
		w.csv.Flush()
		if err := w.csv.Error(); err != nil {
			return err
		}
	}
	return w.out.Flush()
}

// line writes the record as one line of text for people.
func (w *Writer) line(e *audit.Event) error {
	_, err := fmt.Fprintln(w.out, Line(e, w.mark, w.name))
	return err
}

// json writes the record as one line of JSON.
func (w *Writer) json(e *audit.Event) error {
	w.buf = append(e.AppendJSON(w.buf[:0]), '\n')
	_, err := w.out.Write(w.buf)
	return err
}

// columns are the columns of the CSV format.
var columns = []string{"id", "time", "event", "outcome", "subcategory", "computer", "subject_sid", "subject_name",
	"primary_sid",
	"object_type", "object_name", "access_mask", "rights", "privileges", "reason"}

// row writes the record as a row of CSV. A missing field is an empty cell, and cells that a spreadsheet could
// take for a formula are made harmless.
func (w *Writer) row(e *audit.Event) error {
	field := func(name string) string {
		text, _ := e.Field(name)
		return printable.Line(text)
	}
	privileges, ok := e.Field("PrivilegeList")
	if !ok {
		privileges, _ = e.Field("EnabledPrivilegeList")
	}
	privileges = printable.Line(strings.Join(strings.Fields(privileges), ","))
	mask := field("AccessMask")
	if m, ok := maskOf(e); ok && strings.HasPrefix(mask, "%%") {
		mask = winnt.AccessMask(m).String()
	}
	row := []string{strconv.FormatUint(e.RecordID, 10), string(audit.AppendTime(nil, e.Time)),
		strconv.Itoa(int(e.ID)), e.Outcome.String(),
		subcategory(e), e.Computer, field("SubjectUserSid"), field("SubjectUserName"), field("PrimaryUserSid"),
		field("ObjectType"), field("ObjectName"),
		mask, rights(e), privileges, printable.Line(Why(e))}
	for i := range row {
		row[i] = harmless(row[i])
	}
	return w.csv.Write(row)
}

// harmless puts an apostrophe before a text that a spreadsheet would read as a formula. A single "-" stays as it is.
func harmless(s string) string {
	if s != "" && (s[0] == '=' || s[0] == '+' || s[0] == '@' || s[0] == '-' && len(s) > 1) {
		return "'" + s
	}
	return s
}

// subcategory returns the name of the record's audit subcategory; "" if it has none.
func subcategory(e *audit.Event) string {
	if e.Subcategory == 0 {
		return ""
	}
	return e.Subcategory.String()
}
