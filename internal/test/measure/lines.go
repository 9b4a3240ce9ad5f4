package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// parts are the rows of the table, in its order.
var parts = []string{"code", "test helpers", "tests", "generated", "C", "Python and shell"}

// printLines counts the lines of the tracked files below a folder that are neither blank nor comments, by part.
func printLines(root string, out io.Writer) error {
	list := exec.Command("git", "-C", root, "ls-files", "-z")
	names, err := list.Output()
	if err != nil {
		return fmt.Errorf("git ls-files: %w", err)
	}
	lines, files := map[string]int{}, map[string]int{}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		b, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) { // deleted, not yet committed
			continue
		}
		if err != nil {
			return err
		}
		if part := partOf(name, b); part != "" {
			lines[part] += countCode(b)
			files[part]++
		}
	}
	total := 0
	for _, part := range parts {
		total += lines[part]
		fmt.Fprintf(out, "%-18s %8d lines in %5d files\n", part, lines[part], files[part])
	}
	_, err = fmt.Fprintf(out, "%-18s %8d\n", "total", total)
	return err
}

// partOf returns the part that a file belongs to, or "" for documents and data.
func partOf(name string, b []byte) string {
	switch ext := filepath.Ext(name); {
	case strings.Contains(name, "testdata/"):
		return ""
	case isGenerated(b) && (ext == ".go" || ext == ".c" || ext == ".h"):
		return "generated"
	case strings.HasSuffix(name, "_test.go"):
		return "tests"
	case ext == ".go" && strings.Contains("/"+name, "/internal/test/"):
		return "test helpers"
	case ext == ".go":
		return "code"
	case ext == ".c" || ext == ".h":
		return "C"
	case ext == ".py" || ext == ".sh" || name == ".ci/run":
		return "Python and shell"
	}
	return ""
}

// isGenerated reports whether one of the first lines says that a program wrote the file.
func isGenerated(b []byte) bool {
	head, _, _ := bytes.Cut(b, []byte("\n\n"))
	return bytes.Contains(head, []byte("DO NOT EDIT"))
}

// countCode counts the lines that are neither blank nor only a comment.
func countCode(b []byte) (n int) {
	inComment := false
	for line := range bytes.Lines(b) {
		line = bytes.TrimSpace(line)
		switch {
		case inComment:
			inComment = !bytes.Contains(line, []byte("*/"))
		case len(line) == 0 || bytes.HasPrefix(line, []byte("//")) || bytes.HasPrefix(line, []byte("# ")):
		case bytes.HasPrefix(line, []byte("#!")):
		case bytes.HasPrefix(line, []byte("/*")):
			inComment = !bytes.Contains(line, []byte("*/"))
		default:
			n++
		}
	}
	return n
}
