package accounts

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/refmon/refmon/sid"
)

// posix are the SIDs of users and groups that have no other (B-1).
var posix = [2]sid.SID{sid.MustParse("S-1-22-1"), sid.MustParse("S-1-22-2")}

// resolve gives every account its SID and groups, and leaves out those without one.
func (l *List) resolve() {
	for kind, t := range [2]*table{&l.users, &l.groups} {
		t.list = slices.DeleteFunc(t.list, func(a *account) bool {
			if n, err := strconv.ParseUint(a.id, 10, 32); a.sid.IsZero() && err == nil {
				a.sid = posix[kind].WithRID(uint32(n))
			}
			if a.sid.IsZero() && !a.mail {
				l.unresolved("%s has neither a SID nor an id", a.name)
			}
			return a.sid.IsZero()
		})
	}
	l.oneSID()
	x := l.index()
	for _, a := range slices.Concat(l.users.list, l.groups.list) {
		for _, r := range a.in {
			l.join(x, a, r)
		}
	}
	for _, dn := range slices.Sorted(maps.Keys(l.foreign)) {
		for _, r := range l.foreign[dn].in {
			if g := x.groups[strings.ToLower(r.dn)]; g != nil {
				l.member(g, reference{sid: l.foreign[dn].sid})
			}
		}
	}
	for _, m := range l.members {
		l.joined(x, m)
	}
	l.settle()
	l.home()
	for _, name := range l.listed {
		key := strings.ToLower(name.name)
		dn := x.groups[key] != nil || x.users[key] != nil
		if !dn && l.users.byName[key] == nil && l.groups.byName[key] == nil {
			l.unresolved("%s, which %s lists, is told of nowhere else", name.name, name.list)
		}
	}
	l.members, l.foreign, l.listed = nil, nil, nil
}

// oneSID leaves one group of each SID, and one of each gid: the first.
func (l *List) oneSID() {
	first := map[sid.SID]*account{}
	l.groups.list = slices.DeleteFunc(l.groups.list, func(g *account) bool {
		if g.same = first[g.sid]; g.same != nil {
			l.unresolved("the group %s has the gid of %s: its members count as that one's", g.name, g.same.name)
			g.same.groups = append(g.same.groups, g.groups...)
			g.same.in = append(g.same.in, g.in...)
			return true
		}
		first[g.sid] = g
		return false
	})
	for _, g := range l.groups.list {
		n, err := strconv.ParseUint(g.id, 10, 32)
		if err != nil {
			continue
		}
		s := posix[1].WithRID(uint32(n))
		if other := first[s]; other != nil && other != g {
			l.unresolved("the gid %s of the group %s is also that of %s, which keeps it", g.id, g.name, other.name)
			g.id = ""
			continue
		}
		first[s] = g
	}
}

// index finds accounts by what references say.
type index struct {
	groups, users map[string]*account // by DN in small letters
	gids          map[string]*account
}

func (l *List) index() *index {
	x := &index{map[string]*account{}, map[string]*account{}, map[string]*account{}}
	for _, g := range l.groups.list {
		x.groups[strings.ToLower(g.dn)] = g
		x.gids[g.id] = g
	}
	for _, u := range l.users.list {
		x.users[strings.ToLower(u.dn)] = u
	}
	for _, m := range []map[string]*account{x.groups, x.users, x.gids} {
		delete(m, "")
	}
	return x
}

// join makes an account a member of the group that a reference means.
func (l *List) join(x *index, a *account, r reference) {
	var g *account
	switch {
	case !r.sid.IsZero():
		if g = l.groups.bySID[r.sid]; g == nil {
			a.others = append(a.others, r.sid)
			return
		}
	case r.gid != "":
		if g = x.gids[r.gid]; g == nil {
			keep(&a.gid, r.gid) // people add its S-1-22-2
			if n, err := strconv.ParseUint(r.gid, 10, 32); err == nil && a.gid != r.gid {
				a.others = append(a.others, posix[1].WithRID(uint32(n)))
			}
			return
		}
	case r.dn != "":
		g = x.groups[strings.ToLower(r.dn)]
	default:
		g = l.groups.byName[strings.ToLower(r.name)]
	}
	if g == nil || g.sid.IsZero() {
		l.unresolved("%s is a member of %s, which is not in the files", a.name, r)
		return
	}
	a.groups = append(a.groups, g)
}

