package kernel

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Structures that kernel routines fill and take back by reference.
type (
	ClientContext  = ps.ClientContext  // SECURITY_CLIENT_CONTEXT
	SubjectContext = ps.SubjectContext // SECURITY_SUBJECT_CONTEXT
	SavedState     = ps.SavedState     // SE_IMPERSONATION_STATE
)

// Parameters of the routines that save, restore and capture.
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
		ImpersonationState *SavedState
	}
	PsRestoreImpersonationOut struct{}

	PsReferenceEffectiveTokenIn  struct{ Thread *EThread }
	PsReferenceEffectiveTokenOut struct {
		Token              *AccessToken
		TokenType          winnt.TokenType
		EffectiveOnly      bool
		ImpersonationLevel winnt.SecurityImpersonationLevel
	}

	SeCreateClientSecurityIn struct {
		ClientThread      *EThread
		ClientSecurityQos nt.SecurityQualityOfService
		RemoteSession     bool
	}
	SeCreateClientSecurityOut struct{ ClientContext *ClientContext }

	SeImpersonateClientExIn struct {
		ClientContext *ClientContext
		ServerThread  *EThread // nil: the calling thread
	}
	SeImpersonateClientExOut struct{}

	SeDeleteClientSecurityIn  struct{ ClientContext *ClientContext }
	SeDeleteClientSecurityOut struct{}

	SeCaptureSubjectContextIn  struct{ Thread *EThread } // nil: the calling thread
	SeCaptureSubjectContextOut struct{ SubjectContext *SubjectContext }
	SeReleaseSubjectContextIn  struct{ SubjectContext *SubjectContext }
	SeReleaseSubjectContextOut struct{}

	SeQuerySubjectContextTokenIn  struct{ SubjectContext *SubjectContext }
	SeQuerySubjectContextTokenOut struct{ Token *AccessToken }

	SeAccessCheckIn struct {
		SecurityDescriptor      nt.Captured[*sd.Descriptor]
		SubjectSecurityContext  *SubjectContext
		DesiredAccess           winnt.AccessMask `object:"file"`
		PreviouslyGrantedAccess winnt.AccessMask `object:"file"`
		GenericMapping          nt.Captured[winnt.GenericMapping]
		AccessMode              access.Mode
	}
	SeAccessCheckOut struct {
		Result        bool
		Privileges    *nt.PrivilegeSet // those used, also when access was denied; nil: none
		GrantedAccess winnt.AccessMask `object:"file"`
		AccessStatus  ntstatus.Status
	}
)

func always(rule, when string) []nt.Condition {
	return []nt.Condition{{Status: ntstatus.Success, Rule: rule, When: when}}
}

// simple is a row that only fails by its outcome.
func simple[I, O any](name, summary string, conditions []nt.Condition, f func(*KernelThread, I) (O, ntstatus.Status)) *nt.Entry[*KernelThread, I, O] {
	return nt.Add(&Table, nt.Entry[*KernelThread, I, O]{Meta: nt.Meta{Name: name, Summary: summary, Source: name, Support: nt.Complete, Conditions: conditions}, Call: f})
}

// or is t, or the calling thread where t is nil.
func (k *KernelThread) or(t *EThread) *EThread {
	if t == nil {
		return k.Thread()
	}
	return t
}

