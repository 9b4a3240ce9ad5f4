package mount

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// unknown is a uid that cannot be logged on.
const unknown = 61999

// says expects a status.
func (w *world) says(what string, got fuse.Status, want unix.Errno) {
	w.Helper()
	if got != fuse.Status(want) {
		w.Errorf("%s: %v, want %v", what, got, fuse.Status(want))
	}
}

// attributesOf asks for the attributes of a node as fstat(2) and stat(2) do; fh 0 names no handle.
func (w *world) attributesOf(uid uint32, node, fh uint64) (out fuse.AttrOut, s fuse.Status) {
	in := &fuse.GetAttrIn{InHeader: header(uid, node), Fh_: fh}
	if fh != 0 {
		in.Flags_ = fuse.FUSE_GETATTR_FH
	}
	s = w.m.GetAttr(nil, in, &out)
	return out, s
}

// TestHandlesAreAsked: a request about an open handle is decided by the handle, not by who sends it: read-ahead and
// write-back come from no user (M-4).
func TestHandlesAreAsked(t *testing.T) {
	w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.Plain = true })
	w.file("f", "text", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")(A;;0x120084;;;"+user(bob)+")")
	w.file("other", "other", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")")
	node := w.known(alice, "f")
	fh, other := w.opens(alice, "f", syscall.O_RDWR), w.opens(alice, "other", syscall.O_RDWR)
	appends := w.opens(bob, "f", syscall.O_WRONLY|syscall.O_APPEND)
	buf := make([]byte, 16)
	r, s := w.m.Read(nil, &fuse.ReadIn{InHeader: header(unknown, node), Fh: fh}, buf)
	if w.says("M-4: a read by no user", s, 0); s == fuse.OK {
		if b, _ := r.Bytes(buf); string(b) != "text" {
			t.Errorf("M-4: %q", b)
		}
	}
	write := func(fh uint64, flags uint32, page string) fuse.Status {
		_, s := w.m.Write(nil, &fuse.WriteIn{InHeader: header(unknown, node), Fh: fh, WriteFlags: flags}, []byte(page))
		return s
	}
	w.says("M-4: a write by no user", write(fh, 0, "TEXT"), 0)
	_, s = w.attributesOf(unknown, node, fh)
	w.says("M-4: the attributes of a handle", s, 0)
	w.says("M-13: a handle for appending overwrites", write(appends, 0, "over"), unix.EACCES)
	w.says("M-4: a page beside a handle that overwrites", write(appends, fuse.WRITE_CACHE, "page"), 0)
	w.m.leave(fh)
	w.says("M-4: a page that no handle may write", write(appends, fuse.WRITE_CACHE, "lost"), unix.EACCES)
	for _, mode := range []uint32{0, unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_KEEP_SIZE} {
		w.says("M-4: space by a handle for appending", w.m.Fallocate(nil, &fuse.FallocateIn{InHeader: header(bob, node),
			Fh: appends, Length: 9, Mode: mode}), unix.EACCES)
	}
	size := &fuse.SetAttrIn{SetAttrInCommon: fuse.SetAttrInCommon{InHeader: header(bob, node), Fh: appends,
		Valid: fuse.FATTR_SIZE | fuse.FATTR_FH}}
	w.says("M-24: a handle for appending cuts off", w.m.SetAttr(nil, size, &fuse.AttrOut{}), unix.EACCES)
	for name, want := range map[string]string{"f": "page", "other": "other"} {
		if b, err := os.ReadFile(filepath.Join(w.root, name)); err != nil || string(b) != want {
			t.Errorf("M-4: %s holds %q, %v, want %q", name, b, err, want)
		}
	}
	w.m.leave(other)
	w.m.leave(appends)
}

