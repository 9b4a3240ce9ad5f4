package words_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
)

// A wrong, missing or additional byte is one edit. A name may have half as many edits as bytes, and three at most.
func TestNearestCountsEdits(t *testing.T) {
	for _, c := range []struct{ name, other, want string }{
		{"rxd", "red", "red"}, {"rd", "red", "red"}, {"redx", "red", "red"}, {"RED", "red", "red"}, {"red", "Red", "Red"},
		{"rxx", "red", ""}, {"r", "red", ""}, {"x", "r", ""}, {"", "red", ""},
		{"abcxyz", "abcdef", "abcdef"}, {"abcxyzw", "abcdef", ""}, {"abwxyz", "abcdef", ""},
		{"abcdefxxx", "abcdef", "abcdef"}, {"abcdefxxxx", "abcdef", ""}, {"abcdef", "abcdefghi", "abcdefghi"},
		{"abcdef", "abcdefghij", ""},
		{strings.Repeat("x", 32<<20), "abcdef", ""}, // must be fast, because a collector's file may have such a name
	} {
		check.Equal(t, words.Nearest(c.name, []string{"something else", c.other}), c.want, "%.20q", c.name)
	}
	check.Equal(t, words.Nearest("rad", []string{"redx", "red", "rod"}), "red", "the first of the nearest")
}
