package tree_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/internal/test/check"
)

// TestNamedReportsSpecialFilesAsMissing checks that a missing file, a pipe and a link are objects with an error that
// wraps fs.ErrNotExist, between files that are read.
func TestNamedReportsSpecialFilesAsMissing(t *testing.T) {
	root := t.TempDir()
	at := func(name string) string { return filepath.Join(root, name) }
	check.NoError(t, errors.Join(os.MkdirAll(at("dir/sub/deep"), 0o700), os.WriteFile(at("dir/file"), nil, 0o600),
		unix.Mkfifo(at("pipe"), 0o600), os.Symlink("dir", at("link"))))
	for recurse, below := range map[bool][]string{false: nil, true: {"dir/file", "dir/sub", "dir/sub/deep"}} {
		var got, missing []string
		list := []string{at("pipe"), at("dir"), at("none"), at("link"), at("dir/file")}
		source := check.Must(tree.Named(root, list, tree.Options{Recurse: recurse, Depth: 1, Way: true,
			Exclude: objects.Patterns{"file"}}))
		check.NoError(t, objects.Each(context.Background(), source, func(_ *objects.Batch, o *objects.Object) error {
			name := check.Must(filepath.Rel(root, string(o.Path)))
			if got = append(got, name); errors.Is(o.Err, fs.ErrNotExist) {
				missing = append(missing, name)
				return nil
			}
			return o.Err
		}))
		want := append(append([]string{"pipe", "dir"}, below...), "none", "link", "dir/file")
		check.SlicesEqual(t, got, want, "objects, recurse %t", recurse)
		check.SlicesEqual(t, missing, []string{"pipe", "none", "link"}, "missing objects, recurse %t", recurse)
	}
}
