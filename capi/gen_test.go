package main

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
)

// The library exports every service of the nt table as Nt and Zw function.
func TestLibraryExportsEveryService(t *testing.T) {
	folder := library(t)
	f := check.Must(elf.Open(folder + "/lib/librefmon.so"))
	defer f.Close()
	list := check.Must(f.DynamicSymbols())
	exported := map[string]bool{}
	for _, s := range list {
		if s.Section != elf.SHN_UNDEF {
			exported[s.Name] = true
		}
	}
	for r := range nt.NtTable.All {
		name := r.Info().Name
		for _, n := range []string{name, "Zw" + strings.TrimPrefix(name, "Nt")} {
			// Lsa functions have no Zw name. LsaLogonUser is LogonUser in C.
			if lsa := strings.HasPrefix(name, "Lsa"); lsa && n != name || name == "LsaLogonUser" {
				continue
			}
			check.That(t, exported[n], "librefmon.so does not export %s", n)
		}
	}
}

// The headers compile as C with both widths of characters and both calling conventions, and as C++.
func TestHeadersCompileAsCAndCPlusPlus(t *testing.T) {
	folder := library(t)
	source := filepath.Join(t.TempDir(), "headers.c")
	check.NoError(t, os.WriteFile(source, []byte(`#include <refmon/refmon.h>
LPCTSTR name = SE_DEBUG_NAME;
BOOL f(LPTSTR s, PSID *sid) { LUID luid; EXPLICIT_ACCESS e; BuildTrusteeWithName(&e.Trustee,
	s); return LookupPrivilegeValue(NULL, s, &luid) && ConvertStringSidToSid(s, sid); }
`), 0o644))
	common := []string{"-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-I", folder + "/include"}
	for _, flags := range [][]string{{"-std=c11"}, {"-std=gnu11", "-DUNICODE"},
		{"-std=gnu17", "-DREFMON_MS_ABI", "-DUNICODE"}, {"-x", "c++", "-std=c++17"},
		{"-x", "c++", "-std=c++17", "-DUNICODE"}} {
		args := append(append([]string{}, common...), append(flags, source)...)
		if out, err := exec.Command(compiler(), args...).CombinedOutput(); err != nil {
			if bytes.Contains(out, []byte("cc1plus")) { // a C compiler without C++
				t.Logf("%v: %s", flags, out)
				continue
			}
			t.Errorf("compiling the headers with %v: %v\n%s", flags, err, out)
		}
	}
}

// calls_gen.go has a row for each prototype in the headers.
func TestGeneratedCallsMatchHeaders(t *testing.T) {
	table := check.Must(os.ReadFile("calls_gen.go"))
	n := 0
	public := check.Must(filepath.Glob("include/refmon/*.h"))
	for _, h := range append(public, "internal.h", "kernel/internal.h") {
		text := check.Must(os.ReadFile(h))
		n += len(regexp.MustCompile(`(?m)^REFMON_(SERVICE|HIDDEN|KERNEL) `).FindAll(text, -1))
	}
	if rows := len(regexp.MustCompile(`\{\w+, \d+\}`).FindAll(table, -1)); rows != n {
		t.Errorf("calls_gen.go has %d rows, but the headers %d prototypes: run go generate", rows, n)
	}
}
