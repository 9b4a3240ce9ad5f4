package mount

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// backing says how the handles of a file are served. The host's kernel can have one
// way for all handles of a file at a time. Guarded by Mount.mu.
type backing struct {
	id     int32
	passed int // handles whose reads and writes do not come here
	plain  int // the others
}

// pass decides how a new handle is served, and notes it: past us where the handle grants
// everything that its flags let the program do, and no other handle of the file is
// plain. M-18
func (m *Mount) pass(o *open, f nt.OpenFile, flags uint32, out *fuse.OpenOut) fuse.Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.backings[o.n]
	if b == nil {
		b = &backing{}
		m.backings[o.n] = b
	}
	may := o.passable(flags) && cleared(f, flags&syscall.O_ACCMODE != syscall.O_RDONLY)
	switch {
	case b.passed > 0 && !may:
		// What this handle writes would be written past it, anywhere in the file: it
		// waits until the others are closed. M-18
		return fuse.EBUSY
	case b.passed == 0 && may && b.plain == 0:
		may = m.register(b, f)
	}
	if may && b.plain == 0 {
		b.passed++
		o.passed = true
		out.OpenFlags |= fuse.FOPEN_PASSTHROUGH
		out.BackingID = b.id
		return fuse.OK
	}
	b.plain++
	return fuse.OK
}

// passable reports whether a handle grants all that a program can do with a
// descriptor of those flags, which it can change between overwriting and appending.
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

// backed is an open file that has a descriptor of its own.
type backed interface {
	Backing(write bool) (fd int, st ntstatus.Status)
}

// cleared takes set-uid bits off a file that is to be written past us.
func cleared(f nt.OpenFile, writes bool) bool {
	b, ok := f.(backed)
	if !ok {
		return false
	}
	_, st := b.Backing(writes)
	return st == ntstatus.Success
}

// register makes a file known to the host's kernel; false where that is not to be had.
// Mount.mu is held.
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

// passedBy notes that a handle is closed.
func (m *Mount) passedBy(o *open) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.backings[o.n]
	if b == nil {
		return
	}
	if o.passed {
		if b.passed--; b.passed == 0 {
			if errno := m.server.UnregisterBackingFd(b.id); errno != 0 {
				m.log.Warn("a file stays known to the kernel", "error", errno)
			}
		}
	} else {
		b.plain--
	}
	if b.passed+b.plain == 0 {
		delete(m.backings, o.n)
	}
}
