package sd

import (
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Groups of SECURITY_INFORMATION bits, which package winnt names.
const (
	saclParts = winnt.LABEL_SECURITY_INFORMATION | winnt.ATTRIBUTE_SECURITY_INFORMATION |
		winnt.SCOPE_SECURITY_INFORMATION | winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION |
		winnt.ACCESS_FILTER_SECURITY_INFORMATION
	ownerParts = winnt.OWNER_SECURITY_INFORMATION | winnt.GROUP_SECURITY_INFORMATION
	everyPart  = ownerParts | winnt.DACL_SECURITY_INFORMATION | winnt.SACL_SECURITY_INFORMATION

	protectDACL = winnt.PROTECTED_DACL_SECURITY_INFORMATION | winnt.UNPROTECTED_DACL_SECURITY_INFORMATION
	protectSACL = winnt.PROTECTED_SACL_SECURITY_INFORMATION | winnt.UNPROTECTED_SACL_SECURITY_INFORMATION

	// The parts that need each right to be read or changed.
	readControlReads = ownerParts | winnt.DACL_SECURITY_INFORMATION | saclParts | winnt.BACKUP_SECURITY_INFORMATION
	saclReads        = winnt.SACL_SECURITY_INFORMATION | winnt.BACKUP_SECURITY_INFORMATION
	writeOwnerSets   = ownerParts | winnt.LABEL_SECURITY_INFORMATION | winnt.BACKUP_SECURITY_INFORMATION
	writeDACSets     = winnt.DACL_SECURITY_INFORMATION | protectDACL | winnt.ATTRIBUTE_SECURITY_INFORMATION |
		winnt.ACCESS_FILTER_SECURITY_INFORMATION | winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION |
		winnt.BACKUP_SECURITY_INFORMATION
	saclSets = winnt.SACL_SECURITY_INFORMATION | winnt.SCOPE_SECURITY_INFORMATION | protectSACL |
		winnt.BACKUP_SECURITY_INFORMATION
)

// PartOf returns the SECURITY_INFORMATION bit that selects the SACL entries of type t. For a type without its own bit
// this is winnt.SACL_SECURITY_INFORMATION.
func PartOf(t Type) uint32 {
	switch t {
	case SystemMandatoryLabel:
		return winnt.LABEL_SECURITY_INFORMATION
	case SystemResourceAttribute:
		return winnt.ATTRIBUTE_SECURITY_INFORMATION
	case SystemScopedPolicyID:
		return winnt.SCOPE_SECURITY_INFORMATION
	case SystemProcessTrustLabel:
		return winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION
	case SystemAccessFilter:
		return winnt.ACCESS_FILTER_SECURITY_INFORMATION
	}
	return winnt.SACL_SECURITY_INFORMATION
}

// QueryAccess returns the access that a handle needs to read parts of a descriptor, as SeQuerySecurityAccessMask does.
// information has the SECURITY_INFORMATION bits of the parts.
func QueryAccess(information uint32) winnt.AccessMask {
	var m winnt.AccessMask
	if information&readControlReads != 0 {
		m |= winnt.READ_CONTROL
	}
	if information&saclReads != 0 {
		m |= winnt.ACCESS_SYSTEM_SECURITY
	}
	return m
}

// SetAccess returns the access that a handle needs to change parts of a descriptor, as SeSetSecurityAccessMask does.
// information has the SECURITY_INFORMATION bits of the parts.
func SetAccess(information uint32) winnt.AccessMask {
	var m winnt.AccessMask
	if information&writeOwnerSets != 0 {
		m |= winnt.WRITE_OWNER
	}
	if information&writeDACSets != 0 {
		m |= winnt.WRITE_DAC
	}
	if information&saclSets != 0 {
		m |= winnt.ACCESS_SYSTEM_SECURITY
	}
	return m
}

// Select returns a descriptor with only some parts of d, as SeQuerySecurityDescriptorInfo does. information has the
// SECURITY_INFORMATION bits of the parts. Without winnt.SACL_SECURITY_INFORMATION the SACL has only entries of the
// selected types. winnt.BACKUP_SECURITY_INFORMATION selects every part. The result for nil has no parts.
func Select(d *Descriptor, information uint32) *Descriptor {
	if information&winnt.BACKUP_SECURITY_INFORMATION != 0 {
		information |= everyPart
	}
	p := d.Parts()
	if information&winnt.OWNER_SECURITY_INFORMATION == 0 {
		p.Owner, p.Control = sid.SID{}, p.Control&^OwnerDefaulted
	}
	if information&winnt.GROUP_SECURITY_INFORMATION == 0 {
		p.Group, p.Control = sid.SID{}, p.Control&^GroupDefaulted
	}
	if information&winnt.DACL_SECURITY_INFORMATION == 0 {
		p.DACL, p.Control = nil, p.Control&^daclControl
	}
	if information&winnt.SACL_SECURITY_INFORMATION == 0 {
		kept := pick(p.SACL, func(t Type) bool { return PartOf(t)&information != 0 })
		// A list without entries is part of every kind of its entries (S-74).
		empty := p.SACL != nil && p.SACL.Len() == 0 && information&saclParts != 0
		revision := p.SACL.Revision()
		p.SACL = nil
		if len(kept) == 0 && !empty {
			p.Control &^= saclControl
		} else if l, err := newACL(revision, kept); err == nil { // never longer than it was
			p.SACL = l
		}
	}
	return New(p)
}

const (
	daclControl = DACLPresent | DACLDefaulted | DACLAutoInheritRequest | DACLAutoInherited | DACLProtected
	saclControl = SACLPresent | SACLDefaulted | SACLAutoInheritRequest | SACLAutoInherited | SACLProtected
)

// pick returns the entries of a list whose type satisfies wantType, in their order. It returns nil if there are none,
// and for a nil list.
func pick(acl *ACL, wantType func(Type) bool) []ACE {
	var out []ACE
	for _, a := range acl.All() {
		if wantType(a.Type()) {
			out = append(out, a)
		}
	}
	return out
}
