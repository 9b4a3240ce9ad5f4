package ps

import (
	"sync"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// JobType is the object type Job.
var JobType = &ob.Type{ObjectType: winnt.JobObject, OnDestroy: func(o ob.Object) { o.(*Job).destroy() }}

// Security limits of a job (JOBOBJECT_SECURITY_LIMIT_INFORMATION).
const (
	JobNoAdmin         uint32 = 1
	JobRestrictedToken uint32 = 2
	JobOnlyToken       uint32 = 4
	JobFilterTokens    uint32 = 8
)

// JobLimits are the security limits of a job. The zero value limits nothing.
type JobLimits struct {
	Flags  uint32
	Token  *se.TokenObject  // JobOnlyToken: one reference
	Filter token.FilterSpec // JobFilterTokens
}

// Job is a job object: processes that share security limits. Limits can be
// added, never removed (I-89).
type Job struct {
	ob.Header
	mu     sync.Mutex
	limits JobLimits // guarded by mu
	count  int       // guarded by mu: processes in the job
}

// NewJob makes a job with one reference for the caller.
func (s *System) NewJob(creator *token.Token) *Job {
	j := &Job{}
	j.Init(JobType, j, se.NewDescriptor(creator, winnt.JobObject, nil))
	s.Security.Objects.Track(j)
	return j
}

// Limits is a snapshot of the limits.
func (j *Job) Limits() JobLimits {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.limits
}

// SetLimits adds limits (I-89).
func (j *Job) SetLimits(l JobLimits) Outcome {
	if l.Flags&^(JobNoAdmin|JobRestrictedToken|JobOnlyToken|JobFilterTokens) != 0 {
		return Outcome{Status: ntstatus.InvalidParameter, Rule: "I-89", Because: "unknown limit flags"} // I-89
	}
	if l.Flags&JobOnlyToken != 0 && l.Token == nil {
		return Outcome{Status: ntstatus.InvalidParameter, Rule: "I-89", Because: "ONLY_TOKEN needs a token"} // I-89
	}
	if l.Flags&JobFilterTokens != 0 && isEmpty(&l.Filter) {
		return Outcome{Status: ntstatus.InvalidParameter, Rule: "I-89", Because: "FILTER_TOKENS needs at least one list"} // I-89
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.limits.Flags&^l.Flags != 0 || j.limits.Flags&l.Flags&(JobOnlyToken|JobFilterTokens) != 0 {
		return Outcome{Status: ntstatus.AccessDenied, Rule: "I-89", Because: "limits can be added, never removed or replaced"} // I-89
	}
	if l.Flags&JobOnlyToken != 0 {
		l.Token.Ref(ob.TagLink)
	}
	j.limits = l
	return Outcome{}
}

// isEmpty reports whether a filter has no list at all.
func isEmpty(f *token.FilterSpec) bool {
	return len(f.Disable) == 0 && f.Delete == 0 && len(f.Restrict) == 0
}

func (j *Job) destroy() {
	if t := j.limits.Token; t != nil {
		t.Deref(ob.TagLink)
	}
}

func (j *Job) leave() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.count--
}

// refuses is the part of I-90 that looks at a token alone, columns A to C.
func (l *JobLimits) refuses(t *token.Token) Outcome {
	if l.Flags&JobNoAdmin != 0 && t.IsAdmin() {
		return Outcome{Status: ntstatus.AccessDenied, Rule: "I-90", Because: "the job admits no administrator's token"} // I-90 NO_ADMIN
	}
	if l.Flags&JobRestrictedToken != 0 && !t.IsRestricted() && !t.IsFiltered() {
		return Outcome{Status: ntstatus.AccessDenied, Rule: "I-90", Because: "the job admits only restricted tokens"} // I-90 RESTRICTED_TOKEN
	}
	return Outcome{}
}

// jobLimits is a snapshot of the limits in force for the process; a process
// without a job has none (I-91).
func (p *Process) jobLimits() (l JobLimits, limited bool) {
	j := p.job.Load()
	if j == nil {
		return JobLimits{}, false
	}
	return j.Limits(), true
}

func (p *Process) jobRefuses(t *token.Token) Outcome {
	l, limited := p.jobLimits()
	if !limited {
		return Outcome{}
	}
	return l.refuses(t)
}

// jobImpersonate applies column A of I-90 to a token about to be impersonated
// by a thread of the process. It returns the token itself, or a filtered one
// with a reference that the caller drops.
func (p *Process) jobImpersonate(tok *se.TokenObject) (*se.TokenObject, Outcome) {
	l, limited := p.jobLimits()
	if !limited { // I-91
		return tok, Outcome{}
	}
	if out := l.refuses(tok.Value()); out.Status != ntstatus.Success {
		return nil, out
	}
	if l.Flags&JobFilterTokens == 0 {
		return tok, Outcome{}
	}
	spec := l.Filter
	spec.ParentTokenID, spec.ModifiedID = tok.ID(), p.sys.Security.AllocateLUID()
	v, st := tok.Value().Filter(spec)
	if st != ntstatus.Success {
		return nil, Outcome{Status: st, Rule: "I-90", Because: "the job's filter failed"} // I-90 FILTER_TOKENS
	}
	return p.sys.Security.NewToken(v, tok.Security()), Outcome{}
}

// AssignToJob puts the process into a job (column C of I-90).
func (p *Process) AssignToJob(j *Job) Outcome {
	l := j.Limits()
	if out := l.refuses(p.Token()); out.Status != ntstatus.Success {
		return out
	}
	p.mu.Lock()
	threads := make([]*Thread, 0, len(p.threads))
	for t := range p.threads {
		threads = append(threads, t)
	}
	p.mu.Unlock()
	for _, t := range threads { // I-90: the tokens the threads impersonate count too
		if r := t.imp.Load(); r != nil {
			if out := l.refuses(r.Token.Value()); out.Status != ntstatus.Success {
				return out
			}
		}
	}
	if l.Flags&JobOnlyToken != 0 { // I-90 ONLY_TOKEN
		tok := p.sys.Security.NewToken(l.Token.Value(), l.Token.Security())
		p.ReplaceToken(tok)
		tok.Deref(ob.TagCall)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.job.Load() != nil || p.exited {
		return Outcome{Status: ntstatus.AccessDenied, Rule: "I-90", Because: "the process is in a job already, or has ended"}
	}
	j.Ref(ob.TagLink)
	p.job.Store(j)
	j.mu.Lock()
	j.count++
	j.mu.Unlock()
	return Outcome{}
}
