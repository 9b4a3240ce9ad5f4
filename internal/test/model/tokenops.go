package model

import (
	"fmt"
	"reflect"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// filterToken draws a call of NtFilterToken.
func filterToken(p *Pair, c *call, a *args) bool {
	c.mode(a)
	h, f := p.handle(c, a, a.with(isToken, 2)), a.filter()
	c.text = fmt.Sprintf("%s(%s, %+v)", c.name("FilterToken"), h, f)
	c.model = func() Result { return p.M.FilterToken(p.caller(c), h, f) }
	c.kernel = func() Result {
		in := f.in()
		in.ExistingTokenHandle = h
		out, st := p.services(c).NtFilterToken(in)
		return p.result(c, out.NewTokenHandle, st)
	}
	return true
}

// adjustGroups draws a call of NtAdjustGroupsToken with one to three changes.
func adjustGroups(p *Pair, c *call, a *args) bool {
	c.mode(a)
	h, reset, previous := p.handle(c, a, a.with(isToken, 0x48)), a.coin(5), a.coin(2)
	length := choose[uint32](a, 1<<16, 1<<16, 1<<16, 36, 35, 0)
	var changes []GroupChange
	for range 1 + a.n(3) {
		changes = append(changes, GroupChange{choose(a, Users, Staff, Admins, Everyone, Alice, Service, LogonSID), a.coin(2)})
	}
	c.text = fmt.Sprintf("%s(%s, reset %t, %v, previous %t %d)", c.name("AdjustGroupsToken"), h, reset, changes,
		previous, length)
	c.model = func() Result { return p.M.AdjustGroups(p.caller(c), h, reset, changes, previous, length) }
	c.kernel = func() Result {
		in := nt.AdjustGroupsTokenIn{TokenHandle: h, ResetToDefault: reset, BufferLength: length,
			WantPrevious: previous}
		for _, ch := range changes {
			g := token.Group{SID: sids[ch.Name]}
			if ch.Enable {
				g.Attributes = winnt.SE_GROUP_ENABLED
			}
			in.NewState.V = append(in.NewState.V, g)
		}
		out, st := p.services(c).NtAdjustGroupsToken(in)
		return Result{Status: st, Number: uint64(out.ReturnLength), Out: printed(out.PreviousState)}
	}
	return true
}

func groupsOf(list []Name) (out []token.Group) {
	for _, n := range list {
		out = append(out, token.Group{SID: sids[n]})
	}
	return out
}

// openProcessToken draws a call of NtOpenProcessToken or NtOpenProcessTokenEx.
func openProcessToken(p *Pair, c *call, a *args) bool {
	c.mode(a)
	h, desired, ex := p.handle(c, a, isProcess, winnt.NtCurrentProcess), tokenMask(a), a.coin(2)
	attributes := choose[uint32](a, 0, winnt.OBJ_INHERIT, winnt.OBJ_KERNEL_HANDLE, winnt.OBJ_KERNEL_HANDLE, 0x20)
	c.text = fmt.Sprintf("%s(%s, %#x, ex %t %#x)", c.name("OpenProcessToken"), h, uint32(desired), ex, attributes)
	if !ex {
		attributes = 0
	}
	c.model = func() Result { return p.M.OpenProcessToken(p.caller(c), h, desired, attributes, ex) }
	c.kernel = func() Result {
		if ex {
			out, st := p.services(c).NtOpenProcessTokenEx(nt.OpenProcessTokenExIn{ProcessHandle: h,
				DesiredAccess: desired, HandleAttributes: attributes})
			return p.result(c, out.TokenHandle, st)
		}
		out, st := p.services(c).NtOpenProcessToken(nt.OpenProcessTokenIn{ProcessHandle: h, DesiredAccess: desired})
		return p.result(c, out.TokenHandle, st)
	}
	return true
}

// openThreadToken draws a call of NtOpenThreadToken or NtOpenThreadTokenEx, mostly for a thread that impersonates.
func openThreadToken(p *Pair, c *call, a *args) bool {
	c.mode(a)
	acts := func(s *Slot) bool { return s.Thread != nil && s.Thread.Record != nil && s.Thread.Record.Level > 0 }
	h, desired, ex, self := p.handle(c, a, a.with(acts, 0x40), winnt.NtCurrentThread), tokenMask(a), a.coin(3), a.coin(2)
	attributes := choose[uint32](a, 0, winnt.OBJ_INHERIT, winnt.OBJ_KERNEL_HANDLE, winnt.OBJ_KERNEL_HANDLE, 0x20)
	c.text = fmt.Sprintf("%s(%s, %#x, OpenAsSelf %t, ex %t %#x)", c.name("OpenThreadToken"), h, uint32(desired), self,
		ex, attributes)
	if !ex {
		attributes = 0
	}
	if s, st := p.M.reference(p.caller(c), h, 0, isThread); st == 0 {
		c.target = p.index(s.Thread)
	}
	c.model = func() Result { return p.M.OpenThreadToken(p.caller(c), h, desired, self, attributes, ex) }
	c.kernel = func() Result {
		if ex {
			out, st := p.services(c).NtOpenThreadTokenEx(nt.OpenThreadTokenExIn{ThreadHandle: h, DesiredAccess: desired,
				OpenAsSelf: self, HandleAttributes: attributes})
			return p.result(c, out.TokenHandle, st)
		}
		out, st := p.services(c).NtOpenThreadToken(nt.OpenThreadTokenIn{ThreadHandle: h, DesiredAccess: desired,
			OpenAsSelf: self})
		return p.result(c, out.TokenHandle, st)
	}
	return true
}

// duplicate draws a call of NtDuplicateToken, rarely with malformed parameters.
func duplicate(p *Pair, c *call, a *args) bool {
	c.mode(a)
	h, desired, effective := p.handle(c, a, a.with(isToken, 2)), tokenMask(a), a.coin(3)
	if a.coin(3) {
		desired = 0
	}
	typ := choose(a, winnt.TokenImpersonation, winnt.TokenImpersonation, winnt.TokenPrimary)
	if a.coin(30) {
		typ = 3
	}
	attributes := choose[uint32](a, 0, 0, winnt.OBJ_INHERIT, winnt.OBJ_KERNEL_HANDLE, 0x8000, 0x22)
	var q *QOS
	if a.coin(2) {
		q = &QOS{choose[winnt.SecurityImpersonationLevel](a, 0, 1, 2, 3, 2, 1, 4), a.coin(2)}
	}
	var guard *Descriptor
	if a.coin(4) {
		guard = newDraw(uint64(a.op.Args[6])).guard()
		guard.Label, guard.Policy = 0, 0 // no label: T-52 is not the model's
		switch a.n(6) {
		case 0:
			guard.Owner = ""
		case 1:
			guard.Group = ""
		case 2:
			guard.Silent, guard.NoDACL, guard.Entries = true, false, nil
		}
	}
	c.text = fmt.Sprintf("%s(%s, %#x, attributes %#x, qos %+v, sd %s, EffectiveOnly %t, type %d)",
		c.name("DuplicateToken"), h, uint32(desired), attributes, q, guard, effective, typ)
	c.model = func() Result { return p.M.Duplicate(p.caller(c), h, desired, attributes, q, guard, effective, typ) }
	c.kernel = func() Result {
		oa := &nt.ObjectAttributes{Attributes: attributes}
		if q != nil {
			oa.SecurityQualityOfService = &nt.SecurityQualityOfService{ImpersonationLevel: q.Level,
				EffectiveOnly: q.EffectiveOnly}
		}
		if guard != nil {
			oa.SecurityDescriptor = descriptor(guard)
		}
		out, st := p.services(c).NtDuplicateToken(nt.DuplicateTokenIn{ExistingTokenHandle: h, DesiredAccess: desired,
			ObjectAttributes: nt.Cap(oa), EffectiveOnly: effective, TokenType: typ})
		return p.result(c, out.NewTokenHandle, st)
	}
	return true
}

// adjust draws a call of NtAdjustPrivilegesToken with one to three changes.
func adjust(p *Pair, c *call, a *args) bool {
	c.mode(a)
	h, all, previous := p.handle(c, a, a.with(isToken, 0x28)), a.coin(6), a.coin(2)
	length := choose[uint32](a, 4096, 4096, 4096, 16, 4)
	var changes []Change
	for range 1 + a.n(3) {
		changes = append(changes, Change{choose(a, interesting...),
			choose[uint32](a, winnt.SE_PRIVILEGE_ENABLED, winnt.SE_PRIVILEGE_ENABLED, 0, winnt.SE_PRIVILEGE_REMOVED)})
	}
	c.text = fmt.Sprintf("%s(%s, all %t, %v, previous %t %d)", c.name("AdjustPrivilegesToken"), h, all, changes,
		previous, length)
	c.model = func() Result { return p.M.AdjustPrivileges(p.caller(c), h, all, changes, previous, length) }
	c.kernel = func() Result {
		in := nt.AdjustPrivilegesTokenIn{TokenHandle: h, DisableAllPrivileges: all, BufferLength: length,
			WantPrevious: previous}
		for _, ch := range changes {
			in.NewState.V = append(in.NewState.V,
				nt.LUIDAndAttributes{LUID: ch.Privilege.LUID(), Attributes: ch.Attributes})
		}
		out, st := p.services(c).NtAdjustPrivilegesToken(in)
		return Result{Status: st, Number: uint64(out.ReturnLength), Out: printed(out.PreviousState)}
	}
	return true
}

func (p *Pair) queryHandle(c *call, a *args) winnt.Handle {
	return p.handle(c, a, isToken, winnt.NtCurrentProcessToken, winnt.NtCurrentThreadToken,
		winnt.NtCurrentEffectiveToken)
}

// query draws a call of NtQueryInformationToken of any class, known or not.
func query(p *Pair, c *call, a *args) bool {
	c.mode(a)
	h := p.queryHandle(c, a)
	class := winnt.TokenInfoClass(a.n(52))
	if a.coin(8) {
		// The class that takes a right of its own, through a handle with one of the two.
		class = winnt.TokenSource
		h = p.handle(c, a, func(s *Slot) bool { return s.Token != nil && s.Granted&0x18 != 0x18 })
	}
	length, short := uint32(1<<16), a.coin(4)
	c.text = fmt.Sprintf("%s(%s, class %d, short %t)", c.name("QueryInformationToken"), h, class, short)
	var want any
	c.model = func() Result {
		return p.M.Query(p.caller(c), h, class, short, func(t *Token) (need uint32, st ntstatus.Status) {
			want, need, st = p.queryToken(t, class)
			if length = need; short { // to the byte
				length--
			}
			return need, st
		})
	}
	c.kernel = func() Result {
		out, st := p.services(c).NtQueryInformationToken(nt.QueryInformationTokenIn{TokenHandle: h,
			TokenInformationClass: class, TokenInformationLength: length})
		return Result{Status: st, Number: uint64(out.ReturnLength),
			Flag: st.IsSuccess() && reflect.DeepEqual(comparable(out.TokenInformation), want)}
	}
	return true
}

func sidsOf(list []Name) (out []sid.SID) {
	for _, n := range list {
		out = append(out, sids[n])
	}
	return out
}