// TestThreadsAreGivenBack: a thread that acted as a user acts as the server again (M-1): what it does for an open
// handle is done by no user.
func TestThreadsAreGivenBack(t *testing.T) {
	w := newWorld(t)
	w.file("ours", "", "O:BAG:SYD:P(A;;FA;;;BA)")
	for range 3 {
		h := header(bob, rootID)
		w.says("M-1: bob is asked", w.m.Lookup(nil, &h, "ours", &fuse.EntryOut{}), 0)
		w.says("M-1: the server itself", w.m.do(func(th *worker) fuse.Status {
			v, _, st := th.openAt(w.m, "ours", nt.CreateFileIn{DesiredAccess: winnt.FILE_READ_DATA,
				CreateDisposition: winnt.FILE_OPEN})
			if st == ntstatus.Success {
				th.NtClose(v)
			}
			return status(st)
		}), 0)
	}
}

// TestWhatIsTold: a name is told to exist to who may pass through its directory, the kind and number alone to who
// may not read its attributes; from then on the host's kernel keeps them for no user (M-5).
func TestWhatIsTold(t *testing.T) {
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
	w.says("M-5: a name behind a directory that bob may not pass", s, unix.EACCES)
	_, s = look(bob, closed, "none")
	w.says("M-5: no name behind it", s, unix.EACCES)
	out, s := look(alice, rootID, "bare")
	if w.says("M-5: alice looks", s, 0); out.AttrValid == 0 || out.Size != 4 {
		t.Errorf("M-5: alice is told %+v", out)
	}
	kept, s := w.attributesOf(alice, out.NodeId, 0)
	if w.says("M-5: alice asks", s, 0); kept.AttrValid == 0 {
		t.Error("M-5: what all who were told may see is not kept")
	}
	out, s = look(bob, rootID, "bare")
	if w.says("M-5: bob looks", s, 0); out.Mode != syscall.S_IFREG|0o755 || out.Size != 0 || out.Mtime != 0 ||
		out.Uid != unknownOwner || out.Gid != unknownOwner || out.AttrValid != 0 || out.Ino == 0 {
		t.Errorf("M-5: bob is told %+v", out)
	}
	for range 2 {
		if out, s = look(alice, rootID, "bare"); s != fuse.OK || out.AttrValid != 0 {
			t.Errorf("M-5: %v, the kernel keeps the attributes for %d s after bob was told of the file", s, out.AttrValid)
		}
		kept, s = w.attributesOf(alice, out.NodeId, 0)
		if w.says("M-5: alice asks", s, 0); kept.AttrValid != 0 {
			t.Error("M-5: the kernel keeps attributes after bob was told of the file")
		}
		_, s = w.attributesOf(bob, out.NodeId, 0)
		w.says("M-5: bob asks", s, unix.EACCES)
	}
}

// TestOpensTell: the attributes of an open file are told to a user who has it open with the right to read them, to
// no other user, and of a file without a name to who has it open at all (M-15).
//
// +checklocksignore
func TestOpensTell(t *testing.T) {
	w := newWorld(t)
	w.describe("", "O:BAG:SYD:P(A;;0x1200a0;;;WD)(A;;0x6;;;"+user(alice)+")")
	for name, rights := range map[string]string{"f": "FA", "blind": "0x100001"} {
		w.file(name, "text", "O:BAG:SYD:P(A;;"+rights+";;;"+user(alice)+")")
	}
	node, blind := w.known(alice, "f"), w.known(alice, "blind")
	fh, other := w.opens(alice, "f", syscall.O_RDONLY), w.opens(alice, "blind", syscall.O_RDONLY)
	asks := func(what string, uid uint32, node, fh uint64, want unix.Errno) {
		t.Helper()
		out, s := w.attributesOf(uid, node, fh)
		if w.says("M-15: "+what, s, want); s == fuse.OK && out.Size != 4 {
			t.Errorf("M-15: %s: %+v", what, out.Attr)
		}
	}
	asks("an open that cannot read them", alice, blind, 0, unix.EACCES)
	asks("such a handle that is named", alice, blind, other, unix.EACCES)
	w.describe("f", "O:BAG:SYD:P(A;;FA;;;BA)")
	asks("an open of the user's own", alice, node, 0, 0)
	asks("another user's open", bob, node, 0, unix.EACCES)
	asks("another user by the handle", bob, node, fh, 0)
	w.must(os.Remove(filepath.Join(w.root, "f")))
	asks("a file without a name", alice, node, 0, 0)
	asks("a file without a name, by another user", bob, node, 0, 0)
	if o := w.m.open(fh); o.lent.TryLock() {
		o.lent.Unlock()
	} else {
		t.Fatal("M-15: an open that answered is not given back")
	}
	w.m.leave(fh)
	w.m.leave(other)
	asks("a file without a name that is closed", alice, node, 0, unix.ESTALE)
}

