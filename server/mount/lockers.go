package mount

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// lockOwner identifies an owner of locks on a file: a program (fcntl), or one open file (flock, and fcntl with
// F_OFD_SETLK) (M-25).
type lockOwner struct {
	n     *node
	owner uint64
	flock bool
}

// locker holds one owner's locks on one file. It takes them on its own descriptor of the backing file, so they also
// conflict with other programs on the host.
type locker struct {
	owner   lockOwner // immutable
	payer   uint32    // immutable: the uid that is charged for the locker
	program uint32    // immutable: the process ID of the program that took the first lock
	fd      int       // immutable: the descriptor of the backing file; open until closed is set

	opens map[*open]bool // guarded by lockers.mu: the opens through which locks were taken

	use    sync.Mutex // held while fd is used
	closed bool       // guarded by use
}

// lockers is the table of lock owners. It is safe for concurrent use.
type lockers struct {
	payer func(uid uint32) uint32 // immutable: the uid that is charged for what a uid holds

	mu sync.Mutex
	// +checklocks:mu
	all map[lockOwner]*locker // guarded by mu
	// +checklocks:mu
	held int // guarded by mu: number of lockers, with the stale ones that all no longer has
	// +checklocks:mu
	of map[uint32]int // guarded by mu: number of lockers by payer
	// +checklocks:mu
	waiting int // guarded by mu: number of requests that wait for a lock
	// +checklocks:mu
	waitingOf map[uint32]int // guarded by mu: waiting requests by payer; without zeros
	// +checklocks:mu
	changed chan struct{} // guarded by mu; closed and replaced when a lock may be free
}

// Limits of locks.
const (
	mostLockers       = 4096 // lockers, each with a descriptor
	mostLockersOfUser = 1024
	mostWaiting       = 1024 // requests that wait for a lock
	mostWaitingOfUser = 256
	// lookAgain is the polling interval for a lock that a program outside this mount holds. The
	// release of a lock taken here wakes its waiters.
	lookAgain = 50 * time.Millisecond
)

// newLockers returns a table without lock owners. payer returns the uid that is charged for what a uid holds.
func newLockers(payer func(uid uint32) uint32) *lockers {
	return &lockers{payer: payer, all: map[lockOwner]*locker{}, of: map[uint32]int{}, waitingOf: map[uint32]int{},
		changed: make(chan struct{})}
}

// locked is an open file of a tree that supports locks. Locking returns a new descriptor of it.
type locked interface {
	Locking() (fd int, st ntstatus.Status)
}

// get returns the locker of owner k and creates it if needed. The table owns the locker. o is the request's open, and
// f its file. The locker records o, unless it exists and the request is an unlock. A stale locker is replaced; its
// locks stay until its opens close. payer is charged for a new one. ENOLCK means a limit, or that f does not support
// locks.
func (l *lockers) get(k lockOwner, o *open, in *fuse.LkIn, f nt.OpenFile, payer uint32) (*locker, fuse.Status) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if x := l.foundLocked(k, o, in); x != nil {
		if in.Lk.Typ != unix.F_UNLCK {
			x.usedBy(o) // also forgets that the program has closed a descriptor of o
		}
		return x, fuse.OK
	}
	// The number of locks is limited per user and in total (M-32).
	if file, ok := f.(locked); ok && l.held < mostLockers && l.of[payer] < mostLockersOfUser {
		fd, st := file.Locking()
		if st != ntstatus.Success {
			return nil, status(st)
		}
		x := &locker{owner: k, payer: payer, program: in.Lk.Pid, fd: fd, opens: map[*open]bool{}}
		x.usedBy(o)
		l.all[k] = x
		l.held++
		l.of[payer]++
		return x, fuse.OK
	}
	return nil, fuse.Status(syscall.ENOLCK)
}

// payerOf returns the uid that is charged for a locker of owner k. It is looked up only if the owner has no locker, so
// that an unlock does not wait for the name service.
func (l *lockers) payerOf(k lockOwner, o *open, in *fuse.LkIn) uint32 {
	l.mu.Lock()
	x := l.foundLocked(k, o, in)
	l.mu.Unlock()
	if x != nil {
		return x.payer
	}
	return l.payer(in.Uid)
}

// foundLocked returns the locker of owner k for a request through the open o, nil for no locker and for a stale one.
//
// +checklocks:l.mu
func (l *lockers) foundLocked(k lockOwner, o *open, in *fuse.LkIn) *locker {
	x := l.all[k]
	if x == nil || x.stale(o, in.Lk.Pid) {
		return nil
	}
	return x
}

// usedBy records that the locker took locks through the open file o, which then keeps the locker alive. lockers.mu is
// held.
func (x *locker) usedBy(o *open) {
	if o.lockers == nil {
		o.lockers = map[*locker]bool{}
	}
	x.opens[o], o.lockers[x] = true, true
	delete(o.closedBy, x.program)
}

