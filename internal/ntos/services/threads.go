package services

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// NtGetNextThread opens the thread of a process with the next id, or with NextThreadBackward the previous one. Thread
// handle 0 starts the walk. It skips threads that the caller may not open, and returns STATUS_NO_MORE_ENTRIES at the
// end. The handle of the process needs PROCESS_QUERY_INFORMATION. Unknown flags and attributes, and a thread of another
// process, are STATUS_INVALID_PARAMETER. Reserved rights, and the SACL without its privilege, are refused and not
// skipped.
func (c *Context) NtGetNextThread(in nt.GetNextThreadIn) (out nt.GetNextThreadOut, st ntstatus.Status) {
	// capture
	if in.Flags&^nt.NextThreadBackward != 0 {
		// NextThreadBackward is the only flag.
		return out, c.Fail("O-22", ntstatus.InvalidParameter)
	}
	if st := c.CheckAttributes(in.HandleAttributes); st != ntstatus.Success {
		return out, st
	}
	// Reserved bits are refused, and access to the SACL without its privilege (O-20, O-30).
	if st := c.gateSystemSecurity(in.DesiredAccess); st != ntstatus.Success {
		return out, st
	}
	// reference
	p, st := c.referenceProcess(in.ProcessHandle, winnt.PROCESS_QUERY_INFORMATION)
	if st != ntstatus.Success {
		return out, st
	}
	defer p.Deref(ob.TagCall)
	var after winnt.Handle
	if in.ThreadHandle != 0 {
		t, _, st := ob.Reference[*ps.Thread](&c.Caller, in.ThreadHandle, 0, ps.ThreadType)
		if st != ntstatus.Success {
			return out, c.named("ThreadHandle", "the right", st)
		}
		defer t.Deref(ob.TagCall)
		if t.Process() != p {
			// The thread belongs to another process than the one named.
			return out, c.Fail("O-37", ntstatus.InvalidParameter)
		}
		after = t.ID()
	}
	// decide and commit: threads that the caller may not open are passed over
	next := p.ThreadAfter
	if in.Flags&nt.NextThreadBackward != 0 {
		next = p.ThreadBefore // from the last to the first (O-163)
	}
	for {
		t, id := next(after)
		if t == nil {
			break
		}
		out.NewThreadHandle, st = c.openByID(t, winnt.ThreadObject, in.DesiredAccess, in.HandleAttributes)
		t.Deref(ob.TagCall)
		if st != ntstatus.AccessDenied {
			return out, st
		}
		c.why = ob.Why{} // the reason must not disclose an object that the caller may not open
		after = id
	}
	// No thread that the caller may open follows.
	return out, c.Fail("O-37", ntstatus.NoMoreEntries)
}

// NtTerminateProcess ends a process with an exit status. The System process gives STATUS_ACCESS_DENIED, and a process
// that has ended STATUS_PROCESS_IS_TERMINATING. The handle needs PROCESS_TERMINATE.
func (c *Context) NtTerminateProcess(in nt.TerminateProcessIn) (out nt.TerminateProcessOut, st ntstatus.Status) {
	// reference
	p, st := c.referenceProcess(in.ProcessHandle, winnt.PROCESS_TERMINATE)
	if st != ntstatus.Success {
		return out, st
	}
	defer p.Deref(ob.TagCall)
	// decide
	if p.IsSystem() {
		// The System process does not end while the system runs.
		return out, c.Fail("O-170", ntstatus.AccessDenied)
	}
	// commit
	if !c.Sys.Terminate(p, in.ExitStatus) {
		// A process ends once, with its first status.
		return out, c.Fail("O-169", ntstatus.ProcessIsTerminating)
	}
	return out, ntstatus.Success
}

// Terminate ends a process with an exit status and records its end. It reports whether this call ended it. It ignores
// a failure to write the record (U-86).
func (s *System) Terminate(p *ps.Process, status ntstatus.Status) bool {
	if !p.Terminate(status) {
		return false
	}
	// The end is recorded when it has happened, and does not fail for want of the record (U-86).
	s.Log.ProcessExited(audit.Origin{
		ProcessID: uint64(p.ID()), ProcessName: p.Name(), Subject: access.Subject{Primary: p.Token()},
	}, status)
	return true
}

// NtSuspendThread increments the suspend count of a thread and returns the previous one. A count at its maximum is
// STATUS_SUSPEND_COUNT_EXCEEDED, a thread that has ended STATUS_THREAD_IS_TERMINATING. The handle must grant
// THREAD_SUSPEND_RESUME.
func (c *Context) NtSuspendThread(in nt.SuspendThreadIn) (out nt.SuspendThreadOut, st ntstatus.Status) {
	// reference
	t, _, st := ob.Reference[*ps.Thread](&c.Caller, in.ThreadHandle, winnt.THREAD_SUSPEND_RESUME, ps.ThreadType)
	if st != ntstatus.Success {
		return out, st
	}
	defer t.Deref(ob.TagCall)
	// decide and commit
	before, st := t.Suspend()
	if st != ntstatus.Success {
		// The count has a maximum, and a thread that ended is not suspended.
		return out, c.Fail("O-144", st)
	}
	out.PreviousSuspendCount = uint32(before)
	return out, ntstatus.Success
}

