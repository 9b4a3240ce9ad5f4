package lsa

import (
	"context"
	"slices"
	"time"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Unmapped is the overflow uid and gid. The host's kernel reports it for an id without a mapping in
// the user namespace.
const Unmapped = 65534

// hostWait is the timeout of a lookup in the host's databases.
const hostWait = 3 * time.Second

// TokenForUID returns the interactive logon of a user of the host. uid and gids come from the host's kernel. It
// adds the SIDs in more to the user's groups. uid 65534 logs on as Anonymous. uid 0 logs on as the account
// Config.Root, if that is set; then gids and more are ignored. On a failure the result has no token, but may
// have the account.
//
// STATUS_ACCOUNT_DISABLED and STATUS_LOGON_TYPE_NOT_GRANTED mean that the user may not log on,
// STATUS_NO_SUCH_USER that Config.Root is not a user of this computer, and STATUS_NO_LOGON_SERVERS that an id or its
// groups could not be resolved.
func (s *Store) TokenForUID(uid uint32, gids []uint32, more ...sid.SID) (logon.Result, ntstatus.Status) {
	if uid == Unmapped {
		// 65534 stands for every unmapped uid, so it is Anonymous (L-25).
		return logon.AnonymousLogon(), ntstatus.Success
	}
	st := s.now.Load()
	if uid == 0 && s.cfg.Root != "" {
		// uid 0 is the account that the configuration names (L-26).
		return s.root(st)
	}
	user, status := s.userOf(st, uid)
	if status != ntstatus.Success {
		return logon.Result{}, status
	}
	person, status := s.person(st, user, &uid, gids, atHost, more...)
	if status != ntstatus.Success {
		return logon.Result{Account: person.Account}, status
	}
	return logon.Compose(person, atHost.typ)
}

// root returns the logon of the configured account of uid 0, or STATUS_NO_SUCH_USER if that is no user of this
// computer. LocalSystem gets its own full token, and a disabled account is STATUS_ACCOUNT_DISABLED. A user of the host
// has the host's groups; if they cannot be read, the status is STATUS_NO_LOGON_SERVERS.
func (s *Store) root(st *state) (logon.Result, ntstatus.Status) {
	a, ok := s.LookupLogonName(s.cfg.Root)
	switch {
	case !ok || a.Use != winnt.SidTypeUser && a.SID != sid.LocalSystem:
		return logon.Result{}, ntstatus.NoSuchUser
	case a.SID == sid.LocalSystem:
		return logon.Result{Token: token.LocalSystem(), Account: a}, ntstatus.Success
	case !st.isLocal(a.SID):
		// Only the domain knows its user's groups. A token without them could escape a deny entry (L-26).
		return logon.Result{}, ntstatus.NoSuchUser
	}
	var host *uint32
	var gids []uint32
	if uid, ok := unixUID(a.SID); ok {
		// A deny entry could name one of the user's groups, so the host must list all of them (L-56).
		var status ntstatus.Status
		if gids, status = s.hostGroups(uid); status != ntstatus.Success {
			return logon.Result{}, status
		}
		host = &uid
	}
	person, status := s.person(st, a.SID, host, gids, atHost)
	if status != ntstatus.Success {
		return logon.Result{}, status
	}
	return logon.Compose(person, atHost.typ)
}

// UserSID returns the SID of a uid of the host; 65534 is Anonymous. If the lookup fails, it is
// S-1-22-1-uid. A lookup in winbind or the directory takes up to three seconds.
func (s *Store) UserSID(uid uint32) sid.SID {
	u, _ := s.SIDOf(uid, false)
	return u
}

// GroupSID returns the SID of a gid. If the lookup fails, it is S-1-22-2-gid. gid 65534 is always S-1-22-2-65534,
// which no logon of the store contains (L-25). A lookup in winbind or the directory takes up to three seconds.
func (s *Store) GroupSID(gid uint32) sid.SID {
	g, _ := s.SIDOf(gid, true)
	return g
}

// SIDOf returns the SID of a uid, or of a gid if group is set, as UserSID and GroupSID do. ok is false if the lookup
// fails, so that the id may have another SID.
func (s *Store) SIDOf(id uint32, group bool) (of sid.SID, ok bool) {
	st := ntstatus.Success
	switch {
	case group:
		of, st = s.groupOf(s.now.Load(), id)
	case id == Unmapped:
		of = sid.Anonymous
	default:
		of, st = s.userOf(s.now.Load(), id)
	}
	return of, st == ntstatus.Success
}

// UID returns the uid of a SID. ok is false if the SID is not a user, if the user has no uid, or if the uid maps to
// another SID. A failed lookup cannot be distinguished from these.
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
	// A uid belongs to a SID only if it maps back to the same SID (L-28).
	return uid, ok && s.UserSID(uid) == id
}

