package printable_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/printable"
)

// TestWrap checks that lines break at blanks if there are some, and that only those blanks are removed.
func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text string
		n    int
		want []string
	}{
		{"", 3, []string{""}}, {"abc", 3, []string{"abc"}}, {"ab cd ef", 5, []string{"ab cd", "ef"}},
		{"ab cd ef", 4, []string{"ab", "cd", "ef"}}, {"abcdefg h", 3, []string{"abc", "def", "g h"}},
		{"äö üß", 2, []string{"äö", "üß"}}, {" a", 1, []string{" ", "a"}},
	} {
		if got := printable.Wrap(c.text, c.n); !slices.Equal(got, c.want) {
			t.Errorf("%q at %d: %q, want %q", c.text, c.n, got, c.want)
		}
	}
}
