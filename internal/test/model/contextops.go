package model

import (
	"fmt"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

// capture draws a call that captures a client context. It returns false if there are six already.
func capture(p *Pair, c *call, a *args) bool {
	if len(p.contexts) > 5 {
		return false
	}
	t, dynamic, remote := a.n(len(p.threads)), a.coin(2), a.coin(5)
	q := QOS{choose[winnt.SecurityImpersonationLevel](a, 0, 1, 2, 2, 2, 3, 4), a.coin(3)}
	c.text = fmt.Sprintf("t%d.SeCreateClientSecurity(t%d, %+v, dynamic %t, remote %t)", c.thread, t, q, dynamic, remote)
	c.model = func() Result { return p.M.Capture(p.M.Threads[t], q, dynamic, remote, p.M.Threads[c.thread].Process) }
	c.kernel = func() Result {
		ctx, st := p.modes[c.thread].SeCreateClientSecurity(p.objects[t],
			nt.SecurityQualityOfService{ImpersonationLevel: q.Level, ContextTrackingMode: dynamic,
				EffectiveOnly: q.EffectiveOnly}, remote)
		if !st.IsSuccess() {
			return Result{Status: st}
		}
		p.contexts = append(p.contexts, ctx)
		return Result{Status: st, Token: p.id(ctx.Token), Flag: ctx.EffectiveOnly}
	}
	return true
}

// impersonateContext draws a call that impersonates a captured client context. It returns false if there is none.
func impersonateContext(p *Pair, c *call, a *args) bool {
	if len(p.contexts) == 0 {
		return false
	}
	i, t := a.n(len(p.contexts)), p.other(c, a)
	c.text = fmt.Sprintf("SeImpersonateClientEx(context %d, t%d)", i, t)
	c.model = func() Result { return p.M.ImpersonateContext(i, p.M.Threads[t]) }
	c.kernel = func() Result {
		return Result{Status: p.modes[c.thread].SeImpersonateClientEx(p.contexts[i], p.objects[t])}
	}
	return true
}

// deleteContext draws a call that deletes a client context. It returns false if there is none.
func deleteContext(p *Pair, c *call, a *args) bool {
	if len(p.contexts) == 0 {
		return false
	}
	i := a.n(len(p.contexts))
	c.text = fmt.Sprintf("SeDeleteClientSecurity(context %d)", i)
	c.model = func() Result { return p.M.DeleteContext(i) }
	c.kernel = func() Result {
		ctx := p.contexts[i]
		p.contexts = append(p.contexts[:i:i], p.contexts[i+1:]...)
		p.modes[c.thread].SeDeleteClientSecurity(ctx)
		return Result{}
	}
	return true
}

// captureSubject draws a call that captures a subject context. It returns false if there are four already.
func captureSubject(p *Pair, c *call, _ *args) bool {
	if len(p.subjects) > 3 {
		return false
	}
	c.text = fmt.Sprintf("t%d.SeCaptureSubjectContext()", c.thread)
	c.model = func() Result { return p.M.CaptureSubject(p.M.Threads[c.thread]) }
	c.kernel = func() Result {
		s := p.modes[c.thread].SeCaptureSubjectContext()
		p.subjects = append(p.subjects, s)
		return Result{Flag: s.Client != nil}
	}
	return true
}

// releaseSubject draws a call that releases a subject context. It returns false if there is none.
func releaseSubject(p *Pair, c *call, a *args) bool {
	if len(p.subjects) == 0 {
		return false
	}
	i := a.n(len(p.subjects))
	c.text = fmt.Sprintf("SeReleaseSubjectContext(subject %d)", i)
	c.model = func() Result { return p.M.ReleaseSubject(i) }
	c.kernel = func() Result {
		s := p.subjects[i]
		p.subjects = append(p.subjects[:i:i], p.subjects[i+1:]...)
		p.modes[c.thread].SeReleaseSubjectContext(s)
		return Result{}
	}
	return true
}

// updateContext draws a call of SeUpdateClientSecurity (I-82). It returns false if there is no context. Flag says
// whether the context changed, Number whether it has another token object.
func updateContext(p *Pair, c *call, a *args) bool {
	if len(p.contexts) == 0 {
		return false
	}
	i := a.n(len(p.contexts))
	for j, ctx := range p.M.Contexts {
		if ctx.Direct && ctx.Modified != ctx.Token.Value.Modified {
			i = j // its token was changed since
		}
	}
	c.text = fmt.Sprintf("t%d.SeUpdateClientSecurity(t%d, context %d)", c.thread, p.M.Contexts[i].Client, i)
	c.model = func() Result { return p.M.UpdateContext(i) }
	c.kernel = func() Result {
		client := p.objects[p.M.Contexts[i].Client]
		changed, another, st := p.modes[c.thread].SeUpdateClientSecurity(client, p.contexts[i])
		return Result{Status: st, Flag: changed, Number: uint64(is(another)), Token: p.id(p.contexts[i].Token)}
	}
	return true
}
