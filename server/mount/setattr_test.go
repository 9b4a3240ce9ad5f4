package mount

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// stored returns the stored descriptor of a file of the backing tree, nil if it has none. It does not follow links.
func (w *world) stored(name string) *sd.Descriptor {
	w.Helper()
	b := make([]byte, 1<<16)
	n, err := unix.Lgetxattr(filepath.Join(w.root, name), ntacl.Name, b)
	if errors.Is(err, unix.ENODATA) {
		return nil
	}
	w.must(err)
	return check.Must(ntacl.Decode(b[:n])).Descriptor
}

// descriptorOf returns the stored descriptor of a file of the backing tree as text.
func (w *world) descriptorOf(name string) string {
	w.Helper()
	return check.Must(sddl.Format(w.stored(name), sddl.Options{}))
}

// TestSetAttrNeedsRightPerAttribute checks that each attribute in a request is changed with its own right. A refused
// change leaves the others unchanged (M-22, M-24, F-55).
func TestSetAttrNeedsRightPerAttribute(t *testing.T) {
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
		{unknown, atime, fuse.SetAttrInCommon{Atime: 9}, unix.EACCES, 10, 700, 800, hers},
		{alice, uid, fuse.SetAttrInCommon{Owner: fuse.Owner{Uid: alice}}, 0, 10, 700, 800, hers},
		{alice, gid, fuse.SetAttrInCommon{Owner: fuse.Owner{Gid: staff}}, 0, 10, 700, 800, hers},
		{bob, uid, fuse.SetAttrInCommon{Owner: fuse.Owner{Uid: alice}}, 0, 10, 700, 800, hers},
		{bob, gid, fuse.SetAttrInCommon{Owner: fuse.Owner{Gid: staff}}, 0, 10, 700, 800, hers},
		{bob, uid | gid, fuse.SetAttrInCommon{Owner: fuse.Owner{Uid: alice, Gid: staff}}, 0, 10, 700, 800, hers},
		{alice, uid, fuse.SetAttrInCommon{Owner: fuse.Owner{Uid: bob}}, unix.EPERM, 10, 700, 800, hers},
		{bob, uid, fuse.SetAttrInCommon{Owner: fuse.Owner{Uid: bob}}, unix.EPERM, 10, 700, 800, hers},
		{bob, gid, fuse.SetAttrInCommon{Owner: fuse.Owner{Gid: bob}}, unix.EPERM, 10, 700, 800, hers},
		{alice, uid | atime, fuse.SetAttrInCommon{Owner: fuse.Owner{Uid: bob}, Atime: 9}, unix.EPERM, 10, 700, 800, hers},
		{alice, gid, fuse.SetAttrInCommon{Owner: fuse.Owner{Gid: alice}}, 0, 10, 700, 800,
			strings.Replace(hers, "G:S-1-22-2-62001", "G:S-1-22-2-61001", 1)},
		{alice, uid | gid, fuse.SetAttrInCommon{Owner: fuse.Owner{Uid: alice, Gid: staff}}, 0, 10, 700, 800, hers},
		{alice, mode, fuse.SetAttrInCommon{Mode: 0o740}, 0, 10, 700, 800, hers},
		{alice, mode, fuse.SetAttrInCommon{Mode: syscall.S_IFREG | 0o755}, 0, 10, 700, 800, hers},
		{bob, mode | size, fuse.SetAttrInCommon{Mode: 0o754, Size: 2}, unix.EPERM, 10, 700, 800, hers},
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
		check.That(t, s != fuse.OK || out.Size == uint64(c.size) && out.Mtime == uint64(c.wrote) && out.AttrValid != 0,
			"M-24: %d: the answer is %+v", i, out)
	}
}

