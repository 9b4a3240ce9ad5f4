package main

import (
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/refmon/refmon/internal/cli/script"
)

// editor reads the lines of a session from a terminal, with history, line editing and completion by Tab. The terminal
// is raw only during input, so that Ctrl-C ends a running program.
type editor struct {
	fd       int
	terminal *term.Terminal
	keys     *keys
	complete func(before string) (from int, names []string)
}

// newEditor returns a line editor on the terminal in. complete returns the start and the candidates for the
// text before the cursor, when the user presses Tab. History starts empty.
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

// Line prints the prompt and reads one line from the terminal, without its end. It blocks until Enter. Ctrl-C gives
// script.ErrInterrupted. It restores the terminal before it returns. After Ctrl-C an error of the terminal is dropped;
// at the end of the input the error is io.EOF.
func (e *editor) Line(prompt string) (string, error) {
	before, err := term.MakeRaw(e.fd)
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(e.fd, before) }() // no remedy for an error
	// A terminal that does not know its size reports width 0. Its width then stays 80.
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

// tab completes the word before the cursor to the candidates' common prefix. It returns the new line and cursor, and
// true. If the prefix adds nothing, it lists the candidates. Without candidates the line and cursor stay. For a key
// other than Tab it returns "", 0 and false.
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
		_, _ = io.WriteString(e.terminal, wrapped(names, 2, 78)+"\n") // reading the next line reports a lost terminal
	}
	return line[:from] + common + line[pos:], from + len(common), true
}

// keys passes on the keys of a terminal. Ctrl-C aborts the line: it clears and ends it and records the abort.
type keys struct {
	in          io.Reader
	interrupted bool
	rest        []byte // still to be read
}

// Keys for the terminal: go to the end of the line, delete to its beginning, Enter.
const (
	ctrlC   = 3
	giveUp  = "\x05\x15\r"
	maxRead = 256
)

// Read returns keys of the terminal. It replaces Ctrl-C by keys that clear and end the line, and sets interrupted.
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

// history stores the lines of a session. It skips empty lines, which include aborted ones, and repeated lines.
type history struct{ lines []string }

// maxHistory limits the stored lines.
const maxHistory = 1000

// Add appends a line, except an empty one and one equal to the last. After maxHistory lines it drops the oldest.
func (h *history) Add(line string) {
	if line == "" || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return
	}
	if len(h.lines) == maxHistory {
		h.lines = h.lines[1:]
	}
	h.lines = append(h.lines, line)
}

// Len returns the number of lines in the history. It implements term.History.
func (h *history) Len() int { return len(h.lines) }

// At returns a line of the history: 0 is the last one. It panics if i is not below Len.
func (h *history) At(i int) string { return h.lines[len(h.lines)-1-i] }
