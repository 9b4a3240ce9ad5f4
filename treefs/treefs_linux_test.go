package treefs_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/treefs"
)

const (
	alice = "S-1-5-21-1-2-3-1107"
	bob   = "S-1-5-21-1-2-3-1108"
)

// world is a tree and the process of a server in a system with that tree.
type world struct {
	*testing.T
	root string
	p    *kernel.Process
}

func (w *world) must(err error) {
	w.Helper()
	check.NoError(w, err)
}

// newWorld creates a tree. Alice has full access to its root. Bob may list the root and add files, and may only
// append to his files.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, root: t.TempDir()}
	sys := kernel.Boot(kernel.Config{})
	w.describe("", "O:BAG:SYD:P(A;OICI;FA;;;"+alice+")(A;;0x1200ab;;;"+bob+")(A;OIIO;0x100084;;;"+bob+")")
	tree, err := hostfs.Open(hostfs.Config{Path: w.root, Attribute: ntacl.UserName})
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("this system has no trees: ", err)
	}
	w.must(err)
	w.must(sys.AddTree("share", tree))
	system := check.Must(token.New(token.LocalSystem()))
	w.p = check.Must(sys.NewProcess("server", system))
	t.Cleanup(func() { w.must(errors.Join(sys.Close(), tree.Close())) })
	return w
}

// describe writes a descriptor directly to the attribute of a file.
func (w *world) describe(name, text string) {
	w.Helper()
	a := ntacl.Attribute{Version: 3, HashType: ntacl.HashSHA256, Descriptor: sddl.MustParse(text)}
	value := check.Must(a.Append(nil))
	err := unix.Setxattr(filepath.Join(w.root, name), ntacl.UserName, value, 0)
	if errors.Is(err, unix.ENOTSUP) {
		w.Skipf("%s keeps no attributes of users", w.root)
	}
	w.must(err)
}

// fsOf returns the file system as a user sees it.
func (w *world) fsOf(user string) *treefs.FS {
	w.Helper()
	client := check.Must(token.New(token.NetworkUser(sid.MustParse(user))))
	th := check.Must(w.p.NewThreadAs(client))
	w.Cleanup(th.Close)
	return treefs.New(th, "share")
}

// The files of an open directory are those below it, wherever it is moved, and no name leads out of it.
func TestNoNameLeadsOutOfDirectory(t *testing.T) {
	w := newWorld(t)
	his := w.fsOf(alice)
	w.must(his.Mkdir("d"))
	w.writeFile(his, "d/a", "in d")
	w.writeFile(his, "secret", "beside d")
	dir := check.Must(his.OpenFile("d", os.O_RDONLY))
	below := dir.FS()
	w.must(below.Mkdir("sub"))
	w.writeFile(below, "sub/b", "in sub")
	if err := fstest.TestFS(below, "a", "sub/b"); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"../secret", "/../secret", "sub/../../secret", "/secret", "d/a", `..\secret`,
		`\??\share\secret`} {
		if f, err := below.OpenFile(name, os.O_RDONLY); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("OpenFile(%q) below d = %v, %v, want fs.ErrNotExist", name, f, err)
		}
	}
	if err := below.Rename("a", "../a", false); err != nil {
		t.Errorf("Rename(a, ../a) below d = %v, want nil: .. does not leave the directory", err)
	}
	w.must(below.Rename("sub/b", "c", false))
	w.must(check.Err(below.Stat("c")))
	w.must(his.Rename("d", "moved", false))
	for _, one := range []struct {
		files *treefs.FS
		name  string
	}{{below, "a"}, {his, "moved/a"}} {
		if text, err := fs.ReadFile(one.files, one.name); err != nil || string(text) != "in d" {
			t.Errorf("after d was moved, ReadFile(%s) = %q, %v, want \"in d\", nil", one.name, text, err)
		}
	}
	w.must(dir.Close())
	if _, err := below.OpenFile("a", os.O_RDONLY); !errors.Is(err, ntstatus.InvalidHandle.Err()) {
		t.Errorf("OpenFile after the directory was closed = %v, want STATUS_INVALID_HANDLE", err)
	}
}

// A tree passes fstest.TestFS, and packages of the standard library can read it.
func TestTreePassesFstest(t *testing.T) {
	w := newWorld(t)
	his := w.fsOf(alice)
	w.must(his.Mkdir("d"))
	w.must(his.Mkdir("/d/sub/"))
	w.writeFile(his, "d/sub/a", "0123456789")
	w.writeFile(his, "b", "")
	if err := fstest.TestFS(his, "d/sub/a", "b"); err != nil {
		t.Error(err)
	}
	w.writeFile(his, "d/sub/a", strings.Repeat("0123456789", 300_000))
	text, err := fs.ReadFile(his, "d/sub/a")
	check.That(t, err == nil && string(text) == strings.Repeat("0123456789", 300_000),
		"ReadFile of 3,000,000 bytes: %d bytes, %v; want all, nil", len(text), err)
}

