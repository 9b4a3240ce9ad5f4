package tree_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/internal/test/check"
)

// chdirTree makes some folders and files below a new working directory.
func chdirTree(t *testing.T, files ...string) string {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, name := range files {
		check.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		check.NoError(t, os.WriteFile(name, []byte(name), 0o644))
	}
	at, err := os.Getwd()
	check.NoError(t, err)
	return at
}

// TestFoldersOfPathIncludeLinks checks that the folders of a path are those that the kernel searches: also those of
// links, of ".." behind a link and of the working directory. A circle of links and a missing name are errors (B-20).
func TestFoldersOfPathIncludeLinks(t *testing.T) {
	at := chdirTree(t, "a/b/f", "c/f")
	check.NoError(t, os.Chmod("c", os.ModeSticky|0o755))
	for name, target := range map[string]string{"link": "a/b", "c/up": "../link/../b", "circle": "circle",
		"whole": at + "/a"} {
		check.NoError(t, os.Symlink(target, name))
	}
	for path, want := range map[string]string{
		"a/b/f": ". a a/b", "./a//b/./f": ". a a/b", "link/f": ". a a/b", "link/../b/f": ". a a/b", "a": ".",
		"c/up/f": ". c a a/b", "whole/b/f": ". a a/b", at + "/c/f": ". c", "link": ". a",
		"circle": "error", "missing/f": "error",
	} {
		list, err := tree.FoldersTo(path, nil)
		var got []string
		for _, f := range list {
			if name, err := filepath.Rel(at, f.Path); err == nil && !strings.HasPrefix(name, "..") {
				got = append(got, name)
				check.Equal(t, f.Mode&0o1000 != 0, name == "c", "%s is sticky", name)
			}
		}
		if err != nil {
			got = []string{"error"}
		}
		check.That(t, strings.Join(got, " ") == want, "%s leads through %v, want %s: %v", path, got, want, err)
		if err == nil && list[0].Path != "/" {
			t.Errorf("%s begins at %s, want /", path, list[0].Path)
		}
	}
	check.NoError(t, os.Symlink("a", "1"))
	for i := 2; i <= 41; i++ { // as many links as Linux follows, and one more
		check.NoError(t, os.Symlink(strconv.Itoa(i-1), strconv.Itoa(i)))
	}
	for name, followed := range map[string]bool{"40/b": true, "41/b": false} {
		check.Equal(t, check.Err(os.Stat(name)) == nil, followed, "the host follows %s", name)
		check.Equal(t, check.Err(tree.FoldersTo(name, nil)) == nil, followed, "the folders to %s are known", name)
	}
}

// TestEqualFolderPermissionsShareOneWay checks that objects behind folders of equal permissions have one way, and
// others another one. A way is read back from its text, and a text that is cut off is an error (B-20).
func TestEqualFolderPermissionsShareOneWay(t *testing.T) {
	at := chdirTree(t, "tree/a/f", "tree/b/f", "tree/closed/f", "tree/closed/in/f", "other/a/f")
	check.NoError(t, errors.Join(os.Chmod("tree/closed", 0o750), os.Chmod("other/a", 0o750)))
	ways := map[string]*objects.Way{}
	source := tree.Files([]string{filepath.Join(at, "tree")}, tree.Options{Recurse: true, Way: true})
	err := objects.Each(context.Background(), source, func(_ *objects.Batch, o *objects.Object) error {
		ways[strings.TrimPrefix(string(o.Path), at+"/tree/")] = o.Way
		return o.Err
	})
	check.NoError(t, err)
	open, closed := ways["a/f"], ways["closed/f"]
	check.That(t, open != nil && ways["b/f"] == open && closed != open && ways["closed/in/f"] != open, "ways %v", ways)
	if n := len(ways["closed/in/f"].Folders()); n != len(closed.Folders()) { // "in" has the permissions of "tree"
		t.Errorf("%d folders behind closed/in, want those behind closed, %d", n, len(closed.Folders()))
	}
	check.That(t, !closed.PassesOthers(), "a folder of mode 0750 passes others")
	again, err := objects.ParseWay(closed.Text())
	if err != nil || again.Text() != closed.Text() || again.PassesOthers() ||
		len(again.Folders()) != len(closed.Folders()) {
		t.Errorf("ParseWay = %v, %v, want a way with the text %q and %d folders that others cannot pass", again, err,
			closed.Text(), len(closed.Folders()))
	}
	// The next root has folders of its own, although they have the same names.
	source = tree.Files([]string{at + "/tree", at + "/other"}, tree.Options{Recurse: true, Way: true})
	var b objects.Batch
	for source.Next(&b) == nil {
		b.Each(func(o *objects.Object) { ways[strings.TrimPrefix(string(o.Path), at+"/")] = o.Way })
	}
	check.That(t, ways["tree/a/f"].Text() != ways["other/a/f"].Text(), "the ways of two roots are one")
	for n := 1; n < 8; n++ {
		check.That(t, check.Err(objects.ParseWay(closed.Text()[:n])) != nil, "%d bytes of a way are a way", n)
	}
}

// TestUncleanPathWalksSameFiles checks that a path that is not in its shortest form gives the same files below it.
func TestUncleanPathWalksSameFiles(t *testing.T) {
	chdirTree(t, "tree/a/f")
	for _, root := range []string{"tree", "tree/", "./tree/", "tree//", ".//tree/", "./tree/."} {
		var got []string
		source := tree.Files([]string{root}, tree.Options{Recurse: true, Identify: true, Search: true})
		err := objects.Each(context.Background(), source, func(_ *objects.Batch, o *objects.Object) error {
			kind := "folder"
			if o.Inode != 0 {
				kind = "file"
			}
			check.That(t, root == "tree//" || !strings.Contains(string(o.Path), "tree//"), "%s below %s", o.Path, root)
			check.Equal(t, o.Search != nil, kind == "folder", "%s has a search permission", o.Path)
			got = append(got, filepath.Clean(string(o.Path))+" "+kind)
			return o.Err
		})
		if want := []string{"tree folder", "tree/a folder", "tree/a/f file"}; err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q: %v", root, got, want, err)
		}
	}
}