var (
	_ = simple("PsIsThreadImpersonating", "tells whether a thread impersonates", always("I-62", "always"),
		func(_ *KernelThread, in PsIsThreadImpersonatingIn) (PsIsThreadImpersonatingOut, ntstatus.Status) {
			return PsIsThreadImpersonatingOut{in.Thread.IsImpersonating()}, ntstatus.Success
		})
	_ = simple("PsRevertThreadToSelf", "ends the impersonation of a thread", always("I-50", "always"),
		func(_ *KernelThread, in PsRevertThreadToSelfIn) (out PsRevertThreadToSelfOut, st ntstatus.Status) {
			in.Thread.RevertToSelf()
			return out, ntstatus.Success
		})
	rowPsDisableImpersonation = simple("PsDisableImpersonation", "sets a thread's impersonation aside", always("I-60", "always; Result is FALSE when the thread was not impersonating"),
		func(_ *KernelThread, in PsDisableImpersonationIn) (out PsDisableImpersonationOut, st ntstatus.Status) {
			out.ImpersonationState, out.Result = in.Thread.Disable()
			return out, ntstatus.Success
		})
	rowPsRestoreImpersonation = simple("PsRestoreImpersonation", "puts an impersonation back that was set aside", always("I-61", "always; a state may be restored once"),
		func(_ *KernelThread, in PsRestoreImpersonationIn) (out PsRestoreImpersonationOut, st ntstatus.Status) {
			in.Thread.Restore(in.ImpersonationState)
			return out, ntstatus.Success
		})
	_ = simple("PsReferenceEffectiveToken", "references the token a thread acts with", always("I-62", "always"),
		func(_ *KernelThread, in PsReferenceEffectiveTokenIn) (out PsReferenceEffectiveTokenOut, st ntstatus.Status) {
			out.Token, out.TokenType, out.EffectiveOnly, out.ImpersonationLevel = in.Thread.EffectiveToken(ob.TagContext)
			return out, ntstatus.Success
		})
	rowSeCreateClientSecurity = simple("SeCreateClientSecurity", "captures a client for a server to impersonate", []nt.Condition{
		{Status: ntstatus.InvalidParameter, Rule: "I-80", When: "the level is above SecurityDelegation"},
		{Status: ntstatus.BadImpersonationLevel, Rule: "I-80", When: "the client's own impersonation does not allow that level, or none at all, or no remote server"},
		{Status: ntstatus.InsufficientResources, Rule: "O-81", When: "memory ran out"},
	}, func(k *KernelThread, in SeCreateClientSecurityIn) (out SeCreateClientSecurityOut, st ntstatus.Status) {
		c, o := in.ClientThread.CreateClientSecurity(in.ClientSecurityQos, in.RemoteSession, k.Thread().Process())
		out.ClientContext = c
		return out, k.ctx.Impersonated(o)
	})
	rowSeImpersonateClientEx = simple("SeImpersonateClientEx", "impersonates a captured client", []nt.Condition{
		{Status: ntstatus.NoMemory, Rule: "I-41", When: "no memory for the impersonation record"},
		{Status: ntstatus.AccessDenied, Rule: "I-90", When: "a job's security limits refuse the token"},
		{Status: ntstatus.InsufficientResources, Rule: "I-43", When: "the copy that a demotion needs cannot be made"},
		{Status: ntstatus.Success, Rule: "I-43", When: "the client may only be identified: the thread gets a copy at SecurityIdentification"},
	}, func(k *KernelThread, in SeImpersonateClientExIn) (out SeImpersonateClientExOut, st ntstatus.Status) {
		return out, k.ctx.Impersonated(k.impersonateContext(in.ClientContext, k.or(in.ServerThread)))
	})
	rowSeDeleteClientSecurity = simple("SeDeleteClientSecurity", "gives a captured client back", always("I-82", "always"),
		func(_ *KernelThread, in SeDeleteClientSecurityIn) (out SeDeleteClientSecurityOut, st ntstatus.Status) {
			in.ClientContext.Delete()
			return out, ntstatus.Success
		})
	rowSeCaptureSubjectContext = simple("SeCaptureSubjectContext", "captures the tokens a thread acts with", always("I-83", "always"),
		func(k *KernelThread, in SeCaptureSubjectContextIn) (SeCaptureSubjectContextOut, ntstatus.Status) {
			return SeCaptureSubjectContextOut{k.or(in.Thread).CaptureSubjectContext()}, ntstatus.Success
		})
	rowSeReleaseSubjectContext = simple("SeReleaseSubjectContext", "gives captured tokens back", always("I-83", "always"),
		func(_ *KernelThread, in SeReleaseSubjectContextIn) (out SeReleaseSubjectContextOut, st ntstatus.Status) {
			in.SubjectContext.Release()
			return out, ntstatus.Success
		})
	_ = simple("SeLockSubjectContext", "pins one snapshot of captured tokens", always("I-83", "always"),
		func(_ *KernelThread, in SeReleaseSubjectContextIn) (out SeReleaseSubjectContextOut, st ntstatus.Status) {
			in.SubjectContext.Lock()
			return out, ntstatus.Success
		})
	_ = simple("SeUnlockSubjectContext", "lets go of the snapshot", always("I-83", "always"),
		func(_ *KernelThread, in SeReleaseSubjectContextIn) (out SeReleaseSubjectContextOut, st ntstatus.Status) {
			in.SubjectContext.Unlock()
			return out, ntstatus.Success
		})
	_ = simple("SeQuerySubjectContextToken", "the token a captured context acts with", always("I-83", "always; no reference is taken"),
		func(_ *KernelThread, in SeQuerySubjectContextTokenIn) (SeQuerySubjectContextTokenOut, ntstatus.Status) {
			return SeQuerySubjectContextTokenOut{in.SubjectContext.Token()}, ntstatus.Success
		})
	rowSeAccessCheck = simple("SeAccessCheck", "decides for a captured context", []nt.Condition{
		{Status: ntstatus.Success, Rule: "O-3", When: "SecurityDescriptor or GenericMapping cannot be read: AccessStatus says so"},
		{Status: ntstatus.Success, Rule: "A-31", When: "AccessMode is KernelMode: everything is granted"},
		{Status: ntstatus.Success, Rule: "A-32", When: "no descriptor: AccessStatus is STATUS_ACCESS_DENIED"},
		{Status: ntstatus.Success, Rule: "A-30", When: "the context's level is below SecurityImpersonation: AccessStatus is STATUS_BAD_IMPERSONATION_LEVEL"},
		{Status: ntstatus.Success, Rule: "A-33", When: "DesiredAccess is 0: AccessStatus is STATUS_ACCESS_DENIED unless something was granted previously"},
		{Status: ntstatus.Success, Rule: "A-50", When: "ACCESS_SYSTEM_SECURITY without SeSecurityPrivilege: AccessStatus is STATUS_PRIVILEGE_NOT_HELD"},
		{Status: ntstatus.Success, Rule: "A-40", When: "the descriptor does not grant all that is asked: AccessStatus is STATUS_ACCESS_DENIED"},
	}, seAccessCheck)
)

