package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// A function that has no memory for a text or list of its call fails. It does not call its W function without the text
// (O-172), or create a token with the rights that the list takes away (T-60).
func TestCallsFailWithoutMemory(t *testing.T) {
	folder := library(t)
	program := compile(t, folder, "tests/memory/main.c", "-lrefmon")
	check.Equal(t, run(t, "", program), "9 calls, 9 refused, 0 failed\n", "output")
}

// A lookup that cannot write its second result frees the first one and restores its variable (L-46).
func TestFailedLookupFreesItsFirstResult(t *testing.T) {
	folder := library(t)
	program := compile(t, folder, "tests/memory/lookup.c", "-lrefmon")
	check.Equal(t, run(t, "", program), "0 failed\n", "output")
}

// ansi_gen.c has each A function that a header declares together with a W function. CreateProcess is written
// manually, because the operating system uses its bytes directly.
func TestEachAnsiFormIsGenerated(t *testing.T) {
	generated := check.Must(os.ReadFile("win/ansi_gen.c"))
	headers := check.Must(filepath.Glob("include/refmon/*.h"))
	declared, missing := 0, []string(nil)
	for _, h := range headers {
		text := check.Must(os.ReadFile(h))
		for _, m := range regexp.MustCompile(`(?m)^REFMON_API \w+ WINAPI (\w+)A\(`).FindAllSubmatch(text, -1) {
			name := regexp.QuoteMeta(string(m[1]))
			if !regexp.MustCompile(`(?m)^REFMON_API \w+ WINAPI ` + name + `W\(`).Match(text) {
				continue
			}
			declared++
			if !regexp.MustCompile(`(?m)^\w+ WINAPI ` + name + `A\(`).Match(generated) {
				missing = append(missing, name)
			}
		}
	}
	if declared < 50 || len(missing) != 2 || missing[0] != "CreateProcess" || missing[1] != "CreateProcessAsUser" {
		t.Errorf("%d A functions declared, %q not generated; want at least 50, and only the two CreateProcess "+
			"functions: run go generate", declared, missing)
	}
}
