package mount

import (
	"sync"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Read reads from a handle into buf, at most to the end of the file. At or beyond the end it returns no bytes and OK.
// The handle's rights decide (M-4). The result refers to buf. It returns EBADF for an unknown handle. Another failure
// returns no data.
func (m *Mount) Read(_ <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	o := m.open(in.Fh)
	if o == nil {
		return nil, fuse.EBADF
	}
	var n int
	s := m.do(o.payer, func(t *worker) fuse.Status {
		var st ntstatus.Status
		if n, st = t.NtReadFileInto(o.h, buf, int64(in.Offset)); st == ntstatus.EndOfFile {
			return fuse.OK
		}
		return status(st)
	})
	if s != fuse.OK {
		return nil, s
	}
	r := readings.Get().(*reading)
	r.b = buf[:n]
	return r, fuse.OK
}

// Lseek sets out to the next data or hole at or after an offset, for SEEK_DATA and SEEK_HOLE. It needs FILE_READ_DATA
// on the handle, or returns EACCES. It returns ENXIO if no data, or no hole, follows the offset, and EINVAL if the tree
// cannot tell its holes. Before the right is checked, an unknown handle is EBADF, and another whence, which the host's
// kernel serves itself, EINVAL.
func (m *Mount) Lseek(_ <-chan struct{}, in *fuse.LseekIn, out *fuse.LseekOut) fuse.Status {
	o := m.open(in.Fh)
	if o == nil {
		return fuse.EBADF
	}
	if in.Whence != unix.SEEK_DATA && in.Whence != unix.SEEK_HOLE {
		return fuse.EINVAL
	}
	if o.granted&winnt.FILE_READ_DATA == 0 {
		// The positions of holes reveal something about the contents (M-60).
		return fuse.EACCES
	}
	return m.do(o.payer, func(t *worker) fuse.Status {
		f, _, done, st := m.sys.TreeFile(t.Thread, o.h)
		defer done()
		if st != ntstatus.Success {
			return status(st)
		}
		seeker, ok := f.(interface {
			Extent(at int64, hole bool) (int64, ntstatus.Status)
		})
		if !ok {
			return fuse.EINVAL // after ENOSYS the kernel would never send Lseek again, for any file
		}
		at, st := seeker.Extent(int64(in.Offset), in.Whence == unix.SEEK_HOLE)
		if st == ntstatus.Success && at < 0 {
			return fuse.Status(syscall.ENXIO)
		}
		out.Offset = uint64(at)
		return status(st)
	})
}

// reading is the result of a read, in the buffer of its request, which owns it.
type reading struct{ b []byte }

var readings = sync.Pool{New: func() any { return new(reading) }}

// Bytes returns the bytes that were read. It ignores its argument and never fails.
func (r *reading) Bytes([]byte) ([]byte, fuse.Status) { return r.b, fuse.OK }

// Size returns the number of bytes that were read.
func (r *reading) Size() int { return len(r.b) }

// Done returns r and its buffer to the pool. Neither may be used afterwards.
func (r *reading) Done() {
	r.b = nil
	readings.Put(r)
}
