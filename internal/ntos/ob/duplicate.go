package ob

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// DecideDuplicate decides the rights of a duplicated handle (NtDuplicateObject). Rights that the source handle has need
// no check (O-55). More rights need an access check for subject, if the type allows it (O-56). It changes nothing.
// Errors: INVALID_PARAMETER for attributes that contradict each other, ACCESS_DENIED, and those of an access check.
// DUPLICATE_SAME_ACCESS copies the rights, whatever else is asked for. Bits that the type does not have are dropped.
func DecideDuplicate(c *Caller, obj Object, source Granted, subject *access.Subject, desired winnt.AccessMask,
	attributes, options uint32) access.Decision {
	h := obj.Head()
	if options&winnt.DUPLICATE_SAME_ATTRIBUTES == 0 && exclusiveInherited(attributes) {
		// An exclusive handle cannot be inherited.
		return c.refuse(h, "O-27", ntstatus.InvalidParameter)
	}
	if options&winnt.DUPLICATE_SAME_ACCESS != 0 { // DesiredAccess is ignored (O-54)
		return access.Grant(source.Access)
	}
	if desired&winnt.RESERVED_RIGHTS != 0 {
		// Reserved bits are refused before rights are checked.
		return c.refuse(h, "O-20", ntstatus.AccessDenied)
	}
	// Generic bits are mapped, and bits that the type does not have are dropped (O-54).
	want := h.typ.mapDesired(desired) & (h.typ.Valid | winnt.ACCESS_SYSTEM_SECURITY)
	switch {
	case want&^source.Access == 0: // rights that the source has need no check (O-55)
		return access.Grant(h.typ.addRights(want)) // including the implied rights of the source (O-36)
	case !h.typ.DupCheck && c.Checked(0):
		// The type allows no duplicate with more rights than the source has.
		return c.refuse(h, "O-56", ntstatus.AccessDenied)
	}
	// A request for more is checked as an open is (O-56).
	return c.decideAccess(h, subject, want, 0)
}

// DuplicateAttributes returns the attributes of a duplicated handle (O-53): the source's with
// DUPLICATE_SAME_ATTRIBUTES, else the requested ones. OBJ_AUDIT_OBJECT_CLOSE of the source always remains.
func DuplicateAttributes(source, requested, options uint32) uint32 {
	if options&winnt.DUPLICATE_SAME_ATTRIBUTES != 0 {
		// The duplicate has the source's attributes (O-53).
		return source & handleAttributes
	}
	// The duplicate has the requested attributes, and OBJ_AUDIT_OBJECT_CLOSE of the source (O-53).
	return requested&handleAttributes | source&winnt.OBJ_AUDIT_OBJECT_CLOSE
}
