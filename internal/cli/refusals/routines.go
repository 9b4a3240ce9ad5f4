package refusals

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// The Ps* and Se* routines. They have no user-mode form.

// stranger disables all privileges of the server after the set-up, so that it may only identify a client (I-43).
func (w *world) stranger() {
	w.late = append(w.late, func() {
		w.server.Object().PrimaryToken().Update(func(old *token.Token, m winnt.LUID) *token.Token {
			n, _, _ := old.AdjustPrivileges(m, true, nil)
			return n
		})
	})
}

var _ = define(setup[*kernel.PsImpersonateClientIn]{
	names: []string{"PsImpersonateClient"},
	base: func(w *world) *kernel.PsImpersonateClientIn {
		return &kernel.PsImpersonateClientIn{Thread: w.other, Token: w.existing(winnt.SecurityImpersonation),
			ImpersonationLevel: winnt.SecurityImpersonation}
	},
	refusals: []refusal[*kernel.PsImpersonateClientIn]{
		{rule: "I-40", want: ntstatus.Success, name: "Token NULL", takes: "token",
			inject: func(_ *world, in *kernel.PsImpersonateClientIn) { in.Token = nil }},
		{rule: "I-41", want: ntstatus.InvalidParameter, name: "level 4", takes: "level",
			inject: func(_ *world, in *kernel.PsImpersonateClientIn) { in.ImpersonationLevel = 4 }},
		{rule: "I-41", want: ntstatus.NoMemory, name: "memory runs out for the record", takes: "record",
			inject: func(w *world, _ *kernel.PsImpersonateClientIn) { w.failing["ps: impersonation record"] = true }},
		{rule: "I-90", want: ntstatus.AccessDenied, of: ofCheck, name: "a job refuses the token", takes: "job",
			inject: func(w *world, _ *kernel.PsImpersonateClientIn) { w.job() }},
		{rule: "I-43", want: ntstatus.InsufficientResources, name: "the copy of a demotion fails", takes: "decision",
			inject: func(w *world, _ *kernel.PsImpersonateClientIn) {
				w.stranger()
				w.failing["se: copy token"] = true
			}},
		{rule: "I-43", want: ntstatus.Success, when: "may only identify", name: "the server lacks SeImpersonatePrivilege",
			takes: "decision", inject: func(w *world, _ *kernel.PsImpersonateClientIn) { w.stranger() }},
	},
})

var _ = define(setup[*kernel.SeCreateClientSecurityIn]{
	names: []string{"SeCreateClientSecurity"},
	base: func(w *world) *kernel.SeCreateClientSecurityIn {
		w.impersonating()
		return &kernel.SeCreateClientSecurityIn{ClientThread: w.other,
			ClientSecurityQos: nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation}}
	},
	settle: func(w *world, out any) {
		if c := out.(kernel.SeCreateClientSecurityOut).ClientContext; c != nil {
			c.Delete()
		}
	},
	refusals: []refusal[*kernel.SeCreateClientSecurityIn]{
		{rule: "I-80", want: ntstatus.InvalidParameter, name: "level 4", takes: "level",
			inject: func(_ *world, in *kernel.SeCreateClientSecurityIn) { in.ClientSecurityQos.ImpersonationLevel = 4 }},
		{rule: "I-80", want: ntstatus.BadImpersonationLevel, name: "a level above the client's own", takes: "level",
			inject: func(_ *world, in *kernel.SeCreateClientSecurityIn) {
				in.ClientSecurityQos.ImpersonationLevel = winnt.SecurityDelegation
			}},
		{rule: "I-80", want: ntstatus.BadImpersonationLevel, name: "the client impersonates at SecurityIdentification",
			takes: "client", inject: func(w *world, _ *kernel.SeCreateClientSecurityIn) {
				w.impersonate(w.other, w.existing(winnt.SecurityIdentification), false, winnt.SecurityIdentification)
			}},
		{rule: "I-80", want: ntstatus.BadImpersonationLevel, name: "a remote server and no Delegation", takes: "remote",
			inject: func(_ *world, in *kernel.SeCreateClientSecurityIn) { in.RemoteSession = true }},
		{rule: "O-81", want: ntstatus.InsufficientResources, name: "memory runs out", takes: "memory",
			inject: func(w *world, _ *kernel.SeCreateClientSecurityIn) { w.failing["se: client context"] = true }},
	},
})

