package mount

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// descriptorOf returns the descriptor of a file below.
func (w *world) descriptorOf(name string) string {
	w.Helper()
	b := make([]byte, 4096)
	n, err := unix.Getxattr(filepath.Join(w.root, name), ntacl.Name, b)
	w.must(err)
	a, err := ntacl.Decode(b[:n])
	w.must(err)
	text, err := sddl.Format(a.Descriptor, sddl.Options{})
	w.must(err)
	return text
}

// TestSetAttr: each thing that a request for attributes can change is changed by itself and by its own right; what is
// refused changes nothing else (M-22, M-24, F-55).
func TestSetAttr(t *testing.T) {
	const hers = "O:S-1-22-1-61001G:S-1-22-2-62001D:P(A;;FA;;;S-1-22-1-61001)(A;;0x100181;;;S-1-22-1-61002)"
	w := newWorld(t)
	w.file("f", "0123456789", hers)
	path := filepath.Join(w.root, "f")
	node := w.known(alice, "f")
	w.must(os.Chtimes(path, fixed(100), fixed(200)))
	const uid, gid, size, mode = fuse.FATTR_UID, fuse.FATTR_GID, fuse.FATTR_SIZE, fuse.FATTR_MODE
	const atime, mtime = fuse.FATTR_ATIME, fuse.FATTR_MTIME
	for i, c := range []struct {
		by    uint32
		valid uint32
		in    fuse.SetAttrInCommon
		want  unix.Errno
		size  int64
		read  int64 // time of access
		wrote int64
		desc  string
	}{
		{alice, atime, fuse.SetAttrInCommon{Atime: 300}, 0, 10, 300, 200, hers},
		{alice, mtime, fuse.SetAttrInCommon{Mtime: 400}, 0, 10, 300, 400, hers},
		{alice, atime | mtime, fuse.SetAttrInCommon{Atime: 500, Mtime: 600}, 0, 10, 500, 600, hers},
		{bob, atime | mtime, fuse.SetAttrInCommon{Atime: 700, Mtime: 800}, 0, 10, 700, 800, hers},
		{bob, size, fuse.SetAttrInCommon{Size: 3}, unix.EACCES, 10, 700, 800, hers},
		{bob, size | atime, fuse.SetAttrInCommon{Size: 3, Atime: 9}, unix.EACCES, 10, 700, 800, hers},
		{unknown, atime, fuse.SetAttrInCommon{Atime: 9}, unix.EACCES, 10, 700, 800, hers},
		{alice, size, fuse.SetAttrInCommon{Size: 1 << 63}, unix.EFBIG, 10, 700, 800, hers},
		{alice, uid, fuse.SetAttrInCommon{Owner: fuse.Owner{Uid: alice}}, 0, 10, 700, 800, hers},
		{alice, gid, fuse.SetAttrInCommon{Owner: fuse.Owner{Gid: staff}}, 0, 10, 700, 800, hers},
		{bob, uid | gid, fuse.SetAttrInCommon{Owner: fuse.Owner{Uid: alice, Gid: staff}}, 0, 10, 700, 800, hers},
		{alice, uid, fuse.SetAttrInCommon{Owner: fuse.Owner{Uid: bob}}, unix.EPERM, 10, 700, 800, hers},
		{bob, uid, fuse.SetAttrInCommon{Owner: fuse.Owner{Uid: bob}}, unix.EACCES, 10, 700, 800, hers},
		{bob, gid, fuse.SetAttrInCommon{Owner: fuse.Owner{Gid: bob}}, unix.EACCES, 10, 700, 800, hers},
		{alice, uid | atime, fuse.SetAttrInCommon{Owner: fuse.Owner{Uid: bob}, Atime: 9}, unix.EPERM, 10, 700, 800, hers},
		{alice, gid, fuse.SetAttrInCommon{Owner: fuse.Owner{Gid: alice}}, 0, 10, 700, 800,
			strings.Replace(hers, "G:S-1-22-2-62001", "G:S-1-22-2-61001", 1)},
		{alice, uid | gid, fuse.SetAttrInCommon{Owner: fuse.Owner{Uid: alice, Gid: staff}}, 0, 10, 700, 800, hers},
		{alice, mode, fuse.SetAttrInCommon{Mode: 0o755}, 0, 10, 700, 800, hers},
		{alice, mode, fuse.SetAttrInCommon{Mode: syscall.S_IFREG | 0o755}, 0, 10, 700, 800, hers},
		{alice, mode | atime, fuse.SetAttrInCommon{Mode: 0o754, Atime: 9}, unix.EPERM, 10, 700, 800, hers},
		{alice, size | mtime, fuse.SetAttrInCommon{Size: 4, Mtime: 900}, 0, 4, 700, 900, hers},
		{alice, 0, fuse.SetAttrInCommon{}, 0, 4, 700, 900, hers},
	} {
		in := &fuse.SetAttrIn{SetAttrInCommon: c.in}
		in.InHeader, in.Valid = header(c.by, node), c.valid
		var out fuse.AttrOut
		s := w.m.SetAttr(nil, in, &out)
		var st unix.Stat_t
		w.must(unix.Stat(path, &st))
		got := w.descriptorOf("f")
		if s != fuse.Status(c.want) || st.Size != c.size || st.Atim.Sec != c.read || st.Mtim.Sec != c.wrote || got != c.desc {
			t.Errorf("M-24: %d: %v, %d bytes, times %d and %d, %s", i, s, st.Size, st.Atim.Sec, st.Mtim.Sec, got)
		}
		if s == fuse.OK && (out.Size != uint64(c.size) || out.Mtime != uint64(c.wrote) || out.AttrValid == 0) {
			t.Errorf("M-24: %d: the answer is %+v", i, out)
		}
	}
}

