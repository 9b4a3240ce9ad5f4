package source_test

import (
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/objects/source"
	"github.com/refmon/refmon/internal/test/check"
)

// TestHoldsOpensNoPipe checks that a named pipe is not opened: that would wait for a writer, and let one write.
func TestHoldsOpensNoPipe(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pipe")
	check.NoError(t, unix.Mkfifo(name, 0o600))
	done := make(chan bool, 1)
	go func() { done <- source.Holds(name) }()
	select {
	case holds := <-done:
		check.That(t, !holds, "a pipe holds objects")
	case <-time.After(time.Minute):
		t.Error("Holds waits for a writer of the pipe")
	}
}
