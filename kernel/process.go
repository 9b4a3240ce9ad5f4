package kernel

import (
	"fmt"
	"slices"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// ProcessSpec describes a new process. Either Token or TokenObject is required.
type ProcessSpec struct {
	Name        string         // for display
	Token       *token.Token   // a primary token, from which a new object is created
	TokenObject *AccessToken   // an existing primary token object, attached without a copy
	Descriptor  *sd.Descriptor // protects the process; nil: by the token's defaults (O-38)
	// Quota is charged for the bytes that the kernel keeps for the process and its
	// children. With nil nothing is charged and nothing refused.
	Quota *QuotaBlock
}

// CreateProcess creates a process. The error reports which part of the specification is wrong. It wraps
// STATUS_BAD_TOKEN_TYPE for an impersonation token, the status of a charge that the quota refuses,
// STATUS_INVALID_ACL for a list without space for the label (S-17), and STATUS_PROCESS_IS_TERMINATING if the system is
// closed. For no token, or two, the error has no status. It takes its own reference to the token object. After an error
// no process stays.
func (s *System) CreateProcess(spec ProcessSpec) (*Process, error) {
	t := spec.TokenObject
	switch {
	case t != nil && spec.Token != nil:
		return nil, fmt.Errorf("process %q: want a token or a token object, not both", spec.Name)
	case t == nil && spec.Token.IsZero():
		return nil, fmt.Errorf("process %q: want a primary token", spec.Name)
	case t == nil:
		t = s.sys.Security.NewToken(spec.Token, se.DefaultDescriptor(spec.Token, winnt.TokenObject))
	default:
		t.Ref(ob.TagCall)
	}
	defer t.Deref(ob.TagCall)
	if t.Value().Type() != winnt.TokenPrimary {
		return nil, fmt.Errorf("process %q: want a primary token: %w", spec.Name, ntstatus.BadTokenType.Err())
	}
	var d *sd.Descriptor
	if spec.Descriptor != nil {
		var st ntstatus.Status
		if d, st = se.NewDescriptor(t.Value(), winnt.ProcessObject, spec.Descriptor); st != ntstatus.Success {
			return nil, fmt.Errorf("process %q: descriptor: %w", spec.Name, st.Err())
		}
	}
	p := &Process{sys: s, p: s.sys.NewProcess(spec.Name, t)}
	if st := p.charge(spec.Quota, spec.TokenObject == nil, t); st != ntstatus.Success {
		p.p.Exit()
		p.p.Deref(ob.TagCall)
		return nil, fmt.Errorf("process %q: quota: %w", spec.Name, st.Err())
	}
	if d != nil {
		p.p.SetSecurity(d) // O-38: before the process is shared
	}
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.processes = append(s.processes, p)
	}
	s.mu.Unlock()
	if closed {
		p.p.Exit()
		p.p.Deref(ob.TagCall)
		return nil, fmt.Errorf("process %q: the system is closed: %w", spec.Name, ntstatus.ProcessIsTerminating.Err())
	}
	return p, nil
}

// Exit ends the process. Its threads revert and end, and its handles are
// closed.
func (p *Process) Exit() { p.sys.sys.Terminate(p.p, ntstatus.Success) }

// JobSecurity are the security limits of a job (JOBOBJECT_SECURITY_LIMIT_INFORMATION).
// The zero value limits nothing.
type JobSecurity struct {
	Flags  uint32           // ps.JobNoAdmin and relatives: 1, 2, 4, 8
	Token  *AccessToken     // for the flag 4, ONLY_TOKEN
	Filter token.FilterSpec // for the flag 8, FILTER_TOKENS
}

// Close ends the process and the children that it created with
// NtCreateUserProcess. It drops the owner's reference, so that a long-running
// system keeps nothing of the process (W-13). The owner must have closed the
// threads before, and must not use the process afterwards. A second Close does
// nothing.
func (p *Process) Close() {
	s := p.sys
	p.p.Exit()
	s.mu.Lock()
	children := p.children
	p.children = nil
	p.leaveParentLocked()
	for _, c := range children {
		c.parent = nil // Close ends the children, so TakeOver must not find them
	}
	at := slices.Index(s.processes, p)
	if at >= 0 {
		s.processes = slices.Delete(s.processes, at, at+1)
	}
	s.mu.Unlock()
	for _, c := range children {
		c.first.Close()
		c.Close()
	}
	if at >= 0 {
		p.p.Deref(ob.TagCall)
	}
}

// AssignToJob creates a job with limits and puts the process into it. The job exists as long as its processes. Errors:
// INVALID_PARAMETER or BAD_TOKEN_TYPE for malformed limits (I-89), ACCESS_DENIED for a process that the limits refuse
// (I-90), PROCESS_IS_TERMINATING.
func (p *Process) AssignToJob(limits JobSecurity) ntstatus.Status {
	j := p.sys.sys.NewJob(p.p.Token())
	defer j.Deref(ob.TagCall)
	if o := j.SetLimits(ps.JobLimits{Flags: limits.Flags, Token: limits.Token,
		Filter: limits.Filter}); o.Status != ntstatus.Success {
		return o.Status
	}
	return p.p.AssignToJob(j).Status
}