// TestSizeByHandle: a handle that overwrites changes the size for who sees nothing of the file; it is told the size and
// the kind alone. One that appends counts as no handle, and neither does that of another kind of request (M-24).
func TestSizeByHandle(t *testing.T) {
	w := newWorld(t)
	w.file("f", "0123456789", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")(A;;0x120196;;;"+user(bob)+")")
	node := w.known(alice, "f")
	fh := w.opens(alice, "f", syscall.O_RDWR)
	cut := func(uid uint32, fh, size uint64) (out fuse.AttrOut, s fuse.Status) {
		in := &fuse.SetAttrIn{SetAttrInCommon: fuse.SetAttrInCommon{InHeader: header(uid, node), Fh: fh, Size: size,
			Valid: fuse.FATTR_SIZE | fuse.FATTR_FH}}
		s = w.m.SetAttr(nil, in, &out)
		return out, s
	}
	out, s := cut(alice, fh, 8)
	if w.says("M-24: alice", s, 0); out.Size != 8 || out.AttrValid == 0 || out.Nlink != 1 || out.Uid != 0 {
		t.Errorf("M-24: %+v", out)
	}
	out, s = cut(unknown, fh, 6)
	if w.says("M-24: no user", s, 0); out.Size != 6 || out.AttrValid != 0 || out.Nlink != 1 || out.Uid != unknownOwner ||
		out.Gid != unknownOwner || out.Mode != syscall.S_IFREG|0o755 || out.Ino == 0 || out.Mtime != 0 {
		t.Errorf("M-24: %+v", out)
	}
	if _, s = cut(alice, fh, 1<<63); s != fuse.Status(syscall.EFBIG) {
		t.Errorf("M-24: %v", s)
	}
	if info, err := os.Stat(filepath.Join(w.root, "f")); err != nil || info.Size() != 6 {
		t.Errorf("M-24: %v, %v", info.Size(), err)
	}
	w.m.leave(fh)
}

// counted returns how many handles there are, and of how many files their ways are noted.
func (w *world) counted() (opens, files int) {
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	return len(w.m.opens), len(w.m.backings)
}

