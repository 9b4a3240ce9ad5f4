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
	if options&winnt.DUPLICATE_SAME_ACCESS != 0 { // O-54: desired is not looked at
		return access.Grant(source.Access)
	}
	if desired&winnt.RESERVED_RIGHTS != 0 {
		return c.refuse(h, "O-20", ntstatus.AccessDenied)
	}
	want := h.typ.mapDesired(desired) & (h.typ.Valid | winnt.ACCESS_SYSTEM_SECURITY) // O-54
	switch {
	case want&^source.Access == 0: // O-55
		return access.Grant(h.typ.addRights(want)) // O-36: what the source has besides, too
	case !h.typ.DupCheck && c.Checked(0):
		return c.refuse(h, "O-56", ntstatus.AccessDenied)
	}
	return c.decideAccess(h, subject, want, 0) // O-56
}

// DuplicateAttributes is what a duplicate's handle attributes are (O-53):
// those of the source with DUPLICATE_SAME_ATTRIBUTES, else the ones asked for;
// the source's OBJ_AUDIT_OBJECT_CLOSE cannot be shed.
func DuplicateAttributes(source, asked, options uint32) uint32 {
	if options&winnt.DUPLICATE_SAME_ATTRIBUTES != 0 {
		return source & handleAttributes // O-53
	}
	return asked&handleAttributes | source&winnt.OBJ_AUDIT_OBJECT_CLOSE // O-53
}
