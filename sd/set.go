package sd

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// SetRequest is the input of [Set]: which parts of descriptor Old to replace by those of New, and who asks. The zero
// value changes nothing.
type SetRequest struct {
	Information uint32 // SECURITY_INFORMATION
	Old         *Descriptor
	New         *Descriptor // the parts to put in
	Flags       AutoInherit // DACLAutoInherit, SACLAutoInherit, AvoidOwnerCheck
	Subject     *Caller     // nil checks neither owner nor labels
	IsContainer bool
	Mapping     *winnt.GenericMapping // maps generic bits of effective entries; nil keeps them
	Bare        bool                  // the RTL call: control bits are stored unchanged (S-79)
}

// Set returns a new value: Old with the selected parts of New, as
// SeSetSecurityDescriptorInfoEx does (S-73, S-76). It fails with
// STATUS_INVALID_PARAMETER for a request to protect and unprotect together (S-75),
// and with STATUS_INVALID_OWNER or STATUS_INVALID_PRIMARY_GROUP for a bad owner or
// group (S-73). A label above the caller's fails with STATUS_PRIVILEGE_NOT_HELD, and
// a trust label that the caller does not dominate with STATUS_ACCESS_DENIED. A list
// that would be too long fails with STATUS_INVALID_ACL.
func Set(r *SetRequest) (*Descriptor, ntstatus.Status) {
	i := r.Information
	// A request cannot protect and unprotect a list at once (S-75).
	if i&protectDACL == protectDACL || i&protectSACL == protectSACL {
		return nil, ntstatus.InvalidParameter
	}
	if i&winnt.BACKUP_SECURITY_INFORMATION != 0 {
		i |= everyPart
	}
	p := r.Old.Parts()
	if st := r.setOwners(&p, i); st != ntstatus.Success {
		return nil, st
	}
	if st := r.checkLabels(i); st != ntstatus.Success {
		return nil, st
	}
	h := &Heir{Container: r.IsContainer, Owner: p.Owner, Group: p.Group, Mapping: r.Mapping}
	if i&(winnt.DACL_SECURITY_INFORMATION|protectDACL) != 0 {
		if st := r.setDACL(&p, i, h); st != ntstatus.Success {
			return nil, st
		}
	}
	if i&(winnt.SACL_SECURITY_INFORMATION|saclParts|protectSACL) != 0 {
		if st := r.setSACL(&p, i, h); st != ntstatus.Success {
			return nil, st
		}
	}
	return New(p), ntstatus.Success
}

// setOwners stores the new owner and group in p, if i selects them. A missing owner, or one that the subject may not
// assign, gives STATUS_INVALID_OWNER; a missing group gives STATUS_INVALID_PRIMARY_GROUP (S-61, S-73).
func (r *SetRequest) setOwners(p *Parts, i uint32) ntstatus.Status {
	if i&winnt.OWNER_SECURITY_INFORMATION != 0 {
		o := r.New.Owner()
		// The owner cannot be removed (S-73).
		if o.IsZero() {
			return ntstatus.InvalidOwner
		}
		if r.Subject != nil && r.Flags&AvoidOwnerCheck == 0 && !r.Subject.mayAssign(o) {
			// The subject may not make this SID an owner (S-61).
			return ntstatus.InvalidOwner
		}
		p.Owner = o
		p.Control = p.Control&^OwnerDefaulted | r.New.Control()&OwnerDefaulted
	}
	if i&winnt.GROUP_SECURITY_INFORMATION != 0 {
		// The group cannot be removed either (S-73).
		if r.New.Group().IsZero() {
			return ntstatus.InvalidPrimaryGroup
		}
		p.Group = r.New.Group()
		p.Control = p.Control&^GroupDefaulted | r.New.Control()&GroupDefaulted
	}
	return ntstatus.Success
}

