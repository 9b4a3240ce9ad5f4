package adreport_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/cli/adreport"
	"github.com/refmon/refmon/internal/test/check"
)

// Control comes first, from the strongest right on, then rights to write, other rights, and what every user has (B-54).
func TestHoldingsAreOrderedByConsequence(t *testing.T) {
	d, desk, helen, carla := office()
	carla.allow = []string{"(OA;;WP;" + spnGUID + ";;" + desk.sid() + ")",
		"(OA;;CR;" + resetGUID + ";;" + desk.sid() + ")"}
	helen.allow = []string{"(A;;DC;;;PS)"} // her own object
	d.find("CN=AdminSDHolder,CN=System," + base).allow = []string{"(A;;WD;;;" + helen.sid() + ")"}
	d.add(&entry{dn: "OU=Sync," + base, class: "organizationalUnit",
		allow: []string{"(A;;0x100000;;;" + desk.sid() + ")"}})
	d.add(&entry{dn: "OU=Staff," + base, class: "organizationalUnit", allow: []string{"(A;;CC;;;" + desk.sid() + ")"}})
	s := state(t, d.ldif())
	list, err := adreport.Holdings(context.Background(), s.Objects, s.Directory, s.Directory.Find("helen"))
	check.RequireThat(t, err == nil && len(list) == len(s.Objects),
		"%d rows, %v, want one for each of %d objects", len(list), err, len(s.Objects))
	for i, want := range []string{
		"CN=AdminSDHolder,CN=System," + base + " WriteDacl, read, list, control",
		"CN=carla,CN=Users," + base + " ForceChangePassword, WriteSPN, read, list",
		helen.dn + " read, list, DeleteChild", "OU=Staff," + base + " read, list, CreateChild", "OU=Sync," + base +
			" read, list, SYNCHRONIZE",
	} {
		if got := fmt.Sprint(list[i].Object, " ", list[i].Text()); got != want ||
			list[i].Ordinary {
			t.Errorf("row %d: %q, ordinary %t, want %q", i, got, list[i].Ordinary, want)
		}
	}
	for _, h := range list[5:] {
		check.That(t, h.Ordinary && h.Text() == "read, list", "%+v, want what every user has", h)
	}
}

// GenericAll stands for all rights of steps. What a group gives that every user but the guest is in is ordinary (B-54).
func TestHoldingsOfEveryUserAreOrdinary(t *testing.T) {
	d, _, helen, carla := office()
	carla.allow = []string{"(A;;GA;;;" + helen.sid() + ")"}
	every := d.account("group", "every")
	for _, e := range d.list {
		if e.class == "user" || e.class == "computer" {
			e.join(every)
		}
	}
	d.add(&entry{dn: "CN=guest,CN=Users," + base, class: "user", name: "guest", rid: 501})
	d.add(&entry{dn: "OU=Staff," + base, class: "organizationalUnit", allow: []string{"(A;;CC;;;" + every.sid() + ")"}})
	s := state(t, d.ldif())
	list, err := adreport.Holdings(context.Background(), s.Objects, s.Directory, s.Directory.Find("helen"))
	check.NoError(t, err)
	check.Equal(t, fmt.Sprint(list[0].Object, list[0].Steps), carla.dn+"[GenericAll]", "first row")
	for _, h := range list[1:] {
		check.That(t, h.Ordinary, "%+v, want what every user has", h)
	}
}

// Rights on one object type that not every user has are in the list, and the ones that a step includes are not named
// twice (B-54).
func TestHoldingsHaveRightsOnObjectTypes(t *testing.T) {
	d, desk, helen, carla := office()
	carla.allow = []string{"(OA;;SW;" + spnGUID + ";;" + desk.sid() + ")",
		"(OA;;RP;" + unicodePwdGUID + ";;" + desk.sid() + ")"}
	d.find(base).allow = append(d.find(base).allow, "(OA;;CR;"+changesGUID+";;"+helen.sid()+")")
	d.add(&entry{dn: "OU=Staff," + base, class: "organizationalUnit",
		allow: []string{"(OA;;CC;" + userClass + ";;" + desk.sid() + ")"}})
	other := d.account("user", "other")
	other.allow = []string{"(OA;;WP;" + spnGUID + ";;" + helen.sid() + ")"}
	both := d.account("user", "both")
	both.allow = []string{"(OA;;WPSW;" + spnGUID + ";;" + helen.sid() + ")"}
	s := state(t, d.ldif())
	list, err := adreport.Holdings(context.Background(), s.Objects, s.Directory, s.Directory.Find("helen"))
	check.NoError(t, err)
	for i, want := range []string{
		"CN=other,CN=Users," + base + " WriteSPN, read, list",
		"CN=both,CN=Users," + base + " WriteSPN, SWWP:servicePrincipalName, read, list",
		base + " CR:DS-Replication-Get-Changes, read, list",
		"CN=carla,CN=Users," + base + " SW:Validated-SPN, read, list",
		"OU=Staff," + base + " CC:user, read, list",
	} {
		if got := fmt.Sprint(list[i].Object, " ", list[i].Text()); got != want ||
			list[i].Ordinary {
			t.Errorf("row %d: %q, ordinary %t, want %q", i, got, list[i].Ordinary, want)
		}
	}
	if h := list[5]; !h.Ordinary {
		t.Errorf("%+v, want what every user has", h)
	}
}
