package winnt

import "fmt"

// Privilege is the number of a privilege: the LowPart of its LUID, whose
// HighPart is 0. Values are 2 to 36, so a set of them fits in 64 bits.
type Privilege uint8

const (
	SeCreateTokenPrivilege Privilege = iota + 2
	SeAssignPrimaryTokenPrivilege
	SeLockMemoryPrivilege
	SeIncreaseQuotaPrivilege
	SeMachineAccountPrivilege
	SeTcbPrivilege
	SeSecurityPrivilege
	SeTakeOwnershipPrivilege
	SeLoadDriverPrivilege
	SeSystemProfilePrivilege
	SeSystemtimePrivilege
	SeProfileSingleProcessPrivilege
	SeIncreaseBasePriorityPrivilege
	SeCreatePagefilePrivilege
	SeCreatePermanentPrivilege
	SeBackupPrivilege
	SeRestorePrivilege
	SeShutdownPrivilege
	SeDebugPrivilege
	SeAuditPrivilege
	SeSystemEnvironmentPrivilege
	SeChangeNotifyPrivilege
	SeRemoteShutdownPrivilege
	SeUndockPrivilege
	SeSyncAgentPrivilege
	SeEnableDelegationPrivilege
	SeManageVolumePrivilege
	SeImpersonatePrivilege
	SeCreateGlobalPrivilege
	SeTrustedCredManAccessPrivilege
	SeRelabelPrivilege
	SeIncreaseWorkingSetPrivilege
	SeTimeZonePrivilege
	SeCreateSymbolicLinkPrivilege
	SeDelegateSessionUserImpersonatePrivilege

	// FirstPrivilege and LastPrivilege bound the known privileges.
	FirstPrivilege = SeCreateTokenPrivilege
	LastPrivilege  = SeDelegateSessionUserImpersonatePrivilege
)

var privilegeNames = [...]string{
	SeCreateTokenPrivilege:                    "SeCreateTokenPrivilege",
	SeAssignPrimaryTokenPrivilege:             "SeAssignPrimaryTokenPrivilege",
	SeLockMemoryPrivilege:                     "SeLockMemoryPrivilege",
	SeIncreaseQuotaPrivilege:                  "SeIncreaseQuotaPrivilege",
	SeMachineAccountPrivilege:                 "SeMachineAccountPrivilege",
	SeTcbPrivilege:                            "SeTcbPrivilege",
	SeSecurityPrivilege:                       "SeSecurityPrivilege",
	SeTakeOwnershipPrivilege:                  "SeTakeOwnershipPrivilege",
	SeLoadDriverPrivilege:                     "SeLoadDriverPrivilege",
	SeSystemProfilePrivilege:                  "SeSystemProfilePrivilege",
	SeSystemtimePrivilege:                     "SeSystemtimePrivilege",
	SeProfileSingleProcessPrivilege:           "SeProfileSingleProcessPrivilege",
	SeIncreaseBasePriorityPrivilege:           "SeIncreaseBasePriorityPrivilege",
	SeCreatePagefilePrivilege:                 "SeCreatePagefilePrivilege",
	SeCreatePermanentPrivilege:                "SeCreatePermanentPrivilege",
	SeBackupPrivilege:                         "SeBackupPrivilege",
	SeRestorePrivilege:                        "SeRestorePrivilege",
	SeShutdownPrivilege:                       "SeShutdownPrivilege",
	SeDebugPrivilege:                          "SeDebugPrivilege",
	SeAuditPrivilege:                          "SeAuditPrivilege",
	SeSystemEnvironmentPrivilege:              "SeSystemEnvironmentPrivilege",
	SeChangeNotifyPrivilege:                   "SeChangeNotifyPrivilege",
	SeRemoteShutdownPrivilege:                 "SeRemoteShutdownPrivilege",
	SeUndockPrivilege:                         "SeUndockPrivilege",
	SeSyncAgentPrivilege:                      "SeSyncAgentPrivilege",
	SeEnableDelegationPrivilege:               "SeEnableDelegationPrivilege",
	SeManageVolumePrivilege:                   "SeManageVolumePrivilege",
	SeImpersonatePrivilege:                    "SeImpersonatePrivilege",
	SeCreateGlobalPrivilege:                   "SeCreateGlobalPrivilege",
	SeTrustedCredManAccessPrivilege:           "SeTrustedCredManAccessPrivilege",
	SeRelabelPrivilege:                        "SeRelabelPrivilege",
	SeIncreaseWorkingSetPrivilege:             "SeIncreaseWorkingSetPrivilege",
	SeTimeZonePrivilege:                       "SeTimeZonePrivilege",
	SeCreateSymbolicLinkPrivilege:             "SeCreateSymbolicLinkPrivilege",
	SeDelegateSessionUserImpersonatePrivilege: "SeDelegateSessionUserImpersonatePrivilege",
}

// Valid reports whether p is a known privilege.
func (p Privilege) Valid() bool { return p >= FirstPrivilege && p <= LastPrivilege }

// LUID returns the identifier of the privilege.
func (p Privilege) LUID() LUID { return LUID(p) }

// String prints the documented name (the strings of LookupPrivilegeName).
func (p Privilege) String() string {
	if p.Valid() {
		return privilegeNames[p]
	}
	return fmt.Sprintf("Privilege(%d)", uint8(p))
}

// ParsePrivilege returns the privilege with a documented name, in exact case.
// It fails for an unknown name.
func ParsePrivilege(name string) (Privilege, error) {
	for p := FirstPrivilege; p <= LastPrivilege; p++ {
		if privilegeNames[p] == name {
			return p, nil
		}
	}
	return 0, fmt.Errorf("unknown privilege %q: want a name such as SeBackupPrivilege", name)
}

// PrivilegeSet is a set of privileges, one bit each, bit n for privilege n.
// The zero value is the empty set.
type PrivilegeSet uint64

// Privileges returns the set of its arguments.
func Privileges(ps ...Privilege) PrivilegeSet {
	var s PrivilegeSet
	for _, p := range ps {
		s |= p.Bit()
	}
	return s
}

// Bit returns the set that contains only p.
func (p Privilege) Bit() PrivilegeSet { return 1 << p }

// Has reports whether p is in the set.
func (s PrivilegeSet) Has(p Privilege) bool { return s&p.Bit() != 0 }

// All yields the members in ascending order.
func (s PrivilegeSet) All(yield func(Privilege) bool) {
	for p := FirstPrivilege; p <= LastPrivilege; p++ {
		if s.Has(p) && !yield(p) {
			return
		}
	}
}

// Names returns the documented names of the members in ascending order, nil for
// the empty set.
func (s PrivilegeSet) Names() []string {
	var out []string
	for p := range s.All {
		out = append(out, p.String())
	}
	return out
}
