package mount

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// TestSizesAndTimes: a size is changed to any, 0 too, by right and by a handle that overwrites; one that appends or
// reads counts as no handle. Times are set to the moment that was said, before 1970 too, and each by itself (M-24).
func TestSizesAndTimes(t *testing.T) {
	w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.Plain = true })
	// bob appends and sets no size; he may write attributes.
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
		{"to nothing", alice, 0, size, fuse.SetAttrInCommon{Size: 0}, 0, 0},
		{"longer", alice, 0, size, fuse.SetAttrInCommon{Size: 5000}, 0, 5000},
		{"as it is", alice, 0, size, fuse.SetAttrInCommon{Size: 5000}, 0, 5000},
		{"to nothing by a handle", alice, writes, size, fuse.SetAttrInCommon{Size: 0}, 0, 0},
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
		{"a size below 0", alice, 0, size, fuse.SetAttrInCommon{Size: 1 << 63}, unix.EFBIG, 4},
		{"a size below 0 by a handle", alice, writes, size, fuse.SetAttrInCommon{Size: minus(1)}, unix.EFBIG, 4},
		{"access", alice, 0, atime, fuse.SetAttrInCommon{Atime: 100, Atimensec: 300, Mtime: 9, Mtimensec: 9}, 0, 4},
		{"writing", alice, 0, mtime, fuse.SetAttrInCommon{Atime: 9, Atimensec: 9, Mtime: 200, Mtimensec: 400}, 0, 4},
		{"both", alice, 0, atime | mtime, fuse.SetAttrInCommon{Atime: 1, Atimensec: 100, Mtime: 2, Mtimensec: 200}, 0, 4},
		{"before 1970", alice, 0, atime | mtime, fuse.SetAttrInCommon{Atime: minus(5), Atimensec: 999_999_900,
			Mtime: minus(6)}, 0, 4},
		{"1970", alice, 0, atime | mtime, fuse.SetAttrInCommon{}, 0, 4},
		{"both by who writes attributes", bob, appends, atime | mtime, fuse.SetAttrInCommon{Atime: 7, Mtime: 8}, 0, 4},
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
		w.says("M-24: "+c.name, w.m.SetAttr(nil, in, &out), c.want)
		w.must(unix.Stat(path, &after))
		access, wrote := before.Atim, before.Mtim
		if c.want == 0 && c.valid&atime != 0 {
			access = unix.Timespec{Sec: int64(c.in.Atime), Nsec: int64(c.in.Atimensec)}
		}
		switch {
		case c.want == 0 && c.valid&mtime != 0:
			wrote = unix.Timespec{Sec: int64(c.in.Mtime), Nsec: int64(c.in.Mtimensec)}
		case c.want == 0 && c.valid&size != 0:
			wrote = after.Mtim // the host sets it
		}
		if after.Size != c.size || after.Atim != access || after.Mtim != wrote {
			t.Errorf("M-24: %s: %d bytes, times %v and %v; want %d, %v and %v", c.name, after.Size, after.Atim, after.Mtim,
				c.size, access, wrote)
		}
		if c.want == 0 && out.Size != uint64(c.size) {
			t.Errorf("M-24: %s: told are %d bytes, want %d", c.name, out.Size, c.size)
		}
	}
	for _, fh := range []uint64{writes, reads, appends} {
		w.m.leave(fh)
	}
}

