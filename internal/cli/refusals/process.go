package refusals

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// The services that create processes and limit them with jobs.

// process returns another process of the server's user.
func (w *world) process() *ps.Process {
	p := must(w.sys.NewProcess("other", must(token.New(serverSpec()))))
	return p.Object()
}

// bare returns a new process of the server whose thread has not started. The world ends it. It panics if the process
// cannot be made.
func (w *world) bare() *ps.Process {
	p, t, o := w.server.Object().NewChild(ps.Child{Image: se.Unlabelled, Suspended: true})
	if o.Status != ntstatus.Success {
		panic("refusals: child: " + o.Status.String())
	}
	w.drop = append(w.drop, func() {
		p.Exit()
		t.Deref(ob.TagCall)
		p.Deref(ob.TagCall)
	})
	return p
}

// primary returns a primary token. With own it has the server's user and logon, so the server may assign it;
// otherwise another user's, which it may not.
func (w *world) primary(own bool) *se.TokenObject {
	s := serverSpec()
	if !own {
		s = token.StandardUser(userSID)
	}
	return w.token(s, open())
}

var _ = define(setup[*nt.CreateUserProcessIn]{
	names: []string{"NtCreateUserProcess", "ZwCreateUserProcess"},
	base: func(w *world) *nt.CreateUserProcessIn {
		w.file("tool", open())
		w.file("secret tool", closed())
		return &nt.CreateUserProcessIn{ProcessDesiredAccess: winnt.PROCESS_ALL_ACCESS,
			ThreadDesiredAccess:     winnt.THREAD_ALL_ACCESS,
			ProcessObjectAttributes: nt.Cap(&nt.ObjectAttributes{}), ThreadObjectAttributes: nt.Cap(&nt.ObjectAttributes{}),
			ParentProcess: w.handle(w.server.Object(), winnt.PROCESS_ALL_ACCESS), Token: w.handle(w.primary(true),
				winnt.TOKEN_ALL_ACCESS), ImageName: "tool"}
	},
	refusals: join(
		handles("O-31", "ParentProcess", "ParentProcess",
			func(in *nt.CreateUserProcessIn) *winnt.Handle { return &in.ParentProcess }, func(w *world) winnt.Handle {
				return w.handle(w.server.Object(), winnt.PROCESS_ALL_ACCESS&^winnt.PROCESS_CREATE_PROCESS)
			}),
		handles("I-96", "Token", "Token", func(in *nt.CreateUserProcessIn) *winnt.Handle { return &in.Token },
			func(w *world) winnt.Handle {
				return w.handle(w.primary(true), winnt.TOKEN_ALL_ACCESS&^winnt.TOKEN_ASSIGN_PRIMARY)
			}),
		[]refusal[*nt.CreateUserProcessIn]{
			{rule: "I-95", want: ntstatus.InvalidParameter, name: "an unknown flag", takes: "flags",
				inject: func(_ *world, in *nt.CreateUserProcessIn) { in.ProcessFlags = 0x8000 }},
			{rule: "O-3", want: ntstatus.AccessViolation, name: "attributes unreadable", takes: "oa", needs: pointers,
				inject: func(_ *world, in *nt.CreateUserProcessIn) { unreadable(&in.ProcessObjectAttributes) }},
			{rule: "O-22", want: ntstatus.InvalidParameter, name: "unknown attribute bits", takes: "oa.unknown",
				inject: func(_ *world, in *nt.CreateUserProcessIn) { in.ProcessObjectAttributes.V.Attributes = 0x8000 }},
			exclusiveInherited("oa", func(in *nt.CreateUserProcessIn) *uint32 {
				return &oaOf(&in.ThreadObjectAttributes).Attributes
			}),
			{rule: "T-111", want: ntstatus.PrivilegeNotHeld, name: "a foreign token without privilege", takes: "Token",
				needs: userOnly, inject: func(w *world, in *nt.CreateUserProcessIn) {
					in.Token = w.handle(w.primary(false), winnt.TOKEN_ALL_ACCESS)
				}},
			{rule: "T-112", want: ntstatus.BadTokenType, name: "an impersonation token", takes: "Token", only: documented,
				inject: func(w *world, in *nt.CreateUserProcessIn) {
					in.Token = w.handle(w.impersonationOf(winnt.SecurityImpersonation), winnt.TOKEN_ALL_ACCESS)
				}},
			{rule: "T-42", want: ntstatus.BadImpersonationLevel, name: "an identification token", takes: "Token", only: observed,
				inject: func(w *world, in *nt.CreateUserProcessIn) {
					if w.profile == nt.Observed {
						in.Token = w.handle(w.impersonationOf(winnt.SecurityIdentification), winnt.TOKEN_ALL_ACCESS)
					}
				}},
			{rule: "I-95", want: ntstatus.ObjectNameNotFound, name: "no such program", takes: "image",
				inject: func(_ *world, in *nt.CreateUserProcessIn) { in.ImageName = "no tool" }},
			{rule: "O-33", want: ntstatus.AccessDenied, of: ofCheck, name: "a program the user may not execute", takes: "image",
				needs: userOnly, inject: func(_ *world, in *nt.CreateUserProcessIn) { in.ImageName = "secret tool" }},
			{rule: "O-20", want: ntstatus.AccessDenied, name: "reserved bits", takes: "desired.reserved",
				inject: func(_ *world, in *nt.CreateUserProcessIn) { in.ProcessDesiredAccess |= 0x00400000 }},
			{rule: "O-30", want: ntstatus.PrivilegeNotHeld, name: "ACCESS_SYSTEM_SECURITY without privilege",
				takes: "desired.security", needs: userOnly, inject: func(_ *world, in *nt.CreateUserProcessIn) {
					in.ThreadDesiredAccess |= winnt.ACCESS_SYSTEM_SECURITY
				}},
			{rule: "S-61", want: ntstatus.InvalidOwner, name: "an owner it may not assign", takes: "sd", needs: userOnly,
				inject: func(_ *world, in *nt.CreateUserProcessIn) {
					oaOf(&in.ProcessObjectAttributes).SecurityDescriptor = open()
				}},
			{rule: "S-71", want: ntstatus.PrivilegeNotHeld, name: "a SACL without privilege", takes: "sd", needs: userOnly,
				inject: func(_ *world, in *nt.CreateUserProcessIn) {
					oaOf(&in.ProcessObjectAttributes).SecurityDescriptor = withSACL()
				}},
			{rule: "S-17", want: ntstatus.InvalidACL, name: "a SACL without space for the label", takes: "sd",
				inject: func(_ *world, in *nt.CreateUserProcessIn) {
					oaOf(&in.ProcessObjectAttributes).SecurityDescriptor = full()
				}},
			{rule: "O-81", want: ntstatus.InsufficientResources, name: "no memory for the process", takes: "memory",
				inject: func(w *world, _ *nt.CreateUserProcessIn) { w.failing["ps: create process"] = true }},
			{rule: "O-47", want: ntstatus.ProcessIsTerminating, name: "a parent that has ended", takes: "ParentProcess",
				inject: func(w *world, in *nt.CreateUserProcessIn) {
					p := w.process()
					in.ParentProcess = w.handle(p, winnt.PROCESS_ALL_ACCESS)
					p.Exit()
				}},
			{rule: "I-90", want: ntstatus.AccessDenied, name: "a job for restricted tokens", takes: "job",
				inject: func(w *world, _ *nt.CreateUserProcessIn) { w.job() }},
		}),
})

