package access

import (
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
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

// stage0 grants the rights of backup and restore intent. It then grants ACCESS_SYSTEM_SECURITY, if requested, to a
// subject with SeSecurityPrivilege. ok is false if neither the intent nor that privilege grants it. used has the
// privileges that granted a right. The stage runs before the descriptor is read, so that this failure precedes every
// denial.
func (q *query) stage0(need winnt.AccessMask) (used winnt.PrivilegeSet, ok bool) {
	want := need
	// With MAXIMUM_ALLOWED an intent grants all its rights, otherwise the requested ones.
	if q.max() { // all of them; A-44
		want = everyBit &^ q.previous
	}
	if q.r.Intent.Backup {
		used |= q.byIntent(winnt.SeBackupPrivilege, want&BackupRights)
	}
	if q.r.Intent.Restore {
		used |= q.byIntent(winnt.SeRestorePrivilege, want&RestoreRights)
	}
	if need&sacl&^q.byPrivilege == 0 {
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

// byIntent grants bits to a subject that holds privilege p. It returns the set {p} if that granted a bit that no
// other privilege had granted, else the empty set.
func (q *query) byIntent(p winnt.Privilege, bits winnt.AccessMask) winnt.PrivilegeSet {
	bits &^= q.byPrivilege
	if bits == 0 || !q.who.token.Has(p) {
		return 0
	}
	q.byPrivilege |= bits
	if q.tr != nil {
		q.tr.privilege(intentHeld, p, bits)
	}
	return p.Bit()
}

// takeOwnership grants WRITE_OWNER, if requested by name, to the holder of one of two privileges before any entry is
// read. Otherwise the DACL decides. No other privilege takes part in a check.
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

// ownerRights returns the owner's implicit rights among the held bits: READ_CONTROL and WRITE_DAC, or only
// READ_CONTROL with the option ADOwnerReadOnly. They come before the DACL, so that no deny entry removes them.
// It returns 0 for a token that does not have the owner enabled, for a restricted token without the owner among its
// restricting SIDs, and if an entry for OWNER RIGHTS replaces these rights.
func (q *query) ownerRights() winnt.AccessMask {
	t, owner := q.who.token, q.who.owner
	// The owner must be an enabled SID of the token.
	if owner.IsZero() || !t.AllowBits().Has(t.SIDs().Find(q.ownerHash, owner)) {
		return 0
	}
	if q.dacl.facts&sd.HasOwnerRights != 0 {
		if q.tr != nil {
			q.tr.stage(ownerReplaced, ownerMask, false)
		}
		return 0
	}
	if t.IsRestricted() && t.RestrictedSet().Find(q.ownerHash, owner) < 0 {
		// The restricting SIDs must agree, also to reading, and also of a
		// token that is restricted in writing only.
		if q.tr != nil {
			q.tr.stage(ownerRestricted, ownerMask, false)
		}
		return 0
	}
	m := ownerMask
	// Active Directory can keep WRITE_DAC from owners.
	if q.r.Options.ADOwnerReadOnly {
		m = winnt.READ_CONTROL
	}
	m &= q.held
	if q.tr != nil && m != 0 {
		q.tr.owner(m)
	}
	return m
}

// PrivilegePolicy returns the privileges that a check of the mask will use,
// before there is a descriptor. It fails with STATUS_PRIVILEGE_NOT_HELD if the
// mask requests ACCESS_SYSTEM_SECURITY without SeSecurityPrivilege.
// A mandatory ceiling can still remove WRITE_OWNER. Without a token the status is
// STATUS_NO_TOKEN.
func PrivilegePolicy(t *token.Token, desired winnt.AccessMask) (winnt.PrivilegeSet, ntstatus.Status) {
	if t.IsZero() {
		return 0, ntstatus.NoToken
	}
	q := query{who: &identity{token: t}, r: &noExtras, desired: desired}
	var used winnt.PrivilegeSet
	if desired&sacl != 0 {
		var ok bool
		if used, ok = q.stage0(desired &^ maximum); !ok {
			return 0, ntstatus.PrivilegeNotHeld
		}
	}
	if desired&winnt.WRITE_OWNER != 0 {
		used |= q.takeOwnership()
	}
	return used, ntstatus.Success
}

// PrivilegeCheck returns the result of NtPrivilegeCheck and of SePrivilegeCheck in
// user mode. With all set, every privilege of the set must be enabled, else at
// least one of them. found has the enabled ones, which the caller marks with
// SE_PRIVILEGE_USED_FOR_ACCESS. ok is false unless st is STATUS_SUCCESS. An
// impersonation token below SecurityIdentification gives
// STATUS_BAD_IMPERSONATION_LEVEL, and a nil or zero token
// STATUS_INVALID_HANDLE.
func PrivilegeCheck(t *token.Token, set winnt.PrivilegeSet, all bool) (ok bool, found winnt.PrivilegeSet,
	st ntstatus.Status) {
	if t.IsZero() {
		return false, 0, ntstatus.InvalidHandle
	}
	// The privileges of a client below the level Identification cannot be checked.
	if t.Type() == winnt.TokenImpersonation && t.Level() < winnt.SecurityIdentification {
		return false, 0, ntstatus.BadImpersonationLevel
	}
	// A privilege that is held and disabled does not count.
	found = set & t.Enabled()
	if all {
		return found == set, found, ntstatus.Success
	}
	return found != 0, found, ntstatus.Success
}

// SeFastTraverseCheck shortens the check for traversing a directory. It returns true
// if the full check would grant wanted, and false if the caller must run the
// full check. It never returns true where the full check could refuse:
// for a client below SecurityImpersonation, an AppContainer, a restricted
// token, a token without Everyone, or a SACL with a label, policy, trust label
// or filter.
func SeFastTraverseCheck(d *sd.Descriptor, s *Subject, wanted winnt.AccessMask, typ *winnt.ObjectType) bool {
	t := s.Effective()
	if t == nil || d == nil || typ == nil || wanted == 0 || wanted&ungranted != 0 {
		return false
	}
	if s.BelowImpersonation() { // The full check would refuse the level.
		return false
	}
	// The shortcut is for tokens that the user pass alone decides about.
	if !t.OnlyUserSide() || !t.Member(sid.Everyone, false) {
		return false
	}
	// A SACL that limits access needs the full check.
	if d.SACL().Facts()&saclRare != 0 {
		return false
	}
	// From here on the answer needs the label and one look at the entries.
	q := query{who: &identity{token: t, primary: t}, mapping: &typ.Mapping, r: &noExtras}
	q.dacl.set(d.DACL())
	q.sacl.set(d.SACL())
	if wanted&^q.integrity() != 0 { // a low token and a right to write
		return false
	}
	// Without a DACL every directory may be passed.
	if !d.HasDACL() {
		return true
	}
	q.pass, q.stop, q.slow, q.undecided = traversePass, true, true, wanted
	q.run()
	return q.granted == wanted
}
