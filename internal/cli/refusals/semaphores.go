package refusals

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// The services on semaphores.

// semaphore creates a semaphore with count 1 and maximum 3, and returns a handle with the given rights. It panics if
// that fails.
func (w *world) semaphore(name string, rights winnt.AccessMask) winnt.Handle {
	out, st := w.zw().NtCreateSemaphore(nt.CreateSemaphoreIn{DesiredAccess: rights,
		ObjectAttributes: oaNamed(name, nil), InitialCount: 1, MaximumCount: 3})
	w.made(out.SemaphoreHandle, st)
	return out.SemaphoreHandle
}

var _ = define(setup[*nt.CreateSemaphoreIn]{
	names: []string{"NtCreateSemaphore", "ZwCreateSemaphore"},
	base: func(w *world) *nt.CreateSemaphoreIn {
		w.semaphore(existing, winnt.SEMAPHORE_ALL_ACCESS)
		return &nt.CreateSemaphoreIn{DesiredAccess: winnt.SEMAPHORE_ALL_ACCESS, ObjectAttributes: oaNamed(fresh, nil),
			MaximumCount: 1}
	},
	refusals: append(named[*nt.CreateSemaphoreIn]{
		mask:    func(in *nt.CreateSemaphoreIn) *winnt.AccessMask { return &in.DesiredAccess },
		oa:      func(in *nt.CreateSemaphoreIn) *nt.Captured[*nt.ObjectAttributes] { return &in.ObjectAttributes },
		unknown: 0x200, invalid: winnt.OBJ_OPENLINK, create: true, object: existing + `\x`, taken: existing,
	}.refusals(), refusal[*nt.CreateSemaphoreIn]{rule: "O-137", want: ntstatus.InvalidParameter,
		name: "a count above the maximum", takes: "counts",
		inject: func(_ *world, in *nt.CreateSemaphoreIn) { in.InitialCount = 2 }}),
	absent: elsewhere,
})

var _ = define(setup[*nt.OpenSemaphoreIn]{
	names: []string{"NtOpenSemaphore", "ZwOpenSemaphore"},
	base: func(w *world) *nt.OpenSemaphoreIn {
		w.semaphore(existing, winnt.SEMAPHORE_ALL_ACCESS)
		return &nt.OpenSemaphoreIn{DesiredAccess: winnt.SEMAPHORE_MODIFY_STATE, ObjectAttributes: oaNamed(existing, nil)}
	},
	refusals: named[*nt.OpenSemaphoreIn]{
		mask:    func(in *nt.OpenSemaphoreIn) *winnt.AccessMask { return &in.DesiredAccess },
		oa:      func(in *nt.OpenSemaphoreIn) *nt.Captured[*nt.ObjectAttributes] { return &in.ObjectAttributes },
		unknown: 0x200, invalid: winnt.OBJ_OPENLINK, object: folder,
	}.refusals(),
	absent: elsewhere,
})

var _ = define(setup[*nt.ReleaseSemaphoreIn]{
	names: []string{"NtReleaseSemaphore", "ZwReleaseSemaphore"},
	base: func(w *world) *nt.ReleaseSemaphoreIn {
		return &nt.ReleaseSemaphoreIn{SemaphoreHandle: w.semaphore(fresh, winnt.SEMAPHORE_ALL_ACCESS), ReleaseCount: 2}
	},
	refusals: append(handles("O-31", "SemaphoreHandle", "SemaphoreHandle",
		func(in *nt.ReleaseSemaphoreIn) *winnt.Handle { return &in.SemaphoreHandle },
		func(w *world) winnt.Handle { return w.semaphore(existing, winnt.SEMAPHORE_QUERY_STATE) }),
		refusal[*nt.ReleaseSemaphoreIn]{rule: "O-138", want: ntstatus.InvalidParameter, name: "ReleaseCount 0",
			takes:  "count",
			inject: func(_ *world, in *nt.ReleaseSemaphoreIn) { in.ReleaseCount = 0 }},
		refusal[*nt.ReleaseSemaphoreIn]{rule: "O-138", want: ntstatus.SemaphoreLimitExceeded, name: "one more than there is",
			takes: "count", inject: func(_ *world, in *nt.ReleaseSemaphoreIn) { in.ReleaseCount = 3 }}),
})

var _ = define(setup[*nt.QuerySemaphoreIn]{
	names: []string{"NtQuerySemaphore", "ZwQuerySemaphore"},
	base: func(w *world) *nt.QuerySemaphoreIn {
		return &nt.QuerySemaphoreIn{SemaphoreHandle: w.semaphore(fresh, winnt.SEMAPHORE_ALL_ACCESS),
			SemaphoreInformationLength: 8}
	},
	refusals: stateRefusals(
		func(in *nt.QuerySemaphoreIn) (*winnt.Handle, *uint32, *uint32, *ntstatus.Status) {
			return &in.SemaphoreHandle, (*uint32)(&in.SemaphoreInformationClass), &in.SemaphoreInformationLength,
				&in.FaultReturnLength
		},
		"SemaphoreHandle", func(w *world) winnt.Handle { return w.semaphore(existing, winnt.SEMAPHORE_MODIFY_STATE) }),
})
