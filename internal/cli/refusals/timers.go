package refusals

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// The services on timers.

// timer creates a timer and returns a handle with the given rights.
func (w *world) timer(name string, rights winnt.AccessMask) winnt.Handle {
	out, st := w.zw().NtCreateTimer(nt.CreateTimerIn{DesiredAccess: rights, ObjectAttributes: oaNamed(name, nil)})
	w.made(out.TimerHandle, st)
	return out.TimerHandle
}

// unchangeable returns a handle that cannot set its timer.
func (w *world) unchangeable() winnt.Handle { return w.timer(existing, winnt.TIMER_QUERY_STATE) }

var _ = define(setup[*nt.CreateTimerIn]{
	names: []string{"NtCreateTimer", "ZwCreateTimer"},
	base: func(w *world) *nt.CreateTimerIn {
		w.timer(existing, winnt.TIMER_ALL_ACCESS)
		return &nt.CreateTimerIn{DesiredAccess: winnt.TIMER_ALL_ACCESS, ObjectAttributes: oaNamed(fresh, nil)}
	},
	refusals: append(named[*nt.CreateTimerIn]{
		mask:    func(in *nt.CreateTimerIn) *winnt.AccessMask { return &in.DesiredAccess },
		oa:      func(in *nt.CreateTimerIn) *nt.Captured[*nt.ObjectAttributes] { return &in.ObjectAttributes },
		unknown: 0x200, invalid: winnt.OBJ_OPENLINK, create: true, object: existing + `\x`, taken: existing,
	}.refusals(), refusal[*nt.CreateTimerIn]{rule: "O-139", want: ntstatus.InvalidParameter4, name: "TimerType 2",
		takes: "type", inject: func(_ *world, in *nt.CreateTimerIn) { in.TimerType = 2 }}),
	absent: elsewhere,
})

var _ = define(setup[*nt.OpenTimerIn]{
	names: []string{"NtOpenTimer", "ZwOpenTimer"},
	base: func(w *world) *nt.OpenTimerIn {
		w.timer(existing, winnt.TIMER_ALL_ACCESS)
		return &nt.OpenTimerIn{DesiredAccess: winnt.TIMER_MODIFY_STATE, ObjectAttributes: oaNamed(existing, nil)}
	},
	refusals: named[*nt.OpenTimerIn]{
		mask:    func(in *nt.OpenTimerIn) *winnt.AccessMask { return &in.DesiredAccess },
		oa:      func(in *nt.OpenTimerIn) *nt.Captured[*nt.ObjectAttributes] { return &in.ObjectAttributes },
		unknown: 0x200, invalid: winnt.OBJ_OPENLINK, object: folder,
	}.refusals(),
	absent: elsewhere,
})

var _ = define(setup[*nt.SetTimerIn]{
	names: []string{"NtSetTimer", "ZwSetTimer"},
	base: func(w *world) *nt.SetTimerIn {
		return &nt.SetTimerIn{TimerHandle: w.timer(fresh, winnt.TIMER_ALL_ACCESS), DueTime: nt.Cap(int64(-1))}
	},
	refusals: append(handles("O-31", "TimerHandle", "TimerHandle",
		func(in *nt.SetTimerIn) *winnt.Handle { return &in.TimerHandle }, (*world).unchangeable),
		refusal[*nt.SetTimerIn]{rule: "O-139", want: ntstatus.InvalidParameter6, name: "a period of -1", takes: "period",
			inject: func(_ *world, in *nt.SetTimerIn) { in.Period = -1 }},
		refusal[*nt.SetTimerIn]{rule: "O-3", want: ntstatus.AccessViolation, name: "DueTime unreadable", takes: "due",
			needs: pointers, inject: func(_ *world, in *nt.SetTimerIn) { unreadable(&in.DueTime) }}),
})

var _ = define(setup[*nt.CancelTimerIn]{
	names: []string{"NtCancelTimer", "ZwCancelTimer"},
	base: func(w *world) *nt.CancelTimerIn {
		return &nt.CancelTimerIn{TimerHandle: w.timer(fresh, winnt.TIMER_ALL_ACCESS)}
	},
	refusals: handles("O-31", "TimerHandle", "TimerHandle",
		func(in *nt.CancelTimerIn) *winnt.Handle { return &in.TimerHandle }, (*world).unchangeable),
})

var _ = define(setup[*nt.QueryTimerIn]{
	names: []string{"NtQueryTimer", "ZwQueryTimer"},
	base: func(w *world) *nt.QueryTimerIn {
		return &nt.QueryTimerIn{TimerHandle: w.timer(fresh, winnt.TIMER_ALL_ACCESS), TimerInformationLength: 16}
	},
	refusals: stateRefusals(
		func(in *nt.QueryTimerIn) (*winnt.Handle, *uint32, *uint32, *ntstatus.Status) {
			return &in.TimerHandle, (*uint32)(&in.TimerInformationClass), &in.TimerInformationLength, &in.FaultReturnLength
		},
		"TimerHandle", func(w *world) winnt.Handle { return w.timer(existing, winnt.TIMER_MODIFY_STATE) }),
})