// TestModesOfKinds: the permissions that a file, a directory and a link have already may be given, and no others: a
// change that would be lost is refused, and changes nothing else of the call (M-22).
func TestModesOfKinds(t *testing.T) {
	w := newWorld(t)
	w.describe("", full)
	w.file("f", "text", full)
	w.dir("d", full)
	w.link("l", "f", full)
	for name, shown := range map[string]uint32{"f": 0o755, "d": 0o755, "l": 0o777} {
		node := w.known(alice, name)
		for _, mode := range []uint32{0o755, 0o777, 0o754, 0o655, 0o4755, 0o2755, 0o1755, 0o4777, 0o1777, 0,
			syscall.S_IFREG | 0o755, syscall.S_IFDIR | 0o755, syscall.S_IFLNK | 0o777} {
			want := unix.EPERM
			if mode&0o7777 == shown {
				want = 0
			}
			in := &fuse.SetAttrIn{}
			in.InHeader, in.Valid, in.Mode = header(alice, node), fuse.FATTR_MODE, mode
			var out fuse.AttrOut
			w.says(fmt.Sprintf("M-22: %s becomes %o", name, mode), w.m.SetAttr(nil, in, &out), want)
			if want == 0 && out.Mode&0o7777 != shown {
				t.Errorf("M-22: %s is told as %o, want %o", name, out.Mode, shown)
			}
		}
	}
}

// lockable is an open file whose locks are kept on a descriptor, or cannot be.
type lockable struct {
	nt.OpenFile
	st ntstatus.Status
}

// Locking implements locked. No file is open under the number.
func (l lockable) Locking() (fd int, st ntstatus.Status) { return -1, l.st }

// TestLockersOfAll: 1,024 owners of locks are one user's, and 4,096 all users'; who has locks already is served beyond
// it, and one that ends makes room for one. What cannot be locked counts for no one (M-32).
//
// +checklocksignore
func TestLockersOfAll(t *testing.T) {
	l, o := newLockers(), &open{n: &node{}}
	get := func(uid uint32, owner uint64, f nt.OpenFile) (*locker, fuse.Status) {
		in := &fuse.LkIn{InHeader: header(uid, 0), Owner: owner, Lk: fuse.FileLock{Typ: unix.F_RDLCK, Pid: 1}}
		return l.get(lockOwner{n: o.n, owner: owner}, o, in, f)
	}
	const none = fuse.Status(syscall.ENOLCK)
	check := func(what string, got, want fuse.Status, held int) {
		t.Helper()
		sum := 0
		for uid, n := range l.of {
			if sum += n; n == 0 {
				t.Errorf("M-32: %s: user %d is known by no owner", what, uid)
			}
		}
		if got != want || l.held != held || sum != held || len(l.all) != held || len(o.lockers) != held {
			t.Errorf("M-32: %s: %v, want %v; %d owners, want %d; %d of users, %d in the table, %d of the open", what, got,
				want, l.held, held, sum, len(l.all), len(o.lockers))
		}
	}
	_, s := get(1, 0, lockable{st: ntstatus.AccessDenied})
	check("a file that cannot be locked", s, fuse.EACCES, 0)
	_, s = get(1, 0, nil)
	check("one that has no locks", s, none, 0)
	var first *locker
	for i := range uint64(4096) {
		uid := uint32(1 + i/1024)
		x, s := get(uid, i, lockable{})
		if s != fuse.OK {
			t.Fatalf("M-32: owner %d: %v", i, s)
		}
		if i == 0 {
			first = x
		}
		if i == 1023 {
			_, s = get(uid, 1<<20, lockable{})
			check("one more of a user", s, none, 1024)
		}
	}
	check("all", fuse.OK, fuse.OK, 4096)
	_, s = get(9, 1<<20, lockable{})
	check("one more of another user", s, none, 4096)
	x, s := get(1, 0, lockable{})
	if check("one that has locks", s, fuse.OK, 4096); x != first || x.uid != 1 || x.program != 1 || x.fd != -1 {
		t.Errorf("M-32: it is %+v, want %+v", x, first)
	}
	l.drop(first)
	l.drop(first)
	check("one ended, and once more", fuse.OK, fuse.OK, 4095)
	_, s = get(9, 1<<20, lockable{})
	check("another user", s, fuse.OK, 4096)
	_, s = get(9, 1<<21, lockable{})
	check("and again", s, none, 4096)
	l.end(map[uint64]*open{7: o})
	if check("the end", fuse.OK, fuse.OK, 0); len(l.of) != 0 {
		t.Errorf("M-32: %v are counted", l.of)
	}
}
