package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
)

var console = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")

// TestReadme runs the commands that README and the guides show and compares
// what they print. A line "[...]" stands for any lines.
func TestReadme(t *testing.T) {
	if err := os.Chdir("../.."); err != nil {
		t.Fatal(err)
	}
	defer os.Chdir("cmd/refmon")
	n := 0
	for _, page := range []string{"README.md", "docs/README.md", "docs/impersonation.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range console.FindAllStringSubmatch(string(text), -1) {
			command, want, _ := strings.Cut(m[1], "\n")
			if !strings.HasPrefix(command, "$ refmon ") { // packaging/pages.py runs those of other programs
				continue
			}
			n++
			var out, errs bytes.Buffer
			run(shellWords(strings.TrimPrefix(command, "$ refmon ")), &streams{in: strings.NewReader(""), out: &out, err: &errs})
			if !same(strings.TrimRight(out.String()+errs.String(), "\n"), strings.TrimRight(want, "\n")) {
				t.Errorf("%s: %s\nprints\n%s%s\nthe page says\n%s", page, command, out.String(), errs.String(), want)
			}
		}
	}
	if n == 0 {
		t.Error("README shows no command")
	}
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

// same compares with elisions, trailing blanks of a line apart.
func same(got, want string) bool {
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
