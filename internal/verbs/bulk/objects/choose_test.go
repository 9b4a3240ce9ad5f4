package objects_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/verbs/bulk/objects"
	"github.com/refmon/refmon/winnt"
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
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestChoose: by type and by glob; what cannot be read stays unless its type is known
// (U-105, U-106).
func TestChoose(t *testing.T) {
	const lines = `{"path":"/s","sd":"D:","type":"directory"}
{"path":"/s/a.tmp","sd":"D:"}
{"path":"/s/tmp/b","sd":"D:","type":"file"}
{"path":"/s/c","type":"directory"}
{"path":"/s/d","sd":"D:","type":"nosuch"}
{"path":"C:\\s\\tmp\\e","sd":"D:"}
`
	dir, file := winnt.DirectoryFileObject, winnt.FileObject
	for _, c := range []struct {
		choice objects.Choice
		want   string
	}{
		{objects.Choice{}, `/s /s/a.tmp /s/tmp/b /s/c! /s/d! C:\s\tmp\e`},
		{objects.Choice{Only: dir, Type: file}, `/s /s/c! /s/d!`},
		{objects.Choice{Only: file, Type: file}, `/s/a.tmp /s/tmp/b /s/c! /s/d! C:\s\tmp\e`},
		{objects.Choice{Exclude: objects.Patterns{"tmp"}}, `/s /s/a.tmp /s/c! /s/d!`},
		{objects.Choice{Exclude: objects.Patterns{"*.tmp", "C:/s/tmp"}}, `/s /s/tmp/b /s/c! /s/d!`},
		{objects.Choice{Exclude: objects.Patterns{"/s/?"}}, `/s /s/a.tmp /s/tmp/b C:\s\tmp\e`},
		{objects.Choice{Exclude: objects.Patterns{"s"}}, ``},
	} {
		got := paths(t, objects.Choose(objects.Lines(strings.NewReader(lines), 0, 0), c.choice))
		if !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("%+v: %v, want %s", c.choice, got, c.want)
		}
	}
	for _, bad := range []string{"", "[", "a[]"} {
		if (objects.Patterns{"ok", bad}).Check() == nil {
			t.Errorf("%q is a glob", bad)
		}
	}
}

// TestWalkIsPruned: a walk goes so deep, and not below what is left out; its own root
// stays.
func TestWalkIsPruned(t *testing.T) {
	root := filepath.Join(t.TempDir(), "tmp")
	for _, name := range []string{"a/b/c", "a/tmp/d", "e.tmp"} {
		if err := os.MkdirAll(filepath.Join(root, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		opt  objects.TreeOptions
		want string
	}{
		{objects.TreeOptions{Recurse: true}, " /a /a/b /a/b/c /a/tmp /a/tmp/d /e.tmp"},
		{objects.TreeOptions{Recurse: true, Depth: 1}, " /a /e.tmp"},
		{objects.TreeOptions{Recurse: true, Depth: 2}, " /a /a/b /a/tmp /e.tmp"},
		{objects.TreeOptions{Recurse: true, Exclude: objects.Patterns{"tmp", "*.tmp"}}, " /a /a/b /a/b/c"},
		{objects.TreeOptions{Recurse: true, Exclude: objects.Patterns{filepath.ToSlash(root) + "/*"}}, ""},
	} {
		var got []string
		for _, p := range paths(t, objects.Files([]string{root}, c.opt)) {
			got = append(got, strings.TrimPrefix(filepath.ToSlash(strings.TrimSuffix(p, "!")), filepath.ToSlash(root)))
		}
		if want := strings.Split(c.want, " "); !slices.Equal(got, want) {
			t.Errorf("%+v: %q, want %q", c.opt, got, want)
		}
	}
}
