package model

import (
	"fmt"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
	"slices"
)

// assignPrimary draws a call of NtSetInformationProcess that assigns a primary token, mostly one that the process may
// have.
func assignPrimary(p *Pair, c *call, a *args) bool {
	c.mode(a)
	p.able(c, a, winnt.SeAssignPrimaryTokenPrivilege)
	unstarted := func(s *Slot) bool { return s.Process != nil && len(s.Process.Threads) == 0 }
	h := p.handle(c, a, a.with(unstarted, 0x200))
	if a.coin(5) {
		h = winnt.NtCurrentProcess
	}
	own, free := p.M.Threads[c.thread].Process.Primary, !a.coin(4)
	root := own
	for _, j := range p.M.Processes[last+1].Job.chain() {
		if j.Limits.Token != nil {
			root = j.Limits.Token
		}
	}
	kin := func(s *Slot) bool {
		if root != own && a.op.Args[6]&1 == 0 && s.Token != nil && s.Token.From != nil && s.Token.descends(root) {
			return true
		}
		// mostly one that the process may have
		return s.Token != nil && s.Token.Value.Type == winnt.TokenPrimary && !(free && p.M.inUse(s.Token))
	}
	tok := p.handle(c, a, a.with(kin, 1))
	class, length := nt.ProcessAccessToken, uint32(16)
	switch a.n(16) {
	case 0:
		class = nt.ProcessBasicInformation
	case 1:
		length = 8
	}
	c.text = fmt.Sprintf("%s(%s, class %d, %s, %d)", c.name("SetInformationProcess"), h, class, tok, length)
	c.model = func() Result { return p.M.AssignPrimary(p.caller(c), h, tok, class, length) }
	c.kernel = func() Result {
		var of *kernel.Process
		if s, st := p.M.reference(p.caller(c), h, 0, isProcess); st == ntstatus.Success {
			of = p.processes[slices.Index(p.M.Processes, s.Process)]
		}
		_, st := p.services(c).NtSetInformationProcess(nt.SetInformationProcessIn{ProcessHandle: h,
			ProcessInformationClass: class, ProcessInformation: nt.Cap(tok), ProcessInformationLength: length})
		r := Result{Status: st}
		if st.IsSuccess() {
			r.Token = p.id(of.Object().PrimaryToken())
		}
		return r
	}
	return true
}

// limit draws a call that puts a process into a new job with limits. It returns false for a process that has ended or
// is in a chain of jobs, and often otherwise, because limits last.
func limit(p *Pair, c *call, a *args) bool {
	i, l := a.n(len(p.processes)), Limits{Flags: choose[uint32](a, 1, 1, 2, 8, 4, 4, 8, 9, 12)}
	if p.M.Processes[i].Over || len(p.M.Processes[i].Job.chain()) > 2 || !a.coin(2) && l.Flags&4 == 0 { // rarely: it lasts
		return false
	}
	var single *kernel.AccessToken
	if l.Flags&4 != 0 {
		if len(p.held) == 0 {
			return false
		}
		held := a.n(len(p.held))
		for j, t := range p.M.Held {
			if t.Value.Type == winnt.TokenPrimary && a.coin(2) {
				held = j
			}
		}
		l.Token, single = p.M.Held[held], p.held[held]
	}
	if l.Flags&8 != 0 {
		f := a.filter()
		l.Filter = Filter{Disable: f.Disable, Delete: f.Delete, Restrict: f.Restrict}
	}
	c.text = fmt.Sprintf("job: p%d with limits %d, filter %+v", i, l.Flags, l.Filter)
	c.model = func() Result { return p.M.Limit(p.M.Processes[i], l) }
	c.kernel = func() Result {
		st := p.processes[i].AssignToJob(l.kernel(single))
		r := Result{Status: st}
		if st.IsSuccess() {
			r.Token = p.id(p.processes[i].Object().PrimaryToken())
		}
		return r
	}
	return true
}
