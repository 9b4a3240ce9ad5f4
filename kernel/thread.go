package kernel

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/ntos/services"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Object references as kernel routines take them. A reference is counted: who
// is given one drops it with the routine the documents name.
type (
	EThread     = ps.Thread      // PETHREAD
	EProcess    = ps.Process     // PEPROCESS
	AccessToken = se.TokenObject // PACCESS_TOKEN
)

// KernelThread is a thread running in kernel mode: the Zw*, Ps*, Se* and Ob*
// routines under their documented names. It is used by one goroutine at a time.
type KernelThread struct {
	sys    *System           // immutable
	ctx    *services.Context // immutable: previous mode kernel
	zw     *nt.Thread        // immutable: the services in kernel mode
	tracer nt.Tracer         // owned by the thread
}

// KernelMode is the kernel-mode face of a user-mode thread of this system: the
// same thread, its process, its impersonation; nil for a thread of another.
func (s *System) KernelMode(th *nt.Thread) *KernelThread {
	s.mu.Lock()
	k, known := s.modes[th]
	s.mu.Unlock()
	if k != nil || !known {
		return k
	}
	k = s.kernelThread(th.Services().(*services.Context).Thread())
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.modes[th] == nil {
		s.modes[th] = k
	}
	return s.modes[th]
}

// SystemThread makes a thread of the System process.
func (s *System) SystemThread() (*KernelThread, error) {
	return s.SystemThreadOf(s.sys.SystemProcess())
}

// SystemThreadOf makes a thread of a process that runs in kernel mode only, as
// PsCreateSystemThread does. STATUS_PROCESS_IS_TERMINATING for one that has ended.
func (s *System) SystemThreadOf(p *EProcess) (*KernelThread, error) {
	t, st := p.NewSystemThread()
	if err := st.Err(); err != nil {
		return nil, err
	}
	defer t.Deref(ob.TagCall)
	return s.kernelThread(t), nil
}

func (s *System) kernelThread(t *ps.Thread) *KernelThread {
	ctx := s.context(t, access.Kernel)
	return &KernelThread{sys: s, ctx: ctx, zw: nt.NewThread(ctx, t.Name()+" (k)")}
}

// Name is the display name.
func (k *KernelThread) Name() string { return k.zw.Name() }

// Thread is the thread object itself, as PsGetCurrentThread gives it.
func (k *KernelThread) Thread() *EThread { return k.ctx.Thread() }

// Zw is the services of package nt with previous mode kernel.
func (k *KernelThread) Zw() *nt.Thread { return k.zw }

// Trace sets or, with nil, removes the tracer of this face.
func (k *KernelThread) Trace(t nt.Tracer) {
	k.tracer = t
	k.ctx.RecordWhy(t != nil)
}

// NewToken makes a token object of a value, as a logon would; the caller owns
// one reference, dropped with PsDereferenceImpersonationToken or
// PsDereferencePrimaryToken. A nil or zero value makes the token of S-1-0-0 at
// level Anonymous, with which nothing can be opened.
func (k *KernelThread) NewToken(v *token.Token) *AccessToken {
	v = valueOf(v)
	t := k.sys.sys.Security.NewToken(v, se.NewDescriptor(v, winnt.TokenObject, nil))
	t.Retag(ob.TagCall, ob.TagContext)
	return t
}

// valueOf returns a value, or the powerless one where there is no value: a nil token
// would end an impersonation instead of making one.
func valueOf(v *token.Token) *token.Token {
	if v.IsZero() {
		return powerless
	}
	return v
}

// powerless is immutable: the token of S-1-0-0, which no entry should name.
var powerless = func() *token.Token {
	v, err := token.New(token.Spec{
		User: token.Group{SID: sid.MustParse("S-1-0-0")}, Type: winnt.TokenImpersonation, Level: winnt.SecurityAnonymous,
		Integrity: sid.IntegrityLevel(winnt.SECURITY_MANDATORY_UNTRUSTED_RID),
	})
	if err != nil {
		panic("kernel: the token of S-1-0-0: " + err.Error())
	}
	return v
}()

// CaptureToken makes a token object as a kernel component does that captures a
// client for a server: its descriptor also admits the server's process user,
// LocalSystem and, where the server has them enabled, Administrators (I-23).
// The caller owns one reference, as with NewToken.
func (k *KernelThread) CaptureToken(v *token.Token, server *EThread) *AccessToken {
	v = valueOf(v)
	t := k.sys.sys.Security.NewToken(v, se.CopyDescriptor(v, server.Process().Token()))
	t.Retag(ob.TagCall, ob.TagContext)
	return t
}

