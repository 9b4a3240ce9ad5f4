package token

import (
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// The built-in profiles: specs of the usual tokens, with the default
// assignment of privileges. They are starting points: change the Spec before
// New as the case needs. None has a default DACL.

// limitedPrivileges are those a limited (UAC) token keeps.
var limitedPrivileges = winnt.Privileges(winnt.SeShutdownPrivilege, winnt.SeChangeNotifyPrivilege, winnt.SeUndockPrivilege,
	winnt.SeIncreaseWorkingSetPrivilege, winnt.SeTimeZonePrivilege)

// Privileges held in the built-in profiles, and which of them are enabled.
var (
	systemEnabled = winnt.Privileges(winnt.SeLockMemoryPrivilege, winnt.SeTcbPrivilege, winnt.SeSystemProfilePrivilege,
		winnt.SeProfileSingleProcessPrivilege, winnt.SeIncreaseBasePriorityPrivilege, winnt.SeCreatePagefilePrivilege,
		winnt.SeCreatePermanentPrivilege, winnt.SeDebugPrivilege, winnt.SeAuditPrivilege, winnt.SeChangeNotifyPrivilege,
		winnt.SeImpersonatePrivilege, winnt.SeCreateGlobalPrivilege, winnt.SeIncreaseWorkingSetPrivilege, winnt.SeTimeZonePrivilege,
		winnt.SeCreateSymbolicLinkPrivilege, winnt.SeDelegateSessionUserImpersonatePrivilege)
	systemHeld = systemEnabled | winnt.Privileges(winnt.SeCreateTokenPrivilege, winnt.SeAssignPrimaryTokenPrivilege,
		winnt.SeIncreaseQuotaPrivilege, winnt.SeSecurityPrivilege, winnt.SeTakeOwnershipPrivilege, winnt.SeLoadDriverPrivilege,
		winnt.SeSystemtimePrivilege, winnt.SeBackupPrivilege, winnt.SeRestorePrivilege, winnt.SeShutdownPrivilege,
		winnt.SeSystemEnvironmentPrivilege, winnt.SeUndockPrivilege, winnt.SeManageVolumePrivilege,
		winnt.SeTrustedCredManAccessPrivilege, winnt.SeRelabelPrivilege)

	adminEnabled = winnt.Privileges(winnt.SeChangeNotifyPrivilege, winnt.SeImpersonatePrivilege, winnt.SeCreateGlobalPrivilege)
	adminHeld    = adminEnabled | winnt.Privileges(winnt.SeIncreaseQuotaPrivilege, winnt.SeSecurityPrivilege,
		winnt.SeTakeOwnershipPrivilege, winnt.SeLoadDriverPrivilege, winnt.SeSystemProfilePrivilege, winnt.SeSystemtimePrivilege,
		winnt.SeProfileSingleProcessPrivilege, winnt.SeIncreaseBasePriorityPrivilege, winnt.SeCreatePagefilePrivilege,
		winnt.SeBackupPrivilege, winnt.SeRestorePrivilege, winnt.SeShutdownPrivilege, winnt.SeDebugPrivilege,
		winnt.SeSystemEnvironmentPrivilege, winnt.SeRemoteShutdownPrivilege, winnt.SeUndockPrivilege, winnt.SeManageVolumePrivilege,
		winnt.SeIncreaseWorkingSetPrivilege, winnt.SeTimeZonePrivilege, winnt.SeCreateSymbolicLinkPrivilege,
		winnt.SeDelegateSessionUserImpersonatePrivilege)

	userEnabled = winnt.Privileges(winnt.SeChangeNotifyPrivilege)
	userHeld    = userEnabled | winnt.Privileges(winnt.SeShutdownPrivilege, winnt.SeUndockPrivilege,
		winnt.SeIncreaseWorkingSetPrivilege, winnt.SeTimeZonePrivilege)

	serviceEnabled = winnt.Privileges(winnt.SeChangeNotifyPrivilege, winnt.SeImpersonatePrivilege, winnt.SeCreateGlobalPrivilege)
	serviceHeld    = serviceEnabled | winnt.Privileges(winnt.SeAssignPrimaryTokenPrivilege, winnt.SeIncreaseQuotaPrivilege,
		winnt.SeAuditPrivilege, winnt.SeIncreaseWorkingSetPrivilege)
)

const bothPolicies = winnt.TOKEN_MANDATORY_POLICY_NO_WRITE_UP | winnt.TOKEN_MANDATORY_POLICY_NEW_PROCESS_MIN

func profile(user sid.SID, level sid.SID, held, enabled winnt.PrivilegeSet, groups ...Group) Spec {
	return Spec{
		User: Group{SID: user}, Groups: groups, Integrity: level, MandatoryPolicy: bothPolicies,
		Privileges: held, EnabledPrivileges: enabled, DefaultPrivileges: enabled,
		Type: winnt.TokenPrimary, ElevationType: winnt.TokenElevationTypeDefault,
	}
}

func ordinary(sids ...sid.SID) []Group {
	gs := make([]Group, len(sids))
	for i, s := range sids {
		gs[i] = Group{s, GroupDefault}
	}
	return gs
}

// Administrator is an elevated administrator logged on interactively: High
// integrity, owner Administrators.
func Administrator(user sid.SID) Spec {
	s := profile(user, sid.HighLevel, adminHeld, adminEnabled, ordinary(sid.Everyone)...)
	s.Groups = append(s.Groups, Group{sid.Administrators, GroupDefault | winnt.SE_GROUP_OWNER})
	s.Groups = append(s.Groups, ordinary(sid.Users, sid.Interactive, sid.AuthenticatedUsers, sid.Local)...)
	s.Owner = sid.Administrators
	s.ElevationType = winnt.TokenElevationTypeFull
	return s
}

// LimitedAdministrator is the same account's other token, the one its programs
// run with unless elevated: Administrators is deny-only, integrity Medium.
func LimitedAdministrator(user sid.SID) Spec {
	s := Administrator(user)
	for i, g := range s.Groups {
		if g.SID == sid.Administrators {
			s.Groups[i].Attributes = winnt.SE_GROUP_USE_FOR_DENY_ONLY
		}
	}
	s.Privileges &= limitedPrivileges
	s.EnabledPrivileges &= limitedPrivileges
	s.DefaultPrivileges &= limitedPrivileges
	s.Integrity, s.Owner = sid.MediumLevel, sid.SID{}
	s.ElevationType = winnt.TokenElevationTypeLimited
	s.Flags = winnt.TOKEN_IS_FILTERED
	return s
}

// StandardUser is an ordinary user logged on interactively: Medium integrity.
func StandardUser(user sid.SID) Spec {
	return profile(user, sid.MediumLevel, userHeld, userEnabled,
		ordinary(sid.Everyone, sid.Users, sid.Interactive, sid.AuthenticatedUsers, sid.Local)...)
}

// LocalSystem is the operating system itself, logon session 0x3e7.
func LocalSystem() Spec {
	s := profile(sid.LocalSystem, sid.SystemLevel, systemHeld, systemEnabled,
		Group{sid.Administrators, winnt.SE_GROUP_ENABLED_BY_DEFAULT | winnt.SE_GROUP_ENABLED | winnt.SE_GROUP_OWNER})
	s.Groups = append(s.Groups, ordinary(sid.Everyone, sid.AuthenticatedUsers)...)
	s.Owner, s.PrimaryGroup = sid.Administrators, sid.LocalSystem
	s.AuthenticationID = winnt.SYSTEM_LUID
	s.Source.Name = SystemSource
	return s
}

// SystemSource is the source name of tokens the system made itself.
const SystemSource = "*SYSTEM*"

// Anonymous is ANONYMOUS LOGON, logon session 0x3e6: no privileges, Untrusted,
// and no group but Everyone where policy includes it.
func Anonymous(everyone bool) Spec {
	s := profile(sid.Anonymous, sid.UntrustedLevel, 0, 0)
	if everyone {
		s.Groups = ordinary(sid.Everyone)
	}
	s.AuthenticationID = winnt.ANONYMOUS_LOGON_LUID
	s.Source.Name = SystemSource
	return s
}

// LocalService is the account of services that need little and use the network
// as nobody, logon session 0x3e5.
func LocalService() Spec {
	s := service(sid.LocalService, winnt.LOCALSERVICE_LUID)
	s.Privileges |= winnt.Privileges(winnt.SeSystemtimePrivilege, winnt.SeTimeZonePrivilege)
	return s
}

// NetworkService is the account of services that use the network as the
// machine, logon session 0x3e4.
func NetworkService() Spec { return service(sid.NetworkService, winnt.NETWORKSERVICE_LUID) }

func service(user sid.SID, logon winnt.LUID) Spec {
	s := profile(user, sid.SystemLevel, serviceHeld, serviceEnabled,
		ordinary(sid.Everyone, sid.Users, sid.Service, sid.AuthenticatedUsers, sid.Local)...)
	s.AuthenticationID = logon
	return s
}
