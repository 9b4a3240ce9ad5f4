//go:build cgo && linux

package main

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Sizes of the structures that routines fill.
const (
	subjectContextSize = 32
	accessStateSize    = 160
)

// encodeSubject encodes captured tokens as the SECURITY_SUBJECT_CONTEXT that the program gets. The program owns the
// references to its tokens until SeReleaseSubjectContext. Without a client that token is 0.
func encodeSubject(s *kernel.SubjectContext) []byte {
	b := make([]byte, subjectContextSize)
	if s.Client != nil {
		le.PutUint64(b, own(s.Client))
	}
	le.PutUint32(b[8:], uint32(s.Level))
	le.PutUint64(b[16:], own(s.Primary))
	le.PutUint64(b[24:], uint64(s.Process))
	return b
}

// lockedSubject is a subject context that the program has locked, and the bytes of the program's structure at that
// time. Different bytes at the same address are another context.
type lockedSubject struct {
	structure [subjectContextSize]byte
	subject   *kernel.SubjectContext
}

// subjectAt reads a SECURITY_SUBJECT_CONTEXT of the program: it returns the locked context if p is locked, or a new one
// for its tokens.
func (c *call) subjectAt(p user) *kernel.SubjectContext {
	var b [subjectContextSize]byte
	c.read(p, b[:])
	if l := c.face.locked[p]; l.subject != nil && l.structure == b {
		return l.subject
	}
	return c.subjectOf(p, b, object[*kernel.AccessToken])
}

// subjectOf returns the subject context whose bytes b were read at p. fetch turns a token's address into the token. A
// context without a primary token is a bug of the program. Client is nil without a client token.
func (c *call) subjectOf(p user, b [subjectContextSize]byte, fetch func(*call,
	user) *kernel.AccessToken) *kernel.SubjectContext {
	client, primary := user(le.Uint64(b[:])), user(le.Uint64(b[16:]))
	if primary == 0 {
		c.bug("the subject context at %#x has no primary token: it was released, or never captured", uintptr(p))
	}
	s := &kernel.SubjectContext{Level: winnt.SecurityImpersonationLevel(le.Uint32(b[8:])),
		Process: winnt.Handle(le.Uint64(b[24:]))}
	s.Primary = fetch(c, primary)
	if client != 0 {
		s.Client = fetch(c, client)
	}
	return s
}

// seCaptureSubjectContext implements SeCaptureSubjectContext: it captures the tokens of the calling thread and process.
func seCaptureSubjectContext(c *call) uint64 {
	c.capture(c.ptr(0), c.face.k.Thread(), c.face.k.Thread().Process())
	return 0
}

// seCaptureSubjectContextEx implements SeCaptureSubjectContextEx: it captures the client's token of a thread, or none
// for NULL, and the primary token of a process.
func seCaptureSubjectContextEx(c *call) uint64 {
	var t *kernel.EThread
	if c.ptr(0) != 0 {
		t = c.eThread(0)
	}
	c.capture(c.ptr(2), t, c.eProcess(1))
	return 0
}

// capture writes a SECURITY_SUBJECT_CONTEXT to out: the client's token of t, which may be nil, and the primary token of
// p. The program owns the two references in it. Memory that cannot be written is a bug.
func (c *call) capture(out user, t *kernel.EThread, p *kernel.EProcess) {
	if c.Probe(out, subjectContextSize, 8) != ntstatus.Success {
		c.bug("the memory at %#x cannot be written", uintptr(out))
	}
	c.write(out, encodeSubject(ps.CaptureSubject(t, p)))
}

// seReleaseSubjectContext implements SeReleaseSubjectContext: it releases the tokens of a captured subject context.
func seReleaseSubjectContext(c *call) uint64 {
	c.releaseSubject(c.ptr(0))
	return 0
}

// releaseSubject unlocks the context at p, releases its tokens, and clears its three pointers. A second release then
// finds no tokens, which is a bug of the caller (bug).
func (c *call) releaseSubject(p user) {
	delete(c.face.locked, p)
	var b [subjectContextSize]byte
	c.read(p, b[:])
	s := c.subjectOf(p, b, disown[*kernel.AccessToken])
	c.face.k.SeReleaseSubjectContext(s)
	c.write(p, make([]byte, 24)) // a second release is noticed
}

