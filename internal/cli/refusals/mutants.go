package refusals

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// The services on mutants.

// mutant creates a mutant owned by the calling thread and returns a handle with the given rights. It panics if that
// fails.
func (w *world) mutant(name string, rights winnt.AccessMask) winnt.Handle {
	out, st := w.zw().NtCreateMutant(nt.CreateMutantIn{DesiredAccess: rights, ObjectAttributes: oaNamed(name, nil),
		InitialOwner: true})
	w.made(out.MutantHandle, st)
	return out.MutantHandle
}

// zw returns the kernel-mode services, which the set-up of a call uses.
func (w *world) zw() nt.Services { return w.k.Zw().Services() }

var _ = define(setup[*nt.CreateMutantIn]{
	names: []string{"NtCreateMutant", "ZwCreateMutant"},
	base: func(w *world) *nt.CreateMutantIn {
		w.mutant(existing, winnt.MUTANT_ALL_ACCESS)
		return &nt.CreateMutantIn{DesiredAccess: winnt.MUTANT_ALL_ACCESS, ObjectAttributes: oaNamed(fresh, nil)}
	},
	refusals: named[*nt.CreateMutantIn]{
		mask:    func(in *nt.CreateMutantIn) *winnt.AccessMask { return &in.DesiredAccess },
		oa:      func(in *nt.CreateMutantIn) *nt.Captured[*nt.ObjectAttributes] { return &in.ObjectAttributes },
		unknown: 0x200, invalid: winnt.OBJ_OPENLINK, create: true, object: existing + `\x`, taken: existing,
	}.refusals(),
	absent: elsewhere,
})

var _ = define(setup[*nt.OpenMutantIn]{
	names: []string{"NtOpenMutant", "ZwOpenMutant"},
	base: func(w *world) *nt.OpenMutantIn {
		w.mutant(existing, winnt.MUTANT_ALL_ACCESS)
		return &nt.OpenMutantIn{DesiredAccess: winnt.MUTANT_QUERY_STATE, ObjectAttributes: oaNamed(existing, nil)}
	},
	refusals: named[*nt.OpenMutantIn]{
		mask:    func(in *nt.OpenMutantIn) *winnt.AccessMask { return &in.DesiredAccess },
		oa:      func(in *nt.OpenMutantIn) *nt.Captured[*nt.ObjectAttributes] { return &in.ObjectAttributes },
		unknown: 0x200, invalid: winnt.OBJ_OPENLINK, object: folder,
	}.refusals(),
	absent: elsewhere,
})

var _ = define(setup[*nt.ReleaseMutantIn]{
	names: []string{"NtReleaseMutant", "ZwReleaseMutant"},
	base: func(w *world) *nt.ReleaseMutantIn {
		return &nt.ReleaseMutantIn{MutantHandle: w.mutant(fresh, winnt.MUTANT_ALL_ACCESS)}
	},
	refusals: append(handles("O-31", "MutantHandle", "MutantHandle",
		func(in *nt.ReleaseMutantIn) *winnt.Handle { return &in.MutantHandle }, nil)[:2],
		refusal[*nt.ReleaseMutantIn]{rule: "O-134", want: ntstatus.MutantNotOwned, name: "a mutant that is free",
			takes: "MutantHandle", inject: func(w *world, in *nt.ReleaseMutantIn) {
				if _, st := w.zw().NtReleaseMutant(*in); st != ntstatus.Success {
					panic("refusals: release: " + st.String())
				}
			}}),
})

var _ = define(setup[*nt.QueryMutantIn]{
	names: []string{"NtQueryMutant", "ZwQueryMutant"},
	base: func(w *world) *nt.QueryMutantIn {
		return &nt.QueryMutantIn{MutantHandle: w.mutant(fresh, winnt.MUTANT_ALL_ACCESS),
			MutantInformationLength: 8}
	},
	refusals: stateRefusals(
		func(in *nt.QueryMutantIn) (*winnt.Handle, *uint32, *uint32, *ntstatus.Status) {
			return &in.MutantHandle, (*uint32)(&in.MutantInformationClass), &in.MutantInformationLength,
				&in.FaultReturnLength
		},
		"MutantHandle", func(w *world) winnt.Handle { return w.mutant(existing, winnt.READ_CONTROL) }),
})

// stateRefusals returns the failures to inject into a service that queries an object's state. of returns pointers to
// its parameters. bare returns a handle without the required right.
func stateRefusals[I any](of func(I) (h *winnt.Handle, class, length *uint32, refusal *ntstatus.Status), name string,
	bare func(w *world) winnt.Handle) []refusal[I] {
	return queryRefusals("O-135", 1, name, of, bare)
}