// TestWritableHandleTruncatesWithoutRight checks that a handle that may overwrite changes the size for a user without
// the right to read attributes. The answer has the size and kind alone. An append-only handle, or one in another kind
// of request, does not count (M-24).
func TestWritableHandleTruncatesWithoutRight(t *testing.T) {
	w := newWorld(t)
	w.file("f", "0123456789", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")(A;;0x120196;;;"+user(bob)+")")
	node := w.known(alice, "f")
	fh := w.opens(alice, "f", syscall.O_RDWR)
	var also uint32 // further changes
	cut := func(uid uint32, fh, size uint64) (out fuse.AttrOut, s fuse.Status) {
		in := &fuse.SetAttrIn{SetAttrInCommon: fuse.SetAttrInCommon{InHeader: header(uid, node), Fh: fh, Size: size,
			Valid: fuse.FATTR_SIZE | fuse.FATTR_FH | also}}
		s = w.m.SetAttr(nil, in, &out)
		return out, s
	}
	out, s := cut(alice, fh, 8)
	if w.want("M-24: alice", s, 0); out.Size != 8 || out.AttrValid == 0 || out.Nlink != 1 || out.Uid != 0 {
		t.Errorf("M-24: %+v, want size 8, a validity above 0, 1 link, uid 0", out)
	}
	out, s = cut(unknown, fh, 6)
	if w.want("M-24: no user", s, 0); out.Size != 6 || out.AttrValid != 0 || out.Nlink != 1 || out.Uid != unknownOwner ||
		out.Gid != unknownOwner || out.Mode != syscall.S_IFREG|0o755 || out.Ino == 0 || out.Mtime != 0 {
		t.Errorf("M-24: %+v", out)
	}
	also = fuse.FATTR_MODE
	_, s = cut(unknown, fh, 5)
	w.want("M-24: no user, with a mode", s, unix.EACCES)
	if info, err := os.Stat(filepath.Join(w.root, "f")); err != nil || info.Size() != 6 {
		t.Errorf("M-24: %v, %v, want 6, nil", info.Size(), err)
	}
	w.m.leave(fh)
}

// counted returns the number of handles, and of files with recorded handle kinds.
func (w *world) counted() (opens, files int) {
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	return len(w.m.opens), len(w.m.backings)
}

// TestOpenHonorsTruncCreatAndExcl checks that an open with O_TRUNC empties the file, that O_CREAT opens an existing
// file, and that O_EXCL fails on one (M-13).
func TestOpenHonorsTruncCreatAndExcl(t *testing.T) {
	w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.Plain = true })
	w.describe("", full)
	const readOnly = "O:BAG:SYD:P(A;;FR;;;S-1-22-1-61001)"
	w.file("f", "text", full)
	w.file("g", "text", full)
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
		{"g", syscall.O_RDONLY | syscall.O_TRUNC, 0, ""}, {"d", syscall.O_RDWR, unix.EISDIR, "-"},
	} {
		handles, _ := w.counted()
		out, s := create(c.name, c.flags)
		w.want("M-13: create "+c.name, s, c.want)
		b, err := os.ReadFile(filepath.Join(w.root, c.name))
		check.That(t, c.text == "-" || err == nil && string(b) == c.text,
			"M-13: %s holds %q, %v, want %q", c.name, b, err, c.text)
		if s != fuse.OK {
			if n, _ := w.counted(); n != handles {
				t.Errorf("M-13: %s: %d handles, were %d, want %d", c.name, n, handles, handles)
			}
			continue
		}
		if o := w.m.open(out.Fh); o == nil || o.uid != alice || o.n.id != out.NodeId || !o.tells || o.passed {
			t.Errorf("M-13: %s is open as %+v", c.name, o)
		}
		w.m.leave(out.Fh)
		w.m.Forget(out.NodeId, 1)
	}
	w.file("h", "text", full)
	w.m.leave(w.opens(alice, "h", syscall.O_WRONLY|syscall.O_TRUNC))
	b, err := os.ReadFile(filepath.Join(w.root, "h"))
	check.That(t, err == nil && len(b) == 0, "M-13: after an open that truncates: %q, %v, want none", b, err)
	if opens, files := w.counted(); opens != 0 || files != 0 {
		t.Errorf("M-18: %d handles are counted, of %d files, want 0, 0", opens, files)
	}
	var out fuse.OpenOut
	w.want("M-13: a directory is opened", w.m.Open(nil, &fuse.OpenIn{InHeader: header(alice, w.known(alice, "d"))}, &out),
		unix.EISDIR)
	w.want("M-13: a file is listed", w.m.OpenDir(nil, &fuse.OpenIn{InHeader: header(alice, w.known(alice, "f"))}, &out),
		unix.ENOTDIR)
	for granted, want := range map[winnt.AccessMask]syscall.Errno{winnt.FILE_READ_DATA: unix.EIO,
		winnt.FILE_WRITE_DATA: unix.EIO, winnt.FILE_APPEND_DATA: unix.EIO} { // its handle is invalid
		fh := w.m.enter(&open{granted: granted})
		w.want("fsync", w.m.Fsync(nil, &fuse.FsyncIn{InHeader: header(alice, 0), Fh: fh}), want)
		w.m.leave(fh)
	}
}

