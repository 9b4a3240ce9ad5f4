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
	var s Slot
	var groups []Group
	var was []token.Group
	var r Result
	if r, over := refuse("NtAdjustGroupsToken", m.handle(c, "T-74", "TokenHandle", h, want, isToken, &s),
		several("T-75", "is to be disabled", func() (st ntstatus.Status) {
			groups, r.Status, st = s.Token.Value.groupsAfter(reset, changes)
			return st
		}),
		refusal{rule: "T-74", text: "BufferLength", ends: func() (Result, bool) {
			for i, g := range s.Token.Value.Groups {
				if groups[i] != g {
					was = append(was, group(g.Name, g.attributes()))
				}
			}
			if previous {
				r.Number, r.Out = uint64(8+sizeOf(was)), printed(was)
			}
			return Result{Status: ntstatus.BufferTooSmall, Number: r.Number}, uint64(length) < r.Number && previous
		}}); over {
		return r
	}
	if was != nil {
		m.set(s.Token, func(v *Value) { v.Groups = groups })
	}
	return r
}

// groupsAfter returns the groups after changes. all is STATUS_NOT_ALL_ASSIGNED if the token does not have all of
// those listed. The first change that a group does not take decides the failure st, and groups is then nil (T-75).
func (v *Value) groupsAfter(reset bool, changes []GroupChange) (groups []Group, all, st ntstatus.Status) {
	groups = slices.Clone(v.Groups)
	if reset {
		for i := range groups {
			if !groups[i].DenyOnly && !groups[i].fixed() {
				groups[i].Enabled = groups[i].Default
			}
		}
		return groups, 0, 0
	}
	for _, ch := range changes {
		i := slices.IndexFunc(groups, func(g Group) bool { return g.Name == ch.Name })
		switch {
		case ch.Name == v.User && !ch.Enable:
			return nil, 0, ntstatus.CantDisableMandatory
		case ch.Name == v.User && v.UserDeny:
			return nil, 0, ntstatus.CantEnableDenyOnly
		case ch.Name == v.User:
		case i < 0:
			all = ntstatus.NotAllAssigned
		case groups[i].fixed() && !ch.Enable:
			return nil, 0, ntstatus.CantDisableMandatory
		case groups[i].DenyOnly && ch.Enable:
			return nil, 0, ntstatus.CantEnableDenyOnly
		case !groups[i].DenyOnly:
			groups[i].Enabled = ch.Enable
		}
	}
	return groups, all, 0
}
