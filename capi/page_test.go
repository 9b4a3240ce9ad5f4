package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
)

var update = flag.Bool("update", false, "write docs/c-functions.md")

const functionsPage = "../docs/c-functions.md"

var declared = regexp.MustCompile(`(?m)^REFMON_(SERVICE|API|KERNEL) [^;(]*?\b(\w+)\(`)

// docs/c-functions.md lists each function of the headers with its header, its library and what the tables of services
// say about it.
func TestFunctionsPageListsEachHeaderFunction(t *testing.T) {
	support := map[string]*nt.Meta{}
	for _, table := range []*nt.Table{&nt.NtTable, &win32.Table, &kernel.Table} {
		for row := range table.All {
			support[row.Info().Name] = row.Info()
		}
	}
	paths := check.Must(filepath.Glob("include/refmon/*.h"))
	var rows []string
	for _, path := range paths {
		text := check.Must(os.ReadFile(path))
		for _, m := range declared.FindAllSubmatch(text, -1) {
			rows = append(rows, functionRow(string(m[2]), filepath.Base(path), support))
		}
	}
	slices.Sort(rows)
	check.That(t, len(rows) >= 600, "%d functions found in the headers, want at least 600", len(rows))
	page := "# Functions of the C libraries\n\n" +
		"Generated from the headers and the tables of services by\n" +
		"`go test ./capi -run FunctionsPage -args -update`; do not edit.\n\n" +
		"[c-abi.md](c-abi.md) says how they are used. A function that is not here is not exported. *partial* says\n" +
		"what is missing of the service behind it; [services.md](services.md) has each service. Headers are below\n" +
		"`refmon/`; those of ntifs.h and wdm.h are in librefmonk.\n\n" +
		"| function | header | support |\n|---|---|---|\n" + strings.Join(rows, "\n") + "\n"
	if *update {
		check.NoError(t, os.WriteFile(functionsPage, []byte(page), 0o644))
	}
	if got, err := os.ReadFile(functionsPage); err != nil || string(got) != page {
		t.Errorf("%s differs from the headers (%v): run go test ./capi -run FunctionsPage -args -update",
			functionsPage, err)
	}
}

// functionRow returns the row of a function. A Zw function has the row of its Nt service. A function whose name ends
// in A or W has the row without the letter. A row under its own name takes precedence.
func functionRow(name, header string, support map[string]*nt.Meta) string {
	status := "complete"
	for _, known := range []string{name, "Nt" + strings.TrimPrefix(name, "Zw"), strings.TrimRight(name, "AW")} {
		if m := support[known]; m != nil {
			if m.Missing != "" {
				status = "partial: " + m.Missing
			}
			break
		}
	}
	return fmt.Sprintf("| %s | %s | %s |", name, header, status)
}

// The shell commands in docs/c-abi.md build and run when pasted. Only the build of the library is left out, because
// it exists.
func TestCommandsOfGuideRun(t *testing.T) {
	folder := library(t)
	for _, program := range []string{"pkg-config", "cc"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	page := check.Must(os.ReadFile("../docs/c-abi.md"))
	here := check.Must(os.Getwd())
	n := 0
	for _, m := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllSubmatch(page, -1) {
		if !strings.Contains(string(m[1]), "PKG_CONFIG_PATH") { // packaging/test.sh checks the installed version
			continue
		}
		n++
		dir := t.TempDir()
		check.NoError(t, os.Mkdir(filepath.Join(dir, "build"), 0o700))
		for from, to := range map[string]string{"capi": here, "build/capi": folder} {
			check.NoError(t, os.Symlink(to, filepath.Join(dir, from)))
		}
		cmd := exec.Command("sh", "-ec", strings.ReplaceAll(string(m[1]), "make capi\n", ""))
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "level:          1\n") {
			t.Errorf("pasting the commands\n%sfails: %v, want output with %q\n%s", m[1], err, "level:          1\n",
				out)
		}
	}
	check.That(t, n == 2, "docs/c-abi.md has %d blocks with PKG_CONFIG_PATH, want 2", n)
}
