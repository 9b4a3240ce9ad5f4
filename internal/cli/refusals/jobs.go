package refusals

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// jobObject returns a new job that exists as long as the world. It panics if the limits are refused.
func (w *world) jobObject(l ps.JobLimits) *ps.Job {
	j := w.server.Object().System().NewJob(w.server.Object().Token())
	if o := j.SetLimits(l); o.Status != ntstatus.Success {
		panic("refusals: limits: " + o.Status.String())
	}
	w.drop = append(w.drop, func() { j.Deref(ob.TagCall) })
	return j
}

// jobHandles returns the failures to inject into a JobHandle parameter. bad returns a pointer to it, and bare a
// handle without the required rights.
func jobHandles[I any](bad func(I) *winnt.Handle, bare func(w *world) winnt.Handle) []refusal[I] {
	list := handles("O-31", "JobHandle", "JobHandle", bad, bare)
	list[1].inject = func(w *world, in I) { *bad(in) = w.handle(w.other, 0) }
	return list
}

var _ = define(setup[*nt.AssignProcessToJobObjectIn]{
	names: []string{"NtAssignProcessToJobObject", "ZwAssignProcessToJobObject"},
	base: func(w *world) *nt.AssignProcessToJobObjectIn {
		return &nt.AssignProcessToJobObjectIn{JobHandle: w.handle(w.jobObject(ps.JobLimits{}), winnt.JOB_OBJECT_ALL_ACCESS),
			ProcessHandle: w.handle(w.process(), winnt.PROCESS_ALL_ACCESS)}
	},
	refusals: join(
		jobHandles(func(in *nt.AssignProcessToJobObjectIn) *winnt.Handle { return &in.JobHandle },
			func(w *world) winnt.Handle {
				return w.handle(w.jobObject(ps.JobLimits{}), winnt.JOB_OBJECT_ALL_ACCESS&^winnt.JOB_OBJECT_ASSIGN_PROCESS)
			}),
		handles("O-31", "ProcessHandle", "ProcessHandle",
			func(in *nt.AssignProcessToJobObjectIn) *winnt.Handle { return &in.ProcessHandle }, func(w *world) winnt.Handle {
				return w.handle(w.process(), winnt.PROCESS_ALL_ACCESS&^winnt.PROCESS_TERMINATE)
			}),
		[]refusal[*nt.AssignProcessToJobObjectIn]{
			{rule: "I-91", want: ntstatus.AccessDenied, of: ofHandle, name: "the process in another job, and this one in use",
				takes: "JobHandle ProcessHandle", inject: func(w *world, in *nt.AssignProcessToJobObjectIn) {
					j, p := w.jobObject(ps.JobLimits{}), w.process()
					w.process().AssignToJob(j)
					p.AssignToJob(w.jobObject(ps.JobLimits{}))
					in.JobHandle, in.ProcessHandle = w.handle(j, winnt.JOB_OBJECT_ALL_ACCESS), w.handle(p, winnt.PROCESS_ALL_ACCESS)
				}},
			{rule: "I-90", want: ntstatus.AccessDenied, of: ofHandle, name: "a job for restricted tokens", takes: "JobHandle",
				inject: func(w *world, in *nt.AssignProcessToJobObjectIn) {
					in.JobHandle = w.handle(w.jobObject(ps.JobLimits{Flags: ps.JobRestrictedToken}), winnt.JOB_OBJECT_ALL_ACCESS)
				}},
			{rule: "O-81", want: ntstatus.InsufficientResources, name: "no memory for the job's token", takes: "JobHandle",
				inject: func(w *world, in *nt.AssignProcessToJobObjectIn) {
					in.JobHandle = w.handle(w.jobObject(ps.JobLimits{Flags: ps.JobOnlyToken, Token: w.primary(true)}),
						winnt.JOB_OBJECT_ALL_ACCESS)
					w.failing["ps: job token"] = true
				}},
			{rule: "O-47", want: ntstatus.ProcessIsTerminating, name: "the process has ended", takes: "ProcessHandle",
				inject: func(w *world, in *nt.AssignProcessToJobObjectIn) {
					p := w.process()
					in.ProcessHandle = w.handle(p, winnt.PROCESS_ALL_ACCESS)
					p.Exit()
				}},
		}),
})

// limitsOf returns the security limits in the input of NtSetInformationJobObject, for failures to change.
func limitsOf(in *nt.SetInformationJobObjectIn) *nt.JobSecurityLimitInformation {
	return in.JobObjectInformation.V
}

