package services

import (
	"github.com/refmon/refmon/internal/ntos/ke"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// event references the event of a handle that grants EVENT_MODIFY_STATE (O-146). The caller must release the reference
// (TagCall).
func (c *Context) event(h winnt.Handle) (*Event, ntstatus.Status) {
	e, _, st := ob.Reference[*Event](&c.Caller, h, winnt.EVENT_MODIFY_STATE, EventType)
	return e, st
}

// changeEvent implements the common part of the calls that set or reset an event. It calls change on the event's signal
// and outputs the previous state, 1 for signalled. The handle needs EVENT_MODIFY_STATE. A failure changes nothing.
func (c *Context) changeEvent(h winnt.Handle, change func(*ke.Signal) bool) (out nt.SetEventOut, st ntstatus.Status) {
	// reference
	e, st := c.event(h)
	if st != ntstatus.Success {
		return out, st
	}
	defer e.Deref(ob.TagCall)
	// commit
	if change(&e.signal) {
		out.PreviousState = 1
	}
	return out, ntstatus.Success
}

// NtSetEvent signals an event, wakes its waiters and returns the previous state. The handle must grant
// EVENT_MODIFY_STATE.
func (c *Context) NtSetEvent(in nt.SetEventIn) (nt.SetEventOut, ntstatus.Status) {
	return c.changeEvent(in.EventHandle, (*ke.Signal).Set)
}

// NtResetEvent clears an event's signal and returns the previous state. The handle must grant EVENT_MODIFY_STATE.
func (c *Context) NtResetEvent(in nt.SetEventIn) (nt.SetEventOut, ntstatus.Status) {
	return c.changeEvent(in.EventHandle, (*ke.Signal).Reset)
}

// NtClearEvent clears an event's signal without returning its previous state. It fails as NtResetEvent does.
func (c *Context) NtClearEvent(in nt.ClearEventIn) (out nt.ClearEventOut, st ntstatus.Status) {
	_, st = c.NtResetEvent(nt.SetEventIn(in))
	return out, st
}
