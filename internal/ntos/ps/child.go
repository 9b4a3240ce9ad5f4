package ps

import (
	"fmt"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Child describes a new process. The zero value is invalid because Image is missing ([se.Unlabelled] for a program
// without a label).
type Child struct {
	Name      string          // for display; empty: the parent's and a number
	Token     *se.TokenObject // a primary token; nil: a copy of the parent's
	Image     uint32          // integrity of the program's label
	Inherit   bool            // the parent's inheritable handles are copied (O-59)
	Suspended bool            // the first thread does not start
	// Descriptor protects the process; nil: by the defaults of its token. It is
	// called with a lock held and must be pure. It fails like [se.NewDescriptor].
	Descriptor func(child *token.Token) (*sd.Descriptor, ntstatus.Status)
	Thread     *sd.Descriptor // protects the first thread; nil: by those defaults
}

// descriptor returns the security descriptor of the new process, whose primary token is tok. It fails like
// [se.NewDescriptor].
func (c *Child) descriptor(tok *se.TokenObject) (*sd.Descriptor, ntstatus.Status) {
	if c.Descriptor != nil {
		return c.Descriptor(tok.Value())
	}
	return se.DefaultDescriptor(tok.Value(), winnt.ProcessObject), ntstatus.Success
}

// NewChild creates a child process of p in the job of p (I-91) and its first thread. The caller gets one reference on
// each. Errors: the refusals of I-90, those of O-59, PROCESS_IS_TERMINATING, INSUFFICIENT_RESOURCES, the errors of a
// charge, those of [se.Primary], and those of c.Descriptor. On an error no process remains. Without Inherit the child
// has no handles.
func (p *Process) NewChild(c Child) (*Process, *Thread, Outcome) {
	s := p.sys
	if s.Fault("ps: create process") {
		// Memory runs out before anything is made (O-81).
		return nil, nil, Outcome{Status: ntstatus.InsufficientResources, Rule: "O-81",
			Because: "not enough memory for the process"}
	}
	s.jobs.Lock()
	n, drop, out := p.newChildLocked(&c)
	s.jobs.Unlock()
	st := ntstatus.Success
	if n != nil {
		st = n.payFor(drop)
	}
	for _, t := range drop {
		t.Deref(ob.TagCall)
	}
	if out.Status != ntstatus.Success {
		return nil, nil, out
	}
	refused := Outcome{Rule: "Q-2", Because: "the account has no quota left for a process"}
	if st == ntstatus.Success && c.Inherit {
		// The child gets exactly the inheritable handles (O-59).
		if st = n.table.Inherit(p.table); st != ntstatus.Success {
			refused = Outcome{Rule: "O-59", Because: "the handles could not be copied"}
		}
	}
	var t *Thread
	if st == ntstatus.Success {
		t, st = n.newThread(c.Thread, !c.Suspended, false)
	}
	if st != ntstatus.Success {
		n.Exit()
		n.Deref(ob.TagCall)
		refused.Status = st
		return nil, nil, refused
	}
	return n, t, Outcome{}
}

// payFor charges a new process and the tokens made, which were created for it, to the process's quota block. After a
// failure some may be charged: the caller must drop them, which returns the charges.
func (p *Process) payFor(made []*se.TokenObject) ntstatus.Status {
	payer := quota.Payer{Block: p.Quota()}
	for _, t := range made {
		if st := t.Pay(payer, 0); st != ntstatus.Success {
			return st
		}
	}
	return p.Pay(payer, 0)
}

// newChildLocked chooses the token of a child and creates the child's process in the parent's job. A child without a
// name gets the parent's name with a number. The caller must release the references on the tokens in drop, even
// after a failure. A parent that has ended gives STATUS_PROCESS_IS_TERMINATING.
//
// +checklocks:p.sys.jobs
func (p *Process) newChildLocked(c *Child) (n *Process, drop []*se.TokenObject, out Outcome) {
	if p.Exited() {
		// A process that has ended makes no child.
		return nil, nil, Outcome{Status: ntstatus.ProcessIsTerminating, Rule: "O-47",
			Because: "the parent process has ended"}
	}
	tok, fresh, out := p.childToken(c)
	if out.Status != ntstatus.Success {
		return nil, nil, out
	}
	if fresh {
		drop = append(drop, tok)
	}
	job := p.job.Load()
	use, out := job.admit(p.sys, tok, true) // the job may refuse, filter or replace the token (I-90)
	if out.Status != ntstatus.Success {
		return nil, drop, out
	}
	if use != tok {
		drop = append(drop, use)
	}
	d, st := c.descriptor(use)
	if st != ntstatus.Success {
		// The SACL given leaves no space for the label of the process.
		return nil, drop, Outcome{Status: st, Rule: "S-17", Because: "a list of the process's descriptor is too long"}
	}
	if c.Name == "" {
		p.children++
		c.Name = fmt.Sprintf("%s.%d", p.name, p.children)
	}
	n = p.sys.newProcess(c.Name, use, d, p.id)
	n.SetQuota(p.Quota()) // a child has the block of its parent
	if job != nil {
		job.Ref(ob.TagLink)
		n.job.Store(job) // a child is in its parent's job (I-91)
		for j := job; j != nil; j = j.parent.Load() {
			j.active++
		}
	}
	return n, drop, Outcome{}
}

// childToken returns the token of a child process before job limits apply. The token is a copy of the parent's
// primary token, or c.Token (T-113, I-95). c.Token is copied if a process uses it or the program lowers its
// integrity (T-112). fresh reports a copy, whose reference the caller owns.
func (p *Process) childToken(c *Child) (tok *se.TokenObject, fresh bool, out Outcome) {
	tok = c.Token
	if tok == nil {
		tok = p.PrimaryToken()
	}
	v, st := se.Primary(tok.Value(), c.Image)
	if st != ntstatus.Success {
		return nil, false, Outcome{Status: st, Rule: "T-113",
			Because: "the token has no room for the integrity of the program"}
	}
	if c.Token != nil && !tok.InUse() && v == tok.Value() {
		return tok, false, Outcome{} // the token is used itself, not a copy (T-112)
	}
	// The child runs with a copy, at the program's integrity where that is lower (T-113).
	return p.sys.Security.NewCopy(tok, v, tok.Security()), true, Outcome{}
}

// AssignPrimaryToken replaces the primary token of a process that has not started (T-110). It checks the token's type
// and use (T-112), the limits of the job (I-90), then whether a thread has started. The caller checks the privilege
// (T-111). In the profile Documented a token that another process uses is copied.
func (p *Process) AssignPrimaryToken(tok *se.TokenObject) Outcome {
	if out := p.sys.checkAssignable(tok); out.Status != ntstatus.Success {
		return out
	}
	s := p.sys
	s.jobs.Lock()
	old, drop, out := p.assignPrimaryLocked(tok)
	s.jobs.Unlock()
	if old != nil {
		old.DetachPrimary()
		// The process lets its former token go (T-110).
		old.Deref(ob.TagPrimary)
		p.recomputeSelfAccess()
	}
	for _, t := range drop {
		t.Deref(ob.TagCall)
	}
	return out
}

// MayAssignPrimary returns the outcome that AssignPrimaryToken would have now. It changes no state. The answer may be
// out of date when it returns.
func (p *Process) MayAssignPrimary(tok *se.TokenObject) Outcome {
	if out := p.sys.checkAssignable(tok); out.Status != ntstatus.Success {
		return out
	}
	p.sys.jobs.Lock()
	_, drop, out := p.assignableLocked(tok)
	p.sys.jobs.Unlock()
	for _, t := range drop {
		t.Deref(ob.TagCall)
	}
	return out
}

// checkAssignable checks that a token can become the primary token of a process (T-112). A primary token succeeds.
// Any other token is STATUS_BAD_TOKEN_TYPE. Under Observed, a level below SecurityImpersonation is
// STATUS_BAD_IMPERSONATION_LEVEL instead.
func (s *System) checkAssignable(tok *se.TokenObject) Outcome {
	v := tok.Value()
	switch {
	case v.Type() == winnt.TokenPrimary:
		return Outcome{}
	case s.Profile == nt.Observed && v.Level() < winnt.SecurityImpersonation:
		// Observed: an impersonation token below SecurityImpersonation fails by its level.
		return Outcome{Status: ntstatus.BadImpersonationLevel, Rule: "T-112"}
	}
	// Only a primary token can be assigned.
	return Outcome{Status: ntstatus.BadTokenType, Rule: "T-112"}
}

// assignPrimaryLocked replaces the primary token of a process that has not started by tok, or by what assignableLocked
// makes of it, for which the process pays, and returns the old one. The caller releases old and drop without the lock.
// After a refusal old is nil.
//
// +checklocks:p.sys.jobs
func (p *Process) assignPrimaryLocked(tok *se.TokenObject) (old *se.TokenObject, drop []*se.TokenObject, out Outcome) {
	use, drop, out := p.assignableLocked(tok)
	if out.Status != ntstatus.Success {
		return nil, drop, out
	}
	for _, t := range drop {
		// The process pays for the token that was made for it.
		if st := t.Pay(quota.Payer{Block: p.Quota()}, 0); st != ntstatus.Success {
			return nil, drop, Outcome{Status: st, Rule: "Q-2",
				Because: "the account has no quota left for a copy of the token"}
		}
	}
	return p.swapToken(use), drop, Outcome{}
}

// assignableLocked returns the token that the process gets in place of tok:
//   - tok itself
//   - a copy, if another process uses tok (T-112); under Observed STATUS_TOKEN_ALREADY_IN_USE instead
//   - the token that the job's filter makes (I-90)
//
// A refusal by the job comes first. Then a process with a thread that has run is STATUS_NOT_SUPPORTED (T-110). The
// caller must release the tokens in drop, even after a failure.
//
// +checklocks:p.sys.jobs
func (p *Process) assignableLocked(tok *se.TokenObject) (use *se.TokenObject, drop []*se.TokenObject, out Outcome) {
	if tok.InUse() {
		if p.sys.Profile == nt.Observed {
			// Observed: a token that another process has is refused.
			return nil, nil, Outcome{Status: ntstatus.TokenAlreadyInUse, Rule: "T-112"}
		}
		tok = p.sys.Security.NewCopy(tok, tok.Value(), tok.Security()) // Documented: a copy (T-112)
		drop = append(drop, tok)
	}
	use, out = p.job.Load().admit(p.sys, tok, true) // the job may refuse, filter or replace the token (I-90)
	if out.Status != ntstatus.Success {
		return nil, drop, out
	}
	if use != tok {
		drop = append(drop, use)
	}
	if p.Started() {
		// A thread has run: the token stays.
		return nil, drop, Outcome{Status: ntstatus.NotSupported, Rule: "T-110"}
	}
	return use, drop, Outcome{}
}