// stale reports whether the locker belongs to a former owner with a reused number (M-31). o is the open of the new
// request, and program its ID. lockers.mu must be held.
//   - program is 0, or the locker uses o: false
//   - flock locker, or another program: true
//   - fcntl locker of program: true if program has closed every open of the locker
func (x *locker) stale(o *open, program uint32) bool {
	if x.opens[o] || program == 0 { // the kernel can send a release without a program ID
		return false
	}
	if x.owner.flock || program != x.program {
		return true
	}
	for by := range x.opens {
		if !by.closedBy[program] {
			return false
		}
	}
	return true
}

// drop removes a locker from the table, releases its locks and wakes all waiters. A second call only wakes waiters. The
// locker counts against its user until its descriptor is closed.
func (l *lockers) drop(x *locker) {
	l.mu.Lock()
	counts := len(x.opens) > 0
	for o := range x.opens {
		delete(o.lockers, x)
	}
	clear(x.opens)
	if l.all[x.owner] == x {
		delete(l.all, x.owner)
	}
	l.mu.Unlock()
	x.close()
	if counts {
		l.uncount(x.payer)
	}
	l.wake()
}

// uncount subtracts one locker of a payer.
func (l *lockers) uncount(payer uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held--
	subtract(l.of, payer)
}

// subtract subtracts one from a count, and removes a count of 0.
func subtract(of map[uint32]int, payer uint32) {
	if of[payer]--; of[payer] == 0 {
		delete(of, payer)
	}
}

// close closes the locker's descriptor, which releases its locks. It waits for a call that uses the descriptor. A
// second call has no effect.
func (x *locker) close() {
	x.use.Lock()
	defer x.use.Unlock()
	if !x.closed {
		x.closed = true
		_ = unix.Close(x.fd) // an error loses no data, because the descriptor is used for locks only
	}
}

// flushed handles the close of one descriptor of o by a program. It releases all fcntl locks of the program on the
// file. If a locker of o belongs to the program, flushed remembers that the program has closed a descriptor of o.
func (l *lockers) flushed(o *open, in *fuse.FlushIn) {
	l.mu.Lock()
	x, some := l.all[lockOwner{o.n, in.LockOwner, false}], len(o.lockers) > 0
	l.mu.Unlock()
	if x != nil {
		// A program that closes any descriptor of a file loses its byte-range locks on the file (M-31).
		l.drop(x)
	}
	if some {
		program := programOf(in.Pid)
		l.mu.Lock()
		defer l.mu.Unlock()
		for x := range o.lockers {
			if x.program == program {
				if o.closedBy == nil {
					o.closedBy = map[uint32]bool{}
				}
				o.closedBy[program] = true
			}
		}
	}
}

// programOf returns the ID of the process that a thread belongs to, 0 if the thread has ended or /proc cannot be
// read.
func programOf(thread uint32) uint32 {
	text, err := os.ReadFile("/proc/" + strconv.FormatUint(uint64(thread), 10) + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "\nTgid:")
	line, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.ParseUint(strings.TrimSpace(line), 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// released releases locks at the last close of an open file. It drops the lockers whose locks were taken only through
// o; the others keep their locks and forget o (M-31).
func (l *lockers) released(o *open) {
	var gone []*locker
	l.mu.Lock()
	for x := range o.lockers {
		if len(x.opens) > 1 {
			delete(x.opens, o)
			delete(o.lockers, x)
		} else {
			gone = append(gone, x)
		}
	}
	l.mu.Unlock()
	for _, x := range gone {
		l.drop(x)
	}
}

// end releases the locks that were taken through any of the opens.
func (l *lockers) end(opens map[uint64]*open) {
	for _, o := range opens {
		l.released(o)
	}
}

// wake wakes all requests that wait for a lock. Each then tries its lock again.
func (l *lockers) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
}

// wait calls try until it returns a status other than EAGAIN, and returns that status. Between calls wait blocks
// until a lock of this mount is released, or for lookAgain. wait returns EINTR if cancel closes. If the lock is not
// free, and too many requests of the user or of all already wait, the result is ENOLCK.
func (l *lockers) wait(uid uint32, cancel <-chan struct{}, try func() fuse.Status) fuse.Status {
	waits := false
	for {
		l.mu.Lock()
		changed := l.changed
		l.mu.Unlock()
		if s := try(); s != fuse.EAGAIN {
			return s
		}
		if !waits {
			payer := l.payer(uid)
			if !l.beginWait(payer) {
				return fuse.Status(syscall.ENOLCK)
			}
			defer l.endWait(payer)
			waits = true
		}
		select {
		case <-cancel:
			return fuse.EINTR
		case <-changed:
		case <-time.After(lookAgain):
		}
	}
}

// beginWait counts a request that waits and returns true; the caller then calls endWait. It returns false if too many
// requests wait: a waiting request is unanswered, so their number is limited (M-32).
func (l *lockers) beginWait(payer uint32) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting >= mostWaiting || l.waitingOf[payer] >= mostWaitingOfUser {
		return false
	}
	l.waiting++
	l.waitingOf[payer]++
	return true
}

// endWait uncounts a request that waited.
func (l *lockers) endWait(payer uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting--
	subtract(l.waitingOf, payer)
}
