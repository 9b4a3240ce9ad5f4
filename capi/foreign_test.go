package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
)

// foreignHeaders returns the folder of Wine's headers. REFMON_WINE_HEADERS names another folder, or is "required" to
// forbid skipping.
func foreignHeaders(t *testing.T) string {
	t.Helper()
	set := os.Getenv("REFMON_WINE_HEADERS")
	for _, dir := range []string{set, "/usr/include/wine/wine/windows", "/usr/include/wine/windows",
		"/usr/local/include/wine/windows"} {
		if _, err := os.Stat(filepath.Join(dir, "winbase.h")); dir != "" && err == nil {
			return dir
		}
	}
	check.RequireThat(t, set == "",
		"no Windows headers in REFMON_WINE_HEADERS=%q or the usual folders; install libwine-dev", set)
	t.Skip("no Windows headers of Wine found: install libwine-dev")
	return ""
}

// younger lists tests of functions that Wine's headers do not declare. They use our headers.
var younger = []string{"acedata.c", "auditchecks.c", "bounds.c", "fuzz.c", "identities.c", "instances.c", "ports.c",
	"logon.c", "looking.c", "routines.c", "overlapped.c", "validated.c", "waits.c"}

// The C tests pass when compiled with Wine's headers. Those declare structures, constants and prototypes
// independently, WINAPI as ms_abi, and imported functions as hidden. The archive in librefmon-ms must satisfy the
// hidden functions.
func TestCTestsPassWithWineHeaders(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("ms_abi is of x86-64")
	}
	randtest.SkipUnlessDeep(t, "it compiles and runs the C tests a third time")
	folder := library(t)
	windows := foreignHeaders(t)
	var objects []string
	for _, source := range sources(t) {
		object := filepath.Join(t.TempDir(), strings.TrimSuffix(filepath.Base(source), ".c")+".o")
		args := []string{"-c", "-Werror=implicit-function-declaration", "-std=gnu11", "-fshort-wchar", "-Itests/foreign",
			"-I" + windows}
		if slices.Contains(younger, filepath.Base(source)) {
			args = []string{"-c", "-std=gnu11", "-DREFMON_MS_ABI", "-Iinclude"}
		}
		if out, err := exec.Command(compiler(), append(args, "-o", object, source)...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", source, err, out)
		}
		objects = append(objects, object)
	}
	out := run(t, "", compile(t, folder, slices.Concat(objects, []string{"-lrefmon-ms", "-lrefmon"})...))
	t.Log(strings.TrimSpace(out))
	check.That(t, passed.MatchString(out), "the output has no line \"N assertions, 0 failed\":\n%s", out)
}
