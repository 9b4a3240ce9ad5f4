package mount

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
)

// TestLookupWithoutRightShowsOnlyKind checks that a user with traverse right learns that a name exists. Without the
// right to read attributes the user gets only kind and inode number, and then the kernel caches the attributes for no
// user (M-5).
func TestLookupWithoutRightShowsOnlyKind(t *testing.T) {
	w := newWorld(t, func(c *hostfs.Config, _ *Config) { c.Policy.Traverse = fileaccess.TraverseAlways })
	w.describe("", "O:BAG:SYD:P(A;;0x1200a0;;;WD)(A;;FA;;;"+user(alice)+")")
	w.dir("closed", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")")
	w.file("closed/f", "text", "O:BAG:SYD:P(A;;FR;;;WD)")
	w.file("bare", "text", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")")
	closed := w.known(alice, "closed")
	look := func(uid uint32, dir uint64, name string) (out fuse.EntryOut, s fuse.Status) {
		h := header(uid, dir)
		s = w.m.Lookup(nil, &h, name, &out)
		return out, s
	}
	_, s := look(bob, closed, "f")
	w.want("M-5: a name behind a directory that bob may not pass", s, unix.EACCES)
	_, s = look(bob, closed, "none")
	w.want("M-5: no name behind it", s, unix.EACCES)
	out, s := look(alice, rootID, "bare")
	if w.want("M-5: alice looks", s, 0); out.AttrValid == 0 || out.Size != 4 {
		t.Errorf("M-5: the attributes for alice are %+v, want size 4, cached for at least 1 s", out)
	}
	kept, s := w.attributesOf(alice, out.NodeId, 0)
	if w.want("M-5: alice asks", s, 0); kept.AttrValid == 0 {
		t.Errorf("M-5: attributes that all previous callers may see are cached for %d s, want at least 1 s",
			kept.AttrValid)
	}
	out, s = look(bob, rootID, "bare")
	if w.want("M-5: bob looks", s, 0); out.Mode != syscall.S_IFREG|0o755 || out.Size != 0 || out.Mtime != 0 ||
		out.Uid != unknownOwner || out.Gid != unknownOwner || out.AttrValid != 0 || out.Ino == 0 {
		t.Errorf("M-5: the attributes for bob are %+v, want kind and inode number only, not cached", out)
	}
	w.link("to", "bare", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")")
	if out, s = look(bob, rootID, "to"); s != fuse.OK || out.Mode != syscall.S_IFLNK|0o777 {
		t.Errorf("M-5: bob's lookup of a link = %v, mode %o, want %v, a link", s, out.Mode, fuse.OK)
	}
	// The kernel uses the size for the programs that have the file open.
	opened := w.opens(alice, "bare", unix.O_RDONLY)
	if out, s = look(bob, rootID, "bare"); s != fuse.OK || out.Size != 4 {
		t.Errorf("M-5: bob's lookup of a file that alice has open = %v, size %d, want %v, 4", s, out.Size, fuse.OK)
	}
	w.m.Release(nil, &fuse.ReleaseIn{Fh: opened})
	for range 2 {
		if out, s = look(alice, rootID, "bare"); s != fuse.OK || out.AttrValid != 0 {
			t.Errorf("M-5: lookup = %v, attributes cached for %d s after bob's lookup, want %v, 0",
				s, out.AttrValid, fuse.OK)
		}
		kept, s = w.attributesOf(alice, out.NodeId, 0)
		if w.want("M-5: alice asks", s, 0); kept.AttrValid != 0 {
			t.Errorf("M-5: the kernel caches attributes for %d s after bob's lookup, want 0 s", kept.AttrValid)
		}
		_, s = w.attributesOf(bob, out.NodeId, 0)
		w.want("M-5: bob asks", s, unix.EACCES)
	}
}

