package bulk

import (
	"errors"
	"io"
	"strings"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/objects"
)

var errTables = errors.New("--format csv-tables writes the table of sets to a file of its own: give --sets FILE; " +
	"it has no --count and no --expressions")

// unreadableSet is the set of unreadable objects. It and each empty set contain a SID that no user has, because every
// set in the table needs a row (B-18).
const (
	unreadableSet = "unreadable"
	noMember      = "S-1-0-0"
)

// tablesHeading writes the headers of both tables, and the row of unreadableSet. r.Sets must not be nil.
func (r *Run) tablesHeading() error {
	if _, err := io.WriteString(r.Out, "path,right_name,set_name\n"); err != nil {
		return err
	}
	_, err := io.WriteString(r.Sets, "set_name,sid\n"+unreadableSet+","+noMember+"\n")
	return err
}

// appendTableSet appends the rows of a set to dst, one for each principal's SID. An empty set gets one row with
// noMember. Each row ends in a newline.
func (r *Run) appendTableSet(dst []byte, id setID, s effective.Set) []byte {
	row := func(member string) {
		dst = append(append(dst, id[:]...), ',')
		dst = append(append(dst, member...), '\n')
	}
	empty := true
	for i := range s.All() {
		empty = false
		row(r.Directory.Principals[i].SID().String())
	}
	if empty {
		row(noMember)
	}
	return dst
}

// tableRow appends the row of one object and one right to dst. right is an index into Run.Rights, and set the name of
// the set.
func (w *rows) tableRow(dst []byte, o *objects.Object, right int, set string) []byte {
	dst = append(appendExact(dst, string(o.Path)), ',')
	dst = append(appendExact(dst, w.run.Rights[right].Name), ',')
	return append(append(dst, set...), '\n')
}

// appendExact appends a cell unchanged, for programs. It quotes an empty cell, because COPY reads an unquoted one as
// NULL, and replaces invalid UTF-8.
func appendExact(dst []byte, cell string) []byte {
	cell = strings.ToValidUTF8(cell, "\ufffd")
	if cell != "" && !strings.ContainsAny(cell, "\",\r\n\\") {
		return append(dst, cell...)
	}
	dst = append(dst, '"')
	dst = append(dst, strings.ReplaceAll(cell, `"`, `""`)...)
	return append(dst, '"')
}
