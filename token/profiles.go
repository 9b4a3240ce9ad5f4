package token

import (
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// The built-in profiles are specs of the usual tokens, with the default
// assignment of privileges. They are starting points: change the Spec before
// New as the case needs. Those of a logon have what a logon gives: a logon SID,
// None or Domain Users as primary group, and a default DACL (T-130).

// limitedPrivileges are those a limited (UAC) token keeps.
var limitedPrivileges = winnt.Privileges(winnt.SeShutdownPrivilege, winnt.SeChangeNotifyPrivilege,
	winnt.SeUndockPrivilege,
	winnt.SeIncreaseWorkingSetPrivilege, winnt.SeTimeZonePrivilege)

// Privileges held in the built-in profiles, and which of them are enabled.
var (
	systemEnabled = winnt.Privileges(winnt.SeLockMemoryPrivilege, winnt.SeTcbPrivilege, winnt.SeSystemProfilePrivilege,
		winnt.SeProfileSingleProcessPrivilege, winnt.SeIncreaseBasePriorityPrivilege, winnt.SeCreatePagefilePrivilege,
		winnt.SeCreatePermanentPrivilege, winnt.SeDebugPrivilege, winnt.SeAuditPrivilege, winnt.SeChangeNotifyPrivilege,
		winnt.SeImpersonatePrivilege, winnt.SeCreateGlobalPrivilege, winnt.SeIncreaseWorkingSetPrivilege,
		winnt.SeTimeZonePrivilege,
		winnt.SeCreateSymbolicLinkPrivilege, winnt.SeDelegateSessionUserImpersonatePrivilege)
	systemHeld = systemEnabled | winnt.Privileges(winnt.SeCreateTokenPrivilege, winnt.SeAssignPrimaryTokenPrivilege,
		winnt.SeIncreaseQuotaPrivilege, winnt.SeSecurityPrivilege, winnt.SeTakeOwnershipPrivilege,
		winnt.SeLoadDriverPrivilege,
		winnt.SeSystemtimePrivilege, winnt.SeBackupPrivilege, winnt.SeRestorePrivilege, winnt.SeShutdownPrivilege,
		winnt.SeSystemEnvironmentPrivilege, winnt.SeUndockPrivilege, winnt.SeManageVolumePrivilege,
		winnt.SeTrustedCredManAccessPrivilege, winnt.SeRelabelPrivilege)

	adminEnabled = winnt.Privileges(winnt.SeChangeNotifyPrivilege, winnt.SeImpersonatePrivilege,
		winnt.SeCreateGlobalPrivilege)
	adminHeld = adminEnabled | winnt.Privileges(winnt.SeIncreaseQuotaPrivilege, winnt.SeSecurityPrivilege,
		winnt.SeTakeOwnershipPrivilege, winnt.SeLoadDriverPrivilege, winnt.SeSystemProfilePrivilege,
		winnt.SeSystemtimePrivilege,
		winnt.SeProfileSingleProcessPrivilege, winnt.SeIncreaseBasePriorityPrivilege, winnt.SeCreatePagefilePrivilege,
		winnt.SeBackupPrivilege, winnt.SeRestorePrivilege, winnt.SeShutdownPrivilege, winnt.SeDebugPrivilege,
		winnt.SeSystemEnvironmentPrivilege, winnt.SeRemoteShutdownPrivilege, winnt.SeUndockPrivilege,
		winnt.SeManageVolumePrivilege,
		winnt.SeIncreaseWorkingSetPrivilege, winnt.SeTimeZonePrivilege, winnt.SeCreateSymbolicLinkPrivilege,
		winnt.SeDelegateSessionUserImpersonatePrivilege)

	userEnabled = winnt.Privileges(winnt.SeChangeNotifyPrivilege)
	userHeld    = userEnabled | winnt.Privileges(winnt.SeShutdownPrivilege, winnt.SeUndockPrivilege,
		winnt.SeIncreaseWorkingSetPrivilege, winnt.SeTimeZonePrivilege)

	serviceEnabled = winnt.Privileges(winnt.SeChangeNotifyPrivilege, winnt.SeImpersonatePrivilege,
		winnt.SeCreateGlobalPrivilege)
	serviceHeld = serviceEnabled | winnt.Privileges(winnt.SeAssignPrimaryTokenPrivilege, winnt.SeIncreaseQuotaPrivilege,
		winnt.SeAuditPrivilege, winnt.SeIncreaseWorkingSetPrivilege)
)

const bothPolicies = winnt.TOKEN_MANDATORY_POLICY_NO_WRITE_UP | winnt.TOKEN_MANDATORY_POLICY_NEW_PROCESS_MIN

// profile returns the part that the Specs of this file have in common: a primary token with both mandatory policies.
// held has the privileges of the token. enabled has those that are enabled, also by default.
func profile(user sid.SID, level sid.SID, held, enabled winnt.PrivilegeSet, groups ...Group) Spec {
	return Spec{
		User: Group{SID: user}, Groups: groups, Integrity: level, MandatoryPolicy: bothPolicies,
		Privileges: held, EnabledPrivileges: enabled, DefaultPrivileges: enabled,
		Type: winnt.TokenPrimary, ElevationType: winnt.TokenElevationTypeDefault,
	}
}

// ordinary returns groups with the attributes that a logon gives them: mandatory, enabled by default, and enabled.
func ordinary(sids ...sid.SID) []Group {
	gs := make([]Group, len(sids))
	for i, s := range sids {
		gs[i] = Group{s, GroupDefault}
	}
	return gs
}

// domainUsersRID is the RID of the group that a new account of a domain or of
// one computer is in: Domain Users, or None.
const domainUsersRID = 513

// addLogon adds the logon SID, a primary group and a default DACL, which every logon sets. The primary group is None
// or Domain Users, or the user itself if it has no domain. The default DACL grants full access to owner and SYSTEM,
// and read and execute to the logon session (T-130).
func (s *Spec) addLogon(owner sid.SID) {
	user := s.User.SID
	if user.Authority() == 5 && user.SubAuthorities() == 5 && user.Sub(0) == 21 {
		s.Groups = append(ordinary(user.Prefix().WithRID(domainUsersRID)), s.Groups...)
	} else {
		s.PrimaryGroup = user
	}
	session := logonSID(user)
	s.Groups = append(s.Groups, Group{session, GroupDefault | winnt.SE_GROUP_LOGON_ID})
	s.DefaultDACL = defaultDACL(owner, session)
}

// logonSID returns the logon SID for the profiles of a user, such as S-1-5-5-0-1001 for S-1-5-21-1-2-3-1001. All
// tokens of one user share it, as those of one logon do.
func logonSID(user sid.SID) sid.SID {
	var high uint32
	for i := 1; i < user.SubAuthorities()-1; i++ {
		high ^= user.Sub(i)
	}
	return sid.Logon(high, user.RID())
}

// defaultDACL returns the default DACL that a logon gives: full access for the owner and the system, read and execute
// for the logon session.
func defaultDACL(owner, session sid.SID) *sd.ACL {
	return allowing(grant{owner, winnt.GENERIC_ALL}, grant{sid.LocalSystem, winnt.GENERIC_ALL},
		grant{session, winnt.GENERIC_READ | winnt.GENERIC_EXECUTE})
}

// grant is an entry of a default DACL.
type grant struct {
	to   sid.SID
	mask winnt.AccessMask
}

// allowing returns a DACL with these grants. It returns nil if one of them is for the zero SID; New then rejects the
// zero SID as a user.
func allowing(grants ...grant) *sd.ACL {
	aces := make([]sd.ACE, len(grants))
	for i, g := range grants {
		var err error
		if aces[i], err = sd.NewACE(sd.AccessAllowed, 0, g.mask, g.to); err != nil {
			return nil
		}
	}
	list, _ := sd.NewACL(aces...) // A few entries always fit.
	return list
}

// Administrator returns the Spec of an elevated administrator that is logged on
// interactively: High integrity, owner Administrators.
func Administrator(user sid.SID) Spec {
	s := profile(user, sid.HighLevel, adminHeld, adminEnabled, ordinary(sid.Everyone)...)
	s.Groups = append(s.Groups, Group{sid.Administrators, GroupDefault | winnt.SE_GROUP_OWNER})
	s.Groups = append(s.Groups, ordinary(sid.Users, sid.Interactive, sid.AuthenticatedUsers, sid.Local)...)
	s.addLogon(sid.Administrators)
	s.Owner = sid.Administrators
	s.ElevationType = winnt.TokenElevationTypeFull
	return s
}

// LimitedAdministrator returns the Spec of the limited (UAC) token of the account that [Administrator] describes,
// with which its programs run unless elevated. Administrators is deny-only, and the integrity is Medium.
func LimitedAdministrator(user sid.SID) Spec {
	s := Administrator(user)
	for i, g := range s.Groups {
		// Deny-only and not gone: an entry that denies Administrators still binds (T-65).
		if g.SID == sid.Administrators {
			s.Groups[i].Attributes = winnt.SE_GROUP_USE_FOR_DENY_ONLY
		}
	}
	// The limited token keeps the privileges that LUA_TOKEN leaves (T-65).
	s.Privileges &= limitedPrivileges
	s.EnabledPrivileges &= limitedPrivileges
	s.DefaultPrivileges &= limitedPrivileges
	s.Integrity, s.Owner = sid.MediumLevel, sid.SID{}
	s.DefaultDACL = defaultDACL(user, logonSID(user))
	s.ElevationType = winnt.TokenElevationTypeLimited
	s.Flags = winnt.TOKEN_IS_FILTERED
	return s
}

// StandardUser returns the Spec of an ordinary user that is logged on
// interactively: Medium integrity.
func StandardUser(user sid.SID) Spec {
	s := profile(user, sid.MediumLevel, userHeld, userEnabled,
		ordinary(sid.Everyone, sid.Users, sid.Interactive, sid.AuthenticatedUsers, sid.Local)...)
	s.addLogon(user)
	return s
}

// NetworkUser returns the Spec of a user that is logged on over the network, as a server impersonates it. It is an
// impersonation token at level Impersonation with integrity Medium and SeChangeNotifyPrivilege. The given groups are
// enabled. After them come the groups that every such logon has. The first given group is the primary group, or
// Everyone if none is given. Do not use it for a guest or an anonymous client, which are not in Authenticated Users.
func NetworkUser(user sid.SID, groups ...sid.SID) Spec {
	s := profile(user, sid.MediumLevel, userEnabled, userEnabled)
	s.Groups = make([]Group, 0, len(groups)+5)
	for _, g := range groups {
		s.Groups = append(s.Groups, Group{g, GroupDefault})
	}
	for _, g := range [...]sid.SID{sid.Everyone, sid.Users, sid.Network, sid.AuthenticatedUsers, sid.ThisOrganization} {
		s.Groups = append(s.Groups, Group{g, GroupDefault})
	}
	s.Type, s.Level = winnt.TokenImpersonation, winnt.SecurityImpersonation
	s.DefaultDACL = allowing(grant{user, winnt.GENERIC_ALL}, grant{sid.LocalSystem, winnt.GENERIC_ALL})
	return s
}

// LocalSystem returns the Spec of LOCAL SYSTEM, the account of the operating system itself, logon session 0x3e7.
func LocalSystem() Spec {
	s := profile(sid.LocalSystem, sid.SystemLevel, systemHeld, systemEnabled,
		Group{sid.Administrators, winnt.SE_GROUP_ENABLED_BY_DEFAULT | winnt.SE_GROUP_ENABLED | winnt.SE_GROUP_OWNER})
	s.Groups = append(s.Groups, ordinary(sid.Everyone, sid.AuthenticatedUsers)...)
	s.Owner, s.PrimaryGroup = sid.Administrators, sid.LocalSystem
	s.DefaultDACL = allowing(grant{sid.LocalSystem, winnt.GENERIC_ALL},
		grant{sid.Administrators, winnt.GENERIC_READ | winnt.GENERIC_EXECUTE | winnt.READ_CONTROL})
	s.AuthenticationID = winnt.SYSTEM_LUID
	s.Source.Name = SystemSource
	return s
}

// SystemSource is the source name of tokens that the system creates itself.
const SystemSource = "*SYSTEM*"

// Anonymous returns the Spec of ANONYMOUS LOGON, logon session 0x3e6. It has no
// privileges and integrity Untrusted. Its only group is Everyone, if everyone
// is true.
func Anonymous(everyone bool) Spec {
	s := profile(sid.Anonymous, sid.UntrustedLevel, 0, 0)
	if everyone {
		s.Groups = ordinary(sid.Everyone)
	}
	s.AuthenticationID = winnt.ANONYMOUS_LOGON_LUID
	s.Source.Name = SystemSource
	return s
}

// LocalService returns the Spec of LOCAL SERVICE, the account of services with few rights that are anonymous on the
// network, logon session 0x3e5.
func LocalService() Spec {
	s := service(sid.LocalService, winnt.LOCALSERVICE_LUID)
	s.Privileges |= winnt.Privileges(winnt.SeSystemtimePrivilege, winnt.SeTimeZonePrivilege)
	return s
}

// NetworkService returns the Spec of NETWORK SERVICE, the account of services that use the network as the machine,
// logon session 0x3e4.
func NetworkService() Spec { return service(sid.NetworkService, winnt.NETWORKSERVICE_LUID) }

// service returns the common Spec of the two service accounts: System integrity,
// and the groups of a service logon.
func service(user sid.SID, logon winnt.LUID) Spec {
	s := profile(user, sid.SystemLevel, serviceHeld, serviceEnabled,
		ordinary(sid.Everyone, sid.Users, sid.Service, sid.AuthenticatedUsers, sid.Local)...)
	s.addLogon(user)
	s.AuthenticationID = logon
	return s
}
