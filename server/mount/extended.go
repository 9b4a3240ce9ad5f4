package mount

import (
	"strings"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// extendable is an open file of a tree that supports extended attributes, by their names on the host.
type extendable interface {
	Extended(name string) ([]byte, ntstatus.Status)
	ExtendedNames() ([]string, ntstatus.Status)
	SetExtended(name string, value []byte, how int) ntstatus.Status
	RemoveExtended(name string) ntstatus.Status
}

// extends opens a file with the rights in want and runs f on its extended attributes. Each request is its own access
// check, because FUSE does not report the program's descriptor (M-35). Errors:
//   - missing rights: EACCES
//   - f reports a missing attribute: ENODATA
//   - the tree has no extended attributes: EOPNOTSUPP
func (m *Mount) extends(t *worker, n *node, want winnt.AccessMask, f func(extendable) ntstatus.Status) fuse.Status {
	return t.with(m, n, want, func(h winnt.Handle) fuse.Status {
		of, _, done, st := m.sys.TreeFile(t.Thread, h)
		defer done()
		if st != ntstatus.Success {
			return status(st)
		}
		e, ok := of.(extendable)
		if !ok {
			return fuse.Status(syscall.EOPNOTSUPP)
		}
		st = f(e)
		if st == ntstatus.ObjectNameNotFound {
			return fuse.ENODATA
		}
		return status(st)
	})
}

// extended returns the value of a user attribute (user.*) of a file. It needs FILE_READ_EA, and returns ENODATA for a
// missing attribute (M-35).
func (m *Mount) extended(t *worker, n *node, name string) (value []byte, s fuse.Status) {
	s = m.extends(t, n, winnt.FILE_READ_EA, func(e extendable) (st ntstatus.Status) {
		value, st = e.Extended(name)
		return st
	})
	return value, s
}

// extend sets a user attribute (user.*) of a file. It needs FILE_WRITE_EA. how has the flags of setxattr(2): 0 creates
// or replaces, XATTR_CREATE only creates, XATTR_REPLACE only replaces (M-35).
func (m *Mount) extend(t *worker, n *node, name string, value []byte, how int) fuse.Status {
	return m.extends(t, n, winnt.FILE_WRITE_EA, func(e extendable) ntstatus.Status {
		return e.SetExtended(name, value, how)
	})
}

// ListXAttr writes the names of a file's user attributes to out, each followed by a zero byte, and returns their
// length. An empty out only queries the length; one that is too small gives ERANGE. Without FILE_READ_EA the list has
// no user attribute, and the call succeeds (M-36). An unknown node is ESTALE. The list leaves out the attributes that
// hold the descriptor. If the mount lists descriptors, it adds the attribute with the whole one, except for a link,
// which has no user attributes on Linux (M-52).
func (m *Mount) ListXAttr(_ <-chan struct{}, in *fuse.InHeader, out []byte) (uint32, fuse.Status) {
	n := m.nodes.get(in.NodeId)
	if n == nil {
		return 0, fuse.Status(syscall.ESTALE)
	}
	var list strings.Builder
	s := m.as(in, func(t *worker) fuse.Status {
		return m.extends(t, n, winnt.FILE_READ_EA, func(e extendable) ntstatus.Status {
			names, st := e.ExtendedNames()
			for _, name := range names {
				list.WriteString(name + "\x00")
			}
			return st
		})
	})
	if s == fuse.EACCES || s == fuse.Status(syscall.EOPNOTSUPP) {
		// Report no attributes, so that a program can copy a file that it may read (M-36).
		s = fuse.OK
	}
	if m.listed && !n.file.link {
		list.WriteString(wholeACL + "\x00")
	}
	return fitted([]byte(list.String()), s, out)
}

// RemoveXAttr removes a user attribute. It needs FILE_WRITE_EA, and returns ENODATA for a missing one (M-35). Before
// the node is checked, an attribute that holds the descriptor gives EPERM (M-16, M-52), security.* and trusted.*
// ENODATA, and others EOPNOTSUPP. An unknown node is ESTALE.
func (m *Mount) RemoveXAttr(_ <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	switch {
	case describes(name):
		return fuse.EPERM
	case !served(name):
		return unserved(name)
	}
	n := m.nodes.get(in.NodeId)
	if n == nil {
		return fuse.Status(syscall.ESTALE)
	}
	return m.as(in, func(t *worker) fuse.Status {
		return m.extends(t, n, winnt.FILE_WRITE_EA, func(e extendable) ntstatus.Status { return e.RemoveExtended(name) })
	})
}
