package columns_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/columns"
	"github.com/refmon/refmon/internal/test/check"
)

// counted is a writer that counts calls and fails on request.
type counted struct {
	strings.Builder
	calls int
	fail  error
}

func (c *counted) Write(b []byte) (int, error) {
	c.calls++
	if c.fail != nil {
		return 0, c.fail
	}
	return c.Builder.Write(b)
}

func (c *counted) WriteString(s string) (int, error) { return c.Write([]byte(s)) }

// The first thousand rows, or mebibyte, are measured. Later rows are written 64 at a time. Flush writes the rest, and
// nothing if there is none (U-100).
func TestRowsAreWrittenInBlocks(t *testing.T) {
	for _, c := range []struct {
		size, rows int // of the first that are written
	}{{1, 1000}, {1<<18 - 2, 4}, {1<<18 - 3, 5}, {1<<20 - 2, 1}, {1<<20 - 3, 2}} {
		var out counted
		w := columns.New(&out, columns.Options{})
		row := cellRow(strings.Repeat("x", c.size)) // with its style and its end it takes two bytes more
		for i := 1; i <= c.rows; i++ {
			check.Must(w.Write(row))
			check.That(t, (out.calls > 0) == (i == c.rows),
				"rows of %d bytes: %d writes after row %d, want the first after row %d", c.size, out.calls, i, c.rows)
		}
		for i := 1; i <= 130; i++ {
			check.Must(w.Write(cellRow("x")))
			check.Equal(t, out.calls, 1+i/64, "writes after %d more rows", i)
		}
		for range 2 {
			check.NoError(t, w.Flush())
			check.Equal(t, out.calls, 4, "writes after a flush")
		}
	}
	var out counted
	check.NoError(t, columns.New(&out, columns.Options{Width: 20}).Flush())
	check.Equal(t, out.calls, 0, "writes without rows")
}

// TestWriteErrorIsReturnedForItsRow checks that a writer's error is returned for the row that was written with it.
func TestWriteErrorIsReturnedForItsRow(t *testing.T) {
	broken := errors.New("broken")
	w := columns.New(&counted{fail: broken}, columns.Options{})
	if n, err := w.Write(cellRow(strings.Repeat("x", 1<<20))); n != 0 || !errors.Is(err, broken) {
		t.Errorf("%d, %v, want 0, %v", n, err, broken)
	}
	w = columns.New(&counted{fail: broken}, columns.Options{})
	if n, err := w.Write(cellRow("x")); n != 4 || err != nil {
		t.Errorf("%d, %v, want 4, nil", n, err)
	}
	if err := w.Flush(); !errors.Is(err, broken) {
		t.Errorf("%v, want %v", err, broken)
	}
}

// TestRemainderGoesToFirstColumns checks that, if the width does not divide evenly, the first shortened columns get
// the remainder, and that a row that just fits is not cut (U-101).
func TestRemainderGoesToFirstColumns(t *testing.T) {
	const long, most, less = "abcdefghijklmnopqrst", "abcdef…pqrst", "abcde…pqrst"
	const row, whole = long + "|" + long + "|" + long + "|x", long + "  " + long + "  " + long + "  x"
	for width, want := range map[int]string{
		40: less + "  " + less + "  " + less + "  x", 41: most + "  " + less + "  " + less + "  x",
		42: most + "  " + most + "  " + less + "  x", 43: most + "  " + most + "  " + most + "  x",
		67: whole, 80: whole, 66: long + "  " + long + "  abcdefghi…lmnopqrst  x",
	} {
		check.Equal(t, table(t, columns.Options{Width: width}, row), want+"\n", "%d columns", width)
	}
	// No cell is shortened to less than eight columns. The last one is not wrapped if it has less room than that.
	check.Equal(t, table(t, columns.Options{Width: 10}, long+"|"+long+"|0123456789"),
		"abcd…rst  abcd…rst  0123456789\n", "10 columns")
	for width, want := range map[int]string{18: "12345678  abcdefgh\n          ij\n", 17: "12345678  abcdefghij\n"} {
		check.Equal(t, table(t, columns.Options{Width: width}, "12345678|abcdefghij"), want, "%d columns", width)
	}
}
