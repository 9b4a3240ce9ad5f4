package mount

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// numberOf returns the inode number of a file of the backing tree.
func (w *world) numberOf(name string) uint64 {
	w.Helper()
	var s unix.Stat_t
	w.must(unix.Lstat(filepath.Join(w.root, name), &s))
	return s.Ino
}

// TestReusedInodeNumberShowsNoNewFile removes a program's working directory, and another directory that the kernel
// knows gets its inode number. The program cannot see the new one (F-180, M-11).
func TestReusedInodeNumberShowsNoNewFile(t *testing.T) {
	w := newWorld(t)
	w.dir("gone", listAll)
	number := w.numberOf("gone")
	cmd := as(bob, "/bin/sh", "-c", `cd "$0/gone" && echo there && read go && cat f`, w.at)
	cmd.Stderr = io.Discard
	shell := w.talkTo(cmd)
	w.readLine(shell, "there")
	w.must(os.Remove(filepath.Join(w.root, "gone")))
	again := ""
	for i := range 500 {
		name := fmt.Sprint("new", i)
		w.dir(name, listAll)
		if w.numberOf(name) == number {
			again = name
			break
		}
	}
	if again != "" {
		w.file(again+"/f", "another directory's", readAll)
		w.sees(bob, "another directory's", "cat", again+"/f")
	}
	w.must(check.Err(io.WriteString(shell.in, "go\n")))
	read := shell.out.Scan()
	if err := cmd.Wait(); err == nil || read {
		t.Errorf("F-180: it reads %q, %v, want nothing, an error", shell.out.Text(), err)
	}
	if again == "" {
		t.Skip("the file system reused the removed directory's inode number for none of 500 others")
	}
}

// TestInheritedDescriptorIsForCreatorAlone checks that another user's chmod does not start from the descriptor that the
// file inherited (M-43).
func TestInheritedDescriptorIsForCreatorAlone(t *testing.T) {
	n := newNodes(identity{number: 1, dir: true})
	x, _ := n.add(nil, "f", identity{number: 2}, false)
	d := sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)")
	n.narrowed(x, newNarrowed(alice, d, d))
	check.Equal(t, n.wholeOf(x, alice, d), d, "M-43: the creator's")
	check.Equal(t, n.wholeOf(x, bob, d), nil, "M-43: another user's")
	check.Equal(t, n.wholeOf(x, alice, sddl.MustParse("O:BAG:SYD:")), nil, "M-43: after the DACL has changed")
}

// TestCreatedFilesShareInheritedDescriptor checks that the table does not hold a descriptor for each created file.
// Files share the equal descriptors that they inherited. A restored file holds none (M-43, M-55).
func TestCreatedFilesShareInheritedDescriptor(t *testing.T) {
	n := newNodes(identity{number: 1, dir: true})
	now := sddl.MustParse("O:BAG:SYD:")
	next := uint64(2)
	whole := func(text string) *sd.Descriptor {
		x, _ := n.add(nil, "f", identity{number: next}, false)
		next++
		n.narrowed(x, newNarrowed(alice, sddl.MustParse(text), now))
		return n.wholeOf(x, alice, now)
	}
	first := whole("O:BAG:SYD:(A;;FA;;;WD)")
	check.Equal(t, whole("O:BAG:SYD:(A;;FA;;;WD)"), first, "M-43: of another file with an equal descriptor")
	for _, other := range []string{"O:BAG:SYD:(A;;FR;;;WD)", "O:SYG:SYD:(A;;FA;;;WD)"} {
		check.That(t, whole(other).Equal(sddl.MustParse(other)), "M-43: %s is shared with another one", other)
	}
	for i := range len(n.inherited) {
		text := fmt.Sprintf("O:BAG:SYD:(A;;FA;;;S-1-5-21-1-2-3-%d)", 1000+i)
		check.That(t, whole(text).Equal(sddl.MustParse(text)), "M-43: %s is shared with another one", text)
	}
	check.That(t, whole("O:BAG:SYD:(A;;FA;;;WD)") != first, "M-43: the table holds a descriptor that is not recent")
	x, _ := n.add(nil, "f", identity{number: next}, false)
	n.narrowed(x, newNarrowed(alice, nil, now))
	check.That(t, n.wholeOf(x, alice, now) == now && n.restored(x, alice) && !n.restored(x, bob),
		"M-55: a restored file has not the current descriptor, or another user restored it")
}

