package access

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Rights that backup and restore intent grant.
const (
	BackupRights = winnt.READ_CONTROL | winnt.ACCESS_SYSTEM_SECURITY | winnt.FILE_GENERIC_READ | winnt.FILE_TRAVERSE
	// RestoreRights has FILE_ADD_FILE and FILE_ADD_SUBDIRECTORY as part of
	// FILE_GENERIC_WRITE. READ_CONTROL and SYNCHRONIZE are in it intentionally.
	RestoreRights = winnt.WRITE_DAC | winnt.WRITE_OWNER | winnt.ACCESS_SYSTEM_SECURITY | winnt.FILE_GENERIC_WRITE |
		winnt.DELETE
)

// grantByPrivilege grants the rights that need only a privilege: backup and restore rights, and
// ACCESS_SYSTEM_SECURITY (stage 0). used has the privileges that granted a right. If ACCESS_SYSTEM_SECURITY is
// requested and not granted, ok is false. This failure precedes every other denial.
func (q *query) grantByPrivilege(requested winnt.AccessMask) (used winnt.PrivilegeSet, ok bool) {
	want := requested
	// With MAXIMUM_ALLOWED an intent grants all its rights, otherwise the requested ones.
	if q.max() { // all of them; A-44
		want = everyBit &^ q.previous
	}
	if q.r.Intent.Backup {
		used |= q.grantByIntent(winnt.SeBackupPrivilege, want&BackupRights)
	}
	if q.r.Intent.Restore {
		used |= q.grantByIntent(winnt.SeRestorePrivilege, want&RestoreRights)
	}
	if requested&sacl&^q.byPrivilege == 0 {
		return used, true
	}
	// Only the privilege gives the right to the SACL, no entry does.
	if !q.who.token.Has(winnt.SeSecurityPrivilege) {
		if q.tr != nil {
			q.tr.notHeld(winnt.SeSecurityPrivilege)
		}
		return used, false
	}
	// The right is granted before the ceiling is known; [query.decide] clips it.
	q.byPrivilege |= sacl
	if q.tr != nil {
		q.tr.privilege(securityHeld, winnt.SeSecurityPrivilege, sacl)
	}
	// A privilege that granted a right is reported.
	return used | winnt.SeSecurityPrivilege.Bit(), true
}

// grantByIntent grants bits because of a declared backup or restore intent, if the token has the privilege enabled. It
// returns the privilege if it granted a bit that no other privilege had granted, else the empty set.
func (q *query) grantByIntent(privilege winnt.Privilege, bits winnt.AccessMask) winnt.PrivilegeSet {
	bits &^= q.byPrivilege
	if bits == 0 || !q.who.token.Has(privilege) {
		return 0
	}
	q.byPrivilege |= bits
	if q.tr != nil {
		q.tr.privilege(intentHeld, privilege, bits)
	}
	return privilege.Bit()
}

// takeOwnership grants WRITE_OWNER if the token has SeTakeOwnershipPrivilege or SeRelabelPrivilege enabled. No
// other privilege takes part in a check. It returns the privilege that it used. If it returns the empty set,
// the DACL decides.
func (q *query) takeOwnership() winnt.PrivilegeSet {
	// Either is enough, and only the one that granted the right is reported as used.
	for _, p := range [...]winnt.Privilege{winnt.SeTakeOwnershipPrivilege, winnt.SeRelabelPrivilege} {
		if q.who.token.Has(p) {
			q.byPrivilege |= winnt.WRITE_OWNER
			if q.tr != nil {
				q.tr.privilege(ownershipHeld, p, winnt.WRITE_OWNER)
			}
			return p.Bit()
		}
	}
	return 0
}

// PrivilegePolicy returns the privileges that a check of the desired rights will use, before there is a descriptor
// . The status is STATUS_PRIVILEGE_NOT_HELD if they include ACCESS_SYSTEM_SECURITY and the token does not have
// SeSecurityPrivilege enabled. It is STATUS_NO_TOKEN without a token. A mandatory ceiling can still remove
// WRITE_OWNER.
func PrivilegePolicy(t *token.Token, desired winnt.AccessMask) (winnt.PrivilegeSet, ntstatus.Status) {
	if t.IsZero() {
		return 0, ntstatus.NoToken
	}
	q := query{who: &identity{token: t}, r: &noExtras, desired: desired}
	var used winnt.PrivilegeSet
	if desired&sacl != 0 {
		var ok bool
		if used, ok = q.grantByPrivilege(desired &^ maximum); !ok {
			return 0, ntstatus.PrivilegeNotHeld
		}
	}
	if desired&winnt.WRITE_OWNER != 0 {
		used |= q.takeOwnership()
	}
	return used, ntstatus.Success
}

// PrivilegeCheck returns the result of NtPrivilegeCheck and of SePrivilegeCheck in user mode. With all, every
// privilege of the set must be enabled, else at least one. found has the enabled ones, which the caller marks with
// SE_PRIVILEGE_USED_FOR_ACCESS. ok is false unless status is STATUS_SUCCESS. The other statuses are:
//   - STATUS_BAD_IMPERSONATION_LEVEL for an impersonation token below SecurityIdentification
//   - STATUS_INVALID_HANDLE for a nil or zero token
func PrivilegeCheck(t *token.Token, set winnt.PrivilegeSet, all bool) (ok bool, found winnt.PrivilegeSet,
	status ntstatus.Status) {
	if t.IsZero() {
		return false, 0, ntstatus.InvalidHandle
	}
	// The privileges of a client below the level Identification cannot be checked.
	if t.Type() == winnt.TokenImpersonation && t.Level() < winnt.SecurityIdentification {
		return false, 0, ntstatus.BadImpersonationLevel
	}
	// A privilege that is held but disabled is not enough.
	found = set & t.Enabled()
	if all {
		return found == set, found, ntstatus.Success
	}
	return found != 0, found, ntstatus.Success
}