// seLockSubjectContext implements SeLockSubjectContext: checks of this thread see the tokens' current values until the
// context is unlocked (I-83).
func seLockSubjectContext(c *call) uint64 {
	var b [subjectContextSize]byte
	c.read(c.ptr(0), b[:])
	s := c.subjectOf(c.ptr(0), b, object[*kernel.AccessToken])
	// A locked subject keeps the values that its tokens have now (I-83).
	s.Lock()
	c.face.locked[c.ptr(0)] = lockedSubject{b, s}
	return 0
}

// seUnlockSubjectContext implements SeUnlockSubjectContext: checks see the tokens' current values again. A context that
// this thread did not lock is a bug.
func seUnlockSubjectContext(c *call) uint64 {
	if c.face.locked[c.ptr(0)].subject == nil {
		c.bug("the subject context at %#x is not locked by this thread", uintptr(c.ptr(0)))
	}
	delete(c.face.locked, c.ptr(0))
	return 0
}

// seCreateAccessState implements SeCreateAccessState: it fills an ACCESS_STATE for the desired access. The mapping may
// be NULL. Unwritable memory returns a status. A mapping that cannot be read fails before anything is made. Without an
// identifier its LUID is 0.
func seCreateAccessState(c *call) uint64 {
	p, at := c.ptr(0), c.ptr(3)
	if st := c.Probe(p, accessStateSize, 8); st != ntstatus.Success {
		return status(st)
	}
	var m *winnt.GenericMapping
	if at != 0 {
		v, st := c.MappingAt(at)
		if st != ntstatus.Success {
			return status(st)
		}
		m = &v
	}
	s := c.face.k.SeCreateAccessState(c.mask(2), m)
	var id uint64
	if out, st := c.sys.NtAllocateLocallyUniqueId(nt.AllocateLocallyUniqueIDIn{}); st.IsSuccess() {
		id = uint64(out.LUID)
	}
	b := make([]byte, accessStateSize)
	le.PutUint64(b, id)
	le.PutUint32(b[12:], uint32(truth(s.TraversePrivilege))) // TOKEN_HAS_TRAVERSE_PRIVILEGE
	le.PutUint32(b[16:], uint32(s.RemainingDesiredAccess))
	le.PutUint32(b[20:], uint32(s.PreviouslyGrantedAccess))
	le.PutUint32(b[24:], uint32(s.OriginalDesiredAccess))
	copy(b[32:], encodeSubject(s.SubjectSecurityContext))
	le.PutUint64(b[72:], uint64(c.ptr(1)))
	return status(c.Write(p, b))
}

// accessStateAt copies what the routines use of an ACCESS_STATE of the program: the rights still to be granted, and
// the subject context. An unreadable one ends the program, as a kernel bug does.
func (c *call) accessStateAt(p user) *kernel.AccessState {
	var b [20]byte
	c.read(p, b[:])
	return &kernel.AccessState{RemainingDesiredAccess: winnt.AccessMask(le.Uint32(b[16:])),
		SubjectSecurityContext: c.subjectAt(p + 32)}
}

// rmDeleteAccessState releases the subject context in an ACCESS_STATE.
func rmDeleteAccessState(c *call) uint64 {
	c.releaseSubject(c.ptr(0) + 32)
	return 0
}

// seFastTraverseCheck implements SeFastTraverseCheck: it returns whether a directory's descriptor grants traversal
// without a full check. It returns false for a descriptor that cannot be read.
func seFastTraverseCheck(c *call) uint64 {
	d, st := c.DescriptorAt(c.ptr(0))
	if st != ntstatus.Success {
		return 0
	}
	mode := access.User
	if c.processorMode(3) == kernel.KernelMode {
		mode = access.Kernel
	}
	return truth(c.face.k.SeFastTraverseCheck(d, c.accessStateAt(c.ptr(1)), c.mask(2), mode))
}

// processorMode returns parameter i as a KPROCESSOR_MODE: 0 is kernel mode, any other value user mode.
func (c *call) processorMode(i int) kernel.ProcessorMode {
	return kernel.ProcessorMode(min(c.args[i]&0xFF, 1))
}
