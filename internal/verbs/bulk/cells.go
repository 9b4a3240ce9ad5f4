package bulk

import (
	"strings"
	"unicode/utf8"

	"github.com/refmon/refmon/internal/printable"
)

// appendCSV appends a record. A cell that a spreadsheet would run as a formula
// starts with an apostrophe. Controls are replaced, except for the ends of lines.
func appendCSV(dst []byte, cells ...string) []byte {
	for i, c := range cells {
		if i > 0 {
			dst = append(dst, ',')
		}
		if c != "" && strings.IndexByte("=+-@\t\r", c[0]) >= 0 {
			c = "'" + c
		}
		c = printable.Text(c)
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
