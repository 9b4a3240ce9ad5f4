//go:build !linux

package beneath_test

import (
	"errors"
	"testing"

	"github.com/refmon/refmon/internal/beneath"
)

// TestUnsupported: a system without the means says so.
func TestUnsupported(t *testing.T) {
	if _, err := beneath.Open(t.TempDir()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Open: %v", err)
	}
}
