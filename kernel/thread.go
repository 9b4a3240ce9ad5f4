package kernel

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/ntos/services"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Object references as kernel routines take them. A reference is counted: who
// is given one drops it with the routine the documents name.
type (
	// EThread is a thread object (PETHREAD). Methods worth knowing: ID, Name,
	// Process, Subject (who it acts as now), IsImpersonating, Exited. The zero
	// value is not usable: [System.ThreadObject] and [KernelThread.Thread] give one.
	EThread = ps.Thread
	// EProcess is a process object (PEPROCESS). Methods worth knowing: ID, Name,
	// Token (its primary token's value), Table. The zero value is not usable:
	// [Process.Object] gives one.
	EProcess = ps.Process
	// AccessToken is a token object (PACCESS_TOKEN): a descriptor around a token
	// value. Methods worth knowing: Value, ID, Security, PointerCount. The zero
	// value is not usable: [KernelThread.NewToken] and [KernelThread.CaptureToken]
	// make one.
	AccessToken = se.TokenObject
)

// KernelThread is a thread running in kernel mode: the Zw*, Ps*, Se* and Ob*
// routines under their documented names. It is used by one goroutine at a time.
// The zero value is not usable: [System.KernelMode] and [System.SystemThread] make one.
type KernelThread struct {
	sys    *System           // immutable
	ctx    *services.Context // immutable: previous mode kernel
	zw     *nt.Thread        // immutable: the services in kernel mode
	tracer nt.Tracer         // owned by the thread
}

// KernelMode returns the kernel-mode face of a user-mode thread of this system: the
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

// Name returns the display name.
func (k *KernelThread) Name() string { return k.zw.Name() }

// Thread returns the thread object itself, as PsGetCurrentThread gives it.
func (k *KernelThread) Thread() *EThread { return k.ctx.Thread() }

// Zw returns the services of package nt with previous mode kernel.
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

// ThreadObject returns the object behind a thread of this system, nil for others.
// It carries no reference of its own: it is good as long as the thread.
func (s *System) ThreadObject(th *nt.Thread) *EThread {
	if c, ok := th.Services().(*services.Context); ok && c.Sys == s.sys {
		return c.Thread()
	}
	return nil
}
