package terminal

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// columns is the width of the terminal that every help page must fit.
const columns = 80

var (
	// listed matches the list of commands on a help page, and command matches the name in one row of it.
	listed  = regexp.MustCompile(`(?s)\nCommands:\n(.*?)(\nRun "|$)`)
	command = regexp.MustCompile(`(?m)^  ([a-z][a-z-]*(?: [a-z][a-z-]*)*)(?:  | <| \[|$)`)
	// unnamed matches a flag whose value has no name but that of its Go type, or an empty one.
	unnamed = regexp.MustCompile(`--[a-z-]+=(STRING|U?INT(-\d+)?|DURATION|BOOL|"")`)
)

// CheckHelp checks the help page of a program and, recursively, of each command that a page lists. run runs the program
// with arguments and returns what it prints to a pipe. It is an error if the program lists no commands.
func CheckHelp(t *testing.T, program string, run func(args ...string) string) {
	t.Helper()
	t.Setenv("COLUMNS", "80")
	seen := map[string]bool{}
	var visit func(path []string)
	visit = func(path []string) {
		name := strings.Join(append([]string{program}, path...), " ")
		if seen[name] {
			return
		}
		seen[name] = true
		page := run(append(path[:len(path):len(path)], "--help")...)
		if want := "Usage: " + name; !strings.HasPrefix(page, want) {
			t.Errorf("%s --help begins with %.40q, want %q", name, page, want)
		}
		CheckPage(t, name+" --help", page)
		list := listed.FindStringSubmatch(page)
		if list == nil {
			return
		}
		for _, row := range command.FindAllStringSubmatch(list[1], -1) {
			visit(strings.Fields(row[1])) // a page lists commands with those that they belong to
		}
	}
	visit(nil)
	if len(seen) < 2 {
		t.Errorf("%s --help lists no commands, want some", program)
	}
}

// CheckPage checks that a help page fits a terminal of 80 columns, holds no control codes, and names the value of each
// flag. The first line, which shows how to use the command, may be longer, because the parser does not break it.
func CheckPage(t *testing.T, name, page string) {
	t.Helper()
	for i, line := range strings.Split(page, "\n") {
		if got := utf8.RuneCountInString(line); got > columns && i > 0 {
			t.Errorf("%s, line %d: got %d columns, want at most %d: %s", name, i+1, got, columns, line)
		}
		if strings.ContainsFunc(line, unicode.IsControl) {
			t.Errorf("%s, line %d: got a control code in %q, want none", name, i+1, line)
		}
	}
	for _, flag := range unnamed.FindAllString(page, -1) {
		t.Errorf("%s: got the flag %s, want a name of its value, such as FILE", name, flag)
	}
}
