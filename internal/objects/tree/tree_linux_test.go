package tree_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
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
	check.NoError(t, os.Symlink("b", filepath.Join(root, "link"))) // it has no row
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
	link, other := filepath.Join(dir, "link"), filepath.Join(dir, "other")
	check.NoError(t, errors.Join(os.Symlink("file", link), os.Symlink("link", other)))
	for _, recurse := range []bool{false, true} {
		var got []string
		err := objects.All(t.Context(), tree.Files([]string{file, link, other}, tree.Options{Recurse: recurse}), sid.SID{},
			winnt.FileObject, func(i objects.Item) bool {
				check.NoError(t, i.Err)
				got = append(got, i.Descriptor.Owner().String(), i.Descriptor.Group().String())
				return true
			})
		check.NoError(t, err)
		own := []string{fmt.Sprintf("S-1-22-1-%d", uid), fmt.Sprintf("S-1-22-2-%d", gid)}
		check.SlicesEqual(t, got, slices.Concat(own, own, own), "owner and group of a file and of two links, with a walk: %t",
			recurse)
	}
}

// A file without the attribute has a descriptor of its permissions, or with Required an error. A note says if the
// attribute is stale or cannot be verified. Errors do not repeat the path. A batch can be filled by another source.
func TestDescriptorComesFromAttributeOrPermissions(t *testing.T) {
	root := t.TempDir()
	const stored = "O:SYG:BUD:(A;;FA;;;BA)"
	d := sddl.MustParse(stored)
	for name, a := range map[string]*ntacl.Attribute{"none": nil, "plain": {Version: 1, Descriptor: d},
		"other": {Version: 3, HashType: ntacl.HashSHA256, Hash: [64]byte{1}, Descriptor: d},
		"stale": {Version: 3, Hash: [64]byte{1}, Descriptor: d}} {
		path := filepath.Join(root, name)
		check.NoError(t, os.WriteFile(path, nil, 0o640))
		if a == nil {
			continue
		}
		if err := unix.Setxattr(path, ntacl.UserName, check.Must(a.Append(nil)), 0); err != nil {
			t.Skip("no attribute of users can be set: ", err)
		}
	}
	check.NoError(t, os.Symlink("plain", filepath.Join(root, "link"))) // the attribute is that of its target
	var paths []string
	for _, name := range []string{"none", "plain", "other", "stale", "missing", "link"} {
		paths = append(paths, filepath.Join(root, name))
	}
	const missing, required = "error: stat: no such file or directory", "error: it has no valid attribute, and its " +
		"tree does not derive one from permissions"
	own := fmt.Sprintf("mode of S-1-22-1-%d ", os.Getuid())
	const none, stale, unverified = objects.Note(0), objects.NoteStale, objects.NoteUnverified
	var b objects.Batch // of all sources
	for _, c := range []struct {
		opt  tree.Options
		want []string
	}{
		{tree.Options{Attribute: ntacl.UserName}, []string{own, stored, stored + " unverified", own + "stale",
			missing, stored}},
		{tree.Options{Attribute: ntacl.UserName, Required: true},
			[]string{required, stored, stored + " unverified", required, missing, stored}},
		{tree.Options{Attribute: "user.other"}, []string{own, own, own, own, missing, own}},
		{tree.Options{Attribute: ntacl.UserName, IgnoreSystemACLs: true}, []string{own, stored, stored, stored,
			missing, stored}},
	} {
		var got []string
		check.NoError(t, tree.Files(paths, c.opt).Next(&b))
		b.Each(func(o *objects.Object) {
			if o.Err != nil {
				got = append(got, "error: "+o.Err.Error())
				return
			}
			read := check.Must(o.Descriptor(sid.SID{}))
			text := check.Must(sddl.Format(read, sddl.Options{}))
			if text != stored {
				text = fmt.Sprintf("mode of %v ", read.Owner())
			}
			got = append(got, text+map[objects.Note]string{none: "", stale: "stale", unverified: " unverified"}[o.Note])
		})
		check.SlicesEqual(t, got, c.want, "files with %+v", c.opt)
	}
}

// Directories with equal modes share a descriptor only if none has a POSIX ACL or a default ACL, which new children
// inherit.
func TestACLsArePartOfDescriptor(t *testing.T) {
	root := t.TempDir()
	entry := func(tag, perm uint16, id uint32) []byte {
		return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint16(
			binary.LittleEndian.AppendUint16(nil, tag), perm), id)
	}
	const none = ^uint32(0)
	acl := slices.Concat([]byte{2, 0, 0, 0}, entry(0x01, 7, none), entry(0x02, 7, 4242), entry(0x04, 0, none),
		entry(0x10, 7, none), entry(0x20, 0, none))
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		check.NoError(t, os.Mkdir(filepath.Join(root, name), 0o755))
	}
	if err := errors.Join(unix.Setxattr(filepath.Join(root, "b"), "system.posix_acl_default", acl, 0),
		unix.Setxattr(filepath.Join(root, "d"), "system.posix_acl_access", acl, 0),
		os.Chmod(filepath.Join(root, "e"), 0o770)); err != nil { // the mode of d
		t.Skip("no POSIX ACL can be set: ", err)
	}
	var got []string
	source := tree.Files([]string{root}, tree.Options{Recurse: true})
	check.NoError(t, objects.All(t.Context(), source, sid.SID{}, winnt.FileObject, func(i objects.Item) bool {
		check.NoError(t, i.Err)
		check.Equal(t, i.Type, winnt.DirectoryFileObject, "type of a directory")
		got = append(got, check.Must(sddl.Format(i.Descriptor, sddl.Options{})))
		return true
	}))
	check.That(t, len(got) == 6 && got[1] == got[3] && strings.Contains(got[1], ";CO)") && got[2] != got[1] &&
		got[5] != got[4], "descriptors %q, want a and c alike, with entries of children, and b, d and e not", got)
}

// TestLongPathIsAnError checks that a folder whose path is longer than a call takes is an error, and a walk does not go
// on below it. A file of a file system without attributes is read.
func TestLongPathIsAnError(t *testing.T) {
	t.Chdir(t.TempDir())
	at := check.Must(os.Getwd())
	for range 18 {
		name := strings.Repeat("x", 240)
		check.NoError(t, errors.Join(os.Mkdir(name, 0o700), os.Chdir(name)))
	}
	check.NoError(t, os.Chdir(at))
	for _, opt := range []tree.Options{{Recurse: true}, {Recurse: true, Exclude: objects.Patterns{"none"}}} {
		got := paths(t, tree.Files([]string{"."}, opt))
		check.That(t, len(got) == 19 && strings.HasSuffix(got[18], "!"), "%+v: %d files, the last %.300q", opt, len(got),
			got[len(got)-1])
	}
	const bare = "/proc/self/status"
	check.SlicesEqual(t, paths(t, tree.Files([]string{bare}, tree.Options{})), []string{bare}, "file without attributes")
}
