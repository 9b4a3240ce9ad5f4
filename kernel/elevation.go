package kernel

import (
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// impersonate implements PsImpersonateClient, with the audit record of an unsafe elevation (I-48, I-99).
func (k *KernelThread) impersonate(
	t *EThread, tok *AccessToken, copyOnOpen, effectiveOnly bool, level winnt.SecurityImpersonationLevel,
) ntstatus.Status {
	return k.ctx.ImpersonatedOn(t, ps.ImpersonateClient(t, tok, copyOnOpen, effectiveOnly, level))
}

// impersonateContext makes a thread, nil for the calling one, impersonate a captured client. It writes the audit record
// of an unsafe elevation (I-48, I-99).
func (k *KernelThread) impersonateContext(c *ClientContext, thread *EThread) ntstatus.Status {
	t := k.or(thread)
	return k.ctx.ImpersonatedOn(t, c.Impersonate(t))
}
