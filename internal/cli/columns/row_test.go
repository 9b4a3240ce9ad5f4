package columns_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/columns"
	"github.com/refmon/refmon/internal/test/check"
)

// The colour of a cell covers its text but not its padding.
func TestColourCoversTextOnly(t *testing.T) {
	var out strings.Builder
	w := columns.New(&out, columns.Options{Colour: true})
	rows := columns.Heading("A", "B")
	rows = columns.End(columns.Cell(columns.Cell(rows, columns.Bad, "no"), columns.Good, "yes\x1b[0m\x1f\x02x"))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	check.NoError(t, w.Flush())
	const want = "\x1b[1mA\x1b[0m   \x1b[1mB\x1b[0m\n\x1b[31mno\x1b[0m  \x1b[32myes\ufffd[0m\ufffd\ufffdx\x1b[0m\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

// Each style has its colour. A cell without text or style has none.
func TestEachStyleHasItsColour(t *testing.T) {
	styles := []columns.Style{columns.Plain, columns.Good, columns.Bad, columns.Strong, columns.Style(9)}
	for _, colour := range []bool{true, false} {
		want := "a  \x1b[32ma\x1b[0m  \x1b[31ma\x1b[0m  \x1b[1ma\x1b[0m  a\n"
		if !colour {
			want = "a  a  a  a  a\n"
		}
		want += strings.Repeat(" ", 12) + "x\n"
		var out counted
		w := columns.New(&out, columns.Options{Colour: colour})
		for _, text := range []string{"a", ""} {
			var row []byte
			for i, s := range styles {
				if text == "" && i == len(styles)-1 {
					text = "x"
				}
				row = columns.Cell(row, s, text)
			}
			if _, err := w.Write(columns.End(row)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil || out.String() != want {
			t.Errorf("colour %t: %q, want %q (%v)", colour, out.String(), want, err)
		}
	}
	// A row with more cells than the measured ones, and one without cells.
	var out counted
	w := columns.New(&out, columns.Options{})
	for range 1000 {
		if _, err := w.Write(cellRow("ab", "c")); err != nil {
			t.Fatal(err)
		}
	}
	out.Reset()
	for _, row := range [][]byte{cellRow("a", "b", "c", "d"), []byte("\n"), []byte("\x1f\x00x\x1f\n")} {
		if _, err := w.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil || out.String() != "a   b  c  d\n\nx\n" {
		t.Errorf("output = %q, %v, want the aligned rows", out.String(), err)
	}
}
