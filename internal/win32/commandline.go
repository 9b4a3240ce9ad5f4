package win32

import "strings"

// Arguments splits a command line as CommandLineToArgvW does: the program's name is
// the first word, or all between the quotes that it begins with. Of the others,
// quotes hold words together; 2n backslashes and a quote are n backslashes and a
// quote that does so, 2n+1 and a quote are n and a quote of the text; other
// backslashes are text. A blank line has no arguments. O-165
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

// argument returns the first word of a line, and what follows it.
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
