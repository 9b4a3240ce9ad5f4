package columns_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/columns"
	"github.com/refmon/refmon/internal/test/check"
)

// The colour of a cell covers its text but not its padding.
func TestColourCoversTextOnly(t *testing.T) {
	rows := columns.Heading("A", "B")
	rows = columns.End(columns.Cell(columns.Cell(rows, columns.Bad, "no"), columns.Good, "yes\x1b[0m\x1f\x02x"))
	const want = "\x1b[1mA\x1b[0m   \x1b[1mB\x1b[0m\n\x1b[31mno\x1b[0m  \x1b[32myes\ufffd[0m\ufffd\ufffdx\x1b[0m\n"
	check.Equal(t, output(t, columns.Options{Colour: true}, rows), want, "coloured rows")
}

// Each style has its colour. A cell without text or style has none.
func TestEachStyleHasItsColour(t *testing.T) {
	styles := []columns.Style{columns.Plain, columns.Good, columns.Bad, columns.Strong, columns.Style(9)}
	for _, colour := range []bool{true, false} {
		want := "a  \x1b[32ma\x1b[0m  \x1b[31ma\x1b[0m  \x1b[1ma\x1b[0m  a\n"
		if !colour {
			want = "a  a  a  a  a\n"
		}
		want += strings.Repeat(" ", 15) + "x\n"
		var texts, empty []byte
		for _, s := range styles {
			texts, empty = columns.Cell(texts, s, "a"), columns.Cell(empty, s, "")
		}
		empty = columns.Cell(empty, columns.Plain, "x")
		got := output(t, columns.Options{Colour: colour}, columns.End(texts), columns.End(empty))
		check.Equal(t, got, want, "rows with colours: %t", colour)
	}
}