// impersonationOf returns an impersonation token of the server's own user. No privilege is needed to assign it.
func (w *world) impersonationOf(level winnt.SecurityImpersonationLevel) *se.TokenObject {
	s := serverSpec()
	s.Type, s.Level = winnt.TokenImpersonation, level
	return w.token(s, open())
}

var _ = define(setup[*nt.ResumeThreadIn]{
	names: []string{"NtResumeThread", "ZwResumeThread"},
	base: func(w *world) *nt.ResumeThreadIn {
		return &nt.ResumeThreadIn{ThreadHandle: w.handle(w.other, winnt.THREAD_ALL_ACCESS)}
	},
	refusals: handles("O-31", "ThreadHandle", "ThreadHandle",
		func(in *nt.ResumeThreadIn) *winnt.Handle { return &in.ThreadHandle }, func(w *world) winnt.Handle {
			return w.handle(w.other, winnt.THREAD_ALL_ACCESS&^winnt.THREAD_SUSPEND_RESUME)
		}),
})

var _ = define(setup[*nt.SuspendThreadIn]{
	names: []string{"NtSuspendThread", "ZwSuspendThread"},
	base: func(w *world) *nt.SuspendThreadIn {
		return &nt.SuspendThreadIn{ThreadHandle: w.handle(w.other, winnt.THREAD_ALL_ACCESS)}
	},
	refusals: append(handles("O-31", "ThreadHandle", "ThreadHandle",
		func(in *nt.SuspendThreadIn) *winnt.Handle { return &in.ThreadHandle }, func(w *world) winnt.Handle {
			return w.handle(w.other, winnt.THREAD_ALL_ACCESS&^winnt.THREAD_SUSPEND_RESUME)
		}),
		refusal[*nt.SuspendThreadIn]{rule: "O-144", want: ntstatus.SuspendCountExceeded, name: "suspended 127 times",
			takes: "count", inject: func(w *world, _ *nt.SuspendThreadIn) {
				for range 127 {
					w.other.Suspend()
				}
			}},
		refusal[*nt.SuspendThreadIn]{rule: "O-144", want: ntstatus.ThreadIsTerminating, name: "a thread that ended",
			takes: "count", inject: func(w *world, _ *nt.SuspendThreadIn) { w.other.Exit() }}),
})