// TestAccessChecksOnlyTheMaskBits checks that access(2) checks the right of each bit and no other. Everybody may
// traverse under TraverseNever, users with the privilege under TraversePrivilege, and else the directory's descriptor
// decides (M-1, M-5, F-23).
func TestAccessChecksOnlyTheMaskBits(t *testing.T) {
	for policy, passed := range map[fileaccess.Traverse]uint32{fileaccess.TraverseAlways: 0,
		fileaccess.TraverseNever: fuse.X_OK, fileaccess.TraversePrivilege: fuse.X_OK} { // all users hold it
		w := newWorld(t, func(c *hostfs.Config, _ *Config) { c.Policy.Traverse = policy })
		w.describe("", "O:BAG:SYD:P(A;;0x1200a9;;;WD)")
		nodes := map[string]uint64{}
		for name, rights := range map[string]string{"reads": "0x1", "writes": "0x2", "appends": "0x4", "runs": "0x20"} {
			w.file(name, "", "O:BAG:SYD:P(A;;"+rights+";;;WD)")
			nodes[name] = w.known(bob, name)
		}
		for name, rights := range map[string]string{"files": "0x2", "both": "0x6", "passed": "0x20"} {
			w.dir(name, "O:BAG:SYD:P(A;;"+rights+";;;WD)")
			nodes[name] = w.known(bob, name)
		}
		for name, may := range map[string]uint32{"reads": fuse.R_OK, "writes": fuse.W_OK, "appends": 0, "runs": fuse.X_OK,
			"files": passed, "both": fuse.W_OK | passed, "passed": fuse.X_OK} {
			for mask := range uint32(8) {
				want := unix.EACCES
				if mask&^may == 0 {
					want = 0
				}
				s := w.m.Access(nil, &fuse.AccessIn{InHeader: header(bob, nodes[name]), Mask: mask})
				check.Equal(t, s, fuse.Status(want), "M-1: policy %d: access %o of %s", policy, mask, name)
			}
		}
	}
}

// BenchmarkLookup measures the server's own cost of a lookup, without the host's kernel: on a mount that records
// nothing, and on one with refmond's default trail, whose policy records none of these opens.
func BenchmarkLookup(b *testing.B) {
	for i, name := range []string{"none", "trail"} {
		b.Run(name, func(b *testing.B) {
			look := lookupOf(b, i == 1)
			b.ReportAllocs()
			for b.Loop() {
				look()
			}
		})
	}
}

// lookupOf returns a function that looks up a file three directories below the root of a mount, with refmond's default
// trail or without one.
func lookupOf(t testing.TB, trail bool) func() {
	t.Helper()
	w := newWorld(t, func(_ *hostfs.Config, c *Config) {
		if trail {
			c.System = recording(t)
		}
	})
	for _, name := range []string{"all", "all/a", "all/a/b"} {
		w.dir(name, "O:BAG:SYD:P(A;OICI;FA;;;WD)")
	}
	w.file("all/a/b/f", "x", "O:BAG:SYD:P(A;;FA;;;WD)")
	in := header(bob, w.known(bob, "all/a/b"))
	time.Sleep(50 * time.Millisecond) // the descriptor is cached after the file is old enough
	return func() {
		var out fuse.EntryOut
		if s := w.m.Lookup(nil, &in, "f", &out); s != fuse.OK {
			t.Fatal(s)
		}
	}
}

// TestLookupAllocatesAtMostEightTimes checks that a lookup does not describe an open for the audit log if no SACL asks
// for its record.
func TestLookupAllocatesAtMostEightTimes(t *testing.T) {
	const most = 8
	for _, trail := range []bool{false, true} {
		if got := testing.AllocsPerRun(1000, lookupOf(t, trail)); got > most {
			t.Errorf("with a trail %t: %v allocations, want at most %d", trail, got, most)
		}
	}
}

// TestUnsupportedFilesAreHidden checks that a listing leaves out pipes, devices and names that are impossible on
// Windows, and that no program opens or removes them (M-9, M-21, M-6). Opens do not exclude each other (M-10).
func TestUnsupportedFilesAreHidden(t *testing.T) {
	w := newWorld(t)
	w.dir("d", full)
	w.file("d/plain", "", full)
	w.must(unix.Mkfifo(filepath.Join(w.root, "d/pipe"), 0o666))
	w.must(unix.Mknod(filepath.Join(w.root, "d/null"), syscall.S_IFCHR|0o666, 1<<8|3))
	for _, name := range []string{`d/with\slash`, "d/with:colon"} {
		w.must(os.WriteFile(filepath.Join(w.root, name), nil, 0o600))
		w.refused(alice, "No such file", "cat", name)
	}
	w.sees(alice, "plain", "ls", "d")
	for _, name := range []string{"d/pipe", "d/null"} {
		w.refused(alice, "Permission denied", "cat", name)
		w.refused(alice, "Permission denied", "rm", "-f", name)
	}
	w.sees(alice, "", "sh", "-c", "exec 3<d/plain 4<>d/plain 5>d/plain")
}

