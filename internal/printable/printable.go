// Package printable makes untrusted text safe to print. It replaces characters that could control a terminal or
// reorder the displayed text by U+FFFD.
//
// Those are the control characters (U+0000 to U+001F, U+007F to U+009F), the
// line and paragraph separators (U+2028, U+2029), the bidirectional controls
// (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069), and bytes that
// are not UTF-8. A file called "report", U+202E,
// "cod.exe" is printed with a mark where the text would turn round.
//
//	fmt.Println(printable.Line(path))
package printable

import (
	"strings"
	"unicode/utf8"
)

// Line returns text with everything replaced that does not belong in one line of
// a table: control characters, separators, bidirectional controls, and bytes that
// are not UTF-8.
func Line(text string) string {
	return strings.Map(func(r rune) rune {
		if steers(r) {
			return utf8.RuneError
		}
		return r
	}, text)
}

// Text returns text of several lines with the same replaced, except for the ends
// of its lines.
func Text(text string) string {
	return strings.Map(func(r rune) rune {
		if steers(r) && r != '\n' {
			return utf8.RuneError
		}
		return r
	}, text)
}

// steers reports whether a character controls the terminal, ends a line, or sets
// the direction of writing.
func steers(r rune) bool {
	switch {
	case r < ' ', 0x7F <= r && r < 0xA0: // C0, DEL, C1
	case r == 0x061C, r == 0x200E, r == 0x200F: // ALM, LRM, RLM
	case 0x2028 <= r && r <= 0x202E, 0x2066 <= r && r <= 0x2069: // separators, embeddings, overrides, isolates
	default:
		return false
	}
	return true
}