// numbered is a tree whose files have neither a birth time nor a handle, and whose open files are those of no mount.
type numbered struct{ nt.FileSystem }

func (n numbered) Find(r *fileaccess.Request, start nt.OpenFile) (nt.FilePlace, ntstatus.Status) {
	if f, ok := start.(bareFile); ok {
		start = f.OpenFile
	}
	p, st := n.FileSystem.Find(r, start)
	return bare{p}, st
}

type bareFile struct{ nt.OpenFile }

type bare struct{ nt.FilePlace }

func (b bare) Open(r *fileaccess.Request, d *fileaccess.Decision) (nt.OpenFile, bool, ntstatus.Status) {
	f, again, st := b.FilePlace.Open(r, d)
	return bareFile{f}, again, st
}

func (bare) Identity() (uint64, string) { return 2, "" }

// TestReplacedFileOpenIsESTALE checks that a known file can be opened only while its name refers to it (M-11). An open
// descriptor of a directory keeps its node.
func TestReplacedFileOpenIsESTALE(t *testing.T) {
	w := newWorld(t)
	w.dir("d", everybody)
	w.file("d/f", "first\n", "O:BAG:SYD:P(A;;FR;;;WD)")
	first := header(bob, w.known(bob, "d/f"))
	dir := check.Must(os.Open(filepath.Join(w.at, "d")))
	defer func() { w.must(dir.Close()) }()
	w.must(os.Rename(filepath.Join(w.root, "d"), filepath.Join(w.root, "gone")))
	w.dir("d", everybody)
	w.file("d/f", "second\n", "O:BAG:SYD:P(A;;FR;;;WD)")
	_, before, _ := w.sys.Counts()
	fd, err := unix.Openat(int(dir.Fd()), ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	check.That(t, errors.Is(err, unix.ESTALE), "M-11: descriptor %d, %v of another directory, want ESTALE", fd, err)
	_, after, _ := w.sys.Counts()
	check.That(t, after == before, "M-11: %d handles after the refused open, want %d", after, before)
	_, s := w.m.ListXAttr(nil, &first, nil)
	w.want("M-11: names of the attributes of another file", s, unix.ESTALE)
	w.sees(bob, "second", "cat", "d/f")
}

// TestNamesInReplacedDirectoryAreESTALE: a directory that a program has open is moved on the host, and
// another one gets its path. No request through the open directory reaches a name in the other one (M-11).
func TestNamesInReplacedDirectoryAreESTALE(t *testing.T) {
	w := newWorld(t)
	w.dir("d", full)
	w.dir("own", full)
	w.file("own/g", "", full)
	d, own := header(alice, w.known(alice, "d")), header(alice, w.known(alice, "own"))
	bare := header(bob, d.NodeId)
	file := w.known(alice, "own/g")
	w.must(os.Rename(filepath.Join(w.root, "d"), filepath.Join(w.root, "moved")))
	w.dir("d", full)
	w.dir("d/sub", full)
	w.file("d/f", "of another directory", full)
	w.file("d/secret", "", "O:BAG:SYD:P(A;;FA;;;BA)")
	_, before, _ := w.sys.Counts()
	create := func(name string) fuse.Status {
		return w.m.Create(nil, &fuse.CreateIn{InHeader: d, Flags: unix.O_WRONLY | unix.O_TRUNC, Mode: 0o600}, name,
			&fuse.CreateOut{})
	}
	rename := func(from, to fuse.InHeader, name string) fuse.Status {
		return w.m.Rename(nil, &fuse.RenameIn{InHeader: from, Newdir: to.NodeId}, name, "x")
	}
	for what, got := range map[string]fuse.Status{
		"lookup":                  w.m.Lookup(nil, &d, "f", &fuse.EntryOut{}),
		"lookup of a missing one": w.m.Lookup(nil, &d, "x", &fuse.EntryOut{}),
		"lookup without rights":   w.m.Lookup(nil, &bare, "secret", &fuse.EntryOut{}),
		"create of an old name":   create("f"),
		"create of a new name":    create("x"),
		"mkdir":                   w.m.Mkdir(nil, &fuse.MkdirIn{InHeader: d, Mode: 0o700}, "x", &fuse.EntryOut{}),
		"mknod": w.m.Mknod(nil, &fuse.MknodIn{InHeader: d, Mode: unix.S_IFREG | 0o600}, "x",
			&fuse.EntryOut{}),
		"symlink":        w.m.Symlink(nil, &d, "f", "x", &fuse.EntryOut{}),
		"unlink":         w.m.Unlink(nil, &d, "f"),
		"rmdir":          w.m.Rmdir(nil, &d, "sub"),
		"rename from it": rename(d, own, "f"),
		"rename to it":   rename(own, d, "g"),
		"link":           w.m.Link(nil, &fuse.LinkIn{InHeader: d, Oldnodeid: file}, "x", &fuse.EntryOut{}),
		"file without a name": w.m.Tmpfile(nil, &fuse.CreateIn{InHeader: d, Flags: unix.O_RDWR, Mode: 0o600},
			&fuse.CreateOut{}),
	} {
		w.want("M-11: "+what, got, unix.ESTALE)
	}
	_, after, _ := w.sys.Counts()
	check.Equal(t, after, before, "M-11: handles")
	w.sees(alice, "d/f\nd/secret\nown/g", "sh", "-c", "LC_ALL=C ls -d d/[!s]* d/se* own/*")
	w.sees(alice, "of another directory", "cat", "d/f")
	w.sees(alice, "", "ls", "moved")
	w.must(os.Rename(filepath.Join(w.root, "own"), filepath.Join(w.root, "gone")))
	w.want("M-11: open below a missing directory",
		w.m.Open(nil, &fuse.OpenIn{InHeader: header(alice, file)}, &fuse.OpenOut{}), unix.ESTALE)
}

// TestUnknownNodeIsESTALEAndHandleEBADF checks that a request for an unknown node is ESTALE, and one for an unknown
// handle EBADF. Nothing is created, changed or returned (M-6, M-11).
func TestUnknownNodeIsESTALEAndHandleEBADF(t *testing.T) {
	w := newWorld(t)
	w.describe("", full)
	w.file("f", "text", full)
	const nowhere, none = 9999, 8888
	in := header(alice, nowhere)
	inRoot := header(alice, rootID)
	f := w.known(alice, "f")
	stale, bad := unix.ESTALE, unix.EBADF
	size := fuse.SetAttrInCommon{InHeader: in, Valid: fuse.FATTR_SIZE}
	second := func(_ uint32, s fuse.Status) fuse.Status { return s }
	for what, c := range map[string]struct {
		got  fuse.Status
		want unix.Errno
	}{
		"lookup":       {w.m.Lookup(nil, &in, "f", &fuse.EntryOut{}), stale},
		"getattr":      {w.m.GetAttr(nil, &fuse.GetAttrIn{InHeader: in}, &fuse.AttrOut{}), stale},
		"setattr":      {w.m.SetAttr(nil, &fuse.SetAttrIn{SetAttrInCommon: size}, &fuse.AttrOut{}), stale},
		"open":         {w.m.Open(nil, &fuse.OpenIn{InHeader: in}, &fuse.OpenOut{}), stale},
		"opendir":      {w.m.OpenDir(nil, &fuse.OpenIn{InHeader: in}, &fuse.OpenOut{}), stale},
		"access":       {w.m.Access(nil, &fuse.AccessIn{InHeader: in}), stale},
		"create":       {w.m.Create(nil, &fuse.CreateIn{InHeader: in}, "new", &fuse.CreateOut{}), stale},
		"tmpfile":      {w.m.Tmpfile(nil, &fuse.CreateIn{InHeader: in}, &fuse.CreateOut{}), stale},
		"mknod":        {w.m.Mknod(nil, &fuse.MknodIn{InHeader: in, Mode: syscall.S_IFREG}, "new", &fuse.EntryOut{}), stale},
		"mkdir":        {w.m.Mkdir(nil, &fuse.MkdirIn{InHeader: in}, "new", &fuse.EntryOut{}), stale},
		"symlink":      {w.m.Symlink(nil, &in, "to", "new", &fuse.EntryOut{}), stale},
		"readlink":     {func() fuse.Status { _, s := w.m.Readlink(nil, &in); return s }(), stale},
		"unlink":       {w.m.Unlink(nil, &in, "f"), stale},
		"rmdir":        {w.m.Rmdir(nil, &in, "f"), stale},
		"rename from":  {w.m.Rename(nil, &fuse.RenameIn{InHeader: in, Newdir: rootID}, "f", "g"), stale},
		"rename to":    {w.m.Rename(nil, &fuse.RenameIn{InHeader: inRoot, Newdir: nowhere}, "f", "g"), stale},
		"link of":      {w.m.Link(nil, &fuse.LinkIn{InHeader: inRoot, Oldnodeid: nowhere}, "g", &fuse.EntryOut{}), stale},
		"link in":      {w.m.Link(nil, &fuse.LinkIn{InHeader: in, Oldnodeid: f}, "g", &fuse.EntryOut{}), stale},
		"getxattr":     {second(w.m.GetXAttr(nil, &in, ntfsACL, nil)), stale},
		"getxattr ea":  {second(w.m.GetXAttr(nil, &in, "user.a", nil)), stale},
		"getxattr not": {second(w.m.GetXAttr(nil, &in, "security.capability", nil)), unix.ENODATA},
		"setxattr":     {w.m.SetXAttr(nil, &fuse.SetXAttrIn{InHeader: in}, ntfsACL, bytesOf(full)), stale},
		"setxattr ea":  {w.m.SetXAttr(nil, &fuse.SetXAttrIn{InHeader: in}, "user.a", nil), stale},
		"listxattr":    {second(w.m.ListXAttr(nil, &in, nil)), stale},
		"removexattr":  {w.m.RemoveXAttr(nil, &in, "user.a"), stale},
		"read": {func() fuse.Status {
			_, s := w.m.Read(nil, &fuse.ReadIn{InHeader: inRoot, Fh: none}, make([]byte, 1))
			return s
		}(), bad},
		"write":     {second(w.m.Write(nil, &fuse.WriteIn{InHeader: inRoot, Fh: none}, []byte("x"))), bad},
		"fsync":     {w.m.Fsync(nil, &fuse.FsyncIn{InHeader: inRoot, Fh: none}), bad},
		"fallocate": {w.m.Fallocate(nil, &fuse.FallocateIn{InHeader: inRoot, Fh: none, Length: 1}), bad},
		"readdir":   {w.m.ReadDir(nil, &fuse.ReadIn{InHeader: inRoot, Fh: none}, fuse.NewDirEntryList(nil, 0)), bad},
		"getlk":     {w.m.GetLk(nil, lockOf(alice, none, 1), &fuse.LkOut{}), bad},
		"setlk":     {w.m.SetLk(nil, lockOf(alice, none, 1)), bad},
		"setlkw":    {w.m.SetLkw(nil, lockOf(alice, none, 1)), bad},
		"flush":     {w.m.Flush(nil, &fuse.FlushIn{InHeader: inRoot, Fh: none}), 0},
		"fsyncdir":  {w.m.FsyncDir(nil, &fuse.FsyncIn{InHeader: inRoot, Fh: none}), bad},
		// An unknown handle has no effect on the file in the same request.
		"getattr by it": {w.m.GetAttr(nil, &fuse.GetAttrIn{InHeader: header(alice, f), Fh_: none,
			Flags_: fuse.FUSE_GETATTR_FH}, &fuse.AttrOut{}), 0},
		"setattr by it": {w.m.SetAttr(nil, &fuse.SetAttrIn{SetAttrInCommon: fuse.SetAttrInCommon{InHeader: header(alice, f),
			Fh: none, Size: 4, Valid: fuse.FATTR_SIZE | fuse.FATTR_FH}}, &fuse.AttrOut{}), 0},
	} {
		w.want("M-11: "+what, c.got, c.want)
	}
	w.m.Release(nil, &fuse.ReleaseIn{InHeader: inRoot, Fh: none})
	w.m.ReleaseDir(&fuse.ReleaseIn{InHeader: inRoot, Fh: none})
	w.m.Forget(nowhere, 1)
	check.That(t, w.m.open(none) == nil && w.m.nodes.get(nowhere) == nil,
		"M-11: get returns an unknown handle or node, want nil")
}

// TestNodeNumbersAreNeverReused checks that a file has one number under all its names, and that numbers are not reused.
// A node lives as long as its lookup count is positive, and has the file's last name (M-11).
//
// +checklocksignore
func TestNodeNumbersAreNeverReused(t *testing.T) {
	id := func(n uint64) identity { return identity{number: n, id: "x"} }
	n := newNodes(id(1))
	root := n.get(rootID)
	d, kept := n.add(root, "d", id(2), false)
	f, bare := n.add(d, "f", id(3), true)
	free, _ := n.add(nil, "", id(4), false)
	check.RequireThat(t, d.id == 2 && f.id == 3 && free.id == 4 && kept && !bare,
		"numbers %d, %d, %d, kept %t and %t", d.id, f.id, free.id, kept, bare)
	path := func(of *node, name, want string) {
		t.Helper()
		check.Equal(t, n.path(of, name), want, "the path")
	}
	path(root, "", "")
	path(root, "x", "x")
	path(d, "", "d")
	path(f, "", `d\f`)
	path(f, "x", `d\f\x`)
	for x, want := range map[*node][2]bool{root: {false, false}, d: {false, false}, f: {false, true},
		free: {true, false}} {
		check.Equal(t, [2]bool{n.nameless(x), n.isBare(x)}, want, "M-38: %d: without a name and bare", x.id)
	}
	// A second lookup: the same number, the new name, and bare from then on.
	if again, kept := n.add(root, "g", id(3), false); again != f || kept {
		t.Errorf("M-5: %d, kept %t", again.id, kept)
	}
	path(f, "", "g")
	n.add(d, "other", id(1), false) // the root keeps its place
	path(root, "", "")
	n.rename(id(3), d, "h", func() ntstatus.Status { return ntstatus.AccessDenied })
	path(f, "", "g")
	n.moved(id(3), d, "h")
	n.moved(id(1), d, "h")
	n.moved(id(99), d, "h")
	path(f, "", `d\h`)
	path(root, "", "")
	n.moved(id(4), root, "linked")
	check.That(t, !n.nameless(free), "M-38: a linked file counts as nameless")
	for _, c := range []struct {
		forget, count uint64
		there         bool
	}{{3, 1, true}, {3, 0, true}, {3, 1, false}, {3, 1, false}, {1, 100, true}, {2, 5, false}, {99, 1, false}} {
		n.forget(c.forget, c.count)
		if x := n.get(c.forget); (x != nil) != c.there {
			t.Errorf("%d is known after %d: %t, want %t", c.forget, c.count, x != nil, c.there)
		}
	}
	if next, kept := n.add(root, "f", id(3), false); next.id != 5 || !kept || next.lookups != 1 {
		t.Errorf("M-11: a forgotten file has number %d again, kept %t, want 5, true", next.id, kept)
	}
	check.That(t, root.lookups == 2 && n.byFile[id(1)] == root, "the root has %d lookups, want 2", root.lookups)
	// A path of names that were moved into themselves terminates.
	a, _ := n.add(root, "a", id(10), false)
	b, _ := n.add(a, "b", id(11), false)
	n.moved(id(10), b, "a")
	if got := strings.Count(n.path(b, ""), `\`); got != maxDepth-1 {
		t.Errorf("a circle of names has %d parts", got+1)
	}
}
