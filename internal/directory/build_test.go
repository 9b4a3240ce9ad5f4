package directory_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
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
		c.addUser()
	}
	return &c.Users[c.IntN(len(c.Users))]
}

func (c *company) pickGroup() *directory.Group {
	if len(c.Groups) == 0 {
		c.addGroup()
	}
	return &c.Groups[c.IntN(len(c.Groups))]
}

func (c *company) addUser() {
	c.next++
	c.Users = append(c.Users, directory.User{Name: fmt.Sprint("user", c.next), SID: companyDomain.WithRID(c.next),
		MemberOf: c.groupList(4)})
}

func (c *company) addGroup() {
	c.next++
	c.Groups = append(c.Groups, directory.Group{Name: fmt.Sprint("group", c.next), SID: companyDomain.WithRID(c.next),
		MemberOf: c.groupList(3)})
}

// change makes one change. It writes to no list that another version of the accounts shares.
func (c *company) change() {
	c.Users, c.Groups = slices.Clone(c.Users), slices.Clone(c.Groups)
	unix := directory.UnixID{ID: uint32(50 + c.IntN(4)), Known: c.IntN(3) > 0}
	switch c.IntN(16) {
	case 0, 1:
		c.addUser()
	case 2:
		c.addGroup()
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
		level := claims.Attribute{Name: "level", Type: claims.Int64, Ints: []int64{c.Int64N(2)}}
		all := []claims.Attribute{level, {Name: "team", Type: claims.String, Strings: []string{"a"}}}
		c.pickUser().Claims = check.Must(claims.NewSet(all[:1+c.IntN(2)]))
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
		c.addGroup()
		c.addUser()
		c.addUser()
	}
	known := check.Must(directory.New(&directory.Accounts{Domain: c.Domain, Users: c.Users, Groups: c.Groups}))
	kept, made := 0, 0
	for step := range randtest.Count(t, "REFMON_DIRECTORY_CHANGES", 500) {
		was := c.Accounts
		for range 1 + c.IntN(2) {
			c.change()
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
		answers, expected := contents(got, a), contents(want, a)
		check.Require(t, len(answers), len(expected), "D-35: step %d: number of answers", step)
		for i := range answers {
			check.DeepEqual(t, answers[i], expected[i], "D-35: step %d: answer %d", step, i)
		}
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

// TestUpdateNoticesLostGroups checks that a user whose group is gone, or is no longer in another group, loses that
// group, however many groups change at once, and that claims can be lost. Other users keep their tokens (D-35).
func TestUpdateNoticesLostGroups(t *testing.T) {
	id := sid.MustParse("S-1-5-21-1-2-3").WithRID
	rated := []claims.Attribute{{Name: "a", Type: claims.Int64, Ints: []int64{1}},
		{Name: "b", Type: claims.Int64, Ints: []int64{2}}}
	for _, n := range []uint32{1, 40} {
		inner := directory.Group{Name: "inner", SID: id(2002), MemberOf: []sid.SID{id(2001)}}
		outer := directory.Group{Name: "outer", SID: id(2001)}
		a := &directory.Accounts{Groups: []directory.Group{outer, inner}, Users: []directory.User{
			{Name: "u", SID: id(1100), MemberOf: []sid.SID{id(2002)}}, {Name: "other", SID: id(1101)},
			{Name: "rated", SID: id(1102), Claims: check.Must(claims.NewSet(rated))}}}
		for i := range n {
			inner.Name, inner.SID = fmt.Sprint(i), id(3000+i)
			a.Groups = append(a.Groups, inner)
		}
		d := check.Must(directory.New(a))
		check.That(t, d.Principals[0].Token.Member(id(2001), false), "u is not in outer, want it there first")
		for n := range rated {
			users := slices.Clone(a.Users)
			users[2].Claims = check.Must(claims.NewSet(rated[:n]))
			after := check.Must(d.Update(&directory.Accounts{Users: users, Groups: a.Groups}))
			check.Equal(t, after.Principals[2].Token.UserClaims().Len(), n, "claims of rated after an update")
		}
		inner = directory.Group{Name: "inner", SID: id(2002)}
		for what, groups := range map[string][]directory.Group{
			"no inner group": {outer}, "an inner group in none": {outer, inner}} {
			after := check.Must(d.Update(&directory.Accounts{Users: a.Users, Groups: groups}))
			check.That(t, !after.Principals[0].Token.Member(id(2001), false), "update to %s: u is in outer", what)
			check.Equal(t, after.Principals[1].Token, d.Principals[1].Token, "update to %s: token of other", what)
		}
	}
}

// TestBadAccountIsNamed checks that the error of New, and of an update, names the first account that cannot be.
func TestBadAccountIsNamed(t *testing.T) {
	id := sid.MustParse("S-1-5-21-1-2-3").WithRID
	gid := directory.UnixID{ID: 5, Known: true}
	staff := directory.Group{Name: "staff", SID: id(2000), GID: gid}
	ann := directory.User{Name: "ann", SID: id(1100)}
	first := check.Must(directory.New(&directory.Accounts{Users: []directory.User{ann, {Name: "bob", SID: id(1101)}}}))
	for want, second := range map[string]any{
		`users[1] "bob": the user has no SID`:               directory.User{Name: "bob"},
		`users[1] "": the user needs a name`:                directory.User{SID: id(1101)},
		`users[1] "ann": an earlier user has the same name`: directory.User{Name: "ann", SID: id(1101)},
		`users[1] "S-1-5-18": the name has the form of a SID: --as and what-can would take it for one`: directory.User{
			Name: "S-1-5-18", SID: id(1101)},
		`groups[1] "": the group needs a name`:                  directory.Group{SID: id(2001)},
		`groups[1] "STAFF": an earlier group has the same name`: directory.Group{Name: "STAFF", SID: id(2001)},
		`groups[1] "g": the group has no SID`:                   directory.Group{Name: "g"},
		`groups[1] "ba": the name is that of a SID or an alias, which memberOf could mean as well: give the group ` +
			`another`: directory.Group{Name: "ba", SID: id(2001)},
		`groups[1] "g": its SID S-1-5-21-1-2-3-2000 is another group's too`: directory.Group{Name: "g", SID: id(2000)},
		`groups[1] "g": its gid 5 is another group's too`: directory.Group{Name: "g", SID: id(2001),
			GID: gid},
		`groups[1] "g": its SID S-1-22-2-5 is another group's too`: directory.Group{Name: "g",
			SID: directory.UnixGroups.WithRID(5)},
	} {
		a := &directory.Accounts{Users: []directory.User{ann}, Groups: []directory.Group{staff}}
		switch account := second.(type) {
		case directory.User:
			a.Users = append(a.Users, account)
		case directory.Group:
			a.Groups = append(a.Groups, account)
		}
		for _, d := range []*directory.Directory{nil, {}, first} {
			_, err := d.Update(a)
			check.Equal(t, fmt.Sprint(err), want, "error of an update")
		}
	}
}

// contents returns all answers of a directory about the accounts that it was made of.
func contents(d *directory.Directory, a *directory.Accounts) []any {
	out := []any{d.Domain, d.Disabled, d.IDs()}
	for _, p := range d.Principals {
		spec, primary := p.Token.Spec(), d.Primary(p.Token)
		p.Token = nil
		out = append(out, p, spec, primary)
	}
	for _, u := range a.Users {
		out = append(out, d.Account(u.Name) != nil, d.Name(u.SID))
	}
	for _, g := range a.Groups {
		posix := directory.UnixGroups.WithRID(g.GID.ID)
		out = append(out, d.Group(g.Name), d.Name(g.SID), d.IsGroup(posix), d.Known(posix))
	}
	return out
}

// TestUserInTooManyGroupsIsLeftOut checks that 10,224 groups and the SIDs of any logon fit into a token. Only a user in
// one group more is left out. The user comes back with a version that has fewer groups (D-40).
func TestUserInTooManyGroupsIsLeftOut(t *testing.T) {
	groups := []sid.SID{sid.Administrators}
	var listed []directory.Group          // some of them
	for i := range token.MaxGroups - 17 { // the user is in Users as well
		groups = append(groups, sid.MustParse("S-1-5-21-9-9-9").WithRID(uint32(1000+i)))
		if i%2 == 0 {
			listed = append(listed, directory.Group{Name: fmt.Sprint("group", i), SID: groups[i+1]})
		}
	}
	computer := companyDomain // its users are local accounts, which have the most SIDs of a logon
	accounts := func(n int, k logon.Kind) *directory.Accounts {
		return &directory.Accounts{Computer: computer, Logon: k, Groups: listed, Users: []directory.User{{Name: "busy",
			SID: computer.WithRID(1001), MemberOf: groups[:n]}, {Name: "ann", SID: computer.WithRID(1002)},
			{Name: "Busy", SID: computer.WithRID(1003), Disabled: true}}}
	}
	for _, k := range logon.Kinds {
		var d *directory.Directory
		for _, n := range []int{len(groups), len(groups) - 1, len(groups), len(groups)} {
			next, err := d.Update(accounts(n, k))
			check.RequireThat(t, err == nil, "D-40: %v, %d groups: %v", k, n, err)
			d = next
			fits := n < len(groups)
			check.That(t, (d.Find("busy") >= 0) == fits && (d.LeftOut() == nil) == fits && d.Find("ann") >= 0,
				"D-40: %v, %d groups: %v", k, n, d.LeftOut())
			if _, _, err := d.Clone().FindOrAdd("BUSY"); !fits || err != nil {
				check.ErrorIs(t, err, directory.ErrTooManyGroups, "FindOrAdd of busy in other case")
				for _, other := range []string{"Busy", `BUILTIN\BUSY`, `BUILTIN\busy`} { // a disabled user, and no account
					_, _, err = d.Clone().FindOrAdd(other)
					check.That(t, err != nil && !errors.Is(err, directory.ErrTooManyGroups), "FindOrAdd of %s: %v", other, err)
				}
				_, _, err = d.Clone().AddStandIn(computer.WithRID(1001))
				check.ErrorIs(t, err, directory.ErrTooManyGroups, "stand-in of busy")
			}
		}
	}
}
