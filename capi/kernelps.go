//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// eThread returns the thread at the address in parameter i. Any other address is a bug and ends the program.
func (c *call) eThread(i int) *kernel.EThread { return object[*kernel.EThread](c, c.ptr(i)) }

// eProcess returns the process at the address in parameter i. Any other address is a bug and ends the program.
func (c *call) eProcess(i int) *kernel.EProcess { return object[*kernel.EProcess](c, c.ptr(i)) }

// token returns the token at the address in parameter i. Any other address is a bug and ends the program.
func (c *call) token(i int) *kernel.AccessToken { return object[*kernel.AccessToken](c, c.ptr(i)) }

// level returns parameter i as a level, which may be undefined.
func (c *call) level(i int) winnt.SecurityImpersonationLevel {
	return winnt.SecurityImpersonationLevel(c.u32(i))
}

// threadOr returns the thread at the address in parameter i, the calling thread for NULL.
func (c *call) threadOr(i int) *kernel.EThread {
	if c.ptr(i) == 0 {
		return c.face.k.Thread()
	}
	return c.eThread(i)
}

// psImpersonateClient implements PsImpersonateClient: a thread impersonates a token. A NULL token ends the
// impersonation (I-40).
func psImpersonateClient(c *call) uint64 {
	var t *kernel.AccessToken
	// Without a token the call ends the impersonation (I-40).
	if c.ptr(1) != 0 {
		t = c.token(1)
	}
	return status(c.face.k.PsImpersonateClient(c.eThread(0), t, c.boolean(2), c.boolean(3), c.level(4)))
}

// psRevertToSelf implements PsRevertToSelf: it ends the impersonation of the calling thread.
func psRevertToSelf(c *call) uint64 {
	c.face.k.PsRevertToSelf()
	return 0
}

// psRevertThreadToSelf implements PsRevertThreadToSelf: it ends the impersonation of a thread.
func psRevertThreadToSelf(c *call) uint64 {
	c.eThread(0).RevertToSelf()
	return 0
}

// psAssignImpersonationToken implements PsAssignImpersonationToken: a thread impersonates the token of a handle. A NULL
// thread is the calling one.
func psAssignImpersonationToken(c *call) uint64 {
	return status(c.face.k.PsAssignImpersonationToken(c.threadOr(0), c.handle(1)))
}

// ownCopy, in the padding of SE_IMPERSONATION_STATE, marks the token as the copy that an open created (I-6).
const ownCopy = 0xC0F1

// psDisableImpersonation implements PsDisableImpersonation: it suspends a thread's impersonation and returns whether
// the thread impersonated. It writes the saved state to the program's structure, which then owns the token reference.
// If there is no state, it writes zeros.
func psDisableImpersonation(c *call) uint64 {
	t := c.eThread(0)
	var b [16]byte
	c.read(c.ptr(1), b[:])
	b = [16]byte{}
	s, active := c.face.k.PsDisableImpersonation(t)
	if active {
		r := s.Record()
		le.PutUint64(b[:], own(r.Token))
		b[8], b[9] = byte(truth(r.CopyOnOpen)), byte(truth(r.EffectiveOnly))
		if r.Own {
			le.PutUint16(b[10:], ownCopy)
		}
		le.PutUint32(b[12:], uint32(r.Level))
	}
	c.write(c.ptr(1), b[:])
	return truth(active)
}

// psRestoreImpersonation implements PsRestoreImpersonation: it restores a saved impersonation and takes over the token
// reference in it. A state without a token ends the impersonation (I-61). A state that psDisableImpersonation did not
// write is a bug and ends the program.
func psRestoreImpersonation(c *call) uint64 {
	t := c.eThread(0)
	var b [16]byte
	c.read(c.ptr(1), b[:])
	p := user(le.Uint64(b[:]))
	if p == 0 {
		// A state without a token clears the impersonation (I-61).
		t.RestoreImpersonation(nil)
		return 0
	}
	tok, level := disown[*kernel.AccessToken](c, p), winnt.SecurityImpersonationLevel(le.Uint32(b[12:]))
	if level > winnt.SecurityDelegation {
		c.bug("the level of the state at %#x is %d: it is not what PsDisableImpersonation wrote", uintptr(c.ptr(1)), level)
	}
	r := tok.Impersonation(b[8] != 0, b[9] != 0, level)
	if le.Uint16(b[10:]) == ownCopy {
		r = &se.Impersonation{Token: tok, CopyOnOpen: b[8] != 0, EffectiveOnly: b[9] != 0, Level: level, Own: true}
	}
	t.RestoreImpersonation(r)
	return 0
}