// TestAccess: access(2) asks for the right that its bit stands for, and for no other; the way through a directory
// is the directory's own to give (M-1).
func TestAccess(t *testing.T) {
	for policy, passed := range map[fileaccess.Traverse]uint32{fileaccess.TraverseAlways: 0,
		fileaccess.TraversePrivilege: fuse.X_OK} { // which every user of the tests holds
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
				if s != fuse.Status(want) {
					t.Errorf("M-1: policy %d: access %o of %s: %v, want %v", policy, mask, name, s, fuse.Status(want))
				}
			}
		}
	}
}

// TestRefusedKinds: what a tree does not have is not made, whatever word a program asks in (M-21), a file is no
// empty directory, and a name that is there is replaced where that is wanted alone (M-20). Changes of permissions
// are refused in each bit (M-22).
func TestRefusedKinds(t *testing.T) {
	w := newWorld(t)
	w.dir("d", full)
	w.file("d/f", "f", full)
	w.file("d/g", "g", full)
	d, f := w.known(alice, "d"), w.known(alice, "d/f")
	in := header(alice, d)
	for _, kind := range []uint32{syscall.S_IFIFO, syscall.S_IFSOCK, syscall.S_IFCHR, syscall.S_IFBLK, syscall.S_IFLNK,
		0} {
		w.says("M-21: mknod", w.m.Mknod(nil, &fuse.MknodIn{InHeader: in, Mode: kind | 0o600}, "new", &fuse.EntryOut{}),
			unix.EPERM)
	}
	for flags, want := range map[uint32]unix.Errno{renameNoReplace: unix.EEXIST, renameExchange: unix.EINVAL,
		renameWhiteout: unix.EINVAL, renameExchange | renameNoReplace: unix.EINVAL, 8: unix.EINVAL} {
		w.says("M-20, M-21: rename", w.m.Rename(nil, &fuse.RenameIn{InHeader: in, Newdir: d, Flags: flags}, "f", "g"), want)
	}
	w.says("M-20: rmdir of a file", w.m.Rmdir(nil, &in, "f"), unix.ENOTDIR)
	w.says("M-20: unlink of a directory", w.m.Unlink(nil, &fuse.InHeader{NodeId: rootID, Caller: in.Caller}, "d"),
		unix.EISDIR)
	for bit := uint32(1); bit < 0o10000; bit <<= 1 {
		mode := modeOf(false, false)&0o7777 ^ bit
		w.says("M-22: chmod", w.m.SetAttr(nil, &fuse.SetAttrIn{SetAttrInCommon: fuse.SetAttrInCommon{
			InHeader: header(alice, f), Valid: fuse.FATTR_MODE, Mode: mode}}, &fuse.AttrOut{}), unix.EPERM)
	}
	// Another name in another directory is found there.
	w.says("M-20: a rename", w.m.Rename(nil, &fuse.RenameIn{InHeader: in, Newdir: d}, "f", "h"), 0)
	if got := w.m.nodes.path(w.m.nodes.get(f), ""); got != `d\h` {
		t.Errorf("M-20: the file's name is %s", got)
	}
	for _, name := range []string{"g", "h"} {
		if _, err := os.Lstat(filepath.Join(w.root, "d", name)); err != nil {
			t.Error(err)
		}
	}
}
