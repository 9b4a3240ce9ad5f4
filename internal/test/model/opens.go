package model

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// open decides an open by pointer (O-33), in the mode and with the attributes
// of an ordinary open: the mask is validated, then compared.
func open(s subject, d *Descriptor, desired winnt.AccessMask, k *kind) (winnt.AccessMask, ntstatus.Status) {
	if desired&reserved != 0 {
		// A request with a reserved bit is denied before anything else (O-20).
		return 0, ntstatus.AccessDenied
	}
	m := k.mapped(desired)
	if m&^(k.valid|saclBit|maximum) != 0 {
		// A bit that the type does not have is denied (O-21).
		return 0, ntstatus.AccessDenied
	}
	if d == nil {
		// An object without a descriptor grants what is asked (O-35).
		return grantNew(s, m, k)
	}
	if m == 0 {
		// Asking an object with a descriptor for nothing is denied (O-90).
		return 0, ntstatus.AccessDenied
	}
	g, st := check(s, d, m, k)
	if st != ntstatus.Success {
		return 0, st
	}
	return k.implied(g), ntstatus.Success
}

// grantNew gives a creator what it asks for (O-91); m is mapped.
func grantNew(s subject, m winnt.AccessMask, k *kind) (winnt.AccessMask, ntstatus.Status) {
	if m&saclBit != 0 && !s.holds(winnt.SeSecurityPrivilege) {
		// Only an enabled SeSecurityPrivilege grants ACCESS_SYSTEM_SECURITY
		// (O-30).
		return 0, ntstatus.PrivilegeNotHeld
	}
	if m&maximum != 0 {
		m = m&^maximum | k.valid
	}
	return k.implied(m), ntstatus.Success
}

// kernelOpen makes an open in kernel mode: it grants the request unchecked
//
func kernelOpen(desired winnt.AccessMask, k *kind) (winnt.AccessMask, ntstatus.Status) {
	if desired&reserved != 0 {
		// A reserved bit is denied in kernel mode too (O-20).
		return 0, ntstatus.AccessDenied
	}
	m := k.mapped(desired)
	if m&maximum != 0 {
		m |= k.all
	}
	return k.implied(m & (k.valid | saclBit)), ntstatus.Success
}
