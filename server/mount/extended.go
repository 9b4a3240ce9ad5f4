package mount

import (
	"strings"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// extendable is an open file that has extended attributes, by their names on the host.
type extendable interface {
	Extended(name string) ([]byte, ntstatus.Status)
	ExtendedNames() ([]string, ntstatus.Status)
	SetExtended(name string, value []byte, how int) ntstatus.Status
	RemoveExtended(name string) ntstatus.Status
}

// extends opens a file for what is done to its extended attributes. FUSE does not say by which
// descriptor a program asks, so that it is decided anew (M-35).
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

// extended reads an extended attribute, with FILE_READ_EA. M-35
func (m *Mount) extended(t *worker, n *node, name string) (value []byte, s fuse.Status) {
	s = m.extends(t, n, winnt.FILE_READ_EA, func(e extendable) (st ntstatus.Status) {
		value, st = e.Extended(name)
		return st
	})
	return value, s
}

// extend sets an extended attribute, with FILE_WRITE_EA. M-35
func (m *Mount) extend(t *worker, n *node, name string, value []byte, how int) fuse.Status {
	return m.extends(t, n, winnt.FILE_WRITE_EA, func(e extendable) ntstatus.Status {
		return e.SetExtended(name, value, how)
	})
}

// ListXAttr implements fuse.RawFileSystem: extended attributes are listed to who may read
// them, and to others none (M-36). Those that stand for the descriptor
// are not, or every copy with attributes would copy it, or fail.
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
		// A program that copies a file it may read goes on without them (M-36).
		return 0, fuse.OK
	}
	return fitted([]byte(list.String()), s, out)
}

// RemoveXAttr implements fuse.RawFileSystem: a descriptor is never taken away (M-16), an
// extended attribute by who may write it (M-35).
func (m *Mount) RemoveXAttr(_ <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	switch {
	case name == ntfsACL || name == ntACL:
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
