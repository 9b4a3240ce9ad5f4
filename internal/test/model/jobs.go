package model

import (
	"slices"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Limits are those of a job (I-89).
type Limits struct {
	Flags  uint32 // NO_ADMIN 1, RESTRICTED_TOKEN 2, ONLY_TOKEN 4, FILTER_TOKENS 8
	Token  *Token // the single token
	Held   int    // where a component holds it, for the job of a world
	Filter Filter
}

// kernel returns the kernel's form of the limits.
func (l *Limits) kernel(single *kernel.AccessToken) kernel.JobSecurity {
	return kernel.JobSecurity{Flags: l.Flags, Token: single, Filter: token.FilterSpec{Disable: sidsOf(l.Filter.Disable),
		Delete: winnt.PrivilegeSet(l.Filter.Delete), Restrict: groupsOf(l.Filter.Restrict)}}
}

// refuses applies the limits of I-90 that look at a token alone.
func (l *Limits) refuses(v *Value) bool {
	return l.Flags&1 != 0 && v.admin() || l.Flags&2 != 0 && !v.restricted() && !v.Filtered
}

func (p *Process) refuses(v *Value) bool {
	return slices.ContainsFunc(p.Job.chain(), func(j *Job) bool { return j.Limits.refuses(v) })
}

// Job is a job object.
type Job struct {
	Limits Limits
	Parent *Job // it is nested in
	Active int  // live processes of this job and of those nested in it
	Guard  *Descriptor
}

// chain lists a job and the jobs that contain it, the outermost first (I-91).
func (j *Job) chain() (list []*Job) {
	for ; j != nil; j = j.Parent {
		list = append([]*Job{j}, list...)
	}
	return list
}

// alive reports whether a job is still there: a handle, a process or a job in it keeps it.
func (m *Machine) alive(j *Job) bool {
	return m.handlesOf(j) > 0 || slices.ContainsFunc(m.Processes, func(p *Process) bool {
		return slices.Contains(p.Job.chain(), j)
	}) || slices.ContainsFunc(m.Jobs, func(o *Job) bool { return o.Parent == j && m.alive(o) })
}

// stands returns the token of which t is a copy, or t itself.
func (t *Token) stands() *Token {
	if t.Of != nil {
		return t.Of
	}
	return t
}

// descends reports whether t is root, a copy of root, or was filtered from root in any number of steps (I-90).
func (t *Token) descends(root *Token) bool {
	for ; t != nil; t = t.From {
		if t.stands() == root.stands() {
			return true
		}
	}
	return false
}

// copyOf creates a copy of a token that counts as the same token.
func (m *Machine) copyOf(t *Token) *Token {
	guard := *t.Guard
	n := m.newToken(t.Value.copy(), &guard, t)
	n.Of, n.From = t.stands(), t.From
	return n
}

// filtered makes the token that a filter leaves, guarded so.
func (m *Machine) filtered(old *Token, f Filter, guard *Descriptor) *Token {
	m.modified++
	v := old.Value.filtered(f)
	v.Modified, v.Parent = m.modified, old
	t := m.newToken(v, guard, old)
	t.From = old
	if old.Value.Type == winnt.TokenPrimary {
		t.Chain = old.Chain
	}
	return t
}

// admit applies the limits of the jobs, the outermost first, to a new token of a process, or of a thread if primary
// is false (I-90, I-91).
func (m *Machine) admit(job *Job, t *Token, primary bool) (*Token, ntstatus.Status) {
	for _, j := range job.chain() {
		l := &j.Limits
		if l.refuses(&t.Value) || primary && l.Flags&4 != 0 && !t.descends(l.Token) {
			return nil, ntstatus.AccessDenied
		}
		if l.Flags&8 != 0 {
			guard := *t.Guard
			t = m.filtered(t, l.Filter, &guard)
		}
	}
	return t, ntstatus.Success
}

// replace returns the conditions under which a job refuses new limits: no limit can be removed or replaced (I-89).
func (l *Limits) replace(job func() *Limits) []refusal {
	return []refusal{
		when("I-89", "outside 0xF", ntstatus.InvalidParameter, func() bool { return l.Flags > 15 }),
		when("I-89", "impersonation token", ntstatus.BadTokenType, func() bool {
			return l.Flags&4 != 0 && l.Token.Value.Type != winnt.TokenPrimary
		}),
		when("I-89", "without any list", ntstatus.InvalidParameter, func() bool {
			return l.Flags&8 != 0 && len(l.Filter.Disable)+len(l.Filter.Restrict)+count(l.Filter.Delete) == 0
		}),
		when("I-89", "a limit in force", ntstatus.AccessDenied, func() bool {
			old := job()
			return old.Flags&^l.Flags != 0 || old.Flags&4 != 0 && old.Token != l.Token || old.Flags&8 != 0 &&
				(!slices.Equal(old.Filter.Disable, l.Filter.Disable) || old.Filter.Delete != l.Filter.Delete ||
					!slices.Equal(old.Filter.Restrict, l.Filter.Restrict))
		})}
}

// Limit puts a process into a new job, nested in the jobs that it is in already.
func (m *Machine) Limit(p *Process, l Limits) Result {
	j := &Job{Limits: l}
	if r, over := refuse("NtSetInformationJobObject", l.replace(func() *Limits { return &Limits{} })...); over {
		return r
	}
	r := m.Assign(p, j)
	if r.Status == ntstatus.Success {
		m.Jobs = append(m.Jobs, j)
	}
	return r
}

// Assign puts a process into a job (I-90, I-91). It fails if the limits forbid the token of the process or of one of
// its threads. A single token replaces the token of the process (I-90).
func (m *Machine) Assign(p *Process, j *Job) Result {
	was := p.Job
	if slices.Contains(was.chain(), j) {
		return Result{Token: p.Primary.ID} // it applies already
	}
	inside := slices.Contains(j.chain(), was) || was == nil
	var begin []*Job
	var next *Token
	if r, over := refuse("NtAssignProcessToJobObject",
		when("I-91", "", ntstatus.AccessDenied, func() bool { return !inside && (j.Parent != nil || j.Active != 0) }),
		several("I-90", "", func() (st ntstatus.Status) {
			if !inside {
				j.Parent = was
			}
			begin = j.chain()[len(was.chain()):]
			next, st = m.fits(p, begin)
			if st != ntstatus.Success && j.Parent == was && was != nil && j.Active == 0 && len(begin) == 1 {
				j.Parent = nil
			}
			return st
		})); over {
		return r
	}
	for _, o := range begin {
		o.Active++
	}
	p.Job = j
	p.take(next)
	return Result{Token: p.Primary.ID}
}

// fits applies the limits of jobs that a process joins, and returns the primary token that it has then.
func (m *Machine) fits(p *Process, begin []*Job) (*Token, ntstatus.Status) {
	next := p.Primary
	for _, j := range begin {
		l := &j.Limits
		if l.refuses(&next.Value) {
			return nil, ntstatus.AccessDenied
		}
		if l.Flags&4 == 0 {
			continue
		}
		var st ntstatus.Status
		if next, st = m.admit(j.Parent, m.copyOf(l.Token), true); st != ntstatus.Success {
			return nil, st
		}
		if l.refuses(&next.Value) {
			return nil, ntstatus.AccessDenied
		}
	}
	for _, j := range begin {
		for _, t := range p.Threads {
			if t.Record != nil && j.Limits.refuses(&t.Record.Token.Value) {
				return nil, ntstatus.AccessDenied
			}
		}
	}
	return next, ntstatus.Success
}
