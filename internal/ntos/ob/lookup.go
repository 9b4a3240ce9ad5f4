package ob

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Lookup returns the object of a handle with a new reference, and the handle's rights and attributes. It checks
// neither type nor rights and knows no pseudo handles. The caller must call Deref(tag). Error: INVALID_HANDLE.
func (t *Table) Lookup(v winnt.Handle, tag Tag) (*Header, Granted, ntstatus.Status) {
	s := t.slot(t.index(v))
	if s == nil {
		// The value 0 and values beyond the table are not handles (O-11).
		return nil, Granted{}, ntstatus.InvalidHandle
	}
	for {
		w := s.word.Load()
		if w&slotValid == 0 {
			// An unknown handle is reported before the type and the right are checked (O-31).
			return nil, Granted{}, ntstatus.InvalidHandle
		}
		// Between the two loads the object may be closed or destroyed, or the slot reused. So a reference is taken
		// only if the count is above zero, and kept only if the slot did not change.
		h := s.head.Load()
		if h == nil || !h.TryRef(tag) {
			continue
		}
		g := unpackWord(w)
		// Read here, the audit mask is that of this handle, even if another thread closes it now (O-53).
		g.Pending = winnt.AccessMask(s.audit.Load())
		if s.word.Load() == w {
			return h, g, ntstatus.Success
		}
		h.Deref(tag)
	}
}

// SetAttributes sets OBJ_INHERIT and OBJ_PROTECT_CLOSE of a handle to their state in attributes. Other bits of
// attributes have no effect. Error: INVALID_HANDLE.
func (t *Table) SetAttributes(v winnt.Handle, attributes uint32) ntstatus.Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.slot(t.index(v))
	if s == nil || s.word.Load()&slotValid == 0 {
		return ntstatus.InvalidHandle
	}
	w := s.word.Load()
	g := unpackWord(w)
	const writable = winnt.OBJ_INHERIT | winnt.OBJ_PROTECT_CLOSE
	s.word.Store(packWord(w, g.Access, g.Attributes&^writable|attributes&writable))
	return ntstatus.Success
}

// TakeAudit returns those rights of used whose first use through this handle is still to be audited, and marks them
// as audited. It returns each right once per handle. It returns 0 for a value that does not refer to obj any more.
func (t *Table) TakeAudit(v winnt.Handle, obj Object, used winnt.AccessMask) winnt.AccessMask {
	s := t.slot(t.index(v))
	if s == nil || s.audit.Load()&uint32(used) == 0 { // nearly always
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.head.Load() != obj.Head() { // reused since: the other object's first use must not be lost
		return 0
	}
	return winnt.AccessMask(s.audit.And(^uint32(used))) & used
}

// PendingAudit returns the rights that TakeAudit would return, and marks none of them. It returns 0 if the handle
// does not refer to obj any more.
func (t *Table) PendingAudit(v winnt.Handle, obj Object, used winnt.AccessMask) winnt.AccessMask {
	s := t.slot(t.index(v))
	if s == nil || s.audit.Load()&uint32(used) == 0 { // nearly always
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.head.Load() != obj.Head() { // reused since, as above
		return 0
	}
	return winnt.AccessMask(s.audit.Load()) & used
}
