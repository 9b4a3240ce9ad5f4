package kernel

import (
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/winnt"
)

// impersonate implements PsImpersonateClient. If the thread gets a stronger token than its process has, it writes the
// audit record of an unsafe elevation (I-48, I-99).
func (k *KernelThread) impersonate(
	t *EThread, tok *AccessToken, copyOnOpen, effectiveOnly bool, level winnt.SecurityImpersonationLevel,
) ps.Outcome {
	o := ps.ImpersonateClient(t, tok, copyOnOpen, effectiveOnly, level)
	if o.Raised {
		k.ctx.NoteElevation(t, tok, copyOnOpen, effectiveOnly, level)
	}
	return o
}

// impersonateContext implements SeImpersonateClientEx. If the thread gets a stronger token than its process has, it
// writes the audit record of an unsafe elevation (I-48, I-99).
func (k *KernelThread) impersonateContext(c *ClientContext, t *EThread) ps.Outcome {
	o := c.Impersonate(t)
	if o.Raised {
		k.ctx.NoteElevation(t, c.Token, true, c.EffectiveOnly, c.SQOS.ImpersonationLevel)
	}
	return o
}