// NtResumeThread decrements the suspend count of a thread and returns the previous one. At 0 the thread runs; a count
// of 0 stays 0. The handle must grant THREAD_SUSPEND_RESUME.
func (c *Context) NtResumeThread(in nt.ResumeThreadIn) (out nt.ResumeThreadOut, st ntstatus.Status) {
	// reference
	t, _, st := ob.Reference[*ps.Thread](&c.Caller, in.ThreadHandle, winnt.THREAD_SUSPEND_RESUME, ps.ThreadType)
	if st != ntstatus.Success {
		return out, st
	}
	defer t.Deref(ob.TagCall)
	// commit
	// Resuming counts down, and the thread starts when it reaches 0 (O-144).
	out.PreviousSuspendCount = uint32(t.Resume())
	return out, ntstatus.Success
}

// NtImpersonateThread makes the server thread impersonate the client thread at the given quality of service. Without
// SecurityQos it returns STATUS_ACCESS_VIOLATION. After a failure the server thread keeps what it impersonated. The
// server's handle needs THREAD_DIRECT_IMPERSONATION, the client's THREAD_IMPERSONATE. A wrong Length is
// STATUS_INVALID_PARAMETER.
func (c *Context) NtImpersonateThread(in nt.ImpersonateThreadIn) (out nt.ImpersonateThreadOut, st ntstatus.Status) {
	// capture
	switch {
	case in.SecurityQos.Status == ntstatus.InvalidParameter:
		// A quality of service with a wrong Length is refused.
		return out, c.Fail("I-73", in.SecurityQos.Status)
	case in.SecurityQos.Status != ntstatus.Success:
		return out, c.Fail("O-3", in.SecurityQos.Status)
	case in.SecurityQos.V == nil:
		// The quality of service must be given (I-73).
		return out, c.Fail("O-3", ntstatus.AccessViolation)
	}
	// The quality of service is copied, so a change by the caller during the call has no effect (O-4).
	qos := *in.SecurityQos.V
	// reference
	// The server's handle must grant THREAD_DIRECT_IMPERSONATION (I-73).
	server, _, st := ob.Reference[*ps.Thread](&c.Caller, in.ServerThreadHandle, winnt.THREAD_DIRECT_IMPERSONATION,
		ps.ThreadType)
	if st != ntstatus.Success {
		return out, st
	}
	defer server.Deref(ob.TagCall)
	// The client's handle must grant THREAD_IMPERSONATE (I-73).
	client, _, st := ob.Reference[*ps.Thread](&c.Caller, in.ClientThreadHandle, winnt.THREAD_IMPERSONATE, ps.ThreadType)
	if st != ntstatus.Success {
		return out, c.named("ClientThreadHandle", "the right", st)
	}
	defer client.Deref(ob.TagCall)
	// decide
	// The client is captured at a level that it does not exceed (I-73, I-80).
	captured, o := client.CreateClientSecurity(qos, false, server.Process())
	if o.Status != ntstatus.Success {
		return out, c.Impersonated(o)
	}
	defer captured.Delete()
	// commit
	return out, c.ImpersonatedOn(server, captured.Impersonate(server)) // the failing step gives the status (I-73, I-81)
}

// NtImpersonateAnonymousToken makes a thread impersonate the anonymous logon at SecurityImpersonation. A caller whose
// process has a restricted token gets STATUS_ACCESS_DENIED (I-74). The handle must grant THREAD_IMPERSONATE. The token
// is charged to the caller. After a failure the thread keeps what it impersonated.
func (c *Context) NtImpersonateAnonymousToken(in nt.ImpersonateAnonymousTokenIn) (out nt.ImpersonateAnonymousTokenOut,
	st ntstatus.Status) {
	// reference
	// The thread's handle must grant THREAD_IMPERSONATE (I-74).
	t, _, st := ob.Reference[*ps.Thread](&c.Caller, in.ThreadHandle, winnt.THREAD_IMPERSONATE, ps.ThreadType)
	if st != ntstatus.Success {
		return out, st
	}
	defer t.Deref(ob.TagCall)
	// decide
	if c.Mode == access.User && c.self.Process().Token().IsRestricted() {
		// A restricted process does not get the anonymous token.
		return out, c.Fail("I-74", ntstatus.AccessDenied)
	}
	tok := c.Sys.anonymousToken(t.Process())
	defer tok.Deref(ob.TagCall)
	if st := c.pay(tok, c.self.Payer()); st != ntstatus.Success {
		return out, st
	}
	// commit
	// The anonymous token is impersonated at SecurityImpersonation (I-74).
	return out, c.ImpersonatedOn(t, ps.ImpersonateClient(t, tok, true, false, winnt.SecurityImpersonation))
}

// anonymousToken creates a token of the anonymous logon. It contains Everyone only if the policy says so (I-74). The
// user of server may open it.
func (s *System) anonymousToken(server *ps.Process) *se.TokenObject {
	spec := token.Anonymous(s.EveryoneIncludesAnonymous.Load())
	v, err := token.New(spec)
	if err != nil {
		panic("services: the built-in anonymous token: " + err.Error())
	}
	return s.Security.NewToken(v, se.CopyDescriptor(v, server.Token())) // the server can open the token afterwards
}
