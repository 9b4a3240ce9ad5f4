package token

import (
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Flags returns the TOKEN_* flags of the token. It computes the flags that
// mirror other data of the token from that data, so they cannot disagree (T-1).
func (t *Token) Flags() uint32 {
	f := t.stored
	for _, m := range [...]struct {
		p    winnt.Privilege
		flag uint32
	}{
		{winnt.SeChangeNotifyPrivilege, winnt.TOKEN_HAS_TRAVERSE_PRIVILEGE},
		{winnt.SeBackupPrivilege, winnt.TOKEN_HAS_BACKUP_PRIVILEGE},
		{winnt.SeRestorePrivilege, winnt.TOKEN_HAS_RESTORE_PRIVILEGE},
		{winnt.SeImpersonatePrivilege, winnt.TOKEN_HAS_IMPERSONATE_PRIVILEGE},
	} {
		// The flag is about an enabled privilege, not one that is only held (T-1).
		if t.enabled.Has(m.p) {
			f |= m.flag
		}
	}
	// The flag for restricting SIDs agrees with the list (T-1).
	if t.IsRestricted() {
		f |= winnt.TOKEN_IS_RESTRICTED
	}
	// An integrity above Low shows as TOKEN_NOT_LOW (T-1).
	if t.integrity > winnt.SECURITY_MANDATORY_LOW_RID {
		f |= winnt.TOKEN_NOT_LOW
	}
	// TOKEN_LOWBOX follows from the package (T-1).
	if t.IsAppContainer() {
		f |= winnt.TOKEN_LOWBOX
	}
	return f
}

// IsAdmin implements SeTokenIsAdmin. It reports whether BUILTIN\Administrators
// is one of the groups, enabled or not, and not deny-only. In a restricted
// token it must also be a restricting SID.
func (t *Token) IsAdmin() bool {
	h := sid.Administrators.Hash()
	first := t.body.set.Find(h, sid.Administrators)
	// The group Administrators must be present and not deny-only (T-103).
	if first < 0 || !t.inForce(first) {
		return false
	}
	// A restricted token is an administrator's only if both passes would see the
	// group (T-103).
	return t.body.restricted == nil || t.body.restricted.Find(h, sid.Administrators) >= 0
}

// inForce reports whether one of the groups with a SID is neither deny-only nor removed by EffectiveOnly. first is
// the lowest index of that SID.
func (t *Token) inForce(first int) bool {
	if t.groups.alive.Has(first) && !t.body.denyOnly.Has(first) {
		return true
	}
	for at, f := range t.body.set.Duplicates() {
		if f == first && t.groups.alive.Has(at) && !t.body.denyOnly.Has(at) {
			return true
		}
	}
	return false
}

// IsElevated reports whether the token is elevated (class 20): it is the full token of a linked pair, or has no
// linked token and an integrity level of High or above.
func (t *Token) IsElevated() bool {
	switch t.body.elevation {
	case winnt.TokenElevationTypeFull:
		return true
	// For a token outside a linked pair the integrity decides, which only an elevated logon or a service has.
	case winnt.TokenElevationTypeDefault:
		return t.integrity >= winnt.SECURITY_MANDATORY_HIGH_RID
	}
	return false
}

// IsSandboxed reports whether the token is sandboxed (class 47): it is an AppContainer's, write-restricted, or
// filtered by LUA_TOKEN.
func (t *Token) IsSandboxed() bool {
	// TOKEN_IS_FILTERED alone is not enough: a filter that only drops privileges sets
	// it too, and makes no sandbox.
	lua := t.IsFiltered() && t.body.elevation == winnt.TokenElevationTypeLimited
	return lua || t.IsAppContainer() || t.WriteRestricted()
}

// LogonSID returns the group that identifies the logon, S-1-5-5-x-y with SE_GROUP_LOGON_ID (class 28). ok is false
// for a token without one.
func (t *Token) LogonSID() (group Group, ok bool) {
	for _, g := range t.Groups() {
		if g.Attributes&winnt.SE_GROUP_LOGON_ID == winnt.SE_GROUP_LOGON_ID {
			return g, true
		}
	}
	return Group{}, false
}

// PrivilegeCheck reports whether the privileges of a set are enabled: every one with all, else at least one. used has
// those that are enabled, which get SE_PRIVILEGE_USED_FOR_ACCESS (T-101). For an empty set ok is the value of all.
func (t *Token) PrivilegeCheck(set winnt.PrivilegeSet, all bool) (ok bool, used winnt.PrivilegeSet) {
	// Those of the set that are enabled count, and they are marked as used
	// (T-101).
	used = set & t.enabled
	if all {
		return used == set, used
	}
	return used != 0, used
}
