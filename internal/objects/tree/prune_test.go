package tree_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/internal/test/check"
)

// paths returns the paths of a source, "!" behind those that could not be read.
func paths(t *testing.T, s objects.Source) (out []string) {
	t.Helper()
	err := objects.Each(context.Background(), s, func(_ *objects.Batch, o *objects.Object) error {
		path := string(o.Path)
		if o.Err != nil {
			path += "!"
		}
		out = append(out, path)
		return nil
	})
	check.NoError(t, err)
	return out
}

// A walk respects the depth and the exclusions; the root itself is always included.
func TestWalkIsPruned(t *testing.T) {
	root := filepath.Join(t.TempDir(), "tmp")
	for _, name := range []string{"a/b/c", "a/tmp/d", "e.tmp"} {
		check.NoError(t, os.MkdirAll(filepath.Join(root, name), 0o700))
	}
	for _, c := range []struct {
		opt  tree.Options
		want string
	}{
		{tree.Options{Recurse: true}, " /a /a/b /a/b/c /a/tmp /a/tmp/d /e.tmp"},
		{tree.Options{Recurse: true, Depth: 1}, " /a /e.tmp"},
		{tree.Options{Recurse: true, Depth: 2}, " /a /a/b /a/tmp /e.tmp"},
		{tree.Options{Recurse: true, Exclude: objects.Patterns{"tmp", "*.tmp"}}, " /a /a/b /a/b/c"},
		{tree.Options{Recurse: true, Exclude: objects.Patterns{filepath.ToSlash(root) + "/*"}}, ""},
	} {
		var got []string
		for _, p := range paths(t, tree.Files([]string{root}, c.opt)) {
			got = append(got, strings.TrimPrefix(filepath.ToSlash(strings.TrimSuffix(p, "!")), filepath.ToSlash(root)))
		}
		if want := strings.Split(c.want, " "); !slices.Equal(got, want) {
			t.Errorf("%+v: %q, want %q", c.opt, got, want)
		}
	}
	// A root that cannot be opened does not end the walk of the others.
	none, below := filepath.Join(root, "none"), filepath.Join(root, "a", "b")
	check.SlicesEqual(t, paths(t, tree.Files([]string{none, below}, tree.Options{Recurse: true})),
		[]string{none + "!", below, filepath.Join(below, "c")}, "walk with a missing root")
}
