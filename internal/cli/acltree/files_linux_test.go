package acltree

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/beneath"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// hostTree creates a tree on a file system with extended attributes: a/f, a/b/g, outside/g.
func hostTree(t *testing.T) (root, outside string) {
	t.Helper()
	dir := t.TempDir()
	root, outside = filepath.Join(dir, "root"), filepath.Join(dir, "outside")
	for _, d := range []string{root + "/a/b", outside + "/b"} {
		check.NoError(t, os.MkdirAll(d, 0o755))
	}
	for _, f := range []string{root + "/a/f", root + "/a/b/g", outside + "/b/g"} {
		check.NoError(t, os.WriteFile(f, nil, 0o644))
	}
	if err := unix.Setxattr(root, "user.test", []byte("x"), 0); err != nil {
		t.Skipf("no attributes of users in %s: %v", dir, err)
	}
	return root, outside
}

// If a link to another directory replaces a directory after the plan, the run reports an error and changes nothing in
// the link's target (F-112, F-207).
func TestSwappedDirectoryIsNotFollowed(t *testing.T) {
	root, outside := hostTree(t)
	keeper := Offline{Attribute: ntacl.UserName}
	tree := check.Must(Open(root))
	defer tree.Close()
	j := journalOf(t, &Plan{Files: tree, Keeper: keeper, Recursive: true, Change: grantEveryone("modify")})
	check.RequireThat(t, j.Entries == 5, "%d entries, want 5", j.Entries)
	check.NoError(t, os.Rename(root+"/a", root+"/was"))
	check.NoError(t, os.Symlink(outside, root+"/a"))
	again := check.Must(Open(root))
	defer again.Close()
	failed := map[string]error{}
	out, err := Run(t.Context(), again, keeper, j, false, func(p string, err error) { failed[p] = err }, nil)
	check.That(t, err == nil && out.Written == 1 && out.Failed == 4 && errors.Is(failed["a"], ErrReplaced) &&
		errors.Is(failed["a/b/g"], beneath.ErrLink),
		"outcome %+v, %v, errors %v, want 1 file written and 4 failed", out, err, failed)
	for _, p := range []string{outside, outside + "/b", outside + "/b/g"} {
		n, err := unix.Getxattr(p, ntacl.UserName, nil)
		check.That(t, err != nil, "%s has a descriptor of %d bytes, want none", p, n)
	}
}

// A grant on a real tree without descriptors is written with a valid hash, in the version of the directory, and its
// undo removes the descriptors (F-171).
func TestOfflineGrantAndUndoRestoreTree(t *testing.T) {
	root, _ := hostTree(t)
	keeper := Offline{Attribute: ntacl.UserName}
	tree := check.Must(Open(root))
	defer tree.Close()
	j := journalOf(t, &Plan{Files: tree, Keeper: keeper, Recursive: true, Change: grantEveryone("modify")})
	check.Must(Run(t.Context(), tree, keeper, j, false, nil, nil))
	for _, name := range []string{"", "a", "a/f", "a/b", "a/b/g"} {
		h := check.Must(tree.Hold(name))
		k, err := keeper.Read(h)
		check.That(t, err == nil && k.Version == 4 && k.Raw != nil,
			"%q: stored descriptor %+v, %v, want version 4 with the raw bytes", name, k, err)
		h.Close()
	}
	check.NoError(t, os.Chmod(root+"/a/f", 0o600)) //nolint:gosec // it is stale then
	h := check.Must(tree.Hold("a/f"))
	check.ErrorIs(t, check.Err(keeper.Read(h)), ErrStale, "after a chmod")
	h.Close()
	check.NoError(t, os.Chmod(root+"/a/f", 0o644)) //nolint:gosec // as it was
	check.Equal(t, check.Must(Run(t.Context(), tree, keeper, j, true, nil, nil)), Outcome{Written: 5},
		"outcome of the undo")
	n, err := unix.Getxattr(root+"/a/f", ntacl.UserName, nil)
	check.That(t, err != nil, "a/f has a descriptor of %d bytes after the undo, want none", n)
}

