package lsa

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// LogOn logs a user on with a password, or by name alone for a service (S4U). A request that adds groups without
// SeTcbPrivilege returns STATUS_PRIVILEGE_NOT_HELD, and any other package then STATUS_NO_SUCH_PACKAGE. A password logon
// blocks until it is its turn to compute a hash, and returns STATUS_INSUFFICIENT_RESOURCES if too many logons wait. A
// failed logon has no token in the result, but may have the account and the reason for the audit record. Its
// Result.Unchecked is true if no package handled it, or a password was refused before its hash was computed.
func (s *Store) LogOn(r logon.Request) (logon.Result, ntstatus.Status) {
	if len(r.Groups) > 0 && !r.Tcb {
		// Only a caller with SeTcbPrivilege may add groups to a token (L-33).
		return logon.Result{Unchecked: true}, ntstatus.PrivilegeNotHeld
	}
	switch r.Package {
	case logon.Password:
		return s.byPassword(&r)
	case logon.S4U:
		return s.byName(&r)
	}
	return logon.Result{Unchecked: true}, ntstatus.NoSuchPackage
}

// LogonPassword logs a user on by name and password with the logon type t, as LogOn does for a request without a
// caller or an address. All callers of LogonPassword count as one origin, so one can lock a name for the others.
func (s *Store) LogonPassword(name string, password logon.Secret, t winnt.LogonType) (logon.Result, ntstatus.Status) {
	return s.LogOn(logon.Request{Package: logon.Password, Type: t, Name: name, Password: password})
}

