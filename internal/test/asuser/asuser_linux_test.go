package asuser_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/refmon/refmon/internal/test/asuser"
	"github.com/refmon/refmon/internal/test/check"
)

// TestRunIsAnotherUser checks that a file that only root may read is closed to the function, and that the test itself
// is still root afterwards.
func TestRunIsAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be another user")
	}
	file := filepath.Join(t.TempDir(), "f")
	check.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := asuser.Run(4711, 4711, func() (*os.File, error) { return os.Open(file) })
	check.ErrorIs(t, err, os.ErrPermission, "an open by uid 4711")
	f := check.Must(os.Open(file))
	check.NoError(t, f.Close())
}
