package collect

import (
	"maps"
	"slices"
	"strconv"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/sid"
)

// posix holds the authorities for SIDs of users and groups that have no other SID (B-1).
var posix = [2]sid.SID{directory.UnixUsers, directory.UnixGroups}

// resolve sets the SID and groups of each account. It drops these:
//   - accounts that another one replaces, such as a user whose only name is the SID of a group
//   - accounts with neither a SID nor an id, with a report
//   - distribution groups, with a report if they have a SID
//   - groups that LeaveOut names
func (c *Collector) resolve() {
	for kind, t := range [2]*Table{&c.Users, &c.Groups} {
		t.list = slices.DeleteFunc(t.list, func(a *Account) bool {
			if a.same != nil {
				return true
			}
			// A source that knows only a SID, such as wbinfo --sid-aliases, takes it for a user's.
			if g := c.Groups.bySID[a.SID]; kind == 0 && g != nil && a.Name == a.SID.String() {
				a.ID, a.GID = "", "" // those of a user
				g.merge(a)
				return true
			}
			if n, err := strconv.ParseUint(a.ID, 10, 32); a.SID.IsZero() && err == nil {
				a.SID = posix[kind].WithRID(uint32(n))
			}
			if a.SID.IsZero() && !a.Mail {
				c.Report("%s has neither a SID nor an id", a.Name)
			}
			return a.SID.IsZero()
		})
	}
	c.oneSID()
	c.found = c.index()
	x, all := c.found, slices.Concat(c.Users.list, c.Groups.list)
	for _, a := range all {
		c.resolveGroups(a)
	}
	for _, dn := range slices.Sorted(maps.Keys(c.foreign)) {
		for _, in := range c.foreign[dn].MemberOf {
			if g := x.groups[directory.FoldDN(in)]; g != nil {
				c.AddMember(g, Reference{SID: c.foreign[dn].SID})
			}
		}
	}
	for _, m := range c.members {
		c.addMembership(x, m)
	}
	c.Groups.list = slices.DeleteFunc(c.Groups.list, func(g *Account) bool {
		if g.Mail {
			c.Report("%s is a distribution group, which no token has", g.Name)
		}
		return g.Mail || g.LeftOut
	})
	for _, a := range all {
		a.settleGroups()
	}
	c.setDomain()
	for _, name := range c.listed {
		key := directory.Fold(name.name)
		dn := x.groups[directory.FoldDN(name.name)] != nil || x.users[directory.FoldDN(name.name)] != nil
		if !dn && c.Users.byName[key] == nil && c.Groups.byName[key] == nil {
			c.Report("%s, which %s lists, has no entry in any input", name.name, name.list)
		}
	}
	c.members, c.foreign, c.listed = nil, nil, nil
}

// oneSID makes the SIDs and gids of groups unique, and reports each change. Groups with one SID become one group with
// all memberships. A gid is cleared if an earlier group has it, or if another group has the SID S-1-22-2-gid. A
// malformed gid does not change.
func (c *Collector) oneSID() {
	first := map[sid.SID]*Account{}
	c.Groups.list = slices.DeleteFunc(c.Groups.list, func(g *Account) bool {
		if g.same = first[g.SID]; g.same != nil {
			c.Report("the group %s has the gid of %s: its members count as that one's", g.Name, g.same.Name)
			g.same.joined[0] = append(g.same.joined[0], g.joined[0]...)
			g.same.In = append(g.same.In, g.In...)
			g.same.MemberOf = append(g.same.MemberOf, g.MemberOf...)
			return true
		}
		first[g.SID] = g
		return false
	})
	for _, g := range c.Groups.list {
		n, err := strconv.ParseUint(g.ID, 10, 32)
		if err != nil {
			continue
		}
		s := posix[1].WithRID(uint32(n))
		if other := first[s]; other != nil && other != g {
			c.Report("the gid %s of the group %s is also that of %s, which keeps it", g.ID, g.Name, other.Name)
			g.ID = ""
			continue
		}
		first[s] = g
	}
}

// index finds accounts by DN and groups by gid.
type index struct {
	groups, users map[string]*Account // by the folded DN
	gids          map[string]*Account
}

// index returns an index of the accounts collected so far: groups by DN and gid, users by DN. Of accounts with an
// equal key the last one counts. Accounts without a DN are not in it.
func (c *Collector) index() *index {
	x := &index{map[string]*Account{}, map[string]*Account{}, map[string]*Account{}}
	for _, g := range c.Groups.list {
		x.groups[directory.FoldDN(g.DN)] = g
		x.gids[g.ID] = g
	}
	for _, u := range c.Users.list {
		x.users[directory.FoldDN(u.DN)] = u
	}
	delete(x.groups, "")
	delete(x.users, "")
	return x
}

