package model

import (
	"errors"
	"fmt"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/winnt"
)

// snapshot holds what a failing call must leave alone (P-7) and what a call that
// is not about a thread's state must leave alone (P-6).
type snapshot struct {
	objects, handles, references int64
	records                      [2*last + 2]*se.Impersonation
}

// snapshot returns the counts of the kernel's objects, handles and references, and each thread's impersonation. The
// records hold no reference.
func (p *Pair) snapshot() snapshot {
	var s snapshot
	s.objects, s.handles, s.references = p.sys.Counts()
	for i, t := range p.objects {
		if r := t.Impersonation(ob.TagCall); r != nil {
			r.Token.Deref(ob.TagCall)
			s.records[i] = r
		}
	}
	return s
}

// properties checks P-1 to P-15 on the kernel after a call, as far as they
// show after one call; P-5 is compared with the model's counts, P-11 and P-13
// have tests of their own.
func (p *Pair) properties(c *call, got Result, before snapshot) error {
	after := p.snapshot()
	if !got.Status.IsSuccess() && !c.closes && after != before {
		// A service that fails changes nothing that can be seen (P-7).
		return fmt.Errorf("P-7: the call failed with %s and changed the system: %+v, %+v", got.Status, before, after)
	}
	for i := range p.objects {
		if after.records[i] != before.records[i] && i != c.target && !c.ends {
			// A call leaves the state of every thread but its target as it was
			// (P-6).
			return fmt.Errorf("P-6: the call changed what t%d impersonates", i)
		}
		if err := p.threadProperties(i); err != nil {
			return err
		}
	}
	if got.Handle != 0 && got.Status.IsSuccess() {
		return p.handleProperties(c, got, before)
	}
	return nil
}

// threadProperties checks the properties of a thread's state.
func (p *Pair) threadProperties(i int) error {
	t, m := p.objects[i], p.M.Threads[i]
	s := t.Subject()
	if t.Exited() {
		if !s.BelowImpersonation() {
			// A thread that has ended opens nothing (I-9).
			return fmt.Errorf("I-9: t%d has ended and may open objects", i)
		}
		return nil
	}
	if s.Client == nil {
		if s.Effective() != t.Process().Token() {
			// A thread that does not impersonate acts with the token of its
			// process (P-8).
			return fmt.Errorf("P-8: t%d does not impersonate and acts with another token than its process's", i)
		}
		return nil
	}
	v := s.Client
	if v.Type() == winnt.TokenImpersonation && s.Level > v.Level() {
		// A state has no level above its token's (P-2).
		return fmt.Errorf("P-2: t%d is at level %d with a token at %d", i, s.Level, v.Level())
	}
	if s.Level > m.Record.Token.Chain {
		return fmt.Errorf("P-2: t%d is at level %d with a token made through level %d", i, s.Level,
			m.Record.Token.Chain)
	}
	if m.Record.Under && v.IsAdmin() {
		// A job that admits no administrators keeps their tokens out (P-12).
		return fmt.Errorf("P-12: t%d took an administrator's token on in a job that admits none", i)
	}
	if s.Level >= winnt.SecurityImpersonation && !m.Record.Just && m.Record.By == m.Process.Primary {
		if v.User().SID != s.Primary.User().SID {
			// Without the privilege or a logon made for it a thread acts as its
			// own user (P-1).
			return fmt.Errorf("P-1: t%d acts as another user without SeImpersonatePrivilege", i)
		}
		if v.Integrity() > s.Primary.Integrity() && m.Record.Levels == p.M.levels {
			// Such a thread does not act above the integrity of its process
			// either, as long as no token is given another level (P-14).
			return fmt.Errorf("P-14: t%d acts above the integrity of its process", i)
		}
	}
	return nil
}

// handleProperties checks the properties of a handle that a call made.
func (p *Pair) handleProperties(c *call, got Result, before snapshot) error {
	if c.user && got.Handle < 0 {
		// A kernel handle never goes to user mode (P-15).
		return errors.New("P-15: a user-mode call got a kernel handle")
	}
	caller := p.M.Threads[c.thread]
	if c.duplicates {
		return nil // a handle made of a handle: rights beyond it were checked
	}
	if got.Token == 0 {
		if c.user && caller.Record != nil && caller.Record.Level < 2 && !p.unguarded(c, got) {
			// An effective token below SecurityImpersonation opens nothing that
			// has a descriptor (P-4).
			return errors.New("P-4: an object was opened below SecurityImpersonation")
		}
		return nil
	}
	if c.target < 0 || before.records[c.target] == nil {
		return nil // not the token of a thread
	}
	was := before.records[c.target]
	if was.Level == winnt.SecurityAnonymous {
		// The token of a thread at SecurityAnonymous is never opened (P-3).
		return errors.New("P-3: the token of a thread at SecurityAnonymous was opened")
	}
	o := p.tokens[got.Token-1]
	if was.EffectiveOnly && o.Value().Present()&^o.Value().Enabled() != 0 && !was.Own {
		// EffectiveOnly leaves nothing off that the opener could switch on
		// (P-9).
		return errors.New("P-9: a token opened under EffectiveOnly has something left to switch on")
	}
	if was.CopyOnOpen && (o == was.Token || p.primary(o)) {
		// CopyOnOpen gives out a copy, never the thread's token or a process's
		// (P-10).
		return errors.New("P-10: CopyOnOpen gave out the token itself")
	}
	return nil
}

// unguarded reports whether the new handle names an object without a descriptor. Such an object opens at every
// impersonation level (O-35).
func (p *Pair) unguarded(c *call, got Result) bool {
	s := p.M.Threads[c.thread].Process.Handles.Find(got.Handle)
	return s != nil && (s.Thing != nil || s.Job != nil || s.File != nil && s.File.Guard == nil)
}
