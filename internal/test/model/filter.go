package model

import (
	"slices"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Filter says what a filtered token is to lose.
type Filter struct {
	Flags    uint32
	Disable  []Name
	Delete   Privileges
	Restrict []Name // nil: no list
	Marked   bool   // a restricting SID has attributes
}

// FilterToken models NtFilterToken (T-60 to T-64).
func (m *Machine) FilterToken(c Caller, h winnt.Handle, f Filter) Result {
	var s Slot
	if r, over := refuse("NtFilterToken", append(m.filters(f),
		m.handle(c, "T-60", "ExistingTokenHandle", h, winnt.TOKEN_DUPLICATE, isToken, &s))...); over {
		return r
	}
	return m.opened(c, m.newFiltered(c, s.Token, f), s.Granted, 0)
}

// filters returns the conditions about the filter itself: its flags are known, and its restricting SIDs have no
// attributes (T-60, T-63).
func (m *Machine) filters(f Filter) []refusal {
	return []refusal{
		when("T-60", "Flags outside", ntstatus.InvalidParameter, func() bool { return f.Flags > 15 }),
		when("T-63", "", ntstatus.InvalidParameter, func() bool { return f.Marked && len(f.Restrict) > 0 }),
		when("O-81", "", ntstatus.InsufficientResources, func() bool { return m.fails("se: filter token") })}
}

func (m *Machine) newFiltered(c Caller, old *Token, f Filter) *Token {
	return m.filtered(old, f, defaultGuard(c.subject().token, &tokenKind, nil))
}

// Filtered models SeFilterToken, which looks at no handle; the token is nil if it fails.
func (m *Machine) Filtered(c Caller, old *Token, f Filter) (Result, *Token) {
	if r, over := refuse("SeFilterToken", m.filters(f)...); over {
		return r, nil
	}
	return Result{}, m.newFiltered(c, old, f)
}

// filtered returns v after a filter (T-61 to T-66).
func (v *Value) filtered(f Filter) Value {
	n := v.copy()
	// A SID to disable turns its entries, the user's among them, to deny only
	// (T-61).
	lua := f.Flags&winnt.LUA_TOKEN != 0
	disable := slices.Clone(f.Disable)
	if lua {
		disable = append(disable, Admins) // the one administrative group of the model (T-65)
	}
	for _, d := range disable {
		if d == n.User && !n.UserDeny {
			n.UserDeny, n.Filtered = true, true
		}
		for i := range n.Groups {
			if g := &n.Groups[i]; g.Name == d && !g.DenyOnly {
				g.Enabled, g.Default, g.DenyOnly, n.Filtered = false, false, true, true
			}
		}
	}
	// A privilege to delete goes, and with DISABLE_MAX_PRIVILEGE all but one
	// (T-62).
	gone := f.Delete & v.Held
	if f.Flags&winnt.DISABLE_MAX_PRIVILEGE != 0 {
		gone = v.Held &^ privs(winnt.SeChangeNotifyPrivilege)
	}
	if lua {
		// A limited token keeps five privileges, and no integrity above Medium (T-65).
		gone |= v.Held &^ privs(winnt.SeShutdownPrivilege, winnt.SeChangeNotifyPrivilege, winnt.SeUndockPrivilege,
			winnt.SeIncreaseWorkingSetPrivilege, winnt.SeTimeZonePrivilege)
		n.Filtered = n.Filtered || v.Integrity > medium
		n.Integrity, n.Elevation = min(n.Integrity, medium), winnt.TokenElevationTypeLimited
	}
	n.Inert = n.Inert || f.Flags&winnt.SANDBOX_INERT != 0
	n.Held &^= gone
	n.Enabled &^= gone
	n.ByDefault &^= gone
	n.Filtered = n.Filtered || gone != 0
	// Restricting a restricted token leaves what both lists share (T-63).
	if len(f.Restrict) > 0 {
		list := slices.Clone(f.Restrict)
		if v.restricted() {
			list = slices.DeleteFunc(list, func(x Name) bool { return !slices.Contains(v.Restricted, x) })
		}
		n.Barred = slices.Concat(v.Barred, v.Restricted)
		n.Restricted, n.Filtered = append([]Name{}, list...), true
		// A restriction of writing counts with a list, and loosens no full one (T-64, T-68).
		n.Writing = f.Flags&winnt.WRITE_RESTRICTED != 0 && (!v.restricted() || v.Writing)
	}
	if slices.ContainsFunc(n.Groups, func(g Group) bool { return g.Name == n.Owner && g.DenyOnly }) {
		// A default owner that becomes deny-only gives way to the user (T-66).
		n.Owner = n.User
	}
	return n
}
