package lsa

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Samba's names for the domains of the host's users and groups.
const (
	unixUsers  = "Unix User"
	unixGroups = "Unix Group"
)

var unixUsersSID, unixGroupsSID = sid.MustParse("S-1-22-1"), sid.MustParse("S-1-22-2")

// Computer returns the computer's own domain: the machine SID with the computer's name in upper case.
func (s *Store) Computer() logon.Account {
	m := s.now.Load().machine
	return logon.Account{SID: m, Use: winnt.SidTypeDomain, Domain: s.computer, DomainSID: m}
}

// toAccount returns an account of this computer in the form of a lookup result.
func (s *Store) toAccount(id sid.SID, a Account) logon.Account {
	return logon.Account{SID: id, Use: winnt.SidTypeUser, Domain: s.computer, DomainSID: id.Prefix(), Name: a.Name}
}

// LookupName returns the account, group or domain that a name means, with or without a DOMAIN\ before it. It searches
// well-known names, then this computer's, then domains of id maps, then the host's (L-13). ok is false if none has the
// name, for an empty, overlong or malformed name, and if the host does not answer within three seconds. Names match in
// any case. "." stands for this computer.
func (s *Store) LookupName(full string) (logon.Account, bool) {
	return s.lookupName(full, s.cfg.Lookups)
}

// LookupLogonName is LookupName for a name that a logon depends on. Its lookups of the host do not wait for those of
// LookupName, which clients can call for thousands of names (L-85).
func (s *Store) LookupLogonName(full string) (logon.Account, bool) {
	return s.lookupName(full, s.cfg.Hosts)
}

// lookupName is LookupName with the users and groups of hosts, which may be nil.
func (s *Store) lookupName(full string, hosts Hosts) (logon.Account, bool) {
	if full == "" || len(full) > logon.MaxName || !utf8.ValidString(full) || strings.ContainsRune(full, 0) {
		return logon.Account{}, false
	}
	if a, ok := logon.WellKnownName(full); ok {
		return a, true
	}
	st := s.now.Load()
	domain, name, qualified := logon.Split(full)
	if !qualified && strings.EqualFold(name, s.computer) {
		return s.Computer(), true
	}
	if !qualified || strings.EqualFold(domain, s.computer) || strings.EqualFold(domain, "BUILTIN") || domain == "." {
		if id, ok := st.names[strings.ToUpper(name)]; ok {
			a, ok := s.known(st, id)
			if ok && (!qualified || domain == "." || strings.EqualFold(a.Domain, domain)) {
				return a, true
			}
		}
	}
	for i := range st.maps {
		// An account of this computer comes before a domain of that name (L-13).
		if m := &st.maps[i]; !qualified && strings.EqualFold(name, m.Name) {
			return domainOf(m), true
		}
	}
	return s.hostNamed(st, hosts, domain, name, qualified)
}

// hostNamed looks up a name among the users and groups of the host. If qualified is true, only domain is searched; if
// not, users come first. It waits at most hostWait for the host and as long for an id map, and an unanswered name is
// unknown. The overflow id is unknown, and every name if hosts is nil.
func (s *Store) hostNamed(st *state, hosts Hosts, domain, name string, qualified bool) (logon.Account, bool) {
	if hosts == nil || name == "" {
		return logon.Account{}, false
	}
	ctx, cancel := context.WithTimeout(context.Background(), hostWait)
	defer cancel()
	if !qualified || strings.EqualFold(domain, unixUsers) {
		if uid, ok := hosts.UID(ctx, name); ok && uid != Unmapped {
			user, status := s.userOf(st, uid)
			return s.usable(st, user, hosts, status)
		}
	}
	if !qualified || strings.EqualFold(domain, unixGroups) {
		if gid, ok := hosts.GID(ctx, name); ok && gid != Unmapped {
			group, status := s.groupOf(st, gid)
			return s.usable(st, group, hosts, status)
		}
	}
	return logon.Account{}, false
}

// usable returns the account of a SID that userOf or groupOf returned with a status. ok is false after a failure: no
// token has the SID, so an entry that denies access to it would deny nobody (L-54, L-55).
func (s *Store) usable(st *state, id sid.SID, hosts Hosts, status ntstatus.Status) (a logon.Account, ok bool) {
	if status != ntstatus.Success {
		return logon.Account{}, false
	}
	return s.lookupSID(st, id, hosts)
}

