package tree_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// If links replace directories or files during a walk, their rows are errors. The link targets do not appear under
// these names.
func TestLinkDuringWalkIsAnError(t *testing.T) {
	root, secret := t.TempDir(), t.TempDir()
	make := func(dir string, mode os.FileMode) {
		for _, name := range []string{"a/x", "a/deep/y", "b/z", "c/one", "c/two"} {
			path := filepath.Join(dir, name)
			check.NoError(t, errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, mode)))
		}
	}
	make(root, 0o644)
	make(secret, 0o600)
	source := tree.Files([]string{root}, tree.Options{Recurse: true})
	var b objects.Batch
	check.NoError(t, source.Next(&b))
	if err := source.Next(new(objects.Batch)); !errors.Is(err, io.EOF) { // the walk has ended
		t.Fatal(err)
	}
	swap := func(name string) {
		if err := errors.Join(os.Rename(filepath.Join(root, name), filepath.Join(secret, "was "+filepath.Base(name))),
			os.Symlink(filepath.Join(secret, name), filepath.Join(root, name))); err != nil {
			t.Fatal(err)
		}
	}
	swap("a")
	swap("c/one")
	refused := map[string]bool{"a": true, "a/x": true, "a/deep": true, "a/deep/y": true, "c/one": true}
	n := 0
	b.Each(func(o *objects.Object) {
		n++
		name := strings.TrimPrefix(strings.TrimPrefix(string(o.Path), root), "/")
		if !refused[name] {
			check.That(t, o.Err == nil, "%s: %v, want nil", name, o.Err)
			return
		}
		if o.Err == nil {
			d, err := o.Descriptor(sid.SID{})
			t.Errorf("%s was read through a link: owner %v, %v", name, d.Owner(), err)
		}
	})
	check.That(t, n == 10, "%d rows, want 10", n)
}

// A link that the caller names is read like its target: owner and group are those of the target, with a walk and
// without one.
func TestNamedLinkHasOwnerOfTarget(t *testing.T) {
	dir := t.TempDir()
	file, uid, gid := filepath.Join(dir, "file"), os.Getuid(), os.Getgid()
	check.NoError(t, os.WriteFile(file, nil, 0o640))
	if uid == 0 {
		uid, gid = 1234, 1235
		check.NoError(t, os.Chown(file, uid, gid))
	}
	link := filepath.Join(dir, "link")
	check.NoError(t, os.Symlink("file", link))
	for _, recurse := range []bool{false, true} {
		var got []string
		err := objects.All(t.Context(), tree.Files([]string{file, link}, tree.Options{Recurse: recurse}), sid.SID{},
			winnt.FileObject, func(i objects.Item) bool {
				check.NoError(t, i.Err)
				got = append(got, i.Descriptor.Owner().String(), i.Descriptor.Group().String())
				return true
			})
		check.NoError(t, err)
		own := []string{fmt.Sprintf("S-1-22-1-%d", uid), fmt.Sprintf("S-1-22-2-%d", gid)}
		check.SlicesEqual(t, got, slices.Concat(own, own), "owner and group of a file and of a link to it, with a walk: %t",
			recurse)
	}
}
