package adreport_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/cli/adreport"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
)

// The important objects are found by number, class and place. A computer with a workstation's system makes its unit not
// important, one of unknown system does (B-49).
func TestImportantObjectsAreFoundByClass(t *testing.T) {
	d, _, _, _ := newOffice()
	d.unit("Servers")
	d.unit("Mixed")
	for name, system := range map[string]string{"Desks": "Windows 11 Enterprise", "Unknown": "", "Mixed": ""} {
		if name != "Mixed" {
			d.add(&entry{dn: "OU=" + name + "," + base, class: "organizationalUnit"})
		}
		d.next++
		e := d.add(&entry{dn: `CN=p\,c,OU=` + name + "," + base, class: "computer", name: name + "$", rid: d.next})
		if system != "" {
			e.more = []string{"operatingSystem: " + system}
		}
	}
	d.add(&entry{dn: "OU=Sub,OU=Servers," + base, class: "organizationalUnit"})
	for i, e := range []*entry{
		{dn: "CN=srv2,OU=Sub,OU=Servers," + base, class: "computer", name: "srv2$",
			more: []string{"operatingSystem: Linux"}},
		{dn: "CN=srv3,OU=Sub,OU=Servers," + base, class: "computer", name: "srv3$",
			more: []string{"operatingSystem: Samba"}},
		{dn: "CN=DC2,CN=Computers," + base, class: "computer", name: "DC2$", more: []string{"primaryGroupID: 516"}},
		{dn: "CN=ro,CN=Users," + base, class: "user", name: "KRBTGT_7"},
	} {
		e.rid = 3000 + i
		d.add(e)
	}
	// Neither a zone nor a group of another domain is important.
	for _, zone := range []string{"DC=ForestDnsZones,", "DC=DomainDnsZones,"} {
		d.add(&entry{dn: zone + base, class: "domain", more: []string{"objectClass: domainDNS"}})
	}
	d.add(&entry{dn: "CN=far,CN=Users," + base, class: "group", name: "far",
		more: []string{"objectSid: S-1-5-21-1-1-1-512", "groupType: -2147483646"}})
	d.add(&entry{dn: "CN={6AC1786C},CN=Policies,CN=System," + base, class: "groupPolicyContainer"})
	s := state(t, d.ldif())
	var names []*objects.Name
	for _, name := range []string{"carla", "CN=carla,CN=Users," + base, "Domain Admins"} {
		names = append(names, objects.NewName(name, s.Directory))
	}
	page, _, _ := pageOf(t, &adreport.Report{Title: "t", Now: s, Important: names})
	for _, n := range names { // also a second name of an object, and that of one which is important without it
		check.Equal(t, n.Found(), 1, "objects named %s", n.Text)
	}
	var got []string
	for _, x := range page.Important {
		got = append(got, x.Kind)
	}
	want := "[domain root AdminSDHolder Domain Admins Enterprise Admins KRBTGT " +
		"KRBTGT of a read-only domain controller Administrator Domain Controllers Administrators Backup Operators " +
		"domain controller domain controller group policy OU with 1 server and 1 computer of unknown system " +
		"OU with 3 servers OU with 2 servers OU with 1 computer of unknown system named by --important]"
	check.That(t, fmt.Sprint(got) == want, "got  %v\nwant %s", got, want)
}
