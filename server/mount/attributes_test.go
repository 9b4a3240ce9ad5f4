package mount

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sid"
)

// TestOpenHandleRevealsAttributes checks that a user who has a file open with the right to read attributes gets them,
// and no other user. For a file without a name any user who has it open gets them (M-15). Without that right, a request
// with the handle gets the size alone, so that programs read the file to its end (M-5). A file without a descriptor has
// no owner.
//
// +checklocksignore
func TestOpenHandleRevealsAttributes(t *testing.T) {
	w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.Plain = true })
	w.describe("", "O:BAG:SYD:P(A;;0x1200a0;;;WD)(A;;0x6;;;"+user(alice)+")")
	for name, rights := range map[string]string{"f": "FA", "blind": "0x100001", "written": "0x100100"} {
		w.file(name, "text", "O:BAG:SYD:P(A;;"+rights+";;;"+user(alice)+")")
	}
	node, blind := w.known(alice, "f"), w.known(alice, "blind")
	fh, other := w.opens(alice, "f", syscall.O_RDONLY), w.opens(alice, "blind", syscall.O_RDONLY)
	asks := func(what string, uid uint32, node, fh uint64, want unix.Errno) {
		t.Helper()
		out, s := w.attributesOf(uid, node, fh)
		if w.want("M-15: "+what, s, want); s == fuse.OK && out.Size != 4 {
			t.Errorf("M-15: %s: %+v", what, out.Attr)
		}
	}
	asks("an open that cannot read them", alice, blind, 0, unix.EACCES)
	asks("such a handle that is named", alice, blind, other, 0)
	if out, _ := w.attributesOf(alice, blind, other); out.Mtime != 0 || out.Uid != unknownOwner || out.AttrValid != 0 {
		t.Errorf("M-5: a handle without the right shows %+v, want the size alone, not cached", out)
	}
	var entry fuse.EntryOut
	root := header(bob, rootID)
	w.want("M-5: a lookup by another user", w.m.Lookup(nil, &root, "blind", &entry), 0)
	check.Equal(t, entry.Size, 4, "M-5: the size of a file that is open without the right")
	link := &fuse.LinkIn{InHeader: header(alice, rootID), Oldnodeid: w.known(alice, "written")}
	w.want("M-5: a link, which shows the attributes", w.m.Link(nil, link, "second", &entry), unix.EACCES)
	w.sees(alice, "text", "dd", "status=none", "if=blind")
	w.describe("f", "O:BAG:SYD:P(A;;FA;;;BA)")
	asks("an open of the user's own", alice, node, 0, 0)
	asks("another user's open", bob, node, 0, unix.EACCES)
	asks("another user by the handle", bob, node, fh, 0)
	w.must(unix.Removexattr(filepath.Join(w.root, "f"), ntacl.Name))
	out, _ := w.attributesOf(alice, node, 0)
	check.Equal(t, out.Owner, fuse.Owner{Uid: unknownOwner, Gid: unknownOwner}, "owner of a file without a descriptor")
	w.must(os.Remove(filepath.Join(w.root, "f")))
	asks("a file without a name", alice, node, 0, 0)
	asks("a file without a name, by another user", bob, node, 0, 0)
	o, left := w.m.open(fh), make(chan struct{})
	check.RequireThat(t, o.lent.TryLock(), "M-15: an open that answered is not given back")
	go func() {
		w.m.leave(fh)
		close(left)
	}()
	select {
	case <-left:
		t.Error("M-15: an open that another request uses is closed")
	case <-time.After(20 * time.Millisecond): // it waits, or has not begun
	}
	o.lent.Unlock()
	<-left
	w.m.leave(other)
	asks("a file without a name that is closed", alice, node, 0, unix.ESTALE)
}

