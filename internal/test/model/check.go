package model

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// kind is an object type with its numbers from the table of object types.
type kind struct {
	name                      string
	read, write, execute, all winnt.AccessMask
	valid                     winnt.AccessMask
	invalid                   uint32 // attributes that the type refuses
	index                     uint32 // of the list of types
}

var (
	tokenKind   = kind{"Token", 0x2001A, 0x201E0, 0x20005, 0xF01FF, 0xF01FF, 0x100, 4}
	processKind = kind{"Process", 0x20410, 0x20BEA, 0x121001, 0x1FFFFF, 0x1FFFFF, 0xB0, 6}
	threadKind  = kind{"Thread", 0x20048, 0x20437, 0x121800, 0x1FFFFF, 0x1FFFFF, 0xB0, 7}
	fileKind    = kind{"File", 0x120089, 0x120116, 0x1200A0, 0x1F01FF, 0x1F01FF, 0, 13}
)

// mapped replaces generic rights in a request (O-21). It drops SYNCHRONIZE for tokens, which have no such right.
func (k *kind) mapped(m winnt.AccessMask) winnt.AccessMask {
	r := k.specific(m)
	if k == &tokenKind {
		r &^= winnt.SYNCHRONIZE
	}
	return r
}

// specific replaces generic rights by the type's own.
func (k *kind) specific(m winnt.AccessMask) winnt.AccessMask {
	r := m &^ 0xF0000000
	if m&winnt.GENERIC_READ != 0 {
		r |= k.read
	}
	if m&winnt.GENERIC_WRITE != 0 {
		r |= k.write
	}
	if m&winnt.GENERIC_EXECUTE != 0 {
		r |= k.execute
	}
	if m&winnt.GENERIC_ALL != 0 {
		r |= k.all
	}
	return r
}

// writing returns the rights that a write-restricted token restricts.
func (k *kind) writing() winnt.AccessMask {
	return (winnt.DELETE | winnt.WRITE_DAC | winnt.WRITE_OWNER | k.write) &^ (k.read | k.execute)
}

// implied adds the rights that other rights include (O-36).
func (k *kind) implied(g winnt.AccessMask) winnt.AccessMask {
	switch k {
	case &processKind:
		if g&0x400 != 0 {
			g |= 0x1000
		}
		if g&0x200 != 0 {
			g |= 0x2000
		}
	case &threadKind:
		if g&0x40 != 0 {
			g |= 0x800
		}
		if g&0x20 != 0 {
			g |= 0x400
		}
	}
	return g
}

const (
	saclBit   winnt.AccessMask = winnt.ACCESS_SYSTEM_SECURITY
	maximum   winnt.AccessMask = winnt.MAXIMUM_ALLOWED
	reserved  winnt.AccessMask = 0x0CE00000
	ownerBits winnt.AccessMask = winnt.READ_CONTROL | winnt.WRITE_DAC
)

// subject is who asks: an effective token at a level.
type subject struct {
	token  *Value
	client bool // the token is a client's
	level  winnt.SecurityImpersonationLevel
}

// holds reports whether a privilege counts (T-102).
func (s subject) holds(p winnt.Privilege) bool {
	return s.token.Enabled.has(p) && (!s.client || s.level >= 2)
}