// join makes account a a member of the group that r refers to. An unknown group counts as follows:
//   - by SID: a gets the SID
//   - by gid: a.GID is set if empty, else a gets the SID S-1-22-2-gid
//   - by DN or name: the reference is reported in Unresolved and dropped
func (c *Collector) join(x *index, a *Account, r Reference) {
	var g *Account
	switch {
	case !r.SID.IsZero():
		if g = c.Groups.bySID[r.SID]; g == nil {
			a.others = append(a.others, r.SID)
			return
		}
	case r.GID != "":
		if g = x.gids[r.GID]; g == nil {
			Keep(&a.GID, r.GID) // the directory adds the group S-1-22-2-gid
			if n, err := strconv.ParseUint(r.GID, 10, 32); err == nil && a.GID != r.GID {
				a.others = append(a.others, posix[1].WithRID(uint32(n)))
			}
			return
		}
	case r.DN != "":
		g = x.groups[directory.FoldDN(r.DN)]
	default:
		g = c.Groups.find(r.Name)
	}
	if g == nil || g.SID.IsZero() {
		c.Report("%s is a member of %s, which is not in the input", a.Name, r)
		return
	}
	a.groups = append(a.groups, g)
}

// String returns the reference as text: the SID, or else the DN, gid or name. It returns "" for the zero value.
func (r Reference) String() string {
	if !r.SID.IsZero() {
		return r.SID.String()
	}
	return r.DN + r.GID + r.Name
}

// addMembership adds a user or group to the group m.group. A member is found by SID, else by DN, else by name.
// Everyone means all users, and Authenticated Users all but Guest (B-17). An unknown member is reported in
// Unresolved, unless a logon adds it.
func (c *Collector) addMembership(x *index, m membership) {
	r := m.member
	if f := c.foreign[directory.FoldDN(r.DN)]; f != nil {
		r = Reference{SID: f.SID}
	}
	var a *Account
	key := directory.FoldDN(r.DN)
	switch {
	case r.SID == sid.Everyone || r.SID == sid.AuthenticatedUsers:
		for _, u := range c.Users.list {
			if r.SID == sid.Everyone || u.SID.RID() != directory.GuestRID {
				u.joined[1] = append(u.joined[1], m.group)
			}
		}
		return
	case !r.SID.IsZero():
		if a = c.Users.bySID[r.SID]; a == nil {
			a = c.Groups.bySID[r.SID]
		}
	case r.DN != "":
		if a = x.users[key]; a == nil {
			a = x.groups[key]
		}
	default:
		if a = c.Users.find(r.Name); a == nil {
			a = c.Groups.find(r.Name)
		}
	}
	for a != nil && a.same != nil {
		a = a.same
	}
	switch {
	case a != nil && !a.SID.IsZero():
		a.joined[1] = append(a.joined[1], m.group)
	case !implicit(r.SID):
		c.Report("%s, a member of %s, is not in the input", r, m.group.Name)
	}
}

// implicit reports whether a SID is of a group whose members no file lists, such as INTERACTIVE: a logon adds it
// (B-66).
func implicit(s sid.SID) bool {
	return sid.Name(s) != "" && DomainOf(s).IsZero() && s.Prefix() != builtinDomain
}

// builtinDomain is the domain of Administrators, Users and so on, which has no accounts of its own.
var builtinDomain = sid.MustParse("S-1-5-32")

// resolveGroups replaces the groups of an account by those that its own record names. It keeps only the groups of
// a.joined[0] from before.
func (c *Collector) resolveGroups(a *Account) {
	a.groups, a.others = slices.Clone(a.joined[0]), nil
	for _, r := range a.In {
		c.join(c.found, a, r)
	}
	for _, dn := range a.MemberOf {
		c.join(c.found, a, Reference{DN: dn})
	}
}

// settleGroups computes the final groups of an account, without duplicates. Earlier SIDs and the primary group count
// as groups (B-16). Distribution groups are left out, and their memberships do not apply to their members (B-15).
// Groups that LeaveOut names are also left out.
func (a *Account) settleGroups() {
	seen := map[*Account]bool{a: true}
	groups := a.groups[:0]
	for _, g := range append(a.groups, a.joined[1]...) {
		if g.same != nil {
			g = g.same
		}
		if !seen[g] && !g.Mail && !g.LeftOut && !g.SID.IsZero() {
			groups = append(groups, g)
		}
		seen[g] = true
	}
	a.groups = groups
	// An earlier SID of the account counts as the SID of a group (B-16).
	a.others = append(a.others, a.History...)
	if !a.Primary.IsZero() {
		a.others = append([]sid.SID{a.Primary}, a.others...)
	}
	known := map[sid.SID]bool{a.SID: true}
	a.others = slices.DeleteFunc(a.others, func(s sid.SID) bool {
		again := known[s]
		known[s] = true
		return again
	})
}

// setDomain sets the domain to that of the users, unless a source named it. If users belong to several domains, it
// reports that and leaves the domain zero.
func (c *Collector) setDomain() {
	if !c.Domain.IsZero() {
		return
	}
	var found sid.SID
	for _, u := range c.Users.list {
		if d := DomainOf(u.SID); !d.IsZero() {
			if !found.IsZero() && found != d {
				c.Report("users are of several domains: add \"domain\" to the directory file if one is yours")
				return
			}
			found = d
		}
	}
	c.Domain = found
}

// DomainOf returns the domain of an account's SID, S-1-5-21 and three numbers. It returns the zero SID for a SID of any
// other form, such as that of the domain itself.
func DomainOf(s sid.SID) sid.SID {
	if s.Authority() == 5 && s.SubAuthorities() == 5 && s.Sub(0) == 21 {
		return s.Prefix()
	}
	return sid.SID{}
}
