package refusals

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// The services that query processes and threads.

var _ = define(setup[*nt.GetNextProcessIn]{
	names: []string{"NtGetNextProcess", "ZwGetNextProcess"},
	base: func(w *world) *nt.GetNextProcessIn {
		return &nt.GetNextProcessIn{ProcessHandle: w.handle(w.system(), winnt.PROCESS_ALL_ACCESS),
			DesiredAccess: winnt.PROCESS_QUERY_INFORMATION}
	},
	refusals: []refusal[*nt.GetNextProcessIn]{
		{rule: "O-22", want: ntstatus.InvalidParameter, name: "flags 1", takes: "flags",
			inject: func(_ *world, in *nt.GetNextProcessIn) { in.Flags = 1 }},
		exclusiveInherited("attributes", func(in *nt.GetNextProcessIn) *uint32 { return &in.HandleAttributes }),
		{rule: "O-20", want: ntstatus.AccessDenied, name: "reserved bits", takes: "desired.reserved",
			inject: func(_ *world, in *nt.GetNextProcessIn) { in.DesiredAccess |= 0x00400000 }},
		{rule: "O-30", want: ntstatus.PrivilegeNotHeld, name: "ACCESS_SYSTEM_SECURITY without privilege",
			takes: "desired.security", needs: userOnly, inject: func(_ *world, in *nt.GetNextProcessIn) {
				in.DesiredAccess |= winnt.ACCESS_SYSTEM_SECURITY
			}},
		{rule: "O-31", want: ntstatus.InvalidHandle, when: "ProcessHandle", name: "ProcessHandle names nothing",
			takes: "ProcessHandle", inject: func(_ *world, in *nt.GetNextProcessIn) { in.ProcessHandle = noHandle }},
		{rule: "O-31", want: ntstatus.ObjectTypeMismatch, when: "ProcessHandle", name: "ProcessHandle of another type",
			takes: "ProcessHandle", inject: func(w *world, in *nt.GetNextProcessIn) {
				in.ProcessHandle = w.handle(w.anotherType(), 0)
			}},
		{rule: "O-33", want: ntstatus.InvalidParameter, name: "OBJ_PERMANENT", takes: "attributes.permanent",
			inject: func(_ *world, in *nt.GetNextProcessIn) { in.HandleAttributes |= winnt.OBJ_PERMANENT }},
		{rule: "U-95", want: ntstatus.NoMoreEntries, name: "no process follows", takes: "ProcessHandle attributes",
			inject: func(w *world, in *nt.GetNextProcessIn) {
				w.suspended() // the newest process
				in.ProcessHandle = w.handle(w.child.Object(), winnt.PROCESS_ALL_ACCESS)
			}},
	},
})

// system returns the System process, which has the smallest id.
func (w *world) system() ob.Object { return must(w.sys.SystemThread()).Thread().Process() }

var _ = define(setup[*nt.QueryInformationProcessIn]{
	names: []string{"NtQueryInformationProcess", "ZwQueryInformationProcess"},
	base: func(w *world) *nt.QueryInformationProcessIn {
		return &nt.QueryInformationProcessIn{ProcessHandle: w.handle(w.server.Object(), winnt.PROCESS_ALL_ACCESS),
			ProcessInformationLength: 48}
	},
	refusals: queryRefusals("U-96", 3, "ProcessHandle",
		func(in *nt.QueryInformationProcessIn) (*winnt.Handle, *uint32, *uint32, *ntstatus.Status) {
			return &in.ProcessHandle, (*uint32)(&in.ProcessInformationClass), &in.ProcessInformationLength,
				&in.FaultReturnLength
		},
		func(w *world) winnt.Handle {
			return w.handle(w.server.Object(), winnt.PROCESS_ALL_ACCESS&^(winnt.PROCESS_QUERY_INFORMATION|
				winnt.PROCESS_QUERY_LIMITED_INFORMATION))
		}),
})

var _ = define(setup[*nt.QueryInformationThreadIn]{
	names: []string{"NtQueryInformationThread", "ZwQueryInformationThread"},
	base: func(w *world) *nt.QueryInformationThreadIn {
		return &nt.QueryInformationThreadIn{ThreadHandle: w.handle(w.other, winnt.THREAD_ALL_ACCESS),
			ThreadInformationLength: 48}
	},
	refusals: queryRefusals("U-97", 3, "ThreadHandle",
		func(in *nt.QueryInformationThreadIn) (*winnt.Handle, *uint32, *uint32, *ntstatus.Status) {
			return &in.ThreadHandle, (*uint32)(&in.ThreadInformationClass), &in.ThreadInformationLength, &in.FaultReturnLength
		},
		func(w *world) winnt.Handle {
			return w.handle(w.other, winnt.THREAD_ALL_ACCESS&^(winnt.THREAD_QUERY_INFORMATION|
				winnt.THREAD_QUERY_LIMITED_INFORMATION))
		}),
})

// queryRefusals returns the failures to inject into a query service. class is an unsupported class. of returns
// pointers to the parameters. bare returns a handle without the required right.
func queryRefusals[I any](rule string, class uint32, name string,
	of func(I) (h *winnt.Handle, class, length *uint32, refusal *ntstatus.Status),
	bare func(w *world) winnt.Handle) []refusal[I] {
	return append(
		handles("O-31", name, name, func(in I) *winnt.Handle {
			h, _, _, _ := of(in)
			return h
		}, bare),
		refusal[I]{rule: rule, want: ntstatus.InvalidInfoClass, name: "another class", takes: "class",
			inject: func(_ *world, in I) {
				_, at, _, _ := of(in)
				*at = class
			}},
		refusal[I]{rule: rule, want: ntstatus.InfoLengthMismatch, name: "a length of 7", takes: "length",
			inject: func(_ *world, in I) {
				_, _, length, _ := of(in)
				*length = 7
			}},
		refusal[I]{rule: "O-3", want: ntstatus.AccessViolation, name: "ReturnLength cannot be written", takes: "pointer",
			needs: pointers, inject: func(_ *world, in I) {
				_, _, _, refusal := of(in)
				*refusal = ntstatus.AccessViolation
			}})
}
