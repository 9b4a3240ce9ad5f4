package kernel

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/ntos/services"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Object references of kernel routines. A reference is counted: its receiver releases it with the documented routine.
type (
	// EThread is a thread object (PETHREAD). Useful methods: ID, Name, Process,
	// Subject (its current identity), IsImpersonating, Exited. Do not use the zero
	// value: [System.ThreadObject] and [KernelThread.Thread] return one.
	EThread = ps.Thread
	// EProcess is a process object (PEPROCESS). Useful methods: ID, Name, Token
	// (its primary token's value), Table. Do not use the zero value:
	// [Process.Object] returns one.
	EProcess = ps.Process
	// AccessToken is a token object (PACCESS_TOKEN): a token value with a
	// descriptor. Useful methods: Value, ID, Security, PointerCount. Do not use
	// the zero value: [KernelThread.NewToken] and [KernelThread.CaptureToken]
	// return one.
	AccessToken = se.TokenObject
)

// KernelThread is a thread in kernel mode. It has the Zw*, Ps*, Se* and Ob* routines
// under their documented names. One goroutine uses it at a time. Do not use the zero
// value: [System.KernelMode] and [System.SystemThread] return one.
type KernelThread struct {
	sys    *System           // immutable
	ctx    *services.Context // immutable: previous mode kernel
	zw     *nt.Thread        // immutable: the services in kernel mode
	tracer nt.Tracer         // owned by the thread
}

// KernelMode returns the kernel-mode interface of a user-mode thread of this system: the same thread, with its process
// and impersonation. It returns nil for a thread of another system or one that was closed, and after [System.Close].
func (s *System) KernelMode(th *nt.Thread) *KernelThread {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, known := s.modes[th]
	if k != nil || !known {
		return k
	}
	// While modes has th, its own context holds the thread. The thread's end and Close remove th first, under mu.
	ctx := services.NewContext(s.sys, th.Services().(*services.Context).Thread(), access.Kernel)
	s.contexts[ctx] = struct{}{}
	k = newKernelThread(s, ctx)
	s.modes[th] = k
	return k
}

// SystemThread creates a thread of the System process. The error is that of [System.SystemThreadOf].
func (s *System) SystemThread() (*KernelThread, error) {
	return s.SystemThreadOf(s.sys.SystemProcess())
}

// SystemThreadOf creates a thread of a process that runs only in kernel mode, as
// PsCreateSystemThread does. It fails with STATUS_PROCESS_IS_TERMINATING for a
// process that has ended.
func (s *System) SystemThreadOf(p *EProcess) (*KernelThread, error) {
	t, st := p.NewSystemThread()
	if err := st.Err(); err != nil {
		return nil, err
	}
	defer t.Deref(ob.TagCall)
	return s.kernelThread(t), nil
}

// kernelThread returns the kernel-mode interface of a thread of this system.
func (s *System) kernelThread(t *ps.Thread) *KernelThread {
	return newKernelThread(s, s.context(t, access.Kernel))
}

// newKernelThread returns the kernel-mode interface of the thread of ctx, which must have previous mode kernel.
func newKernelThread(s *System, ctx *services.Context) *KernelThread {
	return &KernelThread{sys: s, ctx: ctx, zw: nt.NewThread(ctx, ctx.Thread().Name()+" (k)")}
}

// Name returns the display name.
func (k *KernelThread) Name() string { return k.zw.Name() }

// Thread returns the thread object itself, as PsGetCurrentThread does.
func (k *KernelThread) Thread() *EThread { return k.ctx.Thread() }

// Zw returns the services of package nt with previous mode kernel.
func (k *KernelThread) Zw() *nt.Thread { return k.zw }

// Trace sets the tracer, which receives every kernel-mode call of this thread. nil removes it.
func (k *KernelThread) Trace(t nt.Tracer) {
	k.tracer = t
	k.ctx.RecordWhy(t != nil)
}

// NewToken creates a token object from a value, as a logon would. The caller
// owns one reference and drops it with PsDereferenceImpersonationToken or
// PsDereferencePrimaryToken. A nil or zero value gives the token of S-1-0-0 at
// level Anonymous, which can open nothing.
func (k *KernelThread) NewToken(v *token.Token) *AccessToken {
	v = valueOf(v)
	t := k.sys.sys.Security.NewToken(v, se.DefaultDescriptor(v, winnt.TokenObject))
	t.Retag(ob.TagCall, ob.TagContext)
	return t
}

// valueOf returns v, or a powerless token if v is nil or the zero value. A nil token would end an impersonation
// instead of starting one.
func valueOf(v *token.Token) *token.Token {
	if v.IsZero() {
		return se.Powerless
	}
	return v
}

// CaptureToken creates a token object like a kernel component that captures a
// client for a server. Its descriptor also admits the server's process user,
// LocalSystem and, if the server has it enabled, Administrators (I-23). The
// caller owns one reference, as with NewToken.
func (k *KernelThread) CaptureToken(v *token.Token, server *EThread) *AccessToken {
	v = valueOf(v)
	t := k.sys.sys.Security.NewToken(v, se.CopyDescriptor(v, server.Process().Token()))
	t.Retag(ob.TagCall, ob.TagContext)
	return t
}

// ThreadObject returns the object of a thread of this system, or nil for other
// threads. It has no separate reference, so it is valid as long as the thread.
func (s *System) ThreadObject(th *nt.Thread) *EThread {
	if c, ok := th.Services().(*services.Context); ok && c.Sys == s.sys {
		return c.Thread()
	}
	return nil
}
