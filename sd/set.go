package sd

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// SetRequest is the input of [Set]: which parts of descriptor Old to replace by those of New, and the caller. The zero
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

// Set returns a new value: Old with the selected parts of New, as SeSetSecurityDescriptorInfoEx does (S-73, S-76). It
// fails with one of these statuses:
//   - STATUS_INVALID_PARAMETER for a request to protect and unprotect together (S-75)
//   - STATUS_INVALID_OWNER or STATUS_INVALID_PRIMARY_GROUP for a bad owner or group (S-73)
//   - STATUS_PRIVILEGE_NOT_HELD for a label above the caller's
//   - STATUS_ACCESS_DENIED for a trust label that the caller does not dominate
//   - STATUS_INVALID_ACL for a list that would be too long
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

// setOwners stores the new owner and group in parts, as far as information selects them. A missing owner, or one that
// the subject may not assign, gives STATUS_INVALID_OWNER. A missing group gives STATUS_INVALID_PRIMARY_GROUP (S-61,
// S-73).
func (r *SetRequest) setOwners(parts *Parts, information uint32) ntstatus.Status {
	if information&winnt.OWNER_SECURITY_INFORMATION != 0 {
		o := r.New.Owner()
		// The owner cannot be removed (S-73).
		if o.IsZero() {
			return ntstatus.InvalidOwner
		}
		if r.Subject != nil && r.Flags&AvoidOwnerCheck == 0 && !r.Subject.mayAssign(o) {
			// The subject may not make this SID an owner (S-61).
			return ntstatus.InvalidOwner
		}
		parts.Owner = o
		parts.Control = parts.Control&^OwnerDefaulted | r.New.Control()&OwnerDefaulted
	}
	if information&winnt.GROUP_SECURITY_INFORMATION != 0 {
		// The group cannot be removed either (S-73).
		if r.New.Group().IsZero() {
			return ntstatus.InvalidPrimaryGroup
		}
		parts.Group = r.New.Group()
		parts.Control = parts.Control&^GroupDefaulted | r.New.Control()&GroupDefaulted
	}
	return ntstatus.Success
}