// TestWildcardAndStreamNamesAreEINVAL checks that names impossible on Windows refer to no file: with a stream, a
// wildcard or a control character. Neither does a name that listings leave out and later remove as an unfinished
// upload. Its device names are ordinary names here (M-9, F-176, G-49).
func TestWildcardAndStreamNamesAreEINVAL(t *testing.T) {
	for name, want := range map[string]unix.Errno{"f": 0, "con": 0, "NUL.txt": 0, "a.": 0, "a ": 0,
		":": unix.EINVAL, "a*": unix.EINVAL, "a?": unix.EINVAL, `a\b`: unix.EINVAL,
		".~refmon-x": unix.EINVAL, ".~refmon": 0,
		"a\x1f": unix.EINVAL, "\xff": unix.EINVAL, "a|b": unix.EINVAL, strings.Repeat("x", 255): 0,
		strings.Repeat("x", 256): unix.ENAMETOOLONG, strings.Repeat("é", 128): unix.ENAMETOOLONG} {
		check.Equal(t, checkName(name), fuse.Status(want), "M-9: %q", name)
	}
}

// TestDirectoryAttributesStayHidden checks that a user who may not read a directory's attributes learns that it exists
// and can traverse it. That user gets no attributes even after another user has read them (M-5).
func TestDirectoryAttributesStayHidden(t *testing.T) {
	w := newWorld(t)
	w.describe("", "O:BAG:SYD:P(A;;FX;;;WD)(A;;FA;;;"+user(alice)+")")
	w.dir("secret", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")")
	w.file("secret/inner.txt", "passed\n", "O:BAG:SYD:P(A;;FR;;;WD)")
	w.file("drop.txt", "", "O:BAG:SYD:P(A;;0x100006;;;"+user(bob)+")(A;;FA;;;"+user(alice)+")")
	for range 3 {
		w.sees(alice, "directory 0", "stat", "-c", "%F %u", "secret")
		w.refused(bob, "Permission denied", "stat", "secret")
		w.sees(bob, "passed", "cat", "secret/inner.txt")
		w.refused(bob, "Permission denied", "stat", "drop.txt")
	}
	w.refused(bob, "No such file", "stat", "absent")
	w.refused(bob, "Permission denied", "ls")
}

// TestOperationsRejectImpossibleNames checks that no operation finds, creates, moves or removes a name that is
// impossible on Windows (M-9).
func TestOperationsRejectImpossibleNames(t *testing.T) {
	w := newWorld(t)
	w.describe("", full)
	w.file("f", "text", full)
	in, f := header(alice, rootID), w.known(alice, "f")
	for name, want := range map[string]unix.Errno{"a*": unix.EINVAL, strings.Repeat("x", 256): unix.ENAMETOOLONG} {
		for what, s := range map[string]fuse.Status{
			"create":      w.m.Create(nil, &fuse.CreateIn{InHeader: in}, name, &fuse.CreateOut{}),
			"mknod":       w.m.Mknod(nil, &fuse.MknodIn{InHeader: in, Mode: syscall.S_IFREG}, name, &fuse.EntryOut{}),
			"mkdir":       w.m.Mkdir(nil, &fuse.MkdirIn{InHeader: in}, name, &fuse.EntryOut{}),
			"symlink":     w.m.Symlink(nil, &in, "to", name, &fuse.EntryOut{}),
			"unlink":      w.m.Unlink(nil, &in, name),
			"rmdir":       w.m.Rmdir(nil, &in, name),
			"rename from": w.m.Rename(nil, &fuse.RenameIn{InHeader: in, Newdir: rootID}, name, "g"),
			"rename to":   w.m.Rename(nil, &fuse.RenameIn{InHeader: in, Newdir: rootID}, "f", name),
			"link":        w.m.Link(nil, &fuse.LinkIn{InHeader: in, Oldnodeid: f}, name, &fuse.EntryOut{}),
		} {
			w.want("M-9: "+what, s, want)
		}
		if want == unix.EINVAL {
			want = unix.ENOENT
		}
		w.want("M-9: lookup", w.m.Lookup(nil, &in, name, &fuse.EntryOut{}), want)
	}
	// The tree's private names can neither be found nor created.
	w.want("M-9: lookup of the tree's own", w.m.Lookup(nil, &in, ".refmon-x", &fuse.EntryOut{}), unix.ENOENT)
	w.want("M-9: mkdir of it", w.m.Mkdir(nil, &fuse.MkdirIn{InHeader: in}, ".refmon-x", &fuse.EntryOut{}), unix.EINVAL)
}

