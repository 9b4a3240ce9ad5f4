package main

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestExportKeepsPipesAndDevices checks that an export writes into a pipe that has the file's name. Root would
// otherwise replace a device such as /dev/full by a file.
func TestExportKeepsPipesAndDevices(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pipe")
	check.NoError(t, syscall.Mkfifo(file, 0o600))
	pipe := check.Must(os.OpenFile(file, os.O_RDWR, 0)) // both ends, so that no open waits
	defer pipe.Close()
	check.NoError(t, writeAtomically(file, nil, func(w io.Writer) error {
		_, err := io.WriteString(w, "domain")
		return err
	}))
	if info := check.Must(os.Lstat(file)); info.Mode().Type() != os.ModeNamedPipe {
		t.Fatalf("the pipe became %v", info.Mode())
	}
	var got [6]byte
	n, err := pipe.Read(got[:])
	check.That(t, err == nil && string(got[:n]) == "domain", "%q, %v", got[:n], err)
}
