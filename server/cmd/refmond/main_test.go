package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/terminal"
)

// TestMalformedCommandLineNamesTheHelp checks that help and version succeed and write to stdout, and that a malformed
// command line writes only to stderr, with a reference to the help.
func TestMalformedCommandLineNamesTheHelp(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitSuccess, "Usage: refmond <command>"},
		{[]string{"--help"}, exitSuccess, "version"},
		{[]string{"version", "--help"}, exitSuccess, "Print the version."},
		{[]string{"version"}, exitSuccess, "refmond "},
		{[]string{"nosuch"}, exitMalformed, "see refmond --help"},
		{[]string{"version", "--nosuch"}, exitMalformed, "see refmond version --help"},
		{[]string{"account", "add", "--nosuch"}, exitMalformed, "see refmond account add --help"},
		{[]string{"mount", "--demo"}, exitMalformed, "unknown flag --demo"},
		{[]string{"why", "--socket", "/nowhere/s"}, exitMalformed, "dial unix /nowhere/s: connect: no such file or " +
			"directory; start refmond serve, or give the socket of a running one with --socket\n"},
		{[]string{"why", "--audit", "/nowhere", "--process", "7"}, exitMalformed, "why: --audit: omit --process,"},
		{[]string{"why", "--audit", "/nowhere", "--socket", "/s"}, exitMalformed, "why: --audit: omit --process,"},
		{[]string{"why", "--audit", "/nowhere", "--owner", "u"}, exitMalformed, "why: --audit: omit --process,"},
		{[]string{"why", "--since=-10m"}, exitMalformed, "--since is -10m0s: want 0 or more"},
		{[]string{"trace", "--for=-1s"}, exitMalformed, "--for is -1s: want 0 or more"},
		{[]string{"directory", "export", "--config", "/nowhere"}, exitMalformed, "give --people or --objects\n"},
		{[]string{"directory", "export", "--config", "/nowhere", "--people", "p", "--base", "DC=x"}, exitMalformed,
			"give --objects too\n"},
		{[]string{"directory", "export", "--config", "/nowhere", "--people", "p", "--audit"}, exitMalformed,
			"give --objects too\n"},
		{[]string{"directory", "export", "--config", "/nowhere", "--people", "p", "--objects", "./p"}, exitMalformed,
			"name the same file\n"},
		{[]string{"serve", "--config", "/"}, exitMalformed, "configuration: read /: is a directory\n"},
		{[]string{"serve", "--config", "/nowhere"}, exitMalformed, "refmond config print > FILE writes one\n"},
		{[]string{"serve", "--config", ""}, exitMalformed, "--config is empty"}, // from an unset variable
	} {
		code, printed, silent := runLine(c.args...)
		if c.code != exitSuccess {
			printed, silent = silent, printed
		}
		check.That(t, code == c.code && strings.Contains(printed, c.want) && silent == "",
			"%q: exit code %d, printed %q and %q", c.args, code, printed, silent)
	}
}

// TestOutputKeepsFirstError checks that a write that succeeds does not hide an earlier one that failed.
func TestOutputKeepsFirstError(t *testing.T) {
	o := &checkedOutput{to: (*os.File)(nil)}
	check.ErrorIs(t, check.Err(o.Write([]byte("x"))), os.ErrInvalid, "a write")
	o.to = io.Discard
	check.NoError(t, check.Err(o.Write([]byte("x"))))
	check.ErrorIs(t, o.firstError(), os.ErrInvalid, "the first error")
}

// TestHelpFitsTerminal checks that the help pages of all commands fit 80 columns and hold no control codes in a pipe.
func TestHelpFitsTerminal(t *testing.T) {
	terminal.CheckHelp(t, "refmond", func(args ...string) string {
		code, out, _ := runLine(args...)
		check.Equal(t, code, exitSuccess, "refmond %q: exit code", args)
		return out
	})
}

// TestErrorsCannotSteerTerminal checks that control characters in an error, which may have the text of a server or a
// file's name, are not sent to the terminal.
func TestErrorsCannotSteerTerminal(t *testing.T) {
	var said bytes.Buffer
	code := report(&streams{err: &said}, errors.New("busy \x1b[31m, try later"))
	check.That(t, code == exitMalformed && !strings.Contains(said.String(), "\x1b"), "%d, %q", code, said.String())
}

// page returns docs/refmond.md.
func page(t *testing.T) string {
	t.Helper()
	text := check.Must(os.ReadFile("../../../docs/refmond.md"))
	return string(text)
}

// TestLostOutputFailsCommand checks that a command fails whose output cannot be written.
func TestLostOutputFailsCommand(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	check.NoError(t, err)
	t.Cleanup(func() { _ = full.Close() })
	p := build(t)
	_, end := p.serve()
	defer end()
	for _, args := range [][]string{{"version"}, {"ps", "--socket", p.socket}, {"sessions", "--socket", p.socket}} {
		var errs bytes.Buffer
		code := run(args, &streams{out: full, err: &errs})
		check.That(t, code == exitMalformed && strings.Contains(errs.String(), "no space left on device"),
			"%v without room: exit code %d, %s", args, code, &errs)
	}
}

// TestDocumentedCommandLinesParse checks that refmond accepts every refmond command line of the page.
func TestDocumentedCommandLinesParse(t *testing.T) {
	command := regexp.MustCompile(`(?m)^    (?:sudo -u refmond )?refmond (.*?)(?: +#.*)?$`)
	lines := command.FindAllStringSubmatch(page(t), -1)
	check.That(t, len(lines) >= 15, "found %d command lines, want at least 15", len(lines))
	for _, line := range lines {
		args, _, _ := strings.Cut(line[1], " > ")
		parser, err := newParser(&streams{out: io.Discard, err: io.Discard}, func(int) {})
		check.NoError(t, err)
		check.Equal(t, check.Err(parser.Parse(strings.Fields(args))), nil, "refmond %s", args)
	}
}
