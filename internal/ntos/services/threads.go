package services

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// NtGetNextThread opens the thread of a process that follows another.
func (c *Context) NtGetNextThread(in nt.GetNextThreadIn) (out nt.GetNextThreadOut, st ntstatus.Status) {
	// capture
	if in.Flags != 0 || in.HandleAttributes&^winnt.OBJ_VALID_ATTRIBUTES != 0 {
		return out, c.Fail("O-22", ntstatus.InvalidParameter)
	}
	if st := c.gateSystemSecurity(in.DesiredAccess); st != ntstatus.Success { // O-20, O-30
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
			return out, c.about("ThreadHandle", st)
		}
		defer t.Deref(ob.TagCall)
		if t.Process() != p {
			return out, c.Fail("O-37", ntstatus.InvalidParameter)
		}
		after = t.ID()
	}
	// decide and commit: threads that the caller may not open are passed over
	for {
		t, id := p.ThreadAfter(after)
		if t == nil {
			break
		}
		out.NewThreadHandle, st = c.openByID(t, winnt.ThreadObject, in.DesiredAccess, in.HandleAttributes)
		t.Deref(ob.TagCall)
		if st != ntstatus.AccessDenied {
			return out, st
		}
		after = id
	}
	return out, c.Fail("O-37", ntstatus.NoMoreEntries)
}

// NtImpersonateThread makes the server thread act as the client thread acts.
func (c *Context) NtImpersonateThread(in nt.ImpersonateThreadIn) (out nt.ImpersonateThreadOut, st ntstatus.Status) {
	// capture
	switch {
	case in.SecurityQos.Status == ntstatus.InvalidParameter:
		return out, c.Fail("I-73", in.SecurityQos.Status) // I-73: a wrong Length
	case in.SecurityQos.Status != ntstatus.Success:
		return out, c.Fail("O-3", in.SecurityQos.Status)
	case in.SecurityQos.V == nil:
		return out, c.Fail("O-3", ntstatus.AccessViolation) // I-73: it must be given
	}
	qos := *in.SecurityQos.V // O-4
	// reference
	// I-73
	server, _, st := ob.Reference[*ps.Thread](&c.Caller, in.ServerThreadHandle, winnt.THREAD_DIRECT_IMPERSONATION,
		ps.ThreadType)
	if st != ntstatus.Success {
		return out, st
	}
	defer server.Deref(ob.TagCall)
	// I-73
	client, _, st := ob.Reference[*ps.Thread](&c.Caller, in.ClientThreadHandle, winnt.THREAD_IMPERSONATE, ps.ThreadType)
	if st != ntstatus.Success {
		return out, c.about("ClientThreadHandle", st)
	}
	defer client.Deref(ob.TagCall)
	// decide
	captured, o := client.CreateClientSecurity(qos, false, server.Process()) // I-73, I-80
	if o.Status != ntstatus.Success {
		return out, c.Impersonated(o)
	}
	defer captured.Delete()
	// commit
	return out, c.Impersonated(captured.Impersonate(server)) // I-73, I-81: the status of the failing step
}

// NtImpersonateAnonymousToken makes a thread act as the anonymous logon.
func (c *Context) NtImpersonateAnonymousToken(in nt.ImpersonateAnonymousTokenIn) (out nt.ImpersonateAnonymousTokenOut,
	st ntstatus.Status) {
	// reference
	t, _, st := ob.Reference[*ps.Thread](&c.Caller, in.ThreadHandle, winnt.THREAD_IMPERSONATE, ps.ThreadType) // I-74
	if st != ntstatus.Success {
		return out, st
	}
	defer t.Deref(ob.TagCall)
	// decide
	if c.Mode == access.User && c.self.Process().Token().IsRestricted() {
		return out, c.Fail("I-74", ntstatus.AccessDenied)
	}
	tok := c.Sys.anonymousToken(t.Process())
	defer tok.Deref(ob.TagCall)
	// commit
	return out, c.Impersonated(ps.ImpersonateClient(t, tok, true, false, winnt.SecurityImpersonation)) // I-74
}

// AssignImpersonationToken is PsAssignImpersonationToken (I-70).
func (c *Context) AssignImpersonationToken(t *ps.Thread, token winnt.Handle) ntstatus.Status {
	return c.assignImpersonationToken(t, token)
}

// anonymousToken is a token of the anonymous logon, made by the system; Everyone
// is in it only by policy (I-74). The server's user may open it.
func (s *System) anonymousToken(server *ps.Process) *se.TokenObject {
	spec := token.Anonymous(s.EveryoneIncludesAnonymous.Load())
	v, err := token.New(spec)
	if err != nil {
		panic("services: the built-in anonymous token: " + err.Error())
	}
	return s.Security.NewToken(v, se.CopyDescriptor(v, server.Token())) // it can be opened afterwards
}
