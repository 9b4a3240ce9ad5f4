package printable

// Wrap divides a text into lines of at most n characters, n at least 1: at blanks where
// there are some.
func Wrap(text string, n int) (lines []string) {
	rest := []rune(text)
	for len(rest) > n {
		at := n
		for at > 0 && rest[at] != ' ' {
			at--
		}
		if at == 0 { // a word that is longer than the line
			lines, rest = append(lines, string(rest[:n])), rest[n:]
			continue
		}
		lines, rest = append(lines, string(rest[:at])), rest[at+1:]
	}
	return append(lines, string(rest))
}
