package directory_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// tangled returns random accounts whose SIDs meet in ways that few directories have: a uid or gid is a group or a
// group's unlisted parent, a primary group is an alias, groups contain each other. In some, users are in many groups.
func (c *company) tangled() *directory.Accounts {
	a := &directory.Accounts{Domain: companyDomain, Logon: logon.Kinds[c.IntN(len(logon.Kinds))]}
	if c.IntN(4) == 0 {
		a.Domain = sid.SID{}
	}
	if c.IntN(3) == 0 {
		a.Computer = companyDomain
	}
	listed := 1 + c.IntN(8)
	if c.IntN(2) == 0 {
		listed = 60 + c.IntN(100)
	}
	unixUsers, unixGroups := directory.UnixUsers.WithRID, directory.UnixGroups.WithRID
	groupSIDs := []sid.SID{unixUsers(uint32(c.IntN(6))), unixUsers(uint32(c.IntN(6))), unixGroups(3), sid.Users,
		sid.Administrators, sid.Guests, sid.Everyone, sid.ThisOrganization, companyDomain.WithRID(directory.DomainUsersRID),
		companyDomain.WithRID(516), companyDomain.WithRID(501), companyDomain.WithRID(7000), companyDomain.WithRID(7001)}
	for i := range listed {
		groupSIDs = append(groupSIDs, companyDomain.WithRID(uint32(2000+i)))
	}
	names := c.Perm(len(groupSIDs))
	taken := map[sid.SID]bool{}
	for i, at := range names[:listed] {
		s := groupSIDs[at]
		g := directory.Group{Name: fmt.Sprint("group", i), SID: s, MemberOf: c.some(groupSIDs, 3)}
		if id := uint32(c.IntN(40)); c.IntN(3) == 0 && !taken[unixGroups(id)] {
			g.GID = directory.UnixID{ID: id, Known: true}
		}
		if taken[s] { // by an earlier gid
			continue
		}
		taken[s] = true
		if g.GID.Known {
			taken[unixGroups(g.GID.ID)] = true
		}
		if n := len(a.Groups); n > 0 {
			a.Groups[n-1].MemberOf = append(a.Groups[n-1].MemberOf, s) // a chain, and often a cycle
		}
		a.Groups = append(a.Groups, g)
	}
	c.tangleUsers(a, groupSIDs)
	return a
}

// tangleUsers adds users to a in groups with the given SIDs, which a may not list.
func (c *company) tangleUsers(a *directory.Accounts, groupSIDs []sid.SID) {
	for i := range 2 + c.IntN(6) {
		u := directory.User{Name: fmt.Sprint("user", i), SID: companyDomain.WithRID(uint32(500 + i)),
			MemberOf: c.some(groupSIDs, 6), Disabled: c.IntN(6) == 0}
		if c.IntN(6) == 0 {
			u.SID = directory.UnixUsers.WithRID(uint32(i)) // may be a group too
		}
		if c.IntN(2) == 0 {
			u.Primary = groupSIDs[c.IntN(len(groupSIDs))]
		}
		u.GID = directory.UnixID{ID: uint32(c.IntN(8)), Known: c.IntN(2) == 0}
		if c.IntN(3) == 0 {
			u.Claims = check.Must(claims.NewSet([]claims.Attribute{
				{Name: "team", Type: claims.String, Strings: []string{u.Name}}}))
		}
		if i > 0 && c.IntN(2) == 0 { // as the user before, except for SID and uid
			name, own := u.Name, u.SID
			u = a.Users[i-1]
			u.Name, u.SID = name, own
		}
		u.UID = directory.UnixID{ID: uint32(i), Known: c.IntN(4) > 0}
		a.Users = append(a.Users, u)
	}
}

// some returns up to most of the SIDs, maybe one twice.
func (c *company) some(sids []sid.SID, most int) (out []sid.SID) {
	for range c.IntN(most + 1) {
		out = append(out, sids[c.IntN(len(sids))])
	}
	return out
}

