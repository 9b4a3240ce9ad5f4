package ps

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/quota"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// JobType is the object type Job.
var JobType = &ob.Type{ObjectType: winnt.JobObject, OnDestroy: func(o ob.Object) { o.(*Job).destroy() }}

// Security limits of a job (JOBOBJECT_SECURITY_LIMIT_INFORMATION).
const (
	JobNoAdmin         = winnt.JOB_OBJECT_SECURITY_NO_ADMIN
	JobRestrictedToken = winnt.JOB_OBJECT_SECURITY_RESTRICTED_TOKEN
	JobOnlyToken       = winnt.JOB_OBJECT_SECURITY_ONLY_TOKEN
	JobFilterTokens    = winnt.JOB_OBJECT_SECURITY_FILTER_TOKENS
)

// JobLimits are the security limits of a job. The zero value sets no limit.
type JobLimits struct {
	Flags  uint32
	Token  *se.TokenObject  // JobOnlyToken: one reference
	Filter token.FilterSpec // JobFilterTokens
}

// Job is a job object: processes that share security limits. Limits can be
// added, never removed (I-89). A job may be nested in another one, whose
// limits then apply too, first (I-91).
type Job struct {
	ob.Header
	parent atomic.Pointer[Job] // written under System.jobs; one reference
	active int                 // guarded by System.jobs: live processes of this job and of those nested in it

	mu sync.Mutex
	// +checklocks:mu
	limits JobLimits // guarded by mu
}

// NewJob creates a job with one reference for the caller and adds it to the census. Its descriptor follows O-38 with
// the defaults of the creator's token.
func (s *System) NewJob(creator *token.Token) *Job {
	j := NewJob(se.DefaultDescriptor(creator, winnt.JobObject))
	s.Security.Objects.Track(j)
	return j
}

// NewJob creates a job with a descriptor and one reference for the caller, who must add it to the census.
func NewJob(d *sd.Descriptor) *Job {
	j := &Job{}
	j.Init(JobType, j, d)
	return j
}

// Limits returns a snapshot of the limits of this job alone, without those of its parents and without a reference on
// their token.
func (j *Job) Limits() JobLimits {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.limits
}

// SetLimits adds limits as [Job.SetLimitsFor] does, at the kernel's cost.
func (j *Job) SetLimits(l JobLimits) Outcome { return j.SetLimitsFor(quota.Payer{}, l) }

// filterSize returns the memory of a job's token filter in bytes, for the charge.
func filterSize(f *token.FilterSpec) int {
	const perSID, perGroup = 96, 112
	return perSID*len(f.Disable) + perGroup*len(f.Restrict) + perSID
}

