//go:build !linux

package beneath_test

import (
	"errors"
	"testing"

	"github.com/refmon/refmon/internal/beneath"
)

// TestOpenIsUnsupportedElsewhere checks that on systems other than Linux Open fails with errors.ErrUnsupported.
func TestOpenIsUnsupportedElsewhere(t *testing.T) {
	if _, err := beneath.Open(t.TempDir()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Open: %v, want %v", err, errors.ErrUnsupported)
	}
}
