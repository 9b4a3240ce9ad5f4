package reach_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/reach"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// A search stops at its limits, reports that, and returns the results so far. If the limit equals the full result,
// nothing is cut.
func TestSearchStopsAtItsLimits(t *testing.T) {
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
		{func(s *reach.Search) { // cy, of the third step, reaches nothing else
			s.MaxDepth = 3
			s.Objects = slices.DeleteFunc(s.Objects, func(o objects.Item) bool { return o.Path == "/secret" })
		}, 5, 5, ""},
	} {
		s := reach.Search{Directory: check.Must(dirfile.Read([]byte(small))), Objects: objectsOf()}
		s.From = s.Directory.Find("ann")
		c.set(&s)
		got, err := s.Do(context.Background())
		if err != nil {
			t.Errorf("limits %+v: %v, want no error", s.MaxDepth, err)
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
		s.MaxDepth, s.MaxHands = 0, 0 // the defaults
		got, err = s.Do(context.Background())
		check.That(t, err == nil && got.Cut == "" && got.Hands == max(5, c.hands) &&
			len(got.Paths) == len(s.Objects)-2, // all but DC=x and OU=shut
			"search after one with cut %q: %+v, %v, want no cut", c.cut, got, err)
	}
}

// A token beyond the depth does not count for the limit of tokens: the search has the same result without that limit.
// A limit that was reached within the depth is the one reported.
func TestSearchReportsLimitThatEndedIt(t *testing.T) {
	for tokens, cut := range map[int]string{0: "at a depth of 1", 3: "at a depth of 1", 2: "after 2 tokens"} {
		s := reach.Search{Directory: check.Must(dirfile.Read([]byte(small))), MaxDepth: 1, MaxHands: tokens,
			Objects: []objects.Item{newItem("CN=bob", "1102", "user", "O:SYG:SYD:(OA;;CR;"+passwordGUID+";;<ann>)"),
				newItem("CN=staff", "2101", "group", "O:SYG:SYD:(A;;WP;;;<ann>)(A;;WP;;;<bob>)")}}
		s.From = s.Directory.Find("ann")
		got, err := s.Do(context.Background())
		check.That(t, err == nil && got.Cut == cut && len(got.Paths) == 2, "%d tokens: %+v, %v, want cut %q", tokens, got,
			err, cut)
	}
}

// TestUnreadableObjectEndsSearch checks that an unreadable object or descriptor ends the search with its path, and
// that a cancelled context ends it.
func TestUnreadableObjectEndsSearch(t *testing.T) {
	broken := errors.New("broken")
	s := reach.Search{Directory: check.Must(dirfile.Read([]byte(small))), Objects: objectsOf()}
	over, cancel := context.WithCancel(context.Background())
	cancel()
	r, err := s.Do(over)
	check.That(t, errors.Is(err, context.Canceled) && r == nil, "%v, %v, want nil, %v", r, err, context.Canceled)
	s.Objects[3].Err = broken
	if r, err := s.Do(context.Background()); !errors.Is(err, broken) || r != nil || err.Error() != "CN=staff: broken" {
		t.Errorf("search over a broken object = %v, %v, want its error", r, err)
	}
	direct := check.Must(reach.NewDirect(s.Directory))
	// A token that can write the DACL already has no step WriteOwner.
	item := newItem("/f", "", "", "O:SYG:SYD:(A;;WDWO;;;<ann>)")
	rights := check.Must(direct.Rights(&item))
	item = newItem("/g", "", "", "O:SYG:SYD:")
	check.Must(direct.Rights(&item)) // does not change the rights on /f
	check.That(t, len(rights) == 1 && rights[0].Name == "WriteDacl" && rights[0].Who.Count() == 1,
		"rights %+v, want WriteDacl alone", rights)
	if r, err := direct.Rights(&s.Objects[3]); !errors.Is(err, broken) || r != nil {
		t.Errorf("rights on a broken object = %v, %v, want its error", r, err)
	}
	s.Objects[3].Err, s.Objects[4].Entry.Managed = nil, []byte("no descriptor")
	if r, err := s.Do(context.Background()); err == nil || r != nil ||
		!strings.HasPrefix(err.Error(), "CN=bob: msDS-GroupMSAMembership: ") {
		t.Errorf("search over a malformed descriptor = %v, %v, want an error that names the attribute", r, err)
	}
	check.That(t, check.Err(direct.Rights(&s.Objects[4])) != nil, "rights by a malformed descriptor: no error, want one")
}

