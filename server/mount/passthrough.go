package mount

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// backing records whether the mount or the host's kernel (FUSE passthrough) serves the handles of a file. At any time
// all handles of a file are served the same way. Guarded by Mount.mu.
type backing struct {
	id     int32 // number of the registered file in the kernel; valid if passed is set
	passed bool  // the reads and writes of all handles bypass the mount
	first  *open // the handles, as a list
}

// add adds a handle to the list.
func (b *backing) add(o *open) {
	if o.next = b.first; o.next != nil {
		o.next.previous = o
	}
	b.first = o
}

// remove removes a handle from the list.
func (b *backing) remove(o *open) {
	if o.next != nil {
		o.next.previous = o.previous
	}
	if o.previous != nil {
		o.previous.next = o.next
	} else {
		b.first = o.next
	}
	o.next, o.previous = nil, nil
}

// pass decides whether the host's kernel serves a new handle directly, and adds the handle to those of its file. The
// handle must grant all that its flags allow, and the mount must serve no handle of the file. Then pass sets out. If
// the mount must serve this handle and the kernel serves others, the result is EBUSY and no handle is added (M-18).
func (m *Mount) pass(o *open, f nt.OpenFile, flags uint32, out *fuse.OpenOut) fuse.Status {
	// This can write to the disk, which no other request waits for.
	may := o.passable(flags) && prepare(f, flags&syscall.O_ACCMODE != syscall.O_RDONLY)
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.backings[o.n]
	if b == nil {
		b = &backing{}
		m.backings[o.n] = b
	}
	if b.passed && !may {
		// All handles of a file are served the same way. Served directly, this one could write
		// anywhere in the file (M-18).
		return fuse.EBUSY
	}
	if b.first == nil {
		b.passed = may && m.register(b, f)
	}
	b.add(o)
	if b.passed {
		o.passed = true
		out.OpenFlags |= fuse.FOPEN_PASSTHROUGH
		out.BackingID = b.id
	}
	return fuse.OK
}

// passable reports whether the kernel may serve a handle without further access checks. The handle must grant all
// that its open flags allow. A writing handle needs the rights to overwrite and to append, because programs can
// switch between both. The result is false for a directory.
func (o *open) passable(flags uint32) bool {
	var need winnt.AccessMask
	if a := flags & syscall.O_ACCMODE; a != syscall.O_WRONLY {
		need |= winnt.FILE_READ_DATA
	}
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY {
		need |= winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA
	}
	return !o.n.file.dir && o.granted&need == need
}

// backed is an open file of a tree that has a descriptor of the host.
type backed interface {
	Backing(write bool) (fd int, st ntstatus.Status)
}

// prepare prepares a file for passthrough and reports whether the tree has a host descriptor for f, so that the host's
// kernel can serve it. If writes is true, it also removes the file's set-uid bits, because the kernel's direct writes
// would not.
func prepare(f nt.OpenFile, writes bool) bool {
	b, ok := f.(backed)
	if !ok {
		return false
	}
	_, st := b.Backing(writes)
	return st == ntstatus.Success
}

// register registers a file with the host's kernel for passthrough and stores its number in b. It returns false if
// passthrough is off or not supported. Mount.mu is held. After false b is unchanged.
func (m *Mount) register(b *backing, f nt.OpenFile) bool {
	file, ok := f.(backed)
	if !ok || m.plain {
		return false
	}
	fd, st := file.Backing(false)
	if st != ntstatus.Success {
		return false
	}
	id, errno := m.server.RegisterBackingFd(&fuse.BackingMap{Fd: int32(fd)})
	if errno != 0 {
		return false
	}
	b.id = id
	return true
}

// unpass removes a closed handle from those of its file. With the last passthrough handle of a file it unregisters the
// file from the host's kernel. For a file without handles it does nothing. An error of the kernel is only logged.
func (m *Mount) unpass(o *open) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.backings[o.n]
	if b == nil {
		return
	}
	if b.remove(o); b.first != nil {
		return
	}
	delete(m.backings, o.n)
	if b.passed {
		if errno := m.server.UnregisterBackingFd(b.id); errno != 0 {
			m.log.Warn("cannot unregister a passthrough file from the kernel", "error", errno)
		}
	}
}
