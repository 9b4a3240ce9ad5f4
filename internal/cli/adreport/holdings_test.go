package adreport_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/cli/adreport"
	"github.com/refmon/refmon/internal/test/check"
)

// Control comes first, from the strongest right on, then rights to write, then what every user has (B-54).
func TestHoldingsAreOrderedByConsequence(t *testing.T) {
	d, desk, helen, carla := office()
	carla.allow = []string{"(OA;;WP;" + spnGUID + ";;" + desk.sid() + ")",
		"(OA;;CR;" + resetGUID + ";;" + desk.sid() + ")"}
	d.find("CN=AdminSDHolder,CN=System," + base).allow = []string{"(A;;WD;;;" + helen.sid() + ")"}
	d.add(&entry{dn: "OU=Staff," + base, class: "organizationalUnit", allow: []string{"(A;;CC;;;" + desk.sid() + ")"}})
	s := state(t, d.ldif())
	list, err := adreport.Holdings(context.Background(), s.Objects, s.Directory, s.Directory.Find("helen"))
	check.RequireThat(t, err == nil && len(list) == len(s.Objects),
		"%d rows, %v, want one for each of %d objects", len(list), err, len(s.Objects))
	for i, want := range []string{
		"CN=AdminSDHolder,CN=System," + base + " WriteDacl, read, list, control",
		"CN=carla,CN=Users," + base + " ForceChangePassword, WriteSPN, read, list",
		"OU=Staff," + base + " read, list, CreateChild",
	} {
		if got := fmt.Sprint(list[i].Object, " ", list[i].Text()); got != want ||
			list[i].Ordinary {
			t.Errorf("row %d: %q, ordinary %t, want %q", i, got, list[i].Ordinary, want)
		}
	}
	for _, h := range list[3:] {
		check.That(t, h.Ordinary && h.Text() == "read, list", "%+v, want what every user has", h)
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
	s := state(t, d.ldif())
	list, err := adreport.Holdings(context.Background(), s.Objects, s.Directory, s.Directory.Find("helen"))
	check.NoError(t, err)
	for i, want := range []string{
		"CN=other,CN=Users," + base + " WriteSPN, read, list",
		base + " CR:DS-Replication-Get-Changes, read, list",
		"CN=carla,CN=Users," + base + " SW:Validated-SPN, read, list",
		"OU=Staff," + base + " CC:user, read, list",
	} {
		if got := fmt.Sprint(list[i].Object, " ", list[i].Text()); got != want ||
			list[i].Ordinary {
			t.Errorf("row %d: %q, ordinary %t, want %q", i, got, list[i].Ordinary, want)
		}
	}
	if h := list[4]; !h.Ordinary {
		t.Errorf("%+v, want what every user has", h)
	}
}
