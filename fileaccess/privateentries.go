package fileaccess

import (
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// openedList returns a descriptor with the owner of d, and the DACL of d without conditions. An access check of that
// descriptor shows the most or the least that d can grant. If most is true, a conditional ACE allows and
// never denies. If most is false, it denies and never allows. A descriptor without a DACL stays without one.
func openedList(d *sd.Descriptor, most bool) *sd.Descriptor {
	parts := sd.Parts{Control: sd.DACLPresent, Owner: d.Owner()}
	if !d.HasDACL() {
		return sd.New(parts)
	}
	var aces []sd.ACE
	for _, a := range d.DACL().All() {
		aces = append(aces, unconditional(a, most))
	}
	list, err := sd.NewACL(aces...)
	if err != nil { // unreachable: no entry is longer than it was
		list = d.DACL()
	}
	parts.DACL = list
	return sd.New(parts)
}

// unconditional returns the plain form of a conditional or compound ACE, and any other ACE unchanged. most has the
// meaning that [openedList] gives it. An ACE without effect gets an empty mask but stays, because any ACE for OWNER
// RIGHTS replaces the owner's implicit rights.
func unconditional(a sd.ACE, most bool) sd.ACE {
	typ, mask := sd.AccessAllowed, a.Mask()
	switch a.Type() {
	case sd.AccessAllowedCallback, sd.AccessAllowedCallbackObject, sd.AccessAllowedCompound:
		// Without an object type list a typed entry allows nothing.
		if _, named := a.ObjectType(); named || !most {
			mask = 0
		}
	case sd.AccessDeniedCallback, sd.AccessDeniedCallbackObject:
		if typ = sd.AccessDenied; most {
			mask = 0
		}
	default:
		return a
	}
	plain, err := sd.NewACE(typ, a.Flags(), mask, trustee(a))
	if err != nil { // unreachable: a plain entry can have these flags and this SID
		return a
	}
	return plain
}

// granting returns the numbers of the entries that allow a SID some of the rights. With inherited set these are
// entries that descendants inherit, otherwise those that apply to the object itself.
func granting(d *sd.Descriptor, s sid.SID, rights winnt.AccessMask, inherited bool) (list []int) {
	for i, a := range d.DACL().All() {
		if !a.Type().IsAllow() {
			continue
		}
		applies := a.Flags()&sd.InheritOnly == 0
		if inherited {
			applies = a.Flags()&(sd.ObjectInherit|sd.ContainerInherit) != 0
		}
		who := trustee(a)
		if who == sid.OwnerRights && !inherited {
			who = d.Owner()
		}
		if applies && who == s && winnt.FileObject.Mapping.Map(a.Mask())&rights != 0 {
			list = append(list, i)
		}
	}
	return list
}
