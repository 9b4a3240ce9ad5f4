package refusals

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// The services that work on threads.

// demotion returns the failures that every impersonation of a token can have: no memory, and a job that rejects the
// token.
func demotion[I any]() []refusal[I] {
	return []refusal[I]{
		{rule: "I-41", want: ntstatus.NoMemory, name: "memory runs out for the record", takes: "record",
			inject: func(w *world, _ I) { w.failing["ps: impersonation record"] = true }},
		{rule: "I-90", want: ntstatus.AccessDenied, of: ofCheck, name: "a job refuses the token", takes: "job",
			inject: func(w *world, _ I) { w.job() }},
	}
}

var _ = define(setup[*nt.ImpersonateThreadIn]{
	names: []string{"NtImpersonateThread", "ZwImpersonateThread"},
	base: func(w *world) *nt.ImpersonateThreadIn {
		return &nt.ImpersonateThreadIn{ServerThreadHandle: w.handle(w.sys.ThreadObject(w.thread), winnt.THREAD_ALL_ACCESS),
			ClientThreadHandle: w.impersonating(),
			SecurityQos:        nt.Cap(&nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation})}
	},
	refusals: join(
		handles("O-31", "ServerThreadHandle", "ServerThreadHandle",
			func(in *nt.ImpersonateThreadIn) *winnt.Handle { return &in.ServerThreadHandle }, func(w *world) winnt.Handle {
				return w.handle(w.other, winnt.THREAD_ALL_ACCESS&^winnt.THREAD_DIRECT_IMPERSONATION)
			}),
		handles("O-31", "ClientThreadHandle", "ClientThreadHandle",
			func(in *nt.ImpersonateThreadIn) *winnt.Handle { return &in.ClientThreadHandle }, func(w *world) winnt.Handle {
				return w.handle(w.other, winnt.THREAD_ALL_ACCESS&^winnt.THREAD_IMPERSONATE)
			}),
		demotion[*nt.ImpersonateThreadIn](),
		[]refusal[*nt.ImpersonateThreadIn]{
			{rule: "O-3", want: ntstatus.AccessViolation, name: "SecurityQos NULL", takes: "sqos", needs: pointers,
				inject: func(_ *world, in *nt.ImpersonateThreadIn) { in.SecurityQos.V = nil }},
			{rule: "I-73", want: ntstatus.InvalidParameter, name: "SecurityQos of a wrong Length", takes: "sqos",
				needs: pointers, inject: func(_ *world, in *nt.ImpersonateThreadIn) {
					in.SecurityQos.Status = ntstatus.InvalidParameter
				}},
			{rule: "I-80", want: ntstatus.InvalidParameter, name: "level 4", takes: "sqos",
				inject: func(_ *world, in *nt.ImpersonateThreadIn) { in.SecurityQos.V.ImpersonationLevel = 4 }},
			{rule: "I-80", want: ntstatus.BadImpersonationLevel, name: "a level above the client's own", takes: "sqos",
				inject: func(_ *world, in *nt.ImpersonateThreadIn) { in.SecurityQos.V.ImpersonationLevel = 3 }},
			{rule: "O-81", want: ntstatus.InsufficientResources, name: "memory runs out for the context", takes: "memory",
				inject: func(w *world, _ *nt.ImpersonateThreadIn) { w.failing["se: client context"] = true }},
			{rule: "I-43", want: ntstatus.Success, name: "the server lacks SeImpersonatePrivilege", takes: "decision",
				inject: func(w *world, _ *nt.ImpersonateThreadIn) { w.stranger() }},
		}),
})

var _ = define(setup[*nt.ImpersonateAnonymousTokenIn]{
	names: []string{"NtImpersonateAnonymousToken", "ZwImpersonateAnonymousToken"},
	base: func(w *world) *nt.ImpersonateAnonymousTokenIn {
		return &nt.ImpersonateAnonymousTokenIn{ThreadHandle: w.handle(w.other, winnt.THREAD_ALL_ACCESS)}
	},
	refusals: join(
		handles("O-31", "ThreadHandle", "ThreadHandle",
			func(in *nt.ImpersonateAnonymousTokenIn) *winnt.Handle { return &in.ThreadHandle }, func(w *world) winnt.Handle {
				return w.handle(w.other, winnt.THREAD_ALL_ACCESS&^winnt.THREAD_IMPERSONATE)
			}),
		demotion[*nt.ImpersonateAnonymousTokenIn](),
		[]refusal[*nt.ImpersonateAnonymousTokenIn]{
			{rule: "I-74", want: ntstatus.AccessDenied, name: "a restricted process", takes: "primary", needs: userOnly,
				inject: func(w *world, _ *nt.ImpersonateAnonymousTokenIn) {
					w.late = append(w.late, func() {
						w.server.Object().PrimaryToken().Update(func(old *token.Token, m winnt.LUID) *token.Token {
							s := old.Spec()
							s.ModifiedID, s.IsRestricted = m, true
							s.Restricted = []token.Group{{SID: svcSID}}
							return must(token.New(s))
						})
					})
				}},
		}),
})

// suspended returns another process, without a thread. It returns the same one at each call. It panics if the process
// cannot be made.
func (w *world) suspended() *ps.Process {
	if w.child == nil {
		w.child = must(w.sys.CreateProcess(kernel.ProcessSpec{Name: "child", Token: must(token.New(serverSpec()))}))
	}
	return w.child.Object()
}

