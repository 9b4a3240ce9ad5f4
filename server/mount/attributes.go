package mount

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// unknownOwner stands for an id without a number here, as Linux shows it.
const unknownOwner = 65534

// epoch is 1970 in units of 100 ns since 1601.
const epoch = 116444736000000000

// modeOf returns the permissions that are shown of a file: the same for all, for
// no decision is made by them. One bit to execute must be there, or the kernel does not ask
// us. M-12
func modeOf(dir, link bool) uint32 {
	switch {
	case dir:
		return syscall.S_IFDIR | 0o755
	case link:
		return syscall.S_IFLNK | 0o777
	}
	return syscall.S_IFREG | 0o755
}

// attributes tells of the file of a handle what every user sees alike, and which file it is.
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
	out.Mode = modeOf(facts.Directory, f.Symlink())
	out.Uid, out.Gid = unknownOwner, unknownOwner
	if d != nil {
		// Owner and group are those of the descriptor; they stand in every listing. M-12
		out.Uid, out.Gid = m.uid(d.Owner()), m.gid(d.Group())
	}
	return identityOf(f)
}

// shown is an open file of a tree that can be mounted.
type shown interface {
	Identity() (number uint64, id string)
	Directory() bool
	Symlink() bool
	Target() (string, ntstatus.Status) // what a symbolic link says
	Shown() (nt.FileFacts, *sd.Descriptor, ntstatus.Status)
	Found() (nt.FileFacts, *sd.Descriptor, ntstatus.Status)
}

// look tells of an open file: as it is (shown.Shown), or as it was found by the open that
// was made for the request (shown.Found).
type look func(shown) (nt.FileFacts, *sd.Descriptor, ntstatus.Status)

// file returns the file of a handle that this mount opened, until done is called.
func (t *worker) file(m *Mount, h winnt.Handle) (f shown, done func(), st ntstatus.Status) {
	of, _, done, st := m.sys.TreeFile(t.Thread, h)
	f, ok := of.(shown)
	if st == ntstatus.Success && !ok {
		done()
		st = ntstatus.NotSupported
	}
	return f, done, st
}

// shape fills in what the facts of a file say.
func shape(f *nt.FileFacts, out *fuse.Attr) {
	out.Ino, out.Size, out.Blocks = f.FileID, uint64(f.EndOfFile), uint64(f.AllocationSize+511)/512
	out.Nlink, out.Blksize = f.Links, 4096
	out.Atime, out.Atimensec = moment(f.LastAccessTime)
	out.Mtime, out.Mtimensec = moment(f.LastWriteTime)
	out.Ctime, out.Ctimensec = moment(f.ChangeTime)
}

// moment returns a time as Linux has it.
func moment(t int64) (seconds uint64, nano uint32) {
	t -= epoch
	s, rest := t/10_000_000, t%10_000_000
	if rest < 0 {
		s, rest = s-1, rest+10_000_000
	}
	return uint64(s), uint32(rest) * 100
}

// uid returns the number of an owner: that of the account, 0 for the system's own.
func (m *Mount) uid(s sid.SID) uint32 {
	if s == sid.LocalSystem || s == sid.Administrators {
		return 0
	}
	if id, ok := m.owners.UID(s); ok {
		return id
	}
	return unknownOwner
}

func (m *Mount) gid(s sid.SID) uint32 {
	if s == sid.LocalSystem || s == sid.Administrators {
		return 0
	}
	if id, ok := m.owners.GID(s); ok {
		return id
	}
	return unknownOwner
}

// GetAttr implements fuse.RawFileSystem.
func (m *Mount) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	n := m.nodes.get(in.NodeId)
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	if in.Flags()&fuse.FUSE_GETATTR_FH != 0 {
		if o := m.open(in.Fh()); o != nil && o.tells {
			return m.do(func(t *worker) fuse.Status { return m.attributesOf(t, n, o.h, out) })
		}
	}
	return m.as(&in.InHeader, func(t *worker) fuse.Status { return m.answer(t, n, &in.InHeader, out) })
}

// answer tells the attributes of a file to who may read them, or list its directory
// (F-43). M-5
func (m *Mount) answer(t *worker, n *node, in *fuse.InHeader, out *fuse.AttrOut) fuse.Status {
	s := t.with(m, n, winnt.FILE_READ_ATTRIBUTES, func(h winnt.Handle) fuse.Status {
		return m.attributesOf(t, n, h, out)
	})
	if s == fuse.OK {
		return s
	}
	// The kernel does not say by which handle a program asks. An open of the same user
	// answers; where the name means the file no more, any: who asks has it open. M-15
	o := m.lend(func(o *open) bool {
		return o.n == n && o.tells && (o.uid == in.Uid || s == fuse.Status(syscall.ESTALE) || m.nodes.nameless(n))
	})
	if o == nil {
		return s
	}
	defer o.lent.RUnlock() // +checklocksforce: lend locked it
	return m.attributesOf(t, n, o.h, out)
}

func (m *Mount) attributesOf(t *worker, n *node, h winnt.Handle, out *fuse.AttrOut) fuse.Status {
	_, s := m.attributes(t, h, shown.Shown, &out.Attr)
	if s == fuse.OK && !m.nodes.isBare(n) {
		out.SetTimeout(attributeLife)
	}
	return s
}
