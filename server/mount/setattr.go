package mount

import (
	"math"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// SetAttr changes the mode, size, owner, group or times of a file, and fills out with its attributes. Each change needs
// its own right. It stops at the first error; earlier changes stay. A caller who may not read the attributes gets
// EACCES and changes nothing, unless it truncates through an open handle. It returns ESTALE for an unknown node. On a
// mount for backup it fails with the error of an earlier attempt to restore the descriptor. Through an open handle that
// grants FILE_WRITE_DATA, and without a change of the mode, it sets only the size.
func (m *Mount) SetAttr(_ <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	n := m.nodes.get(in.NodeId)
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	if size, ok := in.GetSize(); ok && in.Valid&(fuse.FATTR_FH|fuse.FATTR_MODE) == fuse.FATTR_FH {
		if o := m.open(in.Fh); o != nil && o.granted&winnt.FILE_WRITE_DATA != 0 {
			s := m.do(o.payer, func(t *worker) fuse.Status { return t.resize(o.h, size) })
			if s != fuse.OK {
				return s
			}
			return m.resized(n, o, in.InHeader.Uid, size, out)
		}
	}
	if s := m.nodes.lostOf(n); s != fuse.OK {
		// Restoring the descriptor failed, so make the program report a failure (M-56).
		return s
	}
	return m.as(&in.InHeader, func(t *worker) fuse.Status {
		// The answer to the change contains the attributes. A user who may not read them is refused
		// before anything changes (M-24).
		if s := m.answer(t, n, &in.InHeader, out); s != fuse.OK {
			return s
		}
		if s := m.change(t, n, in); s != fuse.OK {
			return s
		}
		return m.answer(t, n, &in.InHeader, out)
	})
}

// resized completes a truncation of an open file to size: it fills out and always returns OK, because the file is
// truncated. The user who opened the file gets what [Mount.attributesByHandle] returns. Any other gets the new size
// alone, which the kernel does not cache (M-24).
func (m *Mount) resized(n *node, o *open, uid uint32, size uint64, out *fuse.AttrOut) fuse.Status {
	if uid != o.uid || m.attributesByHandle(n, o, out) != fuse.OK {
		out.Attr = bareAttr(n.file, size)
	}
	return fuse.OK
}

// change applies the changes of a request in the order mode, size, owner, times. Each needs its own right. It stops at
// the first error, and does not undo the changes before it. What the request does not name stays.
func (m *Mount) change(t *worker, n *node, in *fuse.SetAttrIn) fuse.Status {
	if s := m.chmod(t, n, in); s != fuse.OK {
		return s
	}
	if size, ok := in.GetSize(); ok {
		// Truncating a file needs the right to write data (F-55).
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

// with runs f on a handle to a file with the rights in want, and closes the handle. with returns f's status, or that
// of a failed open without calling f. For a file without a name, with uses an open handle of the same user that
// grants want; without such a handle the status is EACCES.
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

// resize sets the size of an open file. A size above the range of int64 returns EFBIG.
func (t *worker) resize(h winnt.Handle, size uint64) fuse.Status {
	if int64(size) < 0 {
		return fuse.Status(syscall.EFBIG)
	}
	return status(t.NtSetInformationFile(h, nt.FileEndOfFileInformation, nt.FileEndOfFile{EndOfFile: int64(size)}))
}

// setTimes sets the access time and the write time that the request has. It needs FILE_WRITE_ATTRIBUTES. Without
// either time it returns OK and needs no right.
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

// timeOf converts a time to 100 ns units since 1601. Earlier times become 1, and times from the last second that such a
// number has become the largest number.
func timeOf(t time.Time) int64 {
	switch s := t.Unix(); {
	case s < filetime.Time(0).Unix():
		return 1
	case s >= filetime.Time(math.MaxInt64).Unix():
		return math.MaxInt64
	}
	return max(filetime.Of(t), 1)
}

// chown changes the owner and group in the descriptor of a file, which needs WRITE_OWNER (M-22). IDs that are already
// set, and a request without IDs, need no such right. EAGAIN means that the SID of an ID cannot be looked up now. EPERM
// means no WRITE_OWNER, or a mount for backup, unless the file is new and its descriptor not yet restored. If the
// attributes cannot be read, chown returns that error.
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
	found := true
	if byUser && uid != now.Uid {
		owner, found = m.owners.SIDOf(uid, false)
		parts = winnt.OWNER_SECURITY_INFORMATION
	}
	if byGroup && gid != now.Gid && found {
		group, found = m.owners.SIDOf(gid, true)
		parts |= winnt.GROUP_SECURITY_INFORMATION
	}
	switch {
	case !found:
		// S-1-22-1-uid would stay the owner when the lookup works again (M-22).
		return fuse.EAGAIN
	case parts == 0:
		return fuse.OK
	}
	if m.backup && !m.nodes.isFresh(n) {
		// A restored descriptor already has the owner and the group, so chown must not replace them (M-55).
		return t.refuse("because M-55: on a mount for backup only " + wholeACL + " changes the owner of this file")
	}
	// A change of the owner or group needs WRITE_OWNER. Without the restore privilege, users can
	// only make themselves or one of their owner groups the owner (F-50, F-51, M-22).
	return eperm(t.with(m, n, winnt.WRITE_OWNER, func(h winnt.Handle) fuse.Status {
		return t.setSecurity(h, parts, sd.New(sd.Parts{Owner: owner, Group: group}))
	}))
}

// setSecurity replaces parts of an open file's descriptor. An owner or a label that the account may not assign is
// EPERM, and the report of the denial says so.
func (t *worker) setSecurity(h winnt.Handle, parts uint32, d *sd.Descriptor) fuse.Status {
	switch st := t.NtSetSecurityObject(h, parts, d); st {
	case ntstatus.InvalidOwner:
		return t.refuse("because F-51: the account may not make " + d.Owner().String() +
			" the owner: without SeRestorePrivilege only itself and its groups that may own")
	case ntstatus.PrivilegeNotHeld:
		return t.refuse("because F-51: an integrity label above the account's own needs SeRelabelPrivilege")
	default:
		return status(st)
	}
}
