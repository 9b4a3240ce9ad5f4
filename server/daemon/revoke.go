package daemon

import (
	"slices"
	"strings"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/inspect"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// mostRemaining is the most entries in the reply's list of access that a revocation cannot end.
const mostRemaining = 4096

// revoker has the functions of Config that revocations call. Each may be nil. It is immutable.
type revoker struct {
	others   func(selected func(user *token.Token, name string) bool) []inspect.Remaining
	nameOf   func(path string) (name string, ok bool)
	accounts func(name string) ([]sid.SID, ntstatus.Status)
}

// revocation is one request to end access. One goroutine uses it.
type revocation struct {
	who   sid.SID          // the revoked account or group; zero: revoke by name
	name  string           // kernel name of the revoked file; "": revoke by who
	users map[sid.SID]bool // who, and the users of the selected tokens
	seen  map[sid.SID]bool // the users of the selected files
}

// accounts returns the SIDs of the domain users with a name, nil for an unknown name. It tells who has logged on, so a
// caller without SeDebugPrivilege gets STATUS_PRIVILEGE_NOT_HELD (W-98).
func (l *inspector) accounts(name string) (list []string, st ntstatus.Status) {
	if !l.who.Holds(winnt.SeDebugPrivilege) {
		return nil, ntstatus.PrivilegeNotHeld
	}
	if l.d.revoke.accounts == nil {
		return nil, ntstatus.Success
	}
	found, st := l.d.revoke.accounts(name)
	for _, s := range found {
		list = append(list, s.String())
	}
	return list, st
}

// revoke ends the sessions, tokens and open files that a query selects, and reports what remains. by is the caller's
// connection. revoke writes the audit record first. On an error nothing ends:
//   - caller without SeDebugPrivilege: STATUS_PRIVILEGE_NOT_HELD
//   - the query selects the caller, an SID of no account or group, or a path in no tree: STATUS_INVALID_PARAMETER
//   - the audit record is missing and the policy fails closed: STATUS_AUDIT_FAILED
func (l *inspector) revoke(by *connection, q *inspect.Query) (*inspect.Revoked, ntstatus.Status) {
	if !l.who.Holds(winnt.SeDebugPrivilege) {
		// SeDebugPrivilege, the right to end every process, is also the right to end every access (W-98).
		return nil, ntstatus.PrivilegeNotHeld
	}
	r, ok := l.d.revoke.parse(q)
	if !ok || r.selects(by.token) || r.selects(l.who.Effective()) {
		return nil, ntstatus.InvalidParameter
	}
	target, how := q.User, "sessions, tokens and files"
	if r.name != "" {
		target, how = r.name, "files"
	}
	if q.Now {
		how += ", at once"
	}
	log := l.d.sys.Audit()
	from := audit.Origin{Subject: *l.who, Names: log.Names, ProcessID: uint64(by.process.ID())}
	e := audit.AccountsChanged(from, l.who.Effective().User().SID, "access revoked", target, how)
	if log.Sink != nil {
		// Record each revocation, whatever the audit policy is (W-100).
		if st := log.Write(e); st != ntstatus.Success {
			return nil, st
		}
	}
	return l.d.end(&r, q.Now), ntstatus.Success
}

// parse converts a query to a revocation: by one SID in User, or one path or kernel name in Path. ok is false for:
//   - both fields or neither
//   - an SID that is malformed or of no account or group
//   - a path in no tree, or a whole device directory
//   - a host path if v.nameOf is nil
func (v *revoker) parse(q *inspect.Query) (r revocation, ok bool) {
	if (q.User == "") == (q.Path == "") {
		return r, false
	}
	if q.User != "" {
		s, err := sid.ParseStrict(q.User)
		// Well-known SIDs, such as Everyone and SYSTEM, select the daemon's own tokens too.
		return revocation{who: s, users: map[sid.SID]bool{s: true}, seen: map[sid.SID]bool{}}, err == nil && account(s)
	}
	name := q.Path
	switch {
	case strings.HasPrefix(name, "/"):
		if v.nameOf == nil {
			return r, false
		}
		if name, ok = v.nameOf(name); !ok {
			return r, false
		}
	case strings.HasPrefix(name, `\??\`):
		name = `\Device\` + name[len(`\??\`):]
	}
	name = strings.TrimRight(name, `\`)
	return revocation{name: name}, strings.HasPrefix(name, `\`) && strings.Count(name, `\`) > 1
}

// account reports whether a SID names one account or group, so that an administrator can revoke it: of a domain, of a
// computer or of the host. It is false for well-known SIDs such as Everyone and SYSTEM.
func account(s sid.SID) bool {
	text := s.String()
	return strings.HasPrefix(text, "S-1-5-21-") || strings.HasPrefix(text, "S-1-22-")
}

// selects reports whether the token's user is the revoked SID or the token has it as a group that is not deny-only. It
// is false for a revocation by name, and for a nil token.
func (r *revocation) selects(t *token.Token) bool {
	if r.name != "" || t == nil {
		return false
	}
	for _, g := range t.Groups() {
		// A disabled group counts: the holder of the token could enable it again (W-98).
		if g.SID == r.who && g.Attributes&winnt.SE_GROUP_USE_FOR_DENY_ONLY == 0 {
			return true
		}
	}
	return t.User().SID == r.who
}

// holds reports whether the revocation covers an open file.
//   - client is the token for which the file was opened, nil for a file that a process opened for itself.
//   - name is the file's kernel name, "" for a file without one.
//   - A revocation of an account or group covers the files that were opened for it, or for a member at that time.
//   - A revocation by name covers the file with that name and its descendants, in any letter case.
func (r *revocation) holds(client *token.Token, name string) bool {
	if r.name == "" {
		return client != nil && (r.selects(client) || r.users[client.User().SID])
	}
	// Two cases of a letter can have different lengths, so the names are compared component by component.
	over, parts := strings.Split(r.name, `\`), strings.Split(name, `\`)
	return len(parts) >= len(over) && slices.EqualFunc(over, parts[:len(over)], strings.EqualFold)
}

// end ends the sessions, tokens and files that r selects. end returns their counts and what remains. With now, a
// connection ends at once. Without now, a connection ends after the calls in progress. end adds the users of the
// ended tokens to r.users, and those of the files to r.seen.
func (d *Daemon) end(r *revocation, now bool) *inspect.Revoked {
	var found []sid.SID
	a := &inspect.Revoked{}
	// Server processes continue, but access with the revoked tokens is denied from now on (W-98).
	a.Tokens, _ = d.sys.Revoke(func(t *token.Token) bool {
		if !r.selects(t) {
			return false
		}
		found = append(found, t.User().SID)
		return true
	}, nil)
	for _, s := range found {
		r.users[s.Clone()] = true
	}
	// Select after the change of the tokens: a connection admitted later reads the changed token of its process.
	ending := d.selected(r)
	_, a.Files = d.sys.Revoke(nil, func(client *token.Token, name string) bool {
		if !r.holds(client, name) {
			return false
		}
		if client != nil && r.name == "" {
			r.seen[client.User().SID.Clone()] = true // not r.users: earlier opens of the user stay
		}
		return true
	})
	for _, c := range d.all() {
		d.keepsDescriptors(r, c, ending[c], a)
	}
	for c := range ending {
		a.Sessions++
		c.process.RevokeFiles() // so that the end of the process deletes no file of others (W-99)
		c.process.Exit()
		c.served.Stop()
		if now {
			// Calls in progress get no reply.
			_ = c.conn.Close()
		}
	}
	if d.revoke.others != nil {
		for _, e := range d.revoke.others(r.holds) {
			remain(a, e)
		}
	}
	return a
}

// all returns the connections that have a process, in no order; nil if there are none. Connections that are still
// being set up are not in it.
func (d *Daemon) all() (list []*connection) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.connections {
		if c.session.Load() != nil {
			list = append(list, c)
		}
	}
	return list
}

// selected returns the connections that a revocation ends: those whose own token r selects. Tokens that they only
// impersonate are ignored. The map is empty, never nil. A connection that is still being set up gets r for later, see
// [connection.show].
func (d *Daemon) selected(r *revocation) map[*connection]bool {
	found := map[*connection]bool{}
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.connections {
		switch {
		case c.session.Load() == nil:
			c.early = append(c.early, r)
		case r.selects(c.token):
			found[c] = true
		}
	}
	return found
}

// show makes the connection with its process visible as s, to administrators and to revocations. It returns false if a
// revocation selected the connection while it was set up: its token may be older than the revocation (W-98). c.token
// must be set.
func (c *connection) show(s *session) bool {
	c.d.mu.Lock()
	defer c.d.mu.Unlock()
	c.session.Store(s)
	early := c.early
	c.early = nil
	return !slices.ContainsFunc(early, func(r *revocation) bool { return r.selects(c.token) })
}

// keepsDescriptors adds to a the passed descriptors that a revocation cannot close. The program of connection c, which
// must have a process, holds the descriptors. If ends is set, c ends and all its descriptors are added. If not, a
// revocation by name adds the descriptors of its files and of unnamed files, and a revocation of an account adds those
// that the program received for its users, and unnamed ones of any client.
func (d *Daemon) keepsDescriptors(r *revocation, c *connection, ends bool, a *inspect.Revoked) {
	s := c.session.Load()
	for _, e := range c.passed.all(s.Process) {
		// The last entry has no name: it stands for files that are not listed.
		selected := r.name != "" && r.holds(nil, e.Name) || r.name == "" && (r.users[e.client] || r.seen[e.client])
		if ends || selected || e.Name == "" && (r.name != "" || !e.client.IsZero()) {
			remain(a, inspect.Remaining{Kind: "descriptor", Name: e.Name, Process: s.Process, UID: s.UID, PID: s.PID})
		}
	}
}

// remain adds e to the list of what a revocation could not end. If the list already has mostRemaining entries, it only
// increments a.More.
func remain(a *inspect.Revoked, e inspect.Remaining) {
	if len(a.Remains) == mostRemaining {
		a.More++
		return
	}
	a.Remains = append(a.Remains, e)
}
