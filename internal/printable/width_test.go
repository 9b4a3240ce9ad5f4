package printable_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/internal/test/check"
)

// TestWidthIsThatOfTerminals checks the columns of characters. Wide (W) and Fullwidth (F) ones are those of Unicode's
// EastAsianWidth.txt; halfwidth (H), narrow, neutral and ambiguous ones take one column.
func TestWidthIsThatOfTerminals(t *testing.T) {
	for want, texts := range map[int][]string{
		// Mn, Me, Cf, and the vowels and final consonants of Hangul, which join the syllable before them
		0: {"", "\u0301", "\u20DD", "\u200B", "\u200D", "\uFEFF", "\uFE0F", "\u3099", "\u1161", "\u11A8", "\uD7CB",
			"\U000E0100"},
		// Na, N, A and H; the soft hyphen and the number sign of Arabic are visible
		1: {"a", "~", "\x00", "\u00AD", "é", "e\u0301", "…", "•", "\uFFFD", "\xff", "Ж", "א", "ไ", "\u0600", "\u02EA",
			"\u303F", "\uA4D0", "\uFF61", "\uFF71", "\uFFDC", "\uFFE8", "\u231C", "\u2604", "\U0001F16F", "\U0001F321",
			"\U0001F900"},
		// W and F
		2: {"\u1100", "\u115F", "\u231A", "\u26A1", "✅", "⭐", "\u2E80", "\u3000", "。", "\u303E", "あ", "ア", "ー", "ㄅ",
			"ㄱ", "㈱", "\u4DBF", "\u4DC0", "一", "\u9FFF", "\uA000", "\uA4C6", "\uA960", "가", "힣", "\uF900", "\uFE30", "\uFF01",
			"\uFF60", "\uFFE0", "\uFFE6", "\U00016FE0", "\U00017000", "\U0001B001", "\U0001F200", "\U0001F300", "\U0001F600",
			"\U0001F64F", "\U0001F680", "\U0001F90C", "\U0001F9FF", "\U0001FA70", "\U00020000", "\U0002FFFD", "\U00030000",
			"か\u3099", "\u1112\u1161\u11AB"},
		7: {"plan 会", "日本語x"},
	} {
		for _, text := range texts {
			check.Equal(t, printable.Width(text), want, "columns of %+q", text)
			check.Equal(t, printable.Width("ab"+text+text), 2+2*want, "columns of ab and two of %+q", text)
		}
	}
}

// TestPrefixKeepsCharactersWhole checks that a beginning has no part of a character, and all marks of its last one.
func TestPrefixKeepsCharactersWhole(t *testing.T) {
	for _, c := range []struct {
		text string
		n    int
		want string
	}{
		{"", 3, ""}, {"abc", 0, ""}, {"abc", 2, "ab"}, {"abc", 3, "abc"}, {"abc", 9, "abc"}, {"日本", 1, ""}, {"日本", 2, "日"},
		{"日本", 3, "日"}, {"日本", 4, "日本"}, {"a日本", 2, "a"}, {"e\u0301e\u0301", 1, "e\u0301"}, {"か\u3099か", 3, "か\u3099"},
	} {
		got := c.text[:printable.Prefix(c.text, c.n)]
		check.Equal(t, got, c.want, "%q in %d columns", c.text, c.n)
	}
}

// BenchmarkWidth measures the columns of the names in a table.
func BenchmarkWidth(b *testing.B) {
	for name, text := range map[string]string{"ASCII": "CORP\\alice, ", "Japanese": "日本語ユーザー会議室"} {
		b.Run(name, func(b *testing.B) {
			text := strings.Repeat(text, 8)
			for b.Loop() {
				printable.Width(text)
			}
		})
	}
}
