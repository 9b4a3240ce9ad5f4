package mount

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// lockable is an open file that supports locks or refuses them.
type lockable struct {
	nt.OpenFile
	st ntstatus.Status
}

// Locking implements locked. No file is open under the number.
func (l lockable) Locking() (fd int, st ntstatus.Status) { return -1, l.st }

// TestLockOwnersAreLimitedPerUser checks the limits of lock owners: 1,024 for one user with its subordinate uids, and
// 4,096 in all. An existing owner is served beyond them, and one that ends no longer counts. A failed lock is not
// counted (M-32).
//
// +checklocksignore
func TestLockOwnersAreLimitedPerUser(t *testing.T) {
	l, o := newLockers(sameUID), &open{n: &node{}}
	get := func(uid uint32, owner uint64, f nt.OpenFile) (*locker, fuse.Status) {
		in := &fuse.LkIn{InHeader: header(uid, 0), Owner: owner, Lk: fuse.FileLock{Typ: unix.F_RDLCK, Pid: 1}}
		return l.get(lockOwner{n: o.n, owner: owner}, o, in, f, uid%100)
	}
	const none = fuse.Status(syscall.ENOLCK)
	check := func(what string, got, want fuse.Status, held int) {
		t.Helper()
		sum := 0
		for uid, n := range l.of {
			if sum += n; n == 0 {
				t.Errorf("M-32: %s: user %d is listed with 0 lock owners, want at least 1", what, uid)
			}
		}
		if got != want || l.held != held || sum != held || len(l.all) != held || len(o.lockers) != held {
			t.Errorf("M-32: %s: %v, want %v; %d owners, want %d; %d of users, %d in the table, %d of the open",
				what, got,
				want, l.held, held, sum, len(l.all), len(o.lockers))
		}
	}
	_, s := get(1, 0, lockable{st: ntstatus.AccessDenied})
	check("a file that cannot be locked", s, fuse.EACCES, 0)
	_, s = get(1, 0, nil)
	check("one that has no locks", s, none, 0)
	var first *locker
	for i := range uint64(4096) {
		uid := uint32(1 + i/1024 + i%2*100) // every second one of a subordinate uid
		x, s := get(uid, i, lockable{})
		if s != fuse.OK {
			t.Fatalf("M-32: owner %d: %v, want %v", i, s, fuse.OK)
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
	if check("one that has locks", s, fuse.OK, 4096); x != first || x.payer != 1 || x.program != 1 || x.fd != -1 {
		t.Errorf("M-32: the owner beyond the limit is %+v, want the existing %+v", x, first)
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
		t.Errorf("M-32: %v are counted: len(l.of) = %d, want 0", l.of, len(l.of))
	}
}

// TestStaleLockOwnersAreDetected checks when an owner's number belongs to another owner: an flock number belongs to an
// open, an fcntl number to a program until it has closed all files on which it holds locks (M-31).
func TestStaleLockOwnersAreDetected(t *testing.T) {
	mine, other, third := &open{}, &open{}, &open{}
	closed := func(o *open, programs ...uint32) *open {
		o.closedBy = map[uint32]bool{}
		for _, p := range programs {
			o.closedBy[p] = true
		}
		return o
	}
	for i, c := range []struct {
		flock   bool
		by      []*open // opens with locks
		asks    *open
		program uint32
		want    bool
	}{
		{false, []*open{mine}, mine, 7, false}, {true, []*open{mine}, mine, 8, false}, {true, []*open{mine}, other, 7, true},
		{false, []*open{mine}, other, 8, true}, {false, []*open{mine}, other, 0, false},
		{true, []*open{mine}, other, 0, false},
		{false, []*open{mine}, other, 7, false}, {false, []*open{closed(&open{}, 7)}, other, 7, true},
		{false, []*open{closed(&open{}, 8)}, other, 7, false},
		{false, []*open{closed(&open{}, 7), third}, other, 7, false},
		{false, []*open{closed(&open{}, 7), closed(&open{}, 7)}, other, 7, true},
		{false, []*open{closed(third, 7)}, third, 7, false},
	} {
		x := &locker{owner: lockOwner{flock: c.flock}, program: 7, opens: map[*open]bool{}}
		for _, o := range c.by {
			x.opens[o] = true
		}
		if got := x.stale(c.asks, c.program); got != c.want {
			t.Errorf("M-31: %d: %t, want %t", i, got, c.want)
		}
		third.closedBy = nil
	}
	if got := programOf(uint32(unix.Gettid())); got != uint32(os.Getpid()) {
		t.Errorf("M-31: a thread of this program is one of %d", got)
	}
	if got := programOf(1<<31 - 1); got != 0 {
		t.Errorf("M-31: no thread is one of %d, want 0", got)
	}
}

// TestLockTableReleasesWithLastOpen checks that the lock table has each owner once, counts them per user and in total,
// releases their locks with the last open that took them, and wakes waiters (M-25, M-31, M-32).
func TestLockTableReleasesWithLastOpen(t *testing.T) {
	w := newWorld(t)
	w.file("f", "locked", "O:BAG:SYD:P(A;;FA;;;WD)")
	l := w.m.locks
	counts := func(what string, owners, ofBob, ofAlice int) {
		t.Helper()
		l.mu.Lock()
		defer l.mu.Unlock()
		if len(l.all) != owners || l.held != owners || l.of[bob] != ofBob || l.of[alice] != ofAlice || l.waiting != 0 {
			t.Errorf("M-32: %s: %d owners, %d counted, %v by user, %d waiting, want %d owners and %d of bob",
				what, len(l.all), l.held, l.of, l.waiting, owners, ofBob)
		}
		if _, any := l.of[bob]; any != (ofBob > 0) {
			t.Errorf("M-32: %s: a user without locks is counted", what)
		}
	}
	woken := func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		select {
		case <-l.changed:
			return true
		default:
			return false
		}
	}
	counts("at first", 0, 0, 0)
	one, two := w.opens(bob, "f", unix.O_RDWR), w.opens(bob, "f", unix.O_RDWR)
	hers := w.opens(alice, "f", unix.O_RDWR)
	lk := func(uid uint32, fh, owner uint64, kind uint32, flags uint32, start, end uint64) *fuse.LkIn {
		return &fuse.LkIn{InHeader: header(uid, 0), Fh: fh, Owner: owner, LkFlags: flags,
			Lk: fuse.FileLock{Typ: kind, Pid: 7, Start: start, End: end}}
	}
	const whole = 1<<63 - 1
	for i, c := range []struct {
		in         *fuse.LkIn
		want       fuse.Status
		bobs, hers int
	}{
		{lk(bob, one, 1, unix.F_WRLCK, 0, 0, 4), 0, 1, 0},
		{lk(bob, one, 1, unix.F_WRLCK, 0, 5, 9), 0, 1, 0},
		{lk(bob, two, 1, unix.F_WRLCK, 0, 0, 4), 0, 1, 0}, // of one program
		{lk(alice, hers, 2, unix.F_RDLCK, 0, 9, 9), fuse.EAGAIN, 1, 1},
		{lk(alice, hers, 2, unix.F_RDLCK, 0, 10, whole), 0, 1, 1},
		{lk(bob, one, 1, unix.F_RDLCK, 0, 11, 11), 0, 1, 1},
		{lk(bob, one, 1, unix.F_WRLCK, 0, 11, 11), fuse.EAGAIN, 1, 1},
		{lk(bob, one, 3, unix.F_WRLCK, fuse.FUSE_LK_FLOCK, 0, 0), 0, 2, 1},
		{lk(alice, hers, 3, unix.F_RDLCK, fuse.FUSE_LK_FLOCK, 0, 0), fuse.EAGAIN, 2, 2}, // the number is alice's now
	} {
		s := w.m.SetLk(nil, c.in)
		l.mu.Lock()
		if s != c.want || l.of[bob] != c.bobs || l.of[alice] != c.hers || l.held != c.bobs+c.hers {
			t.Errorf("M-25: %d: %v, want %v; %d owners, %v", i, s, c.want, l.held, l.of)
		}
		l.mu.Unlock()
	}
	w.m.leave(one)
	counts("after bob's first close", 3, 1, 2) // the number stays alice's
	w.m.leave(two)
	w.m.leave(hers)
	counts("at last", 0, 0, 0)
	if woken() {
		t.Error("an earlier release wakes a new waiter")
	}
	// The conflicting lock is returned with its kind and range, or F_UNLCK without a conflict.
	one, hers = w.opens(bob, "f", unix.O_RDWR), w.opens(alice, "f", unix.O_RDWR)
	w.want("M-25", w.m.SetLk(nil, lk(bob, one, 1, unix.F_RDLCK, 0, 3, 8)), 0)
	for _, c := range []struct {
		in   *fuse.LkIn
		want fuse.FileLock
	}{
		{lk(alice, hers, 2, unix.F_WRLCK, 0, 0, whole), fuse.FileLock{Typ: unix.F_RDLCK, Start: 3, End: 8}},
		{lk(alice, hers, 2, unix.F_RDLCK, 0, 0, whole), fuse.FileLock{Typ: unix.F_UNLCK, Start: 0, End: whole}},
		{lk(alice, hers, 2, unix.F_WRLCK, 0, 9, 20), fuse.FileLock{Typ: unix.F_UNLCK, Start: 9, End: 20}},
		{lk(bob, one, 1, unix.F_WRLCK, 0, 3, 8), fuse.FileLock{Typ: unix.F_UNLCK, Start: 3, End: 8}},
	} {
		var out fuse.LkOut
		if s := w.m.GetLk(nil, c.in, &out); s != fuse.OK || out.Lk != c.want {
			t.Errorf("M-25: GetLk(%+v) = %+v, %v, want %+v", c.in.Lk, out.Lk, s, c.want)
		}
	}
	for _, c := range [][2]uint64{{1 << 63, 1<<63 + 1}, {5, 4}} {
		w.want("M-25: no bytes", w.m.SetLk(nil, lk(bob, one, 1, unix.F_WRLCK, 0, c[0], c[1])), unix.EBADF)
	}
	wakes := func(what string, want bool, request func() fuse.Status) {
		t.Helper()
		l.mu.Lock()
		before := l.changed
		l.mu.Unlock()
		w.want(what, request(), 0)
		woken := false
		select {
		case <-before:
			woken = true
		default:
		}
		check.Equal(t, woken, want, "M-25, M-31: %s wakes waiters", what)
	}
	// An exclusive lock that its owner shares frees a lock for others.
	for kind, want := range map[uint32]bool{unix.F_WRLCK: false, unix.F_RDLCK: true, unix.F_UNLCK: true} {
		wakes(fmt.Sprint("lock of type ", kind), want, func() fuse.Status {
			return w.m.SetLk(nil, lk(bob, one, 1, kind, 0, 20, 29))
		})
	}
	// A flush by another owner changes nothing. The owner's own flush releases its byte-range locks and wakes
	// waiters.
	flush := func(fh, owner uint64) {
		t.Helper()
		wakes("flush", owner == 1, func() fuse.Status {
			return w.m.Flush(nil, &fuse.FlushIn{InHeader: header(bob, 0), Fh: fh, LockOwner: owner})
		})
	}
	before, _ := w.lockCounts()
	flush(one, 4)
	if n, _ := w.lockCounts(); n != before {
		t.Errorf("M-31: %d owners, were %d, want %d", n, before, before)
	}
	flush(one, 1)
	var out fuse.LkOut
	s := w.m.GetLk(nil, lk(alice, hers, 2, unix.F_WRLCK, 0, 0, whole), &out)
	if s != fuse.OK || out.Lk.Typ != unix.F_UNLCK {
		t.Errorf("M-31: GetLk = %+v, %v, want type %d (no lock), %v", out.Lk, s, unix.F_UNLCK, fuse.OK)
	}
	w.m.leave(one)
	w.m.leave(hers)
	counts("in the end", 0, 0, 0)
	again := &locker{fd: check.Must(unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0))}
	again.close()
	null := check.Must(unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)) // has the closed one's number
	again.close()
	check.Equal(t, again.set(lk(bob, 0, 1, unix.F_RDLCK, 0, 0, 0)), fuse.EBADF, "M-25: a lock of a closed owner")
	check.Equal(t, unix.Close(null), nil, "M-25: a descriptor opened after a locker was closed")
	if s := (&locker{fd: -1}).set(lk(bob, 0, 1, unix.F_WRLCK, 0, 0, 0)); s != fuse.Status(unix.EBADF) {
		t.Errorf("M-25: %v, want %v", s, fuse.Status(unix.EBADF))
	}
	for _, c := range []struct {
		errs []error // of sequential calls
		want fuse.Status
	}{{[]error{unix.EINTR, unix.EINTR, nil}, fuse.OK}, {[]error{unix.EINTR, unix.EAGAIN}, fuse.EAGAIN},
		{[]error{errors.New("no errno")}, fuse.EIO}} {
		calls := 0
		s := (&locker{}).with(func(int) error { calls++; return c.errs[calls-1] })
		check.That(t, s == c.want && calls == len(c.errs), "M-25: %v: %v after %d calls, want %v", c.errs, s, calls, c.want)
	}
}

