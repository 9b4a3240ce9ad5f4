package lsa

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Unmapped is the uid and gid that the host shows for one that has no number in its
// user namespace.
const Unmapped = 65534

// hostWait is how long the host's users are asked for.
const hostWait = 3 * time.Second

// TokenForUID returns the interactive logon of a user of the host, whose ids come
// from the host's kernel. STATUS_ACCOUNT_DISABLED and STATUS_LOGON_TYPE_NOT_GRANTED
// say that it may not log on. The user is in the groups of more, too.
func (s *Store) TokenForUID(uid uint32, gids []uint32, more ...sid.SID) (logon.Result, ntstatus.Status) {
	if uid == Unmapped {
		// 65534 stands for every uid without a number here: it is Anonymous. L-25
		return logon.AnonymousLogon(), ntstatus.Success
	}
	st := s.now.Load()
	if uid == 0 && s.cfg.Root != "" {
		// uid 0 is the account that the configuration names. L-26
		return s.root(st)
	}
	user, status := s.userOf(st, uid)
	if status != ntstatus.Success {
		return logon.Result{}, status
	}
	person, status := s.person(st, user, &uid, gids, winnt.LOGON32_LOGON_INTERACTIVE, more...)
	if status != ntstatus.Success {
		return logon.Result{Account: person.Account}, status
	}
	return logon.Compose(person, winnt.LOGON32_LOGON_INTERACTIVE)
}

// root returns the logon of the account that uid 0 is.
func (s *Store) root(st *state) (logon.Result, ntstatus.Status) {
	a, ok := s.LookupName(s.cfg.Root)
	switch {
	case !ok || a.Use != winnt.SidTypeUser && a.SID != sid.LocalSystem:
		return logon.Result{}, ntstatus.NoSuchUser
	case a.SID == sid.LocalSystem:
		return logon.Result{Token: token.LocalSystem(), Account: a}, ntstatus.Success
	}
	person, status := s.person(st, a.SID, nil, nil, winnt.LOGON32_LOGON_INTERACTIVE)
	if status != ntstatus.Success {
		return logon.Result{}, status
	}
	return logon.Compose(person, winnt.LOGON32_LOGON_INTERACTIVE)
}

// UserSID and GroupSID return the SIDs of ids of the host; 65534 is Anonymous.
func (s *Store) UserSID(uid uint32) sid.SID {
	if uid == Unmapped {
		return sid.Anonymous
	}
	u, _ := s.userOf(s.now.Load(), uid)
	return u
}

// GroupSID returns the SID of a gid.
func (s *Store) GroupSID(gid uint32) sid.SID {
	g, _ := s.groupOf(s.now.Load(), gid)
	return g
}

// UID returns the uid of a SID, ok false for one that is no user's or has none.
func (s *Store) UID(id sid.SID) (uid uint32, ok bool) {
	st := s.now.Load()
	switch a, known := st.account(id); {
	case known && a.UID != nil:
		uid, ok = *a.UID, true
	case known:
	case id.Authority() == 22 && id.SubAuthorities() == 2 && id.Sub(0) == 1:
		uid, ok = id.Sub(1), true
	default:
		uid, ok = s.idOf(st, id, false)
	}
	// Only the SID that the uid has in turn is its own. L-28
	return uid, ok && s.UserSID(uid) == id
}

// GID returns the gid of a SID likewise.
func (s *Store) GID(id sid.SID) (gid uint32, ok bool) {
	st := s.now.Load()
	switch g, known := st.groups[id]; {
	case known && g.GID != nil:
		gid, ok = *g.GID, true
	case known:
	case id.Authority() == 22 && id.SubAuthorities() == 2 && id.Sub(0) == 2:
		gid, ok = id.Sub(1), true
	default:
		gid, ok = s.idOf(st, id, true)
	}
	// Here too, only the SID that the gid has in turn is its own. L-28
	return gid, ok && s.GroupSID(gid) == id
}

// QuotaUID returns the uid whose quota a uid counts against: a subordinate uid
// shares that of the user who has it. L-29
func (s *Store) QuotaUID(uid uint32) uint32 {
	r, ok := s.subids.owner(uid)
	if !ok {
		return uid
	}
	if n, err := strconv.ParseUint(r.Owner, 10, 32); err == nil {
		return uint32(n) // the file may have the number in place of the name
	}
	if n, ok := s.hostUID(r.Owner); ok {
		return n
	}
	// The ids of a range share a quota though the host does not tell whose they are. L-29
	return r.First
}

// person collects everything about a user: the groups of the account, those of the
// host, and what they are in; and all rights. The uid is that of the logon, nil to
// take the account's.
func (s *Store) person(st *state, user sid.SID, uid *uint32, gids []uint32, t winnt.LogonType,
	more ...sid.SID) (logon.Person, ntstatus.Status) {
	a, local := st.account(user)
	account, _ := s.LookupSID(user)
	p := logon.Person{Account: account}
	p.Account.SID = user
	if local && a.Disabled {
		return p, ntstatus.AccountDisabled
	}
	if local && uid == nil && a.UID != nil {
		uid = a.UID
		var st ntstatus.Status
		if gids, st = s.hostGroups(*a.UID); st != ntstatus.Success {
			return p, st
		}
	}
	ids := slices.Clone(more)
	if local {
		ids = append(ids, st.machine.WithRID(noneRID))
	}
	if uid != nil && fileaccess.UnixUser(*uid) != user {
		// A user of the host is also the SID that the files of that user have. L-30
		ids = append(ids, fileaccess.UnixUser(*uid))
	}
	for _, g := range gids {
		if g == Unmapped {
			continue
		}
		group, status := s.groupOf(st, g)
		if status != ntstatus.Success {
			return p, status
		}
		ids = append(ids, group)
	}
	always := []sid.SID{sid.Everyone, sid.AuthenticatedUsers, logon.TypeSID(t)}
	all := st.expand(append(append([]sid.SID{user}, ids...), always...))
	for _, id := range all {
		g := st.grants[id]
		p.Privileges |= g.Privileges
		p.Rights |= g.Rights
		if id != user && !slices.Contains(always, id) {
			p.Groups = append(p.Groups, id)
		}
	}
	return p, ntstatus.Success
}

// noneRID is the RID of the group None, the primary group of every account.
const noneRID = 513

// hostGroups returns the gids of a user of the host; none for one that the host does
// not name. Half of the groups could hide one that denies: then the status is
// STATUS_NO_LOGON_SERVERS. L-56
func (s *Store) hostGroups(uid uint32) ([]uint32, ntstatus.Status) {
	if s.cfg.Hosts == nil {
		return nil, ntstatus.Success
	}
	ctx, cancel := context.WithTimeout(context.Background(), hostWait)
	defer cancel()
	name, ok := s.cfg.Hosts.UserName(ctx, uid)
	if !ok {
		return nil, ntstatus.Success
	}
	gids, ok := s.cfg.Hosts.Groups(ctx, name)
	if !ok {
		return nil, ntstatus.NoLogonServers
	}
	return gids, ntstatus.Success
}

func (s *Store) hostUID(name string) (uint32, bool) {
	if s.cfg.Hosts == nil {
		return 0, false
	}
	ctx, cancel := context.WithTimeout(context.Background(), hostWait)
	defer cancel()
	return s.cfg.Hosts.UID(ctx, name)
}
