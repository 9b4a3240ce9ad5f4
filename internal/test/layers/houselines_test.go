package layers

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// The bounds of a line, a function without its comments, and a file.
const (
	maxColumns  = 120
	maxFunction = 60
	maxFile     = 300 // "250 or so"
)

// readLines returns the findings in a text's lines and name.
func readLines(name string, lines []string) []finding {
	if outside(name, lines) {
		return nil
	}
	var all []finding
	at := func(i int, fault, what string) {
		all = append(all, finding{fault, fmt.Sprintf("%s:%d", name, i+1), what})
	}
	ext := path.Ext(name)
	code := ext == ".go" || ext == ".c" || ext == ".h"
	if code {
		if w := vagueWord(name); w != "" {
			at(0, "file-name", "\""+w+"\" says nothing about the subject of the file")
		}
		if n := withoutComments(lines); n > maxFile && !strings.HasSuffix(name, "_test.go") {
			at(0, "long-file", fmt.Sprintf("%d lines without comments", n))
		}
	}
	for i, line := range lines {
		if n := utf8.RuneCountInString(line); code && n > maxColumns {
			at(i, longLine(name), fmt.Sprintf("%d columns", n))
		}
		if code && longLine(name) == "long-line" && bareID.MatchString(line) {
			at(i, "bare-id", "a rule's id without the sentence that says what the rule decides here")
		}
	}
	if ext == ".c" {
		all = append(all, longC(name, lines)...)
	}
	return all
}

// withoutComments counts the lines of a file that are not only a comment.
func withoutComments(lines []string) (n int) {
	for _, line := range lines {
		if !strings.HasPrefix(strings.TrimSpace(line), "//") {
			n++
		}
	}
	return n
}

// longLine is a fault of its own in tests, where tables of cases are allowed
// more time to get shorter.
func longLine(name string) string {
	if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "capi/tests/") {
		return "long-line-in-test"
	}
	return "long-line"
}

// outside reports whether a text is not written for readers: generated tables, test data, the change log, and the
// files of this test.
func outside(name string, lines []string) bool {
	if strings.Contains(name, "testdata/") || strings.Contains(filepath.Base(name), "_gen.") || name == "CHANGELOG.md" ||
		strings.HasPrefix(name, "internal/test/layers/house") || strings.HasPrefix(name, "build/") {
		return true
	}
	return slices.ContainsFunc(lines[:min(5, len(lines))], func(l string) bool {
		return strings.Contains(l, "Code generated")
	})
}

var nameless = []string{
	"more", "misc", "util", "utils", "helper", "helpers", "extra", "extras", "common", "all", "past", "stuff", "tokensex",
}

// vagueWord returns the meaningless word in a file's name, or "".
func vagueWord(name string) string {
	base := strings.ToLower(strings.TrimSuffix(path.Base(name), path.Ext(name)))
	for _, w := range strings.FieldsFunc(base, func(r rune) bool { return r == '_' || r == '-' || r == '.' }) {
		if slices.Contains(nameless, w) || strings.HasPrefix(w, "more") || strings.HasPrefix(w, "extra") {
			return w
		}
	}
	return ""
}

// bareID matches a line that ends in a comment of rule ids only.
var bareID = regexp.MustCompile(`(?://|/\*)\s*(?:[OTIPSAUFBWLMK]-[1-9][0-9]*[a-z]?(?:,\s*|\s+and\s+|\s*$|\s*\*/|\.))+$`)

var startC = regexp.MustCompile(`^[A-Za-z_][^;=]*\)\s*\{?$`)

// longC finds C functions that are too long. A function begins in the first column and ends at the next brace there.
func longC(name string, lines []string) []finding {
	var all []finding
	start := -1
	for i, line := range lines {
		switch {
		case startC.MatchString(line):
			start = i
		case strings.HasPrefix(line, "}") && start >= 0:
			if n := i - start + 1; n > maxFunction {
				all = append(all, finding{"long-function", fmt.Sprintf("%s:%d", name, start+1), fmt.Sprintf("%d lines", n)})
			}
			start = -1
		}
	}
	return all
}
