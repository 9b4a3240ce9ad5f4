package nt

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Parameters of the services that change an event. PreviousState is 1 where it
// was signalled.
type (
	SetEventIn  struct{ EventHandle winnt.Handle }
	SetEventOut struct{ PreviousState int32 }

	ClearEventIn  struct{ EventHandle winnt.Handle }
	ClearEventOut struct{}
)

var eventConditions = []Condition{
	{ntstatus.InvalidHandle, "O-31", "EventHandle is not a valid handle"},
	{ntstatus.ObjectTypeMismatch, "O-31", "EventHandle is not an event"},
	{ntstatus.AccessDenied, "O-31", "EventHandle does not grant EVENT_MODIFY_STATE"},
}

var (
	rowSetEvent = Add(&NtTable, Entry[Services, SetEventIn, SetEventOut]{
		Meta: Meta{Name: "NtSetEvent", Summary: "signals an event", Source: "ZwSetEvent; SetEvent",
			Conditions: eventConditions},
		Call: Services.NtSetEvent,
	})
	rowResetEvent = Add(&NtTable, Entry[Services, SetEventIn, SetEventOut]{
		Meta: Meta{Name: "NtResetEvent", Summary: "resets an event and returns its previous state",
			Source: "ZwResetEvent; ResetEvent", Conditions: eventConditions},
		Call: Services.NtResetEvent,
	})
	rowClearEvent = Add(&NtTable, Entry[Services, ClearEventIn, ClearEventOut]{
		Meta: Meta{Name: "NtClearEvent", Summary: "resets an event", Source: "ZwClearEvent",
			Conditions: eventConditions},
		Call: Services.NtClearEvent,
	})
)

// NtSetEvent signals an event and returns its previous state. It needs EVENT_MODIFY_STATE, otherwise it returns
// STATUS_ACCESS_DENIED (SetEvent).
func (t *Thread) NtSetEvent(event winnt.Handle) (int32, ntstatus.Status) {
	out, st := call(t, rowSetEvent, SetEventIn{event})
	return out.PreviousState, st
}

// NtResetEvent clears the signal of an event and returns its previous state. It needs EVENT_MODIFY_STATE (ResetEvent).
func (t *Thread) NtResetEvent(event winnt.Handle) (int32, ntstatus.Status) {
	out, st := call(t, rowResetEvent, SetEventIn{event})
	return out.PreviousState, st
}

// NtClearEvent clears the signal of an event. It needs EVENT_MODIFY_STATE.
func (t *Thread) NtClearEvent(event winnt.Handle) ntstatus.Status {
	_, st := call(t, rowClearEvent, ClearEventIn{event})
	return st
}
