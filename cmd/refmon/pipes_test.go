package main

import (
	"bytes"
	"errors"
	"io"
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
