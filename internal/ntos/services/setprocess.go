package services

import (
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// NtSetInformationProcess replaces the primary token of a process whose first thread has not started (T-110). After a
// failure the process keeps its token. A class other than ProcessAccessToken is STATUS_INVALID_INFO_CLASS, a length
// other than 16 STATUS_INFO_LENGTH_MISMATCH. The token handle needs TOKEN_ASSIGN_PRIMARY. A caller who may not assign
// it gets STATUS_PRIVILEGE_NOT_HELD. If auditing fails closed, the change is recorded before it is made, otherwise
// after it.
func (c *Context) NtSetInformationProcess(in nt.SetInformationProcessIn) (out nt.SetInformationProcessOut,
	st ntstatus.Status) {
	// capture
	if in.ProcessInformationClass != nt.ProcessAccessToken {
		return out, c.Fail("T-110", ntstatus.InvalidInfoClass)
	}
	if in.ProcessInformationLength != 16 {
		return out, c.Fail("T-110", ntstatus.InfoLengthMismatch)
	}
	if in.ProcessInformation.Status != ntstatus.Success {
		return out, c.Fail("O-3", in.ProcessInformation.Status)
	}
	// reference
	// The process handle must grant PROCESS_SET_INFORMATION (T-110).
	p, st := c.referenceProcess(in.ProcessHandle, winnt.PROCESS_SET_INFORMATION)
	if st != ntstatus.Success {
		return out, st
	}
	defer p.Deref(ob.TagCall)
	tok, _, st := ob.Reference[*se.TokenObject](&c.Caller, in.ProcessInformation.V, winnt.TOKEN_ASSIGN_PRIMARY,
		se.TokenType)
	if st != ntstatus.Success {
		return out, c.Fail("T-110", st)
	}
	defer tok.Deref(ob.TagCall)
	// decide and commit
	if !c.mayAssignPrimary(tok) {
		return out, c.Fail("T-111", ntstatus.PrivilegeNotHeld)
	}
	// Only a primary token is assigned, before the first thread of the process runs, and its job may refuse
	// the token (T-110, T-112, I-90).
	if c.Sys.Log.Policy.FailsClosed() {
		return out, c.assignRecorded(p, tok)
	}
	st = c.Impersonated(p.AssignPrimaryToken(tok))
	if st == ntstatus.Success {
		c.Sys.Log.TokenAssigned(c.origin(), target(p)) // recorded when it has happened (U-78)
	}
	return out, st
}

// assignRecorded replaces a process's primary token under a policy that fails closed. The audit record is written
// before the token is replaced. A refused assignment leaves no record. If the record cannot be stored, the process
// keeps its token.
func (c *Context) assignRecorded(p *ps.Process, tok *se.TokenObject) ntstatus.Status {
	if out := p.MayAssignPrimary(tok); out.Status != ntstatus.Success {
		return c.Impersonated(out)
	}
	to := target(p)
	to.Token = tok.Value()
	if st := c.Sys.Log.TokenAssigned(c.origin(), to); st != ntstatus.Success {
		// Without its record the process keeps its token (U-78).
		return c.Fail("U-64", st)
	}
	return c.Impersonated(p.AssignPrimaryToken(tok))
}

// target returns the fields of an audit record that name process p as the target.
func target(p *ps.Process) audit.Target {
	return audit.Target{ProcessID: uint64(p.ID()), ProcessName: p.Name(), Token: p.Token()}
}
