package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/terminal"
)

// screen collects the output of a terminal.
type screen struct {
	t     *testing.T
	shown chan string
	all   string
}

// until waits for a text on the screen, after the text of the previous call.
func (s *screen) until(text string) {
	s.t.Helper()
	for !strings.Contains(s.all, text) {
		select {
		case more, ok := <-s.shown:
			check.RequireThat(s.t, ok, "the terminal ended, want %q, shown %q", text, s.all)
			s.all += more
		case <-time.After(time.Minute):
			s.t.Fatalf("want %q, shown %q", text, s.all)
		}
	}
	s.all = s.all[strings.Index(s.all, text)+len(text):]
}

// TestReplCompletesAndDiscardsLines checks a terminal session: greeting, Tab completion, history, Ctrl-C that discards
// a line, and exit.
func TestReplCompletesAndDiscardsLines(t *testing.T) {
	person, program := terminal.Open(t)
	s := &screen{t: t, shown: make(chan string, 64)}
	go func() {
		defer close(s.shown)
		for {
			b := make([]byte, 4096)
			n, err := person.Read(b)
			if err != nil {
				return
			}
			s.shown <- string(b[:n])
		}
	}()
	code := make(chan int, 1)
	go func() {
		code <- run([]string{"repl"}, &streams{in: program, out: program, err: program})
	}()
	keys := func(text string) {
		if _, err := io.WriteString(person, text); err != nil {
			t.Error(err)
		}
	}
	s.until("type help for help")
	s.until(">>> ")
	keys("6 * 7\r")
	s.until("42")
	s.until(">>> ")
	keys("STATUS_CANT_OPEN_A\t\r")
	s.until("STATUS_CANT_OPEN_ANONYMOUS\r\n")
	s.until(">>> ")
	keys("NtOpenThreadTo\t\t")
	s.until("NtOpenThreadToken, NtOpenThreadTokenEx")
	keys("\x03")
	s.until(">>> ")
	keys("\x1b[A\x1b[A\r") // the line before the last
	s.until("42")
	s.until(">>> ")
	keys("def f():\r")
	s.until("... ")
	keys("  pass\x03")
	s.until(">>> ")
	keys("exit\r")
	check.Equal(t, <-code, exitGranted, "exit code")
}

// TestTabCompletesBeforeCursor checks that Tab completes the text before the cursor, that the cursor follows, and that
// a name that is already complete is not listed.
func TestTabCompletesBeforeCursor(t *testing.T) {
	names := []string{"NtOpenKey", "NtOpenFile"}
	e := &editor{complete: func(before string) (int, []string) {
		check.Equal(t, before, "(Nt", "text to complete")
		return 1, names
	}}
	for _, want := range []string{"(NtOpen, x)", "(Nt, x)"} {
		line, pos, ok := e.tab("(Nt, x)", 3, '\t')
		check.That(t, line == want && pos == strings.Index(want, ",") && ok, "%q: %q, %d, %t", names, line, pos, ok)
		names = []string{"Nt"}
	}
}

// TestHistoryIsBoundedAndSkipsRepeats checks that the latest line comes back first, that empty and repeated lines are
// not stored, and that the history is bounded.
func TestHistoryIsBoundedAndSkipsRepeats(t *testing.T) {
	h := &history{}
	for _, line := range []string{"a", "", "b", "b", "a"} {
		h.Add(line)
	}
	check.That(t, h.Len() == 3 && h.At(0) == "a" && h.At(1) == "b" && h.At(2) == "a",
		"history = %q, want a, b, a without empty and repeated lines", h.lines)
	for i := range 2 * maxHistory {
		h.Add(fmt.Sprint(i))
	}
	check.That(t, h.Len() == maxHistory && h.At(0) == fmt.Sprint(2*maxHistory-1) &&
		h.At(maxHistory-1) == fmt.Sprint(maxHistory), "history has %d lines, from %q to %q, want the newest lines", h.Len(),
		h.At(maxHistory-1), h.At(0))
}

// Ctrl-C clears and ends its line; later keys belong to the next line.
func TestControlCEndsItsLine(t *testing.T) {
	in := &pieces{"ab\x03cd", "e\x03", "\x03\x03f\r"}
	k := &keys{in: in}
	var lines []string
	line := ""
	var b [64]byte
	for {
		n, err := k.Read(b[:])
		line += string(b[:n])
		if k.interrupted {
			k.interrupted = false
			lines, line = append(lines, line), ""
		}
		if err != nil {
			check.That(t, errors.Is(err, io.EOF), "%v", err)
			break
		}
	}
	// The end of an aborted line is at the start of the next read: the terminal ends the line at Enter, and keeps the
	// rest.
	got, want := fmt.Sprintf("%q %q", lines, line), `["ab\x05\x15\rcd" "e\x05\x15\r" "\x05\x15\r" "\x05\x15\rf\r"] ""`
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// pieces is an input that gives one piece a read.
type pieces []string

func (p *pieces) Read(b []byte) (int, error) {
	if len(*p) == 0 {
		return 0, io.EOF
	}
	n := copy(b, (*p)[0])
	*p = (*p)[1:]
	return n, nil
}
