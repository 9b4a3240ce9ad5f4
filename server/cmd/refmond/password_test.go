package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/terminal"
)

func echoes(t *testing.T, f *os.File) bool {
	t.Helper()
	s, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return s.Lflag&unix.ECHO != 0
}

// prompt receives the prompts, and records whether the terminal echoes at that time.
type prompt struct {
	bytes.Buffer
	shows func() bool
	shown bool
}

func (p *prompt) Write(b []byte) (int, error) {
	p.shown = p.shown || p.shows()
	return p.Buffer.Write(b)
}

// TestTypedPassword checks that a password is typed twice without echo, and that the terminal's settings are restored
// (L-1).
func TestTypedPassword(t *testing.T) {
	for typed, want := range map[string]string{"secret\nsecret\n": "secret",
		"secret\nsecert\n": "the two passwords differ",
		"\n":               "the input is empty"} {
		person, program := terminal.Open(t)
		if _, err := io.WriteString(person, typed); err != nil {
			t.Fatal(err)
		}
		p := &prompt{shows: func() bool { return echoes(t, program) }}
		got, err := readPassword(program, p)
		if string(got) != want && (err == nil || got != "" || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %q, %v, want %q", typed, string(got), err, want)
		}
		if err == nil && p.String() != "Password: \nOnce more: \n" {
			t.Errorf("typed %q: prompts %q, want \"Password: \\nOnce more: \\n\"", typed, p.String())
		}
		if p.shown || !echoes(t, program) {
			t.Errorf("typed %q: echo while typing %t, afterwards %t, want false, true",
				typed, p.shown, echoes(t, program))
		}
	}
}

// TestPipedPassword checks that without a terminal the first line is the password.
func TestPipedPassword(t *testing.T) {
	for text, want := range map[string]string{"secret\nmore\n": "secret", "secret\r\n": "secret", " s ": " s ", "": "",
		"\n": "", "\r\n": ""} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		p := &prompt{shows: func() bool { return false }}
		if got, err := readPassword(r, p); string(got) != want || (err == nil) != (want != "") || p.Len() > 0 {
			t.Errorf("%q: %q, %v, prompts %q", text, string(got), err, p.String())
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
