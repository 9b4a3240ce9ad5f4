package mount

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
)

// TestExtendedAttributesNeedEARights checks that reading a user attribute needs FILE_READ_EA, and setting or removing
// it FILE_WRITE_EA. Without FILE_READ_EA none is listed. A file server sees the same attributes on the backing file,
// and its private ones are hidden (M-35, M-36, F-194 to F-196).
func TestExtendedAttributesNeedEARights(t *testing.T) {
	w := newWorld(t)
	const reads, writes = "0x100088", "0x100090"
	w.file("f", "", "O:BAG:SYD:P(A;;"+reads+";;;"+user(alice)+")(A;;"+writes+";;;"+user(bob)+")(A;;0x120081;;;WD)")
	below := filepath.Join(w.root, "f")
	w.must(unix.Setxattr(below, "user.DOSATTRIB", []byte("0x20\x00"), 0))
	w.must(unix.Setxattr(below, "user.theirs", []byte("set there"), 0))
	const carol = 61003
	get := func(uid uint32, name, want string, fails unix.Errno) {
		t.Helper()
		h, b := header(uid, w.known(uid, "f")), make([]byte, 100)
		n, s := w.m.GetXAttr(nil, &h, name, b)
		if s != fuse.Status(fails) || string(b[:n]) != want {
			t.Errorf("M-35: uid %d reads %s: %q, %v; want %q, %v", uid, name, b[:n], s, want, fuse.Status(fails))
		}
	}
	set := func(uid uint32, name, value string, flags uint32, want unix.Errno) {
		t.Helper()
		in := &fuse.SetXAttrIn{InHeader: header(uid, w.known(uid, "f")), Flags: flags}
		check.Equal(t, w.m.SetXAttr(nil, in, name, []byte(value)), fuse.Status(want), "M-35: uid %d sets %s", uid, name)
	}
	remove := func(uid uint32, name string, want unix.Errno) {
		t.Helper()
		h := header(uid, w.known(uid, "f"))
		check.Equal(t, w.m.RemoveXAttr(nil, &h, name), fuse.Status(want), "M-35: uid %d removes %s", uid, name)
	}
	list := func(uid uint32, want ...string) {
		t.Helper()
		h, b := header(uid, w.known(uid, "f")), make([]byte, 100)
		n, s := w.m.ListXAttr(nil, &h, b)
		names := strings.FieldsFunc(string(b[:n]), func(r rune) bool { return r == 0 })
		slices.Sort(names)
		check.That(t, s == fuse.OK && slices.Equal(names, want),
			"M-36: ListXAttr as uid %d = %q, %v, want %q", uid, names, s, want)
	}
	get(alice, "user.theirs", "set there", 0)
	get(alice, "user.none", "", unix.ENODATA)
	get(bob, "user.theirs", "", unix.EACCES)
	get(carol, "user.theirs", "", unix.EACCES)
	set(alice, "user.ours", "x", 0, unix.EACCES)
	set(bob, "user.ours", "set here", unix.XATTR_CREATE, 0)
	set(bob, "user.ours", "x", unix.XATTR_CREATE, unix.EEXIST)
	set(bob, "user.none", "x", unix.XATTR_REPLACE, unix.ENODATA)
	get(alice, "user.ours", "set here", 0)
	list(alice, "user.ours", "user.theirs")
	list(bob)
	list(carol)
	for _, name := range []string{"user.DOSATTRIB", "user.dosattrib", "user.NTACL", "user.SAMBA_PAI",
		"user.DosStream.a:$DATA", "user."} {
		get(alice, name, "", unix.ENODATA)
		set(bob, name, "x", 0, unix.EACCES)
		remove(bob, name, unix.EACCES)
	}
	remove(alice, "user.ours", unix.EACCES)
	remove(bob, "user.none", unix.ENODATA)
	remove(bob, "user.theirs", 0)
	list(alice, "user.ours")
	b := make([]byte, 100)
	if n, err := unix.Getxattr(below, "user.ours", b); err != nil || string(b[:n]) != "set here" {
		t.Errorf(`F-194: the attribute of the backing file is %q, %v, want "set here", no error`,
			b[:n], err)
	}
	if n, err := unix.Getxattr(below, "user.DOSATTRIB", b); err != nil || string(b[:n]) != "0x20\x00" {
		t.Errorf("F-195: the server's own is %q, %v, want %q, no error", b[:n], err, "0x20\x00")
	}
	// The size alone, and a buffer that is too small.
	h := header(alice, w.known(alice, "f"))
	if n, s := w.m.GetXAttr(nil, &h, "user.ours", nil); n != 8 || s != fuse.OK {
		t.Errorf("M-35: its size is %d, %v, want 8, %v", n, s, fuse.OK)
	}
	if n, s := w.m.ListXAttr(nil, &h, make([]byte, 3)); n != 10 || s != fuse.ERANGE {
		t.Errorf("M-36: of three bytes of room: %d, %v, want 10, %v", n, s, fuse.ERANGE)
	}
	h.Uid = unknown
	if n, s := w.m.ListXAttr(nil, &h, make([]byte, 99)); n != 0 || s != fuse.OK {
		t.Errorf("M-36: to no user %d bytes, %v, want 0, %v", n, s, fuse.OK)
	}
	set(bob, "user.large", string(bytes.Repeat([]byte("x"), 1<<16)), 0, unix.ENOSPC)
}

