package services

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/ntstatus"
)

// ImpersonatedOn ends a call that made thread t impersonate, like Impersonated. If kernel mode gave the thread a token
// which its process could not have got by itself, it also writes the audit record of that (I-48, I-99). It runs with no
// lock held, after the thread has the token. A record that cannot be kept does not fail the call.
func (c *Context) ImpersonatedOn(t *ps.Thread, o ps.Outcome) ntstatus.Status {
	if o.Raised != nil && c.Mode == access.Kernel {
		c.noteElevation(t, o.Raised)
	}
	return c.Impersonated(o)
}

// noteElevation writes the audit record of an unsafe elevation. r is the impersonation that thread t got.
func (c *Context) noteElevation(t *ps.Thread, r *se.Impersonation) {
	e, unsafe := audit.UnsafeElevation(audit.Origin{
		Subject: access.Subject{Primary: t.Process().Token()}, Names: c.Sys.Log.Names,
		ProcessID: uint64(t.Process().ID()), ProcessName: t.Process().Name(),
	}, audit.Elevation{
		Thread: uint64(t.ID()), SystemThread: t.IsSystemThread(), KernelMode: true,
		Client: r.Token.Value(), CopyOnOpen: r.CopyOnOpen, EffectiveOnly: r.EffectiveOnly, Level: r.Level,
	})
	if unsafe {
		c.Sys.Log.Write(e)
	}
}
