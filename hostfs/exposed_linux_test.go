package hostfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
)

// Exposure names who can reach a path: everybody, another user or a group that was not named, if they can search each
// of its directories (F-126).
func TestExposureNamesWhoCanTraverse(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives directories to others and mounts")
	}
	top, err := os.MkdirTemp("", "exposed") // Everybody can search the directory above.
	check.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(top) })
	dir := filepath.Join(top, "with blank", "tree")
	must := func(err error) {
		t.Helper()
		check.NoError(t, err)
	}
	must(os.MkdirAll(dir, 0o755))
	tree, err := Open(Config{Path: dir})
	must(err)
	defer func() { must(tree.Close()) }()
	check := func(name string, want ...string) {
		t.Helper()
		got, err := tree.Exposure(50)
		for i := range got {
			got[i] = strings.ReplaceAll(got[i], top, "TOP")
		}
		check.That(t, err == nil && strings.Join(got, "|") == strings.Join(want, "|"),
			"Exposure, %s: %q, %v; want %q", name, got, err, want)
	}
	set := func(path string, mode uint32, uid, gid int) {
		t.Helper()
		must(errors.Join(os.Chown(path, uid, gid), unix.Chmod(path, mode)))
	}
	set(top, 0o755, 0, 0)
	check("every directory open", "TOP/with blank/tree: every user (mode 755)")
	set(dir, 0o770, 4711, 50)
	check("the owner and a group that is named", "TOP/with blank/tree: uid 4711")
	set(dir, 0o770, 0, 51)
	check("another group", "TOP/with blank/tree: gid 51")
	set(dir, 0o770, 0, 0)
	check("the group of root", "TOP/with blank/tree: gid 0")
	set(dir, 0o760, 0, 51)
	check("a group that may not search")
	set(dir, 0o770, 0, 50)
	check("the group that is named")
	set(dir, 0o755, 0, 0)
	set(filepath.Dir(dir), 0o700, 0, 0)
	check("closed further up")
	elsewhere := filepath.Join(top, "else where")
	must(os.MkdirAll(filepath.Join(dir, "below"), 0o755))
	must(os.Mkdir(elsewhere, 0o755))
	mount := func(from, to, typ string, flags uintptr) {
		t.Helper()
		if err := unix.Mount(from, to, typ, flags, ""); err != nil {
			t.Skipf("mount: %v", err)
		}
		t.Cleanup(func() { _ = unix.Unmount(to, unix.MNT_DETACH) })
	}
	mount(filepath.Dir(dir), elsewhere, "", unix.MS_BIND)
	check("a mount whose root is closed")
	must(unix.Unmount(elsewhere, 0))
	mount(dir, elsewhere, "", unix.MS_BIND)
	check("a mount of the tree", "TOP/else where: every user (mode 755)")
	must(unix.Unmount(elsewhere, 0))
	mount(filepath.Join(dir, "below"), elsewhere, "", unix.MS_BIND)
	check("a mount of a directory of it", "TOP/else where: every user (mode 755)")
	must(unix.Unmount(elsewhere, 0))
	set(filepath.Dir(dir), 0o755, 0, 0)
	mount("none", dir, "tmpfs", 0)
	check("another file system covers it")
	must(unix.Unmount(dir, 0))
	mount(elsewhere, dir, "", unix.MS_BIND)
	check("another directory covers it")
	must(unix.Unmount(dir, 0))
	mount(dir, dir, "", unix.MS_BIND)
	check("it covers itself", "TOP/with blank/tree: every user (mode 755)")
	detached, err := Open(Config{Path: dir})
	must(err)
	must(unix.Unmount(dir, unix.MNT_DETACH))
	_, err = detached.Exposure()
	must(detached.Close())
	if err == nil {
		t.Error("F-126: Exposure of a tree whose mount is not visible: no error, want one")
	}
}

// relative returns the rest of a path below a directory. It compares whole components (F-126).
func TestRelativeComparesComponents(t *testing.T) {
	for _, c := range []struct {
		dir, name, rest string
		ok              bool
	}{
		{"/", "/", "", true}, {"/", "/a", "a", true}, {"/a", "/a", "", true}, {"/a", "/a/b/c", "b/c", true},
		{"/a", "/ab", "", false}, {"/a", "/ab/c", "", false}, {"/a/b", "/a", "", false}, {"/a", "/", "", false},
	} {
		rest, ok := relative(c.dir, c.name)
		check.That(t, ok == c.ok && (!ok || rest == c.rest),
			"F-126: relative(%s, %s) = %q, %t, want %q, %t", c.dir, c.name, rest, ok, c.rest, c.ok)
	}
}

