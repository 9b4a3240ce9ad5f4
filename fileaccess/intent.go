package fileaccess

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// privileges grants what the subject's privileges give before a name is looked up: the rights of backup and restore
// intent, and ACCESS_SYSTEM_SECURITY (step 3). It returns STATUS_PRIVILEGE_NOT_HELD if the request needs
// ACCESS_SYSTEM_SECURITY, and neither an intent nor SeSecurityPrivilege gives it (F-15, F-20).
func (o *opening) privileges() ntstatus.Status {
	if o.options&OpenForBackupIntent != 0 {
		o.intent()
	}
	if o.desired&sacl&^o.pre == 0 {
		return ntstatus.Success
	}
	// Access to the SACL needs SeSecurityPrivilege before any name is looked up.
	if !o.token().Has(winnt.SeSecurityPrivilege) {
		if o.tr != nil {
			o.tr.set(sacl, Reason{Kind: FromAccess,
				Access: access.Reason{Kind: access.Privilege, Index: -1, Privilege: winnt.SeSecurityPrivilege}})
		}
		return o.fail("F-15", ntstatus.PrivilegeNotHeld)
	}
	o.used |= winnt.SeSecurityPrivilege.Bit()
	return ntstatus.Success
}

// intent grants the rights of a declared backup or restore intent (F-20). Each privilege grants its requested
// rights, or all its rights with MAXIMUM_ALLOWED. The backup privilege counts only for dispositions that open an
// existing object. Without the privileges nothing is granted. No right is ever removed.
func (o *opening) intent() {
	want := o.desired
	if o.max() {
		want = everyRight
	}
	switch o.r.Disposition {
	case FileOpen, FileOpenIf, FileOverwriteIf:
		// The backup privilege grants only for dispositions that open (F-20).
		o.byIntent(winnt.SeBackupPrivilege, want&access.BackupRights)
	}
	o.byIntent(winnt.SeRestorePrivilege, want&access.RestoreRights)
}

// byIntent grants the rights of bits if the token has privilege p, for backup or restore, enabled. The mandatory
// ceiling of an existing object limits them (F-20). It does nothing without the privilege.
func (o *opening) byIntent(p winnt.Privilege, bits winnt.AccessMask) {
	bits &^= o.pre
	if bits == 0 || !o.token().Has(p) {
		return
	}
	if o.f.Object.Exists {
		// The object's mandatory ceiling limits what intent grants (F-20).
		bits = o.intentUnder(o.f.Object.Descriptor, bits)
	}
	o.pre |= bits
	o.used |= p.Bit()
	if o.tr != nil {
		o.tr.set(bits, Reason{Kind: Intent, Privilege: p})
	}
}

// restores reports whether SeRestorePrivilege counts without backup intent: for the parent's right at a creation and
// for implied rights (F-21).
func (o *opening) restores() bool {
	if o.policy.Profile == Observed && o.options&OpenForBackupIntent == 0 {
		return false
	}
	return o.token().Has(winnt.SeRestorePrivilege)
}