// SetLimitsFor adds limits. l must repeat the flags in force with the same token and lists, because a limit can be
// neither removed nor replaced (I-89). payer pays for the lists. Processes that are in the job keep their tokens.
// Errors: INVALID_PARAMETER, BAD_TOKEN_TYPE for an impersonation token, ACCESS_DENIED for a removed or replaced
// limit, and those of a charge.
func (j *Job) SetLimitsFor(payer quota.Payer, l JobLimits) Outcome {
	invalid := func(why string) Outcome {
		// A limit without its required parameters is refused.
		return Outcome{Status: ntstatus.InvalidParameter, Rule: "I-89", Because: why}
	}
	switch {
	case l.Flags&^winnt.JOB_OBJECT_SECURITY_VALID_FLAGS != 0:
		return invalid("unknown limit flags")
	case l.Flags&JobOnlyToken != 0 && l.Token == nil:
		return invalid("ONLY_TOKEN needs a token")
	case l.Flags&JobOnlyToken != 0 && l.Token.Value().Type() != winnt.TokenPrimary:
		// The single token must be a primary one (T-112).
		return Outcome{Status: ntstatus.BadTokenType, Rule: "I-89", Because: "ONLY_TOKEN needs a primary token"}
	case l.Flags&JobFilterTokens != 0 && isEmpty(&l.Filter):
		return invalid("FILTER_TOKENS needs at least one list")
	}
	if l.Flags&JobOnlyToken == 0 {
		l.Token = nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	old := &j.limits
	switch {
	case old.Flags&^l.Flags != 0,
		old.Flags&JobOnlyToken != 0 && old.Token != l.Token,
		old.Flags&JobFilterTokens != 0 && !sameFilter(&old.Filter, &l.Filter):
		// A limit in force is never taken back or replaced.
		return Outcome{Status: ntstatus.AccessDenied, Rule: "I-89",
			Because: "limits can be added, never removed or replaced"}
	}
	if l.Flags&JobFilterTokens != 0 && old.Flags&JobFilterTokens == 0 {
		if st := j.PayMore(payer, filterSize(&l.Filter)); st != ntstatus.Success {
			return Outcome{Status: st, Rule: "Q-2", Because: "the account has no quota left for the lists"}
		}
	} else {
		l.Filter = old.Filter // keep the old lists, which are charged already
	}
	if l.Token != nil && old.Token == nil {
		l.Token.Ref(ob.TagLink)
	}
	j.limits = l
	return Outcome{}
}

// isEmpty reports whether a job's token filter removes nothing: it has no SIDs and no privileges.
func isEmpty(f *token.FilterSpec) bool {
	return len(f.Disable) == 0 && f.Delete == 0 && len(f.Restrict) == 0
}

// sameFilter reports whether two filters have equal lists in the same order.
func sameFilter(a, b *token.FilterSpec) bool {
	return a.Delete == b.Delete && slices.Equal(a.Disable, b.Disable) && slices.Equal(a.Restrict, b.Restrict)
}

// destroy releases the job's references to the token of its limits and to its parent. It runs when the last reference
// to the job is gone, so it needs no lock.
//
// +checklocksignore
func (j *Job) destroy() {
	if t := j.limits.Token; t != nil {
		t.Deref(ob.TagLink)
	}
	if p := j.parent.Load(); p != nil {
		p.Deref(ob.TagLink)
	}
}

// chain returns the job and the jobs that contain it, outermost first (I-91). It takes no references.
func (j *Job) chain() []*Job {
	var list []*Job
	for ; j != nil; j = j.parent.Load() {
		list = append(list, j)
	}
	slices.Reverse(list)
	return list
}

// MaxJobDepth is the largest number of jobs that a process can be in: one job and those that contain it (I-91).
const MaxJobDepth = 32

// depth returns the number of jobs in j's chain, 0 for a nil job. It counts to MaxJobDepth+1 only, because jobs
// without processes can be nested deeper.
func (j *Job) depth() (n int) {
	for ; j != nil && n <= MaxJobDepth; j = j.parent.Load() {
		n++
	}
	return n
}

// within reports whether j is outer or is nested in it. A nil job is within none.
func (j *Job) within(outer *Job) bool {
	for ; j != nil; j = j.parent.Load() {
		if j == outer {
			return true
		}
	}
	return false
}

// refuses checks a token against the limits of one job that concern the token alone (I-90). It returns
// the refusal, or the zero Outcome. NoAdmin comes first.
func (l *JobLimits) refuses(t *token.Token) Outcome {
	if l.Flags&JobNoAdmin != 0 && t.IsAdmin() {
		// The job admits no administrators (I-90).
		return refused("the job admits no administrator's token")
	}
	if l.Flags&JobRestrictedToken != 0 && !t.IsRestricted() && !t.IsFiltered() {
		// The job admits restricted tokens only (I-90).
		return refused("the job admits only restricted tokens")
	}
	return Outcome{}
}

// refused returns the outcome of a token that a job's limits refuse: STATUS_ACCESS_DENIED by rule I-90, with a reason
// in words.
func refused(why string) Outcome {
	return Outcome{Status: ntstatus.AccessDenied, Rule: "I-90", Because: why}
}

// refuses checks a token against the limits of the job and the jobs that contain it. It returns the refusal of the
// first job that does not allow it, or the zero Outcome. A nil job allows every token (I-91).
func (j *Job) refuses(t *token.Token) Outcome {
	if j == nil {
		// Without a job there is no limit (I-91).
		return Outcome{}
	}
	for _, job := range j.chain() {
		l := job.Limits()
		if out := l.refuses(t); out.Status != ntstatus.Success {
			return out
		}
	}
	return Outcome{}
}

// admit applies the limits of a job and its outer jobs to a token (I-90). primary selects the limits for primary
// tokens instead of impersonation tokens. The result is tok itself, or a filtered token whose
// reference (TagCall) the caller must release. A refusal returns nil. A nil job allows every token.
func (j *Job) admit(s *System, tok *se.TokenObject, primary bool) (use *se.TokenObject, out Outcome) {
	if j == nil {
		// Without a job there is no limit (I-91).
		return tok, Outcome{}
	}
	use = tok
	for _, job := range j.chain() {
		l := job.Limits()
		n, out := l.admit(s, use, primary)
		if n != use && use != tok {
			use.Deref(ob.TagCall)
		}
		if out.Status != ntstatus.Success {
			return nil, out
		}
		use = n
	}
	return use, Outcome{}
}

// admit applies the limits of one job to a token. The result is tok itself without a new reference, or a filtered
// token that the caller must dereference. A refusal or a failed filter returns nil and an Outcome with the status.
// Only a primary token must be the job's token or descend from it.
func (l *JobLimits) admit(s *System, tok *se.TokenObject, primary bool) (*se.TokenObject, Outcome) {
	if out := l.refuses(tok.Value()); out.Status != ntstatus.Success {
		return nil, out
	}
	if primary && l.Flags&JobOnlyToken != 0 && !tok.DescendsFrom(l.Token) {
		// A process of the job has its single token, or one filtered from that (I-90).
		return nil, refused("the job's processes run with its own token, or one filtered from it")
	}
	if l.Flags&JobFilterTokens == 0 {
		return tok, Outcome{}
	}
	spec := l.Filter
	spec.ParentTokenID, spec.ModifiedID = tok.ID(), s.Security.AllocateLUID()
	v, st := tok.Value().Filter(spec)
	if st != ntstatus.Success {
		// The filter cannot be applied to this token (I-90).
		return nil, Outcome{Status: st, Rule: "I-90", Because: "the job's filter failed"}
	}
	return s.Security.NewFiltered(tok, v, tok.Security()), Outcome{}
}