// writeFile writes a file and closes it.
func (w *world) writeFile(f *treefs.FS, name, text string) {
	w.Helper()
	o := check.Must(f.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC))
	n, err := io.WriteString(o, text)
	check.That(w, n == len(text), "WriteString wrote %d bytes, want %d", n, len(text))
	w.must(errors.Join(err, o.Sync(), o.Close()))
}

// The descriptors decide for each client by the access that its open flags request. Appending does not need the right
// to overwrite (F-190).
func TestDescriptorsDecideForEachClient(t *testing.T) {
	w := newWorld(t)
	his, hers := w.fsOf(bob), w.fsOf(alice)
	w.writeFile(hers, "plan", "hers")
	w.must(hers.Mkdir("d"))
	open := func(name string, flag int) func() error {
		return func() error {
			o, err := his.OpenFile(name, flag)
			if err != nil {
				return err
			}
			return o.Close()
		}
	}
	w.must(open("mine", os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL)())
	for _, c := range []struct {
		what string
		do   func() error
		want error
	}{
		{"read", open("plan", os.O_RDONLY), fs.ErrPermission},
		{"write", open("plan", os.O_WRONLY), fs.ErrPermission},
		{"empty", open("plan", os.O_WRONLY|os.O_CREATE|os.O_TRUNC), fs.ErrPermission},
		{"append to hers", open("plan", os.O_WRONLY|os.O_APPEND), nil},
		{"read and append", open("plan", os.O_RDWR|os.O_APPEND), fs.ErrPermission},
		{"create an existing file", open("plan", os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL), fs.ErrExist},
		{"write to a directory", open("d", os.O_RDWR), ntstatus.FileIsADirectory.Err()},
		{"read a directory", func() error { return check.Err(fs.ReadFile(hers, "d")) }, ntstatus.FileIsADirectory.Err()},
		{"open a missing file", open("none", os.O_RDONLY), fs.ErrNotExist},
		{"open an invalid name", open("plan:stream", os.O_RDONLY), fs.ErrNotExist},
		{"open another path", open(`d\plan`, os.O_RDWR|os.O_TRUNC), fs.ErrNotExist},
		{"create an invalid name", open("a:b", os.O_WRONLY|os.O_CREATE), fs.ErrInvalid},
		{"make another path", open(`d\plan`, os.O_WRONLY|os.O_CREATE), fs.ErrInvalid},
		{"leave the tree", open("/../../plan", os.O_WRONLY|os.O_APPEND), nil},
		{"make a directory", func() error { return his.Mkdir("e") }, fs.ErrPermission},
		{"remove", func() error { return his.Remove("plan") }, fs.ErrPermission},
		{"remove all", func() error { return his.RemoveAll("plan") }, fs.ErrPermission},
		{"rename", func() error { return his.Rename("plan", "mine", true) }, fs.ErrPermission},
		{"stat", func() error { _, err := his.Stat("plan"); return err }, nil},
		{"list", func() error { _, err := his.ReadDir("/"); return err }, nil},
	} {
		if err := c.do(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
	o := check.Must(his.OpenFile("plan", os.O_WRONLY|os.O_APPEND))
	_, err := o.WriteAt([]byte(" and his"), 0)
	w.must(errors.Join(err, o.Close()))
	if text, err := fs.ReadFile(hers, "plan"); err != nil || string(text) != "hers and his" {
		t.Errorf(`contents after appending: %q, %v; want "hers and his", nil`, text, err)
	}
}

// Creating, renaming and removing files and directories changes the host's file system.
func TestNameChangesReachTheHost(t *testing.T) {
	w := newWorld(t)
	hers := w.fsOf(alice)
	w.must(hers.Mkdir("d"))
	w.must(hers.Mkdir("d/e"))
	w.writeFile(hers, "d/e/a", "one")
	w.writeFile(hers, "d/b", "two")
	w.must(hers.Rename("/d/e/a", "/d/b", true))
	o := check.Must(hers.OpenFile("d/b", os.O_RDWR))
	w.must(o.Truncate(2))
	info, err := o.Stat()
	w.must(errors.Join(err, o.Close()))
	check.That(t, info.Name() == "b" && info.Size() == 2 && !info.IsDir() && info.Sys().(nt.FileBasic).LastWriteTime != 0,
		"Stat: %+v, want the name b, 2 bytes, a file with a write time", info)
	if text, err := os.ReadFile(filepath.Join(w.root, "d", "b")); err != nil || string(text) != "on" {
		t.Errorf(`contents on the host: %q, %v; want "on", nil`, text, err)
	}
	w.must(hers.RemoveAll("d"))
	w.must(hers.RemoveAll("d"))
	if left, err := os.ReadDir(w.root); err != nil || len(left) != 0 {
		t.Errorf("entries on the host after RemoveAll: %v, %v; want none", left, err)
	}
	check.Equal(t, len(check.Must(hers.ReadDir("/"))), 0, "entries of the empty root")
}

// Readdir returns a listing in parts, and Seek restarts it.
func TestReaddirListsInParts(t *testing.T) {
	w := newWorld(t)
	hers := w.fsOf(alice)
	for _, name := range []string{"a", "b", "c"} {
		w.writeFile(hers, name, name)
	}
	o := check.Must(hers.OpenFile(".", os.O_RDONLY))
	for range 2 {
		seen := 0
		for {
			list, err := o.Readdir(2)
			if seen += len(list); err == io.EOF {
				break
			}
			w.must(err)
		}
		check.That(t, seen == 3, "%d entries in all parts, want 3", seen)
		if _, err := o.Seek(0, io.SeekStart); err != nil {
			t.Error(err)
		}
	}
	// A listing that is restarted midway returns each entry once.
	for n := 1; n <= 3; n++ {
		w.must(check.Err(o.Readdir(n)))
		w.must(check.Err(o.Seek(0, io.SeekStart)))
		if list, err := o.Readdir(-1); err != nil || len(list) != 3 {
			t.Errorf("after %d entries and a restart: %d entries, %v; want 3, nil", n, len(list), err)
		}
		w.must(check.Err(o.Seek(0, io.SeekStart)))
	}
	w.must(o.Close())
}

// An access-based tree passes fstest.TestFS for users to whom random descriptors grant only a part of
// it: files without reading, directories without listing.
func TestTreePassesFstestForPartialUsers(t *testing.T) {
	rnd := rand.New(rand.NewPCG(randtest.Seed(t), 7))
	root := t.TempDir()
	w := &world{T: t, root: root}
	w.describe("", "O:BAG:SYD:P(A;;0x1200a9;;;WD)")
	rights := []string{"0x1200a9", "0x120089", "0x1", "0x80", "0x81", "0x100001", "0x1f01ff", "0x20", "0x120116"}
	some := func() (text string) {
		for range rnd.IntN(4) {
			text += fmt.Sprintf("(%s;;%s;;;%s)", []string{"A", "A", "D"}[rnd.IntN(3)], rights[rnd.IntN(len(rights))],
				[]string{"WD", alice, bob, "BU"}[rnd.IntN(4)])
		}
		return "O:BAG:SYD:P" + text
	}
	dirs := []string{""}
	for i := range 60 {
		name := filepath.Join(dirs[rnd.IntN(len(dirs))*rnd.IntN(2)], fmt.Sprint("n", i)) // half of them in the root
		if rnd.IntN(3) == 0 {
			w.must(os.Mkdir(filepath.Join(root, name), 0o700))
			dirs = append(dirs, name)
		} else {
			w.must(os.WriteFile(filepath.Join(root, name), []byte(name), 0o600))
		}
		w.describe(name, some())
	}
	tree, err := hostfs.Open(hostfs.Config{Path: root, Attribute: ntacl.UserName, AccessBased: true,
		Share: sddl.MustParse("D:(A;;FA;;;WD)")})
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip("this system has no trees: ", err)
	}
	w.must(err)
	sys := kernel.Boot(kernel.Config{})
	w.must(sys.AddTree("share", tree))
	system := check.Must(token.New(token.LocalSystem()))
	w.p = check.Must(sys.NewProcess("server", system))
	t.Cleanup(func() { w.must(errors.Join(sys.Close(), tree.Close())) })
	seen := 0
	for _, user := range []string{alice, bob, "S-1-5-21-1-2-3-1109"} {
		his := w.fsOf(user)
		var names []string
		w.must(fs.WalkDir(his, ".", func(name string, _ fs.DirEntry, err error) error {
			if name != "." {
				names = append(names, name)
			}
			return err
		}))
		seen += len(names)
		check.Equal(t, fstest.TestFS(his, names...), nil, "fstest.TestFS as %s", user)
	}
	check.That(t, seen != 0 && seen != 3*60, "the users see %d of 180 names, want some but not all", seen)
}