var _ = define(setup[*nt.SetInformationJobObjectIn]{
	names: []string{"NtSetInformationJobObject", "ZwSetInformationJobObject"},
	base: func(w *world) *nt.SetInformationJobObjectIn {
		return &nt.SetInformationJobObjectIn{JobHandle: w.handle(w.jobObject(ps.JobLimits{}), winnt.JOB_OBJECT_ALL_ACCESS),
			JobObjectInformationClass: nt.JobObjectSecurityLimitInformation, JobObjectInformationLength: nt.JobSecurityLimitSize,
			JobObjectInformation: nt.Cap(
				&nt.JobSecurityLimitInformation{SecurityLimitFlags: winnt.JOB_OBJECT_SECURITY_ONLY_TOKEN,
					JobToken: w.handle(w.primary(true), winnt.TOKEN_ALL_ACCESS)})}
	},
	refusals: join(
		jobHandles(func(in *nt.SetInformationJobObjectIn) *winnt.Handle { return &in.JobHandle },
			func(w *world) winnt.Handle {
				return w.handle(w.jobObject(ps.JobLimits{}), winnt.JOB_OBJECT_ALL_ACCESS&^winnt.JOB_OBJECT_SET_SECURITY_ATTRIBUTES)
			}),
		handles("T-111", "JobToken", "JobToken",
			func(in *nt.SetInformationJobObjectIn) *winnt.Handle { return &limitsOf(in).JobToken }, func(w *world) winnt.Handle {
				return w.handle(w.primary(true), winnt.TOKEN_ALL_ACCESS&^winnt.TOKEN_ASSIGN_PRIMARY)
			}),
		[]refusal[*nt.SetInformationJobObjectIn]{
			{rule: "I-89", want: ntstatus.InvalidInfoClass, name: "another class", takes: "class",
				inject: func(_ *world, in *nt.SetInformationJobObjectIn) { in.JobObjectInformationClass = 2 }},
			{rule: "I-89", want: ntstatus.InfoLengthMismatch, name: "length 36", takes: "length",
				inject: func(_ *world, in *nt.SetInformationJobObjectIn) { in.JobObjectInformationLength = 36 }},
			{rule: "O-3", want: ntstatus.AccessViolation, name: "the information unreadable", takes: "JobToken flags",
				needs: pointers, inject: func(_ *world, in *nt.SetInformationJobObjectIn) {
					in.JobObjectInformation.Status = ntstatus.AccessViolation
				}},
			{rule: "I-89", want: ntstatus.InvalidParameter, when: "flags outside", name: "unknown flags", takes: "flags",
				inject: func(_ *world, in *nt.SetInformationJobObjectIn) { limitsOf(in).SecurityLimitFlags |= 0x10 }},
			{rule: "I-89", want: ntstatus.InvalidParameter, when: "JobToken is NULL", name: "no token", takes: "JobToken",
				inject: func(_ *world, in *nt.SetInformationJobObjectIn) { limitsOf(in).JobToken = 0 }},
			{rule: "I-89", want: ntstatus.BadTokenType, name: "an impersonation token", takes: "JobToken",
				inject: func(w *world, in *nt.SetInformationJobObjectIn) {
					limitsOf(in).JobToken = w.handle(w.existing(2), winnt.TOKEN_ALL_ACCESS)
				}},
			{rule: "T-111", want: ntstatus.PrivilegeNotHeld, name: "a foreign token without privilege", takes: "JobToken",
				needs: userOnly, inject: func(w *world, in *nt.SetInformationJobObjectIn) {
					limitsOf(in).JobToken = w.handle(w.primary(false), winnt.TOKEN_ALL_ACCESS)
				}},
			{rule: "I-89", want: ntstatus.InvalidParameter, when: "without any list", name: "no list", takes: "flags.filter",
				inject: func(_ *world, in *nt.SetInformationJobObjectIn) {
					limitsOf(in).SecurityLimitFlags |= winnt.JOB_OBJECT_SECURITY_FILTER_TOKENS
				}},
			{rule: "I-89", want: ntstatus.AccessDenied, of: ofHandle, name: "a limit in force left out", takes: "JobHandle",
				inject: func(w *world, in *nt.SetInformationJobObjectIn) {
					in.JobHandle = w.handle(w.jobObject(ps.JobLimits{Flags: ps.JobNoAdmin}), winnt.JOB_OBJECT_ALL_ACCESS)
				}},
		}),
})
