package printable

import (
	"unicode"
	"unicode/utf8"
)

// Width returns the number of terminal columns of a text: two for an East Asian wide or fullwidth character, none for
// a combining mark or an invisible one, one for any other. A sequence that a terminal joins to one picture, such as a
// flag, counts as its parts.
func Width(text string) int {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			n := i
			for _, r := range text[i:] {
				n += columns(r)
			}
			return n
		}
	}
	return len(text)
}

// Prefix returns the number of bytes of the longest beginning of a text that has at most n columns. It ends neither
// within a character nor before a mark that belongs to the last one.
func Prefix(text string, n int) int {
	for i, r := range text {
		w := columns(r)
		if w > n {
			return i
		}
		n -= w
	}
	return len(text)
}

// columns returns the number of columns of a character.
func columns(r rune) int {
	switch {
	case r < 0x300, 0x370 <= r && r < 0x483: // Latin, Greek and Cyrillic, which are common
		return 1
	case 0x3041 <= r && r < 0x3097, 0x30A0 <= r && r < 0x3100, 0x3400 <= r && r < 0xA000,
		0xAC00 <= r && r < 0xD7A4: // Hiragana, Katakana, Han and Hangul, which are common
		return 2
	case 0x1160 <= r && r <= 0x11FF, 0xD7B0 <= r && r <= 0xD7FF: // they join the first consonant of their syllable
		return 0
	case unicode.Is(wide, r) && !unicode.Is(unicode.Mn, r):
		return 2
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r):
		return 0 // a prepended mark is of class Cf, but visible
	}
	return 1
}

// wide has the characters of the classes W and F of Unicode's EastAsianWidth.txt. Its ranges include
// unassigned characters between them.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x1100, 0x115F, 1}, {0x231A, 0x231B, 1}, {0x2329, 0x232A, 1}, {0x23E9, 0x23EC, 1}, {0x23F0, 0x23F3, 3},
		{0x25FD, 0x25FE, 1}, {0x2614, 0x2615, 1}, {0x2648, 0x2653, 1}, {0x267F, 0x267F, 1}, {0x2693, 0x2693, 1},
		{0x26A1, 0x26A1, 1}, {0x26AA, 0x26AB, 1}, {0x26BD, 0x26BE, 1}, {0x26C4, 0x26C5, 1}, {0x26CE, 0x26CE, 1},
		{0x26D4, 0x26D4, 1}, {0x26EA, 0x26EA, 1}, {0x26F2, 0x26F3, 1}, {0x26F5, 0x26F5, 1}, {0x26FA, 0x26FD, 3},
		{0x2705, 0x2705, 1}, {0x270A, 0x270B, 1}, {0x2728, 0x2728, 1}, {0x274C, 0x274E, 2}, {0x2753, 0x2755, 1},
		{0x2757, 0x2757, 1}, {0x2795, 0x2797, 1}, {0x27B0, 0x27BF, 15}, {0x2B1B, 0x2B1C, 1}, {0x2B50, 0x2B55, 5},
		{0x2E80, 0x303E, 1}, {0x3041, 0x3247, 1}, {0x3250, 0xA4C6, 1}, {0xA960, 0xA97C, 1},
		{0xAC00, 0xD7A3, 1}, {0xF900, 0xFAFF, 1}, {0xFE10, 0xFE19, 1}, {0xFE30, 0xFE6B, 1}, {0xFF01, 0xFF60, 1},
		{0xFFE0, 0xFFE6, 1},
	},
	R32: []unicode.Range32{
		{0x16FE0, 0x16FF1, 1}, {0x17000, 0x18D08, 1}, {0x1AFF0, 0x1B2FB, 1}, {0x1F004, 0x1F004, 1},
		{0x1F0CF, 0x1F0CF, 1}, {0x1F18E, 0x1F18E, 1}, {0x1F191, 0x1F19A, 1}, {0x1F200, 0x1F320, 1},
		{0x1F32D, 0x1F335, 1}, {0x1F337, 0x1F37C, 1}, {0x1F37E, 0x1F393, 1}, {0x1F3A0, 0x1F3CA, 1},
		{0x1F3CF, 0x1F3D3, 1}, {0x1F3E0, 0x1F3F0, 1}, {0x1F3F4, 0x1F3F4, 1}, {0x1F3F8, 0x1F43E, 1},
		{0x1F440, 0x1F440, 1}, {0x1F442, 0x1F4FC, 1}, {0x1F4FF, 0x1F53D, 1}, {0x1F54B, 0x1F54E, 1},
		{0x1F550, 0x1F567, 1}, {0x1F57A, 0x1F57A, 1}, {0x1F595, 0x1F596, 1}, {0x1F5A4, 0x1F5A4, 1},
		{0x1F5FB, 0x1F64F, 1}, {0x1F680, 0x1F6C5, 1}, {0x1F6CC, 0x1F6CC, 1}, {0x1F6D0, 0x1F6D2, 1},
		{0x1F6D5, 0x1F6DF, 1}, {0x1F6EB, 0x1F6EC, 1}, {0x1F6F4, 0x1F6FC, 1}, {0x1F7E0, 0x1F7F0, 1},
		{0x1F90C, 0x1F93A, 1}, {0x1F93C, 0x1F945, 1}, {0x1F947, 0x1F9FF, 1}, {0x1FA70, 0x1FAF8, 1},
		{0x20000, 0x3FFFD, 1},
	},
}
