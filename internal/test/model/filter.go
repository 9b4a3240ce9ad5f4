package model

import (
	"slices"

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
