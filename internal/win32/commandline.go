package win32

import "strings"

// Arguments splits a command line like CommandLineToArgvW. The program name is the first word, or the text in the
// quotes at the start. In the other words, quotes group text. Before a quote, 2n backslashes are n backslashes, and
// 2n+1 are n backslashes and a literal quote. Other backslashes are literal. A blank line has no arguments (O-165).
func Arguments(line string) []string {
	line = strings.TrimLeft(line, blanks)
	if line == "" {
		return nil
	}
	name := program("", line)
	rest := line[len(name):]
	if strings.HasPrefix(line, `"`) {
		_, rest, _ = strings.Cut(line[1:], `"`)
	}
	args := []string{name}
	for rest = strings.TrimLeft(rest, blanks); rest != ""; rest = strings.TrimLeft(rest, blanks) {
		var word string
		word, rest = argument(rest)
		args = append(args, word)
	}
	return args
}

const blanks = " \t"

// argument returns the first word of a command line without its quotes, and the rest of the line after it. An open
// quote runs to the end. Both are "" for "".
func argument(line string) (word, rest string) {
	var b strings.Builder
	for quoted := false; line != "" && (quoted || !strings.ContainsRune(blanks, rune(line[0]))); {
		n := len(line) - len(strings.TrimLeft(line, `\`))
		line = line[n:]
		if !strings.HasPrefix(line, `"`) {
			b.WriteString(strings.Repeat(`\`, n))
			if n == 0 {
				b.WriteByte(line[0])
				line = line[1:]
			}
			continue
		}
		b.WriteString(strings.Repeat(`\`, n/2))
		if n%2 == 1 {
			b.WriteByte('"')
		} else {
			quoted = !quoted
		}
		line = line[1:]
	}
	return b.String(), line
}
