package services

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// event references an event that the handle lets the caller change (O-146).
func (c *Context) event(h winnt.Handle) (*Event, ntstatus.Status) {
	e, _, st := ob.Reference[*Event](&c.Caller, h, winnt.EVENT_MODIFY_STATE, EventType)
	return e, st
}

// previous returns the state before a change as it is told: 1 was signalled.
func previous(signaled bool) int32 {
	if signaled {
		return 1
	}
	return 0
}

// NtSetEvent signals an event.
func (c *Context) NtSetEvent(in nt.SetEventIn) (out nt.SetEventOut, st ntstatus.Status) {
	// reference
	e, st := c.event(in.EventHandle)
	if st != ntstatus.Success {
		return out, st
	}
	defer e.Deref(ob.TagCall)
	// commit
	out.PreviousState = previous(e.signal.Set())
	return out, ntstatus.Success
}

// NtResetEvent takes the signal of an event away.
func (c *Context) NtResetEvent(in nt.SetEventIn) (out nt.SetEventOut, st ntstatus.Status) {
	// reference
	e, st := c.event(in.EventHandle)
	if st != ntstatus.Success {
		return out, st
	}
	defer e.Deref(ob.TagCall)
	// commit
	out.PreviousState = previous(e.signal.Reset())
	return out, ntstatus.Success
}

// NtClearEvent takes the signal of an event away and tells nothing.
func (c *Context) NtClearEvent(in nt.ClearEventIn) (out nt.ClearEventOut, st ntstatus.Status) {
	_, st = c.NtResetEvent(nt.SetEventIn(in))
	return out, st
}
