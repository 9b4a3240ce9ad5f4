package batch

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/refmon/refmon/internal/test/check"
)

// TestShortenKeepsCharactersWhole checks that a cut never splits a UTF-8 character, at any alignment.
func TestShortenKeepsCharactersWhole(t *testing.T) {
	for pad := range 8 {
		text := strings.Repeat("x", pad) + strings.Repeat("€𝄞", 400)
		got := Shorten(text)
		head, tail, cut := strings.Cut(got, " … ")
		check.That(t, utf8.ValidString(got) && cut && strings.HasPrefix(text, head) && strings.HasSuffix(text, tail),
			"padding %d: %q, want whole characters from both ends", pad, got)
		check.That(t, len(head) >= 597 && len(head) <= 600 && len(tail) >= 297 && len(tail) <= 300,
			"padding %d: %d and %d bytes, want at most 3 fewer than 600 and 300", pad, len(head), len(tail))
	}
	for size, cut := range map[int]bool{900: false, 901: true} {
		text := strings.Repeat("x", size)
		check.Equal(t, Shorten(text) != text, cut, "a text of %d bytes is cut", size)
	}
	bad := Shorten(strings.Repeat("\x80", 2000))
	check.That(t, len(bad) >= 890, "invalid UTF-8: %d bytes, want as many as of valid text", len(bad))
}