// psReferencePrimaryToken passes a reference on the primary token to the program.
func psReferencePrimaryToken(c *call) uint64 {
	return own(c.face.k.PsReferencePrimaryToken(c.eProcess(0)))
}

// psDereferencePrimaryToken releases the program's reference on a primary token.
func psDereferencePrimaryToken(c *call) uint64 {
	c.face.k.PsDereferencePrimaryToken(disown[*kernel.AccessToken](c, c.ptr(0)))
	return 0
}

// psReferenceImpersonationToken passes a reference on the client's token to the program and writes its parameters. For
// a thread without a client it returns NULL and writes nothing (I-62).
func psReferenceImpersonationToken(c *call) uint64 {
	t, copyOnOpen, effectiveOnly, level := c.face.k.PsReferenceImpersonationToken(c.eThread(0))
	if t == nil {
		// The thread has no client: the token is NULL, and the outputs do not change (I-62).
		return 0
	}
	c.write(c.ptr(1), []byte{byte(truth(copyOnOpen))})
	c.write(c.ptr(2), []byte{byte(truth(effectiveOnly))})
	c.write(c.ptr(3), le.AppendUint32(nil, uint32(level)))
	return own(t)
}

// psDereferenceImpersonationToken releases the program's reference on a client's token. NULL does nothing (I-62).
func psDereferenceImpersonationToken(c *call) uint64 {
	// The program may pass on the NULL that a thread without a client gave it (I-62).
	if c.ptr(0) != 0 {
		c.face.k.PsDereferenceImpersonationToken(disown[*kernel.AccessToken](c, c.ptr(0)))
	}
	return 0
}

// psGetCurrentThread returns the address of the calling thread, without a reference.
func psGetCurrentThread(c *call) uint64 { return lend(c.face.k.Thread()) }

// psGetCurrentProcess returns the address of the calling process, without a reference.
func psGetCurrentProcess(c *call) uint64 { return lend(c.face.k.Thread().Process()) }

// ioThreadToProcess returns the address of a thread's process, without a reference.
func ioThreadToProcess(c *call) uint64 { return lend(c.eThread(0).Process()) }

// psGetProcessId implements PsGetProcessId: it returns the id of a process.
func psGetProcessId(c *call) uint64 { return uint64(c.eProcess(0).ID()) }

// psGetThreadId implements PsGetThreadId: it returns the id of a thread.
func psGetThreadId(c *call) uint64 { return uint64(c.eThread(0).ID()) }

// psGetThreadProcessId returns the id of a thread's process.
func psGetThreadProcessId(c *call) uint64 {
	return uint64(c.eThread(0).Process().ID())
}

// psIsSystemThread returns whether a thread runs kernel code only.
func psIsSystemThread(c *call) uint64 { return truth(c.eThread(0).IsSystemThread()) }

// psLookupProcessByProcessId passes a reference on a process to the program. An unknown id gives
// STATUS_INVALID_PARAMETER.
func psLookupProcessByProcessId(c *call) uint64 {
	p := c.face.k.Thread().Process().System().LookupProcess(c.handle(0))
	if p == nil {
		return status(ntstatus.InvalidParameter)
	}
	p.Retag(ob.TagCall, ob.TagContext)
	return status(c.receive(c.ptr(1), p))
}

// psLookupThreadByThreadId passes a reference on a thread to the program. An unknown id gives STATUS_INVALID_PARAMETER.
func psLookupThreadByThreadId(c *call) uint64 {
	t := c.face.k.Thread().Process().System().LookupThread(c.handle(0))
	if t == nil {
		return status(ntstatus.InvalidParameter)
	}
	t.Retag(ob.TagCall, ob.TagContext)
	return status(c.receive(c.ptr(1), t))
}
