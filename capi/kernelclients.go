//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/internal/marshal"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// clientContextSize is the size of a SECURITY_CLIENT_CONTEXT in bytes. The structure is in the program's memory, and
// the program holds the reference to its token until it calls SeDeleteClientSecurity.
const clientContextSize = 72

// clientAt reads a SECURITY_CLIENT_CONTEXT of the program. fetch turns the address of its token into the token. A
// context without a token is a bug of the program and ends it.
func (c *call) clientAt(p user, fetch func(*call, user) *kernel.AccessToken) *kernel.ClientContext {
	var b [clientContextSize]byte
	c.read(p, b[:])
	at := user(le.Uint64(b[16:]))
	if at == 0 {
		c.bug("the client context at %#x has no token: it was deleted, or never created", uintptr(p))
	}
	return &kernel.ClientContext{
		SQOS: nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonationLevel(le.Uint32(b[4:])),
			ContextTrackingMode: b[8] != 0, EffectiveOnly: b[9] != 0},
		Token: fetch(c, at), Direct: b[24] != 0, EffectiveOnly: b[25] != 0, Remote: b[26] != 0,
	}
}

// putClient writes a captured client context x to the program. If it cannot be written, putClient deletes the context.
// A failure status is returned without a context.
func (c *call) putClient(p user, x *kernel.ClientContext, st ntstatus.Status) uint64 {
	if st != ntstatus.Success {
		return status(st)
	}
	if st := c.Probe(p, clientContextSize, 8); st != ntstatus.Success {
		c.face.k.SeDeleteClientSecurity(x)
		return status(st)
	}
	var e marshal.Encoder
	e.U32(12)
	e.U32(uint32(x.SQOS.ImpersonationLevel))
	e.U8(x.SQOS.ContextTrackingMode)
	e.U8(x.SQOS.EffectiveOnly)
	e.Align(8)
	e.U64(own(x.Token))
	e.U8(x.Direct)
	e.U8(x.EffectiveOnly)
	e.U8(x.Remote)
	e.Align(4)
	for _, id := range []winnt.LUID{x.Control.TokenID, x.Control.AuthenticationID, x.Control.ModifiedID} {
		e.U64(uint64(id))
	}
	e.TokenInformation(winnt.TokenSource, x.Control.Source)
	e.Align(8)
	return status(c.Write(p, e.Bytes))
}

// seCreateClientSecurity implements SeCreateClientSecurity: it captures a client thread's context for later
// impersonation. The program owns the token reference in the structure.
func seCreateClientSecurity(c *call) uint64 {
	q, st := c.qualityAt(1)
	if st != ntstatus.Success {
		return status(st)
	}
	x, st := c.face.k.SeCreateClientSecurity(c.eThread(0), q, c.boolean(2))
	return c.putClient(c.ptr(3), x, st)
}

// seCreateClientSecurityFromSubjectContext implements the routine of this name: it captures the client of a subject
// context for later impersonation, with the calling process as the server.
func seCreateClientSecurityFromSubjectContext(c *call) uint64 {
	q, st := c.qualityAt(1)
	if st != ntstatus.Success {
		return status(st)
	}
	p := c.face.k.Thread().Process()
	s := c.subjectAt(c.ptr(0))
	x, o := p.System().CreateClientSecurityFromSubject(s, q, c.boolean(2), p)
	return c.putClient(c.ptr(3), x, o.Status)
}

// qualityAt copies a required SECURITY_QUALITY_OF_SERVICE. The routine validates its level (I-80).
func (c *call) qualityAt(i int) (q nt.SecurityQualityOfService, st ntstatus.Status) {
	var b [12]byte
	if st = c.Read(b[:], c.ptr(i)); st != ntstatus.Success {
		return q, st
	}
	return nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonationLevel(le.Uint32(b[4:])),
		ContextTrackingMode: b[8] != 0, EffectiveOnly: b[9] != 0}, st
}

// seImpersonateClient implements SeImpersonateClient: a thread impersonates a captured client, and no failure is
// reported. A NULL thread is the calling one.
func seImpersonateClient(c *call) uint64 {
	c.face.k.SeImpersonateClient(c.clientAt(c.ptr(0), object[*kernel.AccessToken]), c.threadOr(1))
	return 0
}

// seImpersonateClientEx implements SeImpersonateClientEx: a thread impersonates a captured client. A NULL thread is the
// calling one.
func seImpersonateClientEx(c *call) uint64 {
	return status(c.face.k.SeImpersonateClientEx(c.clientAt(c.ptr(0), object[*kernel.AccessToken]), c.threadOr(1)))
}

// seDeleteClientSecurity implements SeDeleteClientSecurity: it releases the token of a client context and clears it in
// the program's structure, so that a second deletion is a bug.
func seDeleteClientSecurity(c *call) uint64 {
	c.face.k.SeDeleteClientSecurity(c.clientAt(c.ptr(0), disown[*kernel.AccessToken]))
	c.write(c.ptr(0)+16, make([]byte, 8)) // a second deletion is noticed
	return 0
}
