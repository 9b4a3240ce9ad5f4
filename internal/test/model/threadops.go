package model

import (
	"fmt"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

// impersonateThread draws a call of NtImpersonateThread.
func impersonateThread(p *Pair, c *call, a *args) bool {
	c.mode(a)
	server, client := p.handle(c, a, isThread, winnt.NtCurrentThread), p.handle(c, a, isThread, winnt.NtCurrentThread)
	q, dynamic := QOS{choose[winnt.SecurityImpersonationLevel](a, 0, 1, 2, 2, 3, 4), a.coin(3)}, a.coin(2)
	if s, st := p.M.reference(p.caller(c), server, 0, isThread); st == 0 {
		c.target = p.index(s.Thread)
	}
	c.text = fmt.Sprintf("%s(server %s, client %s, %+v, dynamic %t)", c.name("ImpersonateThread"), server, client, q,
		dynamic)
	c.model = func() Result { return p.M.ImpersonateThread(p.caller(c), server, client, q, dynamic) }
	c.kernel = func() Result {
		_, st := p.services(c).NtImpersonateThread(nt.ImpersonateThreadIn{ServerThreadHandle: server,
			ClientThreadHandle: client,
			SecurityQos: nt.Cap(&nt.SecurityQualityOfService{ImpersonationLevel: q.Level, ContextTrackingMode: dynamic,
				EffectiveOnly: q.EffectiveOnly})})
		return Result{Status: st}
	}
	return true
}

// impersonateAnonymous draws a call of NtImpersonateAnonymousToken.
func impersonateAnonymous(p *Pair, c *call, a *args) bool {
	c.mode(a)
	h := p.handle(c, a, isThread, winnt.NtCurrentThread)
	if s, st := p.M.reference(p.caller(c), h, 0, isThread); st == 0 {
		c.target = p.index(s.Thread)
	}
	c.text = fmt.Sprintf("%s(%s)", c.name("ImpersonateAnonymousToken"), h)
	c.model = func() Result { return p.M.ImpersonateAnonymous(p.caller(c), h) }
	c.kernel = func() Result {
		_, st := p.services(c).NtImpersonateAnonymousToken(nt.ImpersonateAnonymousTokenIn{ThreadHandle: h})
		return Result{Status: st}
	}
	return true
}

// setThreadToken draws a call of NtSetInformationThread with an impersonation token, or with handle 0.
func setThreadToken(p *Pair, c *call, a *args) bool {
	c.mode(a)
	thread := p.handle(c, a, a.with(isThread, 0x80), winnt.NtCurrentThread)
	tok := p.handle(c, a, a.with(func(s *Slot) bool { return s.Token != nil && s.Token.Value.Type == 2 }, 4))
	if a.coin(8) {
		tok = 0
	}
	if s, st := p.M.reference(p.caller(c), thread, 0, isThread); st == 0 {
		c.target = p.index(s.Thread)
	}
	c.text = fmt.Sprintf("%s(%s, ThreadImpersonationToken, %s)", c.name("SetInformationThread"), thread, tok)
	c.model = func() Result { return p.M.SetThreadToken(p.caller(c), thread, tok) }
	c.kernel = func() Result {
		_, st := p.services(c).NtSetInformationThread(nt.SetInformationThreadIn{ThreadHandle: thread,
			ThreadInformationClass: nt.ThreadImpersonationToken, ThreadInformation: nt.Cap(tok),
			ThreadInformationLength: 8})
		return Result{Status: st}
	}
	return true
}

// save draws a call that saves the thread's impersonation. It returns false if the thread has four saved ones.
func save(p *Pair, c *call, _ *args) bool {
	if len(p.tickets[c.thread]) > 3 {
		return false
	}
	c.text = fmt.Sprintf("t%d: save the impersonation", c.thread)
	c.model = func() Result { return p.M.Save(p.M.Threads[c.thread]) }
	c.kernel = func() Result {
		p.tickets[c.thread] = append(p.tickets[c.thread], p.user[c.thread].SaveImpersonation())
		return Result{}
	}
	return true
}

// restoreTicket draws a call that restores a saved impersonation of the thread. It returns false if there is none.
func restoreTicket(p *Pair, c *call, a *args) bool {
	n := len(p.tickets[c.thread])
	if n == 0 {
		return false
	}
	i := a.n(n)
	c.target = c.thread
	c.text = fmt.Sprintf("t%d: put the saved impersonation %d back", c.thread, i)
	c.model = func() Result { return p.M.RestoreTicket(p.M.Threads[c.thread], i) }
	c.kernel = func() Result {
		list := p.tickets[c.thread]
		p.user[c.thread].RestoreImpersonation(list[i])
		p.tickets[c.thread] = append(list[:i:i], list[i+1:]...)
		return Result{}
	}
	return true
}

// impersonate draws a call of PsImpersonateClient with a token that is held, or with none.
func impersonate(p *Pair, c *call, a *args) bool {
	t, copyOnOpen, effective, level := p.other(c,
		a), a.coin(2), a.coin(3), winnt.SecurityImpersonationLevel(choose(a, 0, 1, 2, 2, 2, 3, 3, 4))
	i := -1
	if n := len(p.held); n > 0 && !a.coin(12) {
		i = a.n(n)
	}
	c.text = fmt.Sprintf("PsImpersonateClient(t%d, held %d, CopyOnOpen %t, EffectiveOnly %t, %d)", t, i, copyOnOpen,
		effective, level)
	c.model = func() Result {
		var tok *Token
		if i >= 0 {
			tok = p.M.Held[i]
		}
		return p.M.Impersonate(p.M.Threads[t], tok, copyOnOpen, effective, level)
	}
	c.kernel = func() Result {
		var tok *kernel.AccessToken
		if i >= 0 {
			tok = p.held[i]
		}
		return Result{Status: p.modes[c.thread].PsImpersonateClient(p.objects[t], tok, copyOnOpen, effective, level)}
	}
	return true
}

func revert(p *Pair, c *call, a *args) bool {
	c.target = c.thread
	c.text = fmt.Sprintf("t%d.PsRevertToSelf()", c.thread)
	c.model = func() Result { p.M.Threads[c.thread].Record = nil; return Result{} }
	c.kernel = func() Result { p.modes[c.thread].PsRevertToSelf(); return Result{} }
	return true
}

// disable draws a call of PsDisableImpersonation. It returns false if six states are saved.
func disable(p *Pair, c *call, a *args) bool {
	if len(p.saved) > 5 {
		return false
	}
	t := p.other(c, a)
	c.text = fmt.Sprintf("PsDisableImpersonation(t%d)", t)
	c.model = func() Result { return p.M.Disable(p.M.Threads[t]) }
	c.kernel = func() Result {
		s, active := p.modes[c.thread].PsDisableImpersonation(p.objects[t])
		p.saved, p.from = append(p.saved, s), append(p.from, t)
		return Result{Flag: active}
	}
	return true
}

// restore draws a call of PsRestoreImpersonation, on a thread of the process that the state came from. It returns
// false if no state is saved.
func restore(p *Pair, c *call, a *args) bool {
	if len(p.saved) == 0 {
		return false
	}
	i := a.n(len(p.saved))
	// a thread of the process that accepted the token: another has made no decision about it
	t := p.from[i]/2*2 + a.n(2)
	c.target = t
	c.text = fmt.Sprintf("PsRestoreImpersonation(t%d, saved %d)", t, i)
	c.model = func() Result { return p.M.Restore(p.M.Threads[t], i) }
	c.kernel = func() Result {
		p.modes[c.thread].PsRestoreImpersonation(p.objects[t], p.saved[i])
		p.saved = append(p.saved[:i:i], p.saved[i+1:]...)
		p.from = append(p.from[:i:i], p.from[i+1:]...)
		return Result{}
	}
	return true
}

// reference draws a call that references a primary or an impersonation token. It returns false if many are held.
func reference(p *Pair, c *call, a *args) bool {
	if len(p.held) > 12 {
		return false
	}
	if a.coin(4) {
		i := a.n(len(p.processes))
		c.text = fmt.Sprintf("PsReferencePrimaryToken(p%d)", i)
		c.model = func() Result { return p.M.ReferencePrimary(p.M.Processes[i]) }
		c.kernel = func() Result {
			o := p.modes[c.thread].PsReferencePrimaryToken(p.processes[i].Object())
			p.held = append(p.held, o)
			return Result{Token: p.id(o)}
		}
		return true
	}
	t := a.n(len(p.threads))
	c.text = fmt.Sprintf("PsReferenceImpersonationToken(t%d)", t)
	c.model = func() Result { return p.M.ReferenceImpersonation(p.M.Threads[t]) }
	c.kernel = func() Result {
		o, copyOnOpen, effective, level := p.modes[c.thread].PsReferenceImpersonationToken(p.objects[t])
		if o == nil {
			return Result{}
		}
		p.held = append(p.held, o)
		n := uint64(level) << 2
		if copyOnOpen {
			n |= 1
		}
		if effective {
			n |= 2
		}
		return Result{Token: p.id(o), Number: n, Flag: true}
	}
	return true
}

// dereference draws a call that releases a token that is held. It returns false if only a few are held.
func dereference(p *Pair, c *call, a *args) bool {
	if len(p.held) < 6 {
		return false
	}
	i := a.n(len(p.held))
	c.text = fmt.Sprintf("PsDereferenceImpersonationToken(held %d)", i)
	c.model = func() Result { return p.M.Dereference(i) }
	c.kernel = func() Result {
		o := p.held[i]
		p.held = append(p.held[:i:i], p.held[i+1:]...)
		p.modes[c.thread].PsDereferenceImpersonationToken(o)
		return Result{}
	}
	return true
}
