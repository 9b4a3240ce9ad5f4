package mount

import (
	"strings"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Attributes that hold the descriptor: the one for programs, and the one in which Samba stores it.
const (
	ntfsACL = "system.ntfs_acl"
	ntACL   = ntacl.Name
)

// served reports whether the name is that of a user attribute (user.*), which the mount stores with the file (M-35).
func served(name string) bool { return strings.HasPrefix(name, "user.") && name != wholeACL }

// describes reports whether the name is that of an attribute whose value is the file's security descriptor.
func describes(name string) bool { return name == ntfsACL || name == ntACL || name == wholeACL }

// unserved returns the errno for an attribute that the mount does not serve: ENODATA for security.* and trusted.*, and
// EOPNOTSUPP for all others.
func unserved(name string) fuse.Status {
	if strings.HasPrefix(name, "security.") || strings.HasPrefix(name, "trusted.") {
		return fuse.ENODATA
	}
	// There are no POSIX ACLs (M-22).
	return fuse.Status(syscall.EOPNOTSUPP)
}

// GetXAttr copies the value of an attribute to out and returns its length. An empty out only queries the length; one
// that is too small gives ERANGE. An attribute that holds the descriptor needs READ_CONTROL, and a user attribute
// FILE_READ_EA. It returns ENODATA for a missing user attribute, ENODATA or EOPNOTSUPP for one that the mount does not
// serve, and then ESTALE for an unknown node.
func (m *Mount) GetXAttr(_ <-chan struct{}, in *fuse.InHeader, name string, out []byte) (uint32, fuse.Status) {
	if !describes(name) && !served(name) {
		return 0, unserved(name)
	}
	n := m.nodes.get(in.NodeId)
	if n == nil {
		return 0, fuse.Status(syscall.ESTALE)
	}
	var value []byte
	s := m.as(in, func(t *worker) (s fuse.Status) {
		switch {
		case served(name):
			value, s = m.extended(t, n, name)
		case name == wholeACL:
			var d *sd.Descriptor
			if d, s = m.readWhole(t, n); s == fuse.OK {
				value = d.Append(nil)
			}
		default:
			value, s = m.descriptor(t, n, name)
		}
		return s
	})
	return fitted(value, s, out)
}

// fitted copies an attribute's value to out and returns the value's length, as getxattr(2) does.
//   - empty out: only the length
//   - out too small: the length and ERANGE, nothing copied
//   - s is not OK: 0 and s
func fitted(value []byte, s fuse.Status, out []byte) (uint32, fuse.Status) {
	switch {
	case s != fuse.OK:
		return 0, s
	case len(out) > 0 && len(value) > len(out):
		return uint32(len(value)), fuse.ERANGE
	}
	copy(out, value)
	return uint32(len(value)), fuse.OK
}

// descriptor returns the encoded descriptor of a file: self-relative for system.ntfs_acl, and in Samba's form for its
// attribute. It needs READ_CONTROL. It includes the SACL if the client holds SeSecurityPrivilege (M-16).
func (m *Mount) descriptor(t *worker, n *node, name string) (value []byte, s fuse.Status) {
	want := winnt.READ_CONTROL
	parts := winnt.OWNER_SECURITY_INFORMATION | winnt.GROUP_SECURITY_INFORMATION | winnt.DACL_SECURITY_INFORMATION
	if t.client.Has(winnt.SeSecurityPrivilege) {
		want |= winnt.ACCESS_SYSTEM_SECURITY
		parts |= winnt.SACL_SECURITY_INFORMATION
	}
	s = t.with(m, n, want, func(h winnt.Handle) fuse.Status {
		d, st := t.NtQuerySecurityObject(h, parts)
		if st != ntstatus.Success {
			return status(st)
		}
		if name == ntfsACL {
			value = d.Append(nil)
			return fuse.OK
		}
		a := ntacl.Attribute{Version: 1, Descriptor: d}
		var err error
		if value, err = a.Append(nil); err != nil {
			return fuse.EIO
		}
		return fuse.OK
	})
	return value, s
}

// SetXAttr sets an attribute of a file to data. An attribute that holds the descriptor changes only the parts that
// differ, each with its own right; data that is not a descriptor is EINVAL. Before that, XATTR_CREATE returns EEXIST
// there, because every file has a descriptor. A user attribute needs FILE_WRITE_EA. All others return EOPNOTSUPP, and
// then an unknown node is ESTALE.
func (m *Mount) SetXAttr(_ <-chan struct{}, in *fuse.SetXAttrIn, name string, data []byte) fuse.Status {
	if !describes(name) && !served(name) {
		return fuse.Status(syscall.EOPNOTSUPP)
	}
	n := m.nodes.get(in.NodeId)
	switch {
	case n == nil:
		return fuse.Status(syscall.ESTALE)
	case served(name):
		return m.as(&in.InHeader, func(t *worker) fuse.Status { return m.extend(t, n, name, data, int(in.Flags)) })
	case in.Flags&xattrCreate != 0:
		return fuse.Status(syscall.EEXIST) // every file has a descriptor
	case name == wholeACL:
		return m.as(&in.InHeader, func(t *worker) fuse.Status { return m.restore(t, n, data) })
	}
	next, err := decoded(name, data)
	if err != nil {
		return fuse.EINVAL
	}
	return m.as(&in.InHeader, func(t *worker) fuse.Status { return m.describe(t, n, next) })
}

// xattrCreate is XATTR_CREATE.
const xattrCreate = 1

// decoded returns the descriptor in the value of an attribute: self-relative for system.ntfs_acl, and Samba's NDR
// encoding for security.NTACL. It returns an error for a damaged value.
func decoded(name string, data []byte) (*sd.Descriptor, error) {
	if name == ntfsACL {
		return sd.Decode(data)
	}
	a, err := ntacl.Decode(data)
	if err != nil {
		return nil, err
	}
	return a.Descriptor, nil
}

// describe replaces the parts of a file's descriptor that next has and that differ (M-16). The caller needs
// READ_CONTROL and the right for each changed part. If no part differs, describe returns OK and changes nothing.
func (m *Mount) describe(t *worker, n *node, next *sd.Descriptor) fuse.Status {
	return t.with(m, n, winnt.READ_CONTROL, func(h winnt.Handle) fuse.Status {
		old, st := t.NtQuerySecurityObject(h, winnt.OWNER_SECURITY_INFORMATION|winnt.GROUP_SECURITY_INFORMATION|
			winnt.DACL_SECURITY_INFORMATION)
		if st != ntstatus.Success {
			return status(st)
		}
		parts, want := differing(old, next)
		if parts == 0 {
			return fuse.OK
		}
		return t.with(m, n, want, func(h winnt.Handle) fuse.Status {
			return t.setSecurity(h, parts, next)
		})
	})
}

// differing returns which parts of next differ from old, and the rights to change these parts (F-50). Both are 0
// without a difference. A SACL in next always differs, because not every caller may read the old SACL. The protection
// flag counts as part of the DACL. Parts that next does not have stay.
func differing(old, next *sd.Descriptor) (parts uint32, want winnt.AccessMask) {
	if o := next.Owner(); !o.IsZero() && o != old.Owner() {
		parts, want = parts|winnt.OWNER_SECURITY_INFORMATION, want|winnt.WRITE_OWNER
	}
	if g := next.Group(); !g.IsZero() && g != old.Group() {
		parts, want = parts|winnt.GROUP_SECURITY_INFORMATION, want|winnt.WRITE_OWNER
	}
	if next.Control()&sd.DACLPresent != 0 {
		a, b := old.DACL(), next.DACL()
		if (a == nil) != (b == nil) || a != nil && !a.Equal(b) || (old.Control()^next.Control())&sd.DACLProtected != 0 {
			parts, want = parts|winnt.DACL_SECURITY_INFORMATION, want|winnt.WRITE_DAC
		}
	}
	if next.Control()&sd.SACLPresent != 0 {
		parts, want = parts|winnt.SACL_SECURITY_INFORMATION, want|winnt.ACCESS_SYSTEM_SECURITY
	}
	return parts, want
}
