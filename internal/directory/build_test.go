package directory_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sid"
)

// company is random accounts that change.
type company struct {
	*rand.Rand
	directory.Accounts
	next uint32 // RID of the next account
}

var companyDomain = sid.MustParse("S-1-5-21-1-2-3")

// group returns the SID of a group, listed or not.
func (c *company) group() sid.SID {
	switch n := c.IntN(12); {
	case n == 0:
		return companyDomain.WithRID(uint32(9000 + c.IntN(3)))
	case n == 1:
		return directory.UnixGroups.WithRID(uint32(50 + c.IntN(4)))
	case n == 2:
		return sid.Administrators
	case len(c.Groups) == 0:
		return sid.Users
	}
	return c.Groups[c.IntN(len(c.Groups))].SID
}

func (c *company) groupList(most int) (out []sid.SID) {
	for range c.IntN(most) {
		out = append(out, c.group())
	}
	return out
}

// pickUser and pickGroup return an account; they add one if the list is empty.
func (c *company) pickUser() *directory.User {
	if len(c.Users) == 0 {
		c.hire()
	}
	return &c.Users[c.IntN(len(c.Users))]
}

func (c *company) pickGroup() *directory.Group {
	if len(c.Groups) == 0 {
		c.found()
	}
	return &c.Groups[c.IntN(len(c.Groups))]
}

func (c *company) hire() {
	c.next++
	c.Users = append(c.Users, directory.User{Name: fmt.Sprint("user", c.next), SID: companyDomain.WithRID(c.next),
		MemberOf: c.groupList(4)})
}

func (c *company) found() {
	c.next++
	c.Groups = append(c.Groups, directory.Group{Name: fmt.Sprint("group", c.next), SID: companyDomain.WithRID(c.next),
		MemberOf: c.groupList(3)})
}

// change makes one change. It writes to no list that another version of the accounts shares.
func (c *company) change(t *testing.T) {
	t.Helper()
	c.Users, c.Groups = slices.Clone(c.Users), slices.Clone(c.Groups)
	unix := directory.UnixID{ID: uint32(50 + c.IntN(4)), Known: c.IntN(3) > 0}
	switch c.IntN(16) {
	case 0, 1:
		c.hire()
	case 2:
		c.found()
	case 3:
		if i := c.IntN(len(c.Users) + 1); i < len(c.Users) {
			c.Users = slices.Delete(c.Users, i, i+1)
		}
	case 4:
		if i := c.IntN(len(c.Groups) + 1); i < len(c.Groups) { // its members keep the SID
			c.Groups = slices.Delete(c.Groups, i, i+1)
		}
	case 5:
		c.pickUser().Name = fmt.Sprint("renamed", c.IntN(40)) // sometimes another's name
	case 6:
		c.pickGroup().Name = fmt.Sprint("renamed", c.IntN(40))
	case 7:
		u := c.pickUser()
		u.Disabled = !u.Disabled
	case 8:
		set, err := claims.NewSet([]claims.Attribute{{Name: "level", Type: claims.Int64, Ints: []int64{c.Int64N(3)}}})
		check.NoError(t, err)
		c.pickUser().Claims = set
	case 9:
		c.pickUser().UID = unix
	case 10:
		c.pickUser().GID = unix
	case 11:
		c.pickGroup().GID = unix // sometimes another's
	case 12:
		c.pickUser().Primary = c.group()
	case 13, 14:
		c.pickUser().MemberOf = c.groupList(5)
	default:
		c.pickGroup().MemberOf = c.groupList(4) // a cycle, often
	}
}

