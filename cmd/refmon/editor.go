package main

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/refmon/refmon/internal/verbs/script"
)

// editor reads the lines of a session from a terminal: with history, the keys of a
// shell's line, and names completed by Tab. The terminal is raw only while a line is
// typed, so that Ctrl-C ends a program that runs.
type editor struct {
	fd       int
	terminal *term.Terminal
	keys     *keys
	complete func(before string) (from int, names []string)
}

func newEditor(in, out *os.File, complete func(before string) (int, []string)) *editor {
	e := &editor{fd: int(in.Fd()), keys: &keys{in: in}, complete: complete}
	e.terminal = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{e.keys, out}, "")
	e.terminal.AutoCompleteCallback = e.tab
	e.terminal.History = &history{}
	return e
}

// Line implements [script.Editor].
func (e *editor) Line(prompt string) (string, error) {
	before, err := term.MakeRaw(e.fd)
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(e.fd, before) }() // nothing can be done about it
	// A terminal that does not know its size is 0 wide, and 80 is the usual width.
	if width, height, err := term.GetSize(e.fd); err == nil && width > 0 {
		if err := e.terminal.SetSize(width, height); err != nil {
			return "", err
		}
	}
	e.terminal.SetPrompt(prompt)
	line, err := e.terminal.ReadLine()
	if e.keys.interrupted {
		e.keys.interrupted = false
		return "", script.ErrInterrupted
	}
	return line, err
}

// tab completes the word before the cursor when Tab is pressed: as far as all names
// agree, and where that is no further, it lists them.
func (e *editor) tab(line string, pos int, key rune) (string, int, bool) {
	if key != '\t' {
		return "", 0, false
	}
	from, names := e.complete(line[:pos])
	if len(names) == 0 {
		return line, pos, true
	}
	common := names[0]
	for _, name := range names[1:] {
		for !strings.HasPrefix(name, common) {
			common = common[:len(common)-1]
		}
	}
	if common == line[from:pos] && len(names) > 1 {
		_, _ = io.WriteString(e.terminal, wrapped(names, 2, 78)+"\n") // the next line tells of a lost terminal
	}
	return line[:from] + common + line[pos:], from + len(common), true
}

// keys passes on the keys of a terminal. Ctrl-C gives the line up: it is emptied and ended, and the
// next line says so.
type keys struct {
	in          io.Reader
	interrupted bool
	rest        []byte // still to be read
}

// The keys that the terminal knows: to the end of the line, delete to its beginning,
// Enter.
const (
	ctrlC   = 3
	giveUp  = "\x05\x15\r"
	maxRead = 256
)

// Read implements io.Reader.
func (k *keys) Read(p []byte) (int, error) {
	if len(k.rest) == 0 {
		var b [maxRead]byte
		n, err := k.in.Read(b[:])
		if n == 0 {
			return 0, err
		}
		k.rest = b[:n]
	}
	if k.rest[0] == ctrlC && !k.interrupted {
		k.interrupted = true
		k.rest = append([]byte(giveUp), k.rest[1:]...)
	}
	// What follows a Ctrl-C is of the next line.
	n := len(k.rest)
	for i, c := range k.rest {
		if i > 0 && c == ctrlC {
			n = i
			break
		}
	}
	n = copy(p, k.rest[:n])
	k.rest = k.rest[n:]
	return n, nil
}

// history keeps the lines of a session that the arrows bring back: not the empty
// ones, of which each line that was given up is one, nor a line twice running.
type history struct{ lines []string }

// maxHistory is how many lines are kept.
const maxHistory = 1000

// Add implements term.History.
func (h *history) Add(line string) {
	if line == "" || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return
	}
	if len(h.lines) == maxHistory {
		h.lines = h.lines[1:]
	}
	h.lines = append(h.lines, line)
}

// Len implements term.History.
func (h *history) Len() int { return len(h.lines) }

// At implements term.History: 0 is the last line.
func (h *history) At(i int) string { return h.lines[len(h.lines)-1-i] }
