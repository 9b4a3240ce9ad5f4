package mount

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// The nosymfollow flags of mount(2) and statfs(2), since Linux 5.10.
const (
	mountNoFollow = 0x100  // MS_NOSYMFOLLOW
	statNoFollow  = 0x2000 // ST_NOSYMFOLLOW
)

// mountFlags returns the flags of mount(2), with nosymfollow unless follow is set.
func mountFlags(follow bool) uintptr {
	const always = unix.MS_NOSUID | unix.MS_NODEV
	if follow {
		return always
	}
	return always | mountNoFollow
}

// readLinks decides once whether readlink works: if links may be followed, or if the mount has the nosymfollow flag.
// Old kernels and fusermount3 do not support that flag. There readlink fails with EPERM, so no program follows a link
// (M-34).
func (m *Mount) readLinks(follow bool) {
	var s unix.Statfs_t
	m.linksRead.Store(follow || unix.Statfs(m.directory, &s) == nil && s.Flags&statNoFollow != 0)
}

// Symlink creates a symbolic link to target and fills out with it. The link is a new file that inherits its descriptor
// from the directory (M-33). The target need not exist. Symlink returns EPERM if the tree does not support links, and
// EINVAL or ENAMETOOLONG for an invalid name. An existing name is the error of the status.
func (m *Mount) Symlink(_ <-chan struct{}, in *fuse.InHeader, target, name string, out *fuse.EntryOut) fuse.Status {
	parent, s := m.parentOf(in.NodeId, name)
	if s != fuse.OK {
		return s
	}
	return m.as(in, func(t *worker) fuse.Status {
		var h winnt.Handle
		st := m.atPath(parent, name, func(path string) (st ntstatus.Status) {
			h, st = m.sys.MakeLink(t.Thread, m.nameOf(path), target, t.within(parent))
			t.note(path, &nt.CreateFileIn{DesiredAccess: winnt.FILE_READ_ATTRIBUTES | winnt.SYNCHRONIZE,
				CreateDisposition: winnt.FILE_CREATE,
				CreateOptions:     uint32(fileaccess.NonDirectoryFile | fileaccess.OpenReparsePoint)}, st)
			return st
		})
		switch st {
		case ntstatus.Success:
		case ntstatus.NotSupported:
			// symlink(2) defines EPERM for a file system without links.
			return t.refuse("because F-192: a tree whose descriptors are in a user attribute (user.*) has no symbolic links")
		default:
			return status(st)
		}
		defer t.NtClose(h)
		s := m.reply(t, h, parent, name, shown.Shown, out)
		if s == fuse.OK {
			m.nodes.created(m.nodes.get(out.NodeId))
		}
		return s
	})
}

// Readlink returns the target of a symbolic link. The caller needs FILE_READ_DATA on the link (M-33). Readlink returns
// ESTALE for an unknown node. It returns EPERM if readLinks has disabled readlink on this mount, because the host's
// kernel would follow links that the configuration forbids. For a node that is not a link it returns the tree's error.
func (m *Mount) Readlink(_ <-chan struct{}, in *fuse.InHeader) (target []byte, s fuse.Status) {
	n := m.nodes.get(in.NodeId)
	switch {
	case n == nil:
		return nil, fuse.Status(syscall.ESTALE)
	case !m.linksRead.Load():
		return nil, fuse.EPERM
	}
	s = m.as(in, func(t *worker) fuse.Status {
		return t.with(m, n, winnt.FILE_READ_DATA, func(h winnt.Handle) fuse.Status {
			f, done, st := t.file(m, h)
			if st != ntstatus.Success {
				return status(st)
			}
			defer done()
			text, st := f.Target()
			target = []byte(text)
			return status(st)
		})
	})
	return target, s
}
