package reach_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/reach"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// Whoever writes the rights of the head of a domain or replicates its passwords controls every object below it, also
// in the domain's zones, and whoever writes those of AdminSDHolder the protected accounts and groups. Half of DCSync,
// a policy link, ownership without such a right, a closed right and a zone's own head give neither. Domain Admins of
// another domain are not protected (B-76, B-77).
func TestControlOfDomainIsFollowed(t *testing.T) {
	const closed = "O:SYG:SYD:(A;;GA;;;SY)"
	for _, c := range []struct{ head, holder, zone, want string }{
		{"(A;;WD;;;<ann>)", "", "", "DC=x:WriteDacl admins:ControlsDomain bob:ControlsDomain"},
		{"(A;;WO;;;<ann>)", "", "", "DC=x:WriteOwner admins:ControlsDomain bob:ControlsDomain"},
		{"(A;;WO;;;<ann>)(A;;WP;;;OW)", "", "", "DC=x:WriteOwner"},
		{"(D;;CR;;;OW)(A;;WO;;;<ann>)(A;;WP;;;OW)(OA;;CR;" + changesGUID + ";;<ann>)(OA;;CR;" + changesAllGUID + ";;<ann>)",
			"", "", "DC=x:WriteOwner admins:ControlsDomain bob:ControlsDomain"},
		{"(OA;;CR;" + changesGUID + ";;<ann>)(OA;;CR;" + changesAllGUID + ";;<ann>)", "", "",
			"DC=x:DCSync admins:ControlsDomain bob:ControlsDomain"},
		{"(OA;;CR;" + changesGUID + ";;<ann>)", "", "", ""},
		{"(A;;WO;;;<ann>)(A;;RC;;;OW)(OA;;CR;" + changesAllGUID + ";;<ann>)", "", "", ""},
		{"(D;;WD;;;<ann>)(A;;WD;;;<ann>)", "(D;;WO;;;<ann>)(A;;WO;;;<ann>)", "", ""},
		{"(OA;;WP;" + linkGUID + ";;<ann>)", "", "", "DC=x:WriteGPLink"},
		{"", "(A;;GA;;;<ann>)", "", "AdminSDHolder:GenericAll admins:SDProp"},
		{"", "(A;;WP;;;<ann>)", "", ""},
		{"", "", "(A;;WD;;;<ann>)", "DC=DomainDnsZones:WriteDacl DC=ForestDnsZones:WriteDacl"},
	} {
		admins := newItem("CN=admins,CN=Users,DC=x", "512", "group", closed)
		list := []objects.Item{
			newItem("DC=x", "", "domain", closed+c.head),
			newItem("CN=AdminSDHolder,CN=System,DC=x", "", "", closed+c.holder), admins,
			newItem("DC=DomainDnsZones,DC=x", "", "domain", closed+c.zone),
			newItem("DC=ForestDnsZones,DC=x", "", "domain", closed+c.zone), newItem("CN=foreign,DC=x", "", "group", closed),
			newItem("CN=bob,CN=Users,DC=x", "1102", "user", closed), newItem("CN=far,DC=y", "1103", "user", closed),
			newItem("CN=PC,DC=x", "1104", "computer", closed), // a member of a protected group
		}
		list[1].Entry.Classes = []string{"container"}
		list[5].Entry.SID = sid.MustParse("S-1-5-21-9-9-9-512")
		people := strings.Replace(small, "-1104}", "-1104, memberOf: ["+domainSID+"-516]}", 1)
		s := reach.Search{Directory: check.Must(dirfile.Read([]byte(people))), Objects: list}
		s.From = s.Directory.Find("ann")
		first := map[string]string{}
		for _, p := range check.Must(s.Do(context.Background())).Paths {
			x := p.Steps[len(p.Steps)-1]
			name := strings.TrimPrefix(strings.Split(p.Object, ",")[0], "CN=")
			first[name] = x.Right
			check.That(t, !reach.Derived(x.Right) || strings.Contains(fmt.Sprint(x.By), "ann") &&
				strings.HasPrefix(x.By[0], "DCSync") == strings.Contains(c.head, changesAllGUID),
				"%s: by %q, want the entry for ann of a right that gives control", name, x.By)
		}
		if strings.Contains(c.want, "ControlsDomain") { // this right includes the objects below the head
			c.want += " AdminSDHolder:ControlsDomain DC=DomainDnsZones:ControlsDomain " +
				"DC=ForestDnsZones:ControlsDomain foreign:ControlsDomain PC:ControlsDomain"
		}
		for _, w := range strings.Fields(c.want) {
			name, right, _ := strings.Cut(w, ":")
			check.Equal(t, first[name], right, "%+v: %s by", c, name)
			delete(first, name)
		}
		check.That(t, len(first) == 0, "%+v: also reaches %v", c, first)
	}
}

// TestInboundFollowsControlOfDomain checks that the list of those who reach an object has the holders of the head.
func TestInboundFollowsControlOfDomain(t *testing.T) {
	list := []objects.Item{newItem("DC=x", "", "domain", "O:SYG:SYD:(A;;WD;;;<staff>)"),
		newItem("CN=staff,DC=x", "2101", "group", "O:SYG:SYD:(OA;;WP;"+memberGUID+";;<cy>)"),
		newItem("CN=bob,DC=x", "1102", "user", "O:SYG:SYD:(A;;GA;;;SY)")}
	s := reach.Search{Directory: check.Must(dirfile.Read([]byte(small))), Objects: list}
	who, cut, err := s.Inbound(context.Background(), []int{2})
	check.That(t, err == nil && cut == "" && len(who) == 1 && who[0].Who == "cy" && len(who[0].Steps) == 2 &&
		who[0].Steps[1].Right == reach.ControlsDomain,
		"%+v, %q, %v, want cy by AddMember and ControlsDomain", who, cut, err)
}
