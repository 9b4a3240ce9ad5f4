package watch

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
)

// TestKernelPathsBecomeDocumentNames checks the conversion of kernel paths to document names for the root, its
// descendants and other paths, also if the tree's path contains a symbolic link or is the whole
// file system.
func TestKernelPathsBecomeDocumentNames(t *testing.T) {
	for _, c := range []struct{ root, at, path, want string }{
		{"/t", "/x/t", "/x/t", "/t"}, {"/t", "/x/t", "/x/t/a/b", "/t/a/b"}, {"/t", "/x/t", "/x/tt", ""},
		{"/t", "/x/t", "/x/tt/a", ""}, {"/t", "/x/t", "/x", ""}, {"/t", "/x/t", "/", ""}, {"/t", "/x/t", "/t/a", ""},
		{"/", "/", "/", "/"}, {"/", "/", "/a/b", "/a/b"}, {"/t", "/", "/a", "/t/a"}, {"/t", "/", "/", "/t"},
	} {
		check.Equal(t, (&fanotify{root: c.root, at: c.at}).documentName(c.path), c.want,
			"%s in the tree %s at %s", c.path, c.root, c.at)
	}
}

// TestEventsInDeletedFolderNameOnlyThatFolder checks that events in a deleted folder that a program still has open
// report the folder's own path alone, and not the one that the kernel gives to a deleted folder (N-143).
func TestEventsInDeletedFolderNameOnlyThatFolder(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("the kernel reports changes of a file system to root only")
	}
	root := t.TempDir()
	at := filepath.Join(root, "a")
	check.NoError(t, errors.Join(os.Mkdir(at, 0o700), os.WriteFile(at+"/old", nil, 0o600)))
	ch, err := listen(root)
	check.NoError(t, err)
	defer ch.close()
	held := check.Must(os.Open(at))
	defer held.Close()
	check.NoError(t, os.RemoveAll(at))
	into := newNews()
	overflow, err := ch.read(into)
	check.That(t, err == nil && !overflow, "%v, overflow %t", err, overflow)
	check.SlicesEqual(t, slices.Collect(maps.Keys(into.paths)), []string{at}, "N-143: the changed paths")
}

// TestReadNamesChangesInTree checks which paths each read adds, for a tree whose name is a symbolic link. Names are
// those at the time of the read. A folder that moves here is read with its descendants. If the tree moves, or its link
// leads to another folder, the tree must be walked, and later names are those of that folder (N-60). Changes of folders
// whose path is too long are only counted (N-89).
func TestReadNamesChangesInTree(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("the kernel reports changes of a file system to root only")
	}
	t.Chdir(t.TempDir())
	write := func(name string) error { return os.WriteFile(name, nil, 0o600) }
	check.NoError(t, errors.Join(os.Mkdir("one", 0o700), os.Mkdir("two", 0o700), os.Symlink("one", "tree")))
	ch, err := listen(filepath.Join(check.Must(os.Getwd()), "tree"))
	check.NoError(t, err)
	defer ch.close()
	root := ch.(*fanotify).root
	for _, c := range []struct {
		what       string
		change     func() error
		paths      string
		overflow   bool
		unnameable bool
	}{
		{"a file", func() error { return write("one/f") }, "/f", false, false},
		{"a folder", func() error { return errors.Join(os.Mkdir("one/a", 0o700), write("one/a/x")) }, "/a/ /a/x", false,
			false},
		{"a file of the folder", func() error { return write("one/a/y") }, "/a/y", false, false},
		{"a moved folder", func() error { return errors.Join(os.Rename("one/a", "one/b"), write("one/b/z")) },
			"/a /b/ /b/z", false, false},
		{"a file outside", func() error { return write("two/n") }, "", false, false},
		{"a long path", func() error { return mkdirLong("one/long") }, "/long/", false, true},
		{"another link", func() error { return errors.Join(os.Symlink("two", "new"), os.Rename("new", "tree")) }, "",
			true, false},
		{"a file of the old folder", func() error { return write("one/g") }, "", false, false},
		{"a file of the new folder", func() error { return write("two/g") }, "/g", false, false},
		{"no link", func() error { return os.Remove("tree") }, "", true, false},
		{"the link again", func() error { return os.Symlink("two", "tree") }, "", true, false},
		{"a moved tree", func() error { return os.Rename("two", "three") }, "", true, false},
	} {
		check.NoError(t, c.change())
		into := newNews()
		overflow, err := ch.read(into)
		var got []string
		for path := range into.paths {
			if path = strings.TrimPrefix(path, root); len(path) < 100 {
				got = append(got, path)
			}
		}
		slices.Sort(got)
		check.That(t, !overflow || len(into.left)+len(into.inodes) == 0, "%s: an overflow keeps changes: %+v", c.what,
			into)
		check.That(t, err == nil && overflow == c.overflow && (into.unnameable > 0) == c.unnameable,
			"%s: %v, overflow %t, %d changes without a name", c.what, err, overflow, into.unnameable)
		check.Equal(t, strings.Join(got, " "), c.paths, "%s: the changed paths", c.what)
	}
}

