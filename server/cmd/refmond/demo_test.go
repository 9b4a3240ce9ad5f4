package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/programs"
	"github.com/refmon/refmon/server/lsa"
)

// Environment variables of this test binary when the demo starts it.
const (
	failingRole = "REFMOND_TEST_FAILS" // the role that exits with code 3 at once
	pidsFolder  = "REFMOND_TEST_PIDS"  // a folder with a file for each role, named after its process id
)

// TestMain runs refmond if this binary was started under its name, and a role of the demo if the demo started it.
func TestMain(m *testing.M) {
	passwordCost = lsa.Hashing{Memory: 8, Passes: 1} // the default cost takes 0.2 s at each start
	if filepath.Base(os.Args[0]) == programName {
		main()
	}
	role := os.Getenv(demoRole)
	if role == "" {
		// Programs inherit ignored signals from the tests. nohup(1) ignores SIGHUP, and a script SIGINT for a job in the
		// background.
		for _, s := range []os.Signal{unix.SIGHUP, unix.SIGINT} {
			if signal.Ignored(s) {
				signal.Notify(make(chan os.Signal, 1), s)
			}
		}
		os.Exit(m.Run())
	}
	if err := os.WriteFile(filepath.Join(os.Getenv(pidsFolder), strconv.Itoa(os.Getpid())), nil, 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if role == os.Getenv(failingRole) {
		os.Exit(3)
	}
	main()
}

// TestFailedDemoCleansUp checks that a demo with a failing role names it, exits with code 2 and leaves no
// program or folder.
func TestFailedDemoCleansUp(t *testing.T) {
	for _, c := range []struct{ role, want string }{
		{"server", "the demo's server: EOF"}, {"alice", "the demo's alice: exit status 3"},
		{"bob", "the demo's bob: exit status 3"},
	} {
		dir, pids := t.TempDir(), t.TempDir()
		t.Setenv("TMPDIR", dir)
		t.Setenv(pidsFolder, pids)
		t.Setenv(failingRole, c.role)
		if code, out, errs := runLine("--demo"); code != exitMalformed || !strings.Contains(errs, c.want) ||
			strings.Contains(out, "Ctrl-C") {
			t.Errorf("%s fails: code %d, %q\n%s", c.role, code, errs, out)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("after the failure of %s the temporary folder has %v, error %v, want it empty, no error",
				c.role, left, err)
		}
		check.That(t, countEnded(t, pids) != 0, "%s fails: no part began", c.role)
	}
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	if code, out, errs := runLine("--demo"); code != exitMalformed || out != "" {
		t.Errorf("no folder for the demo: code %d, %q, %q", code, out, errs)
	}
	_, _, errs := runLine("--demo", "x")
	check.That(t, strings.Contains(errs, "see refmond --help"), "the demo with another argument: %q", errs)
}

// writerFunc is a writer that calls itself with each text written.
type writerFunc func(text string)

func (f writerFunc) Write(b []byte) (int, error) {
	f(string(b))
	return len(b), nil
}

// TestDemoEndsItsProgramIfServingEnds checks that the demo returns the error of serving, and leaves no program, if
// serving ends before a signal comes. Before that, only the demo's server is connected.
func TestDemoEndsItsProgramIfServingEnds(t *testing.T) {
	runtime.LockOSThread() // the kernel kills the programs when their thread ends
	defer runtime.UnlockOSThread()
	pids := t.TempDir()
	t.Setenv(pidsFolder, pids)
	t.Setenv(failingRole, "")
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // the collector would close a connection that was left open
	var s *service
	std := &streams{out: writerFunc(func(text string) {
		if strings.Contains(text, "Ctrl-C") {
			check.Eventually(t, func() bool { return s.Stats().Connections == 1 }, "ended programs are connected")
		}
	}), err: new(bytes.Buffer)}
	s, cfg, err := demoDaemon(t.TempDir(), std)
	check.NoError(t, err)
	lost := errors.New("the socket is lost")
	served := make(chan error, 1)
	served <- lost
	check.ErrorIs(t, s.play(cfg.Socket, std, nil, served), lost, "the demo's result")
	check.Equal(t, countEnded(t, pids), 4, "programs of the demo")
}

// countEnded returns the number of roles that recorded themselves in the folder pids. It reports an error for each that
// still runs. Another process may reuse a process id, but has not the role's environment.
func countEnded(t *testing.T, pids string) int {
	t.Helper()
	begun := check.Must(os.ReadDir(pids))
	for _, p := range begun {
		environment, _ := os.ReadFile("/proc/" + p.Name() + "/environ")
		check.That(t, !bytes.Contains(environment, []byte(pidsFolder+"="+pids)), "the process %s is left", p.Name())
	}
	return len(begun)
}

// TestDemoRemovesItsFolder runs the demo to its end, and checks its output and that it leaves no folder. It
// ends by Ctrl-C, when its terminal closes, and when its output is a pipe that closes.
func TestDemoRemovesItsFolder(t *testing.T) {
	dir, tmp := t.TempDir(), t.TempDir()
	bin := filepath.Join(dir, "refmond")
	programs.Self(t, dir, programName)
	for _, end := range []os.Signal{os.Interrupt, unix.SIGHUP, unix.SIGPIPE} {
		cmd := exec.Command(bin, "--demo")
		cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
		out := check.Must(cmd.StdoutPipe())
		check.NoError(t, cmd.Start())
		var story strings.Builder
		for lines := bufio.NewScanner(out); lines.Scan(); {
			story.WriteString(lines.Text() + "\n")
			if end == unix.SIGPIPE {
				check.NoError(t, out.Close())
				break
			}
			if strings.Contains(lines.Text(), "Ctrl-C") {
				check.NoError(t, cmd.Process.Signal(end))
			}
		}
		err := cmd.Wait()
		left, unread := os.ReadDir(tmp)
		check.That(t, (err == nil || end == unix.SIGPIPE) && unread == nil && len(left) == 0,
			"%v: the demo: %v; its folder has %v, error %v\n%s", end, err, left, unread, story.String())
		for _, want := range []string{"  report: STATUS_SUCCESS\n  payroll: STATUS_ACCESS_DENIED\n",
			"  report: STATUS_ACCESS_DENIED\n  payroll: STATUS_SUCCESS\n", "  report: STATUS_BAD_IMPERSONATION_LEVEL\n"} {
			check.That(t, end == unix.SIGPIPE || strings.Contains(story.String(), want),
				"the demo's output does not contain %q:\n%s", want, story.String())
		}
	}
}