// The descriptor in msDS-GroupMSAMembership decides about reading the password of a managed account, not the object's
// own (B-10).
func TestManagedPasswordHasItsOwnDescriptor(t *testing.T) {
	const mine, other = "O:SYD:(A;;0x10;;;S-1-5-21-1-2-3-1101)", "O:SYD:(A;;0x10;;;SY)"
	d := check.Must(dirfile.Read([]byte("domain: " + domainSID + "\nusers:\n  - {name: u, sid: " + domainSID +
		"-1101}\n")))
	for _, c := range []struct{ own, managed, right string }{
		{other, mine, "ReadGMSAPassword"}, {mine, other, ""}, {mine, mine, "ReadGMSAPassword"},
		{"O:SYD:(A;;WO;;;S-1-5-21-1-2-3-1101)(A;;0x10;;;OW)", other, ""},
	} {
		item := objects.Item{
			Path: "svc", Type: winnt.DirectoryServiceObject, Descriptor: check.Must(sddl.Parse(c.own, sddl.Options{})),
			Entry: &objects.Entry{SID: sid.MustParse(domainSID + "-1200"),
				Classes: []string{"msDS-GroupManagedServiceAccount"},
				Managed: check.Must(sddl.Parse(c.managed, sddl.Options{})).Binary()},
		}
		s := reach.Search{Directory: d, From: d.Find("u"), Objects: []objects.Item{item}}
		got := ""
		for _, p := range check.Must(s.Do(context.Background())).Paths {
			got += p.Steps[0].Right
		}
		check.Equal(t, got, c.right, "own %s, managed %s: right", c.own, c.managed)
	}
}

// PRINCIPAL SELF is the account of the object. On an object without a SID it matches no account.
func TestPrincipalSelfIsOwnAccount(t *testing.T) {
	const own = "O:SYG:SYD:(A;;WD;;;PS)"
	s := reach.Search{Directory: check.Must(dirfile.Read([]byte(small))), Objects: []objects.Item{
		newItem("CN=bob", "1102", "user", own), newItem("CN=ann", "1101", "user", own), newItem("CN=none", "", "user", own)}}
	s.From = s.Directory.Find("ann")
	got := check.Must(s.Do(context.Background()))
	check.That(t, len(got.Paths) == 1 && got.Paths[0].Object == "CN=ann" && got.Hands == 1,
		"ann reaches %+v with %d tokens, want CN=ann with her own", got.Paths, got.Hands)
}

// A second user can join a group that the search found before. An entry that denies the first member does not end the
// path of the second (B-8).
func TestSecondUserJoinsFoundGroup(t *testing.T) {
	s := reach.Search{Directory: check.Must(dirfile.Read([]byte(small))), Objects: []objects.Item{
		newItem("CN=staff", "2101", "group", "O:SYG:SYD:(OA;;WP;"+memberGUID+";;<ann>)(OA;;WP;"+memberGUID+";;<bob>)"),
		newItem("CN=bob", "1102", "user", "O:SYG:SYD:(OA;;CR;"+passwordGUID+";;<ann>)"),
		newItem("/shared", "", "", "O:SYG:SYD:(D;;WD;;;<ann>)(A;;WD;;;<staff>)")}}
	s.From = s.Directory.Find("ann")
	var last []string
	for _, p := range check.Must(s.Do(context.Background())).Paths {
		if p.Object == "/shared" {
			for _, step := range p.Steps {
				last = append(last, step.Right+" on "+step.Object)
			}
		}
	}
	check.SlicesEqual(t, last, []string{"ForceChangePassword on CN=bob", "AddMember on CN=staff",
		"WriteDacl on /shared"}, "steps to /shared")
}

// A token stays in the groups that it joined earlier: a condition can require two (B-8).
func TestTokenKeepsEarlierGroups(t *testing.T) {
	const open = "O:SYG:SYD:(OA;;WP;" + memberGUID + ";;<ann>)"
	s := reach.Search{Directory: check.Must(dirfile.Read([]byte(small))), MaxJoined: 2, Objects: []objects.Item{
		newItem("CN=admins", "2102", "group", open), newItem("CN=staff", "2101", "group", open),
		newItem("/both", "", "", "O:SYG:SYD:(XA;;WD;;;WD;(Member_of {SID(<staff>), SID(<admins>)}))")}}
	s.From = s.Directory.Find("ann")
	got := check.Must(s.Do(context.Background()))
	check.That(t, len(got.Paths) == 3 && len(got.Paths[2].Steps) == 3, "ann reaches %+v, want /both in 3 steps",
		got.Paths)
}

// A group whose SID is not in the file is reached, but gives no member's token.
func TestGroupWithoutSIDGivesNoToken(t *testing.T) {
	const open = "O:SYG:SYD:(OA;;WP;" + memberGUID + ";;<ann>)"
	s := reach.Search{Directory: check.Must(dirfile.Read([]byte(small))), MaxJoined: 2, Objects: []objects.Item{
		newItem("CN=admins", "2102", "group", open), newItem("CN=staff", "", "group", open)}}
	s.From = s.Directory.Find("ann")
	got := check.Must(s.Do(context.Background()))
	check.That(t, len(got.Paths) == 2 && got.Hands == 2, "ann reaches %+v with %d tokens, want both groups with 2",
		got.Paths, got.Hands)
}
