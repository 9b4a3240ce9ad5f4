package mount

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Write writes data at in.Offset, or at the end of the file if the program opened it with O_APPEND, and returns the
// number of bytes written. The handle's rights decide (M-4). A handle that may only append gets EACCES for other
// writes. Dirty pages of a memory map use any handle of the file with FILE_WRITE_DATA. It returns EBADF for an unknown
// handle. A tree that cannot write gives the status. If it has written some bytes before, the write succeeds with them,
// except for dirty pages.
func (m *Mount) Write(_ <-chan struct{}, in *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	o := m.open(in.Fh)
	if o == nil {
		return 0, fuse.EBADF
	}
	at := int64(in.Offset)
	cached := in.WriteFlags&fuse.WRITE_CACHE != 0
	switch {
	case cached && o.granted&winnt.FILE_WRITE_DATA == 0:
		// A dirty page of a mapping can arrive with any handle of the file. Only a handle that may
		// overwrite can have dirtied it, so use such a handle (M-4).
		if o = m.overwrites(o.n); o == nil {
			return 0, fuse.EACCES
		}
		defer o.lent.RUnlock() // +checklocksforce: overwrites locked o.lent
	case !cached && in.Flags&syscall.O_APPEND != 0:
		at = -1 // FILE_WRITE_TO_END_OF_FILE
	case o.granted&winnt.FILE_WRITE_DATA == 0:
		// The program cleared O_APPEND, but the handle may only append (M-13).
		return 0, fuse.EACCES
	}
	var n int
	// A refused write-back would lose what the program wrote. Linux limits the number of dirty pages of a mount.
	s := m.run(o.payer, cached, func(t *worker) fuse.Status {
		var st ntstatus.Status
		if n, st = t.NtWriteFileAt(o.h, data, at); n > 0 && !cached {
			// Like write(2), report what the file took: with an error the program would write those bytes again. Its next
			// write gets the error. Dirty pages need the error, because the kernel ignores the number for them (M-6).
			return fuse.OK
		}
		return status(st)
	})
	return uint32(n), s
}

// overwrites finds an open handle for a request that names none, such as the write-back of a memory map: an open of the
// file that has FILE_WRITE_DATA, with its lent read-locked; the caller unlocks it. It returns nil if no open has that
// right.
func (m *Mount) overwrites(n *node) *open {
	return m.lend(n, func(o *open) bool { return o.granted&winnt.FILE_WRITE_DATA != 0 })
}

// Fsync writes the file's cached data to stable storage and returns after that. It returns EBADF for an unknown handle.
// A failed flush gives the status of the host.
func (m *Mount) Fsync(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	o := m.open(in.Fh)
	if o == nil {
		return fuse.EBADF
	}
	if o.granted&(winnt.FILE_WRITE_DATA|winnt.FILE_APPEND_DATA) == 0 {
		return m.sync(o) // fsync(2) needs no right to write, but NtFlushBuffersFile needs one
	}
	return m.do(o.payer, func(t *worker) fuse.Status { return status(t.NtFlushBuffersFile(o.h)) })
}

// sync makes an open file, or the names in an open directory, durable without a right. It does nothing and returns OK
// if the tree cannot.
func (m *Mount) sync(o *open) fuse.Status {
	return m.do(o.payer, func(t *worker) fuse.Status {
		f, _, done, st := m.sys.TreeFile(t.Thread, o.h)
		defer done()
		if st != ntstatus.Success {
			return status(st)
		}
		if s, ok := f.(interface{ Sync() ntstatus.Status }); ok {
			return status(s.Sync())
		}
		return fuse.OK
	})
}

// Fallocate allocates or removes space of a file, as fallocate(2) with in.Mode. The handle needs FILE_WRITE_DATA,
// because fallocate can also remove data; without it the result is EACCES. It returns EOPNOTSUPP if the tree cannot do
// it, and EBADF for an unknown handle. An unsupported mode gives the status of the tree.
func (m *Mount) Fallocate(_ <-chan struct{}, in *fuse.FallocateIn) fuse.Status {
	o := m.open(in.Fh)
	if o == nil {
		return fuse.EBADF
	}
	if o.granted&winnt.FILE_WRITE_DATA == 0 {
		// Reserving space changes the size of a file, and punching a hole its contents (M-4).
		return fuse.EACCES
	}
	return m.do(o.payer, func(t *worker) fuse.Status {
		f, _, done, st := m.sys.TreeFile(t.Thread, o.h)
		defer done()
		if st != ntstatus.Success {
			return status(st)
		}
		a, ok := f.(interface {
			Allocate(mode uint32, at, length int64) ntstatus.Status
		})
		if !ok {
			return fuse.Status(syscall.EOPNOTSUPP)
		}
		return status(a.Allocate(in.Mode, int64(in.Offset), int64(in.Length)))
	})
}

// StatFs fills out with the size and the free space of the tree's volume. Every caller may read it. It returns ENOSYS
// if the tree does not report its space.
func (m *Mount) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	t, ok := m.tree.(interface{ Statfs(*unix.Statfs_t) error })
	var s unix.Statfs_t
	if !ok || t.Statfs(&s) != nil {
		return fuse.ENOSYS
	}
	out.Blocks, out.Bfree, out.Bavail, out.Files, out.Ffree = s.Blocks, s.Bfree, s.Bavail, s.Files, s.Ffree
	out.Bsize, out.NameLen, out.Frsize = uint32(s.Bsize), longestName, uint32(s.Frsize)
	return fuse.OK
}