// TestSyncReachesHost checks that fsync(2) of a directory makes its names durable, and of a file its contents, also
// through a handle that only reads (M-4).
func TestSyncReachesHost(t *testing.T) {
	var synced []string
	w := newWorld(t, func(c *hostfs.Config, _ *Config) {
		c.Faults = func(call, name string) error {
			if call == "sync" {
				synced = append(synced, name)
				return unix.EIO
			}
			return nil
		}
	})
	w.dir("d", full)
	w.file("d/f", "text", full)
	var out fuse.OpenOut
	in := &fuse.OpenIn{InHeader: header(alice, w.known(alice, "d"))}
	w.want("opendir", w.m.OpenDir(nil, in, &out), 0)
	w.want("a directory", w.m.FsyncDir(nil, &fuse.FsyncIn{InHeader: header(alice, 0), Fh: out.Fh}), unix.EIO)
	fh := w.opens(alice, "d/f", syscall.O_RDONLY)
	w.want("a file", w.m.Fsync(nil, &fuse.FsyncIn{InHeader: header(alice, 0), Fh: fh}), unix.EIO)
	check.Equal(t, strings.Join(synced, " "), "d f", "what the host was to make durable")
	w.m.leave(out.Fh)
	w.m.leave(fh)
}

// TestSetAttrSetsSizesAndTimesExactly sets any size, 0 included, by right and by a handle that may overwrite. A handle
// that appends or reads counts as none. Times are set exactly, also before 1970, and each alone (M-24).
func TestSetAttrSetsSizesAndTimesExactly(t *testing.T) {
	w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.Plain = true })
	// bob may append and write attributes, and not set the size.
	w.file("f", "0123456789", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")(A;;0x120185;;;"+user(bob)+")")
	path, node := filepath.Join(w.root, "f"), w.known(alice, "f")
	writes, reads := w.opens(alice, "f", syscall.O_RDWR), w.opens(alice, "f", syscall.O_RDONLY)
	appends := w.opens(bob, "f", syscall.O_WRONLY|syscall.O_APPEND)
	const size, atime, mtime = fuse.FATTR_SIZE, fuse.FATTR_ATIME, fuse.FATTR_MTIME
	minus := func(n int64) uint64 { return uint64(-n) }
	for _, c := range []struct {
		name  string
		by    uint32
		fh    uint64 // 0: none
		valid uint32
		in    fuse.SetAttrInCommon
		want  unix.Errno
		size  int64
	}{
		{"to 0", alice, 0, size, fuse.SetAttrInCommon{Size: 0}, 0, 0},
		{"longer", alice, 0, size, fuse.SetAttrInCommon{Size: 5000}, 0, 5000},
		{"unchanged", alice, 0, size, fuse.SetAttrInCommon{Size: 5000}, 0, 5000},
		{"to 0 by a handle", alice, writes, size, fuse.SetAttrInCommon{Size: 0}, 0, 0},
		{"longer by a handle", alice, writes, size, fuse.SetAttrInCommon{Size: 9}, 0, 9},
		{"another's handle", bob, writes, size, fuse.SetAttrInCommon{Size: 8}, 0, 8},
		{"no user by a handle", unknown, writes, size, fuse.SetAttrInCommon{Size: 7}, 0, 7},
		{"no user by a handle that reads", unknown, reads, size, fuse.SetAttrInCommon{Size: 6}, unix.EACCES, 7},
		{"a handle that reads, by right", alice, reads, size, fuse.SetAttrInCommon{Size: 6}, 0, 6},
		{"a handle that appends", bob, appends, size, fuse.SetAttrInCommon{Size: 0}, unix.EACCES, 6},
		{"a handle that appends, longer", bob, appends, size, fuse.SetAttrInCommon{Size: 60}, unix.EACCES, 6},
		{"a handle that appends, by right", alice, appends, size, fuse.SetAttrInCommon{Size: 5}, 0, 5},
		{"a number without a handle", bob, 1 << 20, size, fuse.SetAttrInCommon{Size: 4}, unix.EACCES, 5},
		{"a number without a handle, by right", alice, 1 << 20, size, fuse.SetAttrInCommon{Size: 4}, 0, 4},
		{"times by a handle", alice, writes, atime | mtime, fuse.SetAttrInCommon{Atime: 1, Mtime: 2}, 0, 4},
		{"a size below 0", alice, 0, size, fuse.SetAttrInCommon{Size: 1 << 63}, unix.EFBIG, 4},
		{"a size below 0 by a handle", alice, writes, size, fuse.SetAttrInCommon{Size: minus(1)}, unix.EFBIG, 4},
		{"access", alice, 0, atime, fuse.SetAttrInCommon{Atime: 100, Atimensec: 300, Mtime: 9, Mtimensec: 9}, 0, 4},
		{"writing", alice, 0, mtime, fuse.SetAttrInCommon{Atime: 9, Atimensec: 9, Mtime: 200, Mtimensec: 400}, 0, 4},
		{"both", alice, 0, atime | mtime, fuse.SetAttrInCommon{Atime: 1, Atimensec: 100, Mtime: 2, Mtimensec: 200}, 0, 4},
		{"before 1970", alice, 0, atime | mtime, fuse.SetAttrInCommon{Atime: minus(5), Atimensec: 999_999_900,
			Mtime: minus(6)}, 0, 4},
		{"1970", alice, 0, atime | mtime, fuse.SetAttrInCommon{}, 0, 4},
		{"both by the right", bob, appends, atime | mtime, fuse.SetAttrInCommon{Atime: 7, Mtime: 8}, 0, 4},
		{"size and times", alice, 0, size | atime | mtime, fuse.SetAttrInCommon{Size: 3, Atime: 11, Mtime: 12}, 0, 3},
		{"a size that may not be, and times", bob, 0, size | atime, fuse.SetAttrInCommon{Size: 2, Atime: 13}, unix.EACCES, 3},
	} {
		var before, after unix.Stat_t
		w.must(unix.Stat(path, &before))
		in := &fuse.SetAttrIn{SetAttrInCommon: c.in}
		in.InHeader, in.Valid, in.Fh = header(c.by, node), c.valid, c.fh
		if c.fh != 0 {
			in.Valid |= fuse.FATTR_FH
		}
		var out fuse.AttrOut
		w.want("M-24: "+c.name, w.m.SetAttr(nil, in, &out), c.want)
		w.must(unix.Stat(path, &after))
		access, wrote := before.Atim, before.Mtim
		if c.want == 0 && c.valid&atime != 0 {
			access = unix.Timespec{Sec: int64(c.in.Atime), Nsec: int64(c.in.Atimensec)}
		}
		switch {
		case c.want == 0 && c.valid&mtime != 0:
			wrote = unix.Timespec{Sec: int64(c.in.Mtime), Nsec: int64(c.in.Mtimensec)}
		case c.want == 0 && c.valid&size != 0:
			wrote = after.Mtim // set by the host
		}
		if after.Size != c.size || after.Atim != access || after.Mtim != wrote {
			t.Errorf("M-24: %s: %d bytes, times %v and %v; want %d, %v and %v",
				c.name, after.Size, after.Atim, after.Mtim,
				c.size, access, wrote)
		}
		check.That(t, c.want != 0 || out.Size == uint64(c.size),
			"M-24: %s: the reply has the size %d, want %d", c.name, out.Size, c.size)
	}
	for _, fh := range []uint64{writes, reads, appends} {
		w.m.leave(fh)
	}
}