// TestTokenIndependentOfOtherUsers checks that the other users of a directory and their order do not change a token,
// the order of its groups included, and that it equals a token with own copies of all SIDs.
func TestTokenIndependentOfOtherUsers(t *testing.T) {
	seed, large := randtest.Seed(t), 0
	for run := range uint64(200) {
		c := &company{Rand: rand.New(rand.NewPCG(seed, run))}
		a := c.tangled()
		reversed := a.With(nil, nil)
		slices.Reverse(reversed.Users)
		both := [2]*directory.Directory{check.Must(directory.New(a)), check.Must(directory.New(reversed))}
		for i := range a.Users {
			u := &a.Users[i]
			one := check.Must(directory.New(&directory.Accounts{Domain: a.Domain, Computer: a.Computer, Logon: a.Logon,
				Groups: a.Groups, Users: a.Users[i : i+1]}))
			want := one.Account(u.Name).Token
			sameToken(t, check.Must(token.New(want.Spec())), want, a, "run %d, %s, rebuilt", run, u.Name)
			if want.SIDs().Len() > 64 {
				large++
			}
			for k, d := range both {
				sameToken(t, d.Account(u.Name).Token, want, a, "run %d, %s, order %d", run, u.Name, k)
			}
		}
	}
	check.That(t, large > 50, "only %d tokens have many groups", large)
}

// sameToken fails the test unless two tokens of a user of a are equal in every detail.
func sameToken(t *testing.T, got, want *token.Token, a *directory.Accounts, format string, args ...any) {
	t.Helper()
	where := fmt.Sprintf(format, args...)
	spec, wantSpec := got.Spec(), want.Spec()
	check.RequireThat(t, reflect.DeepEqual(spec, wantSpec), "%s: got %+v\nwant %+v", where, spec, wantSpec)
	check.RequireThat(t, got.Equal(want) && effective.Fingerprint(got) == effective.Fingerprint(want) &&
		slices.Equal(got.AllowBits(), want.AllowBits()) && slices.Equal(got.DenyBits(), want.DenyBits()),
		"%s: the tokens differ", where)
	probes := []sid.SID{sid.Everyone, sid.Anonymous}
	for i := range want.SIDs().Len() {
		check.Require(t, got.SIDs().At(i), want.SIDs().At(i), "%s: SID %d", where, i)
		probes = append(probes, want.SIDs().At(i))
	}
	for i := range a.Groups {
		probes = append(append(probes, a.Groups[i].SID), a.Groups[i].MemberOf...)
	}
	for i := range a.Users {
		probes = append(probes, a.Users[i].SID, directory.UnixUsers.WithRID(a.Users[i].UID.ID),
			directory.UnixGroups.WithRID(a.Users[i].GID.ID))
	}
	for _, s := range probes {
		first := -1 // the twin of Find
		for i := want.SIDs().Len() - 1; i >= 0; i-- {
			if want.SIDs().At(i) == s {
				first = i
			}
		}
		check.Require(t, got.SIDs().Find(s.Hash(), s), first, "%s: Find(%v)", where, s)
	}
}

// TestManyUsersInManyGroupsTakeLittleMemory bounds the bytes for each group of each user, in a cycle of groups.
func TestManyUsersInManyGroupsTakeLittleMemory(t *testing.T) {
	const users, groups, most = 1000, 400, 30
	a := &directory.Accounts{Domain: companyDomain}
	group := func(i int) []sid.SID { return []sid.SID{companyDomain.WithRID(uint32(2000 + i%groups))} }
	for i := range groups {
		a.Groups = append(a.Groups, directory.Group{Name: fmt.Sprint("group", i), SID: group(i)[0], MemberOf: group(i + 1)})
	}
	for i := range users {
		a.Users = append(a.Users, directory.User{Name: fmt.Sprint("user", i), MemberOf: group(i),
			SID: companyDomain.WithRID(uint32(10_000 + i))})
	}
	used := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := used()
	d := check.Must(directory.New(a))
	p := effective.Compile(d.Tokens(), effective.Config{})
	each := (used() - before) / (users * groups)
	check.That(t, each <= most, "%d bytes for each group of a user, want at most %d", each, most)
	runtime.KeepAlive(d)
	runtime.KeepAlive(p)
}
