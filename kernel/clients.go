package kernel

import (
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Parameters of further routines by which a thread gets a client's context.
type (
	PsAssignImpersonationTokenIn struct {
		Thread      *EThread     `required:"false"` // nil: the calling thread
		TokenHandle winnt.Handle // 0 ends the impersonation
	}
	PsAssignImpersonationTokenOut struct{}

	SeUpdateClientSecurityIn struct {
		ClientThread  *EThread
		ClientContext *ClientContext
	}
	SeUpdateClientSecurityOut struct{ ChangesMade, NewToken bool }

	SeImpersonateClientIn struct {
		ClientContext *ClientContext
		ServerThread  *EThread `required:"false"` // nil: the calling thread
	}
	SeImpersonateClientOut struct{}
)

var (
	rowPsAssignImpersonationToken = simple(
		"PsAssignImpersonationToken",
		"makes a thread impersonate the token behind a handle",
		[]nt.Condition{
			{Status: ntstatus.Success, Rule: "I-70", When: "TokenHandle is NULL: the impersonation ends"},
			{Status: ntstatus.InvalidHandle, Rule: "O-31", When: "TokenHandle is not a valid handle"},
			{Status: ntstatus.ObjectTypeMismatch, Rule: "O-31", When: "TokenHandle is not a token"},
			{Status: ntstatus.BadTokenType, Rule: "I-70", When: "the token is a primary token"},
			{Status: ntstatus.NoMemory, Rule: "I-41", When: "not enough memory for the impersonation state"},
			{Status: ntstatus.AccessDenied, Rule: "I-90", When: "a job's security limits refuse the token"},
		},
		func(k *KernelThread, in PsAssignImpersonationTokenIn) (out PsAssignImpersonationTokenOut, st ntstatus.Status) {
			// The handle of the token leads to PsImpersonateClient (I-70).
			return out, k.ctx.AssignImpersonationToken(k.or(in.Thread), in.TokenHandle)
		},
	)
	rowSeUpdateClientSecurity = simple(
		"SeUpdateClientSecurity",
		"brings a dynamic client context up to date",
		[]nt.Condition{
			{
				Status: ntstatus.BadImpersonationLevel,
				Rule:   "I-80",
				When:   "the client's own impersonation no longer allows the level",
			},
			{Status: ntstatus.Success, Rule: "I-82", When: "all other calls; a static context does not change"},
		},
		func(k *KernelThread, in SeUpdateClientSecurityIn) (out SeUpdateClientSecurityOut, st ntstatus.Status) {
			before := in.ClientContext.Token
			// A dynamic context becomes what the client is now (I-82).
			changed, o := in.ClientContext.Update(in.ClientThread, k.Thread().Process())
			return SeUpdateClientSecurityOut{changed, in.ClientContext.Token != before}, k.ctx.Impersonated(o)
		},
	)
	rowSeImpersonateClient = simple(
		"SeImpersonateClient",
		"impersonates a captured client and does not tell whether it did",
		always("I-81", "always; SeImpersonateClientEx reports failures"),
		func(k *KernelThread, in SeImpersonateClientIn) (out SeImpersonateClientOut, st ntstatus.Status) {
			k.impersonateContext(in.ClientContext, in.ServerThread) // I-81: the status is discarded
			return out, ntstatus.Success
		},
	)
)

// ClientContext is a captured client (SECURITY_CLIENT_CONTEXT): its token and
// the quality of service that it allows. SeCreateClientSecurity creates one,
// and SeDeleteClientSecurity releases it. Do not use the zero value.
type ClientContext = ps.ClientContext

// PsAssignImpersonationToken makes a thread, nil for the calling one,
// impersonate the token of a handle. 0 ends the impersonation (I-70).
func (k *KernelThread) PsAssignImpersonationToken(thread *EThread, token winnt.Handle) ntstatus.Status {
	_, st := call(k, rowPsAssignImpersonationToken, PsAssignImpersonationTokenIn{thread, token})
	return st
}

// SeUpdateClientSecurity updates a dynamic context to the client's current token. changed reports whether the token
// differs from the previous one, and another whether it is a different object (I-82).
func (k *KernelThread) SeUpdateClientSecurity(
	client *EThread, c *ClientContext,
) (changed, another bool, st ntstatus.Status) {
	out, st := call(k, rowSeUpdateClientSecurity, SeUpdateClientSecurityIn{client, c})
	return out.ChangesMade, out.NewToken, st
}

// SeImpersonateClient works like SeImpersonateClientEx without a status. On
// failure the thread keeps its previous context. Prefer the Ex form.
func (k *KernelThread) SeImpersonateClient(c *ClientContext, thread *EThread) {
	call(k, rowSeImpersonateClient, SeImpersonateClientIn{c, thread})
}

// Parameters of the routines that capture a client and impersonate it.
type (
	SeCreateClientSecurityIn struct {
		ClientThread      *EThread
		ClientSecurityQos nt.SecurityQualityOfService
		RemoteSession     bool
	}
	SeCreateClientSecurityOut struct{ ClientContext *ClientContext }

	SeImpersonateClientExIn struct {
		ClientContext *ClientContext
		ServerThread  *EThread `required:"false"` // nil: the calling thread
	}
	SeImpersonateClientExOut struct{}

	SeDeleteClientSecurityIn  struct{ ClientContext *ClientContext }
	SeDeleteClientSecurityOut struct{}
)

var (
	rowSeCreateClientSecurity = simple(
		"SeCreateClientSecurity",
		"captures a client for a server to impersonate",
		[]nt.Condition{
			{Status: ntstatus.InvalidParameter, Rule: "I-80", When: "the level is above SecurityDelegation"},
			{
				Status: ntstatus.BadImpersonationLevel,
				Rule:   "I-80",
				When:   "the client's own impersonation permits a lower level only, no impersonation, or no remote server",
			},
			{Status: ntstatus.InsufficientResources, Rule: "O-81", When: "not enough memory"},
		},
		func(k *KernelThread, in SeCreateClientSecurityIn) (out SeCreateClientSecurityOut, st ntstatus.Status) {
			c, o := in.ClientThread.CreateClientSecurity(in.ClientSecurityQos, in.RemoteSession, k.Thread().Process())
			out.ClientContext = c
			return out, k.ctx.Impersonated(o)
		},
	)
	rowSeImpersonateClientEx = simple("SeImpersonateClientEx", "impersonates a captured client", []nt.Condition{
		{Status: ntstatus.NoMemory, Rule: "I-41", When: "not enough memory for the impersonation state"},
		{Status: ntstatus.AccessDenied, Rule: "I-90", When: "a job's security limits refuse the token"},
		{Status: ntstatus.InsufficientResources, Rule: "I-43", When: "the copy at a lower level cannot be created"},
		{
			Status: ntstatus.Success,
			Rule:   "I-43",
			When:   "success: the thread may only identify the client and gets a copy at SecurityIdentification",
		},
	}, func(k *KernelThread, in SeImpersonateClientExIn) (out SeImpersonateClientExOut, st ntstatus.Status) {
		return out, k.impersonateContext(in.ClientContext, in.ServerThread)
	})
	rowSeDeleteClientSecurity = simple(
		"SeDeleteClientSecurity",
		"gives a captured client back",
		always("I-82", "always"),
		func(_ *KernelThread, in SeDeleteClientSecurityIn) (out SeDeleteClientSecurityOut, st ntstatus.Status) {
			in.ClientContext.Delete()
			return out, ntstatus.Success
		},
	)
)

// SeCreateClientSecurity captures a client thread with the quality of service
// that it allows (I-80). Release the context with SeDeleteClientSecurity.
func (k *KernelThread) SeCreateClientSecurity(
	client *EThread, qos nt.SecurityQualityOfService, remote bool,
) (*ClientContext, ntstatus.Status) {
	out, st := call(k, rowSeCreateClientSecurity, SeCreateClientSecurityIn{client, qos, remote})
	return out.ClientContext, st
}

// SeImpersonateClientEx makes a thread, nil for the calling one, impersonate a
// captured client (I-81).
func (k *KernelThread) SeImpersonateClientEx(c *ClientContext, thread *EThread) ntstatus.Status {
	_, st := call(k, rowSeImpersonateClientEx, SeImpersonateClientExIn{c, thread})
	return st
}

// SeDeleteClientSecurity releases the token of a captured client (I-82).
func (k *KernelThread) SeDeleteClientSecurity(c *ClientContext) {
	call(k, rowSeDeleteClientSecurity, SeDeleteClientSecurityIn{c})
}
