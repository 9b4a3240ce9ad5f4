package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	shared "github.com/refmon/refmon/internal/test/programs"
	"github.com/refmon/refmon/internal/test/randtest"
)

func compiler() string {
	if cc := os.Getenv("CC"); cc != "" {
		return cc
	}
	return "cc"
}

func skipped() bool {
	_, err := exec.LookPath(compiler())
	return runtime.GOOS != "linux" || err != nil
}

// library returns the folder of the built library. It skips the test without a C compiler and on systems other than
// Linux.
func library(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the library")
	}
	if skipped() {
		t.Skipf("needs Linux and a C compiler (%s)", compiler())
	}
	return shared.Library(t)
}

// compile compiles C files into a program that is linked with the library.
func compile(t *testing.T, folder string, args ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	if out, err := compileTo(program, folder, args...); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	return program
}

// compileTo works like compile, but writes the file program. It returns the compiler's output.
func compileTo(program, folder string, args ...string) (string, error) {
	level := "-O0"
	if randtest.Deep() {
		level = "-O1" // with more warnings, but slower
	}
	args = append(args, "-Wall", "-Werror", "-std=gnu11", level, "-I", folder+"/include", "-o", program, "-L",
		folder+"/lib", "-Wl,-rpath,"+folder+"/lib", "-lpthread")
	out, err := exec.Command(compiler(), args...).CombinedOutput()
	return string(out), err
}

// testsInC returns the program of tests/*.c, which is compiled once. It runs with the embedded kernel and over a
// socket.
func testsInC(t *testing.T) string {
	t.Helper()
	folder, files := library(t), sources(t) // with the files, the go command notices that they changed
	return shared.Once(t, "tests-in-c", func(to string) (string, error) {
		return compileTo(to, folder, append(files, "-lrefmon")...)
	})
}

func run(t *testing.T, env string, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), env)
	if !randtest.Deep() {
		cmd.Env = append(cmd.Env, "REFMON_TENTH=1")
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("running %s: %v\n%s", filepath.Base(program), err, out)
	}
	return string(out)
}

// sources returns the files of the C tests.
func sources(t *testing.T) []string {
	t.Helper()
	files := check.Must(filepath.Glob("tests/*.c"))
	var list []string
	more, _ := filepath.Glob("tests/*.h")
	headers, _ := filepath.Glob("include/refmon/*.h")
	for _, f := range append(append(headers, more...), "build.sh") {
		if _, err := os.Stat(f); err != nil { // so that a change of it invalidates the cached test result
			t.Fatal(err)
		}
	}
	for _, f := range files {
		check.NoError(t, check.Err(os.Stat(f)))
		if filepath.Base(f) != "example.c" {
			list = append(list, f)
		}
	}
	return list
}

// The C tests in tests/*.c pass. They cover the cases AC-001, AC-002, AC-004, AC-006 to AC-008, AC-023 to AC-026,
// AC-028, AC-029, AC-032, AC-037, AC-045, AC-058 to AC-062, AC-100, AC-103, AC-113, AC-114, TC-2, TC-41, OC-46. An
// account without a domain belongs to the computer, in both profiles (S-81). Names of privileges and of the caller
// are in tests/logon.c (T-146, T-147).
func TestCTestsPass(t *testing.T) {
	out := run(t, "", testsInC(t))
	t.Log(strings.TrimSpace(out))
	check.That(t, regexp.MustCompile(`(?m)^\d+ assertions, 0 failed$`).MatchString(out),
		"the output has no line \"N assertions, 0 failed\":\n%s", out)
}

// The C tests pass through the functions with the calling convention of Windows.
func TestCTestsPassWithMSABI(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("ms_abi is of x86-64")
	}
	randtest.SkipUnlessDeep(t, "it compiles the C tests a second time")
	folder := library(t)
	out := run(t, "", compile(t, folder, append(sources(t), "-DREFMON_MS_ABI", "-lrefmon-ms", "-lrefmon")...))
	check.That(t, strings.Contains(out, " 0 failed"), "output of the C tests: %s\nwant text with \" 0 failed\"", out)
}

// A program finds functions by name, with each way of linking.
func TestFunctionsAreFoundByName(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("ms_abi is of x86-64")
	}
	folder := library(t)
	for _, flag := range []string{"-Wl,--as-needed", "-Wl,--no-as-needed", "-rdynamic"} {
		if out := run(t, "", compile(t, folder, "tests/lookup/main.c", "-DREFMON_MS_ABI", flag, "-lrefmon-ms", "-lrefmon",
			"-ldl")); out != "ok\n" {
			t.Errorf("program linked with %s: %s, want %q", flag, out, "ok\n")
		}
	}
}

// Tests of privileges that no built-in profile has pass in their own process, with both calling conventions.
func TestPrivilegedCTestsPass(t *testing.T) {
	folder := library(t)
	files := check.Must(filepath.Glob("tests/privileged/*.c"))
	for _, args := range [][]string{{"-lrefmon"}, {"-DREFMON_MS_ABI", "-lrefmon-ms", "-lrefmon"}} {
		if len(args) > 1 && runtime.GOARCH != "amd64" {
			continue
		}
		out := run(t, "REFMON_TOKEN=tests/privileged/token.json", compile(t, folder, append(files[:len(files):len(files)],
			args...)...))
		check.That(t, regexp.MustCompile(`(?m)^\d{3,} assertions, 0 failed$`).MatchString(out),
			"program linked with %v: want at least 100 assertions and 0 failed, got\n%s", args, out)
	}
}

// The examples in docs/c-abi.md equal the tested files, and the programs run.
func TestExamplesOfGuideRun(t *testing.T) {
	doc := check.Must(os.ReadFile("../docs/c-abi.md"))
	for _, name := range []string{"tests/example.c", "tests/example.py"} {
		text := check.Must(os.ReadFile(name))
		check.That(t, bytes.Contains(doc, bytes.TrimSpace(text)), "docs/c-abi.md does not contain %s unchanged", name)
	}
	folder := library(t)
	want := "as the client:  0xC00000A5\nas the process: 0x00000000\nlevel:          1\n"
	if got := run(t, "", compile(t, folder, "tests/example.c", "-lrefmon")); got != want {
		t.Errorf("example.c: got\n%s\nwant\n%s", got, want)
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 for the ctypes example")
	}
	for env, want := range map[string]string{"REFMON_USER=administrator": "granted 0x1\n",
		"REFMON_USER=standard": "denied, error 5\n"} {
		check.Equal(t, run(t, env, python, "tests/example.py", folder+"/lib/librefmon.so"), want,
			"example.py, %s", env)
	}
}
