package mount

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// unknownOwner is the uid or gid shown for a SID without one. It is the overflow id of Linux.
const unknownOwner = 65534

// modeOf returns the file type and permissions that stat shows; access checks do not use them. The permissions follow
// from the descriptor d, with an x bit if d lets anyone execute the file (M-12). Without d the permissions are 0755.
// A link always has 0777.
func modeOf(d *sd.Descriptor, dir, link bool) uint32 {
	permissions := uint32(0o755)
	if d != nil {
		permissions = fileaccess.Mode(d, dir)
	}
	switch {
	case dir:
		return syscall.S_IFDIR | permissions
	case link:
		return syscall.S_IFLNK | 0o777
	}
	return syscall.S_IFREG | permissions
}

// attributes fills out with an open file's attributes and returns the file's identity. Every user gets the same
// attributes. look selects the current facts or those that the open found. Without a descriptor, owner and group are
// unknownOwner. On an error, out may be filled in part.
func (m *Mount) attributes(t *worker, h winnt.Handle, look look, out *fuse.Attr) (id identity, s fuse.Status) {
	f, done, st := t.file(m, h)
	if st != ntstatus.Success {
		return id, status(st)
	}
	defer done()
	facts, d, st := look(f)
	if st != ntstatus.Success {
		return id, status(st)
	}
	shape(&facts, out)
	out.Mode = modeOf(d, facts.Directory, f.Symlink())
	out.Uid, out.Gid = unknownOwner, unknownOwner
	if d != nil {
		// Owner and group come from the descriptor. Every listing shows them (M-12).
		out.Uid, out.Gid = m.uid(d.Owner()), m.gid(d.Group())
	}
	id, st = identityOf(f)
	return id, status(st)
}

// shown is an open file of a tree that reports its attributes and descriptor, which a mount needs.
type shown interface {
	Identity() (number uint64, id string)
	Directory() bool
	Symlink() bool
	Target() (string, ntstatus.Status) // the target of a symbolic link
	Shown() (nt.FileFacts, *sd.Descriptor, ntstatus.Status)
	Found() (nt.FileFacts, *sd.Descriptor, ntstatus.Status)
}

// look selects which facts and descriptor of an open file to use: the current ones (shown.Shown), or those that the
// open found (shown.Found).
type look func(shown) (nt.FileFacts, *sd.Descriptor, ntstatus.Status)

// file returns the tree's object for an open handle of this mount. On success the caller calls done after the last
// use. On an error, f must not be used and done need not be called. A tree that cannot be mounted is NotSupported.
func (t *worker) file(m *Mount, h winnt.Handle) (f shown, done func(), st ntstatus.Status) {
	of, _, done, st := m.sys.TreeFile(t.Thread, h)
	f, ok := of.(shown)
	if st == ntstatus.Success && !ok {
		done()
		st = ntstatus.NotSupported
	}
	return f, done, st
}

// shape sets the inode, size, link count and times of out from the facts of a file. It leaves mode and owner
// unchanged.
func shape(f *nt.FileFacts, out *fuse.Attr) {
	out.Ino, out.Size, out.Blocks = f.FileID, uint64(f.EndOfFile), uint64(f.AllocationSize+511)/512
	out.Nlink, out.Blksize = f.Links, 4096
	out.Atime, out.Atimensec = moment(f.LastAccessTime)
	out.Mtime, out.Mtimensec = moment(f.LastWriteTime)
	out.Ctime, out.Ctimensec = moment(f.ChangeTime)
}

// moment converts a FILETIME to seconds and nanoseconds since 1970. A time before 1970 gives negative
// seconds in two's complement.
func moment(t int64) (seconds uint64, nano uint32) {
	at := filetime.Time(t)
	return uint64(at.Unix()), uint32(at.Nanosecond())
}

// uid returns the uid of an owner: 0 for LocalSystem and Administrators, unknownOwner for a SID without a uid.
func (m *Mount) uid(s sid.SID) uint32 {
	if s == sid.LocalSystem || s == sid.Administrators {
		return 0
	}
	if id, ok := m.owners.UID(s); ok {
		return id
	}
	return unknownOwner
}

