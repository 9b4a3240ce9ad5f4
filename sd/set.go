package sd

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// SetRequest is the input of [Set]. The zero value changes nothing.
type SetRequest struct {
	Information uint32 // SECURITY_INFORMATION
	Old         *Descriptor
	New         *Descriptor // the parts to put in
	Flags       AutoInherit // DACLAutoInherit, SACLAutoInherit, AvoidOwnerCheck
	Subject     *Caller     // nil checks neither owner nor labels
	IsContainer bool
	Mapping     *winnt.GenericMapping // maps generic bits of effective entries; nil keeps them
	Bare        bool                  // the RTL call: control bits are stored as they are given (S-79)
}

// Set returns, as SeSetSecurityDescriptorInfoEx, Old with the chosen parts of New, a
// new value (S-73, S-76). The statuses: STATUS_INVALID_PARAMETER for protected
// and unprotected at once (S-75), STATUS_INVALID_OWNER,
// STATUS_INVALID_PRIMARY_GROUP (S-73), STATUS_PRIVILEGE_NOT_HELD for a label
// above the caller's, STATUS_ACCESS_DENIED for a trust label it does not
// dominate, STATUS_INVALID_ACL for a list that would be too long.
func Set(r *SetRequest) (*Descriptor, ntstatus.Status) {
	i := r.Information
	// A list is to be protected and unprotected at once (S-75).
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

func (r *SetRequest) setOwners(p *Parts, i uint32) ntstatus.Status {
	if i&winnt.OWNER_SECURITY_INFORMATION != 0 {
		o := r.New.Owner()
		// The owner may not be taken away (S-73).
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
		// Nor may the group (S-73).
		if r.New.Group().IsZero() {
			return ntstatus.InvalidPrimaryGroup
		}
		p.Group = r.New.Group()
		p.Control = p.Control&^GroupDefaulted | r.New.Control()&GroupDefaulted
	}
	return ntstatus.Success
}

// checkLabels refuses labels the caller may not give.
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
	if i&winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION != 0 {
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
	// A list that is not given is removed (S-73).
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
	// A whole list is taken away by naming none (S-73); where a kind of entries was taken away, a list without
	// entries stays (S-74).
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

// merge returns the list to store. With auto-inheritance it is the new explicit
// entries and the old inherited ones (S-75); otherwise the new list as it is,
// marks of inheritance included (S-79). inherited tells that the result
// follows its parent.
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

// storedControl returns the part of New's control word that is stored for one list: all of
// it by the bare call; through an object, AUTO_INHERITED only together with
// AUTO_INHERIT_REQ, and AUTO_INHERIT_REQ never (S-79).
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

func protect(c Control, i, set, clear uint32, bit Control) Control {
	switch {
	case i&set != 0:
		return c | bit
	case i&clear != 0:
		return c &^ bit
	}
	return c
}

// dominates reports whether trust label a, S-1-19-type-level, is at least b in
// both respects. No trust dominates nothing.
func dominates(a, b sid.SID) bool {
	return a.SubAuthorities() == 2 && b.SubAuthorities() == 2 && a.Sub(0) >= b.Sub(0) && a.Sub(1) >= b.Sub(1)
}

// SetControl applies RtlSetControlSecurityDescriptor to a control word: only the
// AUTO_INHERIT_REQ, AUTO_INHERITED and PROTECTED bits may be named or set;
// anything else is STATUS_INVALID_PARAMETER (S-26).
func SetControl(c, mask, bits Control) (Control, ntstatus.Status) {
	const mutable Control = 0x3F00
	if mask&^mutable != 0 || bits&^mask != 0 {
		return c, ntstatus.InvalidParameter
	}
	return c&^mask | bits, ntstatus.Success
}
