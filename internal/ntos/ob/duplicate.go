package ob

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// DecideDuplicate answers what a duplicate of a handle is granted
// (NtDuplicateObject). Rights the source handle has need no check (O-55); more
// need a fresh one, where the type allows that (O-56). subject is the one that
// O-56 names. Errors: ACCESS_DENIED, and those of an access check.
func DecideDuplicate(c *Caller, obj Object, source Granted, subject *access.Subject, desired winnt.AccessMask,
	options uint32) access.Decision {
	h := obj.Head()
	if options&winnt.DUPLICATE_SAME_ACCESS != 0 { // the access asked for is not looked at (O-54)
		return access.Grant(source.Access)
	}
	if desired&winnt.RESERVED_RIGHTS != 0 {
		// Reserved bits are refused before anything else is looked at.
		return c.refuse(h, "O-20", ntstatus.AccessDenied)
	}
	// Generic bits are mapped, and bits that the type does not have are dropped (O-54).
	want := h.typ.mapDesired(desired) & (h.typ.Valid | winnt.ACCESS_SYSTEM_SECURITY)
	switch {
	case want&^source.Access == 0: // nothing more than the source has: no check (O-55)
		return access.Grant(h.typ.addRights(want)) // what the source has besides comes too (O-36)
	case !h.typ.DupCheck && c.Checked(0):
		// The type allows no duplicate with more rights than the source has.
		return c.refuse(h, "O-56", ntstatus.AccessDenied)
	}
	// A request for more is checked as an open is (O-56).
	return c.decideAccess(h, subject, want, 0)
}

// DuplicateAttributes returns the attributes of a duplicate's handle (O-53):
// those of the source with DUPLICATE_SAME_ATTRIBUTES, else the ones asked for;
// the source's OBJ_AUDIT_OBJECT_CLOSE cannot be shed.
func DuplicateAttributes(source, asked, options uint32) uint32 {
	if options&winnt.DUPLICATE_SAME_ATTRIBUTES != 0 {
		// The duplicate has the source's attributes (O-53).
		return source & handleAttributes
	}
	// The duplicate has the attributes asked for; that its close is audited cannot be shed (O-53).
	return asked&handleAttributes | source&winnt.OBJ_AUDIT_OBJECT_CLOSE
}