// checkLabels checks that the caller may set the labels in the new SACL. It returns STATUS_PRIVILEGE_NOT_HELD for a
// new mandatory label that the caller may not set. It returns STATUS_ACCESS_DENIED if the request selects the trust
// label or the whole SACL, and the caller does not dominate the old and the new trust label.
func (r *SetRequest) checkLabels(i uint32) ntstatus.Status {
	if r.Subject == nil || r.Subject.Kernel {
		return ntstatus.Success
	}
	if i&(winnt.LABEL_SECURITY_INFORMATION|winnt.SACL_SECURITY_INFORMATION) != 0 {
		for _, a := range pick(r.New.SACL(), func(t Type) bool { return t == SystemMandatoryLabel }) {
			if !r.Subject.mayLabel(a.SID()) {
				return ntstatus.PrivilegeNotHeld
			}
		}
	}
	// Replacing the whole list replaces the trust label too (S-86).
	if i&(winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION|winnt.SACL_SECURITY_INFORMATION) != 0 {
		for _, l := range [...]*ACL{r.Old.SACL(), r.New.SACL()} {
			for _, a := range pick(l, func(t Type) bool { return t == SystemProcessTrustLabel }) {
				if !dominates(r.Subject.Trust, a.SID()) {
					return ntstatus.AccessDenied
				}
			}
		}
	}
	return ntstatus.Success
}

// setDACL stores the new DACL and its control bits in p, as far as i selects them. A new descriptor without a DACL
// removes it (S-73). It returns STATUS_INVALID_ACL if the list would be too long.
func (r *SetRequest) setDACL(p *Parts, i uint32, h *Heir) ntstatus.Status {
	var in []ACE
	if i&winnt.DACL_SECURITY_INFORMATION != 0 {
		p.Control = p.Control&^daclControl | r.storedControl(daclControl, DACLAutoInherited, DACLAutoInheritRequest)
		in = r.New.DACL().Slice()
	} else {
		in = r.Old.DACL().Slice()
	}
	p.Control = protect(p.Control, i, winnt.PROTECTED_DACL_SECURITY_INFORMATION,
		winnt.UNPROTECTED_DACL_SECURITY_INFORMATION, DACLProtected)
	if i&winnt.DACL_SECURITY_INFORMATION == 0 { // only the bit changes
		return ntstatus.Success
	}
	// A nil new list removes the old one (S-73).
	if r.New.DACL() == nil {
		p.DACL = nil
		return ntstatus.Success
	}
	auto := r.Flags&DACLAutoInherit != 0
	aces, inherited := r.merge(in, r.Old.DACL(), auto, p.Control&DACLProtected != 0, h)
	if inherited {
		p.Control |= DACLAutoInherited
	}
	l, err := newACL(r.New.DACL().Revision(), aces)
	if err != nil {
		return ntstatus.InvalidACL
	}
	p.DACL = l
	return ntstatus.Success
}

// setSACL stores the new SACL and its control bits in p. If i selects only some types of its entries, the others stay
// as they are (S-73, S-74). It returns STATUS_INVALID_ACL if the list would be too long.
func (r *SetRequest) setSACL(p *Parts, i uint32, h *Heir) ntstatus.Status {
	if i&(winnt.SACL_SECURITY_INFORMATION|saclParts) == 0 {
		p.Control = protect(p.Control, i, winnt.PROTECTED_SACL_SECURITY_INFORMATION,
			winnt.UNPROTECTED_SACL_SECURITY_INFORMATION, SACLProtected)
		return ntstatus.Success
	}
	old, in := r.Old.SACL(), r.New.SACL().Slice()
	revision := max(r.New.SACL().Revision(), 2)
	auto := r.Flags&SACLAutoInherit != 0
	if i&winnt.SACL_SECURITY_INFORMATION != 0 {
		p.Control = p.Control&^saclControl | r.storedControl(saclControl, SACLAutoInherited, SACLAutoInheritRequest)
	} else {
		// Only entries of the types chosen are replaced (S-74).
		chosen := func(t Type) bool { return PartOf(t)&i != 0 }
		in = append(pick(old, func(t Type) bool { return !chosen(t) }), pick(r.New.SACL(), chosen)...)
		revision = max(revision, old.Revision())
		p.Control |= SACLPresent
		auto = false
	}
	p.Control = protect(p.Control, i, winnt.PROTECTED_SACL_SECURITY_INFORMATION,
		winnt.UNPROTECTED_SACL_SECURITY_INFORMATION, SACLProtected)
	// A nil new list removes the whole SACL (S-73). If only some types are removed, an empty list can remain (S-74).
	if i&winnt.SACL_SECURITY_INFORMATION != 0 && r.New.SACL() == nil {
		p.SACL = nil
		return ntstatus.Success
	}
	aces, inherited := r.merge(in, old, auto, p.Control&SACLProtected != 0, h)
	if inherited {
		p.Control |= SACLAutoInherited
	}
	l, err := newACL(revision, aces)
	if err != nil {
		return ntstatus.InvalidACL
	}
	p.SACL = l
	return ntstatus.Success
}

