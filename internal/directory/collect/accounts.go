package collect

import (
	"fmt"
	"strconv"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/sid"
)

// Accounts resolves all references and returns the accounts, in the order in which the sources first mentioned them.
// It makes names unique and renames accounts whose name reads as a SID. It drops references that it cannot resolve
// and reports them in Unresolved. Call it once, after all sources have been read.
func (c *Collector) Accounts() *directory.Accounts {
	c.resolve()
	c.rename()
	a := &directory.Accounts{Domain: c.Domain, Realm: c.Realm, Users: make([]directory.User, len(c.Users.list)),
		Groups: make([]directory.Group, len(c.Groups.list))}
	for i, u := range c.Users.list {
		u.index = i + 1
		a.Users[i] = u.user()
	}
	for i, g := range c.Groups.list {
		g.index = i + 1
		a.Groups[i] = g.group()
	}
	return a
}

// Change replaces the record Old by New.
type Change struct{ Old, New *Record }

// Renew returns the accounts that Accounts would return if the new records replaced the old ones. of must be the last
// result of Accounts or Renew. It resolves only the references of the changed accounts, and Unresolved then has only
// theirs. If another account might refer to a changed one in a different way, or several records describe one account,
// ok is false and nothing changes.
func (c *Collector) Renew(of *directory.Accounts, changes []Change) (accounts *directory.Accounts, ok bool) {
	renewed := make([]*Account, len(changes))
	for i, x := range changes {
		table := &c.Users
		if x.Old.Kind == Group {
			table = &c.Groups
		}
		a := table.bySID[x.Old.SID]
		if a == nil || a.record != x.Old || a.records != 1 || a.same != nil || !x.Old.same(x.New) {
			return nil, false
		}
		renewed[i] = a
	}
	c.Unresolved = nil
	users, groups := map[int]directory.User{}, map[int]directory.Group{}
	for i, a := range renewed {
		a.replace(changes[i].New)
		c.resolveGroups(a)
		a.settleGroups()
		switch {
		case a.index == 0: // the account is not in the result
		case changes[i].New.Kind == Group:
			groups[a.index-1] = a.group()
		default:
			users[a.index-1] = a.user()
		}
	}
	return of.With(users, groups), true
}

// user returns the account as a user. Its groups must be resolved. A primary group of another domain, and Domain
// Users, are left out, because Domain Users is the default.
func (a *Account) user() directory.User {
	u := directory.User{Name: a.Name, SID: a.SID, MemberOf: a.memberOf(), UID: unixID(a.ID), GID: unixID(a.GID),
		Claims: a.Claims, UPN: a.UPN, Disabled: a.Disabled}
	// Other users have the default primary group.
	if p := a.Primary; !p.IsZero() && p.Prefix() == a.SID.Prefix() && p.RID() != directory.DomainUsersRID {
		u.Primary = p
	}
	return u
}

// group returns the value of a resolved group.
func (a *Account) group() directory.Group {
	return directory.Group{Name: a.Name, SID: a.SID, MemberOf: a.memberOf(), GID: unixID(a.ID)}
}

// memberOf returns the SIDs of the groups that a resolved account is in, nil if it is in none. The caller owns the
// slice.
func (a *Account) memberOf() []sid.SID {
	if len(a.groups)+len(a.others) == 0 {
		return nil
	}
	out := make([]sid.SID, 0, len(a.groups)+len(a.others))
	for _, g := range a.groups {
		out = append(out, g.SID)
	}
	return append(out, a.others...)
}

// unixID returns the id in a decimal text, or the zero UnixID for any other text such as "".
func unixID(text string) directory.UnixID {
	n, err := strconv.ParseUint(text, 10, 32)
	return directory.UnixID{ID: uint32(n), Known: err == nil}
}

// rename gives each user and each group a unique name that does not read as a SID. Names that differ only in case are
// not unique.
func (c *Collector) rename() {
	users, groups := map[string]bool{}, map[string]bool{}
	for _, u := range c.Users.list {
		// Only groups avoid two-letter aliases too, because memberOf takes both. A user's name wins over an alias.
		if directory.ReadsAsSID(u.Name) {
			u.Name = "user " + u.Name
		}
		u.Name = distinct(users, u.Name, u.SID)
	}
	for _, g := range c.Groups.list {
		if _, err := sid.Resolve(g.Name, directory.AnyDomain); err == nil {
			g.Name = "group " + g.Name
		}
		g.Name = distinct(groups, g.Name, g.SID)
	}
}

// distinct returns name, or if it is taken in any case, name with the SID appended. It adds the result to taken.
func distinct(taken map[string]bool, name string, s sid.SID) string {
	for taken[directory.Fold(name)] {
		name += fmt.Sprintf(" (%v)", s)
	}
	taken[directory.Fold(name)] = true
	return name
}

// Count returns the number of users and of groups collected so far; after Accounts, the number that it returned.
func (c *Collector) Count() (users, groups int) { return len(c.Users.list), len(c.Groups.list) }
