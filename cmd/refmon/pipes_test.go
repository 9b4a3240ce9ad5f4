package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
	"testing/iotest"

	"github.com/refmon/refmon/internal/test/check"
)

// TestFailedPipeCopyIsNotReused checks that a pipe whose copy failed is not taken for a whole one.
func TestFailedPipeCopyIsNotReused(t *testing.T) {
	failed := errors.New("failed")
	p := &pipe{in: io.NopCloser(io.MultiReader(bytes.NewReader([]byte("half")), iotest.ErrReader(failed)))}
	for range 2 {
		if err := p.keep(); !errors.Is(err, failed) {
			t.Errorf("keep: %v, want the error of the pipe", err)
		}
	}
	check.That(t, p.file == nil, "half of the pipe is kept")
}

// hook is an input that calls itself when it is read.
type hook func([]byte) (int, error)

func (f hook) Read(b []byte) (int, error) { return f(b) }

// TestImportCopyHasNoName checks that while acl import copies its input, the copy has no name, because a signal would
// leave it.
func TestImportCopyHasNoName(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	in := hook(func([]byte) (int, error) {
		left, err := os.ReadDir(dir)
		check.That(t, err == nil && len(left) == 0, "the folder for temporary files has %v, error %v", left, err)
		return 0, io.EOF
	})
	f, err := (&aclImportCmd{File: "-"}).input(&streams{in: in})
	check.NoError(t, err)
	check.NoError(t, f.Close())
}