var _ = define(setup[*nt.GetNextThreadIn]{
	names: []string{"NtGetNextThread", "ZwGetNextThread"},
	base: func(w *world) *nt.GetNextThreadIn {
		return &nt.GetNextThreadIn{ProcessHandle: w.handle(w.server.Object(), winnt.PROCESS_ALL_ACCESS),
			DesiredAccess: winnt.THREAD_QUERY_INFORMATION}
	},
	refusals: join(
		handles("O-31", "ProcessHandle", "ProcessHandle",
			func(in *nt.GetNextThreadIn) *winnt.Handle { return &in.ProcessHandle }, func(w *world) winnt.Handle {
				return w.handle(w.server.Object(), winnt.PROCESS_ALL_ACCESS&^winnt.PROCESS_QUERY_INFORMATION)
			}),
		[]refusal[*nt.GetNextThreadIn]{
			{rule: "O-22", want: ntstatus.InvalidParameter, name: "flags 2", takes: "flags",
				inject: func(_ *world, in *nt.GetNextThreadIn) { in.Flags = 2 }},
			exclusiveInherited("attributes", func(in *nt.GetNextThreadIn) *uint32 { return &in.HandleAttributes }),
			{rule: "O-20", want: ntstatus.AccessDenied, name: "reserved bits", takes: "desired.reserved",
				inject: func(_ *world, in *nt.GetNextThreadIn) { in.DesiredAccess |= 0x00400000 }},
			{rule: "O-30", want: ntstatus.PrivilegeNotHeld, name: "ACCESS_SYSTEM_SECURITY without privilege",
				takes: "desired.security", needs: userOnly, inject: func(_ *world, in *nt.GetNextThreadIn) {
					in.DesiredAccess |= winnt.ACCESS_SYSTEM_SECURITY
				}},
			{rule: "O-31", want: ntstatus.InvalidHandle, when: "ThreadHandle", name: "ThreadHandle names nothing",
				takes: "ThreadHandle", inject: func(_ *world, in *nt.GetNextThreadIn) { in.ThreadHandle = noHandle }},
			{rule: "O-31", want: ntstatus.ObjectTypeMismatch, when: "ThreadHandle", name: "ThreadHandle of another type",
				takes: "ThreadHandle", inject: func(w *world, in *nt.GetNextThreadIn) {
					in.ThreadHandle = w.handle(w.anotherType(), 0)
				}},
			{rule: "O-37", want: ntstatus.InvalidParameter, name: "a thread of another process", takes: "ThreadHandle",
				inject: func(w *world, in *nt.GetNextThreadIn) {
					in.ThreadHandle = w.handle(w.foreignThread(), winnt.THREAD_ALL_ACCESS)
				}},
			{rule: "O-33", want: ntstatus.InvalidParameter, name: "OBJ_PERMANENT", takes: "attributes.permanent",
				inject: func(_ *world, in *nt.GetNextThreadIn) { in.HandleAttributes |= winnt.OBJ_PERMANENT }},
			{rule: "O-37", want: ntstatus.NoMoreEntries, name: "no thread follows", takes: "ThreadHandle attributes",
				inject: func(w *world, in *nt.GetNextThreadIn) {
					in.ThreadHandle = w.handle(w.other, winnt.THREAD_ALL_ACCESS)
				}},
		}),
})

// foreignThread returns a thread of a process other than the server.
func (w *world) foreignThread() ob.Object {
	w.suspended()
	return w.sys.ThreadObject(must(w.child.NewThread()))
}

var _ = define(setup[*kernel.PsAssignImpersonationTokenIn]{
	names: []string{"PsAssignImpersonationToken"},
	base: func(w *world) *kernel.PsAssignImpersonationTokenIn {
		return &kernel.PsAssignImpersonationTokenIn{Thread: w.other,
			TokenHandle: w.handle(w.existing(2), winnt.TOKEN_ALL_ACCESS)}
	},
	refusals: join(demotion[*kernel.PsAssignImpersonationTokenIn](), []refusal[*kernel.PsAssignImpersonationTokenIn]{
		{rule: "I-70", want: ntstatus.Success, name: "TokenHandle NULL", takes: "token",
			inject: func(_ *world, in *kernel.PsAssignImpersonationTokenIn) { in.TokenHandle = 0 }},
		{rule: "O-31", want: ntstatus.InvalidHandle, name: "TokenHandle names nothing", takes: "token",
			inject: func(_ *world, in *kernel.PsAssignImpersonationTokenIn) { in.TokenHandle = noHandle }},
		{rule: "O-31", want: ntstatus.ObjectTypeMismatch, name: "TokenHandle of another type", takes: "token",
			inject: func(w *world, in *kernel.PsAssignImpersonationTokenIn) {
				in.TokenHandle = w.handle(w.anotherType(), 0)
			}},
		{rule: "I-70", want: ntstatus.BadTokenType, name: "a primary token", takes: "token",
			inject: func(w *world, in *kernel.PsAssignImpersonationTokenIn) {
				in.TokenHandle = w.handle(w.server.Object().PrimaryToken(), winnt.TOKEN_ALL_ACCESS)
			}},
	}),
})
