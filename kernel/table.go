package kernel

import (
	"reflect"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Table is the table of kernel-mode routines: the Zw form of every service of
// nt.NtTable, then the Ps*, Se* and Ob* routines, which take object references
// and never go on a wire. Rows are called on a *KernelThread.
var Table nt.Table

// zw is the kernel-mode form of a service: the same code with previous mode
// kernel (O-2, T-51).
func zw[I, O any](name string, f func(nt.Services, I) (O, ntstatus.Status)) *nt.Entry[*KernelThread, I, O] {
	meta := *nt.NtTable.Find("Nt" + name[2:]).Info()
	meta.Name = name
	return nt.Add(&Table, nt.Entry[*KernelThread, I, O]{Meta: meta, Call: func(k *KernelThread, in I) (O, ntstatus.Status) { return f(k.ctx, in) }})
}

var (
	rowZwOpenThreadTokenEx  = zw("ZwOpenThreadTokenEx", nt.Services.NtOpenThreadTokenEx)
	rowZwOpenProcessTokenEx = zw("ZwOpenProcessTokenEx", nt.Services.NtOpenProcessTokenEx)
	rowZwClose              = zw("ZwClose", nt.Services.NtClose)
	_                       = zw("ZwOpenThreadToken", nt.Services.NtOpenThreadToken)
	_                       = zw("ZwOpenProcessToken", nt.Services.NtOpenProcessToken)
	_                       = zw("ZwDuplicateToken", nt.Services.NtDuplicateToken)
	_                       = zw("ZwQueryInformationToken", nt.Services.NtQueryInformationToken)
	_                       = zw("ZwAdjustPrivilegesToken", nt.Services.NtAdjustPrivilegesToken)
	_                       = zw("ZwPrivilegeCheck", nt.Services.NtPrivilegeCheck)
	_                       = zw("ZwAccessCheck", nt.Services.NtAccessCheck)
	_                       = zw("ZwAccessCheckByType", nt.Services.NtAccessCheckByType)
	_                       = zw("ZwAccessCheckByTypeResultList", nt.Services.NtAccessCheckByTypeResultList)
	_                       = zw("ZwSetInformationThread", nt.Services.NtSetInformationThread)
	_                       = zw("ZwOpenThread", nt.Services.NtOpenThread)
	_                       = zw("ZwOpenProcess", nt.Services.NtOpenProcess)
	_                       = zw("ZwOpenFile", nt.Services.NtOpenFile)
)

// Parameters of the Ps* routines.
type (
	PsImpersonateClientIn struct {
		Thread             *EThread
		Token              *AccessToken // nil ends the impersonation
		CopyOnOpen         bool
		EffectiveOnly      bool
		ImpersonationLevel winnt.SecurityImpersonationLevel
	}
	PsImpersonateClientOut struct{}

	PsRevertToSelfIn  struct{}
	PsRevertToSelfOut struct{}

	PsReferenceImpersonationTokenIn  struct{ Thread *EThread }
	PsReferenceImpersonationTokenOut struct {
		Token              *AccessToken // nil when not impersonating
		CopyOnOpen         bool
		EffectiveOnly      bool
		ImpersonationLevel winnt.SecurityImpersonationLevel
	}
	PsDereferenceImpersonationTokenIn  struct{ Token *AccessToken }
	PsDereferenceImpersonationTokenOut struct{}

	PsReferencePrimaryTokenIn    struct{ Process *EProcess }
	PsReferencePrimaryTokenOut   struct{ Token *AccessToken }
	PsDereferencePrimaryTokenIn  struct{ Token *AccessToken }
	PsDereferencePrimaryTokenOut struct{}
)

var rowPsImpersonateClient = nt.Add(&Table, nt.Entry[*KernelThread, PsImpersonateClientIn, PsImpersonateClientOut]{
	Meta: nt.Meta{Name: "PsImpersonateClient", Summary: "makes a server thread impersonate a client", Source: "PsImpersonateClient", Support: nt.Complete, Conditions: []nt.Condition{
		{Status: ntstatus.Success, Rule: "I-40", When: "Token is NULL: the impersonation ends"},
		{Status: ntstatus.InvalidParameter, Rule: "I-41", When: "ImpersonationLevel is above SecurityDelegation"},
		{Status: ntstatus.NoMemory, Rule: "I-41", When: "no memory for the impersonation record"},
		{Status: ntstatus.AccessDenied, Rule: "I-90", When: "a job's security limits refuse the token"},
		{Status: ntstatus.InsufficientResources, Rule: "I-43", When: "the copy that a demotion needs cannot be made"},
		{Status: ntstatus.Success, Rule: "I-43", When: "the client may only be identified: the thread gets a copy at SecurityIdentification"},
	}},
	Call: func(k *KernelThread, in PsImpersonateClientIn) (out PsImpersonateClientOut, st ntstatus.Status) {
		return out, k.ctx.Impersonated(k.impersonate(in.Thread, in.Token, in.CopyOnOpen, in.EffectiveOnly, in.ImpersonationLevel))
	},
})

var rowPsRevertToSelf = nt.Add(&Table, nt.Entry[*KernelThread, PsRevertToSelfIn, PsRevertToSelfOut]{
	Meta: nt.Meta{Name: "PsRevertToSelf", Summary: "ends the impersonation of the calling thread", Source: "PsRevertToSelf", Support: nt.Complete,
		Conditions: []nt.Condition{{Status: ntstatus.Success, Rule: "I-50", When: "always"}}},
	Call: func(k *KernelThread, _ PsRevertToSelfIn) (out PsRevertToSelfOut, st ntstatus.Status) {
		k.Thread().RevertToSelf()
		return out, ntstatus.Success
	},
})

var rowPsReferenceImpersonationToken = nt.Add(&Table, nt.Entry[*KernelThread, PsReferenceImpersonationTokenIn, PsReferenceImpersonationTokenOut]{
	Meta: nt.Meta{Name: "PsReferenceImpersonationToken", Summary: "references the impersonation token of a thread", Source: "PsReferenceImpersonationToken", Support: nt.Complete,
		Conditions: []nt.Condition{{Status: ntstatus.Success, Rule: "I-62", When: "always; Token is NULL when the thread is not impersonating"}}},
	Call: func(_ *KernelThread, in PsReferenceImpersonationTokenIn) (out PsReferenceImpersonationTokenOut, st ntstatus.Status) {
		if r := in.Thread.Impersonation(ob.TagContext); r != nil {
			out = PsReferenceImpersonationTokenOut{r.Token, r.CopyOnOpen, r.EffectiveOnly, r.Level}
		}
		return out, ntstatus.Success
	},
})

var rowPsDereferenceImpersonationToken = nt.Add(&Table, nt.Entry[*KernelThread, PsDereferenceImpersonationTokenIn, PsDereferenceImpersonationTokenOut]{
	Meta: nt.Meta{Name: "PsDereferenceImpersonationToken", Summary: "drops a reference on an impersonation token", Source: "PsDereferenceImpersonationToken", Support: nt.Complete,
		Conditions: []nt.Condition{{Status: ntstatus.Success, Rule: "I-62", When: "always; NULL is accepted"}}},
	Call: func(_ *KernelThread, in PsDereferenceImpersonationTokenIn) (out PsDereferenceImpersonationTokenOut, st ntstatus.Status) {
		if in.Token != nil { // I-62
			in.Token.Deref(ob.TagContext)
		}
		return out, ntstatus.Success
	},
})

var rowPsReferencePrimaryToken = nt.Add(&Table, nt.Entry[*KernelThread, PsReferencePrimaryTokenIn, PsReferencePrimaryTokenOut]{
	Meta: nt.Meta{Name: "PsReferencePrimaryToken", Summary: "references the primary token of a process", Source: "PsReferencePrimaryToken", Support: nt.Complete,
		Conditions: []nt.Condition{{Status: ntstatus.Success, Rule: "I-62", When: "always; never NULL"}}},
	Call: func(_ *KernelThread, in PsReferencePrimaryTokenIn) (out PsReferencePrimaryTokenOut, st ntstatus.Status) {
		return PsReferencePrimaryTokenOut{in.Process.ReferenceToken(ob.TagContext)}, ntstatus.Success
	},
})

var rowPsDereferencePrimaryToken = nt.Add(&Table, nt.Entry[*KernelThread, PsDereferencePrimaryTokenIn, PsDereferencePrimaryTokenOut]{
	Meta: nt.Meta{Name: "PsDereferencePrimaryToken", Summary: "drops a reference on a primary token", Source: "PsDereferencePrimaryToken", Support: nt.Complete,
		Conditions: []nt.Condition{{Status: ntstatus.Success, Rule: "I-62", When: "always"}}},
	Call: func(_ *KernelThread, in PsDereferencePrimaryTokenIn) (out PsDereferencePrimaryTokenOut, st ntstatus.Status) {
		in.Token.Deref(ob.TagContext)
		return out, ntstatus.Success
	},
})

// call is the path of every routine: the row's implementation, then the tracer.
func call[I, O any](k *KernelThread, e *nt.Entry[*KernelThread, I, O], in I) (O, ntstatus.Status) {
	out, st := e.Call(k, in)
	if k.tracer != nil {
		k.tracer.Traced(&nt.Call{Thread: k.Name(), Row: e, In: in, Out: out, Status: st, Why: k.ctx.TakeWhy()})
	}
	return out, st
}

// CallRow calls a row of [Table] with erased types, traced like a method call.
func (k *KernelThread) CallRow(r nt.Row, in any) (any, ntstatus.Status) {
	out, st := r.Invoke(k, in)
	if k.tracer != nil {
		k.tracer.Traced(&nt.Call{Thread: k.Name(), Row: r, In: in, Out: out, Status: st, Why: k.ctx.TakeWhy()})
	}
	return out, st
}

// TokenType and ThreadType are the reflected types by which a binding knows
// parameters that are object references.
var (
	TokenType   = reflect.TypeFor[*AccessToken]()
	ThreadType  = reflect.TypeFor[*EThread]()
	ProcessType = reflect.TypeFor[*EProcess]()
)
