package model

import (
	"slices"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// GroupChange is one entry of NewState.
type GroupChange struct {
	Name   Name
	Enable bool
}

// AdjustGroups models NtAdjustGroupsToken (T-74, T-75). Number is how many groups
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
			if !groups[i].DenyOnly && !groups[i].fixed() {
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
			case groups[i].fixed() && !ch.Enable:
				return failed(ntstatus.CantDisableMandatory)
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
		m.set(s.Token, func(v *Value) { v.Groups = groups })
	}
	return r
}
