package token

import (
	"math/bits"

	"github.com/refmon/refmon/internal/sidset"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// PrivilegeChange is a LUID_AND_ATTRIBUTES of NtAdjustPrivilegesToken.
// SE_PRIVILEGE_ENABLED enables the privilege, and SE_PRIVILEGE_REMOVED removes
// it permanently. Without either the change disables it.
type PrivilegeChange struct {
	LUID       winnt.LUID
	Attributes uint32
}

// AdjustPrivileges enables, disables and removes privileges (T-71). With disableAll it ignores the changes and
// disables every privilege. No change adds a privilege (T-72).
//
// The status is STATUS_SUCCESS, or STATUS_NOT_ALL_ASSIGNED (a success) if a change names a privilege that the token
// does not hold. The other changes are then applied. If nothing changes, AdjustPrivileges returns the receiver with
// its old ModifiedId. previous has the old attributes of the changed privileges, in ascending order. Passed as changes
// it restores them, except removed ones.
func (t *Token) AdjustPrivileges(modified winnt.LUID, disableAll bool, changes []PrivilegeChange) (after *Token,
	previous []PrivilegeChange, status ntstatus.Status) {
	present, enabled := t.present, t.enabled
	// Disabling all ignores the list (T-71).
	if disableAll {
		enabled = 0
		changes = nil
	}
	for _, c := range changes {
		if c.LUID > winnt.LUID(winnt.LastPrivilege) || !present.Has(winnt.Privilege(c.LUID)) {
			// A privilege not held is skipped (T-71), never added (T-72).
			status = ntstatus.NotAllAssigned
			continue
		}
		bit := winnt.Privilege(c.LUID).Bit()
		switch {
		case c.Attributes&winnt.SE_PRIVILEGE_REMOVED != 0:
			// A privilege marked removed goes, enabled or not (T-71).
			present &^= bit
			enabled &^= bit
		case c.Attributes&winnt.SE_PRIVILEGE_ENABLED != 0:
			enabled |= bit
		default:
			enabled &^= bit
		}
	}
	// A privilege named twice counts as the last change left it.
	changed := (present ^ t.present) | (enabled ^ t.enabled)
	// An adjustment that changes nothing leaves ModifiedId alone (T-72).
	if changed == 0 {
		return t, nil, status
	}
	after = new(Token)
	*after = *t
	after.present, after.enabled, after.byDefault, after.modified = present, enabled, t.byDefault&present, modified
	return after, t.previous(changed), status
}

// previous returns the state before an adjustment: each privilege in changed with the attributes that it has in t, in
// ascending order. changed must not be empty.
func (t *Token) previous(changed winnt.PrivilegeSet) []PrivilegeChange {
	if changed&(changed-1) == 0 { // one: the usual call
		for p := winnt.FirstPrivilege; ; p++ {
			if changed.Has(p) {
				return []PrivilegeChange{{p.LUID(), t.privilegeAttributes(p)}}
			}
		}
	}
	var out []PrivilegeChange
	for p := range changed.All {
		out = append(out, PrivilegeChange{p.LUID(), t.privilegeAttributes(p)})
	}
	return out
}

// privilegeAttributes returns the SE_PRIVILEGE_* bits of a privilege that the token holds. A token never stores
// USED_FOR_ACCESS, which concerns one call.
func (t *Token) privilegeAttributes(p winnt.Privilege) (attributes uint32) {
	if t.byDefault.Has(p) {
		attributes |= winnt.SE_PRIVILEGE_ENABLED_BY_DEFAULT
	}
	if t.enabled.Has(p) {
		attributes |= winnt.SE_PRIVILEGE_ENABLED
	}
	return attributes
}

// Privileges yields the privileges that the token holds, in ascending order,
// with their SE_PRIVILEGE_* attributes (class 3).
func (t *Token) Privileges() func(yield func(winnt.Privilege, uint32) bool) {
	return func(yield func(winnt.Privilege, uint32) bool) {
		for p := range t.present.All {
			if !yield(p, t.privilegeAttributes(p)) {
				return
			}
		}
	}
}

// PrivilegeCount returns the number of privileges that the token holds
// (TOKEN_STATISTICS).
func (t *Token) PrivilegeCount() int { return bits.OnesCount64(uint64(t.present)) }

// AdjustGroups enables and disables groups. It uses only SE_GROUP_ENABLED of a change (T-75). If a SID is in the token
// more than once, every entry changes. With reset it ignores the changes and returns every group that is neither
// mandatory nor deny-only to its default, but never disables the logon SID. previous has the old attributes of the
// changed groups, in the token's order. The statuses are:
//   - STATUS_SUCCESS if all changes were applied
//   - STATUS_NOT_ALL_ASSIGNED (a success) if a change names a group that the token does not have. The other changes
//     are applied.
//   - STATUS_CANT_DISABLE_MANDATORY for a mandatory group, the user, the logon SID and the integrity entry.
//     AdjustGroups then changes nothing and returns the receiver.
//   - STATUS_CANT_ENABLE_DENY_ONLY for a deny-only group. AdjustGroups then changes nothing and returns the receiver.
func (t *Token) AdjustGroups(modified winnt.LUID, reset bool, changes []Group) (after *Token, previous []Group,
	status ntstatus.Status) {
	enabled := append(sidset.Bits(nil), t.groups.enabled...)
	if reset {
		t.resetGroups(enabled)
		changes = nil
	}
	for _, c := range changes { // T-75: a dry run, enabled is a copy
		first := t.index(c.SID)
		if first < 0 {
			status = ntstatus.NotAllAssigned
			continue
		}
		for i := range t.sameSIDIndexes(first) {
			if st := t.adjustGroup(enabled, i, c.Attributes&winnt.SE_GROUP_ENABLED != 0); st != ntstatus.Success {
				return t, nil, st
			}
		}
	}
	for i, g := range t.Groups() {
		if enabled.Has(i) != t.groups.enabled.Has(i) {
			previous = append(previous, g)
		}
	}
	if previous == nil {
		return t, nil, status
	}
	after = new(Token)
	*after = *t
	after.modified = modified
	after.groups = &groups{enabled: enabled, alive: t.groups.alive}
	after.groups.allow, after.groups.deny = t.body.matchBits(enabled, t.groups.alive, t.integrityAt)
	return after, previous, status
}

// adjustGroup enables or disables the user or a group in enabled, a copy of the token's bitmap. index is the position
// of the group. If the change is not allowed, the status says why and the bitmap is unchanged. Enabling the user or
// the integrity entry succeeds without effect.
func (t *Token) adjustGroup(enabled sidset.Bits, index int, enable bool) ntstatus.Status {
	state := groupState(Group{Attributes: t.body.attrs[index]})
	// ENABLED does not matter for two entries: the user always matches, the integrity entry never does.
	fixed := index == 0 || index == int(t.integrityAt)
	// They cannot be disabled, nor can the logon SID, as if they were mandatory (T-75).
	state.mandatory = state.mandatory || fixed || isLogon(t.body.attrs[index])
	on, st := state.adjust(enable)
	switch {
	case st != ntstatus.Success || fixed:
	case on:
		enabled.Set(index)
	default:
		enabled.Clear(index)
	}
	return st
}

// resetGroups sets enabled, a copy of the token's bitmap of enabled groups, to the groups that are enabled by
// default. It skips mandatory and deny-only groups and the integrity entry, and never disables the logon SID (T-75).
func (t *Token) resetGroups(enabled sidset.Bits) {
	for i := range t.Groups() {
		a := t.body.attrs[i]
		if a&(winnt.SE_GROUP_MANDATORY|winnt.SE_GROUP_USE_FOR_DENY_ONLY|winnt.SE_GROUP_INTEGRITY) != 0 {
			// A reset skips the groups that no adjustment may change (T-75).
			continue
		}
		switch {
		case a&winnt.SE_GROUP_ENABLED_BY_DEFAULT != 0:
			enabled.Set(i)
		case !isLogon(a):
			// The logon SID cannot be disabled (T-75).
			enabled.Clear(i)
		}
	}
}

// isLogon reports whether the attributes of a group mark it as the logon SID.
func isLogon(attributes uint32) bool {
	return attributes&winnt.SE_GROUP_LOGON_ID == winnt.SE_GROUP_LOGON_ID
}

// sameSIDIndexes yields the indexes of the user and groups that have the same SID as one of them, because a token can
// have a SID twice. It skips entries that EffectiveOnly removed.
func (t *Token) sameSIDIndexes(index int) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		first := index
		for at, f := range t.body.set.Duplicates() {
			if at == index {
				first = f
			}
		}
		if t.groups.alive.Has(first) && !yield(first) {
			return
		}
		for at, f := range t.body.set.Duplicates() {
			if f == first && t.groups.alive.Has(at) && !yield(at) {
				return
			}
		}
	}
}
