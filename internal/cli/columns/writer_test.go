package columns_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/refmon/refmon/internal/cli/columns"
	"github.com/refmon/refmon/internal/test/check"
)

// table prints rows whose cells are separated by bars.
func table(t *testing.T, o columns.Options, rows ...string) string {
	t.Helper()
	var out strings.Builder
	w := columns.New(&out, o)
	for _, r := range rows {
		var row []byte
		for _, c := range strings.Split(r, "|") {
			row = columns.Cell(row, columns.Plain, c)
		}
		if _, err := w.Write(columns.End(row)); err != nil {
			t.Fatal(err)
		}
	}
	check.NoError(t, w.Flush())
	return out.String()
}

func ExampleWriter() {
	w := columns.New(os.Stdout, columns.Options{Width: 30})
	for _, path := range []string{"/srv/plan.docx", "/srv/a very long name of a file.docx"} {
		row := columns.Cell(nil, columns.Plain, path)
		row = columns.Cell(row, columns.Good, "0x00120089")
		if _, err := w.Write(columns.End(row)); err != nil {
			fmt.Println(err)
		}
	}
	if err := w.Flush(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// /srv/plan.docx      0x00120089
	// /srv/a ve…ile.docx  0x00120089
}

// TestColumnsFitTheirWidestCell checks that columns are as wide as their widest cell, and that no line ends in blanks
// (U-100).
func TestColumnsFitTheirWidestCell(t *testing.T) {
	got := table(t, columns.Options{}, "PATH|RIGHT|WHO", "/a|read|x", "/bb|é|", "/ccccccc|read|y z")
	const want = "PATH      RIGHT  WHO\n/a        read   x\n/bb       é\n/ccccccc  read   y z\n"
	check.That(t, got == want, "got\n%s\nwant\n%s", got, want)
	// An empty column is only the gap.
	if got, want := table(t, columns.Options{}, "a||b", "cc||d", "e"), "a     b\ncc    d\ne\n"; got != want {
		t.Errorf("an empty column:\n%s\nwant\n%s", got, want)
	}
}

// TestLongCellIsTruncatedInMiddle checks that no line is wider than the terminal: a long cell loses its middle, and the
// last cell continues on the next line (U-101).
func TestLongCellIsTruncatedInMiddle(t *testing.T) {
	got := table(t, columns.Options{Width: 30}, "PATH|R|WHO", "/srv/projects/plan.docx|r|alice, bob, carol, dora",
		"/srv/x|r|nobodyhasanamesolongasthis")
	// 30 columns minus two gaps are 26, of which R takes 1: 13 for the path, 12 for who.
	const want = "PATH           R  WHO\n" +
		"/srv/p…n.docx  r  alice, bob,\n                  carol, dora\n" +
		"/srv/x         r  nobodyhasana\n                  mesolongasth\n                  is\n"
	check.That(t, got == want, "got\n%s\nwant\n%s", got, want)
	for line := range strings.Lines(got) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 30 {
			t.Errorf("%d columns: %q, want at most 30", n, line)
		}
	}
}

// TestLastColumnWrapsBeforeOthersShrink checks that no cell is shortened where it is enough that the last one continues
// below; it keeps 24 columns (U-101).
func TestLastColumnWrapsBeforeOthersShrink(t *testing.T) {
	const path, through = "CN=Domain Admins,CN=Users,DC=corp", "owner Domain Admins, DACL 2 Domain Admins"
	got := table(t, columns.Options{Width: 33 + 2 + 24}, path+"|"+through)
	if want := path + "  owner Domain Admins,\n" + strings.Repeat(" ", 35) + "DACL 2 Domain Admins\n"; got != want {
		t.Errorf("U-101: 24 columns are left:\n%swant\n%s", got, want)
	}
	if got := table(t, columns.Options{Width: 33 + 2 + 23}, path+"|"+through); !strings.Contains(got, "…") {
		t.Errorf("U-101: 23 columns are left:\n%swant a shortened path", got)
	}
}

// TestLastColumnKeepsQuarterOfWideTerminal checks that the last column wraps only if it keeps a quarter of the width.
// Otherwise the widest column is shortened (U-101).
func TestLastColumnKeepsQuarterOfWideTerminal(t *testing.T) {
	o := columns.Options{Width: 120 + 2} // two for the gap
	path, cause := strings.Repeat("p", 90), strings.Repeat("0123456789", 4)
	check.Equal(t, table(t, o, path+"|"+cause), path+"  "+cause[:30]+"\n"+strings.Repeat(" ", 92)+cause[30:]+"\n",
		"30 of 120 columns are left")
	check.Equal(t, table(t, o, path+"p|"+cause), path[:40]+"…"+path[:39]+"  "+cause+"\n", "29 of 120 columns are left")
}