// TestTmpfileInheritsDirectoryDescriptor checks that a user who may add a file can create one without a name. It
// inherits the directory's descriptor, only its user's opens reach it, and linking it needs the right to add a file
// (M-37, M-38, F-197).
func TestTmpfileInheritsDirectoryDescriptor(t *testing.T) {
	w := newWorld(t)
	w.dir("d", "O:BAG:SYD:P(A;OICI;FA;;;"+user(alice)+")(A;;0x1200a9;;;"+user(bob)+")")
	w.dir("closed", "O:BAG:SYD:P(A;;0x1200a9;;;WD)")
	d, closed := w.known(alice, "d"), w.known(alice, "closed")
	var made fuse.CreateOut
	makes := func(uid uint32, dir uint64, flags uint32) fuse.Status {
		return w.m.Tmpfile(nil, &fuse.CreateIn{InHeader: header(uid, dir), Flags: flags}, &made)
	}
	w.want("M-37: bob", makes(bob, d, unix.O_RDWR), unix.EACCES)
	w.want("M-37: where nothing is added", makes(alice, closed, unix.O_RDWR), unix.EACCES)
	w.want("M-37: alice", makes(alice, d, unix.O_RDWR), 0)
	check.That(t, made.Nlink == 0 && made.Mode&unix.S_IFMT == unix.S_IFREG,
		"M-37: attributes of a file without a name = %+v, want a regular file with 0 links", made.Attr)
	if list, err := os.ReadDir(filepath.Join(w.root, "d")); err != nil || len(list) != 0 {
		t.Errorf("M-37: %v stand there, %v, want none, no error", list, err)
	}
	fh, node := made.Fh, made.NodeId
	_, s := w.m.Write(nil, &fuse.WriteIn{InHeader: header(0, node), Fh: fh, Size: 4}, []byte("text"))
	w.want("M-38: writing", s, 0)
	attr := func(uid uint32) fuse.Status {
		return w.m.SetXAttr(nil, &fuse.SetXAttrIn{InHeader: header(uid, node)}, "user.a", []byte("x"))
	}
	w.want("M-38: alice extends it", attr(alice), 0)
	w.want("M-38: bob extends it", attr(bob), unix.EACCES)
	opens := func() fuse.Status {
		return w.m.Open(nil, &fuse.OpenIn{InHeader: header(alice, node)}, &made.OpenOut)
	}
	w.want("M-38: it is opened again", opens(), unix.EACCES)
	_, s = w.attributesOf(bob, node, 0) // only through a descriptor (M-15)
	w.want("M-38: its attributes", s, 0)
	link := func(uid uint32, dir uint64) fuse.Status {
		return w.m.Link(nil, &fuse.LinkIn{InHeader: header(uid, dir), Oldnodeid: node}, "named", &fuse.EntryOut{})
	}
	w.want("M-38: bob links it", link(bob, d), unix.EACCES)
	w.want("M-38: where no name is added", link(alice, closed), unix.EACCES)
	w.want("M-38: alice links it", link(alice, d), 0)
	w.sees(alice, "text", "cat", "d/named")
	w.refused(bob, "Permission denied", "cat", "d/named")
	check.Equal(t, w.m.nodes.path(w.m.nodes.get(node), ""), `d\named`, "M-38: its name")
	w.want("M-38: it is opened by its name", opens(), 0)
	w.m.leave(made.Fh)
	w.m.leave(fh)
	// Without other rights on the file, and for a program.
	w.want("M-37: for writing", makes(alice, d, unix.O_WRONLY), 0)
	_, s = w.m.Read(nil, &fuse.ReadIn{InHeader: header(alice, made.NodeId), Fh: made.Fh, Size: 1}, make([]byte, 1))
	w.want("M-38: it is read", s, unix.EACCES)
	w.m.leave(made.Fh)
	script := `
import os
fd = os.open("d", os.O_TMPFILE | os.O_RDWR)
os.write(fd, b"whole")
os.setxattr(fd, "user.a", b"x")
os.utime(fd, (1, 2))
try:
    os.fchown(fd, 0, -1)
except OSError as e:
    print(e.errno, end=" ") # docs/mount.md
os.link(f"/proc/self/fd/{fd}", "d/whole", src_dir_fd=fd, follow_symlinks=True) # a directory's makes it follow
print(os.getxattr("d/whole", "user.a"), os.fstat(fd).st_nlink)`
	w.sees(alice, "1 b'x' 1", "python3", "-c", script)
	w.sees(alice, "whole", "cat", "d/whole")
}
