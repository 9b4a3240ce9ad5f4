package model

import (
	"slices"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// The routines of kernel components.

// Disable models PsDisableImpersonation (I-60).
func (m *Machine) Disable(t *Thread) Result {
	m.Saved = append(m.Saved, t.Record)
	r := Result{Flag: t.Record != nil}
	t.Record = nil
	return r
}

// Restore models PsRestoreImpersonation of the i-th saved state (I-61).
func (m *Machine) Restore(t *Thread, i int) Result {
	t.Record = m.Saved[i]
	m.Saved = append(m.Saved[:i:i], m.Saved[i+1:]...)
	return Result{}
}

// ReferenceImpersonation models PsReferenceImpersonationToken (I-62).
func (m *Machine) ReferenceImpersonation(t *Thread) Result {
	r := t.Record
	if r == nil {
		return Result{}
	}
	m.Held = append(m.Held, r.Token)
	n := uint64(r.Level) << 2
	if r.CopyOnOpen {
		n |= 1
	}
	if r.EffectiveOnly {
		n |= 2
	}
	return Result{Token: r.Token.ID, Number: n, Flag: true}
}

// ReferencePrimary models PsReferencePrimaryToken.
func (m *Machine) ReferencePrimary(p *Process) Result {
	m.Held = append(m.Held, p.Primary)
	return Result{Token: p.Primary.ID}
}

// Dereference models PsDereferenceImpersonationToken of the i-th token that a kernel component holds.
func (m *Machine) Dereference(i int) Result {
	m.Held = append(m.Held[:i:i], m.Held[i+1:]...)
	return Result{}
}

// Capture models SeCreateClientSecurity (I-80). server is the process that will
// impersonate.
func (m *Machine) Capture(client *Thread, q QOS, dynamic, remote bool, server *Process) Result {
	r := client.Record
	static := !dynamic || remote
	if r, over := refuse("SeCreateClientSecurity",
		when("I-80", "above SecurityDelegation", ntstatus.InvalidParameter, func() bool { return q.Level > 3 }),
		when("I-80", "own impersonation", ntstatus.BadImpersonationLevel, func() bool {
			return client.Process.Over || // a thread that has ended is at level Anonymous (I-9)
				r != nil && (q.Level > r.Level || r.Level < 2 || remote && r.Level != 3)
		}),
		when("O-81", "", ntstatus.InsufficientResources, func() bool {
			return static && m.fails("se: client context")
		})); over {
		return r
	}
	ctx := &Context{Token: client.Process.Primary, EffectiveOnly: q.EffectiveOnly, Level: q.Level}
	if r != nil {
		ctx.Token = r.Token
		ctx.EffectiveOnly = q.EffectiveOnly || r.EffectiveOnly
	}
	if static {
		v := ctx.Token.Value.as(winnt.TokenImpersonation, q.Level)
		if ctx.EffectiveOnly {
			v = v.stripped()
		}
		t := m.newToken(v, copyGuard(&v, &server.Primary.Value), ctx.Token)
		t.Chain = min(t.Chain, q.Level)
		ctx.Token = t
	} else {
		ctx.Direct = true
	}
	ctx.Client, ctx.Qos, ctx.Modified = slices.Index(m.Threads, client), q, ctx.Token.Value.Modified
	m.Contexts = append(m.Contexts, ctx)
	return Result{Token: ctx.Token.ID, Flag: ctx.EffectiveOnly}
}

// ImpersonateContext models SeImpersonateClientEx (I-81).
func (m *Machine) ImpersonateContext(i int, t *Thread) Result {
	c := m.Contexts[i]
	return m.Impersonate(t, c.Token, true, c.EffectiveOnly, c.Level)
}

// UpdateContext models SeUpdateClientSecurity of the thread that was captured (I-82).
func (m *Machine) UpdateContext(i int) Result {
	c := m.Contexts[i]
	if !c.Direct {
		// A static context does not change.
		return Result{Token: c.Token.ID}
	}
	if r := m.Capture(m.Threads[c.Client], c.Qos, true, false, nil); r.Status != ntstatus.Success {
		return Result{Status: r.Status, Token: c.Token.ID}
	}
	n := m.Contexts[len(m.Contexts)-1]
	m.Contexts = m.Contexts[:len(m.Contexts)-1]
	another := n.Token != c.Token
	r := Result{Token: n.Token.ID, Flag: another || n.Modified != c.Modified, Number: uint64(is(another))}
	*c = *n
	return r
}

// DeleteContext models SeDeleteClientSecurity.
func (m *Machine) DeleteContext(i int) Result {
	m.Contexts = append(m.Contexts[:i:i], m.Contexts[i+1:]...)
	return Result{}
}

// CaptureSubject models SeCaptureSubjectContext (I-83).
func (m *Machine) CaptureSubject(t *Thread) Result {
	s := &Subject{Primary: t.Process.Primary}
	if r := t.Record; r != nil {
		s.Client, s.Level = r.Token, r.Level
	}
	m.Subjects = append(m.Subjects, s)
	return Result{Flag: s.Client != nil}
}

// ReleaseSubject models SeReleaseSubjectContext.
func (m *Machine) ReleaseSubject(i int) Result {
	m.Subjects = append(m.Subjects[:i:i], m.Subjects[i+1:]...)
	return Result{}
}

// Save and RestoreTicket are the reverts that nest (I-76).
func (m *Machine) Save(t *Thread) Result {
	t.Tickets = append(t.Tickets, t.Record)
	return Result{}
}

// RestoreTicket puts the state of the i-th ticket back.
func (m *Machine) RestoreTicket(t *Thread, i int) Result {
	t.Record = t.Tickets[i]
	t.Tickets = append(t.Tickets[:i:i], t.Tickets[i+1:]...)
	return Result{}
}
