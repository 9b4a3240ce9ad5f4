package model

import (
	"fmt"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

func filterToken(p *Pair, c *call, a *args) bool {
	c.mode(a)
	h, f := p.handle(c, a, isToken), Filter{Max: a.coin(5)}
	names := []Name{Service, Alice, Users, Staff, Admins, Everyone}
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
	c.text = fmt.Sprintf("%s(%s, %+v)", c.name("FilterToken"), h, f)
	c.model = func() Result { return p.M.FilterToken(p.caller(c), h, f) }
	c.kernel = func() Result {
		in := nt.FilterTokenIn{ExistingTokenHandle: h, SIDsToDisable: nt.Cap(groupsOf(f.Disable)), RestrictedSIDs: nt.Cap(groupsOf(f.Restrict))}
		if f.Max {
			in.Flags = winnt.DISABLE_MAX_PRIVILEGE
		}
		for _, v := range interesting {
			if f.Delete.has(v) {
				in.PrivilegesToDelete.V = append(in.PrivilegesToDelete.V, nt.LUIDAndAttributes{LUID: v.LUID()})
			}
		}
		out, st := p.services(c).NtFilterToken(in)
		return p.result(c, out.NewTokenHandle, st)
	}
	return true
}

func groupsOf(list []Name) (out []token.Group) {
	for _, n := range list {
		out = append(out, token.Group{SID: sids[n]})
	}
	return out
}

func adjustGroups(p *Pair, c *call, a *args) bool {
	c.mode(a)
	h, reset, previous := p.handle(c, a, isToken), a.coin(5), a.coin(2)
	var changes []GroupChange
	for range 1 + a.n(3) {
		changes = append(changes, GroupChange{choose(a, Users, Staff, Admins, Everyone, Alice, Service), a.coin(2)})
	}
	c.text = fmt.Sprintf("%s(%s, reset %t, %v, previous %t)", c.name("AdjustGroupsToken"), h, reset, changes, previous)
	c.model = func() Result { return p.M.AdjustGroups(p.caller(c), h, reset, changes, previous) }
	c.kernel = func() Result {
		in := nt.AdjustGroupsTokenIn{TokenHandle: h, ResetToDefault: reset, BufferLength: 1 << 16, WantPrevious: previous}
		for _, ch := range changes {
			g := token.Group{SID: sids[ch.Name]}
			if ch.Enable {
				g.Attributes = winnt.SE_GROUP_ENABLED
			}
			in.NewState.V = append(in.NewState.V, g)
		}
		out, st := p.services(c).NtAdjustGroupsToken(in)
		r := Result{Status: st}
		if st.IsSuccess() {
			r.Number = uint64(len(out.PreviousState))
		}
		return r
	}
	return true
}

func impersonateThread(p *Pair, c *call, a *args) bool {
	c.mode(a)
	server, client := p.handle(c, a, isThread, winnt.NtCurrentThread), p.handle(c, a, isThread, winnt.NtCurrentThread)
	q, dynamic := QOS{choose[winnt.SecurityImpersonationLevel](a, 0, 1, 2, 2, 3, 4), a.coin(3)}, a.coin(2)
	if s, st := p.M.reference(p.caller(c), server, 0, isThread); st == 0 {
		c.target = p.index(s.Thread)
	}
	c.text = fmt.Sprintf("%s(server %s, client %s, %+v, dynamic %t)", c.name("ImpersonateThread"), server, client, q, dynamic)
	c.model = func() Result { return p.M.ImpersonateThread(p.caller(c), server, client, q, dynamic) }
	c.kernel = func() Result {
		_, st := p.services(c).NtImpersonateThread(nt.ImpersonateThreadIn{ServerThreadHandle: server, ClientThreadHandle: client,
			SecurityQos: nt.Cap(&nt.SecurityQualityOfService{ImpersonationLevel: q.Level, ContextTrackingMode: dynamic, EffectiveOnly: q.EffectiveOnly})})
		return Result{Status: st}
	}
	return true
}

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

func duplicateObject(p *Pair, c *call, a *args) bool {
	c.user = true
	from, to := p.handle(c, a, isProcess, winnt.NtCurrentProcess), p.handle(c, a, isProcess, winnt.NtCurrentProcess)
	if a.coin(12) {
		to = 0
	}
	h := p.handle(c, a, (*Slot).used, winnt.NtCurrentProcess, winnt.NtCurrentThread)
	desired, attributes := tokenMask(a), choose[uint32](a, 0, winnt.OBJ_INHERIT)
	options := choose[uint32](a, 0, winnt.DUPLICATE_SAME_ACCESS, winnt.DUPLICATE_SAME_ACCESS|winnt.DUPLICATE_CLOSE_SOURCE, winnt.DUPLICATE_CLOSE_SOURCE, winnt.DUPLICATE_SAME_ATTRIBUTES)
	c.duplicates = true
	c.closes = options&winnt.DUPLICATE_CLOSE_SOURCE != 0
	target := c.thread
	if s, st := p.M.reference(p.caller(c), to, 0, isProcess); st == 0 {
		target = p.index(s.Process.Threads[0])
	}
	c.text = fmt.Sprintf("%s(from %s, %s, to %s, %#x, %#x, options %d)", c.name("DuplicateObject"), from, h, to, uint32(desired), attributes, options)
	c.model = func() Result { return p.M.DuplicateObject(p.caller(c), from, h, to, desired, attributes, options) }
	c.kernel = func() Result {
		out, st := p.services(c).NtDuplicateObject(nt.DuplicateObjectIn{SourceProcessHandle: from, SourceHandle: h, TargetProcessHandle: to, DesiredAccess: desired, HandleAttributes: attributes, Options: nt.DuplicateOptions(options)})
		r := Result{Status: st}
		if st.IsSuccess() && to != 0 {
			r.Handle = out.TargetHandle
			r.Token, r.Granted, _ = p.named(target, r.Handle)
		}
		return r
	}
	return true
}
