package ob

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Reservation is a handle value without an object. It lets an audit record with the value be stored before the handle
// can be used. End it with Publish, PublishDuplicate or Abandon, once.
type Reservation struct {
	t     *Table
	index uint32
}

// Reserve takes a free value. Until it is published, a lookup or close of the value returns INVALID_HANDLE. Errors:
// those of [Table.Insert].
func (t *Table) Reserve() (Reservation, ntstatus.Status) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, _, st := t.takeLocked()
	if st != ntstatus.Success {
		return Reservation{}, st
	}
	return Reservation{t, i}, ntstatus.Success
}

// Handle returns the handle value that was reserved. Calls that use it fail until it is published.
func (r Reservation) Handle() winnt.Handle { return r.t.value(r.index) }

// Audit sets the rights of the handle whose first use is to be audited; 0 audits none. Call it before the handle is
// published, so that no use comes earlier.
func (r Reservation) Audit(rights winnt.AccessMask) {
	if rights == 0 { // the usual case; a free slot has 0 already
		return
	}
	r.t.mu.Lock()
	defer r.t.mu.Unlock()
	if !r.t.closed {
		r.t.slot(uint64(r.index)).audit.Store(uint32(rights))
	}
}

// Publish makes the value a handle to obj. It returns PROCESS_IS_TERMINATING, and changes no count, if the table was
// drained in between. The caller holds a reference on obj.
func (r Reservation) Publish(obj Object, granted winnt.AccessMask, attributes uint32) ntstatus.Status {
	h := obj.Head()
	r.t.mu.Lock()
	defer r.t.mu.Unlock()
	if r.t.closed {
		return ntstatus.ProcessIsTerminating
	}
	h.addHandle()
	r.t.fillLocked(r.t.slot(uint64(r.index)), h, granted, attributes)
	return ntstatus.Success
}

// PublishDuplicate works like Publish for an object that was found through a handle. If the object's last handle was
// closed since, it returns INVALID_HANDLE and frees the value: otherwise an object that ran its close action would be
// open again. A closed table is PROCESS_IS_TERMINATING.
func (r Reservation) PublishDuplicate(obj Object, granted winnt.AccessMask, attributes uint32) ntstatus.Status {
	h := obj.Head()
	r.t.mu.Lock()
	defer r.t.mu.Unlock()
	if r.t.closed {
		return ntstatus.ProcessIsTerminating
	}
	s := r.t.slot(uint64(r.index))
	if !h.tryAddHandle() {
		r.t.giveBackLocked(r.index, s)
		return ntstatus.InvalidHandle
	}
	r.t.fillLocked(s, h, granted, attributes)
	return ntstatus.Success
}

// publishCounted works like Publish for a handle that the object's counts already include. If the table was drained,
// it drops that handle and returns PROCESS_IS_TERMINATING.
func (r Reservation) publishCounted(h *Header, granted winnt.AccessMask, attributes uint32) ntstatus.Status {
	r.t.mu.Lock()
	if r.t.closed {
		r.t.mu.Unlock()
		h.dropHandle()
		return ntstatus.ProcessIsTerminating
	}
	r.t.fillLocked(r.t.slot(uint64(r.index)), h, granted, attributes)
	r.t.mu.Unlock()
	return ntstatus.Success
}

// Abandon frees the reserved value for others. It does nothing after the table was closed. Call it at most once, and
// not after Publish succeeded.
func (r Reservation) Abandon() {
	r.t.mu.Lock()
	defer r.t.mu.Unlock()
	if !r.t.closed {
		r.t.giveBackLocked(r.index, r.t.slot(uint64(r.index)))
	}
}
