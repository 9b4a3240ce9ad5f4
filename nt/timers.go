package nt

import (
	"strconv"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// TimerType is TIMER_TYPE. The zero value is NotificationTimer.
type TimerType uint32

// Whether a satisfied wait leaves the timer signalled.
const (
	NotificationTimer    TimerType = iota // it stays signalled until it is set
	SynchronizationTimer                  // one wait resets it
)

// String returns the documented name.
func (t TimerType) String() string {
	switch t {
	case NotificationTimer:
		return "NotificationTimer"
	case SynchronizationTimer:
		return "SynchronizationTimer"
	}
	return "TIMER_TYPE(" + strconv.FormatUint(uint64(t), 10) + ")"
}

// TimerInfoClass is TIMER_INFORMATION_CLASS.
type TimerInfoClass uint32

// TimerBasicInformation is the one class of NtQueryTimer.
const TimerBasicInformation TimerInfoClass = 0

// String returns the documented name.
func (c TimerInfoClass) String() string {
	if c == TimerBasicInformation {
		return "TimerBasicInformation"
	}
	return "TIMER_INFORMATION_CLASS(" + strconv.FormatUint(uint64(c), 10) + ")"
}

// TimerInformation is TIMER_BASIC_INFORMATION, 16 bytes in C: the time (8
// bytes), one byte, and seven bytes of padding.
type TimerInformation struct {
	RemainingTime int64 // 100-ns units; below 0 it passed so long ago, 0 for one that was never set
	TimerState    bool  // signalled
}

// Parameters of the services on timers. DueTime is in 100-ns units: an absolute
// time since 1601-01-01 UTC, or below 0 so long from now. Period is in
// milliseconds, 0 for once. TimerInformationLength is in bytes; the structure
// has 16.
type (
	CreateTimerIn struct {
		DesiredAccess    winnt.AccessMask `object:"timer"`
		ObjectAttributes Captured[*ObjectAttributes]
		TimerType        TimerType
	}
	OpenTimerIn struct {
		DesiredAccess    winnt.AccessMask `object:"timer"`
		ObjectAttributes Captured[*ObjectAttributes]
	}
	TimerOut struct{ TimerHandle winnt.Handle }

	SetTimerIn struct {
		TimerHandle winnt.Handle
		DueTime     Captured[int64]
		ResumeTimer bool
		Period      int32
	}
	SetTimerOut struct{ PreviousState bool }

	CancelTimerIn  struct{ TimerHandle winnt.Handle }
	CancelTimerOut struct{ CurrentState bool }

	QueryTimerIn struct {
		TimerHandle            winnt.Handle
		TimerInformationClass  TimerInfoClass
		TimerInformationLength uint32 `default:"16"`
		// FaultReturnLength is the status of probing ReturnLength and the buffer.
		FaultReturnLength ntstatus.Status `param:"-"`
	}
	QueryTimerOut struct {
		TimerInformation TimerInformation
		ReturnLength     uint32
	}
)

// timerHandle are the conditions of a timer's handle and the right to change it.
var timerHandle = []Condition{
	{ntstatus.InvalidHandle, "O-31", "TimerHandle is not a valid handle"},
	{ntstatus.ObjectTypeMismatch, "O-31", "TimerHandle is not a timer"},
	{ntstatus.AccessDenied, "O-31", "TimerHandle does not grant TIMER_MODIFY_STATE"},
}

var (
	rowCreateTimer = Add(&NtTable, Entry[Services, CreateTimerIn, TimerOut]{
		Meta: Meta{
			Name:    "NtCreateTimer",
			Summary: "creates a timer, with or without a name",
			Source:  "ZwCreateTimer",
			Missing: "no thread can wait for a timer; timers use the audit log's clock and do not run without one",
			Conditions: append([]Condition{
				{ntstatus.InvalidParameter4, "O-139", "TimerType is neither NotificationTimer nor SynchronizationTimer"},
			}, createByNameConditions()...),
		},
		Call:    Services.NtCreateTimer,
		Scalars: byValue(func(in CreateTimerIn) bool { return in.TimerType <= SynchronizationTimer }),
	})
	rowOpenTimer = Add(&NtTable, Entry[Services, OpenTimerIn, TimerOut]{
		Meta: Meta{
			Name:       "NtOpenTimer",
			Summary:    "opens a timer by name",
			Source:     "ZwOpenTimer",
			Conditions: openByNameConditions(),
		},
		Call: Services.NtOpenTimer,
	})
	rowSetTimer = Add(&NtTable, Entry[Services, SetTimerIn, SetTimerOut]{
		Meta: Meta{
			Name:    "NtSetTimer",
			Summary: "starts a timer",
			Source:  "ZwSetTimer",
			Missing: "no timer routine is called; ResumeTimer is stored without effect",
			Conditions: append([]Condition{
				{ntstatus.InvalidParameter6, "O-139", "Period is below 0"},
				{ntstatus.AccessViolation, "O-3", "DueTime is not readable"},
			}, timerHandle...),
		},
		Call:    Services.NtSetTimer,
		Scalars: byValue(func(in SetTimerIn) bool { return in.Period >= 0 }),
	})
	rowCancelTimer = Add(&NtTable, Entry[Services, CancelTimerIn, CancelTimerOut]{
		Meta: Meta{
			Name:       "NtCancelTimer",
			Summary:    "cancels a timer",
			Source:     "ZwCancelTimer",
			Conditions: timerHandle,
		},
		Call: Services.NtCancelTimer,
	})
	rowQueryTimer = Add(&NtTable, Entry[Services, QueryTimerIn, QueryTimerOut]{
		Meta: Meta{
			Name:       "NtQueryTimer",
			Summary:    "returns whether a timer is signalled, and the remaining time",
			Source:     "\"Synchronization Object Security and Access Rights\"",
			Conditions: stateConditions("TimerHandle", "timer", "TIMER_QUERY_STATE"),
		},
		Call: Services.NtQueryTimer,
		Scalars: byValue(func(in QueryTimerIn) bool {
			return in.TimerInformationClass == 0 && in.TimerInformationLength == 16
		}),
	})
)

// NtCreateTimer creates a timer that is not set (ZwCreateTimer). nil attributes make one without a name.
func (t *Thread) NtCreateTimer(
	desired winnt.AccessMask, attributes *ObjectAttributes, typ TimerType,
) (winnt.Handle, ntstatus.Status) {
	in := CreateTimerIn{desired, Cap(attributes), typ}
	out, st := call(t, rowCreateTimer, in)
	return out.TimerHandle, st
}

// NtOpenTimer opens a timer by name, STATUS_OBJECT_NAME_NOT_FOUND if there is none (ZwOpenTimer).
func (t *Thread) NtOpenTimer(desired winnt.AccessMask, attributes *ObjectAttributes) (winnt.Handle, ntstatus.Status) {
	in := OpenTimerIn{desired, Cap(attributes)}
	out, st := call(t, rowOpenTimer, in)
	return out.TimerHandle, st
}

// NtSetTimer sets a timer and returns whether it was signalled. A negative period gives STATUS_INVALID_PARAMETER_6. It
// needs TIMER_MODIFY_STATE (ZwSetTimer).
func (t *Thread) NtSetTimer(timer winnt.Handle, due int64, period int32) (bool, ntstatus.Status) {
	in := SetTimerIn{TimerHandle: timer, DueTime: Cap(due), Period: period}
	out, st := call(t, rowSetTimer, in)
	return out.PreviousState, st
}

// NtCancelTimer cancels a timer and returns whether it is signalled. It does
// not change the signal. It needs TIMER_MODIFY_STATE (ZwCancelTimer).
func (t *Thread) NtCancelTimer(timer winnt.Handle) (bool, ntstatus.Status) {
	in := CancelTimerIn{timer}
	out, st := call(t, rowCancelTimer, in)
	return out.CurrentState, st
}

// NtQueryTimer returns the state of a timer. It needs TIMER_QUERY_STATE.
func (t *Thread) NtQueryTimer(timer winnt.Handle) (TimerInformation, ntstatus.Status) {
	in := QueryTimerIn{TimerHandle: timer, TimerInformationLength: 16}
	out, st := call(t, rowQueryTimer, in)
	return out.TimerInformation, st
}