// TestWaitsAreBounded checks that a request that has to wait gets ENOLCK beyond the limit of its user or of all, and
// that a free lock does not count towards it (M-32).
//
// +checklocksignore
func TestWaitsAreBounded(t *testing.T) {
	const none = fuse.Status(syscall.ENOLCK)
	l := newLockers(func(uid uint32) uint32 { return uid % 100 }) // 107 is a subordinate uid of 7
	for _, c := range []struct {
		waiting, own int
		answer, want fuse.Status
	}{{0, 0, fuse.OK, fuse.OK}, {1024, 0, fuse.OK, fuse.OK}, {1024, 0, fuse.EAGAIN, none}, {300, 256, fuse.OK, fuse.OK},
		{300, 256, fuse.EAGAIN, none}, {1023, 255, fuse.EAGAIN, fuse.EACCES}} {
		l.waiting, l.waitingOf[7] = c.waiting, c.own
		answer := c.answer
		s := l.wait(107, nil, func() fuse.Status {
			now := answer
			answer = fuse.EACCES // the end of a wait
			return now
		})
		if s != c.want || l.waiting != c.waiting || l.waitingOf[7] != c.own {
			t.Errorf("M-32: %+v: %v, then %d wait, %d of the user", c, s, l.waiting, l.waitingOf[7])
		}
	}
	l.waiting = 0
	clear(l.waitingOf)
	cancel := make(chan struct{})
	close(cancel)
	tries := 0
	s := l.wait(7, cancel, func() fuse.Status { tries++; return fuse.EAGAIN })
	if s != fuse.EINTR || tries == 0 || l.waiting != 0 || len(l.waitingOf) != 0 {
		t.Errorf("M-25: %v after %d tries, %d wait, want %v, at least 1, 0", s, tries, l.waiting, fuse.EINTR)
	}
}

