package mount

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
)

// openTwice opens a file twice in each of the directories.
func openTwice(w *world, dirs ...string) (fds []int) {
	w.Helper()
	for _, dir := range dirs {
		fd := check.Must(unix.Open(filepath.Join(dir, "f"), unix.O_RDWR|unix.O_CLOEXEC, 0))
		fds = append(fds, fd)
	}
	return fds
}

// checkConflict checks that locks of two descriptors of a file exclude each other.
func checkConflict(w *world, fds []int) {
	w.Helper()
	w.must(unix.Flock(fds[0], unix.LOCK_EX))
	if err := unix.Flock(fds[1], unix.LOCK_EX|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
		w.Errorf("M-25: flock of a locked file: %v, want %v", err, unix.EWOULDBLOCK)
	}
	w.must(unix.Flock(fds[0], unix.LOCK_SH))
	w.must(unix.Flock(fds[1], unix.LOCK_SH|unix.LOCK_NB))
	w.must(unix.Flock(fds[0], unix.LOCK_UN))
	w.must(unix.Flock(fds[1], unix.LOCK_EX|unix.LOCK_NB))
	l := unix.Flock_t{Type: unix.F_WRLCK, Len: 3}
	w.must(unix.FcntlFlock(uintptr(fds[0]), unix.F_OFD_SETLK, &l))
	if err := unix.FcntlFlock(uintptr(fds[1]), unix.F_OFD_SETLK, &l); !errors.Is(err, unix.EAGAIN) {
		w.Errorf("M-25: a lock of locked bytes: %v, want %v", err, unix.EAGAIN)
	}
	l = unix.Flock_t{Type: unix.F_RDLCK, Start: 2}
	w.must(unix.FcntlFlock(uintptr(fds[1]), unix.F_OFD_GETLK, &l))
	check.That(w, l.Type == unix.F_WRLCK && l.Start == 0 && l.Len == 3,
		"M-25: the lock in the way: %+v, want type %v, start 0, length 3", l, unix.F_WRLCK)
	l = unix.Flock_t{Type: unix.F_WRLCK, Start: 3}
	w.must(unix.FcntlFlock(uintptr(fds[1]), unix.F_OFD_SETLK, &l))
	l.Len = 1
	w.must(unix.FcntlFlock(uintptr(fds[0]), unix.F_OFD_GETLK, &l))
	check.That(w, l.Type == unix.F_WRLCK && l.Start == 3 && l.Len == 0,
		"M-25: a lock to the end: %+v, want type %v, start 3, length 0", l, unix.F_WRLCK)
	w.must(errors.Join(unix.Close(fds[0]), unix.Close(fds[1])))
}

// lockCounts returns the number of lock owners and of waiting requests. It fails if the counts per user
// do not add up to the owners (M-32).
func (w *world) lockCounts() (owners, waiting int) {
	w.m.locks.mu.Lock()
	defer w.m.locks.mu.Unlock()
	users := 0
	for _, n := range w.m.locks.of {
		users += n
	}
	check.That(w, users == w.m.locks.held,
		"M-32: %d lock owners in total, %d as the sum over users, want %d", w.m.locks.held, users, w.m.locks.held)
	return w.m.locks.held, w.m.locks.waiting
}

// waitUntil waits until another program makes is return true.
func (w *world) waitUntil(what string, is func() bool) {
	w.Helper()
	check.Eventually(w, is, "%s", what)
}

// TestMountLocksConflictWithBackingFile checks that locks of programs on the mount conflict with each other, also on
// passthrough files, and with locks of programs on the backing file, such as smbd (M-25). None remains at the end.
func TestMountLocksConflictWithBackingFile(t *testing.T) {
	for name, plain := range map[string]bool{"past the mount": false, "plain": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(_ *hostfs.Config, c *Config) { c.Plain = plain })
			w.file("f", "locked", "O:BAG:SYD:P(A;;FA;;;WD)")
			for _, dirs := range [][]string{{w.at, w.at}, {w.at, w.root}, {w.root, w.at}} {
				checkConflict(w, openTwice(w, dirs...))
				// The kernel reports a close to the mount after close has returned.
				w.waitUntil("the locks end with the opens", func() bool { n, _ := w.lockCounts(); return n == 0 })
			}
		})
	}
}

// TestCloseReleasesByteRangeLocks checks that a program's byte-range locks end when it closes any descriptor of the
// file (M-31).
func TestCloseReleasesByteRangeLocks(t *testing.T) {
	w := newWorld(t)
	w.file("f", "locked", "O:BAG:SYD:P(A;;FA;;;WD)")
	fds := openTwice(w, w.at, w.at, w.root)
	l := unix.Flock_t{Type: unix.F_WRLCK, Len: 3}
	w.must(unix.FcntlFlock(uintptr(fds[0]), unix.F_SETLK, &l))
	if err := unix.FcntlFlock(uintptr(fds[2]), unix.F_OFD_SETLK, &l); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("M-25: a lock of locked bytes: %v, want %v", err, unix.EAGAIN)
	}
	w.must(unix.Close(fds[1]))
	w.must(unix.FcntlFlock(uintptr(fds[2]), unix.F_OFD_SETLK, &l))
	w.must(errors.Join(unix.Close(fds[0]), unix.Close(fds[2])))
}