// merge returns the entries of the DACL or SACL to store, from the new entries in and the old list. With
// auto-inheritance these are the explicit entries of in and the inherited ones of old, and inherited is true. If the
// list becomes protected, they are all entries of in, each as an explicit one (S-75). Without auto-inheritance the
// list is in, with its inheritance flags (S-79). inherited is false in both cases.
func (r *SetRequest) merge(in []ACE, old *ACL, auto, protected bool, h *Heir) (aces []ACE, inherited bool) {
	for _, a := range in {
		switch {
		case auto && protected:
			a = a.WithFlags(a.Flags() &^ Inherited)
		case auto && a.Flags()&Inherited != 0:
			continue
		}
		switch {
		case a.Flags()&InheritOnly != 0:
			aces = append(aces, a)
		case auto: // The entry is treated as on creation (S-65).
			aces = h.split(aces, a, false)
		default:
			aces = append(aces, h.effective(a, false, false))
		}
	}
	if !auto || protected {
		return aces, false
	}
	for _, a := range old.All() {
		if a.Flags()&Inherited != 0 {
			aces = append(aces, a)
		}
	}
	return aces, true
}

// storedControl returns the control bits to store for the DACL or the SACL. list, inherited and request are all its
// bits, its AUTO_INHERITED and its AUTO_INHERIT_REQ bit. The bare routine stores all bits of New. Setting through an
// object stores AUTO_INHERITED only if it was requested, and never the request itself (S-79).
func (r *SetRequest) storedControl(list, inherited, request Control) Control {
	c := r.New.Control() & list
	if !r.Bare {
		if c&request == 0 {
			c &^= inherited
		}
		c &^= request
	}
	return c
}

// protect returns control word c with bit, a PROTECTED bit, set or cleared if i has the SECURITY_INFORMATION bit set
// or clear. If it has both, the bit is set.
func protect(c Control, i, set, clear uint32, bit Control) Control {
	switch {
	case i&set != 0:
		return c | bit
	case i&clear != 0:
		return c &^ bit
	}
	return c
}

// dominates reports whether trust label a (S-1-19-type-level) has at least the type and the level of b. It returns
// false if either does not have two sub-authorities, as the zero SID.
func dominates(a, b sid.SID) bool {
	return a.SubAuthorities() == 2 && b.SubAuthorities() == 2 && a.Sub(0) >= b.Sub(0) && a.Sub(1) >= b.Sub(1)
}

// SetControl applies RtlSetControlSecurityDescriptor to a control word: only the
// DACL_TRUSTED, SERVER_SECURITY, AUTO_INHERIT_REQ, AUTO_INHERITED and PROTECTED
// bits may be in mask. For another bit in mask, or a bit that is in bits but not
// in mask, it returns c unchanged and STATUS_INVALID_PARAMETER (S-26).
func SetControl(c, mask, bits Control) (Control, ntstatus.Status) {
	const mutable Control = 0x3FC0
	if mask&^mutable != 0 || bits&^mask != 0 {
		return c, ntstatus.InvalidParameter
	}
	return c&^mask | bits, ntstatus.Success
}
