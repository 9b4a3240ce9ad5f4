package ob_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TestDuplicateWithMoreRightsIsChecked checks that a duplicate with more rights needs a new access check, and one
// with fewer does not (O-54, O-55, O-56, O-20, OC-22, OC-23, OC-51, OC-52).
func TestDuplicateWithMoreRightsIsChecked(t *testing.T) {
	w := newWorld(t)
	event, file := protected(eventType, ownEvent), protected(fileType, "O:SYG:SYD:(A;;GA;;;"+alice+")")
	closed := protected(eventType, noRights)
	dup := func(o ob.Object, source, desired winnt.AccessMask, options uint32) access.Decision {
		return ob.DecideDuplicate(w.c, o, ob.Granted{Access: source}, &w.self, desired, 0, options)
	}
	w.want("OC-22: more rights, checked again", dup(event, 1, 3, 0), ntstatus.Success, 3)
	w.want("more, refused", dup(closed, 1, 3, 0), ntstatus.AccessDenied, 0)
	w.want("OC-23: a type without re-check", dup(file, 1, 3, 0), ntstatus.AccessDenied, 0)
	w.want("fewer rights need no check", dup(closed, 3, 1, 0), ntstatus.Success, 1)
	w.want("OC-51: nothing", dup(closed, 3, 0, 0), ntstatus.Success, 0)
	w.want("generic", dup(closed, 0x20001, winnt.GENERIC_READ, 0), ntstatus.Success, 0x20001)
	w.want("unknown bits are dropped", dup(closed, 1, 0x8001, 0), ntstatus.Success, 1)
	w.want("MAXIMUM_ALLOWED too", dup(closed, 1, winnt.MAXIMUM_ALLOWED, 0), ntstatus.Success, 0)
	w.want("same access", dup(closed, 3, 0xFFFFFFFF, winnt.DUPLICATE_SAME_ACCESS), ntstatus.Success, 3)
	w.want("OC-52: all bits", dup(event, 3, 0xFFFFFFFF, 0), ntstatus.AccessDenied, 0)
	w.want("system security", dup(event, 3, winnt.ACCESS_SYSTEM_SECURITY, 0), ntstatus.PrivilegeNotHeld, 0)
	for options, st := range map[uint32]ntstatus.Status{0: ntstatus.InvalidParameter,
		winnt.DUPLICATE_SAME_ACCESS: ntstatus.InvalidParameter, winnt.DUPLICATE_SAME_ATTRIBUTES: ntstatus.Success} {
		d := ob.DecideDuplicate(w.c, event, ob.Granted{Access: 1}, &w.self, 1, winnt.OBJ_EXCLUSIVE|winnt.OBJ_INHERIT, options)
		check.Equal(t, d.Status(), st, "O-27: contradicting attributes with options %d", options)
	}
	w.kernel(func() { // O-1, O-56: what the type does not allow, kernel mode gets
		w.want("kernel mode, a type without re-check", dup(file, 1, 3, 0), ntstatus.Success, 3)
		w.want("kernel mode, more", dup(closed, 1, 3, 0), ntstatus.Success, 3)
	})
	thread := protected(threadType, ownThread)
	w.want("implied rights", dup(thread, 1, winnt.THREAD_QUERY_INFORMATION, 0), ntstatus.Success, 0x0840)
	w.want("of the source", dup(thread, 0x0840, winnt.THREAD_QUERY_INFORMATION, 0), ntstatus.Success, 0x0840)
}

// A duplicate has the requested attributes, those of the source with DUPLICATE_SAME_ATTRIBUTES, and the
// audit of its close. Bits that are no attributes of handles are dropped (O-53).
func TestDuplicateKeepsOnlyHandleAttributes(t *testing.T) {
	const inherit, protect, audit = winnt.OBJ_INHERIT, winnt.OBJ_PROTECT_CLOSE, winnt.OBJ_AUDIT_OBJECT_CLOSE
	for _, tt := range []struct{ source, requested, options, want uint32 }{
		{inherit, 0, 0, 0},
		{inherit, protect, 0, protect},
		{inherit | audit, 0, 0, audit},
		{inherit | protect, 0, winnt.DUPLICATE_SAME_ATTRIBUTES, inherit | protect},
		{0, 7, winnt.DUPLICATE_SAME_ATTRIBUTES, 0},
		{0, 0xFFFF, 0, 7},
		{0xFFFF, 0, winnt.DUPLICATE_SAME_ATTRIBUTES, 7}, // attributes of handles and no other
		{0xFFFF, 0, 0, audit},
		{inherit, protect, winnt.DUPLICATE_SAME_ACCESS, protect},
	} {
		check.Equal(t, ob.DuplicateAttributes(tt.source, tt.requested, tt.options), tt.want,
			"DuplicateAttributes(%#x, %#x, %d)", tt.source, tt.requested, tt.options)
	}
}
