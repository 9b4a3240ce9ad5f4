package main

import (
	"os"
	"strings"

	controls "github.com/refmon/refmon/internal/printable"
)

// wantColour reports whether f is a terminal and the user did not ask for plain
// text by NO_COLOR (https://no-color.org) or a dumb terminal.
func wantColour(f *os.File) bool {
	return isTerminal(f) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// isTerminal reports whether f is a character device, which a person watches.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Colours of the terminal's own palette.
const (
	green = "\x1b[32m"
	red   = "\x1b[31m"
	bold  = "\x1b[1m"
	reset = "\x1b[0m"
)

// paint puts text in a colour if the output wants colours.
func (s *streams) paint(colour, text string) string {
	if !s.colour || text == "" {
		return text
	}
	return colour + text + reset
}

// paintWords paints whole words of a text by the colours given for them.
func (s *streams) paintWords(text string, colours map[string]string) string {
	if !s.colour {
		return text
	}
	pairs := make([]string, 0, 2*len(colours))
	for word, colour := range colours {
		pairs = append(pairs, word, colour+word+reset)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// printable replaces what could steer a terminal in a text that came from a file
// or an argument.
func printable(text string) string { return controls.Text(text) }
