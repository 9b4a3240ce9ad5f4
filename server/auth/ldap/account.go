package ldap

import (
	"context"
	"slices"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/server/auth/kerberos/pac"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// Found is an account with its groups and claims. It is immutable; the zero value has no SID.
type Found struct {
	Name         string // sAMAccountName
	SID          sid.SID
	PrimaryGroup sid.SID
	Groups       []token.Group // the primary group first
	Claims       *claims.Set   // nil if the account has none
	Dropped      []pac.Dropped // SIDs that the directory may not assign; Groups has none of them
	// Restricted is the reason why the account may not be used now; 0: it may.
	Restricted Restriction
	Cached     bool // the directory is unreachable; this is an earlier result

	principal string // userPrincipalName, "" if absent or unreadable
	bounds    bounds // when the account may be used
}

// ErrUnknown says that the directory has no such account.
var ErrUnknown = &Error{"the directory has no such account"}

// accountAttributes are the attributes that newFound and hasName read, except claims.
var accountAttributes = []string{"objectSid", "sAMAccountName", "userPrincipalName", "userAccountControl",
	"accountExpires", "lockoutTime", "pwdLastSet", "logonHours", "primaryGroupID", "sIDHistory", "memberOf"}

// filterOf returns the LDAP search filter that finds an account by name. If the name came with a realm, it also matches
// the userPrincipalName (D-9).
func (d *Directory) filterOf(name string, byRealm bool) string {
	escaped := goldap.EscapeFilter(name)
	own := "(sAMAccountName=" + escaped + ")"
	if byRealm && d.cfg.Realm != "" {
		own = "(|" + own + "(userPrincipalName=" + escaped + "@" + goldap.EscapeFilter(d.cfg.Realm) + "))"
	}
	return "(&(objectClass=user)" + own + ")"
}

// maxName limits the length of account names, in bytes.
const maxName = 256

// readAccount reads an account with its groups and claims from a server, without the cache. name is a principal name if
// byRealm is true, else an account name. m is the server's change number before the read. An unknown account is
// ErrUnknown.
func (d *Directory) readAccount(ctx context.Context, name string, byRealm bool) (f *Found, m mark, err error) {
	err = d.with(ctx, func(c *conn) error {
		p, err := d.serverInfo(c)
		if err != nil {
			return err
		}
		// Read the number first. A later change then makes this result out of date.
		if m, err = c.mark(); err != nil {
			return err
		}
		f, err = d.account(c, p, name, byRealm)
		return err
	})
	return f, m, err
}

// account reads an account with its groups and claims on a connection. p has the server's naming context. Without an
// account of that name it returns ErrUnknown. Two accounts are an error.
func (d *Directory) account(c *conn, p *serverInfo, name string, byRealm bool) (*Found, error) {
	e, err := d.entryOf(c, p, name, byRealm)
	if err != nil {
		return nil, err
	}
	return d.newFound(c, p, e, name)
}

// entryOf reads the entry of an account. No entry is ErrUnknown, two entries are an error. Two accounts may match
// because one has the name and the other the principal name.
func (d *Directory) entryOf(c *conn, p *serverInfo, name string, byRealm bool) (*entry, error) {
	var all []*entry
	err := c.search(query{base: p.base, below: true, filter: d.filterOf(name, byRealm), most: 2,
		attributes: append(slices.Clone(accountAttributes), d.claimAttributes()...)},
		func(e *entry) error { all = append(all, e); return nil })
	switch {
	case err != nil:
		return nil, err
	case len(all) == 0:
		return nil, ErrUnknown
	case len(all) > 1:
		// One account matches by account name, the other by principal name, so the name is ambiguous (D-9).
		return nil, wrong("two accounts have that name")
	}
	return all[0], nil
}

// newFound converts an entry to an account and reads its groups from the server. requested is the name for error
// messages. Another domain, no primary group and incomplete attributes are errors. SIDs of the history count as groups.
// An account that may not log on has a restriction, which is not an error. If the restriction is unreadable, newFound
// returns the account with an error.
func (d *Directory) newFound(c *conn, p *serverInfo, e *entry, requested string) (*Found, error) {
	f := &Found{}
	var err error
	if f.Name, err = e.one("sAMAccountName"); err != nil {
		return nil, err
	}
	f.principal, _ = e.one("userPrincipalName") // only its spelling counts, for the cache
	ids, err := e.sids("objectSid")
	if err != nil {
		return nil, err
	}
	if len(ids) != 1 || ids[0].Prefix() != d.cfg.Domain {
		// The directory is authoritative only for accounts of its own domain (D-10).
		return nil, wrong("the account %.64q is not one of the domain", requested)
	}
	f.SID = ids[0]
	primary, err := e.number("primaryGroupID", 0)
	if err != nil || primary <= 0 || primary > 1<<32-1 {
		return nil, wrong("the account %.64q has no primary group", requested)
	}
	f.PrimaryGroup = d.cfg.Domain.WithRID(uint32(primary))
	history, err := e.sids("sIDHistory")
	if err != nil {
		return nil, err
	}
	groups, computed, err := d.groups(c, p, e, f.PrimaryGroup)
	if err != nil {
		return nil, err
	}
	// The account's former SIDs count as groups (D-14).
	if err := f.setGroups(d, slices.Concat([]sid.SID{f.PrimaryGroup}, groups, history)); err != nil {
		return nil, err
	}
	if f.Claims, err = e.claims(d.claims); err != nil {
		return nil, err
	}
	return f, d.restrict(f, e, &computed)
}

// place returns the place that decides which SIDs the directory may assign now.
func (d *Directory) place() pac.Place {
	return pac.Place{Domain: d.cfg.Domain, Machine: d.cfg.Machine()}
}

// setGroups sets the groups of the account: groups without the SIDs that the directory may not assign.
// Tickets have the same filter (D-15). It also sets Dropped. On an error both are incomplete.
func (f *Found) setGroups(d *Directory, groups []sid.SID) (err error) {
	all := make([]token.Group, len(groups))
	for i, s := range groups {
		all[i] = token.Group{SID: s, Attributes: token.GroupDefault}
	}
	at := d.place()
	if f.Groups, f.Dropped, err = at.Filter(f.SID, all); err != nil {
		return wrong("%v", err)
	}
	return nil
}
