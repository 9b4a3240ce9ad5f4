package ob

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Reservation is a handle value without an object yet. Under fail-closed
// auditing the record that names the value is made durable before the handle
// works. End it with Publish or Abandon, once.
type Reservation struct {
	t     *Table
	index uint32
}

// Reserve takes a value out of the free ones. Until it is published, looking
// it up or closing it gives INVALID_HANDLE. Errors as [Table.Insert].
func (t *Table) Reserve() (Reservation, ntstatus.Status) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, _, st := t.takeLocked()
	if st != ntstatus.Success {
		return Reservation{}, st
	}
	return Reservation{t, i}, ntstatus.Success
}

// Handle returns the value that was reserved.
func (r Reservation) Handle() winnt.Handle { return r.t.value(r.index) }

// Publish makes the handle. It fails only if the table was drained in
// between. The status is then PROCESS_IS_TERMINATING, and the counts do
// not change.
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

// PublishDuplicate publishes as Publish does an object that was found through a
// handle. It fails with INVALID_HANDLE, and gives the value back, when the last
// handle was closed since, as [Table.InsertDuplicate] does.
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

// publishCounted publishes, like Publish, a handle that the object's
// counts already include. If it fails, it removes the handle from the
// counts.
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

// Abandon gives the value back.
func (r Reservation) Abandon() {
	r.t.mu.Lock()
	defer r.t.mu.Unlock()
	if !r.t.closed {
		r.t.giveBackLocked(r.index, r.t.slot(uint64(r.index)))
	}
}
