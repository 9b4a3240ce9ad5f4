package beneath

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
)

// variants are a root as every kernel gives it.
func variants(t *testing.T, path string) map[string]*Root {
	t.Helper()
	out := map[string]*Root{}
	for _, v := range []string{"as it is", "no openat2", "no getxattrat", "neither"} {
		r, err := Open(path)
		check.NoError(t, err)
		t.Cleanup(func() { _ = r.Close() })
		r.openat2 = r.openat2 && v != "no openat2" && v != "neither"
		r.xattrat = r.xattrat && v != "no getxattrat" && v != "neither"
		out[v] = r
	}
	return out
}

func makeFiles(t *testing.T, files ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, f := range files {
		path := filepath.Join(root, f)
		check.NoError(t, errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(f), 0o644)))
	}
	return root
}

// TestFilesAreReadAtEveryDepth reads files at every depth, in any order, and the root itself.
func TestFilesAreReadAtEveryDepth(t *testing.T) {
	deep := strings.Repeat("d/", maxOpen+5) + "file"
	root := makeFiles(t, "a", "b/c", "b/e/f", "b/g", "bb/c", deep)
	attributes := unix.Setxattr(filepath.Join(root, "b/e/f"), "user.x", []byte("value"), 0) == nil
	for name, r := range variants(t, root) {
		t.Run(name, func(t *testing.T) {
			before := check.OpenDescriptors(t)
			d := r.Dirs()
			for _, p := range []string{deep, "b/e/f", "a", "b/g", "bb/c", "b/c", deep, "b/e", "b", "", "b/e/f"} {
				want := unix.Stat_t{}
				check.NoError(t, unix.Lstat(filepath.Join(root, p), &want))
				s, err := d.Stat(p)
				check.That(t, err == nil && s.Ino == want.Ino, "Stat(%q): inode %d, %v, want %d", p, s.Ino, err, want.Ino)
			}
			if list := check.Must(d.List("b")); len(list) != 3 || list[0].Name() != "c" || !list[1].IsDir() {
				t.Errorf(`List("b") = %v, want 3 entries, c first`, list)
			}
			if list := check.Must(d.List("")); len(list) != 4 {
				t.Errorf("List of the root = %v, want 4 entries", list)
			}
			if v := check.Must(d.Attribute(nil, "b/g", "user.x", 1<<16)); v != nil {
				t.Errorf("a missing attribute: %q, want nil", v)
			}
			if v := check.Must(d.Attribute([]byte("+"), "b/e/f", "user.x", 1<<16)); attributes && string(v) != "+value" {
				t.Errorf(`attribute = %q, want "+value"`, v)
			}
			for _, p := range []string{"..", "../x", "b/..", "b//c", "/etc/passwd"} {
				check.That(t, check.Err(d.Stat(p)) != nil, "Stat(%q) succeeded, want an error", p)
			}
			_, err := d.Stat("no/such")
			check.That(t, errors.Is(err, fs.ErrNotExist), "a missing directory: %v, want %v", err, fs.ErrNotExist)
			if d.Close(); check.OpenDescriptors(t) != before {
				t.Errorf("%d files open before, %d after Close, want equal numbers", before, check.OpenDescriptors(t))
			}
		})
	}
}

// A link in place of a directory is refused at any position and with any target; information about a final link is
// about the link itself.
func TestLinkInPathIsRefused(t *testing.T) {
	secret := makeFiles(t, "x/file")
	for _, to := range []string{secret + "/x", "../b", "."} {
		root := makeFiles(t, "a/x/file", "b/x/file")
		for name, r := range variants(t, root) {
			d := r.Dirs()
			defer d.Close()
			check.NoError(t, check.Err(d.Stat("a/x/file")))
			d.Close()
			for _, at := range []string{"a", "a/x"} {
				if err := errors.Join(os.Rename(filepath.Join(root, at), filepath.Join(root, "moved")),
					os.Symlink(to, filepath.Join(root, at))); err != nil {
					t.Fatal(err)
				}
				_, err := d.Stat("a/x/file")
				_, lost := d.List("a/x")
				_, none := d.Attribute(nil, "a/x/file", "user.x", 1<<16)
				check.That(t, errors.Is(err, ErrLink) && errors.Is(lost, ErrLink) && errors.Is(none, ErrLink),
					"%s, %s -> %s: Stat %v, List %v, Attribute %v, want %v, %v, %v", name, at, to, err, lost, none, ErrLink, ErrLink,
					ErrLink)
				if s, err := d.Stat(at); err != nil || s.Mode&unix.S_IFMT != unix.S_IFLNK {
					t.Errorf("%s: Stat of a final link: %v, want the link itself", name, err)
				}
				d.Close()
				if err := errors.Join(os.Remove(filepath.Join(root, at)),
					os.Rename(filepath.Join(root, "moved"), filepath.Join(root, at))); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// A mount below the root is not entered.
func TestMountBelowRootIsNotEntered(t *testing.T) {
	for _, place := range []struct{ root, below string }{
		{"/", "proc"}, {"/proc", "fs/binfmt_misc"}, {"/dev", "pts"}, {"/dev", "shm"},
	} {
		var of, in unix.Stat_t
		if unix.Stat(place.root, &of) != nil || unix.Stat(place.root+"/"+place.below, &in) != nil || of.Dev == in.Dev {
			continue
		}
		for name, r := range variants(t, place.root) {
			d, before := r.Dirs(), check.OpenDescriptors(t)
			_, err := d.List(place.below)
			check.That(t, errors.Is(err, ErrMount), "%s: %+v: %v, want %v", name, place, err, ErrMount)
			check.ErrorIs(t, check.Err(d.OpenPath(place.below)), ErrMount, "%s: OpenPath of %+v", name, place)
			check.ErrorIs(t, check.Err(d.Hold(place.below)), ErrMount, "%s: hold %+v", name, place)
			if d.Close(); check.OpenDescriptors(t) != before {
				t.Errorf("%s: %d files open before, %d after Close, want equal numbers", name, before, check.OpenDescriptors(t))
			}
		}
		return
	}
	t.Skip("nothing is mounted where this test looks")
}

func TestOpenRefusesBadPaths(t *testing.T) {
	root := makeFiles(t, "a")
	for _, path := range []string{root + "/none", root + "/a"} {
		check.That(t, check.Err(Open(path)) != nil, "Open(%s) succeeded, want an error", path)
	}
	check.NoError(t, os.Symlink("/proc", root+"/proc"))
	check.Equal(t, check.Must(Device(unix.AT_FDCWD, root+"/proc")), check.Must(Device(unix.AT_FDCWD, "/proc")),
		"device of a link")
}

// BenchmarkStat compares files read by their paths and below open directories.
func BenchmarkStat(b *testing.B) {
	root := b.TempDir()
	dir := root + "/department/project/alpha"
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(dir+"/file", nil, 0o644)); err != nil {
		b.Fatal(err)
	}
	b.Run("path", func(b *testing.B) {
		var buf [4096]byte
		for b.Loop() {
			_, _ = unix.Lgetxattr(dir+"/file", "user.x", buf[:])
		}
	})
	d := check.Must(Open(root)).Dirs()
	b.Run("below", func(b *testing.B) {
		buf := make([]byte, 0, 4096)
		for i := 0; b.Loop(); i++ {
			if _, err := d.Attribute(buf, "department/project/alpha/file", "user.x", 1<<16); err != nil {
				b.Fatal(fmt.Errorf("%d: %w", i, err))
			}
		}
	})
}