func seAccessCheck(k *KernelThread, in SeAccessCheckIn) (out SeAccessCheckOut, st ntstatus.Status) {
	st = in.GenericMapping.Status
	if in.AccessMode != access.Kernel { // which does not look at the descriptor
		st = k.unread(in.SecurityDescriptor.Status, st)
	}
	if st != ntstatus.Success {
		return SeAccessCheckOut{AccessStatus: st}, ntstatus.Success
	}
	r := &access.Request{Descriptor: in.SecurityDescriptor.V, Subject: in.SubjectSecurityContext.Subject(), Desired: in.DesiredAccess,
		Previous: in.PreviouslyGrantedAccess, Mapping: &in.GenericMapping.V, Mode: in.AccessMode}
	d, err := access.SeAccessCheck(r)
	if err != nil {
		return out, ntstatus.InvalidParameter
	}
	if !d.Allowed() {
		k.ctx.ExplainCheck(r)
	}
	out = SeAccessCheckOut{Result: d.Allowed(), GrantedAccess: d.Granted, AccessStatus: d.Status()}
	for p := range d.PrivilegesUsed.All {
		if out.Privileges == nil {
			out.Privileges = &nt.PrivilegeSet{}
		}
		out.Privileges.Privilege = append(out.Privileges.Privilege, nt.LUIDAndAttributes{LUID: p.LUID(), Attributes: winnt.SE_PRIVILEGE_USED_FOR_ACCESS})
	}
	return out, ntstatus.Success
}

// PsDisableImpersonation sets a thread's impersonation aside; active tells
// whether there was one (I-60).
func (k *KernelThread) PsDisableImpersonation(thread *EThread) (state *SavedState, active bool) {
	out, _ := call(k, rowPsDisableImpersonation, PsDisableImpersonationIn{thread})
	return out.ImpersonationState, out.Result
}

// PsRestoreImpersonation puts a state back. It makes no decision: the token
// was accepted before. A second restore of a state panics (I-61).
func (k *KernelThread) PsRestoreImpersonation(thread *EThread, state *SavedState) {
	call(k, rowPsRestoreImpersonation, PsRestoreImpersonationIn{thread, state})
}

// SeCreateClientSecurity captures a client thread at the quality of service it
// allows (I-80). The context is given back with SeDeleteClientSecurity.
func (k *KernelThread) SeCreateClientSecurity(client *EThread, qos nt.SecurityQualityOfService, remote bool) (*ClientContext, ntstatus.Status) {
	out, st := call(k, rowSeCreateClientSecurity, SeCreateClientSecurityIn{client, qos, remote})
	return out.ClientContext, st
}

// SeImpersonateClientEx makes a thread, nil for the calling one, act as a
// captured client (I-81).
func (k *KernelThread) SeImpersonateClientEx(c *ClientContext, thread *EThread) ntstatus.Status {
	_, st := call(k, rowSeImpersonateClientEx, SeImpersonateClientExIn{c, thread})
	return st
}

// SeDeleteClientSecurity gives a context back (I-82).
func (k *KernelThread) SeDeleteClientSecurity(c *ClientContext) {
	call(k, rowSeDeleteClientSecurity, SeDeleteClientSecurityIn{c})
}

// SeCaptureSubjectContext captures the calling thread's tokens (I-83); give
// them back with SeReleaseSubjectContext.
func (k *KernelThread) SeCaptureSubjectContext() *SubjectContext {
	out, _ := call(k, rowSeCaptureSubjectContext, SeCaptureSubjectContextIn{})
	return out.SubjectContext
}

// SeReleaseSubjectContext gives captured tokens back (I-83).
func (k *KernelThread) SeReleaseSubjectContext(c *SubjectContext) {
	call(k, rowSeReleaseSubjectContext, SeReleaseSubjectContextIn{c})
}

// SeAccessCheck decides for a captured context (SeAccessCheck).
func (k *KernelThread) SeAccessCheck(in SeAccessCheckIn) SeAccessCheckOut {
	out, _ := call(k, rowSeAccessCheck, in)
	return out
}