// mkdirLong makes a chain of folders whose path is longer than PATH_MAX.
func mkdirLong(at string) error {
	name := strings.Repeat("x", 250)
	if err := os.Mkdir(at, 0o700); err != nil {
		return err
	}
	r, err := os.OpenRoot(at)
	for range 20 {
		if err != nil {
			return err
		}
		defer r.Close()
		if err = r.Mkdir(name, 0o700); err == nil {
			r, err = r.OpenRoot(name)
		}
	}
	return err
}

// TestReplacedFolderIsReportedAsGoneFirst checks that a folder whose name another file or folder takes before the
// events are read is reported as gone before its successor, so that no document of the old folder stays (N-143).
func TestReplacedFolderIsReportedAsGoneFirst(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("the kernel reports changes of a file system to root only")
	}
	for name, replace := range map[string]func(at, away string) error{
		"removed":     func(at, _ string) error { return errors.Join(os.RemoveAll(at), os.Mkdir(at, 0o700)) },
		"moved away":  func(at, away string) error { return errors.Join(os.Rename(at, away), os.Mkdir(at, 0o700)) },
		"now a file":  func(at, _ string) error { return errors.Join(os.RemoveAll(at), os.WriteFile(at, nil, 0o600)) },
		"overwritten": func(at, away string) error { return errors.Join(os.Remove(at+"/old"), unix.Rename(away+".2", at)) },
		"changed":     func(at, _ string) error { return os.Chmod(at, 0o711) },
	} {
		root := t.TempDir()
		at, away := filepath.Join(root, "a"), filepath.Join(t.TempDir(), "away")
		check.NoError(t, errors.Join(os.Mkdir(at, 0o700), os.Mkdir(away+".2", 0o700),
			os.WriteFile(at+"/old", nil, 0o600)))
		ch, err := listen(root)
		check.NoError(t, err)
		defer ch.close()
		out := make(chan Batch, 8)
		w := &watch{Watcher: &Watcher{Root: root}, ctx: t.Context(), out: out, changes: ch, pending: newNews(),
			links: newLinkTable()}
		check.NoError(t, errors.Join(replace(at, away), w.poll()))
		var gone, after bool
		for len(out) > 0 {
			for _, s := range (<-out).Seen {
				gone, after = gone || s.Gone && s.Path == at, gone && !s.Gone && s.Path == at
			}
		}
		check.That(t, gone == (name != "changed") && after == gone, "N-143: a folder that is %s: gone %t, then %t",
			name, gone, after)
	}
}

// TestChangeOutsideBindMountStartsNoWalk checks that a change outside of the folder that is mounted at a tree's root is
// not a change of the tree, whatever its name is. The kernel gives the path / for each such folder. A new folder tmp
// in it must not count as a parent of the tree (N-60). Another folder of the file system that covers the root is an
// error.
func TestChangeOutsideBindMountStartsNoWalk(t *testing.T) {
	disk, root := t.TempDir(), t.TempDir()
	mount := func(source, at, kind string, flags uintptr) {
		t.Helper()
		if err := unix.Mount(source, at, kind, flags, ""); err != nil {
			t.Skip("mounts need rights:", err)
		}
		t.Cleanup(func() {
			if err := unix.Unmount(at, 0); err != nil {
				t.Errorf("a closed watch keeps %s busy: %v", at, errors.Join(err, unix.Unmount(at, unix.MNT_DETACH)))
			}
		})
	}
	mount("tmpfs", disk, "tmpfs", 0)
	check.NoError(t, errors.Join(os.Mkdir(disk+"/share", 0o700), os.Mkdir(disk+"/other", 0o700)))
	mount(disk+"/share", root, "", unix.MS_BIND)
	ch, err := listen(root)
	check.NoError(t, err)
	defer ch.close()
	top, _, _ := strings.Cut(root[1:], "/")
	for at, want := range map[string]int{"/other/" + top: 0, "/" + top: 0, "/share/" + top: 1} {
		into := newNews()
		check.NoError(t, os.Mkdir(disk+at, 0o700))
		lost, err := ch.read(into)
		check.That(t, err == nil && !lost && len(into.paths) == want,
			"N-60: the new folder %s: %v, lost %t, %v, want %d paths and no walk", at, into.paths, lost, err, want)
	}
	mount(disk+"/other", root, "", unix.MS_BIND)
	check.NoError(t, os.Mkdir(disk+"/share/new", 0o700))
	_, err = ch.read(newNews())
	check.ErrorIs(t, err, errMounted, "a folder of the same file system over the root")
}