var _ = define(setup[*nt.TerminateProcessIn]{
	names: []string{"NtTerminateProcess", "ZwTerminateProcess"},
	base: func(w *world) *nt.TerminateProcessIn {
		return &nt.TerminateProcessIn{ProcessHandle: w.handle(w.process(), winnt.PROCESS_ALL_ACCESS)}
	},
	refusals: append(handles("O-31", "ProcessHandle", "ProcessHandle",
		func(in *nt.TerminateProcessIn) *winnt.Handle { return &in.ProcessHandle }, func(w *world) winnt.Handle {
			return w.handle(w.process(), winnt.PROCESS_ALL_ACCESS&^winnt.PROCESS_TERMINATE)
		}),
		refusal[*nt.TerminateProcessIn]{rule: "O-170", want: ntstatus.AccessDenied, of: ofHandle, name: "the System process",
			takes: "ProcessHandle", inject: func(w *world, in *nt.TerminateProcessIn) {
				in.ProcessHandle = w.handle(w.system(), winnt.PROCESS_ALL_ACCESS)
			}},
		refusal[*nt.TerminateProcessIn]{rule: "O-169", want: ntstatus.ProcessIsTerminating, name: "a process that has ended",
			takes: "ProcessHandle", inject: func(w *world, in *nt.TerminateProcessIn) {
				p := w.process()
				in.ProcessHandle = w.handle(p, winnt.PROCESS_ALL_ACCESS)
				p.Exit()
			}}),
})

