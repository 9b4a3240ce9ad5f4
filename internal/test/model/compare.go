package model

import (
	"fmt"
	"slices"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/se"
)

// Step makes one call on both sides and compares status, outputs and state. It skips a call that the state does not
// allow. The error describes the first difference.
func (p *Pair) Step(op *Op) error {
	c := p.prepare(op)
	if c == nil {
		return nil
	}
	p.armed.Store(op)
	p.features(c, op)
	before := p.snapshot()
	want := c.model()
	got := c.kernel()
	p.armed.Store(nil)
	p.made.add(c.text, got.Status)
	if got != want {
		return fmt.Errorf("%s%s:\n  kernel %+v\n  model  %+v", c.text, failing(op), got, want)
	}
	if err := p.compare(); err != nil {
		return fmt.Errorf("after %s%s: %w", c.text, failing(op), err)
	}
	if err := p.properties(c, got, before); err != nil {
		return fmt.Errorf("after %s%s: %w", c.text, failing(op), err)
	}
	return nil
}

// fails reports whether the present call runs out of memory at a point. The kernel calls it from any goroutine.
func (p *Pair) fails(point string) bool {
	op := p.armed.Load()
	i := slices.Index(points, point)
	return op != nil && i >= 0 && op.Fail>>i&1 != 0
}

func failing(op *Op) string {
	if op.Fail == 0 {
		return ""
	}
	return fmt.Sprintf(" (memory runs out at %v)", op.Fail)
}

// Text returns the call for op in the present state, for a transcript. It returns "" if op makes no call.
func (p *Pair) Text(op *Op) string {
	if c := p.prepare(op); c != nil {
		return c.text + failing(op)
	}
	return ""
}

// compare compares the observable state of both sides: impersonation of each thread, handle tables and tokens.
func (p *Pair) compare() error {
	for i, t := range p.M.Threads {
		r := p.objects[i].Impersonation(ob.TagCall)
		if r != nil {
			r.Token.Deref(ob.TagCall) // the thread holds one; nothing else runs
		}
		if (r == nil) != (t.Record == nil) {
			return fmt.Errorf("t%d impersonates: kernel %t, model %t", i, r != nil, t.Record != nil)
		}
		if r == nil {
			continue
		}
		m := t.Record
		if r.CopyOnOpen != m.CopyOnOpen || r.EffectiveOnly != m.EffectiveOnly || r.Level != m.Level {
			return fmt.Errorf("t%d: kernel {copy %t effective %t level %d}, model {copy %t effective %t level %d}", i,
				r.CopyOnOpen, r.EffectiveOnly, r.Level, m.CopyOnOpen, m.EffectiveOnly, m.Level)
		}
		if id := p.id(r.Token); id != m.Token.ID {
			return fmt.Errorf("t%d impersonates with token %d, model %d", i, id, m.Token.ID)
		}
	}
	if err := p.compareTables(); err != nil {
		return err
	}
	for i, t := range p.M.Tokens {
		if err := p.compareToken(i, t); err != nil {
			return fmt.Errorf("token %d of %s: %w", t.ID, t.Value.User, err)
		}
	}
	return nil
}

// compareToken compares counts (P-5) and, while it lives, what the token says.
func (p *Pair) compareToken(i int, t *Token) error {
	if i < len(p.dead) && p.dead[i] {
		return nil
	}
	pointers, handles := p.M.References(t)
	if i >= len(p.tokens) || p.tokens[i] == nil {
		if pointers != 0 {
			return fmt.Errorf("the model holds %d references, and the kernel's object was never seen", pointers)
		}
		return nil
	}
	o := p.tokens[i]
	h, r := o.Head().Counts(0)
	if h != handles || r != pointers {
		return fmt.Errorf("P-5: kernel %d handles, %d references, model %d, %d%s", h, r, handles, pointers, holders(o))
	}
	if pointers == 0 {
		p.dead[i] = true
		return nil
	}
	v, m := o.Value(), &t.Value
	if n, known := p.modified[v.ModifiedID()]; known && n != m.Modified {
		return fmt.Errorf("ModifiedId %d stands for %d and for %d", v.ModifiedID(), n, m.Modified)
	}
	if l, known := p.back[m.Modified]; known && l != v.ModifiedID() {
		return fmt.Errorf("ModifiedId: kernel %d, expected %d", v.ModifiedID(), l)
	}
	p.modified[v.ModifiedID()], p.back[m.Modified] = m.Modified, v.ModifiedID()
	now := seen{v, o.Head().Security(), t.Changes + 1}
	if now == p.seen[i] {
		return nil
	}
	p.seen[i] = now
	if err := p.compareQueries(t); err != nil {
		return err
	}
	return compareGuard(now.guard, t.Guard)
}

func holders(o *se.TokenObject) (s string) {
	o.Holders(func(t ob.Tag, n int64) { s += fmt.Sprintf(", %s %d", t, n) })
	return s
}

// Close ends the history and releases everything. It returns an error if the kernel still holds an object. In builds
// with the tag "invariants" the error names the holder.
func (p *Pair) Close() error {
	k := p.modes[0]
	for _, s := range p.saved {
		k.PsRestoreImpersonation(p.objects[0], s)
	}
	for _, c := range p.contexts {
		k.SeDeleteClientSecurity(c)
	}
	for _, s := range p.subjects {
		k.SeReleaseSubjectContext(s)
	}
	for _, t := range p.held {
		k.PsDereferenceImpersonationToken(t)
	}
	p.sys.CloseAllHandles()
	for i := range p.threads {
		for _, ticket := range p.tickets[i] {
			p.user[i].RestoreImpersonation(ticket)
		}
		p.modes[i].PsRevertToSelf()
	}
	if err := p.end(); err != nil {
		return err
	}
	for i, o := range p.tokens {
		if o == nil || p.dead[i] || p.primary(o) || p.single(p.M.Tokens[i]) {
			continue
		}
		if _, refs := o.Head().Counts(0); refs != 0 {
			return fmt.Errorf("token %d still has %d references after everything was closed%s", i+1, refs, holders(o))
		}
	}
	if err := p.sys.Close(); err != nil {
		return fmt.Errorf("after the system was closed: %w", err)
	}
	if o, h, r := p.sys.Counts(); o != 0 || h != 0 || r != 0 {
		return fmt.Errorf("after the system was closed: %d objects, %d handles, %d references", o, h, r)
	}
	return nil
}

// primary reports whether a token is the primary token of a process of the pair.
func (p *Pair) primary(o *se.TokenObject) bool {
	for _, kp := range p.processes {
		if kp.Object().PrimaryToken() == o {
			return true
		}
	}
	return false
}

// single reports whether a token is the single token of a job, which lives as long as its process.
func (p *Pair) single(t *Token) bool {
	return slices.ContainsFunc(p.M.Processes, func(m *Process) bool {
		return slices.ContainsFunc(m.Job.chain(), func(j *Job) bool { return j.Limits.Token == t })
	})
}
