package columns

import (
	"bytes"

	"github.com/refmon/refmon/internal/printable"
)

// Style is the meaning of a cell, which determines its colour. The zero value has no colour.
type Style byte

// Styles.
const (
	Plain  Style = iota
	Good         // granted
	Bad          // denied, lost or failed
	Strong       // headings
)

// Separators of cells and rows. Printable text does not contain them.
const (
	separator = '\x1f'
	end       = '\n'
)

// Cell appends a cell to the row in dst and returns the longer row. It replaces unprintable characters and line ends in
// text. The row is complete after [End].
func Cell(dst []byte, s Style, text string) []byte {
	return append(append(append(dst, byte(s)), printable.Line(text)...), separator)
}

// End appends the end of a row to dst. Pass the result to [Writer.Write].
func End(dst []byte) []byte { return append(dst, end) }

// Heading returns a complete row with the names of the columns in the style [Strong]. Without names it is an empty
// row.
func Heading(names ...string) []byte {
	var row []byte
	for _, n := range names {
		row = Cell(row, Strong, n)
	}
	return End(row)
}

// cell is a parsed cell.
type cell struct {
	style Style
	text  string
}

// cells splits a row into its cells. row ends before the separator that ends the row. The first byte of a cell is its
// style, the others are its text. An empty cell is left out. The result is nil for an empty row.
func cells(row []byte) (out []cell) {
	for len(row) > 0 {
		text, rest, _ := bytes.Cut(row, []byte{separator})
		if len(text) > 0 {
			out = append(out, cell{Style(text[0]), string(text[1:])})
		}
		row = rest
	}
	return out
}

// Cut shortens a text to n columns. It replaces the middle by an ellipsis, because the ends of a path or a name are
// more useful. It returns the text unchanged if it fits or n is less than 1. The result is narrower than n if a wide
// character does not fit.
func Cut(text string, n int) string {
	w := printable.Width(text)
	if w <= n || n < 1 {
		return text
	}
	back := (n - 1) / 2
	tail := text[printable.Prefix(text, w-back):]
	if printable.Width(tail) > back { // the limit is within a wide character
		tail = tail[printable.Prefix(tail, 2):]
	}
	return text[:printable.Prefix(text, n-1-back)] + "…" + tail
}
