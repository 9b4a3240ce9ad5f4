package directory_test

import (
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
)

// TestSumDependsOnEveryField changes one field of two accounts at a time. A change that the sum misses would be no new
// version of a directory, and the live index would keep an answer that no longer holds. Each change is an update, too.
func TestSumDependsOnEveryField(t *testing.T) {
	type (
		accounts = *directory.Accounts
		user     = *directory.User
		group    = *directory.Group
	)
	id := sid.MustParse
	claim := func(a claims.Attribute) func(accounts, user, group) {
		a.Name = "c"
		set := check.Must(claims.NewSet([]claims.Attribute{a}))
		return func(_ accounts, u user, _ group) { u.Claims = set }
	}
	first := func() *directory.Accounts {
		return &directory.Accounts{
			Users:  []directory.User{{Name: "carol", SID: id("S-1-5-21-1-2-3-1107")}},
			Groups: []directory.Group{{Name: "staff", SID: id("S-1-5-21-1-2-3-1200")}},
		}
	}
	// A copy with other accounts has its own sum, and the first keeps its.
	was := first()
	before := was.Sum()
	user2 := directory.User{Name: "dora", SID: id("S-1-5-21-1-2-3-1107")}
	group2 := directory.Group{Name: "crew", SID: id("S-1-5-21-1-2-3-1200")}
	for _, with := range []accounts{was.With(map[int]directory.User{0: user2}, nil),
		was.With(nil, map[int]directory.Group{0: group2})} {
		fresh := &directory.Accounts{Users: with.Users, Groups: with.Groups}
		check.That(t, with.Sum() == fresh.Sum() && with.Sum() != before, "the sum of %+v is that of other accounts",
			with)
	}
	check.Equal(t, was.Sum(), before, "sum of the first accounts")
	full := first()
	full.Domain, full.Realm = id("S-1-5-21-1-2-3"), "corp.example"
	full.Computer, full.Logon = id("S-1-5-21-9-9-9"), logon.NTLM
	check.DeepEqual(t, full.With(nil, nil), full, "copy of accounts")
	known, seen := check.Must(directory.New(first())), map[[32]byte]string{first().Sum(): "nothing"}
	for _, c := range []struct {
		what   string
		change func(a accounts, u user, g group)
	}{
		{"Domain", func(a accounts, _ user, _ group) { a.Domain = id("S-1-5-21-1-2-3") }},
		{"Realm", func(a accounts, _ user, _ group) { a.Realm = "corp.example" }},
		{"Computer", func(a accounts, _ user, _ group) { a.Computer = id("S-1-5-21-1-2-3") }},
		{"Logon", func(a accounts, _ user, _ group) { a.Logon = logon.NTLM }},
		{"no users", func(a accounts, _ user, _ group) { a.Users = nil }},
		{"no groups", func(a accounts, _ user, _ group) { a.Groups = nil }},
		{"Name", func(_ accounts, u user, _ group) { u.Name = "dora" }},
		{"SID", func(_ accounts, u user, _ group) { u.SID = id("S-1-5-21-1-2-3-1108") }},
		{"MemberOf", func(_ accounts, u user, g group) { u.MemberOf = []sid.SID{g.SID} }},
		{"another MemberOf", func(_ accounts, u user, _ group) { u.MemberOf = []sid.SID{u.SID} }},
		{"Primary", func(_ accounts, u user, g group) { u.Primary = g.SID }},
		{"UID", func(_ accounts, u user, _ group) { u.UID.Known = true }},
		{"GID", func(_ accounts, u user, _ group) { u.GID.Known = true }},
		{"UPN", func(_ accounts, u user, _ group) { u.UPN = "carol@corp.example" }},
		{"Disabled", func(_ accounts, u user, _ group) { u.Disabled = true }},
		{"a number", claim(claims.Attribute{Type: claims.Int64, Ints: []int64{1}})},
		{"another number", claim(claims.Attribute{Type: claims.Int64, Ints: []int64{2}})},
		{"flags", claim(claims.Attribute{Type: claims.Int64, Flags: 2, Ints: []int64{1}})},
		{"a text", claim(claims.Attribute{Type: claims.String, Strings: []string{"x"}})},
		{"a SID", claim(claims.Attribute{Type: claims.SID, SIDs: []sid.SID{id("S-1-1-0")}})},
		{"another SID", claim(claims.Attribute{Type: claims.SID, SIDs: []sid.SID{id("S-1-5-11")}})},
		{"octets", claim(claims.Attribute{Type: claims.Octets, Octets: [][]byte{{1}}})},
		{"other octets", claim(claims.Attribute{Type: claims.Octets, Octets: [][]byte{{2}}})},
		{"Name of a group", func(_ accounts, _ user, g group) { g.Name = "team" }},
		{"SID of a group", func(_ accounts, _ user, g group) { g.SID = id("S-1-5-21-1-2-3-9") }},
		{"MemberOf of a group", func(_ accounts, u user, g group) { g.MemberOf = []sid.SID{u.SID} }},
		{"GID of a group", func(_ accounts, _ user, g group) { g.GID.ID = 7 }},
	} {
		a := first()
		c.change(a, &a.Users[0], &a.Groups[0])
		sum := a.Sum()
		check.Equal(t, seen[sum], "", "sum of a change of %s, which is that of a change of", c.what)
		seen[sum] = c.what
		known = check.Must(known.Update(a))
		check.DeepEqual(t, contents(known, a), contents(check.Must(directory.New(a)), a), "D-35: update of %s", c.what)
	}
}
