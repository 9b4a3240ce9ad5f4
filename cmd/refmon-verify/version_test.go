package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	testcheck "github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/terminal"
)

// printed runs the program with arguments. It returns the exit code and the output.
func printed(t *testing.T, args ...string) (int, string) {
	t.Helper()
	out := os.Stdout
	r, w, err := os.Pipe()
	testcheck.NoError(t, err)
	os.Stdout = w
	code := run(args)
	os.Stdout = out
	testcheck.NoError(t, w.Close())
	b, err := io.ReadAll(r)
	testcheck.NoError(t, err)
	return code, string(b)
}

// The output has the versions of the program and of Go, and the system.
func TestVersionNamesProgramAndGo(t *testing.T) {
	was := release
	release = "v1.2.3"
	code, got := printed(t, "version")
	release = was
	want := fmt.Sprintf("refmon-verify v1.2.3 (%s, %s/%s)\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	testcheck.That(t, code == 0 && got == want, "version: exit code %d, %q, want 0, %q", code, got, want)
}

// TestVerifyHelpPrintsUsage checks that --help prints the usage, that the page fits a terminal, and that an error names
// the file that cannot be read.
func TestVerifyHelpPrintsUsage(t *testing.T) {
	code, page := printed(t, "--help")
	testcheck.That(t, code == 0 && strings.HasPrefix(page, "Usage: refmon-verify CERTIFICATE DESCRIPTOR TOKEN\n"),
		"--help: %d, %q, want 0 and the usage", code, page)
	terminal.CheckPage(t, "refmon-verify --help", page)
	for _, args := range [][]string{{"version_test.go", "nosuch", "x"}, {"audit", "version_test.go", "nosuch"}} {
		if code, got := printed(t, args...); code != 2 || !strings.Contains(got, "open nosuch: ") {
			t.Errorf("%q: %d, %q, want 2 and the name of the missing file", args, code, got)
		}
	}
}
