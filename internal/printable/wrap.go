package printable

import "strings"

// Wrap divides a text into lines of at most n characters, n at least 1: at blanks where
// there are some. It breaks a word that is longer than the line after a semicolon, comma or
// bar if there is one, so that a SID of an SDDL entry stays whole if it fits into a line.
func Wrap(text string, n int) (lines []string) {
	rest := []rune(text)
	for len(rest) > n {
		at := n
		for at > 0 && rest[at] != ' ' {
			at--
		}
		if at == 0 { // a word that is longer than the line
			at = inWord(rest, n)
			lines, rest = append(lines, string(rest[:at])), rest[at:]
			continue
		}
		lines, rest = append(lines, string(rest[:at])), rest[at+1:]
	}
	return append(lines, string(rest))
}

// inWord returns the last place among the first n characters of a word where it may break, n if there is none.
func inWord(word []rune, n int) int {
	for at := n; at > 0; at-- {
		if strings.ContainsRune(breaks, word[at-1]) {
			return at
		}
	}
	return n
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
