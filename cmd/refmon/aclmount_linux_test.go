package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestLongAttributeIsReadWhole checks that a descriptor with many entries is not cut.
func TestLongAttributeIsReadWhole(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	check.NoError(t, os.WriteFile(file, nil, 0o600))
	value := strings.Repeat("x", 3000) // some file systems keep 4 KiB
	if err := setAttribute(file, "user.refmon", []byte(value)); err != nil {
		t.Skipf("no attribute of users can be set: %v", err)
	}
	check.Equal(t, string(check.Must(getAttribute(file, "user.refmon"))), value, "attribute")
	check.ErrorIs(t, aclError(file, fs.ErrPermission), fs.ErrPermission, "error of a descriptor that is not shown")
}
