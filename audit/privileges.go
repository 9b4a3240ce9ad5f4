package audit

import (
	"github.com/refmon/refmon/winnt"
)

// sensitivePrivileges are the thirteen whose use is recorded under Sensitive
// Privilege Use; every other one belongs to Non Sensitive Privilege Use. A
// logon that holds one of them is a special logon.
const sensitivePrivileges = winnt.PrivilegeSet(0 |
	1<<winnt.SeAssignPrimaryTokenPrivilege |
	1<<winnt.SeAuditPrivilege |
	1<<winnt.SeBackupPrivilege |
	1<<winnt.SeCreateTokenPrivilege |
	1<<winnt.SeDebugPrivilege |
	1<<winnt.SeEnableDelegationPrivilege |
	1<<winnt.SeImpersonatePrivilege |
	1<<winnt.SeLoadDriverPrivilege |
	1<<winnt.SeRestorePrivilege |
	1<<winnt.SeSecurityPrivilege |
	1<<winnt.SeSystemEnvironmentPrivilege |
	1<<winnt.SeTakeOwnershipPrivilege |
	1<<winnt.SeTcbPrivilege)

// exemptPrivileges are the seven whose use is recorded only with
// Options.FullPrivilegeAuditing. They are used so often that their records would
// fill the log.
const exemptPrivileges = winnt.PrivilegeSet(0 |
	1<<winnt.SeChangeNotifyPrivilege |
	1<<winnt.SeDebugPrivilege |
	1<<winnt.SeCreateTokenPrivilege |
	1<<winnt.SeAssignPrimaryTokenPrivilege |
	1<<winnt.SeAuditPrivilege |
	1<<winnt.SeBackupPrivilege |
	1<<winnt.SeRestorePrivilege)

// PrivilegeSubcategory returns the subcategory for a use of the privileges. It
// is Sensitive Privilege Use if any of them is sensitive.
func PrivilegeSubcategory(used winnt.PrivilegeSet) Subcategory {
	// One sensitive privilege makes the whole set sensitive (U-42).
	if used&sensitivePrivileges != 0 {
		return SensitivePrivilegeUse
	}
	// A set without a sensitive privilege has a subcategory of its own (U-42).
	return NonSensitivePrivilegeUse
}

// AuditedPrivileges returns the privileges in used whose use the policy can record: without FullPrivilegeAuditing,
// seven frequently used ones are exempt.
func (p *Policy) AuditedPrivileges(used winnt.PrivilegeSet) winnt.PrivilegeSet {
	if !p.options.FullPrivilegeAuditing {
		// Seven privileges are recorded only with FullPrivilegeAuditing (U-17).
		used &^= exemptPrivileges
	}
	return used
}

// Sensitive returns the privileges in held that are sensitive. These are the
// thirteen privileges of event 4672, the record of a logon.
func Sensitive(held winnt.PrivilegeSet) winnt.PrivilegeSet { return held & sensitivePrivileges }

// networkOrder has the privileges in the order in which event 4672 lists them for a network logon.
var networkOrder = [...]winnt.Privilege{winnt.SeSecurityPrivilege, winnt.SeBackupPrivilege,
	winnt.SeRestorePrivilege, winnt.SeTakeOwnershipPrivilege, winnt.SeDebugPrivilege,
	winnt.SeSystemEnvironmentPrivilege, winnt.SeLoadDriverPrivilege, winnt.SeImpersonatePrivilege,
	winnt.SeDelegateSessionUserImpersonatePrivilege}

// SpecialPrivileges returns the names of the privileges in held that event 4672 lists, in the order that Windows
// uses for the type of logon. It returns nil if none of them is sensitive.
func SpecialPrivileges(held winnt.PrivilegeSet, logon winnt.LogonType) []string {
	if Sensitive(held) == 0 {
		return nil
	}
	// Event 4672 lists one privilege that is not sensitive (U-200).
	left := Sensitive(held) | held&winnt.SeDelegateSessionUserImpersonatePrivilege.Bit()
	var names []string
	if logon == winnt.LOGON32_LOGON_NETWORK {
		// A network logon has an order of its own (U-200).
		for _, p := range networkOrder {
			if left.Has(p) {
				names = append(names, p.String())
				left &^= p.Bit()
			}
		}
	}
	return append(names, left.Names()...)
}
