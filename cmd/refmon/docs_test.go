package main

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/script"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
)

var rewrite = flag.Bool("rewrite", false, "write the output of the commands into the documents")

// TestConsoleBlocksMatchOutput runs the commands in the console blocks of the documents and compares their output.
// With -rewrite it updates the documents; review the difference before you commit it.
func TestConsoleBlocksMatchOutput(t *testing.T) {
	root := check.Must(filepath.Abs("../.."))
	t.Chdir(t.TempDir()) // some commands write files
	if err := os.Symlink(filepath.Join(root, "examples"), "examples"); err != nil {
		t.Skip("no links here: ", err)
	}
	for _, page := range []string{"docs/bulk.md", "docs/search.md"} {
		name := filepath.Join(root, page)
		b := check.Must(os.ReadFile(name))
		got := runConsole(t, string(b))
		if got == string(b) {
			continue
		}
		if *rewrite {
			check.NoError(t, os.WriteFile(name, []byte(got), 0o644))
			continue
		}
		want := strings.Split(string(b), "\n")
		for i, line := range strings.Split(got, "\n") {
			if i >= len(want) || line != want[i] {
				t.Errorf("%s:%d: the commands print\n%s", name, i+1, line)
				break
			}
		}
	}
}

// runConsole replaces the output below each "$ refmon …" of a console block by that of the command.
func runConsole(t *testing.T, text string) string {
	var out strings.Builder
	console := false
	for line := range strings.Lines(text) {
		switch {
		case line == "```console\n":
			console = true
		case line == "```\n":
			console = false
		case console && strings.HasPrefix(line, "$ refmon "):
			out.WriteString(line)
			code, stdout, stderr := runLine(strings.Fields(line)[2:]...)
			check.That(t, code != exitMalformed,
				"a documented command is malformed, want a valid one: %s%s", line, stderr)
			out.WriteString(stdout + stderr)
			continue
		case console:
			continue
		}
		out.WriteString(line)
	}
	return out.String()
}

var console = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")

// TestReadmeCommandsPrintDocumentedOutput runs the commands in README and the guides and compares their output. A line
// "[...]" matches any lines.
func TestReadmeCommandsPrintDocumentedOutput(t *testing.T) {
	check.NoError(t, os.Chdir("../.."))
	defer os.Chdir("cmd/refmon")
	n := 0
	for _, page := range []string{"README.md", "docs/README.md", "docs/impersonation.md"} {
		text := check.Must(os.ReadFile(page))
		for _, m := range console.FindAllStringSubmatch(string(text), -1) {
			command, want, _ := strings.Cut(m[1], "\n")
			if !strings.HasPrefix(command, "$ refmon ") { // packaging/pages.py runs those of other programs
				continue
			}
			n++
			_, out, errs := runLine(shellWords(strings.TrimPrefix(command, "$ refmon "))...)
			check.That(t, matches(strings.TrimRight(out+errs, "\n"), strings.TrimRight(want, "\n")),
				"%s: %s\nprints\n%s%s\nthe page says\n%s", page, command, out, errs, want)
		}
	}
	check.That(t, n != 0, "README has %v commands, want at least 1", n)
}

// words splits a command line; single quotes keep blanks.
func shellWords(line string) []string {
	var list []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			list = append(list, part)
		} else {
			list = append(list, strings.Fields(part)...)
		}
	}
	return list
}

// matches compares with elisions, trailing blanks of a line apart.
func matches(got, want string) bool {
	g, w := lines(got), lines(want)
	for len(w) > 0 {
		if w[0] == "[...]" {
			if len(w) == 1 {
				return true
			}
			for len(g) > 0 && g[0] != w[1] {
				g = g[1:]
			}
			w = w[1:]
			continue
		}
		if len(g) == 0 || g[0] != w[0] {
			return false
		}
		g, w = g[1:], w[1:]
	}
	return len(g) == 0
}

func lines(s string) []string {
	list := strings.Split(s, "\n")
	for i := range list {
		list[i] = strings.TrimRight(list[i], " ")
	}
	return list
}

var block = regexp.MustCompile("(?ms)^```star( prelude)?\n(.*?)^```$")

// Every piece of the guide for server authors runs on both profiles, each in its own kernel after the first piece of
// the page.
func TestImpersonationGuideSnippetsRun(t *testing.T) {
	page := check.Must(os.ReadFile("../../docs/impersonation.md"))
	prelude, n := "", 0
	for _, m := range block.FindAllStringSubmatch(string(page), -1) {
		if m[1] != "" {
			prelude = m[2]
			continue
		}
		n++
		for _, profile := range []nt.Profile{nt.Documented, nt.Observed} {
			var out strings.Builder
			r := script.New(script.Config{Output: &out, Profile: profile})
			if err := r.Run("impersonation.md", []byte(prelude+m[2])); err != nil {
				t.Errorf("piece %d, %s: %v, want no error\n%s", n, profile, err, out.String())
			}
			check.Equal(t, r.Close(), nil, "closing piece %d, %s", n, profile)
		}
	}
	check.That(t, n >= 7, "found %d pieces of code on the page, want at least 7", n)
}
