package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/scanner"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/test/rules"
)

// printComments compares the Go files of a folder with those of a commit. It fails if one differs in anything but its
// comments, or if its comments cite other rules.
func printComments(root, commit string, out io.Writer) error {
	list := exec.Command("git", "-C", root, "diff", "--name-only", "--no-renames", "-z", commit, "--", "*.go")
	names, err := list.Output()
	if err != nil {
		return fmt.Errorf("git diff %s: %w", commit, err)
	}
	files, bad := 0, 0
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		if name == "" {
			continue
		}
		files++
		if why := differs(root, commit, name); why != "" {
			bad++
			fmt.Fprintf(out, "%s: %s\n", name, why)
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d changed files differ in more than their comments", bad, files)
	}
	_, err = fmt.Fprintf(out, "%d files differ from %s in their comments alone\n", files, commit)
	return err
}

// differs says what of a file changed besides its comments; "" for nothing.
func differs(root, commit, name string) string {
	before, err := exec.Command("git", "-C", root, "show", commit+":"+name).Output()
	if err != nil {
		return "it is new"
	}
	after, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		return "it is gone"
	}
	codeBefore, citedBefore, errBefore := parted(before)
	codeAfter, citedAfter, errAfter := parted(after)
	switch {
	case errBefore != nil || errAfter != nil:
		return fmt.Sprintf("it is not Go: %v", errors.Join(errBefore, errAfter))
	case !bytes.Equal(codeBefore, codeAfter):
		return "its code is another"
	case !slices.Equal(citedBefore, citedAfter):
		return fmt.Sprintf("its comments cite %v, and cited %v", citedAfter, citedBefore)
	}
	return ""
}

// parted returns the tokens of a file without its comments, one a line, and the rules that the comments cite. What
// a tool reads in a comment (a directive, a lock, the C of a file with cgo, a generated file's first line) is code.
func parted(src []byte) (code []byte, cited []rules.ID, err error) {
	var failed scanner.ErrorList
	fset := token.NewFileSet()
	file := fset.AddFile("", -1, len(src))
	var s scanner.Scanner
	s.Init(file, src, failed.Add, scanner.ScanComments)
	keep := bytes.Contains(src, []byte(`import "C"`))
	var b bytes.Buffer
	for {
		_, tok, text := s.Scan()
		switch {
		case tok == token.EOF:
			slices.Sort(cited)
			return b.Bytes(), slices.Compact(cited), failed.Err()
		case tok == token.COMMENT && !keep && !directive(text):
			cited = append(cited, rules.FindAll(text)...)
		case tok == token.SEMICOLON: // one that a line end stands for has another text
			b.WriteString(";\n")
		default:
			fmt.Fprintf(&b, "%v %s\n", tok, text)
		}
	}
}

// directive reports whether a tool reads the comment.
func directive(text string) bool {
	rest, ok := strings.CutPrefix(text, "//")
	if !ok {
		return strings.HasPrefix(text, "/*line ")
	}
	for _, start := range []string{"go:", "export ", "line ", "nolint", " +", " Code generated ", " Output:",
		" Unordered output:"} {
		if strings.HasPrefix(rest, start) {
			return true
		}
	}
	return false
}
