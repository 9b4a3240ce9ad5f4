package beneath

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestResolveFollowsKernel checks that a path through a link leads where the kernel goes, and that a link at the end is
// not followed.
func TestResolveFollowsKernel(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows itself cleans a path before it follows links")
	}
	home := check.Must(filepath.EvalSymlinks(t.TempDir()))
	t.Chdir(home)
	check.NoError(t, errors.Join(os.MkdirAll("real/in", 0o700), os.Symlink("real/in", "far")))
	for path, want := range map[string]string{"far/../x": "real/x", "far/x": "real/in/x", "far": "far", "far//": "far",
		"far/.": "real/in", "far/..": "real", "real/../far": "far", "none": "none", ".": "", "": ""} {
		for _, given := range []string{path, home + "/" + path} {
			got, err := Resolve(given)
			check.That(t, err == nil && got == filepath.Join(home, want), "%q: %s, %v, want %s", given, got, err, want)
		}
	}
	check.Equal(t, check.Must(Resolve("/")), "/", "the root")
	check.ErrorIs(t, check.Err(Resolve("none/../x")), fs.ErrNotExist, "a path through a missing directory")
}
