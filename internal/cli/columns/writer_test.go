package columns_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/refmon/refmon/internal/cli/columns"
	"github.com/refmon/refmon/internal/test/check"
)

// output returns what a writer prints for rows.
func output(t *testing.T, o columns.Options, rows ...[]byte) string {
	t.Helper()
	var out strings.Builder
	w := columns.New(&out, o)
	for _, row := range rows {
		check.Equal(t, check.Must(w.Write(row)), len(row), "bytes of a row that were written")
	}
	check.NoError(t, w.Flush())
	return out.String()
}

// cellRow returns a row of plain cells.
func cellRow(texts ...string) (row []byte) {
	for _, text := range texts {
		row = columns.Cell(row, columns.Plain, text)
	}
	return columns.End(row)
}

// table prints rows whose cells are separated by bars.
func table(t *testing.T, o columns.Options, rows ...string) string {
	t.Helper()
	var out [][]byte
	for _, r := range rows {
		out = append(out, cellRow(strings.Split(r, "|")...))
	}
	return output(t, o, out...)
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
	for _, width := range []int{0, 80} {
		o := columns.Options{Width: width}
		check.Equal(t, table(t, o, "PATH|RIGHT|WHO", "/a|read|x", "/bb|é|", "/ééééééééééé|read|y z"),
			"PATH          RIGHT  WHO\n/a            read   x\n/bb           é\n/ééééééééééé  read   y z\n", "table")
		check.Equal(t, table(t, o, "a||b", "cc||d", "e"), "a     b\ncc    d\ne\n", "table with an empty column")
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
	check.Equal(t, got, want, "table in 30 columns")
}

// TestLastColumnWrapsBeforeOthersShrink checks that no cell is shortened where it is enough that the last one continues
// below; it keeps 24 columns (U-101).
func TestLastColumnWrapsBeforeOthersShrink(t *testing.T) {
	const path, through = "CN=Domain Admins,CN=Users,DC=corp", "owner Domain Admins, DACL 2 Domain Admins"
	check.Equal(t, table(t, columns.Options{Width: 33 + 2 + 24}, path+"|"+through),
		path+"  owner Domain Admins,\n"+strings.Repeat(" ", 35)+"DACL 2 Domain Admins\n", "24 columns are left")
	got := table(t, columns.Options{Width: 33 + 2 + 23}, path+"|"+through)
	check.That(t, strings.Contains(got, "…"), "23 columns are left: %s, want a shortened path", got)
}

// TestLastColumnKeepsQuarterOfWideTerminal checks that the last column wraps only if it keeps a quarter of the width.
// Otherwise the widest column is shortened (U-101).
func TestLastColumnKeepsQuarterOfWideTerminal(t *testing.T) {
	o := columns.Options{Width: 120 + 2} // two for the gap
	path, cause := strings.Repeat("p", 90), strings.Repeat("0123456789", 4)
	check.Equal(t, table(t, o, path+"|"+cause), path+"  "+cause[:30]+"\n"+strings.Repeat(" ", 92)+cause[30:]+"\n",
		"30 of 120 columns are left")
	check.Equal(t, table(t, o, path+"p|"+cause), path[:40]+"…"+path[:39]+"  "+cause+"\n",
		"29 of 120 columns are left")
}

// At every width no line is wider than the terminal, and if columns were shortened the row fills it, except where it
// cannot (U-101).
func TestRowsFitEveryWidth(t *testing.T) {
	cell := strings.Repeat("0123456789", 10)
	for n := 2; n <= 5; n++ {
		for width := 10 * n; width < 10*n+13; width++ {
			row := strings.TrimSuffix(strings.Repeat(cell+"|", n), "|")
			lines := strings.Split(table(t, columns.Options{Width: width}, row), "\n")
			check.Equal(t, utf8.RuneCountInString(lines[0]), width, "width of a row of %d columns", n)
			for _, line := range lines {
				check.That(t, utf8.RuneCountInString(line) <= width, "%q is wider than %d columns", line, width)
			}
		}
	}
}

// TestFirstThousandRowsAreMeasured checks that a thousand rows are measured, and that later rows are written as they
// come, however they are split: wider ones, longer ones, and one without cells.
func TestFirstThousandRowsAreMeasured(t *testing.T) {
	var out strings.Builder
	w := columns.New(&out, columns.Options{})
	row := cellRow("a", "b")
	check.Must(w.Write(bytes.Repeat(row, 999)))
	check.Equal(t, out.String(), "", "rows before they were measured")
	for i := range row {
		check.Must(w.Write(row[i : i+1]))
	}
	check.Equal(t, out.String(), strings.Repeat("a  b\n", 1000), "measured rows")
	out.Reset()
	check.Must(w.Write(append(cellRow("a wide one", "b"), cellRow("a", "b", "c", "d")...)))
	check.Must(w.Write([]byte("\n\x1f\x00x\x1f\n")))
	check.NoError(t, w.Flush())
	check.Equal(t, out.String(), "a wide one  b\na  b  c  d\n\nx\n", "later rows")
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
		// no half of a wide character, and no mark without its letter
		{"日本", 4, "日本"}, {"日本語", 5, "日…語"}, {"日本語", 4, "日…"}, {"日本語", 3, "…"}, {"日本語a", 4, "日…a"},
		{"日本語", 1, "…"}, {"ae\u0301o\u0308u\u0308", 3, "a…u\u0308"}, {"e\u0301u\u0308", 2, "e\u0301u\u0308"},
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
		got := output(t, columns.Options{Width: width}, rows)
		check.That(t, strings.Count(got, "\n") >= bytes.Count(rows, []byte("\n")), "a row is missing in %q", got)
	})
}

