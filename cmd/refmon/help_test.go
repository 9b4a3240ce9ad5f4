package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/refmon/refmon/internal/cli/flags"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/terminal"
	"github.com/refmon/refmon/sddl"
)

// TestHelpFitsTerminal checks that the help pages of all commands and topics fit 80 columns and have no control codes
// in a pipe.
func TestHelpFitsTerminal(t *testing.T) {
	shown := func(args ...string) string {
		var out bytes.Buffer
		check.Equal(t, run(args, &streams{out: &out, err: &out}), exitGranted, "refmon %q: exit code", args)
		return out.String()
	}
	terminal.CheckHelp(t, "refmon", shown)
	for topic := range topics {
		terminal.CheckPage(t, "refmon help "+topic, shown("help", topic))
	}
}

// TestCLIDocMatchesCommandHelp checks that the page equals the commands' help.
func TestCLIDocMatchesCommandHelp(t *testing.T) {
	var c cli
	parser := check.Must(kong.New(&c, kong.Name("refmon"), kong.Description(description), flagTexts, flags.Options(),
		kong.Vars{"version": ""}))
	var b bytes.Buffer
	fmt.Fprintf(&b, "# The command line\n\nGenerated from the help texts by `go test ./cmd/refmon -run CLIDoc -update`; "+
		"do not edit. `refmon help VERB` prints the same in a terminal.\n\n%s\n", inBlocks(description))
	b.WriteString("\n| verb | |\n|---|---|\n")
	leaves := parser.Model.Leaves(true)
	for _, n := range leaves {
		fmt.Fprintf(&b, "| [%s](#%s) | %s |\n", n.Path(), strings.ReplaceAll(n.Path(), " ", "-"), n.Help)
	}
	for _, n := range leaves {
		writeVerb(&b, n)
	}
	generated(t, "cli.md", b.Bytes())
}

// writeVerb writes the section of a verb: its usage, its long help, its arguments
// and its own flags.
func writeVerb(w io.Writer, n *kong.Node) {
	fmt.Fprintf(w, "\n## %s\n\n    %s\n\n%s\n", n.Path(), n.Summary(), n.Help)
	if n.Detail != "" {
		fmt.Fprintf(w, "\n%s\n", inBlocks(n.Detail))
	}
	if len(n.Positional)+len(n.Flags) == 0 {
		return
	}
	fmt.Fprint(w, "\n| | |\n|---|---|\n")
	for _, p := range n.Positional {
		fmt.Fprintf(w, "| `%s` | %s |\n", p.Summary(), cell(p.Help))
	}
	for _, f := range n.Flags {
		fmt.Fprintf(w, "| `%s` | %s |\n", f, cell(f.Help))
	}
}

// cell returns a text as a cell of a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// inBlocks returns a help text with its indented lines as blocks of code.
func inBlocks(text string) string {
	var out strings.Builder
	code := false
	blank := "" // lines whose side is not known yet
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if line == "" {
			blank += "\n"
			continue
		}
		indented := strings.HasPrefix(line, "  ")
		switch {
		case indented && !code:
			out.WriteString(blank + "```\n")
		case code && !indented:
			out.WriteString("```\n" + blank)
		default:
			out.WriteString(blank)
		}
		blank, code = "", indented
		out.WriteString(line + "\n")
	}
	if code {
		out.WriteString("```\n")
	}
	return strings.TrimRight(out.String(), "\n")
}

// TestDeadMountGetsAdvice checks that an error about a file on a mount whose server was killed says what to do.
func TestDeadMountGetsAdvice(t *testing.T) {
	var errs bytes.Buffer
	code := report(&streams{err: &errs}, &fs.PathError{Op: "open", Path: "/mnt/f", Err: syscall.ENOTCONN})
	check.That(t, code == exitMalformed && strings.Contains(errs.String(), "umount -l"), "exit code %d, %q", code, &errs)
}

// TestHighestExitCodeOfJoinedErrorsCounts checks that a command with two results ends with the worse one, in any order.
func TestHighestExitCodeOfJoinedErrorsCounts(t *testing.T) {
	for _, err := range []error{errors.Join(errDenied, errReported), errors.Join(errReported, errDenied)} {
		check.Equal(t, report(&streams{err: t.Output()}, err), exitMalformed, "exit code of %v", err)
	}
}

// The text above a caret begins with a whole character. A text with a tab is not shown, and its advice stands alone.
func TestCaretCutsNoCharacter(t *testing.T) {
	got := caret(strings.Repeat("é", 10)+"x"+strings.Repeat("é", 40), 61) // 52 bytes before it is the middle of an é
	check.That(t, strings.HasPrefix(got, "  éééééé") && !strings.Contains(got, "\ufffd"), "%q", got)
	check.That(t, strings.HasSuffix(got, "\n  "+strings.Repeat(" ", 6+1+20)+"^"), "%q, want 27 blanks", got)
	got = pointedAt(check.Err(sddl.Parse("D:(A;;FA;;;b\tob)")))
	check.That(t, got != "" && !strings.Contains(got, "\n"), "%q, want one line", got)
	check.Equal(t, wrapped([]string{"aa", "bb"}, 2, 7), "  aa,\n  bb", "two names in 7 columns")
}
