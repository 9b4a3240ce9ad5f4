package main

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// tail waits for more records and forward for its sink until SIGINT or SIGTERM, which ends them with exit code 0. A
// signal that they do not handle ends the test binary.
func TestSignalEndsAuditCommands(t *testing.T) {
	dir := newTrail(t, 0)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		for _, args := range [][]string{{"tail", dir}, {"forward", dir, "--to", "unix:" + filepath.Join(dir, "missing")}} {
			out, in := io.Pipe()
			ended := make(chan int)
			go func() {
				code := run(append([]string{"audit"}, args...), &streams{out: in, err: in})
				_ = in.Close()
				ended <- code
			}()
			_, err := bufio.NewReader(out).ReadString('\n')
			check.NoError(t, err)
			check.NoError(t, syscall.Kill(os.Getpid(), sig))
			_, err = io.Copy(io.Discard, out)
			check.NoError(t, err)
			check.Equal(t, <-ended, exitGranted, "%v: exit code of %q", sig, args)
		}
	}
}
