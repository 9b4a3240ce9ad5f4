package mount

import (
	"crypto/rand"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Tmpfile creates and opens a file without a name, for O_TMPFILE of open(2), and fills out with its node and handle.
// It needs the right to add a file to the directory, and the file inherits its descriptor (M-37). [Mount.Link] gives
// it a name. It returns ESTALE for an unknown directory.
func (m *Mount) Tmpfile(_ <-chan struct{}, in *fuse.CreateIn, out *fuse.CreateOut) fuse.Status {
	parent := m.nodes.get(in.NodeId)
	if parent == nil {
		return fuse.Status(syscall.ESTALE)
	}
	return m.as(&in.InHeader, func(t *worker) fuse.Status {
		// The new handle gets the rights requested here, as with CreateFile (F-32). Until the file
		// has a name, this handle is the only way to use it (M-38).
		want := winnt.FILE_GENERIC_WRITE | winnt.FILE_READ_ATTRIBUTES
		if in.Flags&syscall.O_ACCMODE == syscall.O_RDWR {
			want |= winnt.FILE_GENERIC_READ
		}
		k := m.newMaking(t, in.Mode, in.Umask, false)
		// The access check needs a name. The file does not get this one.
		var h winnt.Handle
		st := m.atPath(parent, "nameless-"+rand.Text(), func(path string) (st ntstatus.Status) {
			h, st = m.sys.MakeNameless(t.Thread, m.nameOf(path), want, k.shape, t.within(parent))
			return st
		})
		if st != ntstatus.Success {
			t.noteAdd(m, m.nodes.path(parent, ""), winnt.FILE_ADD_FILE, "", st)
			return status(st)
		}
		if s := m.reply(t, h, nil, "", shown.Shown, &out.EntryOut); s != fuse.OK {
			t.NtClose(h)
			return s
		}
		k.made(m.nodes.get(out.NodeId))
		s := m.addOpen(t, &in.InHeader, m.nodes.get(out.NodeId), h, in.Flags, &out.OpenOut)
		if s != fuse.OK {
			m.nodes.forget(out.NodeId, 1)
		}
		return s
	})
}

// borrow runs f with another request's open handle to a file without a name (M-38). Such a file cannot be opened
// again. The handle must belong to the same user and grant want; else borrow returns EACCES without calling f. f must
// not close the handle.
func (t *worker) borrow(m *Mount, n *node, want winnt.AccessMask, f func(winnt.Handle) fuse.Status) fuse.Status {
	o := m.lend(n, func(o *open) bool { return o.uid == t.uid && o.granted&want == want })
	if o == nil {
		return fuse.EACCES
	}
	defer o.lent.RUnlock() // +checklocksforce: lend locked o.lent
	return f(o.h)
}
