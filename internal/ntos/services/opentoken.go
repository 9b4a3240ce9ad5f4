package services

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// NtOpenProcessToken opens a process's primary token. Unlike NtOpenProcessTokenEx with attributes 0, it also works in
// kernel mode outside the System process (T-34, O-29).
func (c *Context) NtOpenProcessToken(in nt.OpenProcessTokenIn) (nt.OpenProcessTokenOut, ntstatus.Status) {
	return c.openProcessToken(in.ProcessHandle, in.DesiredAccess, 0)
}

// NtOpenProcessTokenEx opens a process's primary token. The process handle must grant
// PROCESS_QUERY_LIMITED_INFORMATION, and the token's DACL must grant the request.
func (c *Context) NtOpenProcessTokenEx(in nt.OpenProcessTokenExIn) (nt.OpenProcessTokenOut, ntstatus.Status) {
	// capture
	attributes, st := c.handleAttributes(in.HandleAttributes)
	if st != ntstatus.Success {
		return nt.OpenProcessTokenOut{}, st
	}
	return c.openProcessToken(in.ProcessHandle, in.DesiredAccess, attributes)
}

// openProcessToken opens the primary token of the process of h. attributes are those of the new handle. The handle is
// 0 after a failure.
func (c *Context) openProcessToken(h winnt.Handle, desired winnt.AccessMask,
	attributes uint32) (out nt.OpenProcessTokenOut, st ntstatus.Status) {
	// reference
	// The process handle must grant PROCESS_QUERY_LIMITED_INFORMATION (T-30).
	p, st := c.referenceProcess(h, winnt.PROCESS_QUERY_LIMITED_INFORMATION)
	if st != ntstatus.Success {
		return out, st
	}
	defer p.Deref(ob.TagCall)
	tok := p.ReferenceToken(ob.TagCall) // the handle names the token itself, not a copy (T-31)
	defer tok.Deref(ob.TagCall)
	// decide and commit
	// The token's own DACL decides, for the caller's effective context (T-30, T-34).
	out.TokenHandle, st = ob.OpenByPointer(&c.Caller, tok, c.self.Subject(), desired, attributes)
	return out, st
}

// NtOpenThreadToken opens a thread's impersonation token. Unlike NtOpenThreadTokenEx with attributes 0, it also works
// in kernel mode outside the System process (I-27, O-29).
func (c *Context) NtOpenThreadToken(in nt.OpenThreadTokenIn) (nt.OpenThreadTokenOut, ntstatus.Status) {
	return c.openThreadToken(in.ThreadHandle, in.DesiredAccess, in.OpenAsSelf, 0)
}

// NtOpenThreadTokenEx opens a thread's impersonation token. It returns STATUS_NO_TOKEN for a thread that does not
// impersonate, and STATUS_CANT_OPEN_ANONYMOUS at SecurityAnonymous. It may open a copy instead of the token (I-23).
func (c *Context) NtOpenThreadTokenEx(in nt.OpenThreadTokenExIn) (nt.OpenThreadTokenOut, ntstatus.Status) {
	// capture
	attributes, st := c.handleAttributes(in.HandleAttributes) // attributes are the first thing checked (I-20)
	if st != ntstatus.Success {
		return nt.OpenThreadTokenOut{}, st
	}
	return c.openThreadToken(in.ThreadHandle, in.DesiredAccess, in.OpenAsSelf, attributes)
}

