package words_test

import (
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
	} {
		check.Equal(t, words.Nearest(c.name, []string{"something else", c.other}), c.want, "%q", c.name)
	}
	check.Equal(t, words.Nearest("rad", []string{"redx", "red", "rod"}), "red", "the first of the nearest")
}
