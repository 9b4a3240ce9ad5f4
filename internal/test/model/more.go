package model

import (
	"slices"

	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Filter is what a filtered token is to lose.
type Filter struct {
	Max      bool // DISABLE_MAX_PRIVILEGE
	Disable  []Name
	Delete   Privileges
	Restrict []Name // nil: no list
}

// FilterToken is NtFilterToken (T-60 to T-64).
func (m *Machine) FilterToken(c Caller, h winnt.Handle, f Filter) Result {
	s, st := m.reference(c, h, winnt.TOKEN_DUPLICATE, isToken)
	if st != ntstatus.Success {
		return failed(st)
	}
	if m.fails("se: filter token") {
		return failed(ntstatus.InsufficientResources)
	}
	m.modified++
	v := s.Token.Value.filtered(f)
	v.Modified = m.modified
	t := m.newToken(v, defaultGuard(c.subject().token, &tokenKind, nil), s.Token)
	if s.Token.Value.Type == winnt.TokenPrimary {
		t.Chain = s.Token.Chain
	}
	return m.opened(c, t, s.Granted, 0)
}

// filtered is T-61 to T-66.
func (v *Value) filtered(f Filter) Value {
	n := v.copy()
	for _, d := range f.Disable { // T-61
		if d == n.User && !n.UserDeny {
			n.UserDeny, n.Filtered = true, true
		}
		for i := range n.Groups {
			if g := &n.Groups[i]; g.Name == d && !g.DenyOnly {
				*g, n.Filtered = Group{Name: d, DenyOnly: true}, true
			}
		}
	}
	gone := f.Delete & v.Held // T-62
	if f.Max {
		gone = v.Held &^ privs(winnt.SeChangeNotifyPrivilege)
	}
	n.Held &^= gone
	n.Enabled &^= gone
	n.Filtered = n.Filtered || gone != 0
	if len(f.Restrict) > 0 { // T-63
		list := slices.Clone(f.Restrict)
		if v.restricted() {
			list = slices.DeleteFunc(list, func(x Name) bool { return !slices.Contains(v.Restricted, x) })
		}
		n.Barred = slices.Concat(v.Barred, v.Restricted)
		n.Restricted, n.Filtered = append([]Name{}, list...), true
	}
	if slices.ContainsFunc(n.Groups, func(g Group) bool { return g.Name == n.Owner && g.DenyOnly }) {
		n.Owner = n.User // T-66
	}
	return n
}

// GroupChange is one entry of NewState.
type GroupChange struct {
	Name   Name
	Enable bool
}

// AdjustGroups is NtAdjustGroupsToken (T-74, T-75). Number is how many groups
// changed.
func (m *Machine) AdjustGroups(c Caller, h winnt.Handle, reset bool, changes []GroupChange, previous bool) Result {
	want := winnt.TOKEN_ADJUST_GROUPS
	if previous {
		want |= winnt.TOKEN_QUERY
	}
	s, st := m.reference(c, h, want, isToken)
	if st != ntstatus.Success {
		return failed(st)
	}
	v := &s.Token.Value
	groups := slices.Clone(v.Groups)
	missing := false
	if reset {
		for i := range groups {
			if !groups[i].DenyOnly {
				groups[i].Enabled = groups[i].Default
			}
		}
	} else {
		for _, ch := range changes {
			i := slices.IndexFunc(groups, func(g Group) bool { return g.Name == ch.Name })
			switch {
			case ch.Name == v.User && !ch.Enable:
				return failed(ntstatus.CantDisableMandatory)
			case ch.Name == v.User && v.UserDeny:
				return failed(ntstatus.CantEnableDenyOnly)
			case ch.Name == v.User:
			case i < 0:
				missing = true
			case groups[i].DenyOnly && ch.Enable:
				return failed(ntstatus.CantEnableDenyOnly)
			case !groups[i].DenyOnly:
				groups[i].Enabled = ch.Enable
			}
		}
	}
	r := Result{}
	if missing {
		r.Status = ntstatus.NotAllAssigned
	}
	changed := 0
	for i := range groups {
		if groups[i] != v.Groups[i] {
			changed++
		}
	}
	if previous {
		r.Number = uint64(changed)
	}
	if changed > 0 {
		m.modified++
		v.Groups, v.Modified = groups, m.modified
	}
	return r
}

// ImpersonateThread is NtImpersonateThread (I-73).
func (m *Machine) ImpersonateThread(c Caller, server, client winnt.Handle, q QOS, dynamic bool) Result {
	s, st := m.reference(c, server, winnt.THREAD_DIRECT_IMPERSONATION, isThread)
	if st != ntstatus.Success {
		return failed(st)
	}
	t, st := m.reference(c, client, winnt.THREAD_IMPERSONATE, isThread)
	if st != ntstatus.Success {
		return failed(st)
	}
	if r := m.Capture(t.Thread, q, dynamic, false, s.Thread.Process); r.Status != ntstatus.Success {
		return failed(r.Status)
	}
	last := len(m.Contexts) - 1
	r := m.ImpersonateContext(last, s.Thread)
	m.DeleteContext(last)
	return r
}

// ImpersonateAnonymous is NtImpersonateAnonymousToken (I-74).
func (m *Machine) ImpersonateAnonymous(c Caller, thread winnt.Handle) Result {
	s, st := m.reference(c, thread, winnt.THREAD_IMPERSONATE, isThread)
	if st != ntstatus.Success {
		return failed(st)
	}
	if !c.KernelMode && c.Process.Primary.Value.restricted() {
		return failed(ntstatus.AccessDenied)
	}
	v := Value{User: Anonymous, Owner: Anonymous, Primary: Anonymous, Type: winnt.TokenPrimary, Logon: 0x3E6, FromSystem: true, Elevation: winnt.TokenElevationTypeDefault}
	tok := m.newToken(v, copyGuard(&v, &s.Thread.Process.Primary.Value), nil)
	r := m.Impersonate(s.Thread, tok, true, false, 2)
	return r
}

// DuplicateObject is NtDuplicateObject from user mode (O-50 to O-57).
func (m *Machine) DuplicateObject(c Caller, from, h, to winnt.Handle, desired winnt.AccessMask, attributes, options uint32) Result {
	source, st := m.reference(c, from, 0x40, isProcess)
	if st != ntstatus.Success {
		return failed(st)
	}
	closing := options&winnt.DUPLICATE_CLOSE_SOURCE != 0
	if closing && to != 0 {
		defer m.closeIn(source.Process, h) // O-52
	}
	var target Slot
	if to != 0 {
		if target, st = m.reference(c, to, 0x40, isProcess); st != ntstatus.Success {
			return failed(st)
		}
	}
	s := m.sourceHandle(c, source.Process, h)
	switch {
	case s == nil:
		return failed(ntstatus.InvalidHandle)
	case to == 0 && closing:
		return m.closeIn(source.Process, h) // O-51
	case to == 0:
		return failed(ntstatus.InvalidParameter)
	}
	n := *s
	if options&winnt.DUPLICATE_SAME_ACCESS == 0 {
		if n.Granted, st = m.duplicateRights(c, s, target.Process, desired); st != ntstatus.Success {
			return failed(st)
		}
	}
	n.Inherit = attributes&winnt.OBJ_INHERIT != 0
	if options&winnt.DUPLICATE_SAME_ATTRIBUTES != 0 {
		n.Inherit = s.Inherit
	}
	v := target.Process.Handles.Insert(n)
	r := Result{Handle: v, Granted: n.Granted}
	if n.Token != nil {
		r.Token = n.Token.ID
	}
	return r
}

// closeIn closes a handle of a process; closing a pseudo handle does nothing.
func (m *Machine) closeIn(p *Process, h winnt.Handle) Result {
	if h < 0 && h != -3 && h >= -6 || p.Handles.Close(h) {
		return Result{}
	}
	return failed(ntstatus.InvalidHandle)
}

// sourceHandle is O-16 and O-57.
func (m *Machine) sourceHandle(c Caller, p *Process, h winnt.Handle) *Slot {
	switch {
	case h == winnt.NtCurrentProcess:
		return &Slot{Process: p, Granted: 0x1FFFFF}
	case h == winnt.NtCurrentThread && p == c.Process:
		return &Slot{Thread: c.Thread, Granted: c.Self}
	case h < 0:
		return nil
	}
	if s := p.Handles.Find(h); s != nil {
		n := *s
		return &n
	}
	return nil
}

// duplicateRights are O-54 to O-56.
func (m *Machine) duplicateRights(c Caller, s *Slot, target *Process, desired winnt.AccessMask) (winnt.AccessMask, ntstatus.Status) {
	if desired&reserved != 0 {
		return 0, ntstatus.AccessDenied
	}
	k, guard := &fileKind, (*Descriptor)(nil)
	switch {
	case s.Token != nil:
		k, guard = &tokenKind, s.Token.Guard
	case s.Thread != nil:
		k, guard = &threadKind, s.Thread.Guard
	case s.Process != nil:
		k, guard = &processKind, s.Process.Guard
	}
	want := k.mapped(desired) & (k.valid | saclBit)
	switch {
	case want&^s.Granted == 0:
		return k.implied(want), ntstatus.Success // O-55, O-36
	case k == &fileKind:
		return 0, ntstatus.AccessDenied // O-56
	}
	who := c.subject()
	if m.Profile == nt.Observed && !who.client {
		who = subject{token: &target.Primary.Value} // O-56 Observed
	}
	return open(who, guard, want, k)
}
