package bulk

import (
	"io"
	"strings"

	"github.com/refmon/refmon/internal/cli/columns"
	"github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/winnt"
)

// appendCSV appends a record and its newline to dst. It puts an apostrophe before a cell that a spreadsheet would run
// as a formula, and replaces control characters other than line ends.
func appendCSV(dst []byte, cells ...string) []byte {
	for i, c := range cells {
		if i > 0 {
			dst = append(dst, ',')
		}
		if c != "" && strings.IndexByte("=+-@", c[0]) >= 0 {
			c = "'" + c
		}
		c = printable.Text(c)
		if !strings.ContainsAny(c, "\",\n") {
			dst = append(dst, c...)
			continue
		}
		dst = append(dst, '"')
		dst = append(dst, strings.ReplaceAll(c, `"`, `""`)...)
		dst = append(dst, '"')
	}
	return append(dst, '\n')
}

// appendRow appends a row of cells, each in its style, and the end of the line to dst. It returns the longer
// slice.
func appendRow(dst []byte, row ...cell) []byte {
	for _, c := range row {
		dst = columns.Cell(dst, c.style, c.text)
	}
	return columns.End(dst)
}

// cell is a cell of a table.
type cell struct {
	style columns.Style
	text  string
}

// plain returns a cell without a colour.
func plain(text string) cell { return cell{columns.Plain, text} }

// bad returns a cell in the style for refused rights and problems.
func bad(text string) cell { return cell{columns.Bad, text} }

// masked returns a cell that shows a mask. The style applies unless the mask is 0.
func masked(s columns.Style, m winnt.AccessMask) cell {
	if m == 0 {
		s = columns.Plain
	}
	return cell{s, m.Padded()}
}

// worded returns a table cell with the names of the rights in m (B-115). Its arguments held and t are the mask that
// contains m and the object type. If t is nil, the cell has the number. The style s applies unless m is 0.
func worded(s columns.Style, m, held winnt.AccessMask, t *winnt.ObjectType) cell {
	if t == nil && m != 0 {
		return masked(s, m)
	}
	c := masked(s, m)
	c.text = words.Names(m, held, t)
	return c
}

// rowWriter writes rows. Flush writes the rows that it buffers.
type rowWriter interface {
	io.Writer
	Flush() error
}

// peopled returns the writer for rows on out. With table it buffers rows and aligns their columns; otherwise it writes
// them unchanged.
func peopled(table bool, o columns.Options, out io.Writer) rowWriter {
	if table {
		return columns.New(out, o)
	}
	return direct{out}
}

// direct is a rowWriter without a buffer.
type direct struct{ io.Writer }

// Flush does nothing and returns nil, because direct writes at once.
func (direct) Flush() error { return nil }
