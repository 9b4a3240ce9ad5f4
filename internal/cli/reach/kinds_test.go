package reach_test

import (
	"context"
	"testing"

	"github.com/refmon/refmon/internal/cli/reach"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
)

// TestObjectKindSelectsNamedRights checks that the kind of an object decides which named rights apply to it. Its
// classes decide first, then its SID in the directory.
func TestObjectKindSelectsNamedRights(t *testing.T) {
	const all = "O:SYG:SYD:(A;;CRWPSW;;;<ann>)"
	without := func(i objects.Item) objects.Item { i.Entry.Classes = nil; return i }
	reference := func(rid string) objects.Item {
		i := newItem("o", rid, "", "O:SYG:SYD:(A;;WDCRWPSW;;;<ann>)")
		i.Entry.Classes = []string{"top", "foreignSecurityPrincipal"}
		return i
	}
	for name, c := range map[string]struct {
		item        objects.Item
		right, give string
	}{
		"a user":                {newItem("o", "1102", "user", all), "ForceChangePassword", "acts as bob"},
		"a stranger's account":  {newItem("o", "1999", "user", all), "ForceChangePassword", ""},
		"a computer":            {newItem("o", "1104", "computer", all), "ForceChangePassword", "acts as PC$"},
		"a group":               {newItem("o", "2101", "group", all), "AddMember", "member of staff"},
		"a domain":              {newItem("o", "", "domain", all), "DCSync", ""},
		"an ou":                 {newItem("o", "", "ou", all), "WriteGPLink", ""},
		"a SID of a user":       {without(newItem("o", "1102", "", all)), "ForceChangePassword", "acts as bob"},
		"a SID of both":         {without(newItem("o", "1104", "", all)), "ForceChangePassword", "acts as PC$"},
		"a SID of a group":      {without(newItem("o", "2102", "", all)), "AddMember", "member of admins"},
		"nothing that is known": {without(newItem("o", "", "", all)), "ForceChangePassword", ""},
		"another class": {func() objects.Item {
			i := newItem("o", "", "", all)
			i.Entry.Classes = []string{"top", "contact"}
			return i
		}(), "", ""},
		"a foreign account's reference":      {reference("1102"), "WriteDacl", ""},
		"a foreign group's reference":        {reference("2101"), "WriteDacl", ""},
		"a group by class and a user by SID": {newItem("o", "1102", "group", all), "AddMember", "member of bob"},
	} {
		people := small + "  - {name: pcs, sid: " + domainSID + "-1104}\n"
		s := reach.Search{Directory: check.Must(dirfile.Read([]byte(people))), Objects: []objects.Item{c.item}}
		s.From = s.Directory.Find("ann")
		again := s.Directory.Principals[s.Directory.Find("bob")] // the first principal with a SID counts
		again.Name = "again"
		s.Directory.Principals = append(s.Directory.Principals, again)
		got := check.Must(s.Do(context.Background()))
		right, give := "", ""
		if len(got.Paths) > 0 {
			right, give = got.Paths[0].Steps[0].Right, got.Paths[0].Steps[0].Gives
		}
		check.That(t, right == c.right && give == c.give,
			"%s: right %q gives %q, want %q, %q", name, right, give, c.right, c.give)
	}
}

// Without classes, an account is a computer if its name ends with a dollar. With BlockOwner the owner of a computer
// cannot change its rights.
func TestAccountWithDollarIsComputer(t *testing.T) {
	const owned = "O:<ann>G:SYD:(A;;GR;;;WD)"
	s := reach.Search{Directory: check.Must(dirfile.Read([]byte(small))), BlockOwner: true,
		Objects: []objects.Item{newItem("CN=PC", "1104", "", owned), newItem("CN=bob", "1102", "", owned)}}
	s.From = s.Directory.Find("ann")
	paths := check.Must(s.Do(context.Background())).Paths
	check.That(t, len(paths) == 1 && paths[0].Object == "CN=bob", "ann reaches %+v, want CN=bob", paths)
}