// TestUpdateEqualsNew changes random accounts many times: users and groups come, go and are renamed, memberships nest
// in cycles. After each change Update returns the directory or the error that New returns, and users that the change
// does not concern keep their tokens (D-35).
func TestUpdateEqualsNew(t *testing.T) {
	c := &company{Rand: rand.New(rand.NewPCG(randtest.Seed(t), 1)), next: 1000}
	c.Domain = companyDomain
	for range 12 {
		c.found()
		c.hire()
		c.hire()
	}
	known := must(directory.New(&directory.Accounts{Domain: c.Domain, Users: c.Users, Groups: c.Groups}))
	kept, made := 0, 0
	for step := range randtest.Count(t, "REFMON_DIRECTORY_CHANGES", 500) {
		was := c.Accounts
		for range 1 + c.IntN(2) {
			c.change(t)
		}
		if step%100 == 99 {
			c.Domain = sid.SID{}
			if step%200 == 199 {
				c.Domain = companyDomain
			}
		}
		a := &directory.Accounts{Domain: c.Domain, Users: c.Users, Groups: c.Groups}
		got, err := known.Update(a)
		want, wrong := directory.New(a)
		check.RequireThat(t, fmt.Sprint(err) == fmt.Sprint(wrong), "D-35: step %d: %v, want %v", step, err, wrong)
		if err != nil { // two accounts of one name or id
			c.Accounts = was
			continue
		}
		equalDirectories(t, step, got, want, a)
		for i := range got.Principals {
			p := &got.Principals[i]
			if at := known.Find(p.Name); at >= 0 && known.Principals[at].Token == p.Token {
				kept++
			} else {
				made++
			}
		}
		known = got
	}
	check.That(t, kept >= 10*made && made != 0, "%d tokens were kept and %d made: want most of them kept", kept, made)
}

// A group that an update leaves out takes its own memberships with it.
func TestGroupThatIsGoneHasNoGroups(t *testing.T) {
	id := sid.MustParse("S-1-5-21-1-2-3").WithRID
	a := &directory.Accounts{Users: []directory.User{{Name: "u", SID: id(1100), MemberOf: []sid.SID{id(2002)}}},
		Groups: []directory.Group{{Name: "a", SID: id(2001)},
			{Name: "b", SID: id(2002), MemberOf: []sid.SID{id(2001)}}}}
	d := must(directory.New(a))
	b := &directory.Accounts{Users: a.Users, Groups: a.Groups[:1]}
	after := must(d.Update(b)).Principals[0].Token
	check.That(t, d.Principals[0].Token.Member(id(2001), false) && after.Member(id(2002), false) &&
		!after.Member(id(2001), false), "groups after the update: %v", after.Groups())
}

// equalDirectories compares two directories of the same accounts by value.
func equalDirectories(t *testing.T, step int, got, want *directory.Directory, a *directory.Accounts) {
	t.Helper()
	if len(got.Principals) != len(want.Principals) || got.Disabled != want.Disabled || got.Domain != want.Domain ||
		!slices.Equal(got.IDs(), want.IDs()) {
		t.Fatalf("D-35: step %d: %d principals, %d disabled, ids %v; want %d, %d, %v", step, len(got.Principals),
			got.Disabled, got.IDs(), len(want.Principals), want.Disabled, want.IDs())
	}
	for i := range want.Principals {
		g, w := got.Principals[i], want.Principals[i]
		one, other := g.Token.Spec(), w.Token.Spec()
		g.Token, w.Token = nil, nil
		check.RequireThat(t, g == w && reflect.DeepEqual(one, other),
			"D-35: step %d: %+v of %+v\nwant %+v of %+v", step, g, one, w, other)
		if p := got.Principals[i].Token; got.Primary(p) != want.Primary(p) {
			t.Fatalf("D-35: step %d: %s has the primary group %v, want %v", step, g.Name, got.Primary(p), want.Primary(p))
		}
	}
	for i := range a.Users {
		u := &a.Users[i]
		one, other := got.Account(u.Name), want.Account(u.Name)
		if got.Name(u.SID) != want.Name(u.SID) || (one == nil) != (other == nil) {
			t.Fatalf("D-35: step %d: %s is %q, want %q", step, u.Name, got.Name(u.SID), want.Name(u.SID))
		}
	}
	for i := range a.Groups {
		g := &a.Groups[i]
		posix := directory.UnixGroups.WithRID(g.GID.ID)
		if !slices.Equal(got.Group(g.Name), want.Group(g.Name)) || got.Name(g.SID) != want.Name(g.SID) ||
			got.IsGroup(posix) != want.IsGroup(posix) || got.Known(posix) != want.Known(posix) {
			t.Fatalf("D-35: step %d: %s is %v, want %v", step, g.Name, got.Group(g.Name), want.Group(g.Name))
		}
	}
}