// A SID is neither shortened nor broken where the terminal has room for it: its column keeps its width, and a last
// cell that does not fit goes below the row (U-123).
func TestSIDColumnsAreNotShortened(t *testing.T) {
	const who = "S-1-5-21-1234567890-1234567890-1234567890-1107"
	const entry = "(OA;;CR;00299570-246d-11d0-a768-00aa006e0529;;"
	const want = "%-46s  PATH             CAUSE\n" +
		who + "  /srv/pr…ng/path\n  entry added:\n  " + entry + "\n  " + who + ") Staff\n" +
		"%-46s  /srv             none\n"
	got := table(t, columns.Options{Width: 80}, "PRINCIPAL|PATH|CAUSE",
		who+"|/srv/projects/a/rather/long/path|entry added: "+entry+who+") Staff", "alice|/srv|none")
	check.Equal(t, got, fmt.Sprintf(want, "PRINCIPAL", "alice"), "table in 80 columns")
	const short, long = "S-1-5-21-1-2-3-1107", "abcdefghijklmnopqrst"
	const row, indent = short + "|ab|" + long + "|0123456789", "                                   "
	for _, c := range []struct {
		row   string
		width int
		want  string
	}{
		{row, 57, short + "  ab  " + long + "  0123456789"},
		{row, 56, short + "  ab  abcdefghi…lmnopqrst  0123456789"},
		{row, 43, short + "  ab  abcd…rst  01234567\n" + indent + "89"},
		{row, 42, "S-1-5-…-1107  ab  abcdef…pqrst  0123456789"},
		{"S-1-1-0|" + short + "|" + long + "|0123456789", 47, "S-1-1-0  S-1-5-…-1107  abcdef…pqrst  0123456789"},
		{"ab|" + short + "|" + long + "|0123456789", 43, "ab  " + short + "  abcd…rst  01234567\n" + indent + "89"},
		// The last cell goes below only where that line has room for the SID.
		{"abcdefghij|" + short, 31, "abcdefghij  " + short},
		{"abcdefghij|" + short, 30, "abcdefghij\n  " + short},
		{"abcdefghij|" + short, 21, "abcdefghij\n  " + short},
		{"abcdefghij|" + short, 20, "abcd…ghij  S-1-5-21-\n           1-2-3-110\n           7"},
	} {
		got := table(t, columns.Options{Width: c.width}, c.row)
		check.Equal(t, got, c.want+"\n", "%s in %d columns", c.row, c.width)
	}
	// Another cell of the column is no reason for more width than a SID needs, unless no cell is shortened (U-101).
	for width, want := range map[int]string{31: "abcdefghi…rstuvwxyz", 38: long + "uvwxyz"} {
		got := table(t, columns.Options{Width: width}, short+"|0123456789", long+"uvwxyz|0123456789")
		check.That(t, strings.HasSuffix(got, "\n"+want+"  0123456789\n"), "a name and a SID in %d columns:\n%s", width, got)
	}
	check.Equal(t, table(t, columns.Options{Width: 26 + 2 + 24}, short+"|x", long+"uvwxyz|owner Domain Admins, DACL 2"),
		short+strings.Repeat(" ", 9)+"x\n"+long+"uvwxyz  owner Domain Admins,\n"+strings.Repeat(" ", 28)+"DACL 2\n",
		"long name in a column of SIDs before a long last cell")
}
