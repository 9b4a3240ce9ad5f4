package model

import (
	"slices"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// GroupChange is one entry of NewState.
type GroupChange struct {
	Name   Name
	Enable bool
}

// AdjustGroups models NtAdjustGroupsToken (T-74, T-75). Number is the length
// needed.
func (m *Machine) AdjustGroups(c Caller, h winnt.Handle, reset bool, changes []GroupChange, previous bool,
	length uint32) Result {
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
	var was []token.Group
	for i := range groups {
		if groups[i] != v.Groups[i] {
			was = append(was, group(v.Groups[i].Name, v.Groups[i].attributes()))
		}
	}
	if previous {
		if r.Number = uint64(8 + sizeOf(was)); uint64(length) < r.Number {
			return Result{Status: ntstatus.BufferTooSmall, Number: r.Number}
		}
		r.Out = printed(was)
	}
	if was != nil {
		m.set(s.Token, func(v *Value) { v.Groups = groups })
	}
	return r
}
