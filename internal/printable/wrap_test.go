package printable_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/internal/test/check"
)

// Lines break at blanks if there are some, and only those blanks are removed.
func TestWrapBreaksAtBlanks(t *testing.T) {
	for _, c := range []struct {
		text string
		n    int
		want []string
	}{
		{"", 3, []string{""}}, {"abc", 3, []string{"abc"}}, {"ab cd ef", 5, []string{"ab cd", "ef"}},
		{"ab cd ef", 4, []string{"ab", "cd", "ef"}}, {"abcdefg h", 3, []string{"abc", "def", "g h"}},
		{"(A;;FR;;;S-1-5-18) x", 10, []string{"(A;;FR;;;", "S-1-5-18)", "x"}}, {"ab|cd,ef", 4, []string{"ab|", "cd,", "ef"}},
		{"äö üß", 2, []string{"äö", "üß"}}, {" a", 1, []string{" ", "a"}},
		{"|S-1-5-18", 8, []string{"|", "S-1-5-18"}}, {"a;c;efg", 4, []string{"a;c;", "efg"}},
		{"日本 語x", 5, []string{"日本", "語x"}}, {"日本語", 5, []string{"日本", "語"}}, {"日本", 1, []string{"日", "本"}},
		{"日,本", 4, []string{"日,", "本"}}, {"e\u0301o\u0308u", 2, []string{"e\u0301o\u0308", "u"}},
	} {
		got := printable.Wrap(c.text, c.n)
		check.That(t, slices.Equal(got, c.want), "%q at %d: %q, want %q", c.text, c.n, got, c.want)
	}
}

// TestSIDWidthIsLongestSID checks that the longest SID of a text counts, with a closing bracket.
func TestSIDWidthIsLongestSID(t *testing.T) {
	for text, want := range map[string]int{"": 0, "ab cde": 0, "(A;;FR;;;S-1-5-18) x": 9, "S-1-1-0": 7,
		"S-1-1-0 S-1-5-18,": 8, "S-1-5-18 x": 8, "S-1-5-18 S-1-1-0": 8,
		"S-1-": 4, "S-2-1 S-": 0, "äS-1-1-0ä": 7} {
		check.Equal(t, printable.SIDWidth(text), want, "%q", text)
	}
}