// TestWaiterGetsReleasedLock checks that a waiter gets a lock that a program on or below the mount releases, and that a
// waiting program can be killed (M-25).
func TestWaiterGetsReleasedLock(t *testing.T) {
	w := newWorld(t)
	w.file("f", "locked", "O:BAG:SYD:P(A;;FA;;;WD)")
	for _, holder := range []string{w.at, w.root} {
		fds := openTwice(w, holder, w.at)
		w.must(unix.Flock(fds[0], unix.LOCK_EX))
		got := make(chan error)
		go func() { got <- unix.Flock(fds[1], unix.LOCK_EX) }()
		w.waitUntil("the request waits", func() bool { _, n := w.lockCounts(); return n == 1 })
		w.must(unix.Close(fds[0]))
		w.must(<-got)
		w.must(unix.Close(fds[1]))
	}
	if _, err := exec.LookPath("flock"); err != nil {
		t.Skip("no flock(1) to kill: ", err)
	}
	fds := openTwice(w, w.at)
	w.must(unix.Flock(fds[0], unix.LOCK_EX))
	waits := exec.Command("flock", filepath.Join(w.at, "f"), "true")
	w.must(waits.Start())
	w.waitUntil("the program waits", func() bool { _, n := w.lockCounts(); return n == 1 })
	w.must(waits.Process.Kill())
	check.That(t, waits.Wait() != nil, "a killed program has the lock")
	w.waitUntil("the request ends", func() bool { _, n := w.lockCounts(); return n == 0 })
	w.must(unix.Close(fds[0]))
}

// lockOf returns a request for a shared lock of one byte by an owner.
func lockOf(uid uint32, fh, owner uint64) *fuse.LkIn {
	return &fuse.LkIn{InHeader: header(uid, 0), Fh: fh, Owner: owner, Lk: fuse.FileLock{Typ: unix.F_RDLCK, Pid: 1}}
}

// TestReusedLockOwnerStartsWithoutLocks: the kernel reuses an owner's number before it reports the close of
// its open. The next owner starts without the former's locks and keeps its own (M-31). A program's number covers all
// its opens of a file until it closes one.
func TestReusedLockOwnerStartsWithoutLocks(t *testing.T) {
	w := newWorld(t)
	w.file("f", "locked", "O:BAG:SYD:P(A;;FA;;;WD)")
	below := openTwice(w, w.root)[0]
	taken := func(at int64) bool {
		l := unix.Flock_t{Type: unix.F_WRLCK, Start: at, Len: 1}
		w.must(unix.FcntlFlock(uintptr(below), unix.F_OFD_GETLK, &l))
		return l.Type != unix.F_UNLCK
	}
	program := uint32(os.Getpid())
	take := func(fh, at uint64) {
		in := &fuse.LkIn{InHeader: header(bob, 0), Fh: fh, Owner: 7,
			Lk: fuse.FileLock{Start: at, End: at, Typ: unix.F_WRLCK, Pid: program}}
		if s := w.m.SetLk(nil, in); !s.Ok() {
			t.Errorf("a lock of byte %d: %v", at, s)
		}
	}
	closes := func(fh, owner uint64) {
		in := &fuse.FlushIn{InHeader: header(bob, 0), Fh: fh, LockOwner: owner}
		in.Pid = uint32(unix.Gettid())
		w.m.Flush(nil, in)
	}
	// A program's two opens have one lock owner, whose locks end with a close of either.
	first, second := w.opens(bob, "f", unix.O_RDWR), w.opens(bob, "f", unix.O_RDWR)
	take(first, 0)
	take(second, 0)
	take(second, 1)
	w.m.leave(first)
	check.That(t, taken(0) && taken(1), "M-31: locks ended with one open that had only some of them")
	closes(second, 7)
	check.That(t, !taken(0) && !taken(1), "M-31: a program closed a descriptor, and its locks stay")
	// It locks again through both, although it has closed a descriptor.
	fourth := w.opens(bob, "f", unix.O_RDWR)
	take(second, 0)
	take(fourth, 0)
	closes(fourth, 7)
	w.m.leave(fourth)
	// An open with locks of its own is closed. The next open gets its number.
	take(second, 2)
	closes(second, 8)
	take(second, 2) // by a duplicate of the closed descriptor
	fifth := w.opens(bob, "f", unix.O_RDWR)
	take(fifth, 2)
	w.m.leave(fifth)
	closes(second, 8)
	third := w.opens(bob, "f", unix.O_RDWR)
	take(third, 3)
	w.m.leave(second)
	if taken(2) || !taken(3) {
		t.Errorf("M-31: the old owner's lock is there: %t, the new one's: %t", taken(2), taken(3))
	}
	w.m.leave(third)
	if n, _ := w.lockCounts(); n != 0 || taken(3) {
		t.Errorf("M-31: %d owners are left", n)
	}
	w.must(unix.Close(below))
}