var _ = define(setup[*kernel.SeImpersonateClientExIn]{
	names: []string{"SeImpersonateClientEx"},
	base: func(w *world) *kernel.SeImpersonateClientExIn {
		w.impersonating()
		c, o := w.other.CreateClientSecurity(nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation,
			ContextTrackingMode: winnt.SECURITY_DYNAMIC_TRACKING}, false, w.other.Process())
		if !o.Status.IsSuccess() {
			panic("refusals: client context: " + o.Status.String())
		}
		w.drop = append(w.drop, c.Delete)
		return &kernel.SeImpersonateClientExIn{ClientContext: c}
	},
	refusals: []refusal[*kernel.SeImpersonateClientExIn]{
		{rule: "I-90", want: ntstatus.AccessDenied, of: ofCheck, name: "a job refuses the token", takes: "job",
			inject: func(w *world, _ *kernel.SeImpersonateClientExIn) { w.job() }},
		{rule: "I-41", want: ntstatus.NoMemory, name: "memory runs out for the record", takes: "record",
			inject: func(w *world, _ *kernel.SeImpersonateClientExIn) { w.failing["ps: impersonation record"] = true }},
		{rule: "I-43", want: ntstatus.InsufficientResources, name: "the copy of a demotion fails", takes: "decision",
			inject: func(w *world, _ *kernel.SeImpersonateClientExIn) {
				w.stranger()
				w.failing["se: copy token"] = true
			}},
		{rule: "I-43", want: ntstatus.Success, when: "may only identify", name: "the server lacks SeImpersonatePrivilege",
			takes: "decision", inject: func(w *world, _ *kernel.SeImpersonateClientExIn) { w.stranger() }},
	},
})

// context captures the subject context of a thread. The world releases it.
func (w *world) context(t *ps.Thread) *ps.SubjectContext {
	c := t.CaptureSubjectContext()
	w.drop = append(w.drop, c.Release)
	return c
}

var _ = define(setup[*kernel.SeAccessCheckIn]{
	names: []string{"SeAccessCheck"},
	base: func(w *world) *kernel.SeAccessCheckIn {
		w.impersonating()
		return &kernel.SeAccessCheckIn{SecurityDescriptor: nt.Cap(open()), SubjectSecurityContext: w.context(w.other),
			DesiredAccess: winnt.FILE_READ_DATA, GenericMapping: fileMapping(), AccessMode: access.User}
	},
	verdict: func(out any) ntstatus.Status { return out.(kernel.SeAccessCheckOut).AccessStatus },
	refusals: []refusal[*kernel.SeAccessCheckIn]{
		{rule: "O-3", want: ntstatus.AccessViolation, name: "an unreadable mapping", takes: "mapping",
			inject: func(_ *world, in *kernel.SeAccessCheckIn) { unreadable(&in.GenericMapping) }},
		{rule: "A-31", want: ntstatus.Success, name: "AccessMode KernelMode", takes: "mode",
			inject: func(_ *world, in *kernel.SeAccessCheckIn) { in.AccessMode = access.Kernel }},
		{rule: "A-32", want: ntstatus.AccessDenied, name: "no descriptor", takes: "sd",
			inject: func(_ *world, in *kernel.SeAccessCheckIn) { in.SecurityDescriptor.V = nil }},
		{rule: "A-30", want: ntstatus.BadImpersonationLevel, name: "a context at SecurityIdentification", takes: "context",
			inject: func(w *world, in *kernel.SeAccessCheckIn) {
				w.impersonate(w.other, w.existing(winnt.SecurityIdentification), false, winnt.SecurityIdentification)
				in.SubjectSecurityContext = w.context(w.other)
			}},
		{rule: "A-33", want: ntstatus.AccessDenied, name: "DesiredAccess 0", takes: "desired",
			inject: func(_ *world, in *kernel.SeAccessCheckIn) { in.DesiredAccess = 0 }},
		{rule: "A-50", want: ntstatus.PrivilegeNotHeld, name: "ACCESS_SYSTEM_SECURITY without privilege",
			takes: "desired.security", inject: func(_ *world, in *kernel.SeAccessCheckIn) {
				in.DesiredAccess |= winnt.ACCESS_SYSTEM_SECURITY
			}},
		{rule: "A-40", want: ntstatus.AccessDenied, of: ofCheck, name: "the descriptor refuses", takes: "sd",
			inject: func(_ *world, in *kernel.SeAccessCheckIn) { in.SecurityDescriptor.V = closed() }},
	},
})
