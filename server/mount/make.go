package mount

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// parentOf finds the parent directory of a request that creates, changes or removes name. id is the parent's node. It
// returns ESTALE for an unknown directory, and EINVAL or ENAMETOOLONG for an invalid name. It does not check whether
// the name exists.
func (m *Mount) parentOf(id uint64, name string) (*node, fuse.Status) {
	parent := m.nodes.get(id)
	if parent == nil {
		return nil, fuse.Status(syscall.ESTALE)
	}
	return parent, checkName(name)
}

// openFirstGranted opens or creates a file with the first mask in want that is granted. Only AccessDenied continues
// with the next mask. An empty want returns AccessDenied. On success the caller closes the handle, and action says
// whether the file was created.
func (m *Mount) openFirstGranted(t *worker, dir *node, name string, want []winnt.AccessMask, in nt.CreateFileIn,
	k *making) (h winnt.Handle, action fileaccess.Action, st ntstatus.Status) {
	st = ntstatus.AccessDenied
	for i := 0; i < len(want) && st == ntstatus.AccessDenied; i++ {
		in.DesiredAccess = want[i]
		h, action, st = t.makeIn(m, dir, name, in, k)
	}
	return h, action, st
}

// Create creates a file, or opens an existing one, and fills out with its node and handle. With O_EXCL an existing file
// is EEXIST. A new file inherits its descriptor, reduced by the mode (M-43). An existing file must grant what the open
// flags need, or Create returns EACCES. If Create fails after it has made the file, the file stays.
func (m *Mount) Create(_ <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	parent, s := m.parentOf(in.NodeId, name)
	if s != fuse.OK {
		return s
	}
	return m.as(&in.InHeader, func(t *worker) fuse.Status {
		how := nt.CreateFileIn{CreateDisposition: uint32(fileaccess.FileOpenIf),
			CreateOptions: uint32(fileaccess.NonDirectoryFile)}
		if in.Flags&syscall.O_EXCL != 0 {
			how.CreateDisposition = uint32(fileaccess.FileCreate)
		}
		k := m.newMaking(t, in.Mode, in.Umask, false)
		h, action, st := m.openFirstGranted(t, parent, name, wanted(in.Flags), how, k)
		if st != ntstatus.Success {
			return status(st)
		}
		look, flags := shown.Shown, in.Flags
		if action == fileaccess.Created {
			look, flags = shown.Found, flags&^syscall.O_TRUNC // a new file is empty
		}
		if s := m.reply(t, h, parent, name, look, &out.EntryOut); s != fuse.OK {
			t.NtClose(h)
			return s
		}
		k.made(m.nodes.get(out.NodeId))
		s := m.addOpen(t, &in.InHeader, m.nodes.get(out.NodeId), h, flags, &out.OpenOut)
		if s != fuse.OK {
			m.nodes.forget(out.NodeId, 1)
		}
		return s
	})
}

// Mkdir creates a directory that inherits its descriptor, reduced by the mode. It needs FILE_ADD_SUBDIRECTORY. It
// returns EEXIST if the name exists.
func (m *Mount) Mkdir(_ <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	return m.new(&in.InHeader, name, fileaccess.DirectoryFile, in.Mode, in.Umask, out)
}

// Mknod creates an empty regular file that inherits its descriptor, reduced by the mode. It returns EPERM for devices,
// pipes and sockets (F-112, M-21), and EEXIST if the name exists.
func (m *Mount) Mknod(_ <-chan struct{}, in *fuse.MknodIn, name string, out *fuse.EntryOut) fuse.Status {
	if in.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return fuse.EPERM
	}
	return m.new(&in.InHeader, name, fileaccess.NonDirectoryFile, in.Mode, in.Umask, out)
}

// new creates a file or directory and fills out with its node and attributes. kind is DirectoryFile or
// NonDirectoryFile. An existing name is EEXIST; a missing parent is an error. If the attributes cannot be read, new
// returns the error and the file stays.
func (m *Mount) new(in *fuse.InHeader, name string, kind fileaccess.CreateOptions, mode, umask uint32,
	out *fuse.EntryOut) fuse.Status {
	parent, s := m.parentOf(in.NodeId, name)
	if s != fuse.OK {
		return s
	}
	return m.as(in, func(t *worker) fuse.Status {
		k := m.newMaking(t, mode, umask, kind == fileaccess.DirectoryFile)
		h, _, st := t.makeIn(m, parent, name, nt.CreateFileIn{
			DesiredAccess: winnt.FILE_READ_ATTRIBUTES | winnt.SYNCHRONIZE, CreateDisposition: uint32(fileaccess.FileCreate),
			CreateOptions: uint32(kind)}, k)
		if st != ntstatus.Success {
			return status(st)
		}
		defer t.NtClose(h)
		s := m.reply(t, h, parent, name, shown.Found, out)
		if s == fuse.OK {
			k.made(m.nodes.get(out.NodeId))
		}
		return s
	})
}

// Unlink removes a name of a file. It needs DELETE on the file or FILE_DELETE_CHILD on the directory. A directory is
// EISDIR.
func (m *Mount) Unlink(_ <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	return m.remove(in, name, fileaccess.NonDirectoryFile)
}

// Rmdir removes an empty directory. It needs DELETE on it or FILE_DELETE_CHILD on its parent. A directory with entries
// is ENOTEMPTY.
func (m *Mount) Rmdir(_ <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	return m.remove(in, name, fileaccess.DirectoryFile)
}