// String returns what the reference says.
func (r reference) String() string {
	if !r.sid.IsZero() {
		return r.sid.String()
	}
	return r.dn + r.gid + r.name
}

// joined makes the member of a group one: a user, a group, or with Everyone and
// Authenticated Users all users (B-17).
func (l *List) joined(x *index, m membership) {
	r := m.member
	if f := l.foreign[strings.ToLower(r.dn)]; f != nil {
		r = reference{sid: f.sid}
	}
	var a *account
	key := strings.ToLower(r.dn + r.name)
	switch {
	case r.sid == sid.Everyone || r.sid == sid.AuthenticatedUsers:
		for _, u := range l.users.list {
			if r.sid == sid.Everyone || u.sid.RID() != guestRID {
				u.groups = append(u.groups, m.group)
			}
		}
		return
	case !r.sid.IsZero():
		if a = l.users.bySID[r.sid]; a == nil {
			a = l.groups.bySID[r.sid]
		}
	case r.dn != "":
		if a = x.users[key]; a == nil {
			a = x.groups[key]
		}
	default:
		if a = l.users.byName[key]; a == nil {
			a = l.groups.byName[key]
		}
	}
	if a == nil || a.sid.IsZero() {
		l.unresolved("%s, a member of %s, is not in the files", r, m.group.name)
		return
	}
	a.groups = append(a.groups, m.group)
}

// guestRID is that of the guest of every domain, who is no authenticated user.
const guestRID = 501

// settle leaves of each account the groups that count, once each. A group of mail is
// no group of a token, and what it is a member of does not reach its members (B-15).
func (l *List) settle() {
	l.groups.list = slices.DeleteFunc(l.groups.list, func(g *account) bool {
		if g.mail {
			l.unresolved("%s is a distribution group, which no token has", g.name)
		}
		return g.mail || g.left
	})
	for _, a := range slices.Concat(l.users.list, l.groups.list) {
		seen := map[*account]bool{a: true}
		var groups []*account
		for _, g := range a.groups {
			if g.same != nil {
				g = g.same
			}
			if !seen[g] && !g.mail && !g.left && !g.sid.IsZero() {
				groups = append(groups, g)
			}
			seen[g] = true
		}
		a.groups = groups
		// What was another account's SID before counts as a group's (B-16).
		a.others = append(a.others, a.history...)
		if !a.primary.IsZero() {
			a.others = append([]sid.SID{a.primary}, a.others...)
		}
		known := map[sid.SID]bool{a.sid: true}
		a.others = slices.DeleteFunc(a.others, func(s sid.SID) bool {
			again := known[s]
			known[s] = true
			return again
		})
	}
}

// home finds the domain where no file names it: that of all users who have one.
func (l *List) home() {
	if !l.domain.IsZero() {
		return
	}
	var found sid.SID
	for _, u := range l.users.list {
		if d := domainOf(u.sid); !d.IsZero() {
			if !found.IsZero() && found != d {
				l.unresolved("users are of several domains: add \"domain\" to the directory file if one is yours")
				return
			}
			found = d
		}
	}
	l.domain = found
}

// domainOf returns the domain of an account's SID, zero for one of no domain.
func domainOf(s sid.SID) sid.SID {
	if s.Authority() == 5 && s.SubAuthorities() == 5 && s.Sub(0) == 21 {
		return s.Prefix()
	}
	return sid.SID{}
}