// openThreadToken opens the impersonation token of the thread of handle h. If the client requires that, a copy is
// opened instead. asSelf checks access for the caller's process instead of the caller's client (I-21). Errors
// include:
//   - h without THREAD_QUERY_INFORMATION, or under Observed the limited right: STATUS_ACCESS_DENIED
//   - a thread that does not impersonate: STATUS_NO_TOKEN
//   - a client at SecurityAnonymous: STATUS_CANT_OPEN_ANONYMOUS
func (c *Context) openThreadToken(h winnt.Handle, desired winnt.AccessMask, asSelf bool,
	attributes uint32) (out nt.OpenThreadTokenOut, st ntstatus.Status) {
	// reference
	want := winnt.THREAD_QUERY_INFORMATION // then the thread handle; kernel mode skips its rights (I-20, I-26)
	if c.Sys.Profile == nt.Observed {
		want = winnt.THREAD_QUERY_LIMITED_INFORMATION // Windows asks for the limited right (I-131).
	}
	t, _, st := ob.Reference[*ps.Thread](&c.Caller, h, want, ps.ThreadType)
	if st != ntstatus.Success {
		return out, st
	}
	defer t.Deref(ob.TagCall)
	rec := t.Impersonation(ob.TagCall) // the token remains even if the thread reverts (I-29)
	if rec == nil {
		// The thread does not impersonate, so it has no token to open.
		return out, c.Fail("I-20", ntstatus.NoToken)
	}
	defer rec.Token.Deref(ob.TagCall)
	if rec.Level == winnt.SecurityAnonymous { // the level of the thread's state counts, not the token's (I-25)
		// The token of a client at SecurityAnonymous is opened by no caller, with no rights, in no mode.
		return out, c.Fail("I-24", ntstatus.CantOpenAnonymous)
	}
	// decide and commit
	subject := c.self.Subject()
	if asSelf {
		subject = c.self.SubjectAsSelf() // the caller's own process asks, not that of the opened thread (I-21)
	}
	// Copy-on-open, or switched-off rights that must stay off, give the opener a copy (I-5, I-6).
	if rec.CopyOnOpen || rec.EffectiveOnly && !rec.Own {
		out.TokenHandle, st = c.openCopy(t, rec, subject, desired, attributes)
		return out, st
	}
	// The token's own DACL decides (I-22). The handle has its own reference: closing it does not affect the
	// impersonation (I-28).
	out.TokenHandle, st = ob.OpenByPointer(&c.Caller, rec.Token, subject, desired, attributes)
	return out, st
}

// openCopy opens a copy of a thread's impersonation token, for a client with CopyOnOpen or EffectiveOnly. rec is the
// impersonation record. If it is still current, the copy becomes the thread's token (I-23). A refusal by the job
// closes the new handle. After a failure the thread keeps its token.
func (c *Context) openCopy(t *ps.Thread, rec *se.Impersonation, subject access.Subject, desired winnt.AccessMask,
	attributes uint32) (winnt.Handle, ntstatus.Status) {
	// decide
	granted, st := c.decideCopy(rec.Token, subject, desired)
	if st != ntstatus.Success {
		return 0, st
	}
	if c.Sys.Fault("se: copy token") {
		return 0, c.Fail("O-81", ntstatus.InsufficientResources)
	}
	v := rec.Token.Value()
	if rec.EffectiveOnly {
		// The copy omits the groups and privileges that the client has disabled (I-6).
		v = v.EffectiveOnly()
	}
	v = v.WithTypeLevel(winnt.TokenImpersonation, rec.Level)
	dup := c.Sys.Security.NewToken(v, se.CopyDescriptor(v, t.Process().Token()))
	defer dup.Deref(ob.TagCall)
	// commit
	h, st := c.insertNew(dup, granted, attributes)
	if st != ntstatus.Success {
		return 0, st
	}
	// The job may refuse the copy as it may any token (I-23, I-90).
	if o := t.ReplaceOwnCopy(rec, dup); o.Status != ntstatus.Success {
		c.TableFor(attributes).Close(h)
		return 0, c.Fail(o.Rule, o.Status)
	}
	return h, ntstatus.Success
}

// decideCopy decides the rights of the handle to a copy of an impersonation token. The profile Documented checks the
// existing token's DACL. Observed treats the opener as the creator and checks only O-30 (I-23).
func (c *Context) decideCopy(existing *se.TokenObject, subject access.Subject,
	desired winnt.AccessMask) (winnt.AccessMask, ntstatus.Status) {
	var d access.Decision
	if c.Sys.Profile == nt.Observed {
		// Observed: the opener is the creator of the copy (I-23).
		d = ob.GrantNew(&c.Caller, se.TokenType, &subject, desired, 0)
	} else {
		// Documented: the existing token's own DACL decides (I-22, I-23).
		d = ob.Decide(&c.Caller, existing, &subject, desired, 0)
	}
	return d.Granted, d.Status()
}