// TestTimeBeyondFILETIMEBecomesNearest checks the conversion of times at and beyond the ends of FILETIME: 1601-01-01
// and 30828-09-14T02:48:05.4775807 ([MS-DTYP] 2.3.3).
func TestTimeBeyondFILETIMEBecomesNearest(t *testing.T) {
	const first, last = -11_644_473_600, 910_692_730_085
	for s, want := range map[int64]int64{math.MinInt64: 1, first - 1: 1, first: 1, first + 1: 10_000_000,
		last - 1: (last - 1 - first) * 10_000_000, last: math.MaxInt64, last + 1: math.MaxInt64,
		1_000_000_000_000: math.MaxInt64, math.MaxInt64: math.MaxInt64} {
		check.Equal(t, timeOf(time.Unix(s, 0)), want, "%d seconds after 1970", s)
	}
}

// TestChownNeedsWriteOwner checks that owner and group can be changed with WRITE_OWNER to SIDs that the account may
// assign (M-22).
func TestChownNeedsWriteOwner(t *testing.T) {
	w := newWorld(t)
	w.dir("d", full)
	w.file("d/taken", "", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")(A;;FR;;;WD)")
	w.refused(bob, "Operation not permitted", "chown", "61002", "d/taken")
	w.refused(alice, "Operation not permitted", "chown", "61002", "d/taken")
	w.sees(alice, "", "chown", "61001", "d/taken")
	w.sees(bob, "61001", "stat", "-c", "%u", "d/taken")
	w.sees(alice, "", "chgrp", "62001", "d/taken")
	w.sees(bob, "62001", "stat", "-c", "%g", "d/taken")
	for _, ids := range []string{":1073741824", "1073741824", "1073741824:62001", "1073741824:61001",
		"61001:1073741824"} {
		w.refused(alice, "Resource temporarily unavailable", "chown", ids, "d/taken")
	}
	w.sees(bob, "61001 62001", "stat", "-c", "%u %g", "d/taken")
	w.file("d/both", "", "O:BAG:SYD:P(A;;FA;;;"+user(alice)+")(A;;FR;;;WD)")
	w.sees(alice, "", "chown", "61001:62001", "d/both")
	w.sees(bob, "61001 62001", "stat", "-c", "%u %g", "d/both")
}

