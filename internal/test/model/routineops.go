package model

import (
	"fmt"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// row calls a routine that has no method of its own by its row in the table of services.
func row[O any](p *Pair, c *call, name string, in any) O {
	out, _ := p.modes[c.thread].CallRow(kernel.Table.Find(name), in)
	return out.(O)
}

// effective draws a call that references the token with which a thread acts (I-62).
func effective(p *Pair, c *call, a *args) bool {
	if len(p.held) > 12 {
		return false
	}
	t := a.n(len(p.threads))
	c.text = fmt.Sprintf("PsReferenceEffectiveToken(t%d)", t)
	c.model = func() Result {
		th := p.M.Threads[t]
		if th.Process.Over {
			return Result{Out: "TokenImpersonation"} // its thread acts as nobody, at level Anonymous (I-9)
		}
		r := Result{Token: th.Process.Primary.ID, Out: "TokenPrimary", Number: 0}
		if s := th.Record; s != nil {
			r = Result{Token: s.Token.ID, Out: "TokenImpersonation", Number: uint64(s.Level), Flag: s.EffectiveOnly}
			p.M.Held = append(p.M.Held, s.Token)
		} else {
			p.M.Held = append(p.M.Held, th.Process.Primary)
		}
		return r
	}
	c.kernel = func() Result {
		out := row[kernel.PsReferenceEffectiveTokenOut](p, c, "PsReferenceEffectiveToken",
			kernel.PsReferenceEffectiveTokenIn{Thread: p.objects[t]})
		r := Result{Out: out.TokenType.String(), Number: uint64(out.ImpersonationLevel), Flag: out.EffectiveOnly}
		if p.M.Threads[t].Process.Over {
			p.modes[c.thread].PsDereferenceImpersonationToken(out.Token) // the model has no such token
			return r
		}
		p.held = append(p.held, out.Token)
		r.Token = p.id(out.Token)
		return r
	}
	return true
}

// revertThread draws a call that ends the impersonation of any thread. The result also says whether it impersonated
// before.
func revertThread(p *Pair, c *call, a *args) bool {
	t := p.other(c, a)
	c.text = fmt.Sprintf("PsRevertThreadToSelf(t%d)", t)
	c.model = func() Result {
		r := Result{Flag: p.M.Threads[t].Record != nil}
		p.M.Threads[t].Record = nil
		return r
	}
	c.kernel = func() Result {
		is := row[kernel.PsIsThreadImpersonatingOut](p, c, "PsIsThreadImpersonating",
			kernel.PsIsThreadImpersonatingIn{Thread: p.objects[t]})
		row[kernel.PsRevertThreadToSelfOut](p, c, "PsRevertThreadToSelf",
			kernel.PsRevertThreadToSelfIn{Thread: p.objects[t]})
		return Result{Flag: is.Result}
	}
	return true
}

// assignToken draws a call that gives any thread the token of a handle (I-70).
func assignToken(p *Pair, c *call, a *args) bool {
	t, h := p.other(c, a), p.handle(c, a, func(s *Slot) bool { return s.Token != nil && s.Token.Value.Type == 2 })
	if a.coin(8) {
		h = 0
	}
	c.text = fmt.Sprintf("t%d: PsAssignImpersonationToken(t%d, %s)", c.thread, t, h)
	c.model = func() Result {
		var s Slot
		if r, over := refuse("PsAssignImpersonationToken",
			refusal{rule: "I-70", text: "NULL", ends: func() (Result, bool) {
				if h == 0 {
					p.M.Threads[t].Record = nil
				}
				return Result{}, h == 0
			}},
			p.M.handle(p.caller(c), "O-31", "TokenHandle", h, 0, isToken, &s),
			when("I-70", "primary token", ntstatus.BadTokenType, func() bool {
				return s.Token.Value.Type != winnt.TokenImpersonation
			})); over {
			return r
		}
		return p.M.Impersonate(p.M.Threads[t], s.Token, false, false, s.Token.Value.Level)
	}
	c.kernel = func() Result {
		return Result{Status: p.modes[c.thread].PsAssignImpersonationToken(p.objects[t], h)}
	}
	return true
}

// filterObject draws a filter of a token that a kernel component holds.
func filterObject(p *Pair, c *call, a *args) bool {
	if n := len(p.held); n == 0 || n > 12 {
		return false
	}
	i, f := a.n(len(p.held)), a.filter()
	c.text = fmt.Sprintf("t%d: SeFilterToken(held %d, %+v)", c.thread, i, f)
	c.model = func() Result {
		r, t := p.M.Filtered(p.caller(c), p.M.Held[i], f)
		if t != nil {
			p.M.Held = append(p.M.Held, t)
			r.Token = t.ID
		}
		return r
	}
	c.kernel = func() Result {
		in := f.in()
		o, st := p.modes[c.thread].SeFilterToken(kernel.SeFilterTokenIn{ExistingToken: p.held[i], Flags: in.Flags,
			SIDsToDisable: in.SIDsToDisable, PrivilegesToDelete: in.PrivilegesToDelete,
			RestrictedSIDs: in.RestrictedSIDs})
		if !st.IsSuccess() {
			return failed(st)
		}
		p.held = append(p.held, o)
		return Result{Status: st, Token: p.id(o)}
	}
	return true
}

// filter draws the parts that a token loses.
func (a *args) filter() Filter {
	f := Filter{Flags: choose[uint32](a, 0, 0, 0, 1, 2, 4, 8, 8, 12), Marked: a.coin(20)}
	if a.coin(20) {
		f.Flags |= 16
	}
	names := []Name{Service, Alice, Users, Staff, Admins, Everyone, LogonSID}
	for range a.n(3) {
		f.Disable = append(f.Disable, choose(a, names...))
	}
	for range a.n(3) {
		f.Delete |= privs(choose(a, interesting...))
	}
	if a.coin(3) {
		for range 1 + a.n(2) {
			f.Restrict = append(f.Restrict, choose(a, append(names, Limit)...))
		}
	}
	return f
}

// in returns the kernel's form of a filter.
func (f *Filter) in() nt.FilterTokenIn {
	in := nt.FilterTokenIn{SIDsToDisable: nt.Cap(groupsOf(f.Disable)), RestrictedSIDs: nt.Cap(groupsOf(f.Restrict)),
		Flags: f.Flags}
	if f.Marked && len(f.Restrict) > 0 {
		in.RestrictedSIDs.V[len(f.Restrict)-1].Attributes = winnt.SE_GROUP_ENABLED
	}
	for _, v := range interesting {
		if f.Delete.has(v) {
			in.PrivilegesToDelete.V = append(in.PrivilegesToDelete.V, nt.LUIDAndAttributes{LUID: v.LUID()})
		}
	}
	return in
}
