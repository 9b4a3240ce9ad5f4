package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// A pthread may call the library from key destructors that run after librefmon's own destructor.
func TestLibraryWorksInKeyDestructors(t *testing.T) {
	folder := library(t)
	for _, args := range [][]string{{"tests/ending/main.c"}, {"tests/ending/kernel.c", "-lrefmonk"}} {
		if out := run(t, "", compile(t, folder, append(args, "-lrefmon")...)); !passed.MatchString(out) {
			t.Errorf("%s: output %q, want 0 failed assertions", args[0], out)
		}
	}
}

// Bad pointers return errors in programs that handle SIGSEGV themselves. The program's handler is installed before or
// after the library is loaded, on an alternate stack, or SIGSEGV is blocked.
func TestBadPointerFailsDespiteSIGSEGVHandler(t *testing.T) {
	folder := library(t)
	user := compile(t, folder, "tests/signals/user.c", "-lrefmon")
	before := compile(t, folder, "tests/signals/before.c", "-ldl")
	kernel := compile(t, folder, "tests/signals/kernel.c", "-lrefmonk", "-lrefmon")
	commands := [][]string{{user, "mask"}}
	for _, how := range []string{"0", "1", "2"} {
		commands = append(commands, []string{user, "after", how}, []string{kernel, how},
			[]string{before, how, folder + "/lib/librefmon.so"})
	}
	for _, c := range commands {
		if out := run(t, "", c[0], c[1:]...); !passed.MatchString(out) {
			t.Errorf("%s: output %q, want 0 failed assertions", c, out)
		}
	}
}

// The library works in a Go program, whose runtime installs its signal handler after the library's.
func TestLibraryWorksInGoProgram(t *testing.T) {
	folder := library(t)
	// The flags are in the source: in the environment they would make the go command recompile the standard library's C.
	source := strings.Replace(string(check.Must(os.ReadFile("tests/signals/gohost/main.go.txt"))), "FOLDER", folder, 3)
	module := t.TempDir()
	for name, text := range map[string]string{"main.go": source, "go.mod": "module gohost\n\ngo 1.25\n"} {
		check.NoError(t, os.WriteFile(filepath.Join(module, name), []byte(text), 0o644))
	}
	program := filepath.Join(module, "gohost")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = module
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	if out := run(t, "", program); strings.TrimSpace(out) != "ok" {
		t.Errorf(`output %q, want "ok"`, out)
	}
}

// The C tests pass with the address sanitizer in the program and in the library. REFMON_SANITIZED names the folder of
// that library.
func TestCTestsPassWithAddressSanitizer(t *testing.T) {
	folder := os.Getenv("REFMON_SANITIZED")
	if folder == "" {
		t.Skip("build it with SANITIZE=address bash capi/build.sh FOLDER, and set REFMON_SANITIZED=FOLDER")
	}
	if !filepath.IsAbs(folder) {
		folder = filepath.Join("..", folder) // a path relative to the root of the module
	}
	folder = check.Must(filepath.Abs(folder))
	t.Setenv("ASAN_OPTIONS", "detect_leaks=0")
	program := compile(t, folder, append(sources(t), "-fsanitize=address", "-lrefmon")...)
	if out := run(t, "", program); !passed.MatchString(out) {
		t.Errorf("output %q, want 0 failed assertions", out)
	}
}
