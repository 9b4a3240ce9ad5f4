package mount

import (
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// open is a file or directory that a program has open.
type open struct {
	n       *node        // immutable
	h       winnt.Handle // immutable
	uid     uint32       // immutable: the user who opened it
	payer   uint32       // immutable: the uid that is charged for its requests
	granted winnt.AccessMask
	tells   bool // immutable: the handle grants FILE_READ_ATTRIBUTES
	passed  bool // immutable: its reads and writes bypass the mount

	next, previous *open // guarded by Mount.mu: the list of backing.first

	lockers  map[*locker]bool // guarded by lockers.mu: the lockers whose locks were taken through this open
	closedBy map[uint32]bool  // guarded by lockers.mu: programs that closed a descriptor since their last lock

	list listing      // the position in a directory
	lent sync.RWMutex // read-locked while a request that names no handle uses this one
}

// enter registers an open file and returns the handle number by which the kernel refers to it. A number is never given
// twice.
func (m *Mount) enter(o *open) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	fh := m.next
	m.next++
	m.opens[fh] = o
	return fh
}

// open returns an open by its number, nil if unknown.
func (m *Mount) open(fh uint64) *open {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.opens[fh]
}

// lend finds an open of a file whose handle another request may use: one for which fits returns true. It read-locks the
// open's lent, so that it cannot close; the caller unlocks it. It returns nil if no open fits. fits runs with Mount.mu
// held, for opens of this file alone.
func (m *Mount) lend(n *node, fits func(*open) bool) *open {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.backings[n]
	if b == nil {
		return nil
	}
	for o := b.first; o != nil; o = o.next {
		if fits(o) && o.lent.TryRLock() {
			return o
		}
	}
	return nil
}

// leave closes an open file by its handle number: it releases the locks taken only through it, waits for requests that
// borrow its handle, and closes the handle. It ignores an unknown number.
func (m *Mount) leave(fh uint64) {
	m.mu.Lock()
	o := m.opens[fh]
	delete(m.opens, fh)
	m.mu.Unlock()
	if o == nil {
		return
	}
	m.unpass(o)
	m.locks.released(o)
	o.lent.Lock() // before do: a request that borrowed the handle may wait for a worker
	defer o.lent.Unlock()
	m.run(o.payer, true, func(t *worker) fuse.Status {
		t.NtClose(o.h)
		return fuse.OK
	})
}

// execFlag is the flag of an open that executes the file (FMODE_EXEC).
const execFlag = 0x20

// wanted returns the access masks to try for the flags of open(2), the largest first. The caller opens with the first
// granted mask. Each mask grants what the flags need. The masks differ in FILE_READ_ATTRIBUTES, and for O_APPEND in
// the right to overwrite (M-13).
func wanted(flags uint32) []winnt.AccessMask {
	const base = winnt.FILE_READ_ATTRIBUTES | winnt.SYNCHRONIZE
	const writes = winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA
	var need winnt.AccessMask
	switch flags & syscall.O_ACCMODE {
	case syscall.O_RDONLY:
		need = winnt.FILE_READ_DATA
		if flags&syscall.O_TRUNC != 0 {
			need |= winnt.FILE_WRITE_DATA // Linux requires the right to write for O_TRUNC (M-13)
		}
	case syscall.O_RDWR:
		need = winnt.FILE_READ_DATA
		fallthrough
	default:
		if flags&syscall.O_APPEND != 0 {
			// An open for appending works without the right to overwrite (M-13).
			return []winnt.AccessMask{need | writes | base, need | winnt.FILE_APPEND_DATA | base,
				need | winnt.FILE_APPEND_DATA | winnt.SYNCHRONIZE}
		}
		need |= writes
	}
	if flags&execFlag != 0 {
		// A running program can be read through its memory, so both rights are required (M-13).
		need |= winnt.FILE_EXECUTE
	}
	return []winnt.AccessMask{need | base, need | winnt.SYNCHRONIZE}
}

// Open opens an existing file with the rights that its flags need, and truncates it with O_TRUNC. It returns EACCES
// without these rights, EISDIR for a directory, and ESTALE if the name no longer refers to the node's file. An unknown
// node is ESTALE, too.
func (m *Mount) Open(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	n := m.nodes.get(in.NodeId)
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	return m.as(&in.InHeader, func(t *worker) fuse.Status {
		var h winnt.Handle
		s := fuse.EACCES
		for _, want := range wanted(in.Flags) {
			h, s = t.openNode(m, n, nt.CreateFileIn{DesiredAccess: want,
				CreateOptions: uint32(fileaccess.NonDirectoryFile)})
			if s != fuse.EACCES {
				break
			}
		}
		if s != fuse.OK {
			return s
		}
		return m.addOpen(t, &in.InHeader, n, h, in.Flags, out)
	})
}

// addOpen truncates the file if flags has O_TRUNC, stores the handle h as a new open, and fills out with its number.
// The mount then owns h. On an error it closes h. Truncating needs the right to write.
func (m *Mount) addOpen(t *worker, in *fuse.InHeader, n *node, h winnt.Handle, flags uint32,
	out *fuse.OpenOut) fuse.Status {
	if flags&syscall.O_ACCMODE == syscall.O_RDONLY {
		if s := m.checkBackup(t, n); s != fuse.OK {
			t.NtClose(h)
			return s
		}
	}
	f, granted, done, st := m.sys.TreeFile(t.Thread, h)
	defer done()
	if st == ntstatus.Success && flags&syscall.O_TRUNC != 0 {
		st = t.NtSetInformationFile(h, nt.FileEndOfFileInformation, nt.FileEndOfFile{})
	}
	if st != ntstatus.Success {
		t.NtClose(h)
		return status(st)
	}
	if st := m.sys.RecordUses(t.Thread, h); st != ntstatus.Success {
		// The record of the open covers later uses, because reads and writes can bypass the mount
		// (M-18).
		t.NtClose(h)
		return status(st)
	}
	o := &open{n: n, h: h, uid: in.Uid, payer: t.payer, granted: granted,
		tells: granted&winnt.FILE_READ_ATTRIBUTES != 0}
	if s := m.pass(o, f, flags, out); s != fuse.OK {
		t.NtClose(h)
		return s
	}
	out.Fh = m.enter(o)
	return fuse.OK
}

// Release closes a file that Open, Create or Tmpfile opened, and drops the locks taken only through it. It ignores an
// unknown handle.
func (m *Mount) Release(_ <-chan struct{}, in *fuse.ReleaseIn) { m.leave(in.Fh) }