// TestOnlyClosesOfLockHoldersAreRemembered checks that an open remembers the close of a descriptor only by a program
// that has locks through it, and remembers each such program (M-31).
//
// +checklocksignore
func TestOnlyClosesOfLockHoldersAreRemembered(t *testing.T) {
	l, o := newLockers(sameUID), &open{n: &node{}}
	own, thread := uint32(os.Getpid()), uint32(unix.Gettid())
	for i, c := range []struct{ locks, closes uint32 }{{1, thread}, {own, thread}, {1, 1}} {
		closes := &fuse.FlushIn{InHeader: fuse.InHeader{Caller: fuse.Caller{Pid: c.closes}}, LockOwner: 9}
		in := &fuse.LkIn{InHeader: header(1, 0), Lk: fuse.FileLock{Typ: unix.F_RDLCK, Pid: c.locks}}
		k := lockOwner{n: o.n, owner: uint64(i)}
		if _, s := l.get(k, o, in, lockable{}, 1); s != fuse.OK {
			t.Fatal(s)
		}
		l.flushed(o, closes)
		check.Equal(t, len(o.closedBy), i, "M-31: remembered closes after a lock of program %d", c.locks)
	}
}

// sameUID charges each uid for itself.
func sameUID(uid uint32) uint32 { return uid }