// GID returns the gid of a SID. ok is false if the SID is not a group, if the group has no gid, or if the gid maps to
// another SID. A failed lookup cannot be distinguished from these.
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
	// A gid belongs to a SID only if it maps back to the same SID (L-28).
	return gid, ok && s.GroupSID(gid) == id
}

// QuotaUID returns the uid that is charged for a uid's resources. A subordinate uid is charged to
// the owner of its range, or to the first id of the range if the owner is unknown (L-29).
func (s *Store) QuotaUID(uid uint32) uint32 { return s.subids.Charged(uid, s.hostUID) }

// way is the manner of a logon: its logon type, and how the client's identity was proved.
type way struct {
	typ   winnt.LogonType
	proof logon.Proof
}

// atHost is the way of a program of the host. The host's kernel reports its uid, and no protocol proves an identity
// (L-82).
var atHost = way{typ: winnt.LOGON32_LOGON_INTERACTIVE}

// wayOf returns the logon type of a request to this computer and the proof of identity: NTLM for a password, and a
// service's assertion for a name alone (L-82).
func wayOf(r *logon.Request) way {
	if r.Package == logon.S4U {
		return way{r.Type, logon.ByServiceOnly}
	}
	return way{r.Type, logon.ProvedByNTLM}
}

// person returns a user's groups, privileges and rights, including all groups above. uid and gids are those of the
// logon. If uid is nil, the account's uid and its host groups are used. Unmapped gids are skipped. Everyone and
// similar groups are left out. A disabled account is STATUS_ACCOUNT_DISABLED. An unknown host group returns the
// status of groupOf.
func (s *Store) person(st *state, user sid.SID, uid *uint32, gids []uint32, how way,
	more ...sid.SID) (logon.Person, ntstatus.Status) {
	a, local := st.account(user)
	account, _ := s.lookupSID(st, user, s.cfg.Hosts)
	here := st.isLocal(user)
	p := logon.Person{Account: account, Remote: !here, Proof: how.proof}
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
		// A user of the host also has the SID that owns the user's files (L-30).
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
	always := append([]sid.SID{sid.Everyone, sid.AuthenticatedUsers}, logon.Groups(how.typ, how.proof, here, false)...)
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

// isLocal reports whether a user is an account of this computer or a user of the host. An id map gives users of a
// domain (L-81).
func (s *state) isLocal(user sid.SID) bool {
	return user.Prefix() == s.machine || user.Authority() == 22
}

// noneRID is the RID of the group None, the primary group of every local account.
const noneRID = 513

// WithHostGroups returns gids and the groups that the host lists for a uid, each once. If they cannot be read
// completely, the status is STATUS_NO_LOGON_SERVERS, and gids are returned alone. A uid that the host does not know,
// and 65534, add none.
func (s *Store) WithHostGroups(uid uint32, gids []uint32) ([]uint32, ntstatus.Status) {
	if uid == Unmapped {
		return gids, ntstatus.Success
	}
	more, st := s.hostGroups(uid)
	out := slices.Clone(gids)
	for _, g := range more {
		if !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	return out, st
}

// hostGroups returns the gids of a user of the host, none if the host has no such user. If a lookup
// fails or the list is incomplete, the status is STATUS_NO_LOGON_SERVERS, because a missing group
// could be one that denies (L-56).
func (s *Store) hostGroups(uid uint32) ([]uint32, ntstatus.Status) {
	if s.cfg.Hosts == nil {
		return nil, ntstatus.Success
	}
	ctx, cancel := context.WithTimeout(context.Background(), hostWait)
	defer cancel()
	gids, ok := s.cfg.Hosts.GroupsOf(ctx, uid)
	if !ok {
		return nil, ntstatus.NoLogonServers
	}
	return gids, ntstatus.Success
}

// hostUID returns the uid that the host has for a name. It waits at most hostWait. ok is false if the host has no such
// user or is not configured.
func (s *Store) hostUID(name string) (uint32, bool) {
	if s.cfg.Hosts == nil {
		return 0, false
	}
	ctx, cancel := context.WithTimeout(context.Background(), hostWait)
	defer cancel()
	return s.cfg.Hosts.UID(ctx, name)
}
