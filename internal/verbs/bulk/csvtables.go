package bulk

import (
	"errors"
	"io"
	"strings"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/verbs/bulk/objects"
)

var errTables = errors.New("--format csv-tables writes the table of sets to a file of its own: give --sets FILE; " +
	"it has no --count and no --expressions")

// unreadableSet is the set of objects that cannot be read. Its member, and that of each empty
// set, is a SID that no user has: no set is without one (B-18).
const (
	unreadableSet = "unreadable"
	noMember      = "S-1-0-0"
)

// tablesHeading starts both tables.
func (r *Run) tablesHeading() error {
	if _, err := io.WriteString(r.Out, "path,right_name,set_name\n"); err != nil {
		return err
	}
	_, err := io.WriteString(r.Sets, "set_name,sid\n"+unreadableSet+","+noMember+"\n")
	return err
}

// appendTableSet appends the rows of a set: one a principal.
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

// tableRow appends the row of an object and a right.
func (w *rows) tableRow(dst []byte, o *objects.Object, right int, set string) []byte {
	dst = append(appendExact(dst, string(o.Path)), ',')
	dst = append(appendExact(dst, w.run.Rights[right].Name), ',')
	return append(append(dst, set...), '\n')
}

// appendExact appends a cell as it is, for programs: COPY takes an empty cell for NULL unless
// it is quoted, and no bytes that are not UTF-8.
func appendExact(dst []byte, cell string) []byte {
	cell = strings.ToValidUTF8(cell, "\ufffd")
	if cell != "" && !strings.ContainsAny(cell, "\",\r\n\\") {
		return append(dst, cell...)
	}
	dst = append(dst, '"')
	dst = append(dst, strings.ReplaceAll(cell, `"`, `""`)...)
	return append(dst, '"')
}
