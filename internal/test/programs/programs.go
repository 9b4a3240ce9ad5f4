// Package programs builds the repository's programs and C library for tests, each once in a run of `go test`.
//
//	programs.Install(t, bin, "refmon", "refmond") // bin/refmon and bin/refmond
//
// The go command runs the tests of each package in a process of their own, and keeps all test programs of a run in one
// work folder (go-build1234/b001/x.test), which it removes at the end. What this package builds is in that folder too.
// A process that needs a program takes the lock of its name there (flock). The first one builds it under another name
// and renames it; the others wait for the lock and find it. A go command that a test starts for another module shares
// the folder by the environment ([Share]). Without a work folder, as in a program of `go test -c`, each test builds its
// own.
//
// Programs are built without the race detector and from the sources as they are: an overlay of `go test` has no effect.
package programs

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/randtest"
)

// variable names the folder that go commands share.
const variable = "REFMON_PROGRAMS"

// built are the programs by name: the folder of the module and the package in it.
var built = map[string][2]string{
	"refmon":         {".", "./cmd/refmon"},
	"refmon-gateway": {"server", "./cmd/refmon-gateway"},
	"refmon-index":   {"server", "./cmd/refmon-index"},
	"refmon-verify":  {".", "./cmd/refmon-verify"},
	"refmond":        {"server", "./cmd/refmond"},
}

// Install puts programs into a folder, which it makes, executable by every user. It ends the test for a name that is no
// program's, or if the compiler fails.
func Install(t testing.TB, folder string, names ...string) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		source, ok := built[name]
		if !ok {
			t.Fatalf("no program %q: internal/test/programs names those there are", name)
		}
		from := Once(t, name, func(to string) (string, error) {
			// Without the symbol table, linking takes a fifth less time.
			return command(filepath.Join(root(t), source[0]), "go", "build", "-ldflags=-s -w", "-o", to, source[1])
		})
		link(t, from, filepath.Join(folder, name))
	}
}

// Self puts the test's own program into a folder under another name. Its TestMain tells by the name what to run. It
// ends the test if that fails.
func Self(t testing.TB, folder, name string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	link(t, self, filepath.Join(folder, name))
}

// link makes a file to that is the file from, or a copy of it on another file system. It ends the test if that fails.
func link(t testing.TB, from, to string) {
	t.Helper()
	if err := os.Link(from, to); err == nil {
		return
	}
	if out, err := command(filepath.Dir(to), "cp", from, to); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// Library returns the folder of the C library, as capi/build.sh makes it: lib and include. The folder is shared: change
// nothing in it. Without REFMON_DEEP=1 its C code is not optimized, its Go code has no inlined functions, and packages
// net and os/user use no C, because that compiles faster. Library ends the test if the compilers fail.
func Library(t testing.TB) string {
	t.Helper()
	return Once(t, "capi", func(to string) (string, error) {
		args := []string{"bash", "build.sh", to}
		if !randtest.Deep() {
			// The cgo command compiles all of the standard library for a shared library, so the flags count.
			args = append([]string{"OPTIMIZE=-O0", "GOFLAGS=" + os.Getenv("GOFLAGS") +
				" '-gcflags=all=-l -dwarf=false' -tags=netgo,osusergo"}, args...)
		}
		return command(filepath.Join(root(t), "capi"), "env", args...)
	})
}

// Share returns the environment of a go command that shares what this package builds, based on env.
func Share(env []string) []string {
	if folder := shared(); folder != "" {
		return append(env, variable+"="+folder)
	}
	return env
}

// shared returns the folder of the run, or "" without one.
func shared() string {
	if folder := os.Getenv(variable); folder != "" {
		return folder
	}
	work := filepath.Dir(filepath.Dir(os.Args[0]))
	if !strings.HasPrefix(filepath.Base(work), "go-build") {
		return ""
	}
	return filepath.Join(work, "programs")
}

// Once returns the file or folder that build makes at the path to, which is another one than Once returns. The first
// process that asks for a name builds it. The result is shared: change nothing in it. Once ends the test if build
// fails.
func Once(t testing.TB, name string, build func(to string) (string, error)) string {
	t.Helper()
	folder := shared()
	if folder == "" {
		folder = t.TempDir()
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	lock, err := os.OpenFile(filepath.Join(folder, name+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Close() }() // it has no contents
	if err := waitFor(lock); err != nil {
		t.Fatal(err)
	}
	done := filepath.Join(folder, name)
	if _, err := os.Stat(done); !errors.Is(err, fs.ErrNotExist) {
		return done
	}
	if err := os.RemoveAll(done + ".new"); err != nil { // of a process that was killed
		t.Fatal(err)
	}
	if out, err := build(done + ".new"); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, out)
	}
	if err := os.Rename(done+".new", done); err != nil {
		t.Fatal(err)
	}
	return done
}

// command runs a command in a folder and returns what it printed.
func command(folder, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = folder
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// root returns the folder of the root module, which is above every folder that a test runs in.
func root(t testing.TB) string {
	t.Helper()
	at, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if b, err := os.ReadFile(filepath.Join(at, "go.mod")); err == nil &&
			strings.HasPrefix(string(b), "module github.com/refmon/refmon\n") {
			return at
		}
		if at == filepath.Dir(at) {
			t.Fatal("no folder above this one has the go.mod of the root module")
		}
		at = filepath.Dir(at)
	}
}
