package mount

import (
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// wholeACL is the attribute with the whole descriptor. Programs that copy user attributes keep it.
const wholeACL = ntacl.WholeName

// Parts of a descriptor: those that READ_CONTROL shows, and all.
const (
	openParts = winnt.OWNER_SECURITY_INFORMATION | winnt.GROUP_SECURITY_INFORMATION | winnt.DACL_SECURITY_INFORMATION
	allParts  = openParts | winnt.SACL_SECURITY_INFORMATION
)

// readWhole returns the owner, group, DACL and SACL of a file (M-50). The caller needs READ_CONTROL, and
// ACCESS_SYSTEM_SECURITY for a descriptor with a SACL. Without a right readWhole fails, and d must not be used. A SACL
// added during the call counts.
func (m *Mount) readWhole(t *worker, n *node) (d *sd.Descriptor, s fuse.Status) {
	audited := false
	s = t.with(m, n, winnt.READ_CONTROL, func(h winnt.Handle) fuse.Status {
		var st ntstatus.Status
		if d, st = t.NtQuerySecurityObject(h, openParts); st != ntstatus.Success {
			return status(st)
		}
		// Read the stored descriptor last, to notice a SACL that another program adds during this read.
		stored, s := t.descriptorOf(m, h)
		audited = s == fuse.OK && hasSACL(stored)
		return s
	})
	if s != fuse.OK || !audited {
		return d, s
	}
	s = t.with(m, n, winnt.READ_CONTROL|winnt.ACCESS_SYSTEM_SECURITY, func(h winnt.Handle) fuse.Status {
		var st ntstatus.Status
		d, st = t.NtQuerySecurityObject(h, allParts)
		return status(st)
	})
	return d, s
}

// hasSACL reports whether a descriptor has a SACL, even an empty one. A nil descriptor has none.
func hasSACL(d *sd.Descriptor) bool { return d != nil && d.Control()&sd.SACLPresent != 0 }

// setWhole replaces the whole descriptor of a file by the self-relative one in data, in one step. Even without a
// change, the caller needs the rights to read the whole descriptor, and the right for each changed part. If data is
// malformed, or the file could not keep all of data, setWhole returns EINVAL and changes nothing (M-51).
func (m *Mount) setWhole(t *worker, n *node, data []byte) fuse.Status {
	next, err := sd.Decode(data)
	if err == nil {
		next, err = fileaccess.StoredWhole(next)
	}
	if err != nil {
		return fuse.EINVAL
	}
	old, s := m.readWhole(t, n)
	if s != fuse.OK {
		return s
	}
	if (old.Control()^next.Control())&^replaced != 0 || old.Parts().RMControl != next.Parts().RMControl {
		// Setting the parts of a descriptor cannot change these flags.
		return fuse.EINVAL
	}
	if parts, want := diffParts(old, next); parts != 0 {
		s = t.with(m, n, want, func(h winnt.Handle) fuse.Status {
			return t.setSecurity(h, parts, addInheritRequests(next))
		})
	}
	if s == fuse.OK {
		m.nodes.narrowed(n, newNarrowed(t.uid, nil, next))
	}
	return s
}

// Flags of a descriptor that change with a part of it.
const (
	daclFlags = sd.DACLPresent | sd.DACLDefaulted | sd.DACLAutoInherited | sd.DACLProtected
	saclFlags = sd.SACLPresent | sd.SACLDefaulted | sd.SACLAutoInherited | sd.SACLProtected
	replaced  = daclFlags | saclFlags | sd.OwnerDefaulted | sd.GroupDefaulted
)

// diffParts returns which parts of old and next differ, and the rights to replace these parts (M-51). Both are 0
// without a difference. ACCESS_SYSTEM_SECURITY is included only if the SACL or its flags differ. Neither descriptor
// may be nil.
func diffParts(old, next *sd.Descriptor) (parts uint32, want winnt.AccessMask) {
	flags := old.Control() ^ next.Control()
	if old.Owner() != next.Owner() || flags&sd.OwnerDefaulted != 0 {
		parts, want = parts|winnt.OWNER_SECURITY_INFORMATION, want|winnt.WRITE_OWNER
	}
	if old.Group() != next.Group() || flags&sd.GroupDefaulted != 0 {
		parts, want = parts|winnt.GROUP_SECURITY_INFORMATION, want|winnt.WRITE_OWNER
	}
	if flags&daclFlags != 0 || !same(old.DACL(), next.DACL()) {
		parts, want = parts|winnt.DACL_SECURITY_INFORMATION, want|winnt.WRITE_DAC
	}
	if flags&saclFlags != 0 || !same(old.SACL(), next.SACL()) {
		parts, want = parts|winnt.SACL_SECURITY_INFORMATION, want|winnt.ACCESS_SYSTEM_SECURITY
	}
	return parts, want
}

// same reports whether two lists are equal, or both nil.
func same(a, b *sd.ACL) bool { return (a == nil) == (b == nil) && (a == nil || a.Equal(b)) }

// addInheritRequests returns a copy of d with an AUTO_INHERIT_REQ flag for each AUTO_INHERITED flag. Without that
// request, setting the descriptor stores no AUTO_INHERITED flag (S-79). d stays unchanged.
func addInheritRequests(d *sd.Descriptor) *sd.Descriptor {
	p := d.Parts()
	if p.Control&sd.DACLAutoInherited != 0 {
		p.Control |= sd.DACLAutoInheritRequest
	}
	if p.Control&sd.SACLAutoInherited != 0 {
		p.Control |= sd.SACLAutoInheritRequest
	}
	return sd.New(p)
}