// TestOpenFileWithRemovedNameIsFoundByItsOtherName: a program has a file open by a name that it then removes
// or replaces. Calls on the open file reach it by its other hard link (M-11).
func TestOpenFileWithRemovedNameIsFoundByItsOtherName(t *testing.T) {
	w := newWorld(t)
	w.dir("d", full)
	const script = `import os
for end in lambda: os.unlink("new"), lambda: os.rename("third", "new"):
    for name in "new", "third":
        open(name, "w").close()
    fd = os.open("new", os.O_RDWR)
    os.link("new", "kept")
    end()
    os.utime(fd, (1, 2))
    os.fchmod(fd, 0o700)
    os.setxattr(fd, "user.a", b"x")
    print(int(os.stat("kept").st_mtime), os.fstat(fd).st_nlink, os.listxattr("kept"))
    os.unlink("kept")`
	w.sees(alice, "2 1 ['user.a']\n2 1 ['user.a']", "sh", "-c", `cd d && exec python3 -c "$0"`, script)
	w.file("first", "", full)
	w.must(os.Link(filepath.Join(w.root, "first"), filepath.Join(w.root, "second")))
	n := w.known(alice, "first")
	for range 2 { // a repeated lookup keeps the other name
		check.Equal(t, w.known(alice, "second"), n, "M-11: the node of both names")
	}
	w.must(os.Remove(filepath.Join(w.root, "second")))
	_, s := w.attributesOf(alice, n, 0)
	w.want("M-11: attributes by the other name", s, 0)
	check.Equal(t, w.m.nodes.path(w.m.nodes.get(n), ""), "first", "M-11: the name from then on")
}

// TestTooDeepDirectoryIsENAMETOOLONG nests directories until the path is too long for a tree.
func TestTooDeepDirectoryIsENAMETOOLONG(t *testing.T) {
	w := newWorld(t)
	w.dir("d", full)
	const script = `import errno, os
fd, name = os.open("d", os.O_RDONLY), "n" * 250
try:
    while True:
        os.mkdir(name, dir_fd=fd)
        fd = os.open(name, os.O_RDONLY, dir_fd=fd)
except OSError as e:
    print(errno.errorcode[e.errno])`
	w.sees(alice, "ENAMETOOLONG", "python3", "-c", script)
	// Names of one byte need more directories. No request then refers to a directory by a part of its path.
	w.file("f", "", full)
	x := w.m.nodes.get(rootID)
	for i := range uint64(longestPath/2 + 1) {
		x, _ = w.m.nodes.add(x, "n", identity{number: 1<<40 + i, id: "deep", dir: true}, false)
		if depth := int(i) + 1; depth%1000 == 0 {
			check.Equal(t, strings.Count(w.m.nodes.path(x, ""), "n"), depth, "names in the path of a directory")
		}
	}
	in, root, f := header(alice, x.id), header(alice, rootID), w.known(alice, "f")
	for what, s := range map[string]fuse.Status{
		"lookup":  w.m.Lookup(nil, &in, "g", &fuse.EntryOut{}),
		"create":  w.m.Create(nil, &fuse.CreateIn{InHeader: in}, "g", &fuse.CreateOut{}),
		"tmpfile": w.m.Tmpfile(nil, &fuse.CreateIn{InHeader: in, Flags: syscall.O_RDWR}, &fuse.CreateOut{}),
		"mkdir":   w.m.Mkdir(nil, &fuse.MkdirIn{InHeader: in}, "g", &fuse.EntryOut{}),
		"symlink": w.m.Symlink(nil, &in, "to", "g", &fuse.EntryOut{}),
		"unlink":  w.m.Unlink(nil, &in, "g"),
		"rename":  w.m.Rename(nil, &fuse.RenameIn{InHeader: root, Newdir: x.id}, "f", "g"),
		"link":    w.m.Link(nil, &fuse.LinkIn{InHeader: in, Oldnodeid: f}, "g", &fuse.EntryOut{}),
		"opendir": w.m.OpenDir(nil, &fuse.OpenIn{InHeader: in}, &fuse.OpenOut{}),
	} {
		w.want("M-9: "+what+" in a directory that is too deep", s, unix.ENAMETOOLONG)
	}
}
