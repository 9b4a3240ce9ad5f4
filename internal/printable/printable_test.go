package printable_test

import (
	"testing"
	"unicode/utf8"

	"github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/internal/test/check"
)

// TestReplacesControlCharacters checks the boundaries of each range in the package comment.
func TestReplacesControlCharacters(t *testing.T) {
	for _, c := range []struct {
		from, to rune
		replaced bool
	}{
		{0, 0x1F, true}, {0x20, 0x7E, false}, {0x7F, 0x9F, true}, {0xA0, 0x61B, false}, {0x61C, 0x61C, true},
		{0x61D, 0x200D, false}, {0x200E, 0x200F, true}, {0x2010, 0x2027, false}, {0x2028, 0x202E, true},
		{0x202F, 0x2065, false}, {0x2066, 0x2069, true}, {0x206A, 0xD7FF, false}, {0x1F600, 0x1F64F, false},
	} {
		for r := c.from; r <= c.to; r++ {
			want := "a" + string(r) + "b"
			if c.replaced {
				want = "a\uFFFDb"
			}
			check.Equal(t, printable.Line("a"+string(r)+"b"), want, "Line with %U", r)
			if r == '\n' {
				want = "a\nb"
			}
			check.Equal(t, printable.Text("a"+string(r)+"b"), want, "Text with %U", r)
		}
	}
	got := printable.Line("\x9b31m\xff")
	check.That(t, utf8.ValidString(got), "bytes that are not UTF-8: %q", got)
}
