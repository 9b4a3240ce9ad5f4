package kernel

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Parameters of the Ps* routines.
type (
	PsImpersonateClientIn struct {
		Thread             *EThread
		Token              *AccessToken `required:"false"` // nil ends the impersonation
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
	PsDereferenceImpersonationTokenIn struct {
		ImpersonationToken *AccessToken `required:"false"`
	}
	PsDereferenceImpersonationTokenOut struct{}

	PsReferencePrimaryTokenIn    struct{ Process *EProcess }
	PsReferencePrimaryTokenOut   struct{ Token *AccessToken }
	PsDereferencePrimaryTokenIn  struct{ PrimaryToken *AccessToken }
	PsDereferencePrimaryTokenOut struct{}
)

var rowPsImpersonateClient = nt.Add(&Table, nt.Entry[*KernelThread, PsImpersonateClientIn, PsImpersonateClientOut]{
	Meta: nt.Meta{
		Name:    "PsImpersonateClient",
		Summary: "makes a server thread impersonate a client",
		Conditions: []nt.Condition{
			{Status: ntstatus.Success, Rule: "I-40", When: "Token is NULL: the impersonation ends"},
			{Status: ntstatus.InvalidParameter, Rule: "I-41", When: "ImpersonationLevel is above SecurityDelegation"},
			{Status: ntstatus.NoMemory, Rule: "I-41", When: "not enough memory for the impersonation state"},
			{Status: ntstatus.AccessDenied, Rule: "I-90", When: "a job's security limits refuse the token"},
			{
				Status: ntstatus.InsufficientResources,
				Rule:   "I-43",
				When:   "the copy at a lower level cannot be created",
			},
			{
				Status: ntstatus.Success,
				Rule:   "I-43",
				When:   "success: the thread may only identify the client and gets a copy at SecurityIdentification",
			},
		},
	},
	Call: func(k *KernelThread, in PsImpersonateClientIn) (out PsImpersonateClientOut, st ntstatus.Status) {
		return out, k.impersonate(in.Thread, in.Token, in.CopyOnOpen, in.EffectiveOnly, in.ImpersonationLevel)
	},
})

var rowPsRevertToSelf = nt.Add(&Table, nt.Entry[*KernelThread, PsRevertToSelfIn, PsRevertToSelfOut]{
	Meta: nt.Meta{Name: "PsRevertToSelf", Summary: "ends the impersonation of the calling thread",
		Conditions: []nt.Condition{{Status: ntstatus.Success, Rule: "I-50", When: "always"}}},
	Call: func(k *KernelThread, _ PsRevertToSelfIn) (out PsRevertToSelfOut, st ntstatus.Status) {
		k.Thread().RevertToSelf()
		return out, ntstatus.Success
	},
})

var rowPsReferenceImpersonationToken = nt.Add(&Table,
	nt.Entry[*KernelThread, PsReferenceImpersonationTokenIn, PsReferenceImpersonationTokenOut]{
		Meta: nt.Meta{Name: "PsReferenceImpersonationToken",
			Summary: "returns the impersonation token of a thread, with a reference",
			Conditions: []nt.Condition{
				{
					Status: ntstatus.Success,
					Rule:   "I-62",
					When:   "always; Token is NULL when the thread is not impersonating",
				},
			}},
		Call: func(_ *KernelThread, in PsReferenceImpersonationTokenIn) (out PsReferenceImpersonationTokenOut,
			st ntstatus.Status) {
			if r := in.Thread.Impersonation(ob.TagContext); r != nil {
				out = PsReferenceImpersonationTokenOut{r.Token, r.CopyOnOpen, r.EffectiveOnly, r.Level}
			}
			return out, ntstatus.Success
		},
	},
)

var rowPsDereferenceImpersonationToken = nt.Add(&Table,
	nt.Entry[*KernelThread, PsDereferenceImpersonationTokenIn, PsDereferenceImpersonationTokenOut]{
		Meta: nt.Meta{Name: "PsDereferenceImpersonationToken", Summary: "drops a reference on an impersonation token",
			Conditions: []nt.Condition{{Status: ntstatus.Success, Rule: "I-62", When: "always; NULL is accepted"}}},
		Call: func(_ *KernelThread, in PsDereferenceImpersonationTokenIn) (out PsDereferenceImpersonationTokenOut,
			st ntstatus.Status) {
			if in.ImpersonationToken != nil { // no token was referenced where it is NULL (I-62)
				in.ImpersonationToken.Deref(ob.TagContext)
			}
			return out, ntstatus.Success
		},
	},
)

var rowPsReferencePrimaryToken = nt.Add(&Table,
	nt.Entry[*KernelThread, PsReferencePrimaryTokenIn, PsReferencePrimaryTokenOut]{
		Meta: nt.Meta{Name: "PsReferencePrimaryToken", Summary: "returns the primary token of a process, with a reference",
			Conditions: []nt.Condition{{Status: ntstatus.Success, Rule: "I-62", When: "always; never NULL"}}},
		Call: func(_ *KernelThread, in PsReferencePrimaryTokenIn) (out PsReferencePrimaryTokenOut, st ntstatus.Status) {
			return PsReferencePrimaryTokenOut{in.Process.ReferenceToken(ob.TagContext)}, ntstatus.Success
		},
	},
)

var rowPsDereferencePrimaryToken = nt.Add(&Table,
	nt.Entry[*KernelThread, PsDereferencePrimaryTokenIn, PsDereferencePrimaryTokenOut]{
		Meta: nt.Meta{Name: "PsDereferencePrimaryToken", Summary: "drops a reference on a primary token",
			Conditions: []nt.Condition{{Status: ntstatus.Success, Rule: "I-62", When: "always"}}},
		Call: func(_ *KernelThread, in PsDereferencePrimaryTokenIn) (out PsDereferencePrimaryTokenOut,
			st ntstatus.Status) {
			in.PrimaryToken.Deref(ob.TagContext)
			return out, ntstatus.Success
		},
	},
)

// PsImpersonateClient makes a thread impersonate a client (PsImpersonateClient).
// A nil token ends the impersonation. On success the thread may have a copy at
// SecurityIdentification (I-43).
func (k *KernelThread) PsImpersonateClient(
	thread *EThread, token *AccessToken, copyOnOpen, effectiveOnly bool, level winnt.SecurityImpersonationLevel,
) ntstatus.Status {
	if k.tracer == nil {
		return k.impersonate(thread, token, copyOnOpen, effectiveOnly, level)
	}
	_, st := call(k, rowPsImpersonateClient, PsImpersonateClientIn{thread, token, copyOnOpen, effectiveOnly, level})
	return st
}

// PsRevertToSelf ends the impersonation of the calling thread. It cannot fail (I-50). Without an impersonation it
// does nothing.
func (k *KernelThread) PsRevertToSelf() {
	if k.tracer == nil {
		k.Thread().RevertToSelf()
		return
	}
	call(k, rowPsRevertToSelf, PsRevertToSelfIn{})
}

// PsReferenceImpersonationToken returns the impersonation token of a thread
// with one more reference and the parameters of its impersonation, or nil
// (I-62).
func (k *KernelThread) PsReferenceImpersonationToken(
	thread *EThread,
) (token *AccessToken, copyOnOpen, effectiveOnly bool, level winnt.SecurityImpersonationLevel) {
	out, _ := call(k, rowPsReferenceImpersonationToken, PsReferenceImpersonationTokenIn{thread})
	return out.Token, out.CopyOnOpen, out.EffectiveOnly, out.ImpersonationLevel
}

// PsDereferenceImpersonationToken drops a reference to a token that PsReferenceImpersonationToken returned. It
// accepts nil (I-62).
func (k *KernelThread) PsDereferenceImpersonationToken(token *AccessToken) {
	call(k, rowPsDereferenceImpersonationToken, PsDereferenceImpersonationTokenIn{token})
}

// PsReferencePrimaryToken returns the primary token of a process with one more
// reference. It never returns nil (I-62).
func (k *KernelThread) PsReferencePrimaryToken(process *EProcess) *AccessToken {
	out, _ := call(k, rowPsReferencePrimaryToken, PsReferencePrimaryTokenIn{process})
	return out.Token
}

// PsDereferencePrimaryToken drops a reference to a primary token that PsReferencePrimaryToken returned (I-62).
func (k *KernelThread) PsDereferencePrimaryToken(token *AccessToken) {
	call(k, rowPsDereferencePrimaryToken, PsDereferencePrimaryTokenIn{token})
}

// Parameters of the routines that set a thread's impersonation aside and reference its tokens.
type (
	PsIsThreadImpersonatingIn  struct{ Thread *EThread }
	PsIsThreadImpersonatingOut struct{ Result bool }

	PsRevertThreadToSelfIn  struct{ Thread *EThread }
	PsRevertThreadToSelfOut struct{}

	PsDisableImpersonationIn  struct{ Thread *EThread }
	PsDisableImpersonationOut struct {
		ImpersonationState *SavedState
		Result             bool
	}
	PsRestoreImpersonationIn struct {
		Thread             *EThread
		ImpersonationState *SavedState `required:"false"` // nil: nothing was set aside, and nothing changes
	}
	PsRestoreImpersonationOut struct{}

	PsReferenceEffectiveTokenIn  struct{ Thread *EThread }
	PsReferenceEffectiveTokenOut struct {
		Token              *AccessToken
		TokenType          winnt.TokenType
		EffectiveOnly      bool
		ImpersonationLevel winnt.SecurityImpersonationLevel
	}
)

var (
	_ = simple("PsIsThreadImpersonating", "reports whether a thread impersonates", always("I-62", "always"),
		func(_ *KernelThread, in PsIsThreadImpersonatingIn) (PsIsThreadImpersonatingOut, ntstatus.Status) {
			return PsIsThreadImpersonatingOut{in.Thread.IsImpersonating()}, ntstatus.Success
		})
	_ = simple("PsRevertThreadToSelf", "ends the impersonation of a thread", always("I-50", "always"),
		func(_ *KernelThread, in PsRevertThreadToSelfIn) (out PsRevertThreadToSelfOut, st ntstatus.Status) {
			in.Thread.RevertToSelf()
			return out, ntstatus.Success
		})
	rowPsDisableImpersonation = simple(
		"PsDisableImpersonation",
		"sets a thread's impersonation aside",
		always("I-60", "always; Result is FALSE when the thread was not impersonating"),
		func(_ *KernelThread, in PsDisableImpersonationIn) (out PsDisableImpersonationOut, st ntstatus.Status) {
			out.ImpersonationState, out.Result = in.Thread.Disable()
			return out, ntstatus.Success
		},
	)
	rowPsRestoreImpersonation = simple(
		"PsRestoreImpersonation",
		"puts an impersonation back that was set aside",
		always("I-61", "always; restore a state only once"),
		func(_ *KernelThread, in PsRestoreImpersonationIn) (out PsRestoreImpersonationOut, st ntstatus.Status) {
			in.Thread.Restore(in.ImpersonationState)
			return out, ntstatus.Success
		},
	)
	_ = simple("PsReferenceEffectiveToken", "references the token a thread acts with", always("I-62", "always"),
		func(_ *KernelThread, in PsReferenceEffectiveTokenIn) (out PsReferenceEffectiveTokenOut, st ntstatus.Status) {
			out.Token, out.TokenType, out.EffectiveOnly, out.ImpersonationLevel = in.Thread.EffectiveToken(
				ob.TagContext,
			)
			return out, ntstatus.Success
		})
)

// SavedState is a saved impersonation (SE_IMPERSONATION_STATE). Restore each once, with PsRestoreImpersonation. nil
// means none.
type SavedState = ps.SavedState

// PsDisableImpersonation removes a thread's impersonation and returns it as a
// saved state. active reports whether there was one (I-60).
func (k *KernelThread) PsDisableImpersonation(thread *EThread) (state *SavedState, active bool) {
	out, _ := call(k, rowPsDisableImpersonation, PsDisableImpersonationIn{thread})
	return out.ImpersonationState, out.Result
}

// PsRestoreImpersonation restores the impersonation that PsDisableImpersonation removed from a thread. It makes no
// decision, because the token was accepted before. A second restore of a state panics (I-61).
func (k *KernelThread) PsRestoreImpersonation(thread *EThread, state *SavedState) {
	call(k, rowPsRestoreImpersonation, PsRestoreImpersonationIn{thread, state})
}
