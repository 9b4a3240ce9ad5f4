package adreport_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/cli/adreport"
	"github.com/refmon/refmon/winnt"
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
	if err != nil || len(list) != len(s.Objects) {
		t.Fatalf("%d rows, %v, want one for each of %d objects", len(list), err, len(s.Objects))
	}
	for i, want := range []string{
		"CN=AdminSDHolder,CN=System," + base + " WriteDacl, read, list, control",
		"CN=carla,CN=Users," + base + " ForceChangePassword, WriteSPN, read, list",
		"OU=Staff," + base + " read, list",
	} {
		if got := fmt.Sprint(list[i].Object, " ", list[i].Text(winnt.DirectoryServiceObject)); got != want ||
			list[i].Ordinary {
			t.Errorf("row %d: %q, ordinary %t, want %q", i, got, list[i].Ordinary, want)
		}
	}
	for _, h := range list[3:] {
		if !h.Ordinary || h.Text(winnt.DirectoryServiceObject) != "read, list" {
			t.Errorf("%+v, want what every user has", h)
		}
	}
}
