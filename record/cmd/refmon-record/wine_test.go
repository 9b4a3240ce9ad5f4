//go:build !windows

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/replay"
	"github.com/refmon/refmon/internal/test/check"
)

// wine runs a Windows program in a folder of its own; it skips the test where
// there is no Wine that could.
type wine struct {
	t       *testing.T
	program string
	env     []string
}

func newWine(t *testing.T) *wine {
	t.Helper()
	w := &wine{t: t}
	for _, name := range []string{"wine64", "wine", "/usr/lib/wine/wine64"} {
		if p, err := exec.LookPath(name); err == nil {
			w.program = p
			break
		}
	}
	if w.program == "" {
		t.Skip("there is no wine64: Debian has it in the package of that name")
	}
	if testing.Short() {
		t.Skip("starting Wine takes seconds")
	}
	dir := t.TempDir()
	w.env = append(os.Environ(), "WINEPREFIX="+dir, "WINEDEBUG=-all", "DISPLAY=")
	w.run("cmd.exe", "/c", "exit")
	t.Cleanup(w.stop)
	w.random(filepath.Join(dir, "drive_c", "windows", "system32", "bcryptprimitives.dll"))
	return w
}

// random adds a stub of bcryptprimitives.dll to a Wine without it.
func (w *wine) random(dll string) {
	w.t.Helper()
	if _, err := os.Stat(dll); err == nil {
		return
	}
	const compiler = "x86_64-w64-mingw32-gcc"
	if _, err := exec.LookPath(compiler); err != nil {
		w.t.Skip("this Wine has no bcryptprimitives.dll, and there is no " + compiler + " to build the stub with")
	}
	out, err := exec.Command(compiler, "-shared", "-O2", "-o", dll, "wine/bcryptprimitives.c",
		"-ladvapi32").CombinedOutput()
	check.RequireThat(w.t, err == nil, "%v\n%s", err, out)
}

// stop waits until the processes of the folder have ended, so that it can go.
func (w *wine) stop() {
	server := filepath.Join(filepath.Dir(w.program), "wineserver")
	if _, err := os.Stat(server); err != nil {
		server = "/usr/lib/wine/wineserver"
	}
	for _, flag := range []string{"-k", "-w"} {
		cmd := exec.Command(server, flag)
		cmd.Env = w.env
		_ = cmd.Run() // the server is wanted to have gone
	}
}

// run runs a Windows program and returns its standard output. The output goes to files, because the Wine server would
// keep a pipe open. Wine writes its own messages to standard error.
func (w *wine) run(args ...string) []byte {
	w.t.Helper()
	dir := w.t.TempDir()
	cmd := exec.Command(w.program, args...)
	stdout := check.Must(os.Create(filepath.Join(dir, "stdout")))
	stderr := check.Must(os.Create(filepath.Join(dir, "stderr")))
	defer func() { check.NoError(w.t, errors.Join(stdout.Close(), stderr.Close())) }()
	cmd.Env, cmd.Stdout, cmd.Stderr = w.env, stdout, stderr
	err := cmd.Run()
	out, said := check.Must(os.ReadFile(stdout.Name())), check.Must(os.ReadFile(stderr.Name()))
	check.RequireThat(w.t, err == nil, "%q: %v\n%s%s", args, err, out, said)
	return out
}

// TestRecorderRunsUnderWine records the results of Wine, to show that the recorder works: its calls arrive, their
// outputs are read, and refmon compare understands them. It requires of Wine only what any system that runs Windows
// programs does.
func TestRecorderRunsUnderWine(t *testing.T) {
	w := newWine(t)
	exe := filepath.Join(t.TempDir(), "refmon-record.exe")
	build := exec.Command("go", "build", "-o", exe, ".")
	build.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const transcripts = "../../../internal/test/ntostest/testdata/"
	out := w.run(exe, "testdata/own.star", "testdata/decided.star", "../../../examples/impersonation.star",
		transcripts+"30-pipes.txt")
	rec := check.Must(replay.Read(bytes.NewReader(out)))
	s := rec.Header.System
	check.That(t, s.Wine != "" && s.Build >= 7600 && s.Architecture == "amd64" &&
		rec.Header.Tokens == replay.OwnToken, "%+v", rec.Header)
	r := compared(t, rec)
	t.Logf("Wine %s: %+v", rec.Header.System.Wine, r.Counts)
	for why, n := range r.Skips {
		t.Logf("not asked: %d %s", n, why)
	}
	check.That(t, r.Counts.Same >= 250 && len(r.Settles) == 0,
		"%d calls have the recorded result, and %d rules are settled, want at least 250 and 0: %+v", r.Counts.Same,
		len(r.Settles), r.Counts)
	calls := map[string][]string{} // statuses of the program's calls
	for _, l := range rec.Lines {
		if l.Case == "own.star" && l.Call != "" {
			calls[l.Call] = append(calls[l.Call], l.Status)
		}
	}
	for call, statuses := range map[string]string{
		"NtOpenProcessToken":     "STATUS_SUCCESS",
		"NtClose":                "STATUS_SUCCESS STATUS_INVALID_HANDLE",
		"NtDuplicateToken":       "STATUS_SUCCESS",
		"NtSetInformationThread": "STATUS_SUCCESS",
		"NtOpenThreadToken":      "STATUS_SUCCESS STATUS_NO_TOKEN",
		"NtFilterToken":          "STATUS_SUCCESS",
		"NtAccessCheck":          "STATUS_SUCCESS",
		"NtOpenProcess":          "STATUS_SUCCESS",
	} {
		for _, st := range strings.Fields(statuses) {
			check.That(t, slices.Contains(calls[call], st), "%s: %v, and none is %s", call, calls[call], st)
		}
	}
	if i := slices.IndexFunc(rec.Lines, func(l replay.Line) bool {
		return l.Case == "own.star" &&
			l.Skipped != ""
	}); i >= 0 {
		t.Errorf("own.star ended early: %s", rec.Lines[i].Skipped)
	}
}