var _ = define(setup[*nt.SetInformationProcessIn]{
	names: []string{"NtSetInformationProcess", "ZwSetInformationProcess"},
	base: func(w *world) *nt.SetInformationProcessIn {
		return &nt.SetInformationProcessIn{ProcessHandle: w.handle(w.bare(), winnt.PROCESS_ALL_ACCESS),
			ProcessInformationClass: nt.ProcessAccessToken,
			ProcessInformation:      nt.Cap(w.handle(w.primary(true), winnt.TOKEN_ALL_ACCESS)), ProcessInformationLength: 16}
	},
	refusals: join(
		handles("O-31", "ProcessHandle", "ProcessHandle",
			func(in *nt.SetInformationProcessIn) *winnt.Handle { return &in.ProcessHandle }, func(w *world) winnt.Handle {
				return w.handle(w.bare(), winnt.PROCESS_ALL_ACCESS&^winnt.PROCESS_SET_INFORMATION)
			}),
		handles("T-110", "token handle", "token",
			func(in *nt.SetInformationProcessIn) *winnt.Handle { return &in.ProcessInformation.V }, func(w *world) winnt.Handle {
				return w.handle(w.primary(true), winnt.TOKEN_ALL_ACCESS&^winnt.TOKEN_ASSIGN_PRIMARY)
			}),
		[]refusal[*nt.SetInformationProcessIn]{
			{rule: "T-110", want: ntstatus.InvalidInfoClass, name: "another class", takes: "class",
				inject: func(_ *world, in *nt.SetInformationProcessIn) { in.ProcessInformationClass = 0 }},
			{rule: "T-110", want: ntstatus.InfoLengthMismatch, name: "length 8", takes: "length",
				inject: func(_ *world, in *nt.SetInformationProcessIn) { in.ProcessInformationLength = 8 }},
			{rule: "O-3", want: ntstatus.AccessViolation, name: "the information unreadable", takes: "token", needs: pointers,
				inject: func(_ *world, in *nt.SetInformationProcessIn) { unreadable(&in.ProcessInformation) }},
			{rule: "T-111", want: ntstatus.PrivilegeNotHeld, name: "a foreign token without privilege", takes: "token",
				needs: userOnly, inject: func(w *world, in *nt.SetInformationProcessIn) {
					in.ProcessInformation.V = w.handle(w.primary(false), winnt.TOKEN_ALL_ACCESS)
				}},
			{rule: "T-112", want: ntstatus.BadTokenType, name: "an impersonation token", takes: "token",
				inject: func(w *world, in *nt.SetInformationProcessIn) {
					in.ProcessInformation.V = w.handle(w.impersonationOf(winnt.SecurityImpersonation), winnt.TOKEN_ALL_ACCESS)
				}},
			{rule: "T-112", want: ntstatus.BadImpersonationLevel, name: "an anonymous token", takes: "token", only: observed,
				inject: func(w *world, in *nt.SetInformationProcessIn) {
					if w.profile == nt.Observed {
						in.ProcessInformation.V = w.handle(w.impersonationOf(winnt.SecurityAnonymous), winnt.TOKEN_ALL_ACCESS)
					}
				}},
			{rule: "T-112", want: ntstatus.TokenAlreadyInUse, name: "a token in use", takes: "token", only: observed,
				inject: func(w *world, in *nt.SetInformationProcessIn) {
					in.ProcessInformation.V = w.handle(w.server.Object().PrimaryToken(), winnt.TOKEN_ALL_ACCESS)
				}},
			{rule: "I-90", want: ntstatus.AccessDenied, of: ofHandle, name: "a job for restricted tokens",
				takes: "ProcessHandle", inject: func(w *world, in *nt.SetInformationProcessIn) {
					p, j := w.bare(), w.jobObject(ps.JobLimits{})
					p.AssignToJob(j)
					j.SetLimits(ps.JobLimits{Flags: ps.JobRestrictedToken})
					in.ProcessHandle = w.handle(p, winnt.PROCESS_ALL_ACCESS)
				}},
			{rule: "T-110", want: ntstatus.NotSupported, name: "a process that has started", takes: "ProcessHandle",
				inject: func(w *world, in *nt.SetInformationProcessIn) {
					p := w.process()
					t, st := p.NewThread()
					if st != ntstatus.Success {
						panic("refusals: thread: " + st.String())
					}
					t.Deref(ob.TagCall)
					in.ProcessHandle = w.handle(p, winnt.PROCESS_ALL_ACCESS)
				}},
		}),
})
