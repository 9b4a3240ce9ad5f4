package model

import (
	"slices"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Limits are those of a job (I-89).
type Limits struct {
	Flags  uint32 // NO_ADMIN 1, RESTRICTED_TOKEN 2, ONLY_TOKEN 4, FILTER_TOKENS 8
	Token  *Token // the single token
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
	return slices.ContainsFunc(p.Jobs, func(l Limits) bool { return l.refuses(v) })
}

// stands returns the token that t is a copy of, t itself if it is none.
func (t *Token) stands() *Token {
	if t.Of != nil {
		return t.Of
	}
	return t
}

// descends reports whether t is root, a copy of it, or filtered from it in any number of
// steps (I-90).
func (t *Token) descends(root *Token) bool {
	for ; t != nil; t = t.From {
		if t.stands() == root.stands() {
			return true
		}
	}
	return false
}

// copyOf makes a token that stands for another.
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

// admit applies the limits of the jobs, the outermost first, to a token that a process or,
// without primary, a thread is to have (I-90, I-91).
func (m *Machine) admit(jobs []Limits, t *Token, primary bool) (*Token, ntstatus.Status) {
	for i := range jobs {
		l := &jobs[i]
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

// Limit puts a process into a job of its own, nested in those it is in already
// (I-91); a token that the limits refuse in the process or one of its threads
// is a refusal (column C of I-90). A single token takes the place of the process's.
func (m *Machine) Limit(p *Process, l Limits) Result {
	if l.Flags&8 != 0 && len(l.Filter.Disable)+len(l.Filter.Restrict)+count(l.Filter.Delete) == 0 {
		return failed(ntstatus.InvalidParameter)
	}
	if l.Flags&4 != 0 && l.Token.Value.Type != winnt.TokenPrimary {
		return failed(ntstatus.BadTokenType)
	}
	if l.refuses(&p.Primary.Value) {
		return failed(ntstatus.AccessDenied)
	}
	next := p.Primary
	if l.Flags&4 != 0 {
		var st ntstatus.Status
		if next, st = m.admit(p.Jobs, m.copyOf(l.Token), true); st != ntstatus.Success {
			return failed(st)
		}
		if l.refuses(&next.Value) {
			return failed(ntstatus.AccessDenied)
		}
	}
	for _, t := range p.Threads {
		if t.Record != nil && l.refuses(&t.Record.Token.Value) {
			return failed(ntstatus.AccessDenied)
		}
	}
	p.Jobs = append(p.Jobs, l)
	p.take(next)
	return Result{Token: p.Primary.ID}
}

// take gives a process another primary token (O-17).
func (p *Process) take(t *Token) {
	if p.Primary == t {
		return
	}
	p.Primary, p.Self = t, 0x1F07FB
	if g, st := decide(&t.Value, p.Guard, maximum, &processKind); st.IsSuccess() {
		p.Self |= g
	}
}

// inUse reports whether a token is the primary one of a process (T-112).
func (m *Machine) inUse(t *Token) bool {
	return slices.ContainsFunc(m.Processes, func(p *Process) bool { return p.Primary == t })
}

// AssignPrimary models NtSetInformationProcess (T-110 to T-112).
func (m *Machine) AssignPrimary(c Caller, h, token winnt.Handle) Result {
	s, st := m.reference(c, h, 0x200, isProcess)
	if st != ntstatus.Success {
		return failed(st)
	}
	t, st := m.reference(c, token, winnt.TOKEN_ASSIGN_PRIMARY, isToken)
	if st != ntstatus.Success {
		return failed(st)
	}
	own, v := c.Process.Primary, &t.Token.Value
	kin := v.Parent == own || v.Parent == own.Value.Parent && v.Logon == own.Value.Logon && v.User == own.Value.User
	inUse := m.inUse(t.Token)
	switch {
	case !c.may(winnt.SeAssignPrimaryTokenPrivilege) && !kin:
		return failed(ntstatus.PrivilegeNotHeld)
	case v.Type != winnt.TokenPrimary && m.Profile == nt.Observed && v.Level < 2:
		return failed(ntstatus.BadImpersonationLevel)
	case v.Type != winnt.TokenPrimary:
		return failed(ntstatus.BadTokenType)
	case inUse && m.Profile == nt.Observed:
		return failed(ntstatus.TokenAlreadyInUse)
	}
	use := t.Token
	if inUse {
		use = m.copyOf(use)
	}
	if use, st = m.admit(s.Process.Jobs, use, true); st != ntstatus.Success {
		return failed(st)
	}
	if len(s.Process.Threads) > 0 {
		// A thread has run (T-110).
		return failed(ntstatus.NotSupported)
	}
	s.Process.take(use)
	return Result{Token: use.ID}
}
