package mount

import (
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

const shareAll = uint32(fileaccess.ShareRead | fileaccess.ShareWrite | fileaccess.ShareDelete)

// longestName is that of the file systems of Linux, in bytes.
const longestName = 255

// named returns why a name can be no file's; OK for one that can. M-9
func named(name string) fuse.Status {
	switch {
	case len(name) > longestName:
		return fuse.Status(syscall.ENAMETOOLONG)
	case strings.Contains(name, `\`) || !utf8.ValidString(name) || !fileaccess.ValidName(name):
		// Windows has no such name: nothing is found under it, and nothing made. M-9
		return fuse.EINVAL
	}
	return fuse.OK
}

// openAt opens a file by its name below the root, as whom the thread acts.
func (t *worker) openAt(m *Mount, path string, in nt.CreateFileIn) (winnt.Handle, fileaccess.Action, ntstatus.Status) {
	// Programs of Linux share what they open with every other. M-10
	in.ShareAccess = shareAll
	// The host's kernel follows links by itself, or does not: a link is opened as what it is. M-33
	in.CreateOptions |= uint32(fileaccess.OpenReparsePoint)
	t.name = m.nameOf(path)
	in.ObjectAttributes = nt.Cap(&t.name)
	return t.NtCreateFile(in)
}

// nameOf returns the name of a file below the root, for the services.
func (m *Mount) nameOf(path string) nt.ObjectAttributes {
	if m.root == 0 {
		return nt.ObjectAttributes{ObjectName: m.prefix + path}
	}
	return nt.ObjectAttributes{RootDirectory: m.root, ObjectName: path}
}

// openNode opens what the kernel knows as a node, and tests that its name still means
// that file.
func (t *worker) openNode(m *Mount, n *node, in nt.CreateFileIn) (winnt.Handle, fuse.Status) {
	if m.nodes.nameless(n) {
		return 0, fuse.EACCES // there is nothing to find it by (M-38)
	}
	in.CreateDisposition = winnt.FILE_OPEN
	h, _, st := t.openAt(m, m.nodes.path(n, ""), in)
	switch st {
	case ntstatus.Success:
	case ntstatus.ObjectNameNotFound, ntstatus.ObjectPathNotFound:
		return 0, fuse.Status(syscall.ESTALE)
	default:
		return 0, status(st)
	}
	file, s := t.identity(m, h)
	if s == fuse.OK && file != n.file {
		// Another file has the name by now: the kernel looks it up anew. M-11
		s = fuse.Status(syscall.ESTALE)
	}
	if s != fuse.OK {
		t.NtClose(h)
		return 0, s
	}
	return h, fuse.OK
}

// identity tells which file a handle is of that this mount opened.
func (t *worker) identity(m *Mount, h winnt.Handle) (id identity, s fuse.Status) {
	f, done, st := t.file(m, h)
	if st != ntstatus.Success {
		return id, status(st)
	}
	defer done()
	return identityOf(f)
}

// identityOf returns which file an open is of. One that cannot be told from the next with its
// number is not served (F-180).
func identityOf(f shown) (id identity, s fuse.Status) {
	id.dir, id.link = f.Directory(), f.Symlink()
	if id.number, id.id = f.Identity(); id.id == "" {
		return id, fuse.EIO
	}
	return id, fuse.OK
}

// Lookup implements fuse.RawFileSystem. A name is told to exist to everybody who may
// pass through its directory, as Windows tells it; its attributes to who may read them.
func (m *Mount) Lookup(_ <-chan struct{}, in *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	if s := named(name); s == fuse.EINVAL {
		return fuse.ENOENT
	} else if s != fuse.OK {
		return s
	}
	parent := m.nodes.get(in.NodeId)
	if parent == nil {
		return fuse.Status(syscall.ESTALE)
	}
	return m.as(in, func(t *worker) fuse.Status {
		path := m.nodes.path(parent, name)
		h, _, st := t.openAt(m, path, nt.CreateFileIn{DesiredAccess: winnt.FILE_READ_ATTRIBUTES,
			CreateDisposition: winnt.FILE_OPEN})
		switch st {
		case ntstatus.Success:
		case ntstatus.AccessDenied:
			return m.lookBare(t, parent, name, out)
		case ntstatus.ObjectNameInvalid:
			return fuse.ENOENT // the tree has no such names
		default:
			return status(st)
		}
		defer t.NtClose(h)
		return m.tell(t, h, parent, name, shown.Found, out)
	})
}

// tell answers with a file that is open, and its attributes.
func (m *Mount) tell(t *worker, h winnt.Handle, parent *node, name string, look look, out *fuse.EntryOut) fuse.Status {
	id, s := m.attributes(t, h, look, &out.Attr)
	if s != fuse.OK {
		return s
	}
	n, kept := m.nodes.add(parent, name, id, false)
	out.NodeId = n.id
	if kept {
		out.SetAttrTimeout(attributeLife)
	}
	return fuse.OK
}

// lookBare answers a look-up of what the caller may not see the attributes of: a
// directory can be passed all the same, and a file opened for what it grants. M-5
func (m *Mount) lookBare(t *worker, parent *node, name string, out *fuse.EntryOut) fuse.Status {
	if !m.passes(t, parent) {
		return fuse.EACCES
	}
	id, ok := m.identify(m.nodes.path(parent, name))
	if !ok {
		return fuse.EACCES // a link, a device: it is there, and no file of the tree
	}
	n, _ := m.nodes.add(parent, name, id, true)
	out.NodeId, out.Ino, out.Mode, out.Nlink = n.id, id.number, modeOf(id.dir, id.link), 1
	out.Uid, out.Gid = unknownOwner, unknownOwner
	// The kernel does not keep these: who asks for attributes is decided about. M-5
	return fuse.OK
}

// passes reports whether the caller may pass through a directory.
func (m *Mount) passes(t *worker, dir *node) bool {
	// The privilege passes where no policy says otherwise (F-23).
	if m.traverse == fileaccess.TraverseNever ||
		m.traverse == fileaccess.TraversePrivilege && t.client.Has(winnt.SeChangeNotifyPrivilege) {
		return true
	}
	h, _, st := t.openAt(m, m.nodes.path(dir, ""), nt.CreateFileIn{DesiredAccess: winnt.FILE_TRAVERSE,
		CreateDisposition: winnt.FILE_OPEN, CreateOptions: uint32(fileaccess.DirectoryFile)})
	if st == ntstatus.Success {
		t.NtClose(h)
	}
	return st == ntstatus.Success
}

// Forget implements fuse.RawFileSystem.
func (m *Mount) Forget(id, lookups uint64) { m.nodes.forget(id, lookups) }

// Access implements fuse.RawFileSystem: what access(2) and chdir(2) ask.
func (m *Mount) Access(_ <-chan struct{}, in *fuse.AccessIn) fuse.Status {
	n := m.nodes.get(in.NodeId)
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	return m.as(&in.InHeader, func(t *worker) fuse.Status {
		var want winnt.AccessMask
		if in.Mask&fuse.R_OK != 0 {
			want |= winnt.FILE_READ_DATA
		}
		if in.Mask&fuse.W_OK != 0 {
			want |= winnt.FILE_WRITE_DATA
			if n.file.dir {
				want |= winnt.FILE_ADD_SUBDIRECTORY
			}
		}
		if in.Mask&fuse.X_OK != 0 {
			if n.file.dir && m.passes(t, n) {
				if want == 0 {
					return fuse.OK
				}
			} else {
				want |= winnt.FILE_EXECUTE
			}
		}
		if want == 0 {
			return fuse.OK // it is there: the look-up said so
		}
		h, s := t.openNode(m, n, nt.CreateFileIn{DesiredAccess: want})
		if s == fuse.OK {
			t.NtClose(h)
		}
		return s
	})
}
