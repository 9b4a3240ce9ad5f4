package mount

import (
	"errors"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/ntstatus"
)

// with calls f with the descriptor and repeats it on EINTR. It returns EBADF if the locker is closed.
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

// set takes or releases a lock without waiting. It returns EAGAIN on a conflict.
func (x *locker) set(in *fuse.LkIn) fuse.Status {
	if in.LkFlags&fuse.FUSE_LK_FLOCK != 0 {
		how := map[uint32]int{unix.F_RDLCK: unix.LOCK_SH, unix.F_WRLCK: unix.LOCK_EX, unix.F_UNLCK: unix.LOCK_UN}[in.Lk.Typ]
		return x.with(func(fd int) error { return unix.Flock(fd, how|unix.LOCK_NB) })
	}
	l := rangeOf(&in.Lk)
	return x.with(func(fd int) error { return unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &l) })
}

// rangeOf converts a byte range to the form of fcntl(2). A length of 0 extends to the end.
func rangeOf(l *fuse.FileLock) unix.Flock_t {
	r := unix.Flock_t{Type: int16(l.Typ), Start: int64(l.Start)}
	if l.End < 1<<63-1 {
		r.Len = int64(l.End-l.Start) + 1
	}
	return r
}

// lock runs f with the locker of the request's owner. It returns EBADF for a closed handle or a bad range. The
// host's kernel has checked that the open may read or write.
func (m *Mount) lock(in *fuse.LkIn, f func(*locker) fuse.Status) fuse.Status {
	o := m.open(in.Fh)
	if o == nil || in.Lk.Start > 1<<63-1 || in.Lk.End < in.Lk.Start {
		return fuse.EBADF
	}
	k := lockOwner{o.n, in.Owner, in.LkFlags&fuse.FUSE_LK_FLOCK != 0}
	var x *locker
	if s := m.do(func(t *worker) (s fuse.Status) {
		file, _, done, st := m.sys.TreeFile(t.Thread, o.h)
		defer done()
		if st != ntstatus.Success {
			return status(st)
		}
		x, s = m.locks.get(k, o, in, file)
		return s
	}); s != fuse.OK {
		return s
	}
	s := f(x)
	if in.Lk.Typ != unix.F_WRLCK {
		m.locks.tell() // a lock was released, or is shared now
	}
	return s
}

// GetLk implements fuse.RawFileSystem. It returns the first conflicting lock without its owner, or type F_UNLCK if none
// conflicts. It returns ENOLCK at a limit, because a query also needs a descriptor.
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

// SetLk implements fuse.RawFileSystem. It returns EAGAIN on a conflict, and ENOLCK at a limit.
func (m *Mount) SetLk(_ <-chan struct{}, in *fuse.LkIn) fuse.Status {
	return m.lock(in, func(x *locker) fuse.Status { return x.set(in) })
}

// SetLkw implements fuse.RawFileSystem. It waits until the lock is free. It returns EINTR if the program is
// interrupted, and ENOLCK at a limit.
func (m *Mount) SetLkw(cancel <-chan struct{}, in *fuse.LkIn) fuse.Status {
	return m.lock(in, func(x *locker) fuse.Status {
		return m.locks.wait(cancel, func() fuse.Status { return x.set(in) })
	})
}

// Flush implements fuse.RawFileSystem. It writes nothing. It ends the program's byte-range locks on the file, and no
// flock(2) locks.
func (m *Mount) Flush(_ <-chan struct{}, in *fuse.FlushIn) fuse.Status {
	if o := m.open(in.Fh); o != nil {
		m.locks.flushed(o, in)
	}
	return fuse.OK
}