// A single file is handled as its own tree. A link and a missing path are errors that name it.
func TestOpenTreatsSingleFileAsTree(t *testing.T) {
	root, _ := hostTree(t)
	_ = os.Chown(root+"/a/f", 1, 2) // only root can
	check.NoError(t, errors.Join(unix.Chmod(root+"/a/f", 0o2640), os.Symlink("a", root+"/to")))
	one := check.Must(Open(root + "/to/f"))
	defer one.Close()
	check.Equal(t, one.Path, root+"/a/f", "path through a link")
	h := check.Must(one.Hold(""))
	var s unix.Stat_t
	check.NoError(t, unix.Stat(root+"/a/f", &s))
	check.Equal(t, h.Status(), Status{Kind: Regular, Device: s.Dev, Inode: s.Ino, Mode: s.Mode & 0o7777, UID: s.Uid,
		GID: s.Gid}, "status")
	raw, err := h.Attribute(MountAttribute)
	check.That(t, raw == nil && err == nil, "%x, %v, want nil, nil", raw, err)
	check.ErrorIs(t, check.Err((Mount{}).Read(h)), ErrNoMount, "on no mount")
	h.Close()
	check.NoError(t, os.Symlink("f", root+"/a/l"))
	for name, want := range map[string]error{root + "/a/l": ErrKind, root + "/none": fs.ErrNotExist} {
		_, err := Open(name)
		var about *fs.PathError
		check.That(t, errors.Is(err, want) && errors.As(err, &about) && about.Path == name,
			"opening %s: %v, want an error that names it", name, err)
	}
	for _, name := range []string{"/", "/proc"} { // the root of the host and a mount point
		tree := check.Must(Open(name))
		h := check.Must(tree.Hold(""))
		check.NoError(t, unix.Stat(name, &s))
		check.That(t, tree.Path == name && h.Status().Device == s.Dev && h.Status().Inode == s.Ino,
			"%s: %s, %+v, want %+v", name, tree.Path, h.Status(), s)
		h.Close()
		tree.Close()
	}
}

// Open leaves no descriptor open after Close or an error.
func TestOpenLeavesNoDescriptor(t *testing.T) {
	root, _ := hostTree(t)
	check.NoError(t, os.Symlink("f", root+"/a/l"))
	for _, name := range []string{root, root + "/a/f", root + "/a/l", root + "/none", "/proc"} {
		before := check.OpenDescriptors(t)
		if tree, err := Open(name); err == nil {
			tree.Close()
		}
		check.Equal(t, check.OpenDescriptors(t), before, "descriptors after Open of %s", name)
	}
}

