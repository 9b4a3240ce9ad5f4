package reach_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/verbs/bulk/objects"
	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/internal/verbs/reach"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// small is a directory of four users and two groups.
const small = "domain: " + domainSID + `
users:
  - {name: ann, sid: ` + domainSID + `-1101}
  - {name: bob, sid: ` + domainSID + `-1102}
  - {name: cy, sid: ` + domainSID + `-1103}
  - {name: PC$, sid: ` + domainSID + `-1104}
groups:
  - {name: staff, sid: ` + domainSID + `-2101}
  - {name: admins, sid: ` + domainSID + `-2102}
`

// thing makes an object of a directory; a path that begins with a slash is a file's.
func thing(path, rid, class, text string) objects.Item {
	text = strings.NewReplacer("<ann>", domainSID+"-1101", "<bob>", domainSID+"-1102", "<cy>", domainSID+"-1103",
		"<staff>", domainSID+"-2101", "<admins>", domainSID+"-2102").Replace(text)
	item := objects.Item{Path: path, Type: winnt.DirectoryServiceObject,
		Descriptor: must(sddl.Parse(text, sddl.Options{})), Entry: &objects.Entry{}}
	if path[0] == '/' {
		item.Type, item.Entry = winnt.FileObject, nil
		return item
	}
	if rid != "" {
		item.Entry.SID = sid.MustParse(domainSID + "-" + rid)
	}
	if class != "" {
		item.Entry.Classes = classesOf[class]
	}
	return item
}

// objectsOf are what the search is about: each leads to the next.
func objectsOf() []objects.Item {
	return []objects.Item{
		thing("/secret", "", "", "O:SYG:SYD:(A;;WO;;;<admins>)(A;;WD;;;OW)"),
		thing("DC=x", "", "domain", "O:SYG:SYD:(OA;;CR;"+changesGUID+";;<staff>)(OA;;CR;"+changesAllGUID+";;<cy>)"),
		thing("CN=admins", "2102", "group", "O:SYG:SYD:(OA;;SW;"+memberGUID+";;<staff>)"),
		thing("CN=staff", "2101", "group", "O:SYG:SYD:(OA;;WP;"+memberGUID+";;<bob>)(A;;GA;;;SY)"),
		thing("CN=bob", "1102", "user", "O:SYG:SYD:(OA;;CR;"+passwordGUID+";;<ann>)"),
		thing("CN=cy", "1103", "user", "O:<staff>G:SYD:(A;;GR;;;WD)"),
		thing("OU=shut", "", "ou", "O:SYG:SYD:(A;;GA;;;SY)(A;;GR;;;WD)"),
		thing("/open", "", "", "O:SYG:SY"),
	}
}

// TestPathsInFull: the way to each object with all that is told about each step: who has which right by
// which entry, in which groups, and what it gives (B-7, B-8, B-9, A-160).
func TestPathsInFull(t *testing.T) {
	s := reach.Search{Directory: must(people.Read([]byte(small))), Objects: objectsOf()}
	s.From = s.Directory.Find("ann")
	got := must(s.Do(context.Background()))
	password := reach.Step{Who: "ann", Right: "ForceChangePassword", Object: "CN=bob",
		By: []string{"DACL 0 for ann on User-Force-Change-Password"}, Gives: "acts as bob"}
	staff := reach.Step{Who: "bob", Right: "AddMember", Object: "CN=staff", By: []string{"DACL 0 for bob on member"},
		Gives: "member of staff"}
	admins := reach.Step{Who: "bob", Joined: []string{"staff"}, Right: "AddSelf", Object: "CN=admins",
		By: []string{"DACL 0 for staff on Self-Membership"}, Gives: "member of admins"}
	cy := reach.Step{Who: "bob", Joined: []string{"staff"}, Right: "WriteDacl", Object: "CN=cy",
		By: []string{"owner staff"}, Gives: "acts as cy"}
	secret := reach.Step{Who: "bob", Joined: []string{"admins"}, Right: "WriteOwner", Object: "/secret",
		By: []string{"DACL 0 for admins"}, Then: "WriteDacl"}
	open := reach.Step{Who: "ann", Right: "WriteDacl", Object: "/open", By: []string{"no DACL"}}
	want := []reach.Path{
		{Object: "CN=bob", Steps: []reach.Step{password}},
		{Object: "/open", Steps: []reach.Step{open}},
		{Object: "CN=staff", Steps: []reach.Step{password, staff}},
		{Object: "CN=admins", Steps: []reach.Step{password, staff, admins}},
		{Object: "CN=cy", Steps: []reach.Step{password, staff, cy}},
		{Object: "/secret", Steps: []reach.Step{password, staff, admins, secret}},
	}
	if !reflect.DeepEqual(got.Paths, want) {
		t.Errorf("got\n%s\nwant\n%s", show(got.Paths), show(want))
	}
	// ann; bob; bob of staff; bob of admins, and cy, who is reached beside them.
	if got.Hands != 5 || got.Cut != "" {
		t.Errorf("%d tokens, cut %q", got.Hands, got.Cut)
	}
}

// show prints paths, a step a line.
func show(paths []reach.Path) string {
	var b strings.Builder
	for _, p := range paths {
		b.WriteString(p.Object + "\n")
		for _, s := range p.Steps {
			fmt.Fprintf(&b, "    %+v\n", s)
		}
	}
	return b.String()
}