// gid returns the gid of a group: 0 for LocalSystem and Administrators, unknownOwner for a SID without a gid.
func (m *Mount) gid(s sid.SID) uint32 {
	if s == sid.LocalSystem || s == sid.Administrators {
		return 0
	}
	if id, ok := m.owners.GID(s); ok {
		return id
	}
	return unknownOwner
}

// GetAttr returns the attributes of a file. For a request with a handle they are those that [Mount.attributesByHandle]
// returns. Otherwise it opens the file as the caller. It returns ESTALE for an unknown node, and EACCES without the
// right.
func (m *Mount) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	n := m.nodes.get(in.NodeId)
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	if in.Flags()&fuse.FUSE_GETATTR_FH != 0 {
		if o := m.open(in.Fh()); o != nil {
			return m.attributesByHandle(n, o, out)
		}
	}
	return m.as(&in.InHeader, func(t *worker) fuse.Status { return m.answer(t, n, &in.InHeader, out) })
}

// attributesByHandle fills out with the attributes of a file by an open handle of it. If the handle does not grant
// FILE_READ_ATTRIBUTES, out has only kind, inode number and size. The host's kernel needs the size at the end of a read
// and for SEEK_END, and requests it with the handle; for stat(2) and fstat(2) it sends none.
func (m *Mount) attributesByHandle(n *node, o *open, out *fuse.AttrOut) fuse.Status {
	return m.do(o.payer, func(t *worker) fuse.Status {
		if o.tells {
			return m.attributesOf(t, n, o.h, shown.Shown, out)
		}
		var now fuse.Attr
		_, s := m.attributes(t, o.h, shown.Shown, &now)
		// Return the size without a check: the kernel uses one size of an open file for all its users (M-5).
		out.Attr = bareAttr(n.file, now.Size)
		return s
	})
}

// bareAttr returns attributes without those that need a right: the kind, the inode number and the given size.
func bareAttr(id identity, size uint64) fuse.Attr {
	return fuse.Attr{Ino: id.number, Mode: modeOf(nil, id.dir, id.link), Nlink: 1, Size: size,
		Owner: fuse.Owner{Uid: unknownOwner, Gid: unknownOwner}}
}

// answer fills out with the attributes of a file if the caller may read them. That takes FILE_READ_ATTRIBUTES, the
// right to list the directory (F-43), or an open file that grants it; else the status is EACCES. If the name refers
// to another file and nobody has this file open, the status is ESTALE (M-5).
func (m *Mount) answer(t *worker, n *node, in *fuse.InHeader, out *fuse.AttrOut) fuse.Status {
	s := t.with(m, n, winnt.FILE_READ_ATTRIBUTES, func(h winnt.Handle) fuse.Status {
		return m.attributesOf(t, n, h, shown.Found, out) // the open has just read the attributes
	})
	if s == fuse.OK {
		return s
	}
	// The request names no handle, so use any open of the file by the same user. If the name no longer refers to the
	// file, use an open of any user (M-15).
	o := m.lend(n, func(o *open) bool {
		return o.tells && (o.uid == in.Uid || s == fuse.Status(syscall.ESTALE) || m.nodes.nameless(n))
	})
	if o == nil {
		return s
	}
	defer o.lent.RUnlock() // +checklocksforce: lend locked o.lent
	return m.attributesOf(t, n, o.h, shown.Shown, out)
}

// attributesOf fills out with the attributes of the file behind an open handle, as look selects them. It lets the
// kernel cache them for attributeLife, unless a user who may not read them has looked the file up.
func (m *Mount) attributesOf(t *worker, n *node, h winnt.Handle, look look, out *fuse.AttrOut) fuse.Status {
	_, s := m.attributes(t, h, look, &out.Attr)
	if s == fuse.OK && !m.nodes.isBare(n) {
		out.SetTimeout(attributeLife)
	}
	return s
}
