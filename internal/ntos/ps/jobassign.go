package ps

import (
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/ntstatus"
)

// AssignToJob puts the process into a job. It applies the limits of I-90 for every job that begins to apply, outermost
// first (I-91). A process that is already in a job may join a job nested in it, or an empty job, which becomes
// nested. Joining its own job again changes nothing. Errors: ACCESS_DENIED for a job that does not fit there, that is
// nested too deep, or whose limits refuse a token, PROCESS_IS_TERMINATING (O-47), INSUFFICIENT_RESOURCES, and those of
// a charge. On an error nothing changes.
func (p *Process) AssignToJob(j *Job) Outcome {
	s := p.sys
	s.jobs.Lock()
	a := assignment{p: p, job: j, before: p.job.Load()}
	out := a.run()
	s.jobs.Unlock()
	a.release()
	return out
}

// assignment is one attempt to join a job. Its methods run with System.jobs held, except release.
type assignment struct {
	p           *Process
	job, before *Job
	nested      bool            // job became a child of before
	replacement *se.TokenObject // ONLY_TOKEN: the new primary token, one reference
	old         *se.TokenObject // the primary token that was replaced, one reference
	drop        []func()        // references to be given up
}

// run finds the job's place in the process's chain of nested jobs, decides whether the process may join, and commits. A
// job that the process is already in is a success without an effect. If it fails, the nesting is undone.
func (a *assignment) run() Outcome {
	in := a.before
	switch {
	case in != nil && in.within(a.job):
		return Outcome{} // the process is in the job already
	case a.job.depth() > MaxJobDepth, a.job.parent.Load() == nil && in.depth() >= MaxJobDepth:
		// Each new process is checked against every job of its chain, with a lock that all processes share.
		return Outcome{Status: ntstatus.AccessDenied, Rule: "I-91",
			Because: "the job would be nested in too many others"}
	case in == nil, a.job.within(in):
	case a.job.parent.Load() == nil && a.job.active == 0:
		a.nested = true
		in.Ref(ob.TagLink)
		a.job.parent.Store(in)
	default:
		// A job that is not nested in the process's own, and is not empty, cannot be joined.
		return Outcome{Status: ntstatus.AccessDenied, Rule: "I-91",
			Because: "the process is in a job that the new one is not nested in, and the new one is not empty"}
	}
	out := a.decide()
	if out.Status == ntstatus.Success {
		out = a.commit()
	}
	if out.Status != ntstatus.Success && a.nested {
		a.job.parent.Store(nil)
		a.later(in, ob.TagLink)
	}
	return out
}

// applying returns the jobs whose limits newly apply to the process when it joins, outermost first.
func (a *assignment) applying() []*Job {
	all := a.job.chain()
	if a.before == nil {
		return all
	}
	return all[len(a.before.chain()):]
}

// decide checks the primary token against the new jobs and finds the token that must replace it, if any. It changes no
// process. The replacement, if any, is in a. The first refusal of a job ends it.
func (a *assignment) decide() Outcome {
	tok := a.p.PrimaryToken()
	for _, j := range a.applying() {
		l := j.Limits()
		if out := l.refuses(tok.Value()); out.Status != ntstatus.Success {
			// The job refuses the process for a token that it has (I-90).
			return out
		}
		if l.Flags&JobOnlyToken == 0 {
			continue
		}
		if out := a.replaceBy(j, &l); out.Status != ntstatus.Success {
			return out
		}
		tok = a.replacement
	}
	return Outcome{}
}

// replaceBy makes a copy of the job's token the replacement for the primary token (I-90). The outer jobs check the
// copy as a primary token, then the job checks the copy. The process pays for the copy. A refusal leaves
// the primary token in use.
func (a *assignment) replaceBy(j *Job, l *JobLimits) Outcome {
	s := a.p.sys
	if s.Fault("ps: job token") {
		return Outcome{Status: ntstatus.InsufficientResources, Rule: "O-81",
			Because: "the job's token could not be copied"}
	}
	n := s.Security.NewCopy(l.Token, l.Token.Value(), l.Token.Security())
	a.later(n, ob.TagCall)
	payer := quota.Payer{Block: a.p.Quota()}
	if st := n.Pay(payer, 0); st != ntstatus.Success {
		return Outcome{Status: st, Rule: "Q-2", Because: "the account has no quota left for a copy of the token"}
	}
	use, out := j.parent.Load().admit(s, n, true)
	if out.Status != ntstatus.Success {
		return out
	}
	if use != n {
		a.later(use, ob.TagCall)
		if st := use.Pay(payer, 0); st != ntstatus.Success {
			return Outcome{Status: st, Rule: "Q-2", Because: "the account has no quota left for a copy of the token"}
		}
	}
	if out := l.refuses(use.Value()); out.Status != ntstatus.Success {
		return out
	}
	a.replacement = use
	return Outcome{}
}

// commit publishes the job and then tests the tokens of impersonating threads. A thread that takes a token later
// tests the job itself, so at least one of the two sees the other. commit replaces the primary token only if no
// test refuses.
func (a *assignment) commit() Outcome {
	p := a.p
	p.mu.Lock()
	if p.exited {
		p.mu.Unlock()
		// A process that has ended joins no job.
		return Outcome{Status: ntstatus.ProcessIsTerminating, Rule: "O-47", Because: "the process has ended"}
	}
	a.job.Ref(ob.TagLink)
	p.job.Store(a.job)
	threads := make([]*Thread, 0, len(p.threads))
	for t := range p.threads {
		threads = append(threads, t)
	}
	p.mu.Unlock()
	applying := a.applying()
	for _, t := range threads {
		r := t.imp.Load()
		if r == nil {
			continue
		}
		for _, j := range applying { // impersonation tokens count too (I-90)
			l := j.Limits()
			if out := l.refuses(r.Token.Value()); out.Status != ntstatus.Success {
				p.job.Store(a.before)
				a.later(a.job, ob.TagLink)
				return out
			}
		}
	}
	for _, j := range applying {
		j.active++
	}
	if a.before != nil {
		a.later(a.before, ob.TagLink)
	}
	if a.replacement != nil {
		// The single token of the job takes the place of the process's own (I-90).
		a.old = p.swapToken(a.replacement)
	}
	return Outcome{}
}

// later defers the release of a reference to release, which runs without locks.
func (a *assignment) later(o ob.Object, tag ob.Tag) {
	a.drop = append(a.drop, func() { o.Head().Deref(tag) })
}

// release drops the references that the assignment holds, that of a replaced token included. The caller must hold no
// lock. It comes last, also after a failure.
func (a *assignment) release() {
	if a.old != nil {
		a.old.DetachPrimary()
		a.old.Deref(ob.TagPrimary)
		a.p.recomputeSelfAccess()
	}
	for _, f := range a.drop {
		f()
	}
}

// leaveJobs removes a process that has ended from the process counts of its jobs. A second call does nothing.
func (p *Process) leaveJobs() {
	p.sys.jobs.Lock()
	defer p.sys.jobs.Unlock()
	if p.left {
		return
	}
	p.left = true
	for j := p.job.Load(); j != nil; j = j.parent.Load() {
		j.active--
	}
}