// TestSearchBounds: a search ends where it is told to, says so, and has what it found until then; at its
// very end nothing is cut.
func TestSearchBounds(t *testing.T) {
	all := []string{"CN=bob", "/open", "CN=staff", "CN=admins", "CN=cy", "/secret"}
	for _, c := range []struct {
		set   func(s *reach.Search)
		paths int
		hands int
		cut   string
	}{
		{func(s *reach.Search) { s.MaxDepth = 1 }, 2, 2, "at a depth of 1"},
		{func(s *reach.Search) { s.MaxDepth = 2 }, 3, 3, "at a depth of 2"},
		{func(s *reach.Search) { s.MaxDepth = 3 }, 5, 5, "at a depth of 3"},
		{func(s *reach.Search) { s.MaxDepth = 4 }, 6, 5, ""},
		{func(s *reach.Search) { s.MaxDepth = -1 }, 6, 5, ""},
		{func(s *reach.Search) { s.MaxHands = 1 }, 2, 1, "after 1 tokens"},
		{func(s *reach.Search) { s.MaxHands = 2 }, 3, 2, "after 2 tokens"},
		{func(s *reach.Search) { s.MaxHands = 4 }, 6, 4, "after 4 tokens"},
		{func(s *reach.Search) { s.MaxHands = 5 }, 6, 5, ""},
		{func(s *reach.Search) { s.MaxJoined = reach.MaxJoined; s.MaxHands = 7 }, 6, 6, ""},
	} {
		s := reach.Search{Directory: must(people.Read([]byte(small))), Objects: objectsOf()}
		s.From = s.Directory.Find("ann")
		c.set(&s)
		got, err := s.Do(context.Background())
		if err != nil {
			t.Errorf("%+v: %v", s.MaxDepth, err)
			continue
		}
		var names []string
		for _, p := range got.Paths {
			names = append(names, p.Object)
		}
		if fmt.Sprint(names) != fmt.Sprint(all[:c.paths]) || got.Hands != c.hands || got.Cut != c.cut {
			t.Errorf("depth %d, tokens %d, joined %d: %v, %d tokens, cut %q, want %v, %d, %q", s.MaxDepth, s.MaxHands,
				s.MaxJoined, names, got.Hands, got.Cut, all[:c.paths], c.hands, c.cut)
		}
	}
}

// TestKindsOfObjects: what an object is decides which words mean something on it: its classes first,
// then its SID in the directory.
func TestKindsOfObjects(t *testing.T) {
	const all = "O:SYG:SYD:(A;;CRWPSW;;;<ann>)"
	without := func(i objects.Item) objects.Item { i.Entry.Classes = nil; return i }
	for name, c := range map[string]struct {
		item        objects.Item
		right, give string
	}{
		"a user":                {thing("o", "1102", "user", all), "ForceChangePassword", "acts as bob"},
		"a stranger's account":  {thing("o", "1999", "user", all), "ForceChangePassword", ""},
		"a computer":            {thing("o", "1104", "computer", all), "ForceChangePassword", "acts as PC$"},
		"a group":               {thing("o", "2101", "group", all), "AddMember", "member of staff"},
		"a domain":              {thing("o", "", "domain", all), "DCSync", ""},
		"an ou":                 {thing("o", "", "ou", all), "WriteGPLink", ""},
		"a SID of a user":       {without(thing("o", "1102", "", all)), "ForceChangePassword", "acts as bob"},
		"a SID of a group":      {without(thing("o", "2102", "", all)), "AddMember", "member of admins"},
		"nothing that is known": {without(thing("o", "", "", all)), "ForceChangePassword", ""},
		"another class": {func() objects.Item {
			i := thing("o", "", "", all)
			i.Entry.Classes = []string{"top", "contact"}
			return i
		}(), "", ""},
		"a group by class and a user by SID": {thing("o", "1102", "group", all), "AddMember", "member of bob"},
	} {
		s := reach.Search{Directory: must(people.Read([]byte(small))), Objects: []objects.Item{c.item}}
		s.From = s.Directory.Find("ann")
		got := must(s.Do(context.Background()))
		right, give := "", ""
		if len(got.Paths) > 0 {
			right, give = got.Paths[0].Steps[0].Right, got.Paths[0].Steps[0].Gives
		}
		if right != c.right || give != c.give {
			t.Errorf("%s: %q gives %q, want %q, %q", name, right, give, c.right, c.give)
		}
	}
}

// TestSearchFails: an object that could not be read ends the search, with its path; so does one whose
// other descriptor cannot be read, and a context that is over.
func TestSearchFails(t *testing.T) {
	broken := errors.New("broken")
	s := reach.Search{Directory: must(people.Read([]byte(small))), Objects: objectsOf()}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	if r, err := s.Do(over); !errors.Is(err, context.Canceled) || r != nil {
		t.Errorf("%v, %v", r, err)
	}
	s.Objects[3].Err = broken
	if r, err := s.Do(context.Background()); !errors.Is(err, broken) || r != nil || err.Error() != "CN=staff: broken" {
		t.Errorf("%v, %v", r, err)
	}
	s.Objects[3].Err, s.Objects[4].Entry.Managed = nil, []byte("no descriptor")
	if r, err := s.Do(context.Background()); err == nil || r != nil ||
		!strings.HasPrefix(err.Error(), "CN=bob: msDS-GroupMSAMembership: ") {
		t.Errorf("%v, %v", r, err)
	}
}