// split returns the name in a request, with its domain as full and without it as short. own is true if the domain is
// this computer, "." or missing.
func (s *Store) split(r *logon.Request) (full, short string, own bool) {
	full = r.Name
	if r.Domain != "" && r.Domain != "." {
		full = r.Domain + `\` + full
	}
	domain, short, qualified := logon.Split(full)
	return full, short, !qualified || domain == "." || strings.EqualFold(domain, s.computer)
}

// find returns the account of this computer that a request names. ok is false for other domains and for unknown,
// overlong or non-UTF-8 names. Names match in any case.
func (s *Store) find(st *state, r *logon.Request) (sid.SID, Account, bool) {
	full, short, own := s.split(r)
	if len(full) > logon.MaxName || !utf8.ValidString(full) || !own {
		return sid.SID{}, Account{}, false
	}
	id := st.names[strings.ToUpper(short)]
	a, ok := st.account(id)
	return id, a, ok
}

// counterName returns the name whose failures a logon counts. All spellings of a name of this computer count as one,
// whether or not it has an account. Otherwise a lock would reveal which names have one (L-31, L-32).
func (s *Store) counterName(r *logon.Request) string {
	name, short, own := s.split(r)
	if own {
		name = short
	}
	return strings.ToUpper(strings.ToValidUTF8(name, "?"))
}

// byPassword logs on with a name and a password. A network logon without both is anonymous (L-34). A success clears
// the name's failures from this origin. Rejections:
//   - too many logons wait: STATUS_INSUFFICIENT_RESOURCES
//   - after EndLogons: STATUS_CANCELLED, before any hash
//   - overlong input: STATUS_LOGON_FAILURE, before any hash
//   - a locked name: STATUS_ACCOUNT_LOCKED_OUT, after one hash, without a write
//   - an unknown name or wrong password: STATUS_LOGON_FAILURE, after one hash and one write (L-32)
//   - a disabled account and the right password: STATUS_ACCOUNT_DISABLED
//   - the right password, but no token: the status of that failure
func (s *Store) byPassword(r *logon.Request) (logon.Result, ntstatus.Status) {
	if r.IsAnonymous() {
		// A network logon without name and password is Anonymous (L-34).
		return logon.AnonymousLogon(), ntstatus.Success
	}
	if len(r.Password) > maxPassword || len(r.Name)+len(r.Domain) > logon.MaxName {
		out, status := s.refused(r, Account{}, sid.SID{}, ntstatus.NameTooLong, ntstatus.LogonFailure)
		out.Unchecked = true
		return out, status
	}
	origin, _ := s.Requester(r)
	if !s.throttle.hashing.Enter(s.throttle.stopping, origin) {
		if s.throttle.stopping.Err() != nil {
			return logon.Result{Unchecked: true}, ntstatus.Cancelled // the stopping daemon cancels waiting logons (W-19)
		}
		return logon.Result{Unchecked: true}, ntstatus.InsufficientResources
	}
	defer s.throttle.hashing.Leave()
	if s.throttle.stopping.Err() != nil {
		return logon.Result{Unchecked: true}, ntstatus.Cancelled // also one whose wait has just ended
	}
	// Read the accounts after the wait: one of them may have been disabled, or have a new password.
	st := s.now.Load()
	id, a, known := s.find(st, r)
	key := s.counterName(r)
	open := s.throttle.attempt(key, origin, s.cfg.Now())
	if open {
		// Failures of an unknown name are stored below RID 0, which no account has, only because the
		// response time would otherwise tell known names from unknown ones (L-32).
		s.keepFailures(a.RID, key)
	}
	hash := s.throttle.decoy
	if own, err := parseHash(a.Hash); known && err == nil {
		hash = own
	}
	right := hash.matches(r.Password)
	switch {
	case !open:
		return s.refused(r, a, id, ntstatus.AccountLockedOut, ntstatus.AccountLockedOut)
	case !known:
		// An unknown name and a wrong password return the same status (L-32).
		return s.refused(r, a, id, ntstatus.NoSuchUser, ntstatus.LogonFailure)
	case !right || a.Hash == "":
		// A wrong password, and an account without a password, are refused (L-19).
		return s.refused(r, a, id, ntstatus.WrongPassword, ntstatus.LogonFailure)
	case a.Disabled:
		// Only a client that knows the password learns the account's restrictions (L-35).
		return s.refused(r, a, id, ntstatus.AccountDisabled, ntstatus.AccountDisabled)
	}
	s.throttle.succeed(key, origin)
	s.keepFailures(a.RID, key)
	out, status := s.compose(st, id, r)
	if status != ntstatus.Success {
		return s.refused(r, a, id, status, status)
	}
	s.reportAttempt(Attempt{Name: r.Name, Account: out.Account, Granted: true, Reason: ntstatus.Success.String()})
	return out, ntstatus.Success
}

// byName logs on for a service that has authenticated its client by other means (S4U). It accepts network logons only.
// Without SeTcbPrivilege the token's level is Identification (L-36). Another type of logon is
// STATUS_INVALID_LOGON_TYPE, and a disabled account STATUS_ACCOUNT_DISABLED.
func (s *Store) byName(r *logon.Request) (logon.Result, ntstatus.Status) {
	if r.Type != winnt.LOGON32_LOGON_NETWORK {
		return logon.Result{}, ntstatus.InvalidLogonType
	}
	st := s.now.Load()
	var out logon.Result
	var status ntstatus.Status
	if id, _, ok := s.find(st, r); ok {
		out, status = s.compose(st, id, r)
	} else {
		out, status = s.unixByName(st, r)
	}
	if status == ntstatus.Success && !r.Tcb {
		out.Token.Level = winnt.SecurityIdentification
	}
	return out, status
}

// unixByName logs on a user of the host, NAME or Unix User\NAME, with the host's groups (L-57). It waits at most
// hostWait. If the groups cannot be read, the status is STATUS_NO_LOGON_SERVERS. An unknown user is
// STATUS_NO_SUCH_USER. Unknown are also 65534, root if the configuration names an account for it, names of other
// domains, and all names without Config.Hosts.
func (s *Store) unixByName(st *state, r *logon.Request) (logon.Result, ntstatus.Status) {
	unknown := logon.Result{Reason: ntstatus.NoSuchUser}
	domain, name, qualified := logon.Split(r.Name)
	elsewhere := func(domain string) bool { return !strings.EqualFold(domain, unixUsers) }
	// The field for the domain counts also if the name has a domain of its own (L-57).
	if s.cfg.Hosts == nil || name == "" || len(name) > logon.MaxName || qualified && elsewhere(domain) ||
		r.Domain != "" && elsewhere(r.Domain) {
		return unknown, ntstatus.NoSuchUser
	}
	ctx, cancel := context.WithTimeout(context.Background(), hostWait)
	defer cancel()
	uid, ok := s.cfg.Hosts.UID(ctx, name)
	// 65534 is not a user. root logs on under the configured account's name, not its own (L-25, L-26).
	if !ok || uid == Unmapped || uid == 0 && s.cfg.Root != "" {
		return unknown, ntstatus.NoSuchUser
	}
	gids, ok := s.cfg.Hosts.Groups(ctx, name)
	if !ok {
		// An incomplete list could miss a group that a deny entry names (L-56).
		return logon.Result{}, ntstatus.NoLogonServers
	}
	user, status := s.userOf(st, uid)
	if status != ntstatus.Success {
		return logon.Result{}, status
	}
	p, status := s.person(st, user, &uid, gids, wayOf(r))
	return s.composed(st, p, r, status)
}

// compose returns the result of a logon by the account id, whose password or other proof was checked: its token or the
// reason why it has none.
func (s *Store) compose(st *state, id sid.SID, r *logon.Request) (logon.Result, ntstatus.Status) {
	p, status := s.person(st, id, nil, nil, wayOf(r))
	return s.composed(st, p, r, status)
}

// composed completes a logon: it builds the result for the person p with the request's added groups. If status is a
// failure, it returns the account and that status.
func (s *Store) composed(st *state, p logon.Person, r *logon.Request, status ntstatus.Status) (logon.Result,
	ntstatus.Status) {
	if status != ntstatus.Success {
		return logon.Result{Account: p.Account, Reason: status}, status
	}
	for _, g := range r.Groups {
		// A disabled or deny-only group adds nothing (T-145).
		if countsForLocalGroups(g) {
			p = s.addGroupRights(st, p, g)
		}
	}
	return logon.Compose(p, r.Type, r.Groups...)
}

// addGroupRights gives a person what a group brings: the privileges and rights of the group and of all groups that
// contain it. The group itself is not added to p.Groups, the containing ones are, even those that p has already.
func (s *Store) addGroupRights(st *state, p logon.Person, g token.Group) logon.Person {
	for _, id := range st.expand([]sid.SID{g.SID}) {
		grant := st.grants[id]
		p.Privileges |= grant.Privileges
		p.Rights |= grant.Rights
		if id != g.SID {
			p.Groups = append(p.Groups, id)
		}
	}
	return p
}

// refused ends a failed logon: it reports the attempt to Config.Logons with the reason why, and returns said as the
// client's status, which can be less precise. A name of no account leaves the account out of the report.
func (s *Store) refused(r *logon.Request, a Account, id sid.SID, why, said ntstatus.Status) (logon.Result,
	ntstatus.Status) {
	t := Attempt{Name: clip(r.Name), Reason: why.String()}
	if a.Name != "" {
		t.Account = s.toAccount(id, a)
	}
	s.reportAttempt(t)
	return logon.Result{Account: t.Account, Reason: why}, said
}

// reportAttempt passes an attempt to the configured function, if there is one.
func (s *Store) reportAttempt(t Attempt) {
	if s.cfg.Logons != nil {
		s.cfg.Logons(t)
	}
}

// clip shortens a name for a record and replaces invalid UTF-8. A longer one than maxFailBytes is cut and ends in
// "…".
func clip(name string) string {
	if len(name) > maxFailBytes {
		name = name[:maxFailBytes] + "…"
	}
	return strings.ToValidUTF8(name, "\uFFFD")
}