// At every width no line is wider than the terminal, and if columns were shortened the row fills it, except where it
// cannot (U-101).
func TestRowsFitEveryWidth(t *testing.T) {
	cell := strings.Repeat("0123456789", 10)
	for n := 2; n <= 5; n++ {
		for width := 10 * n; width < 10*n+13; width++ {
			row := strings.TrimSuffix(strings.Repeat(cell+"|", n), "|")
			first := ""
			for line := range strings.Lines(table(t, columns.Options{Width: width}, row)) {
				line = strings.TrimSuffix(line, "\n")
				if first == "" {
					first = line
				}
				if got := utf8.RuneCountInString(line); got > width {
					t.Errorf("%d columns on a terminal of %d: %d wide: %q, want at most %d", n, width, got, line,
						width)
				}
			}
			if got := utf8.RuneCountInString(first); got != width {
				t.Errorf("%d columns on a terminal of %d: the row is %d wide: %q, want %d", n, width, got, first,
					width)
			}
		}
	}
}

// TestFirstThousandRowsAreMeasured checks that a thousand rows are measured, and that later rows are written as they
// come, however they are split.
func TestFirstThousandRowsAreMeasured(t *testing.T) {
	var out strings.Builder
	w := columns.New(&out, columns.Options{})
	row := columns.End(columns.Cell(columns.Cell(nil, columns.Plain, "a"), columns.Plain, "b"))
	for range 999 {
		if _, err := w.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	check.That(t, out.Len() <= 0, "rows were written before they were measured, want none")
	wide := columns.End(columns.Cell(columns.Cell(nil, columns.Plain, "a wide one"), columns.Plain, "b"))
	for i := range row {
		if _, err := w.Write(row[i : i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := out.String(), strings.Repeat("a  b\n", 1000); got != want {
		t.Errorf("%d bytes, want %d", len(got), len(want))
	}
	out.Reset()
	if _, err := w.Write(wide); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil || out.String() != "a wide one  b\n" {
		t.Errorf("output = %q, %v, want one aligned row", out.String(), err)
	}
}

// TestCutCellKeepsBothEnds checks that both ends of a cut cell remain.
func TestCutCellKeepsBothEnds(t *testing.T) {
	for _, c := range []struct {
		text string
		n    int
		want string
	}{
		{"short", 5, "short"}, {"/srv/plan", 5, "/s…an"}, {"/srv/plan", 6, "/sr…an"}, {"äöüß", 3, "ä…ß"},
		{"ab", 1, "…"}, {"ab", 0, "ab"}, {"", 3, ""},
	} {
		check.Equal(t, columns.Cut(c.text, c.n), c.want, "%q to %d", c.text, c.n)
	}
}

// FuzzRows checks that any bytes are written as rows within the width, and that no control character reaches the
// terminal.
func FuzzRows(f *testing.F) {
	f.Add([]byte("\x00a\x1f\x01b\x1f\n\x00\x1f\n"), 20)
	f.Add([]byte("\x09\x1f\x1f\n"), 1)
	f.Fuzz(func(t *testing.T, rows []byte, width int) {
		if width < 0 || width > 500 {
			return
		}
		var out strings.Builder
		w := columns.New(&out, columns.Options{Width: width})
		if _, err := w.Write(rows); err != nil {
			t.Fatal(err)
		}
		check.NoError(t, w.Flush())
		if got, want := strings.Count(out.String(), "\n"), strings.Count(string(rows), "\n"); got < want {
			t.Errorf("%d lines of %d rows, want at least %d", got, want, want)
		}
	})
}

// A SID is neither shortened nor broken where the terminal has room for it: its column keeps its width, and a last
// cell that does not fit goes below the row (U-123).
func TestSIDColumnsAreNotShortened(t *testing.T) {
	const who = "S-1-5-21-1234567890-1234567890-1234567890-1107"
	var out strings.Builder
	w := columns.New(&out, columns.Options{Width: 80})
	for _, row := range [][]string{{"PRINCIPAL", "PATH", "CAUSE"},
		{who, "/srv/projects/a/rather/long/path",
			"entry added: (OA;;CR;00299570-246d-11d0-a768-00aa006e0529;;" + who + ") Staff"},
		{"alice", "/srv", "none"}} {
		var line []byte
		for _, text := range row {
			line = columns.Cell(line, columns.Plain, text)
		}
		if _, err := w.Write(columns.End(line)); err != nil {
			t.Fatal(err)
		}
	}
	check.NoError(t, w.Flush())
	if n := strings.Count(out.String(), who); n != 2 {
		t.Errorf("U-123: %d whole SIDs, want 2:\n%s", n, out.String())
	}
	for line := range strings.Lines(out.String()) {
		if line = strings.TrimSuffix(line, "\n"); len([]rune(line)) > 80 || strings.TrimRight(line, " ") != line {
			t.Errorf("U-123: %d columns, or blanks at the end: %q", len(line), line)
		}
	}
}
