package main

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"strings"

	"golang.org/x/term"

	controls "github.com/refmon/refmon/internal/printable"
)

// wantColour reports whether f is a terminal and the user did not ask for plain
// text by NO_COLOR (https://no-color.org) or a dumb terminal.
func wantColour(f *os.File) bool {
	return isTerminal(f) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// isTerminal reports whether f is a character device.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// usualWidth is the assumed width of a terminal that does not report one.
const usualWidth = 80

// widthOf returns the width of a terminal in columns, usualWidth if the terminal does not report one, and 0 for a
// file, a pipe or a device such as /dev/null.
func widthOf(f *os.File) int {
	if !isTerminal(f) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	switch {
	case err != nil: // a device such as /dev/null
		return 0
	case width == 0:
		return usualWidth
	}
	return width
}

// Escape sequences for the terminal's own palette.
const (
	green = "\x1b[32m"
	red   = "\x1b[31m"
	bold  = "\x1b[1m"
	reset = "\x1b[0m"
)

// paint returns text in a colour, or unchanged if the output has no colours or text is empty.
func (s *streams) paint(colour, text string) string {
	if !s.colour || text == "" {
		return text
	}
	return colour + text + reset
}

// outcome returns text in green if granted, otherwise in red, in every command (U-114).
func (s *streams) outcome(granted bool, text string) string {
	if granted {
		return s.paint(green, text)
	}
	return s.paint(red, text)
}

// printable returns text of several lines with its control characters replaced, because text from a file or an argument
// could control the terminal.
func printable(text string) string { return controls.Text(text) }

// inLine returns a name, a path or another text of one line, safe to print like that of printable. It replaces line
// feeds too, because they would forge a line of the output.
func inLine(name string) string { return controls.Line(name) }

// folded returns a text as indented lines that fit the terminal, or as one line of a file or pipe.
func (s *streams) folded(text string, indent int) string {
	if s.width == 0 {
		return strings.Repeat(" ", indent) + text + "\n"
	}
	return wrapAt(text, indent, s.width)
}

// underRows fits the rows of a table to the terminal's width. Two blanks separate cells. If a row is too wide, its
// last cell moves below it, so that no SID or name is broken (U-123). A file or pipe gets the rows unchanged.
func (s *streams) underRows(rows string) string {
	if s.width == 0 {
		return rows
	}
	var b strings.Builder
	for row := range strings.Lines(rows) {
		row = strings.TrimRight(row, " \n")
		cut := strings.LastIndex(row, "  ")
		if controls.Width(row) <= s.width || cut <= 0 {
			b.WriteString(row + "\n")
			continue
		}
		b.WriteString(strings.TrimRight(row[:cut], " ") + "\n" + wrapAt(row[cut+2:], underIndent, s.width))
	}
	return b.String()
}

// underIndent is the column of a cell below its row.
const underIndent = 6

// wrapAt returns a text as lines of at most width columns, indented by two more columns after the first. A SID that has
// room in a line is not broken (U-123).
func wrapAt(text string, indent, width int) string {
	lines := controls.Wrap(text, max(width-indent-2, 1))
	blanks := strings.Repeat(" ", indent)
	return blanks + strings.Join(lines, "\n  "+blanks) + "\n"
}

// messages returns a writer that breaks lines for a terminal of a width, so that no SID is broken (U-123). A width of 0
// returns w. Each message is one call of Write.
func messages(w io.Writer, width int) io.Writer {
	if width == 0 {
		return w
	}
	return &messageWriter{w, width}
}

// messageWriter is the writer of messages.
type messageWriter struct {
	w     io.Writer
	width int // columns
}

// Write writes a message, with lines that are too long broken. It leaves lines that begin with a blank, and the whole
// text if it has a carriage return or an escape sequence, such as a progress bar. It returns len(b) unless the writer
// fails; then 0.
func (m *messageWriter) Write(b []byte) (int, error) {
	text := string(b)
	if strings.ContainsAny(text, "\r\x1b") {
		return m.w.Write(b)
	}
	var out strings.Builder
	for line := range strings.Lines(text) {
		body, ended := strings.CutSuffix(line, "\n")
		if controls.Width(body) <= m.width || strings.HasPrefix(body, " ") { // a caret is below its text
			out.WriteString(line)
			continue
		}
		body = wrapAt(body, 0, m.width)
		if !ended {
			body = strings.TrimSuffix(body, "\n")
		}
		out.WriteString(body)
	}
	if _, err := io.WriteString(m.w, out.String()); err != nil {
		return 0, err
	}
	return len(b), nil
}

// folding returns a writer of lines that breaks long ones between words, so that no SID is broken (U-123). Colours have
// no width. It returns std.out itself where there is no terminal.
func (s *streams) folding() io.Writer {
	if s.width == 0 {
		return s.out
	}
	return &lineFolder{w: s.out, width: s.width}
}

// lineFolder is the writer of folding. It keeps the beginning of a line until its end comes, so it never writes a last
// line without a line end.
type lineFolder struct {
	w     io.Writer
	width int // columns
	rest  []byte
}

var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// Write writes the complete lines of b, with long lines broken between words, and keeps the rest for the next call. A
// word that is too long stays whole.
func (f *lineFolder) Write(b []byte) (int, error) {
	f.rest = append(f.rest, b...)
	end := bytes.LastIndexByte(f.rest, '\n') + 1
	var out strings.Builder
	for line := range strings.Lines(string(f.rest[:end])) {
		used := 0
		for i, word := range strings.Split(line, " ") {
			n := controls.Width(colours.ReplaceAllString(strings.TrimSuffix(word, "\n"), ""))
			switch {
			case i == 0:
				used -= 1
			case used+1+n > f.width && used > 0:
				out.WriteString("\n  ")
				used = 1
			default:
				out.WriteByte(' ')
			}
			out.WriteString(word)
			used += 1 + n
		}
	}
	f.rest = append(f.rest[:0], f.rest[end:]...)
	if _, err := io.WriteString(f.w, out.String()); err != nil {
		return 0, err
	}
	return len(b), nil
}