// decide performs the access check for one token.
func decide(v *Value, d *Descriptor, desired winnt.AccessMask, k *kind) (winnt.AccessMask, ntstatus.Status) {
	most := desired&maximum != 0
	want := desired &^ maximum
	var byPrivilege winnt.AccessMask
	// Without SeSecurityPrivilege the whole request for ACCESS_SYSTEM_SECURITY
	// ends.
	if want&saclBit != 0 {
		if !v.Enabled.has(winnt.SeSecurityPrivilege) {
			return 0, ntstatus.PrivilegeNotHeld
		}
		byPrivilege |= saclBit
	}
	// The object's label takes rights from a token of a lower level.
	ceiling := ceilingOf(v, d, k)
	if !most && want&^ceiling != 0 {
		return 0, ntstatus.AccessDenied
	}
	if want&winnt.WRITE_OWNER != 0 && (v.Enabled.has(winnt.SeTakeOwnershipPrivilege) ||
		v.Enabled.has(winnt.SeRelabelPrivilege)) {
		// One of two privileges grants WRITE_OWNER before any entry is read
		//
		byPrivilege |= winnt.WRITE_OWNER
	}
	var byOwner winnt.AccessMask
	if v.allows(d.Owner) && (!v.restricted() || v.restrictedAllows(d.Owner)) {
		// The owner has implicit rights, unless the token is restricted and the
		// owner is not among its restricting SIDs.
		byOwner = ownerBits
	}
	if most {
		set := byOwner | walkMaximum(d, k, v.allows, v.denies, want)
		if v.restricted() {
			// The DACL is read again for the restricting SIDs, and both
			// readings must grant.
			second := byOwner | walkMaximum(d, k, v.restrictedAllows, v.restrictedDenies, want)
			if v.Writing {
				// A restriction of writing takes nothing else.
				second |= ^k.writing()
			}
			set &= second
		}
		// What privileges granted joins the set, but not above the
		// ceiling.
		set = (set | byPrivilege) & ceiling
		if set == 0 || want&^set != 0 {
			return 0, ntstatus.AccessDenied
		}
		return set, ntstatus.Success
	}
	left := want &^ byPrivilege &^ byOwner
	if !walk(d, k, v.allows, v.denies, left) {
		return 0, ntstatus.AccessDenied
	}
	if v.restricted() {
		// The DACL is read again for the restricting SIDs, and both readings
		// must grant.
		if v.Writing {
			left &= k.writing() // a restriction of writing asks about nothing else
		}
		if !walk(d, k, v.restrictedAllows, v.restrictedDenies, left) {
			return 0, ntstatus.AccessDenied
		}
	}
	return want, ntstatus.Success
}

// ceilingOf returns the rights that the integrity label does not remove.
func ceilingOf(v *Value, d *Descriptor, k *kind) winnt.AccessMask {
	label, policy := d.Label, d.Policy
	if policy == 0 {
		label, policy = medium, 1
	}
	if v.Integrity >= label || v.Policy&1 == 0 {
		// Only a token with the no-write-up policy is limited.
		return ^winnt.AccessMask(0)
	}
	classes := [3]winnt.AccessMask{
		k.write | winnt.DELETE | winnt.WRITE_DAC | winnt.WRITE_OWNER | saclBit, // NO_WRITE_UP 1
		k.read | winnt.READ_CONTROL,           // NO_READ_UP 2
		k.execute&^k.read | winnt.SYNCHRONIZE, // NO_EXECUTE_UP 4
	}
	base := k.read | k.execute | winnt.SYNCHRONIZE | winnt.READ_CONTROL
	if policy&1 == 0 {
		base |= k.all | saclBit
	}
	var permitted winnt.AccessMask
	for i, c := range classes {
		if policy>>i&1 == 0 {
			permitted |= c
		}
	}
	for i, c := range classes {
		if policy>>i&1 != 0 {
			base &^= c &^ permitted
		}
	}
	if v.Enabled.has(winnt.SeRelabelPrivilege) {
		base |= winnt.WRITE_OWNER
	}
	return base
}

// walk reports whether the DACL grants every bit of left.
func walk(d *Descriptor, k *kind, allows, denies func(Name) bool, left winnt.AccessMask) bool {
	if d.NoDACL {
		// Without a DACL everything asked for is granted.
		return true
	}
	for _, e := range d.Entries {
		m := k.mapped(e.Mask)
		switch {
		case left == 0:
			return true
		case e.Deny && denies(e.Name) && left&m != 0:
			return false
		case !e.Deny && allows(e.Name):
			left &^= m &^ saclBit
		}
	}
	return left == 0
}

// walkMaximum returns all rights that the DACL grants.
func walkMaximum(d *Descriptor, k *kind, allows, denies func(Name) bool, want winnt.AccessMask) winnt.AccessMask {
	if d.NoDACL {
		// Without a DACL MAXIMUM_ALLOWED grants the rights GENERIC_ALL stands
		// for.
		return k.all | want
	}
	var granted, denied winnt.AccessMask
	for _, e := range d.Entries {
		m := k.mapped(e.Mask) &^ saclBit
		switch {
		case e.Deny && denies(e.Name):
			denied |= m &^ granted
		case !e.Deny && allows(e.Name):
			granted |= m &^ denied
		}
	}
	return granted
}
