package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/terminal"
)

// The width is the terminal's, or 80 columns if it does not report one.
func TestTerminalWidthDefaultsTo80(t *testing.T) {
	_, program := terminal.Open(t)
	for columns, want := range map[uint16]int{0: 80, 57: 57} {
		size := &unix.Winsize{Row: 24, Col: columns}
		check.NoError(t, unix.IoctlSetWinsize(int(program.Fd()), unix.TIOCSWINSZ, size))
		check.Equal(t, widthOf(program), want, "%d columns", columns)
	}
}

// TestWhoCanShowsGroupsOnTerminals checks that a table has groups on a terminal and names elsewhere, unless a flag
// says which, and that no line is wider than the terminal (U-104).
func TestWhoCanShowsGroupsOnTerminals(t *testing.T) {
	const question = "who-can read -o ../../examples/bulk/monday.jsonl -d ../../examples/bulk/company.yaml "
	file := filepath.Join(t.TempDir(), "table")
	for _, c := range []struct {
		width   int
		flags   string
		through bool
	}{{0, "", false}, {40, "", true}, {40, "--names", false}, {0, "--no-names", true}, {40, "-f csv", false},
		{40, "--count", false}, {40, "-q --out " + file, false}} {
		var out strings.Builder
		std := &streams{in: strings.NewReader(""), out: &out, err: &out, width: c.width,
			colour: strings.Contains(c.flags, "--out")}
		if code := run(strings.Fields(question+c.flags), std); code != 0 {
			t.Fatalf("exit code %d: %s, want 0", code, out.String())
		}
		table := out.String()
		if strings.Contains(c.flags, "--out") {
			table = string(check.Must(os.ReadFile(file)))
		}
		check.That(t, strings.Contains(table, "THROUGH") == c.through && !strings.ContainsRune(table, '\x1b'),
			"width %d, flags %q: output\n%s\nwant the column THROUGH only on a terminal", c.width, c.flags, table)
		for line := range strings.Lines(out.String()) {
			check.That(t, c.width <= 0 || utf8.RuneCountInString(line) <= c.width+1,
				"width %d: line %q, want at most that width", c.width, line)
		}
	}
}
