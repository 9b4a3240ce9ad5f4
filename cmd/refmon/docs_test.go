package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the output of the commands into the documents")

// TestDocuments runs the commands that stand in console blocks of the
// documents and compares what they print. With -rewrite the documents get what
// they print; read the difference before you commit it.
func TestDocuments(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir()) // some commands write files
	if err := os.Symlink(filepath.Join(root, "examples"), "examples"); err != nil {
		t.Skip("no links here: ", err)
	}
	for _, page := range []string{"docs/bulk.md", "docs/search.md"} {
		name := filepath.Join(root, page)
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got := runConsole(t, string(b))
		if got == string(b) {
			continue
		}
		if *rewrite {
			if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
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

// runConsole replaces what follows each "$ refmon …" of a console block by what
// the command prints.
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
			var stdout, stderr bytes.Buffer
			code := run(strings.Fields(line)[2:], &streams{in: strings.NewReader(""), out: &stdout, err: &stderr})
			if code == exitMalformed {
				t.Errorf("%s%s", line, stderr.String())
			}
			out.WriteString(stdout.String() + stderr.String())
			continue
		case console:
			continue
		}
		out.WriteString(line)
	}
	return out.String()
}
