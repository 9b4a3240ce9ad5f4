package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
)

// A signal that ends the kit ends the adapter too, although the adapter is in a process group of its own. A command
// without an adapter ends at once.
func TestSignalEndsAdapter(t *testing.T) {
	t.Setenv("REFMON_KIT_SELF", "1")
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if signal.Ignored(sig) {
			continue
		}
		r, errs, err := os.Pipe()
		check.NoError(t, err)
		cmd := exec.Command(os.Args[0], "run", "--suite", "audit", "--", "sh", "-c", "echo ready >&2; sleep 60 & wait")
		cmd.Stderr = errs
		check.NoError(t, cmd.Start())
		check.NoError(t, errs.Close())
		check.NoError(t, r.SetReadDeadline(time.Now().Add(30*time.Second)))
		lines := bufio.NewReader(r)
		_, err = lines.ReadString('\n')
		check.NoError(t, err)
		check.NoError(t, cmd.Process.Signal(sig))
		// The pipe ends when the last process that has its other end is gone.
		text, err := io.ReadAll(lines)
		check.That(t, err == nil, "%v: standard error after %q: %v, want its end", sig, text, err)
		check.NoError(t, r.Close())
		var exit *exec.ExitError
		check.That(t, errors.As(cmd.Wait(), &exit) && exit.ExitCode() == exitMalformed, "%v: %v, want exit code %d", sig,
			cmd.ProcessState, exitMalformed)
	}
	cmd := exec.Command(os.Args[0], "adapter")
	in := check.Must(cmd.StdinPipe())
	out := check.Must(cmd.StdoutPipe())
	check.NoError(t, cmd.Start())
	_, questions, _ := command("", "questions", "--suite", "audit")
	go func() { _, _ = io.WriteString(in, questions) }()
	_, err := bufio.NewReader(out).ReadString('\n')
	check.NoError(t, err)
	check.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	ended := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
	var exit *exec.ExitError
	check.That(t, errors.As(cmd.Wait(), &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGTERM,
		"adapter command: %v, want its end by SIGTERM", cmd.ProcessState)
	ended.Stop()
}
