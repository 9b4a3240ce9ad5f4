package mount

import (
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

const shareAll = uint32(fileaccess.ShareRead | fileaccess.ShareWrite | fileaccess.ShareDelete)

// longestName is NAME_MAX of Linux, in bytes.
const longestName = 255

// longestPath is the longest path below the root that a tree looks up, in bytes.
const longestPath = 1 << 15

// checkName checks a file name from the host's kernel: it returns OK if a file can have the name, ENAMETOOLONG for one
// of more than 255 bytes, and EINVAL for one that Windows does not allow or that unfinished uploads have (M-9).
func checkName(name string) fuse.Status {
	switch {
	case len(name) > longestName:
		return fuse.Status(syscall.ENAMETOOLONG)
	case strings.Contains(name, `\`) || !utf8.ValidString(name) || !fileaccess.ValidName(name):
		// Windows does not allow this name: it is not found and cannot be created (M-9).
		return fuse.EINVAL
	case strings.HasPrefix(name, nt.UploadPrefix):
		// Listings leave the name out and later remove its file, as that of an upload which a crash cut off (M-9, G-49).
		return fuse.EINVAL
	}
	return fuse.OK
}

// openAt opens a file by its path below the root, with the rights of the thread. A link is opened itself, not its
// target. On success the caller closes the handle.
func (t *worker) openAt(m *Mount, path string, in nt.CreateFileIn) (winnt.Handle, fileaccess.Action, ntstatus.Status) {
	return t.makeAt(m, path, in, nil, nil)
}

// openIn opens a file by its name in a directory, as openAt does. If another directory has the path of dir by now, the
// status is STATUS_NOT_SAME_OBJECT (M-11).
func (t *worker) openIn(m *Mount, dir *node, name string, in nt.CreateFileIn) (winnt.Handle, ntstatus.Status) {
	h, _, st := t.makeIn(m, dir, name, in, nil)
	return h, st
}

// makeIn opens or creates a file by its name in a directory, as makeAt does. If another directory has the path of dir
// by now, the status is STATUS_NOT_SAME_OBJECT (M-11).
func (t *worker) makeIn(m *Mount, dir *node, name string, in nt.CreateFileIn, k *making) (h winnt.Handle,
	action fileaccess.Action, st ntstatus.Status) {
	st = m.atPath(dir, name, func(path string) (st ntstatus.Status) {
		h, action, st = t.makeAt(m, path, in, k, t.within(dir))
		return st
	})
	return h, action, st
}

// within returns the identity of a directory, which the path of a name in it must have. The result is valid until the
// next call. For the root it is nil: the mount holds its own tree's root, which no other directory replaces.
func (t *worker) within(dir *node) *nt.FileIdentity {
	if dir.id == rootID {
		return nil
	}
	t.dir = nt.FileIdentity{Number: dir.file.number, ID: dir.file.id}
	return &t.dir
}

// makeAt opens or creates a file by its path below the root, with the thread's rights. makeAt returns the handle,
// which the caller closes, and whether the file was created. k shapes a new file's descriptor by its mode. With a nil k
// the file keeps the inherited descriptor. With within, the file's directory must have that identity (M-11). A refused
// open is recorded.
func (t *worker) makeAt(m *Mount, path string, in nt.CreateFileIn, k *making, within *nt.FileIdentity) (winnt.Handle,
	fileaccess.Action, ntstatus.Status) {
	// An open through the mount shares reading, writing and deleting (M-10).
	in.ShareAccess = shareAll
	// The host's kernel follows links, not the tree: open the link itself (M-33).
	in.CreateOptions |= uint32(fileaccess.OpenReparsePoint)
	if m.backup {
		// The directory of the mount is the request for backup intent (M-53).
		in.CreateOptions |= uint32(fileaccess.OpenForBackupIntent)
	}
	t.name = m.nameOf(path)
	in.ObjectAttributes = nt.Cap(&t.name)
	var shape func(*sd.Descriptor) *sd.Descriptor
	switch {
	case k != nil:
		shape = k.shape
	case within == nil:
		h, action, st := t.NtCreateFile(in)
		t.note(path, &in, st)
		return h, action, st
	}
	out, st := m.sys.CreateShaped(t.Thread, in, shape, within)
	t.note(path, &in, st)
	return out.FileHandle, out.Information, st
}

// nameOf returns the object name of a path below the root: relative to the root's handle, or absolute if the mount has
// no such handle.
func (m *Mount) nameOf(path string) nt.ObjectAttributes {
	if m.root == 0 {
		return nt.ObjectAttributes{ObjectName: m.prefix + path}
	}
	return nt.ObjectAttributes{RootDirectory: m.root, ObjectName: path}
}

// openNode opens the existing file of a node; the caller closes the handle. openNode ignores in.CreateDisposition.
// Errors:
//   - the name refers to another file or to none, and so does the one before it: ESTALE
//   - a file without a name: EACCES
//   - a failed open: EACCES or another errno by its status
func (t *worker) openNode(m *Mount, n *node, in nt.CreateFileIn) (winnt.Handle, fuse.Status) {
	if m.nodes.nameless(n) {
		return 0, fuse.EACCES // without a name the file cannot be opened again (M-38)
	}
	in.CreateDisposition = winnt.FILE_OPEN
	h, st := t.openNamed(m, n, n, "", in)
	if st == ntstatus.NotSameObject {
		// The name may be one of several hard links, removed by a program that still uses another (M-11).
		if dir, name := m.nodes.other(n); dir != nil {
			if h, st := t.openNamed(m, n, dir, name, in); st == ntstatus.Success {
				m.nodes.useOther(n, dir, name)
				return h, fuse.OK
			}
		}
	}
	return h, status(st)
}

// openNamed opens the file of the node n by the path of name in x, as of [Mount.atPath]. A path that refers to another
// file or to none is STATUS_NOT_SAME_OBJECT.
func (t *worker) openNamed(m *Mount, n, x *node, name string, in nt.CreateFileIn) (h winnt.Handle,
	st ntstatus.Status) {
	st = m.atPath(x, name, func(path string) (st ntstatus.Status) {
		if h, _, st = t.openAt(m, path, in); st != ntstatus.Success {
			return st
		}
		file, st := t.identity(m, h)
		if st == ntstatus.Success && file != n.file {
			// The name now refers to another file, so the kernel must look it up again (M-11).
			st = ntstatus.NotSameObject
		}
		if st != ntstatus.Success {
			t.NtClose(h)
			h = 0
		}
		return st
	})
	if st == ntstatus.ObjectNameNotFound || st == ntstatus.ObjectPathNotFound {
		st = ntstatus.NotSameObject
	}
	return h, st
}

// identity returns the identity of the file behind a handle. STATUS_IO_DEVICE_ERROR stands for a file that cannot be
// identified.
func (t *worker) identity(m *Mount, h winnt.Handle) (id identity, st ntstatus.Status) {
	f, done, st := t.file(m, h)
	if st != ntstatus.Success {
		return id, st
	}
	defer done()
	return identityOf(f)
}

// identityOf returns what distinguishes a file from all others, also from later ones. That is its type, number and
// unique ID. identityOf returns STATUS_IO_DEVICE_ERROR if the file system gives neither a birth time nor a handle: a
// later file could have the same number (F-180).
func identityOf(f shown) (id identity, st ntstatus.Status) {
	id.dir, id.link = f.Directory(), f.Symlink()
	if id.number, id.id = f.Identity(); id.id == "" {
		return id, ntstatus.IODeviceError
	}
	return id, ntstatus.Success
}

// Lookup finds name in a directory, fills out with its node and attributes, and counts a lookup until Forget. A caller
// with traverse right on the directory learns that a name exists, as on Windows. Only FILE_READ_ATTRIBUTES reveals the
// attributes; without it out has the type and number alone. It returns ENOENT for a name that no file can have, EACCES
// without traverse right, and ESTALE for an unknown directory or if another one has its path. Any other failure to open
// gives its own error.
func (m *Mount) Lookup(_ <-chan struct{}, in *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	if s := checkName(name); s == fuse.EINVAL {
		return fuse.ENOENT
	} else if s != fuse.OK {
		return s
	}
	parent := m.nodes.get(in.NodeId)
	if parent == nil {
		return fuse.Status(syscall.ESTALE)
	}
	return m.as(in, func(t *worker) fuse.Status {
		h, st := t.openIn(m, parent, name, nt.CreateFileIn{DesiredAccess: winnt.FILE_READ_ATTRIBUTES,
			CreateDisposition: winnt.FILE_OPEN})
		switch st {
		case ntstatus.Success:
		case ntstatus.AccessDenied:
			return m.lookBare(t, parent, name, out)
		case ntstatus.ObjectNameInvalid:
			return fuse.ENOENT // no file can have this name
		default:
			return status(st)
		}
		defer t.NtClose(h)
		return m.reply(t, h, parent, name, shown.Found, out)
	})
}

// reply answers a request that found or created the file h, and counts a lookup. out gets the node and the attributes:
// look selects the current attributes or those that the open found. A nil parent means a file without a name. On an
// error no lookup is counted.
func (m *Mount) reply(t *worker, h winnt.Handle, parent *node, name string, look look, out *fuse.EntryOut) fuse.Status {
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

// lookBare answers a lookup by a caller who may not read the file's attributes (M-5). With traverse right on parent,
// out has only the file's type and number, which suffices to traverse or open it, and the size of an open file. The
// kernel caches nothing. Without that right, or if the file is gone, the status is EACCES.
func (m *Mount) lookBare(t *worker, parent *node, name string, out *fuse.EntryOut) fuse.Status {
	if !m.passes(t, parent) {
		return fuse.EACCES
	}
	var id identity
	if st := m.atPath(parent, name, func(path string) (st ntstatus.Status) {
		id, st = m.identify(path, t.within(parent))
		return st
	}); st != ntstatus.Success {
		return fuse.EACCES // the file or its directory is gone, or it is a device, for example
	}
	n, _ := m.nodes.add(parent, name, id, true)
	out.NodeId, out.Attr = n.id, bareAttr(id, m.sizeOfOpen(t, n))
	// Without timeouts the kernel caches nothing, so it requests the attributes on each use (M-5).
	return fuse.OK
}

// sizeOfOpen returns the size of a file that a program has open, 0 for any other file. The kernel has one size of a
// file for all its users, and uses it without a request. With a lower one, maps of the file end with SIGBUS and
// copy_file_range(2) and sendfile(2) stop early (M-5).
func (m *Mount) sizeOfOpen(t *worker, n *node) uint64 {
	o := m.lend(n, func(*open) bool { return true })
	if o == nil {
		return 0
	}
	defer o.lent.RUnlock() // +checklocksforce: lend locked o.lent
	var now fuse.Attr
	_, _ = m.attributes(t, o.h, shown.Shown, &now) // after an error now.Size is 0
	return now.Size
}

// passes reports whether the caller may traverse a directory, under the mount's traverse policy. A failure of any kind
// returns false. Under a policy without traverse checks it returns true.
func (m *Mount) passes(t *worker, dir *node) bool {
	// The policy checks no traverse right, or the privilege replaces it (F-23).
	if m.traverse == fileaccess.TraverseNever ||
		m.traverse == fileaccess.TraversePrivilege && t.client.Has(winnt.SeChangeNotifyPrivilege) {
		return true
	}
	h, s := t.openNode(m, dir, nt.CreateFileIn{DesiredAccess: winnt.FILE_TRAVERSE,
		CreateOptions: uint32(fileaccess.DirectoryFile)})
	if s == fuse.OK {
		t.NtClose(h)
	}
	return s == fuse.OK
}

// Forget subtracts lookups from a node that the host's kernel no longer caches. At 0 the node is removed. It ignores
// an unknown node and the root.
func (m *Mount) Forget(id, lookups uint64) { m.nodes.forget(id, lookups) }

// Access reports whether the caller may use a file as in.Mask requests, for access(2) and chdir(2): OK or EACCES. R_OK
// needs FILE_READ_DATA, W_OK FILE_WRITE_DATA, and X_OK FILE_EXECUTE or the right to traverse a directory. W_OK of a
// directory also needs FILE_ADD_SUBDIRECTORY. F_OK is OK for every known node. An unknown one is ESTALE. A file that
// cannot be opened for another reason gives that error.
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
			return fuse.OK // F_OK: the lookup has shown that the file exists
		}
		h, s := t.openNode(m, n, nt.CreateFileIn{DesiredAccess: want})
		if s == fuse.OK {
			t.NtClose(h)
		}
		return s
	})
}
