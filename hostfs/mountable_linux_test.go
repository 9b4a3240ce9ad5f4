package hostfs

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// A name with a pending deletion is removed immediately. Its opens continue without a name, and a new file with the
// name is independent of them. Other names stay (F-117, M-20).
func TestRemoveNameIsImmediate(t *testing.T) {
	w := newWorld(t)
	w.dir("d", wide)
	w.file(`d\f`, "f", wide)
	w.must(os.Link(w.path(`d\f`), w.path(`d\other`)))
	one := w.opened(`d\f`, fileaccess.Request{}, winnt.DELETE)
	two := w.opened(`d\f`, fileaccess.Request{}, winnt.FILE_READ_DATA)
	other := w.opened(`d\other`, fileaccess.Request{}, winnt.FILE_READ_DATA)
	w.want(one.RemoveName(), ntstatus.CannotDelete)
	w.want(one.SetDelete(true), ntstatus.Success)
	w.want(other.RemoveName(), ntstatus.CannotDelete)
	w.holds(map[string]string{`d\f`: "f", `d\other`: "f"})
	w.want(two.RemoveName(), ntstatus.Success)
	w.holds(map[string]string{`d\f`: "-", `d\other`: "f"})
	for _, f := range []*file{one, two, other} {
		facts, st := f.Facts()
		if w.want(st, ntstatus.Success); facts.DeletePending || facts.Links != 1 {
			t.Errorf("F-117: facts after RemoveName: %+v, want one link and no pending deletion", facts)
		}
	}
	w.tree.mu.Lock()
	if l := one.link; w.tree.dooms != 0 || len(one.node.doomed) != 0 || l.users != 2 || other.link.users != 1 {
		t.Errorf("F-117: after RemoveName: %d names pending deletion, link %+v; want 0 and 2 users", w.tree.dooms, l)
	}
	w.tree.mu.Unlock()
	b := make([]byte, 9)
	if n, st := two.ReadAt(b, 0); n != 1 || b[0] != 'f' || st != ntstatus.Success {
		t.Errorf(`M-20: ReadAt after RemoveName = %q, %v, want "f"`, b[:n], st)
	}
	w.want(one.RemoveName(), ntstatus.CannotDelete)
	w.file(`d\f`, "new", wide)
	// The file is not found by its former name, which now belongs to another file.
	w.want(one.SetDelete(true), ntstatus.Success)
	w.want(one.RemoveName(), ntstatus.ObjectNameNotFound)
	w.mustShut(one)
	w.mustShut(two)
	w.holds(map[string]string{`d\f`: "new", `d\other`: "f"})
	w.nothingPrivate("d")
}

// Space is reserved and released as by fallocate(2): by mode, offset and length. This changes contents, so special
// bits are cleared and the archive attribute is set (F-125, F-173).
func TestAllocateFollowsFallocateModes(t *testing.T) {
	w, _ := keeper(t)
	w.file("f", "0123456789", wide)
	f := w.opened("f", fileaccess.Request{}, winnt.FILE_WRITE_DATA|winnt.FILE_READ_DATA)
	w.must(os.Chmod(w.path("f"), 0o755|os.ModeSetuid)) //nolint:gosec // the test asks about this bit
	for _, c := range []struct {
		mode       uint32
		at, length int64
		want       string
		st         ntstatus.Status
	}{
		{unix.FALLOC_FL_KEEP_SIZE, 2, 1 << 14, "0123456789", 0},
		{unix.FALLOC_FL_KEEP_SIZE | unix.FALLOC_FL_PUNCH_HOLE, 2, 3, "01\x00\x00\x0056789", 0},
		{0, 3, 9, "01\x00\x00\x0056789\x00\x00", 0}, {0, 0, 0, "01\x00\x00\x0056789\x00\x00", ntstatus.InvalidParameter},
		{0, -1, 5, "01\x00\x00\x0056789\x00\x00", ntstatus.InvalidParameter},
	} {
		st := f.Allocate(c.mode, c.at, c.length)
		if st == ntstatus.NotSupported {
			t.Skip("the file system cannot reserve space")
		}
		w.want(st, c.st)
		w.holds(map[string]string{"f": c.want})
	}
	var s unix.Stat_t
	if w.must(unix.Stat(w.path("f"), &s)); s.Mode&0o7777 != 0o755 || s.Blocks*512 < 1<<14 {
		t.Errorf("F-125: after Allocate: mode %o, %d blocks; want 755 and at least 16 KiB", s.Mode, s.Blocks)
	}
	if value, _ := w.dosAttrib("f"); value != keptArchive {
		t.Errorf("F-173: stored attributes %q, want %q", value, keptArchive)
	}
}

// A file that cannot be opened for writing, for example because of another program's lease, can be locked for reading
// only.
func TestReadOnlyFileAllowsOnlyReadLocks(t *testing.T) {
	w := newWorld(t)
	w.file("f", "", wide)
	f := w.opened("f", fileaccess.Request{}, winnt.FILE_READ_DATA)
	lease := check.Must(os.Open(w.path("f")))
	defer func() { w.must(lease.Close()) }()
	if _, err := unix.FcntlInt(lease.Fd(), unix.F_SETLEASE, unix.F_RDLCK); err != nil {
		t.Skipf("no lease can be had in %s: %v", w.root, err)
	}
	fd := check.Result(f.Locking())
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	check.That(t, err == nil && flags&unix.O_ACCMODE == unix.O_RDONLY && flags&unix.O_NONBLOCK != 0,
		"Locking = %d, status flags %#o, %v, want a descriptor with O_RDONLY and O_NONBLOCK", fd, flags, err)
	w.must(unix.Close(fd))
}
