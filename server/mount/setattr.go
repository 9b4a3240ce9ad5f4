package mount

import (
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// SetAttr implements fuse.RawFileSystem: chmod, chown, truncate and times.
func (m *Mount) SetAttr(_ <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	n := m.nodes.get(in.NodeId)
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	if mode, ok := in.GetMode(); ok && mode&0o7777 != modeOf(n.file.dir, n.file.link)&0o7777 {
		// Permissions are shown, and decide nothing: a change that would be lost is
		// refused. M-22
		return fuse.EPERM
	}
	if size, ok := in.GetSize(); ok && in.Valid&fuse.FATTR_FH != 0 {
		if o := m.open(in.Fh); o != nil && o.granted&winnt.FILE_WRITE_DATA != 0 {
			s := m.do(func(t *worker) fuse.Status { return t.resize(o.h, size) })
			if s != fuse.OK {
				return s
			}
			return m.resized(n, in, size, out)
		}
	}
	return m.as(&in.InHeader, func(t *worker) fuse.Status {
		// The kernel is told the attributes with a change of them: who may not see them is
		// refused before anything changes (M-24).
		if s := m.answer(t, n, &in.InHeader, out); s != fuse.OK {
			return s
		}
		if s := m.change(t, n, in); s != fuse.OK {
			return s
		}
		return m.answer(t, n, &in.InHeader, out)
	})
}

// resized answers a change of size by a handle. Who may not see the attributes is told
// nothing but the size, which the handle let be set, and the kernel does not keep it (M-24).
func (m *Mount) resized(n *node, in *fuse.SetAttrIn, size uint64, out *fuse.AttrOut) fuse.Status {
	s := m.as(&in.InHeader, func(t *worker) fuse.Status { return m.answer(t, n, &in.InHeader, out) })
	if s != fuse.OK {
		out.Attr = fuse.Attr{Ino: n.file.number, Mode: modeOf(n.file.dir, n.file.link), Nlink: 1, Size: size,
			Owner: fuse.Owner{Uid: unknownOwner, Gid: unknownOwner}}
	}
	return fuse.OK
}

// change does what a request for attributes asks.
func (m *Mount) change(t *worker, n *node, in *fuse.SetAttrIn) fuse.Status {
	if size, ok := in.GetSize(); ok {
		// To cut a file off is to write to it (F-55).
		if s := t.with(m, n, winnt.FILE_WRITE_DATA, func(h winnt.Handle) fuse.Status {
			return t.resize(h, size)
		}); s != fuse.OK {
			return s
		}
	}
	if s := m.chown(t, n, in); s != fuse.OK {
		return s
	}
	return m.setTimes(t, n, in)
}

// with opens a file for one operation.
func (t *worker) with(m *Mount, n *node, want winnt.AccessMask, f func(winnt.Handle) fuse.Status) fuse.Status {
	if m.nodes.nameless(n) {
		return t.borrow(m, n, want, f)
	}
	h, s := t.openNode(m, n, nt.CreateFileIn{DesiredAccess: want})
	if s != fuse.OK {
		return s
	}
	defer t.NtClose(h)
	return f(h)
}

func (t *worker) resize(h winnt.Handle, size uint64) fuse.Status {
	if int64(size) < 0 {
		return fuse.Status(syscall.EFBIG)
	}
	return status(t.NtSetInformationFile(h, nt.FileEndOfFileInformation, nt.FileEndOfFile{EndOfFile: int64(size)}))
}

// setTimes sets times of access and writing.
func (m *Mount) setTimes(t *worker, n *node, in *fuse.SetAttrIn) fuse.Status {
	var b nt.FileBasic
	if at, ok := in.GetATime(); ok {
		b.LastAccessTime = timeOf(at)
	}
	if at, ok := in.GetMTime(); ok {
		b.LastWriteTime = timeOf(at)
	}
	if b == (nt.FileBasic{}) {
		return fuse.OK
	}
	return t.with(m, n, winnt.FILE_WRITE_ATTRIBUTES, func(h winnt.Handle) fuse.Status {
		return status(t.NtSetInformationFile(h, nt.FileBasicInformation, b))
	})
}

// timeOf returns a time as Windows has it; 1601 is its first.
func timeOf(t time.Time) int64 {
	return max(epoch+t.Unix()*10_000_000+int64(t.Nanosecond())/100, 1)
}

// chown changes owner and group as the descriptor has them. M-22
func (m *Mount) chown(t *worker, n *node, in *fuse.SetAttrIn) fuse.Status {
	uid, byUser := in.GetUID()
	gid, byGroup := in.GetGID()
	if !byUser && !byGroup {
		return fuse.OK
	}
	var now fuse.Attr
	if s := t.with(m, n, winnt.FILE_READ_ATTRIBUTES, func(h winnt.Handle) fuse.Status {
		_, s := m.attributes(t, h, shown.Found, &now)
		return s
	}); s != fuse.OK {
		return s
	}
	var owner, group sid.SID
	var parts uint32
	if byUser && uid != now.Uid {
		owner, parts = m.owners.UserSID(uid), winnt.OWNER_SECURITY_INFORMATION
	}
	if byGroup && gid != now.Gid {
		group, parts = m.owners.GroupSID(gid), parts|winnt.GROUP_SECURITY_INFORMATION
	}
	if parts == 0 {
		return fuse.OK
	}
	// Whom a file belongs to is for those who may write its owner, and only to
	// themselves without the privilege to restore (F-50, F-51). M-22
	return t.with(m, n, winnt.WRITE_OWNER, func(h winnt.Handle) fuse.Status {
		st := t.NtSetSecurityObject(h, parts, sd.New(sd.Parts{Owner: owner, Group: group}))
		if st == ntstatus.AccessDenied {
			return fuse.EPERM
		}
		return status(st)
	})
}
