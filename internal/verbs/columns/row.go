package columns

import (
	"bytes"
	"unicode/utf8"

	"github.com/refmon/refmon/internal/printable"
)

// Style says what a cell is, and so its colour. The zero value has no colour.
type Style byte

// Styles.
const (
	Plain  Style = iota
	Good         // what is granted
	Bad          // what is denied, lost or failed
	Strong       // headings
)

// What separates cells and rows. Printable text has neither.
const (
	separator = '\x1f'
	end       = '\n'
)

// Cell appends a cell to a row. Its text is made printable and one line.
func Cell(dst []byte, s Style, text string) []byte {
	return append(append(append(dst, byte(s)), printable.Line(text)...), separator)
}

// End ends a row.
func End(dst []byte) []byte { return append(dst, end) }

// Heading returns the row of the names of columns.
func Heading(names ...string) []byte {
	var row []byte
	for _, n := range names {
		row = Cell(row, Strong, n)
	}
	return End(row)
}

// cell is a cell as it was appended.
type cell struct {
	style Style
	text  string
}

// cells takes a row apart.
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

// width returns the columns that a text takes, one a character.
func width(text string) int { return utf8.RuneCountInString(text) }

// Cut returns a text of at most n columns: of a longer one the middle is left out, since
// both ends of a path or a name tell more.
func Cut(text string, n int) string {
	w := width(text)
	if w <= n || n < 1 {
		return text
	}
	runes := []rune(text)
	back := (n - 1) / 2
	return string(runes[:n-1-back]) + "…" + string(runes[w-back:])
}