// In a directory whose mode lets everybody read, the first grant passes nothing on to Everyone or to the group of a
// later creator. A file that alice creates is hers alone, although the primary group of alice and bob is that of all
// users. With -r the private directory "a" stays closed, and so do new files in it. Entries of the new file are marked
// as inherited (B-110, B-111).
func TestFirstGrantPassesModeOnToNobody(t *testing.T) {
	domain := sid.MustParse("S-1-5-21-1-2-3")
	alice, bob, users := domain.WithRID(1107), domain.WithRID(1108), domain.WithRID(513)
	all := sd.ObjectInherit | sd.ContainerInherit
	grant := []Step{{Verb: Grant, Trustee: alice, Rights: check.Must(ParseRights("full")), Flags: all}}
	subject := func(user sid.SID) access.Subject {
		spec := token.StandardUser(user)
		spec.Groups = append(spec.Groups, token.Group{SID: users})
		spec.PrimaryGroup = users
		return access.SubjectOf(check.Must(token.New(spec)))
	}
	for name, change := range map[string]Change{"one": Edit(grant), "every": EditEach(grant)} {
		root, _ := hostTree(t)
		check.NoError(t, os.Chmod(root+"/a", 0o700))
		keeper := Offline{Attribute: ntacl.UserName}
		tree := check.Must(Open(root))
		defer tree.Close()
		j := journalOf(t, &Plan{Files: tree, Keeper: keeper, Recursive: true, Change: change})
		check.Must(Run(t.Context(), tree, keeper, j, false, nil, nil))
		var d *sd.Descriptor
		eve := subject(bob)
		for _, path := range []string{"a", ""} {
			h := check.Must(tree.Hold(path))
			d = check.Must(keeper.Read(h)).Descriptor
			h.Close()
			check.That(t, d.Control()&sd.DACLAutoInherited != 0,
				"B-110: %s: %q has no mark of automatic inheritance, want one", name, path)
			check.That(t, !strings.Contains(dacl(d), "CG)"), "B-111: %s: %q has %s, want no entry for CREATOR GROUP",
				name, path, dacl(d))
			want := winnt.AccessMask(0)
			if path == "" {
				want = winnt.FILE_READ_DATA // the mode of the root gives it to everybody
			}
			check.Equal(t, fileaccess.Can(&eve, d, winnt.FILE_READ_DATA, nil), want, "B-111: %s: rights of bob on %q: %s",
				name, path, dacl(d))
		}
		made := fileaccess.Open(&fileaccess.Request{Subject: subject(alice), Name: "f", Desired: 1, Share: 7,
			Disposition: fileaccess.FileCreate, Attributes: fileaccess.AttributeNormal},
			&fileaccess.Facts{Parent: &fileaccess.Directory{Name: "P", Descriptor: d}})
		check.RequireThat(t, made.NewSD != nil, "%s: creating a file: %v, want success", name, made.Status())
		for user, want := range map[sid.SID]winnt.AccessMask{alice: winnt.FILE_READ_DATA, bob: 0} {
			s := subject(user)
			got := fileaccess.Can(&s, made.NewSD, winnt.FILE_READ_DATA, nil)
			check.Equal(t, got, want, "B-111: %s: rights of %v on the new file", name, user)
		}
		for _, a := range made.NewSD.DACL().All() {
			check.That(t, a.Flags()&sd.Inherited != 0,
				"B-110: %s: the new file has an own entry %v, want inherited ones only", name, a)
		}
	}
}

// TestLockReservesUndoFile checks that one run or several undos lock an undo file while its name refers to it, and only
// if no user but the caller and root can write it (F-207).
func TestLockReservesUndoFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "undo")
	check.NoError(t, os.WriteFile(name, nil, 0o600))
	open := func() *os.File {
		f := check.Must(os.OpenFile(name, os.O_RDWR, 0))
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	first, second := open(), open()
	check.NoError(t, errors.Join(Lock(first, false), Lock(second, false)))
	check.ErrorIs(t, Lock(open(), true), ErrInUse, "a run during undos")
	check.NoError(t, errors.Join(first.Close(), second.Close()))
	run := open()
	check.NoError(t, Lock(run, true))
	check.ErrorIs(t, Lock(open(), false), ErrInUse, "an undo during a run")
	for _, mode := range []os.FileMode{0o620, 0o602} {
		check.NoError(t, os.Chmod(name, mode))
		err := Lock(run, true)
		check.That(t, err != nil && strings.Contains(err.Error(), "another user can write it"), "mode %o: %v", mode, err)
	}
	check.NoError(t, os.Chmod(name, 0o600))
	if os.Getuid() == 0 {
		check.NoError(t, os.Chown(name, 4001, 0))
		check.That(t, Lock(run, true) != nil, "the file of another user is locked")
		check.NoError(t, os.Chown(name, 0, 0))
	}
	check.NoError(t, errors.Join(Lock(run, true), os.Rename(name, name+"2"), os.WriteFile(name, nil, 0o600)))
	check.ErrorIs(t, Lock(run, true), ErrInUse, "a file whose name belongs to another one")
	check.NoError(t, os.Remove(name))
	check.ErrorIs(t, Lock(run, true), ErrInUse, "a file without a name")
	check.NoError(t, run.Close())
	check.That(t, Lock(run, true) != nil, "a closed file is locked")
}
