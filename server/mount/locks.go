package mount

import (
	"errors"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/ntstatus"
)

// with calls f with the descriptor that holds this owner's locks, one call at a time. EINTR repeats f. The status is
// the errno of f's error, or EIO for an error without errno. If the locker is closed, the status is EBADF and f is
// not called.
func (x *locker) with(f func(fd int) error) fuse.Status {
	x.use.Lock()
	defer x.use.Unlock()
	if x.closed {
		return fuse.EBADF
	}
	for {
		err := f(x.fd)
		switch {
		case err == nil:
			return fuse.OK
		case errors.Is(err, unix.EINTR):
			continue
		}
		var errno syscall.Errno
		if errors.As(err, &errno) {
			return fuse.Status(errno)
		}
		return fuse.EIO
	}
}

// set takes or releases the requested lock without waiting. It returns EAGAIN if another owner's lock conflicts.
func (x *locker) set(in *fuse.LkIn) fuse.Status {
	if in.LkFlags&fuse.FUSE_LK_FLOCK != 0 {
		how := map[uint32]int{unix.F_RDLCK: unix.LOCK_SH, unix.F_WRLCK: unix.LOCK_EX, unix.F_UNLCK: unix.LOCK_UN}[in.Lk.Typ]
		return x.with(func(fd int) error { return unix.Flock(fd, how|unix.LOCK_NB) })
	}
	l := rangeOf(&in.Lk)
	return x.with(func(fd int) error { return unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &l) })
}

// rangeOf converts a byte range to the form of fcntl(2). A length of 0 extends to the end. An end at the largest
// offset means up to the end of the file.
func rangeOf(l *fuse.FileLock) unix.Flock_t {
	r := unix.Flock_t{Type: int16(l.Typ), Start: int64(l.Start)}
	if l.End < 1<<63-1 {
		r.Len = int64(l.End-l.Start) + 1
	}
	return r
}

// lock runs f with the locker of the request's owner, which it creates if needed. If the request can have freed a
// lock, lock then wakes waiting requests. The host's kernel has checked the open's access. Errors before f runs:
//   - unknown handle or bad range: EBADF
//   - a limit, or locks not supported: ENOLCK
//   - the tree cannot lock the file, or the open is revoked and this is no unlock: its status
func (m *Mount) lock(in *fuse.LkIn, f func(*locker) fuse.Status) fuse.Status {
	o := m.open(in.Fh)
	if o == nil || in.Lk.Start > 1<<63-1 || in.Lk.End < in.Lk.Start {
		return fuse.EBADF
	}
	k := lockOwner{o.n, in.Owner, in.LkFlags&fuse.FUSE_LK_FLOCK != 0}
	payer := o.payer
	if in.Uid != o.uid {
		payer = m.locks.payerOf(k, o, in) // can wait for the name service, so not while this request has a worker
	}
	var x *locker
	if s := m.run(o.payer, in.Lk.Typ == unix.F_UNLCK, func(t *worker) (s fuse.Status) {
		file, _, done, st := m.sys.TreeFile(t.Thread, o.h)
		defer done()
		if st != ntstatus.Success && in.Lk.Typ != unix.F_UNLCK { // a revoked program can still release its locks
			return status(st)
		}
		x, s = m.locks.get(k, o, in, file, payer)
		return s
	}); s != fuse.OK {
		return s
	}
	s := f(x)
	if in.Lk.Typ != unix.F_WRLCK {
		m.locks.wake() // an unlock or a change to a shared lock can let a waiting request succeed
	}
	return s
}

// GetLk fills out with the first lock that conflicts with the requested one, without its owner. If none conflicts, the
// type is F_UNLCK. It takes no lock. It returns ENOLCK at a limit, because a query also needs a descriptor.
func (m *Mount) GetLk(_ <-chan struct{}, in *fuse.LkIn, out *fuse.LkOut) fuse.Status {
	return m.lock(in, func(x *locker) fuse.Status {
		l := rangeOf(&in.Lk)
		s := x.with(func(fd int) error { return unix.FcntlFlock(uintptr(fd), unix.F_OFD_GETLK, &l) })
		out.Lk = fuse.FileLock{Typ: uint32(l.Type), Start: uint64(l.Start), End: 1<<63 - 1}
		if l.Len > 0 {
			out.Lk.End = uint64(l.Start + l.Len - 1)
		}
		return s
	})
}

// SetLk takes or releases a lock without waiting. It returns EAGAIN on a conflict, ENOLCK at a limit, and EBADF for an
// unknown handle.
func (m *Mount) SetLk(_ <-chan struct{}, in *fuse.LkIn) fuse.Status {
	return m.lock(in, func(x *locker) fuse.Status { return x.set(in) })
}

// SetLkw takes a lock, and waits until it is free. It returns EINTR if the program is interrupted, and ENOLCK at a
// limit.
func (m *Mount) SetLkw(cancel <-chan struct{}, in *fuse.LkIn) fuse.Status {
	return m.lock(in, func(x *locker) fuse.Status {
		return m.locks.wait(in.Uid, cancel, func() fuse.Status { return x.set(in) })
	})
}

// Flush handles the close of a descriptor. It writes nothing. It ends the program's byte-range locks on the file, and
// leaves flock(2) locks. It always returns OK.
func (m *Mount) Flush(_ <-chan struct{}, in *fuse.FlushIn) fuse.Status {
	if o := m.open(in.Fh); o != nil {
		m.locks.flushed(o, in)
	}
	return fuse.OK
}