// TestSetAttrWithoutReadAttributesFails checks that a user who may write a file but not read its attributes, which the
// answer contains, changes neither size nor times by name (M-24). Opening it with O_TRUNC works.
func TestSetAttrWithoutReadAttributesFails(t *testing.T) {
	w := newWorld(t)
	w.describe("", "O:BAG:SYD:P(A;;FX;;;WD)")
	w.file("drop", "0123456789", "O:BAG:SYD:P(A;;0x100106;;;"+user(bob)+")")
	before := check.Must(os.Stat(filepath.Join(w.root, "drop")))
	check.Equal(t, w.truncate(bob, "drop", 3), fuse.EACCES, "M-24: truncate")
	w.refused(bob, "Permission denied", "touch", "-c", "-d", "@1000000000", "drop")
	after := check.Must(os.Stat(filepath.Join(w.root, "drop")))
	if after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("M-24: %d bytes of %v became %d of %v", before.Size(), before.ModTime(), after.Size(), after.ModTime())
	}
	w.sees(bob, "", "sh", "-c", "echo new > drop")
	w.refused(bob, "Permission denied", "stat", "drop")
	w.sees(bob, "", "truncate", "-s", "4", "drop")
	if b, err := os.ReadFile(filepath.Join(w.root, "drop")); err != nil || string(b) != "new\n" {
		t.Errorf("%q, %v, want %q, no error", b, err, "new\n")
	}
}

// truncate changes the size of a file by its name, like truncate(2).
func (w *world) truncate(uid uint32, name string, size uint64) fuse.Status {
	w.Helper()
	return w.m.SetAttr(nil, &fuse.SetAttrIn{SetAttrInCommon: fuse.SetAttrInCommon{
		InHeader: header(uid, w.known(uid, name)), Valid: fuse.FATTR_SIZE, Size: size}}, &fuse.AttrOut{})
}