// TestFILETIMEConvertsToUnixTime checks that Windows and Linux times denote the same moment, also before 1970. The
// Windows epoch is in 1601.
func TestFILETIMEConvertsToUnixTime(t *testing.T) {
	minus := func(n int64) uint64 { return uint64(-n) }
	for _, c := range []struct {
		windows int64
		seconds uint64
		nano    uint32
	}{
		{116444736000000000, 0, 0}, {116444736000000001, 0, 100}, {116444736009999999, 0, 999_999_900},
		{116444736010000000, 1, 0}, {116444735999999999, minus(1), 999_999_900}, {116444735990000000, minus(1), 0},
		{116444735989999999, minus(2), 999_999_900}, {125912558456000000, 946_782_245, 600_000_000},
	} {
		seconds, nano := moment(c.windows)
		check.That(t, seconds == c.seconds && nano == c.nano,
			"%d is %d and %d ns, want %d and %d", c.windows, int64(seconds), nano, int64(c.seconds), c.nano)
		check.Equal(t, timeOf(time.Unix(int64(c.seconds), int64(c.nano)+99)), c.windows, "%d becomes", c.windows)
	}
	for year := range 2 {
		early := time.Date(1600+year, 1, 1, 0, 0, 0, 0, time.UTC)
		check.Equal(t, timeOf(early), 1, "%v", early)
	}
}

// TestFileAttributesMapToFuseAttr checks that each fact appears in its attribute, and the count of blocks is rounded up
// (M-12).
func TestFileAttributesMapToFuseAttr(t *testing.T) {
	var got fuse.Attr
	shape(&nt.FileFacts{FileBasic: nt.FileBasic{LastAccessTime: filetime.UnixEpoch + 10_000_001,
		LastWriteTime: filetime.UnixEpoch + 20_000_002, ChangeTime: filetime.UnixEpoch + 30_000_003},
		EndOfFile: 7, AllocationSize: 1025, Links: 5, FileID: 99}, &got)
	want := fuse.Attr{Ino: 99, Size: 7, Blocks: 3, Atime: 1, Atimensec: 100, Mtime: 2, Mtimensec: 200, Ctime: 3,
		Ctimensec: 300, Nlink: 5, Blksize: 4096}
	check.That(t, got == want, "%+v, want %+v", got, want)
	shape(&nt.FileFacts{AllocationSize: 1024}, &got)
	check.Equal(t, got.Blocks, 2, "M-12: blocks of 1024 bytes")
	for _, c := range []struct {
		dir, link bool
		want      uint32
	}{{false, false, unix.S_IFREG | 0o755}, {true, false, unix.S_IFDIR | 0o755}, {false, true, unix.S_IFLNK | 0o777}} {
		if got := modeOf(nil, c.dir, c.link); got != c.want {
			t.Errorf("M-12: mode %o, want %o", got, c.want)
		}
	}
}

// TestOwnerWithoutUIDShowsAs65534 checks that an owner has the uid of its account, LocalSystem has 0, and a SID without
// one has 65534. A group is looked up as a group (M-12).
func TestOwnerWithoutUIDShowsAs65534(t *testing.T) {
	m := &Mount{owners: ids{}}
	hosts := &Mount{owners: HostOwners{}}
	user, group := sid.MustParse("S-1-22-1-7"), sid.MustParse("S-1-22-2-8")
	for _, c := range []struct {
		s        sid.SID
		uid, gid uint32
	}{{sid.LocalSystem, 0, 0}, {sid.Administrators, 0, 0}, {user, 7, 65534}, {group, 65534, 8},
		{sid.Everyone, 65534, 65534}, {sid.Users, 65534, 65534}} {
		for _, m := range []*Mount{m, hosts} {
			if uid, gid := m.uid(c.s), m.gid(c.s); uid != c.uid || gid != c.gid {
				t.Errorf("M-12: %v is %d and %d, want %d and %d", c.s, uid, gid, c.uid, c.gid)
			}
		}
	}
	for want, isGroup := range map[sid.SID]bool{user: false, group: true} {
		got, ok := (HostOwners{}).SIDOf(want.RID(), isGroup)
		check.That(t, ok && got == want, "M-12: %v, %t, want %v, true", got, ok, want)
	}
}
