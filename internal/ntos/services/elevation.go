package services

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// NoteElevation records a call of kernel mode that gave a thread a token which
// its process could not have got by itself (I-48, I-99). It runs after the
// thread has the token, with no lock held, and never fails the call. A call
// that was demoted gave the thread a copy which only identifies the client.
func (c *Context) NoteElevation(o ps.Outcome, t *ps.Thread, tok *se.TokenObject, copyOnOpen, effectiveOnly bool, level winnt.SecurityImpersonationLevel) {
	if tok == nil || o.Status != ntstatus.Success || o.Demoted {
		return
	}
	p, v := t.Process().Token(), tok.Value()
	if !mayElevate(p, v, t.IsSystemThread(), copyOnOpen, level) { // nearly always
		return
	}
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

// mayElevate is a cheap test that leaves out what is certainly harmless.
func mayElevate(p, client *token.Token, system, copyOnOpen bool, level winnt.SecurityImpersonationLevel) bool {
	if !copyOnOpen && level < winnt.SecurityDelegation && (client.Type() == winnt.TokenPrimary || level < client.Level()) {
		return true // I-99
	}
	return !system && (client.Present()&^p.Present() != 0 || client.Integrity() > p.Integrity()) // I-48
}