// ThreadObject is the object behind a thread of this system, nil for others.
// It carries no reference of its own: it is good as long as the thread.
func (s *System) ThreadObject(th *nt.Thread) *EThread {
	if c, ok := th.Services().(*services.Context); ok {
		return c.Thread()
	}
	return nil
}

// ZwOpenThreadTokenEx opens the impersonation token of a thread in kernel mode
// (ZwOpenThreadTokenEx). Outside the System process attributes must hold
// OBJ_KERNEL_HANDLE (O-29).
func (k *KernelThread) ZwOpenThreadTokenEx(thread winnt.Handle, desired winnt.AccessMask, openAsSelf bool, attributes uint32) (winnt.Handle, ntstatus.Status) {
	out, st := call(k, rowZwOpenThreadTokenEx, nt.OpenThreadTokenExIn{ThreadHandle: thread, DesiredAccess: desired, OpenAsSelf: openAsSelf, HandleAttributes: attributes})
	return out.TokenHandle, st
}

// ZwOpenProcessTokenEx opens the primary token of a process in kernel mode.
func (k *KernelThread) ZwOpenProcessTokenEx(process winnt.Handle, desired winnt.AccessMask, attributes uint32) (winnt.Handle, ntstatus.Status) {
	out, st := call(k, rowZwOpenProcessTokenEx, nt.OpenProcessTokenExIn{ProcessHandle: process, DesiredAccess: desired, HandleAttributes: attributes})
	return out.TokenHandle, st
}

// ZwClose closes a handle, kernel handles included.
func (k *KernelThread) ZwClose(h winnt.Handle) ntstatus.Status {
	_, st := call(k, rowZwClose, nt.CloseIn{Handle: h})
	return st
}

// PsImpersonateClient makes a thread impersonate a client (PsImpersonateClient).
// token nil ends the impersonation; success may mean a copy at
// SecurityIdentification (I-43).
func (k *KernelThread) PsImpersonateClient(thread *EThread, token *AccessToken, copyOnOpen, effectiveOnly bool, level winnt.SecurityImpersonationLevel) ntstatus.Status {
	if k.tracer == nil {
		o := ps.ImpersonateClient(thread, token, copyOnOpen, effectiveOnly, level)
		if o.Raised {
			k.ctx.NoteElevation(thread, token, copyOnOpen, effectiveOnly, level)
		}
		return o.Status
	}
	_, st := call(k, rowPsImpersonateClient, PsImpersonateClientIn{thread, token, copyOnOpen, effectiveOnly, level})
	return st
}

// PsRevertToSelf ends the impersonation of the calling thread; it cannot fail
// (I-50).
func (k *KernelThread) PsRevertToSelf() {
	if k.tracer == nil {
		k.Thread().RevertToSelf()
		return
	}
	call(k, rowPsRevertToSelf, PsRevertToSelfIn{})
}

// PsReferenceImpersonationToken returns the impersonation token of a thread
// with one more reference and the parameters of its impersonation, or nil
// (I-62).
func (k *KernelThread) PsReferenceImpersonationToken(thread *EThread) (token *AccessToken, copyOnOpen, effectiveOnly bool, level winnt.SecurityImpersonationLevel) {
	out, _ := call(k, rowPsReferenceImpersonationToken, PsReferenceImpersonationTokenIn{thread})
	return out.Token, out.CopyOnOpen, out.EffectiveOnly, out.ImpersonationLevel
}

// PsDereferenceImpersonationToken drops a reference; nil is accepted (I-62).
func (k *KernelThread) PsDereferenceImpersonationToken(token *AccessToken) {
	call(k, rowPsDereferenceImpersonationToken, PsDereferenceImpersonationTokenIn{token})
}

// PsReferencePrimaryToken returns the primary token of a process with one more
// reference, never nil (I-62).
func (k *KernelThread) PsReferencePrimaryToken(process *EProcess) *AccessToken {
	out, _ := call(k, rowPsReferencePrimaryToken, PsReferencePrimaryTokenIn{process})
	return out.Token
}

// PsDereferencePrimaryToken drops a reference (I-62).
func (k *KernelThread) PsDereferencePrimaryToken(token *AccessToken) {
	call(k, rowPsDereferencePrimaryToken, PsDereferencePrimaryTokenIn{token})
}
