package services

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/winnt"
)

// NoteElevation records a call of kernel mode that gave a thread a token which
// its process could not have got by itself (I-48, I-99). It runs after the
// thread has the token (Outcome.Raised), with no lock held, and never fails the
// call. After a demotion it reports no elevation.
func (c *Context) NoteElevation(t *ps.Thread, tok *se.TokenObject, copyOnOpen, effectiveOnly bool,
	level winnt.SecurityImpersonationLevel) {
	p, v := t.Process().Token(), tok.Value()
	e, unsafe := audit.UnsafeElevation(audit.Origin{
		Subject: access.Subject{Primary: p}, Names: c.Sys.Log.Names,
		ProcessID: uint64(t.Process().ID()), ProcessName: t.Process().Name(),
	}, audit.Elevation{
		Thread: uint64(t.ID()), SystemThread: t.IsSystemThread(), KernelMode: c.Mode == access.Kernel,
		Client: v, CopyOnOpen: copyOnOpen, EffectiveOnly: effectiveOnly, Level: level,
	})
	if unsafe {
		c.Sys.Log.Write(e) // I-48: the call itself succeeds
	}
}
