package printable

import "strings"

// Wrap divides a text into lines of at most n columns, n at least 1: at blanks where
// there are some. It breaks a word that is longer than the line after a semicolon, comma or
// bar if there is one, so that a SID of an SDDL entry stays whole if it fits into a line.
// A wide character has a line of its own if n is 1.
func Wrap(text string, n int) (lines []string) {
	for {
		end := Prefix(text, n)
		if end == 0 {
			end = Prefix(text, 2)
		}
		if end == len(text) {
			return append(lines, text)
		}
		at := strings.LastIndexByte(text[:end+1], ' ')
		if at > 0 {
			lines, text = append(lines, text[:at]), text[at+1:]
			continue
		}
		if at = strings.LastIndexAny(text[:end], breaks) + 1; at == 0 { // a word that is longer than the line
			at = end
		}
		lines, text = append(lines, text[:at]), text[at:]
	}
}

// breaks are the characters after which a long word may break.
const breaks = ";,|"

// SIDWidth returns the number of characters that a line needs for the longest SID in a text, with the bracket that
// closes its SDDL entry; 0 without a SID.
func SIDWidth(text string) (n int) {
	for {
		at := strings.Index(text, "S-1-")
		if at < 0 {
			return n
		}
		text = text[at:]
		size := strings.IndexFunc(text[1:], func(r rune) bool { return r != '-' && (r < '0' || r > '9') }) + 1
		if size == 0 {
			size = len(text)
		} else if text[size] == ')' {
			size++
		}
		n = max(n, size)
		text = text[size:]
	}
}