// TestLockRangesMatchFcntl checks that byte-range locks have the same first and last byte as with fcntl(2) (M-25).
func TestLockRangesMatchFcntl(t *testing.T) {
	for _, c := range []struct {
		l           fuse.FileLock
		start, size int64
	}{
		{fuse.FileLock{Start: 0, End: 0}, 0, 1}, {fuse.FileLock{Start: 3, End: 9}, 3, 7},
		{fuse.FileLock{Start: 3, End: 1<<63 - 1}, 3, 0}, {fuse.FileLock{Start: 0, End: 1<<63 - 2}, 0, 1<<63 - 1},
	} {
		if got := rangeOf(&c.l); got.Start != c.start || got.Len != c.size {
			t.Errorf("M-25: bytes %d to %d are locked as %+v, want start %v, length %v", c.l.Start, c.l.End,
				got, c.start, c.size)
		}
	}
}

// TestLockCountsForItsProgramsUser checks that a lock counts for the user of the program that takes it, and that no
// worker is busy while the charged uid is looked up, once for an owner of locks (M-32).
func TestLockCountsForItsProgramsUser(t *testing.T) {
	var of atomic.Pointer[Mount]
	var lookups, busy int
	w := newWorld(t, func(_ *hostfs.Config, c *Config) {
		c.payer = func(uid uint32) uint32 {
			if m := of.Load(); m != nil && uid == bob {
				m.workers.mu.Lock()
				defer m.workers.mu.Unlock()
				lookups++
				busy += m.workers.running[alice]
				return carol
			}
			return uid
		}
	})
	m := w.m
	of.Store(m)
	w.file("f", "text", full)
	in := w.opensFor(alice, "f", unix.O_RDONLY)
	for owner, uid := range []uint32{alice, bob} {
		w.want("lock", m.SetLk(nil, &fuse.LkIn{InHeader: header(uid, in.NodeId), Fh: in.Fh, Owner: uint64(owner),
			Lk: fuse.FileLock{Typ: unix.F_RDLCK, Pid: uid}}), 0)
	}
	again := &fuse.LkIn{InHeader: header(bob, in.NodeId), Fh: in.Fh, Owner: 1,
		Lk: fuse.FileLock{Typ: unix.F_UNLCK, Pid: bob}}
	w.want("unlock", m.SetLk(nil, again), 0)
	again.Lk.Typ = unix.F_RDLCK
	w.want("query", m.GetLk(nil, again, &fuse.LkOut{}), 0)
	m.locks.mu.Lock()
	defer m.locks.mu.Unlock()
	check.Equal(t, [2]int{m.locks.of[alice], m.locks.of[carol]}, [2]int{1, 1}, "M-32: locks of two users")
	check.Equal(t, [2]int{lookups, busy}, [2]int{1, 0}, "M-32: lookups of a charged uid, and busy workers")
}

// TestSubordinateUIDsShareOpenFiles checks that the open files of a user's subordinate uids count in that user's share
// of the tree.
func TestSubordinateUIDsShareOpenFiles(t *testing.T) {
	w := newWorld(t, func(h *hostfs.Config, c *Config) {
		h.Opens = 16
		c.payer = func(uid uint32) uint32 { return map[uint32]uint32{alice: alice, bob: alice, carol: carol}[uid] }
	})
	w.file("f", "text", full)
	n := w.known(carol, "f")
	opens := func(uid uint32) (files int) {
		for w.m.Open(nil, &fuse.OpenIn{InHeader: header(uid, n)}, &fuse.OpenOut{}) == fuse.OK {
			files++
		}
		return files
	}
	a, b, c := opens(alice), opens(bob), opens(carol)
	check.That(t, a > 4 && b == 0 && c > 2, "Q-7: alice has %d files open, her subordinate uid %d, carol %d", a, b, c)
}

// TestUnlockDoesNotDependOnOpen checks that a lock through another open of a program keeps the program's locks until
// that open closes, too, and that an unlock does not (M-31).
//
// +checklocksignore
func TestUnlockDoesNotDependOnOpen(t *testing.T) {
	l, n := newLockers(sameUID), &node{}
	one, two := &open{n: n}, &open{n: n}
	for i, c := range []struct {
		o    *open
		kind uint32
		want int
	}{{one, unix.F_RDLCK, 1}, {two, unix.F_UNLCK, 1}, {two, unix.F_RDLCK, 2}} {
		in := &fuse.LkIn{InHeader: header(1, 0), Lk: fuse.FileLock{Typ: c.kind, Pid: 1}}
		if x, s := l.get(lockOwner{n: n}, c.o, in, lockable{}, 1); s != fuse.OK || len(x.opens) != c.want {
			t.Errorf("M-31: request %d: %v, %d opens, want OK, %d", i, s, len(x.opens), c.want)
		}
	}
}
