package refusals

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// The services that change events, wait, and queue APCs.

// signal creates an event without a name and returns a handle with the given rights. It panics if that fails.
func (w *world) signal(rights winnt.AccessMask, signaled bool) winnt.Handle {
	out, st := w.zw().NtCreateEvent(nt.CreateEventIn{DesiredAccess: rights, ObjectAttributes: oaNamed("", open()),
		InitialState: signaled})
	w.made(out.EventHandle, st)
	return out.EventHandle
}

// unsettable returns a handle that cannot change its event.
func (w *world) unsettable() winnt.Handle { return w.signal(winnt.SYNCHRONIZE, false) }

var _ = define(setup[*nt.SetEventIn]{
	names: []string{"NtSetEvent", "ZwSetEvent", "NtResetEvent", "ZwResetEvent"},
	base: func(w *world) *nt.SetEventIn {
		return &nt.SetEventIn{EventHandle: w.signal(winnt.EVENT_ALL_ACCESS, false)}
	},
	refusals: handles("O-31", "EventHandle", "EventHandle",
		func(in *nt.SetEventIn) *winnt.Handle { return &in.EventHandle }, (*world).unsettable),
})

var _ = define(setup[*nt.ClearEventIn]{
	names: []string{"NtClearEvent", "ZwClearEvent"},
	base: func(w *world) *nt.ClearEventIn {
		return &nt.ClearEventIn{EventHandle: w.signal(winnt.EVENT_ALL_ACCESS, false)}
	},
	refusals: handles("O-31", "EventHandle", "EventHandle",
		func(in *nt.ClearEventIn) *winnt.Handle { return &in.EventHandle }, (*world).unsettable),
})

var _ = define(setup[*nt.WaitForSingleObjectIn]{
	names: []string{"NtWaitForSingleObject", "ZwWaitForSingleObject"},
	base: func(w *world) *nt.WaitForSingleObjectIn {
		return &nt.WaitForSingleObjectIn{Handle: w.signal(winnt.EVENT_ALL_ACCESS, true)}
	},
	refusals: []refusal[*nt.WaitForSingleObjectIn]{
		{rule: "O-3", want: ntstatus.AccessViolation, name: "Timeout unreadable", takes: "timeout",
			inject: func(_ *world, in *nt.WaitForSingleObjectIn) { unreadable(&in.Timeout) }},
		{rule: "O-31", want: ntstatus.InvalidHandle, name: "Handle names nothing", takes: "Handle",
			inject: func(_ *world, in *nt.WaitForSingleObjectIn) { in.Handle = noHandle }},
		{rule: "O-31", want: ntstatus.AccessDenied, name: "Handle lacks SYNCHRONIZE", takes: "Handle", needs: userOnly,
			inject: func(w *world, in *nt.WaitForSingleObjectIn) { in.Handle = w.signal(winnt.EVENT_MODIFY_STATE, true) }},
		{rule: "O-145", want: ntstatus.ObjectTypeMismatch, name: "a timer", takes: "Handle",
			inject: func(w *world, in *nt.WaitForSingleObjectIn) { in.Handle = w.timer(fresh, winnt.TIMER_ALL_ACCESS) }},
		{rule: "O-145", want: ntstatus.Timeout, name: "an event that is not signalled", takes: "Handle",
			inject: func(w *world, in *nt.WaitForSingleObjectIn) { in.Handle = w.signal(winnt.EVENT_ALL_ACCESS, false) }},
	},
	absent: []absence{{"O-147", "", "it takes calls queued to the thread: transcript 10-waits"}},
})

var _ = define(setup[*nt.QueueApcThreadIn]{
	names: []string{"NtQueueApcThread"},
	base: func(w *world) *nt.QueueApcThreadIn {
		return &nt.QueueApcThreadIn{ThreadHandle: w.handle(w.other, winnt.THREAD_SET_CONTEXT)}
	},
	refusals: handles("O-31", "ThreadHandle", "ThreadHandle",
		func(in *nt.QueueApcThreadIn) *winnt.Handle { return &in.ThreadHandle },
		func(w *world) winnt.Handle {
			return w.handle(w.other, winnt.THREAD_ALL_ACCESS&^winnt.THREAD_SET_CONTEXT)
		}),
	absent: []absence{{"O-147", "", "it takes a thread that has ended or a full queue: transcript 10-waits and a test"}},
})

var _ = define(setup[*nt.TestAlertIn]{
	names:  []string{"NtTestAlert"},
	base:   func(*world) *nt.TestAlertIn { return &nt.TestAlertIn{} },
	absent: []absence{{"O-147", "", notARefusal}},
})
