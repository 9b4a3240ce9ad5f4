package mount

import (
	"crypto/rand"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Tmpfile implements fuse.RawFileSystem: O_TMPFILE of open(2). A file without a name is made by who may
// add a file to the directory, with the descriptor that it gives (M-37), and linked into a
// directory by [Mount.Link].
func (m *Mount) Tmpfile(_ <-chan struct{}, in *fuse.CreateIn, out *fuse.CreateOut) fuse.Status {
	parent := m.nodes.get(in.NodeId)
	if parent == nil {
		return fuse.Status(syscall.ESTALE)
	}
	return m.as(&in.InHeader, func(t *worker) fuse.Status {
		// The maker is granted what it asks for (F-32): as CreateFile asks for a file that is to be
		// read and written, and no more, for it is all that the file can be used for until
		// it has a name. M-38
		want := winnt.FILE_GENERIC_WRITE | winnt.FILE_READ_ATTRIBUTES
		if in.Flags&syscall.O_ACCMODE == syscall.O_RDWR {
			want |= winnt.FILE_GENERIC_READ
		}
		// No file has the name that is decided about, and none gets it.
		h, st := m.sys.MakeNameless(t.Thread, m.nameOf(m.nodes.path(parent, "nameless-"+rand.Text())), want)
		if st != ntstatus.Success {
			return status(st)
		}
		if s := m.tell(t, h, nil, "", shown.Shown, &out.EntryOut); s != fuse.OK {
			t.NtClose(h)
			return s
		}
		s := m.opened(t, &in.InHeader, m.nodes.get(out.NodeId), h, in.Flags, &out.OpenOut)
		if s != fuse.OK {
			m.nodes.forget(out.NodeId, 1)
		}
		return s
	})
}

// borrow lends an open of a file without a name: by what its user opened, and with what that grants,
// the file is used until it has a name (M-38).
func (t *worker) borrow(m *Mount, n *node, want winnt.AccessMask, f func(winnt.Handle) fuse.Status) fuse.Status {
	o := m.lend(func(o *open) bool { return o.n == n && o.uid == t.uid && o.granted&want == want })
	if o == nil {
		return fuse.EACCES
	}
	defer o.lent.RUnlock() // +checklocksforce: lend locked it
	return f(o.h)
}