// remove removes a name at once; open handles of its file stay valid (M-20). kind is DirectoryFile or
// NonDirectoryFile; a file of another kind is an error. The caller needs DELETE on the file, or the directory's right
// to delete children. A directory with entries is not removed.
func (m *Mount) remove(in *fuse.InHeader, name string, kind fileaccess.CreateOptions) fuse.Status {
	parent, s := m.parentOf(in.NodeId, name)
	if s != fuse.OK {
		return s
	}
	return m.as(in, func(t *worker) fuse.Status {
		h, st := t.openIn(m, parent, name, nt.CreateFileIn{DesiredAccess: winnt.DELETE,
			CreateDisposition: winnt.FILE_OPEN, CreateOptions: uint32(kind)})
		if st != ntstatus.Success {
			return status(st)
		}
		defer t.NtClose(h)
		st = m.nodes.remove(parent, name, func() ntstatus.Status { return t.removeName(m, h) })
		if st != ntstatus.Success {
			t.noteFailed(m, m.nodes.path(parent, name), winnt.DELETE, deletion, st)
		}
		return status(st)
	})
}

// removeName marks the name of an open file for deletion and removes it. A handle without DELETE is an error, and so is
// a directory with entries.
func (t *worker) removeName(m *Mount, h winnt.Handle) ntstatus.Status {
	st := t.NtSetInformationFile(h, nt.FileDispositionInformation, nt.FileDisposition{DeleteFile: true})
	if st != ntstatus.Success {
		return st
	}
	f, _, done, st := m.sys.TreeFile(t.Thread, h)
	defer done()
	if remover, ok := f.(interface{ RemoveName() ntstatus.Status }); ok && st == ntstatus.Success {
		st = remover.RemoveName()
	}
	return st
}

// Flags of renameat2(2).
const (
	renameNoReplace = 1 << iota
	renameExchange
	renameWhiteout
)

// Rename moves a file to another name or directory, and replaces an existing target unless RENAME_NOREPLACE is set. The
// source needs the right of a removal: DELETE on the file or FILE_DELETE_CHILD on its directory. Every other flag, such
// as that for an exchange of names, which Windows does not have, is EINVAL (M-21). Before that it checks the
// directories and names.
func (m *Mount) Rename(_ <-chan struct{}, in *fuse.RenameIn, from, to string) fuse.Status {
	source, s := m.parentOf(in.NodeId, from)
	if s != fuse.OK {
		return s
	}
	target, s := m.parentOf(in.Newdir, to)
	if s != fuse.OK {
		return s
	}
	if in.Flags&^renameNoReplace != 0 {
		return fuse.EINVAL
	}
	return m.as(&in.InHeader, func(t *worker) fuse.Status {
		h, st := t.openIn(m, source, from, nt.CreateFileIn{DesiredAccess: winnt.DELETE,
			CreateDisposition: winnt.FILE_OPEN})
		if st != ntstatus.Success {
			return status(st)
		}
		defer t.NtClose(h)
		file, st := t.identity(m, h)
		if st != ntstatus.Success {
			return status(st)
		}
		st = m.atPath(target, to, func(path string) ntstatus.Status {
			return m.nodes.rename(file, target, to, func() ntstatus.Status {
				return m.sys.RenamePosix(t.Thread, h, m.prefix+path, t.within(target), in.Flags&renameNoReplace == 0, m.backup)
			})
		})
		right := winnt.FILE_ADD_FILE
		switch {
		case file.dir:
			right = winnt.FILE_ADD_SUBDIRECTORY
		case source != target:
			right |= winnt.SYNCHRONIZE // the target directory is opened with both rights (F-57)
		}
		t.noteAdd(m, m.nodes.path(target, ""), right, m.nodes.path(target, to), st)
		return status(st)
	})
}

// Link gives a file another name, and the first one to a file without a name. It needs FILE_WRITE_ATTRIBUTES and
// FILE_READ_ATTRIBUTES on the file. An existing name is EEXIST. The parent needs the right to add a file. Unknown nodes
// are ESTALE.
func (m *Mount) Link(_ <-chan struct{}, in *fuse.LinkIn, name string, out *fuse.EntryOut) fuse.Status {
	parent, s := m.parentOf(in.NodeId, name)
	n := m.nodes.get(in.Oldnodeid)
	switch {
	case s != fuse.OK:
		return s
	case n == nil:
		return fuse.Status(syscall.ESTALE)
	}
	return m.as(&in.InHeader, func(t *worker) fuse.Status {
		// A link needs the right to write attributes of the file (F-59). So does the first name of
		// a file without a name (M-38).
		const want = winnt.FILE_WRITE_ATTRIBUTES | winnt.FILE_READ_ATTRIBUTES
		return t.with(m, n, want, func(h winnt.Handle) fuse.Status {
			st := m.atPath(parent, name, func(path string) ntstatus.Status {
				return m.sys.LinkWithin(t.Thread, h, m.prefix+path, t.within(parent))
			})
			if st != ntstatus.Success {
				t.noteAdd(m, m.nodes.path(parent, ""), winnt.FILE_ADD_FILE|winnt.SYNCHRONIZE, "", st)
				return status(st)
			}
			return m.reply(t, h, parent, name, shown.Shown, out)
		})
	})
}