// TestOpenFlags: an open empties a file where it says so, one that makes it finds it where it may; one that wants it
// new does not (M-13).
func TestOpenFlags(t *testing.T) {
	w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.Plain = true })
	w.describe("", full)
	const readOnly = "O:BAG:SYD:P(A;;FR;;;" + "S-1-22-1-61001)"
	w.file("f", "text", full)
	w.file("closed", "text", readOnly)
	w.dir("d", full)
	create := func(name string, flags uint32) (out fuse.CreateOut, s fuse.Status) {
		s = w.m.Create(nil, &fuse.CreateIn{InHeader: header(alice, rootID), Flags: flags}, name, &out)
		return out, s
	}
	for _, c := range []struct {
		name  string
		flags uint32
		want  unix.Errno
		text  string
	}{
		{"f", syscall.O_RDWR, 0, "text"}, {"f", syscall.O_RDWR | syscall.O_EXCL, unix.EEXIST, "text"},
		{"f", syscall.O_RDWR | syscall.O_TRUNC, 0, ""}, {"closed", syscall.O_RDONLY, 0, "text"},
		{"closed", syscall.O_RDWR, unix.EACCES, "text"}, {"closed", syscall.O_RDWR | syscall.O_TRUNC, unix.EACCES, "text"},
		{"closed", syscall.O_RDONLY | syscall.O_TRUNC, unix.EACCES, "text"}, {"new", syscall.O_RDWR | syscall.O_EXCL, 0, ""},
		{"d", syscall.O_RDWR, unix.EISDIR, "-"},
	} {
		handles, _ := w.counted()
		out, s := create(c.name, c.flags)
		w.says("M-13: create "+c.name, s, c.want)
		b, err := os.ReadFile(filepath.Join(w.root, c.name))
		if c.text != "-" && (err != nil || string(b) != c.text) {
			t.Errorf("M-13: %s holds %q, %v, want %q", c.name, b, err, c.text)
		}
		if s != fuse.OK {
			if n, _ := w.counted(); n != handles {
				t.Errorf("M-13: %s: %d handles, were %d", c.name, n, handles)
			}
			continue
		}
		if o := w.m.open(out.Fh); o == nil || o.uid != alice || o.n.id != out.NodeId || !o.tells || o.passed {
			t.Errorf("M-13: %s is open as %+v", c.name, o)
		}
		w.m.leave(out.Fh)
		w.m.Forget(out.NodeId, 1)
	}
	if opens, files := w.counted(); opens != 0 || files != 0 {
		t.Errorf("M-18: %d handles are counted, of %d files", opens, files)
	}
	var out fuse.OpenOut
	w.says("M-13: a directory is opened", w.m.Open(nil, &fuse.OpenIn{InHeader: header(alice, w.known(alice, "d"))}, &out),
		unix.EISDIR)
	w.says("M-13: a file is listed", w.m.OpenDir(nil, &fuse.OpenIn{InHeader: header(alice, w.known(alice, "f"))}, &out),
		unix.ENOTDIR)
	// At and behind the end there is nothing, and no error.
	fh := w.opens(alice, "closed", syscall.O_RDONLY)
	for at, want := range map[uint64]string{0: "text", 2: "xt", 4: "", 99: ""} {
		buf := make([]byte, 9)
		r, s := w.m.Read(nil, &fuse.ReadIn{InHeader: header(alice, 0), Fh: fh, Offset: at}, buf)
		if s != fuse.OK {
			t.Errorf("M-4: from %d: %v", at, s)
			continue
		}
		if b, _ := r.Bytes(buf); string(b) != want {
			t.Errorf("M-4: from %d: %q, want %q", at, b, want)
		}
	}
	w.says("fsync of a handle that reads", w.m.Fsync(nil, &fuse.FsyncIn{InHeader: header(alice, 0), Fh: fh}), 0)
	w.m.leave(fh)
}

// TestPasses: who may pass through a directory: everybody where the policy tests nothing, who holds the privilege
// where that counts, and else who the directory lets (F-23, M-5).
func TestPasses(t *testing.T) {
	for policy, want := range map[fileaccess.Traverse][2]bool{fileaccess.TraverseNever: {true, true},
		fileaccess.TraversePrivilege: {true, true}, fileaccess.TraverseAlways: {true, false}} {
		w := newWorld(t, func(c *hostfs.Config, _ *Config) { c.Policy.Traverse = policy })
		w.dir("open", "O:BAG:SYD:P(A;;0x20;;;WD)")
		w.dir("shut", "O:BAG:SYD:P(A;;0x1;;;WD)")
		for i, name := range []string{"open", "shut"} {
			node := w.m.nodes.get(w.known(bob, name))
			h := header(bob, node.id)
			w.says("M-5", w.m.as(&h, func(th *worker) fuse.Status {
				if got := w.m.passes(th, node); got != want[i] || th.uid != bob || th.client == nil ||
					!th.client.Has(winnt.SeChangeNotifyPrivilege) {
					t.Errorf("M-5: policy %d: %s is passed: %t", policy, name, got)
				}
				return fuse.OK
			}), 0)
		}
	}
}
