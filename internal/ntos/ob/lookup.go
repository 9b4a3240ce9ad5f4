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

// TakeAudit returns those rights of pending whose first use through this handle is still to be audited, and marks them
// as audited. pending are rights that were to be audited when [Table.Lookup] found obj. It returns each right once per
// handle. If the handle was closed since, it returns pending: better a record too many than a use without one (O-53).
func (t *Table) TakeAudit(v winnt.Handle, obj Object, pending winnt.AccessMask) winnt.AccessMask {
	return t.audit(v, obj, pending, func(s *slot) uint32 { return s.audit.And(^uint32(pending)) })
}

// PendingAudit returns the rights that TakeAudit would return, and marks none of them.
func (t *Table) PendingAudit(v winnt.Handle, obj Object, pending winnt.AccessMask) winnt.AccessMask {
	return t.audit(v, obj, pending, func(s *slot) uint32 { return s.audit.Load() })
}

// audit returns those rights of pending that read returns for the handle's slot, or pending if the slot does not refer
// to obj. It calls read with the lock held.
func (t *Table) audit(v winnt.Handle, obj Object, pending winnt.AccessMask, read func(*slot) uint32) winnt.AccessMask {
	if pending == 0 { // nearly always
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.slot(t.index(v))
	if s == nil || s.head.Load() != obj.Head() { // closed; keep the audit of an object that reuses it
		return pending
	}
	return winnt.AccessMask(read(s)) & pending
}
