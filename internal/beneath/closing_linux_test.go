package beneath

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
)

// inode returns the inode number of a file from the system.
func inode(t *testing.T, path string) uint64 {
	t.Helper()
	var s unix.Stat_t
	check.NoError(t, unix.Lstat(path, &s))
	return s.Ino
}

// Open keeps one directory open. Reading a file below maxOpen levels keeps maxOpen directories open, however often it
// is read. Another directory replaces them, and Close closes all.
func TestEveryDirectoryIsClosed(t *testing.T) {
	deep := strings.Repeat("d/", maxOpen+3)
	root := makeFiles(t, "a/b/c", "b/c", deep+"file", deep+"e/f")
	for name := range variants(t, root) {
		t.Run(name, func(t *testing.T) {
			nothing := check.OpenDescriptors(t)
			r := variants(t, root)[name]
			before := check.OpenDescriptors(t)
			if before != nothing+4 { // variants opens four
				t.Errorf("four roots keep %d descriptors open, want 4", before-nothing)
			}
			d := r.Dirs()
			for range 2 {
				_, err := d.Stat(deep + "file")
				_, lost := d.Stat(deep + "none")
				list, here := d.List(deep + "e")
				_, none := d.Attribute(nil, deep+"file", "user.x", 100)
				_, refused := d.Stat(deep + "../x")
				place := check.Must(d.OpenPath(deep + "file"))
				open := check.OpenDescriptors(t) - before - 1
				check.NoError(t, unix.Close(place))
				if err != nil || !errors.Is(lost, fs.ErrNotExist) || here != nil || len(list) != 1 || none != nil ||
					!errors.Is(refused, errNotBelow) {
					t.Errorf("errors %v, %v, %v, %v, %v, %v, want only those of missing and refused paths",
						err, lost, here, list, none, refused)
				}
				check.Equal(t, open, maxOpen, "directories that are open")
			}
			for _, c := range []struct {
				path string
				open int
			}{{"a/b/c", 2}, {"a/b", 2}, {"b/c", 1}, {"a/b/c", 2}} {
				if s, err := d.Stat(c.path); err != nil || s.Ino != inode(t, filepath.Join(root, c.path)) {
					t.Errorf("%s: inode %v, %v, want that of the file", c.path, s.Ino, err)
				}
				if n := check.OpenDescriptors(t) - before; n != c.open {
					t.Errorf("%s: %d directories are open, want %d", c.path, n, c.open)
				}
			}
			if d.Close(); check.OpenDescriptors(t) != before {
				t.Errorf("%d directories stay open after Close, want 0", check.OpenDescriptors(t)-before)
			}
			check.Equal(t, check.Err(d.Stat("a/b/c")), nil, "Stat after Close")
			d.Close()
		})
	}
}

// Each error has the requested path. A file in the middle is not reported as a link, and a path that leaves the root
// differs from a missing one.
func TestErrorsNameTheRequestedPath(t *testing.T) {
	root := makeFiles(t, "a", "b/c")
	for name, r := range variants(t, root) {
		d := r.Dirs()
		for _, c := range []struct {
			path string
			want error
		}{
			{"a/x", syscall.ENOTDIR}, {"b/none", syscall.ENOENT}, {"none/x", syscall.ENOENT},
			{"b/../a", errNotBelow}, {"b//c", errNotBelow}, {"/a", errNotBelow}, {"..", errNotBelow},
		} {
			_, stat := d.Stat(c.path)
			_, list := d.List(c.path)
			_, attribute := d.Attribute(nil, c.path, "user.x", 100)
			for op, err := range map[string]error{"stat": stat, "open": list, "attribute user.x": attribute} {
				var at *fs.PathError
				check.That(t, errors.Is(err, c.want) && errors.As(err, &at) && at.Path == c.path && at.Op == op,
					"%s, %s of %s: %v, want %v", name, op, c.path, err, c.want)
				check.That(t, !errors.Is(err, ErrLink) && !errors.Is(err, ErrMount),
					"%s: %v, want neither a link nor a mount", name, err)
			}
		}
		_, err := d.List("a")
		check.That(t, errors.Is(err, syscall.ENOTDIR), "%s: the list of a file: %v, want %v", name, err, syscall.ENOTDIR)
		d.Close()
	}
}

// An attribute is appended to dst if it is not longer than the limit, whatever the capacity of dst is.
func TestAttributeIsAppendedUpToLimit(t *testing.T) {
	root := makeFiles(t, "b/c")
	file := filepath.Join(root, "b/c")
	for _, size := range []int{0, 1, 50, 1024, 3000, 6000} {
		value := bytes.Repeat([]byte{'v'}, size)
		if err := unix.Setxattr(file, "user.x", value, 0); err != nil {
			t.Logf("no attribute of %d bytes here: %v", size, err)
			continue
		}
		for name, r := range variants(t, root) {
			d := r.Dirs()
			for _, dst := range [][]byte{nil, []byte("+"), append(make([]byte, 0, 4096), "++"...), make([]byte, 4090, 4096),
				make([]byte, 9000, 20_000)} {
				got, err := d.Attribute(dst, "b/c", "user.x", size)
				check.That(t, err == nil && bytes.Equal(got[:len(dst)], dst) && bytes.Equal(got[len(dst):], value),
					"%s: %d bytes appended to %d: %d bytes, %v, want both", name, size, len(dst), len(got), err)
				got, err = d.Attribute(dst, "b/c", "user.x", size-1)
				if size > 0 && !errors.Is(err, unix.ERANGE) {
					t.Errorf("%s, %d bytes behind %d, one more than the bound: %d bytes, %v; want %v",
						name, size, len(dst),
						len(got), err, unix.ERANGE)
				}
			}
			d.Close()
		}
	}
}

// A root uses the system calls that this system supports.
func TestRootUsesSupportedSystemCalls(t *testing.T) {
	r := check.Must(Open(t.TempDir()))
	defer func() { _ = r.Close() }()
	fd, err := unix.Openat2(unix.AT_FDCWD, os.TempDir(), &unix.OpenHow{Flags: unix.O_PATH})
	if err == nil {
		_ = unix.Close(fd)
	}
	check.That(t, r.openat2 == (err == nil),
		"openat2 used = %t, system returned %v, want %t", r.openat2, err, err == nil)
	_, _, errno := unix.Syscall6(unix.SYS_GETXATTRAT, ^uintptr(0), 0, 0, 0, 0, 0)
	if has := errno != unix.ENOSYS && errno != unix.EPERM && strconv.IntSize == 64; r.xattrat != has {
		t.Errorf("getxattrat used = %t, system returned %v, want %t", r.xattrat, errno, has)
	}
}