// checkLabels checks that the caller may set the labels in the new SACL. information has the SECURITY_INFORMATION
// bits of the request. Kernel mode and a nil Subject may set all labels.
//   - STATUS_PRIVILEGE_NOT_HELD: the caller may not set a mandatory label
//   - STATUS_ACCESS_DENIED: the caller does not dominate a replaced or new trust label
func (r *SetRequest) checkLabels(information uint32) ntstatus.Status {
	if r.Subject == nil || r.Subject.Kernel {
		return ntstatus.Success
	}
	if information&(winnt.LABEL_SECURITY_INFORMATION|winnt.SACL_SECURITY_INFORMATION) != 0 {
		for _, a := range pick(r.New.SACL(), func(t Type) bool { return t == SystemMandatoryLabel }) {
			if !r.Subject.mayLabel(a.SID()) {
				return ntstatus.PrivilegeNotHeld
			}
		}
	}
	// Replacing the whole list replaces the trust label too (S-86).
	if information&(winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION|winnt.SACL_SECURITY_INFORMATION) != 0 {
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

// setDACL stores the new DACL and its control bits in parts, as far as information selects them. A new descriptor
// without a DACL removes it (S-73). It returns STATUS_INVALID_ACL if the list would be too long.
func (r *SetRequest) setDACL(parts *Parts, information uint32, heir *Heir) ntstatus.Status {
	if information&winnt.DACL_SECURITY_INFORMATION != 0 {
		parts.Control = parts.Control&^daclControl | r.storedControl(daclControl, DACLAutoInherited, DACLAutoInheritRequest)
	}
	parts.Control = protect(parts.Control, information, winnt.PROTECTED_DACL_SECURITY_INFORMATION,
		winnt.UNPROTECTED_DACL_SECURITY_INFORMATION, DACLProtected)
	if information&winnt.DACL_SECURITY_INFORMATION == 0 { // only the bit changes
		return ntstatus.Success
	}
	// A nil new list removes the old one (S-73).
	if r.New.DACL() == nil {
		parts.DACL = nil
		return ntstatus.Success
	}
	auto := r.Flags&DACLAutoInherit != 0
	aces, inherited := r.merge(r.New.DACL().Slice(), r.Old.DACL(), auto, parts.Control&DACLProtected != 0, heir)
	if inherited {
		parts.Control |= DACLAutoInherited
	}
	l, err := newACL(r.New.DACL().Revision(), aces)
	if err != nil {
		return ntstatus.InvalidACL
	}
	parts.DACL = l
	return ntstatus.Success
}

// setSACL stores the new SACL and its control bits in parts. If information selects only some types of its entries,
// the others stay as they are (S-73, S-74). It returns STATUS_INVALID_ACL if the list would be too long.
func (r *SetRequest) setSACL(parts *Parts, information uint32, heir *Heir) ntstatus.Status {
	if information&(winnt.SACL_SECURITY_INFORMATION|saclParts) == 0 {
		parts.Control = protect(parts.Control, information, winnt.PROTECTED_SACL_SECURITY_INFORMATION,
			winnt.UNPROTECTED_SACL_SECURITY_INFORMATION, SACLProtected)
		return ntstatus.Success
	}
	old, in := r.Old.SACL(), r.New.SACL().Slice()
	revision := max(r.New.SACL().Revision(), 2)
	auto := r.Flags&SACLAutoInherit != 0
	if information&winnt.SACL_SECURITY_INFORMATION != 0 {
		parts.Control = parts.Control&^saclControl | r.storedControl(saclControl, SACLAutoInherited, SACLAutoInheritRequest)
	} else {
		// Only entries of the types chosen are replaced (S-74).
		chosen := func(t Type) bool { return PartOf(t)&information != 0 }
		in = append(pick(old, func(t Type) bool { return !chosen(t) }), pick(r.New.SACL(), chosen)...)
		revision = max(revision, old.Revision())
		auto = false
	}
	parts.Control = protect(parts.Control, information, winnt.PROTECTED_SACL_SECURITY_INFORMATION,
		winnt.UNPROTECTED_SACL_SECURITY_INFORMATION, SACLProtected)
	// A nil new list removes the whole SACL (S-73). If only some types are removed, an empty list can remain (S-74).
	if information&winnt.SACL_SECURITY_INFORMATION != 0 && r.New.SACL() == nil {
		parts.SACL = nil
		return ntstatus.Success
	}
	aces, inherited := r.merge(in, old, auto, parts.Control&SACLProtected != 0, heir)
	if inherited {
		parts.Control |= SACLAutoInherited
	}
	l, err := newACL(revision, aces)
	if err != nil {
		return ntstatus.InvalidACL
	}
	parts.SACL = l
	return ntstatus.Success
}

// merge returns the entries of a DACL or SACL to store, from the new entries and the old list. inherited is true only
// in the second case.
//   - autoInherit and protected: all new entries, as explicit ones (S-75)
//   - only autoInherit: the explicit new entries, then the inherited old ones
//   - no autoInherit: the new entries with their inheritance flags (S-79)
func (r *SetRequest) merge(newACEs []ACE, oldList *ACL, autoInherit, protected bool, heir *Heir) (aces []ACE,
	inherited bool) {
	for _, a := range newACEs {
		switch {
		case autoInherit && protected:
			a = a.WithFlags(a.Flags() &^ Inherited)
		case autoInherit && a.Flags()&Inherited != 0:
			continue
		}
		switch {
		case a.Flags()&InheritOnly != 0:
			aces = append(aces, a)
		case autoInherit: // The entry is treated as on creation (S-65).
			aces = heir.split(aces, a, false)
		default:
			aces = append(aces, heir.effective(a, false, false))
		}
	}
	if !autoInherit || protected {
		return aces, false
	}
	for _, a := range oldList.All() {
		if a.Flags()&Inherited != 0 {
			aces = append(aces, a)
		}
	}
	return aces, true
}

// storedControl returns the control bits to store for the DACL or the SACL (S-79). The parameters are the control
// bits of that list. With Bare the result has all these bits of New. Without Bare it omits requestBit, and
// inheritedBit unless New has requestBit.
func (r *SetRequest) storedControl(listBits, inheritedBit, requestBit Control) Control {
	c := r.New.Control() & listBits
	if !r.Bare {
		if c&requestBit == 0 {
			c &^= inheritedBit
		}
		c &^= requestBit
	}
	return c
}

// protect returns a control word with a PROTECTED bit set or cleared, if information has the flag for it. Without
// either flag the control word is unchanged. [Set] refuses a request with both (S-75).
func protect(control Control, information, setFlag, clearFlag uint32, protectedBit Control) Control {
	switch {
	case information&setFlag != 0:
		return control | protectedBit
	case information&clearFlag != 0:
		return control &^ protectedBit
	}
	return control
}

// dominates reports whether trust label a (S-1-19-type-level) has at least the type and the level of b. It returns
// false if either does not have two sub-authorities, as the zero SID.
func dominates(a, b sid.SID) bool {
	return a.SubAuthorities() == 2 && b.SubAuthorities() == 2 && a.Sub(0) >= b.Sub(0) && a.Sub(1) >= b.Sub(1)
}

// SetControl applies RtlSetControlSecurityDescriptor to a control word (S-26). It sets the bits of mask to those in
// bits. mask may have only the DACL_TRUSTED, SERVER_SECURITY, AUTO_INHERIT_REQ, AUTO_INHERITED and PROTECTED bits. For
// another bit in mask, or a bit that is in bits but not in mask, it returns control unchanged and
// STATUS_INVALID_PARAMETER.
func SetControl(control, mask, bits Control) (Control, ntstatus.Status) {
	const mutable Control = 0x3FC0
	if mask&^mutable != 0 || bits&^mask != 0 {
		return control, ntstatus.InvalidParameter
	}
	return control&^mask | bits, ntstatus.Success
}