// An entry of a POSIX ACL opens a path too, within the mask. Root is not reported, because it can reach every path.
func TestExposureFollowsPosixACLMask(t *testing.T) {
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		check.NoError(t, err)
	}
	must(os.Chmod(dir, 0o700))
	tree, err := Open(Config{Path: dir})
	must(err)
	defer func() { must(tree.Close()) }()
	fd, err := below(tree.root, ".", 0)
	must(err)
	defer shut(fd)
	check.That(t, check.Err(passers(-1, &unix.Statx_t{}, nil)) != nil, "passers of no directory: no error, want one")
	check.ErrorIs(t, check.Err(tree.reached(shown{path: "/" + long}, nil)), unix.ENAMETOOLONG, "a path that is too long")
	check.ErrorIs(t, check.Err((&Tree{root: -1}).Exposure()), os.ErrNotExist, "Exposure of a closed tree")
	for _, c := range []struct {
		name, acl, want string
	}{
		{"no ACL", "", ""},
		{"a user and a group", "user 4711 --x,group 51 --x,mask r-x", "uid 4711, gid 51"},
		{"root", "user 0 --x,mask r-x", ""},
		{"without search permission", "user 4711 rw-,mask rwx", ""},
		{"outside the mask", "user 4711 --x,mask rw-", ""},
	} {
		if c.acl != "" {
			if err := unix.Setxattr(dir, aclAccess, posixACL(t, c.acl), 0); err != nil {
				t.Skipf("POSIX ACLs: %v", err)
			}
		}
		s, err := stat(fd)
		must(err)
		if got, err := passers(fd, &s, nil); err != nil || got != c.want {
			t.Errorf("passers with %s = %q, %v, want %q", c.name, got, err, c.want)
		}
	}
}

// posixACL returns an ACL with the owner's entry and the entries in text, for example "user 4711 r-x".
func posixACL(t *testing.T, text string) []byte {
	t.Helper()
	tags := map[string]byte{"user": 2, "group": 8, "mask": 0x10}
	b := []byte{2, 0, 0, 0, 1, 0, 7, 0, 0xFF, 0xFF, 0xFF, 0xFF}
	add := func(tag byte, perm byte, id uint32) {
		b = append(b, tag, 0, perm, 0, byte(id), byte(id>>8), byte(id>>16), byte(id>>24))
	}
	for i, part := range strings.Split(text, ",") {
		var kind, perm string
		id := ^uint32(0)
		if n, _ := fmt.Sscanf(part, "%s %d %s", &kind, &id, &perm); n != 3 {
			if n, err := fmt.Sscanf(part, "%s %s", &kind, &perm); n != 2 {
				t.Fatal(err)
			}
		}
		if tag := tags[kind]; i > 0 && tag == tags["group"] || tag == tags["mask"] {
			if !strings.Contains(string(b), "\x04\x00\x00\x00\xff\xff\xff\xff") {
				add(4, 0, ^uint32(0)) // The owning group comes before named ones.
			}
		}
		bits := byte(0)
		for j, c := range perm {
			if c != '-' {
				bits |= 4 >> j
			}
		}
		add(tags[kind], bits, id)
	}
	add(0x20, 0, ^uint32(0))
	return b
}

// TestPrefixesStartAtTheRoot checks that prefixes returns a path's directories from the root on (F-126).
func TestPrefixesStartAtTheRoot(t *testing.T) {
	var list []string
	for p := range prefixes("/a/bc/d") {
		list = append(list, p)
	}
	check.That(t, slices.Equal(list, []string{"/", "/a", "/a/bc", "/a/bc/d"}),
		`F-126: prefixes("/a/bc/d") = %q, want "/", "/a", "/a/bc", "/a/bc/d"`, list)
	list = nil
	for p := range prefixes("/") {
		list = append(list, p)
	}
	check.SlicesEqual(t, list, []string{"/"}, `F-126: prefixes("/")`)
}