// domainOf returns the domain of an id map as an account.
func domainOf(m *IDMap) logon.Account {
	return logon.Account{SID: m.Domain, Use: winnt.SidTypeDomain, Domain: m.Name, DomainSID: m.Domain}
}

// known looks a SID up among the accounts and groups of the store; ok is false for every other SID. A well-known group
// has its well-known name. The host's users and groups are ignored.
func (s *Store) known(st *state, id sid.SID) (logon.Account, bool) {
	if a, ok := st.account(id); ok {
		return s.toAccount(id, a), true
	}
	if g, ok := st.groups[id]; ok {
		a, builtin := logon.WellKnownSID(id)
		if !builtin {
			a = logon.Account{SID: id, Use: winnt.SidTypeAlias, Domain: s.computer, DomainSID: id.Prefix(), Name: g.Name}
		}
		return a, true
	}
	return logon.Account{}, false
}

// LookupSID returns the account, group or domain of a SID. It knows the SIDs of this computer, of the host's
// users and groups, of the domains of id maps, and of domain users who logged on. ok is false for all others. It
// is also false if the host returns no name for a uid or gid; the user or group may still exist (L-14).
func (s *Store) LookupSID(id sid.SID) (logon.Account, bool) {
	return s.lookupSID(s.now.Load(), id, s.cfg.Lookups)
}

// lookupSID is LookupSID for the accounts and maps of st, with separate host lookups, so that other clients' lookups do
// not delay a logon (L-85). hosts may be nil. Well-known SIDs come first, then accounts and groups of this computer. It
// returns false for an unknown SID.
func (s *Store) lookupSID(st *state, id sid.SID, hosts Hosts) (logon.Account, bool) {
	if a, ok := logon.WellKnownSID(id); ok {
		return a, true
	}
	if a, ok := s.known(st, id); ok {
		return a, true
	}
	switch {
	case id == st.machine:
		return s.Computer(), true
	case id == st.machine.WithRID(noneRID):
		return logon.Account{SID: id, Use: winnt.SidTypeGroup, Domain: s.computer, DomainSID: st.machine, Name: "None"}, true
	case id.Authority() == 22:
		return hostSID(id, hosts)
	}
	for i := range st.maps {
		if m := &st.maps[i]; id == m.Domain {
			return domainOf(m), true
		}
	}
	return s.domainUsers.of(id)
}

// AccountRights returns the privileges and logon rights that are assigned to the SID itself, not to its groups.
// Both are 0 for an unknown SID.
func (s *Store) AccountRights(id sid.SID) (winnt.PrivilegeSet, logon.Rights) {
	g := s.now.Load().grants[id]
	return g.Privileges, g.Rights
}

// hostSID returns the name of S-1-22-1-uid, S-1-22-2-gid, or their domains. It waits at most hostWait. Other SIDs
// return false. An id that the host does not know returns false with an account without a name. If hosts is nil, only
// the domains are found.
func hostSID(id sid.SID, hosts Hosts) (logon.Account, bool) {
	users := id == unixUsersSID || id.Prefix() == unixUsersSID
	if !users && id != unixGroupsSID && id.Prefix() != unixGroupsSID {
		return logon.Account{}, false
	}
	a := logon.Account{SID: id, Use: winnt.SidTypeGroup, Domain: unixGroups, DomainSID: unixGroupsSID}
	if users {
		a.Use, a.Domain, a.DomainSID = winnt.SidTypeUser, unixUsers, unixUsersSID
	}
	if id == a.DomainSID {
		a.Use = winnt.SidTypeDomain
		return a, true
	}
	if hosts == nil {
		return logon.Account{}, false
	}
	ctx, cancel := context.WithTimeout(context.Background(), hostWait)
	defer cancel()
	var ok bool
	if users {
		a.Name, ok = hosts.UserName(ctx, id.RID())
	} else {
		a.Name, ok = hosts.GroupName(ctx, id.RID())
	}
	return a, ok
}

// Account returns the name and domain of a SID for an audit record. It knows well-known SIDs, accounts and
// groups of this computer, and domain users who logged on; ok is false for all others. It does not query the
// host, so that a record never waits.
func (s *Store) Account(id sid.SID) (name, domain string, ok bool) {
	a, ok := logon.WellKnownSID(id)
	if !ok {
		a, ok = s.known(s.now.Load(), id)
	}
	if !ok {
		a, ok = s.domainUsers.of(id)
	}
	return a.Name, a.Domain, ok
}
