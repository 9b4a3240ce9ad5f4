package adreport_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/cli/adreport"
	"github.com/refmon/refmon/internal/test/check"
)

// checkHoldings checks that the rows of helen are these, and then what every user has, which it returns.
func checkHoldings(t *testing.T, d *domain, want ...string) []adreport.Holding {
	t.Helper()
	s := state(t, d.ldif())
	list, err := adreport.Holdings(context.Background(), s.Objects, s.Directory, s.Directory.Find("helen"))
	check.RequireThat(t, err == nil && len(list) == len(s.Objects),
		"%d rows, %v, want one for each of %d objects", len(list), err, len(s.Objects))
	for i, h := range list {
		got := fmt.Sprint(h.Object, " ", h.Text())
		check.That(t, h.Ordinary == (i >= len(want)) && (h.Ordinary || got == want[i]),
			"row %d: %q, ordinary %t; want %q", i, got, h.Ordinary, want)
	}
	return list[len(want):]
}

// Control comes first, from the strongest right on, then rights to write, other rights, and what every user has (B-54).
func TestHoldingsAreOrderedByConsequence(t *testing.T) {
	d, desk, helen, carla := newOffice()
	carla.allow = []string{"(OA;;WP;" + spnGUID + ";;" + desk.sid() + ")",
		"(OA;;CR;" + resetGUID + ";;" + desk.sid() + ")"}
	helen.allow = []string{"(A;;DC;;;PS)"} // her own object
	d.find("CN=AdminSDHolder,CN=System," + base).allow = []string{"(A;;WD;;;" + helen.sid() + ")"}
	d.add(&entry{dn: "OU=Sync," + base, class: "organizationalUnit",
		allow: []string{"(A;;0x100000;;;" + desk.sid() + ")", "(A;;DC;;;AU)", "(OA;;CC;" + userClass + ";;AU)"}})
	d.add(&entry{dn: "OU=Staff," + base, class: "organizationalUnit", allow: []string{"(A;;CC;;;" + desk.sid() + ")"}})
	for _, h := range checkHoldings(t, d, "CN=AdminSDHolder,CN=System,"+base+" WriteDacl, read, list, control",
		carla.dn+" ForceChangePassword, WriteSPN, read, list", helen.dn+" read, list, DeleteChild",
		"OU=Staff,"+base+" read, list, CreateChild", "OU=Sync,"+base+" read, list, DeleteChild, SYNCHRONIZE") {
		check.Equal(t, h.Text(), "read, list", "%s: what every user has", h.Object)
	}
}

// GenericAll includes all rights of steps. A right is ordinary if it comes from a group that contains every user but
// the guest (B-54).
func TestHoldingsOfEveryUserAreOrdinary(t *testing.T) {
	d, _, helen, carla := newOffice()
	carla.allow = []string{"(A;;GA;;;" + helen.sid() + ")"}
	every := d.account("group", "every")
	for _, e := range d.list {
		if e.class == "user" || e.class == "computer" {
			e.join(every)
		}
	}
	d.add(&entry{dn: "CN=guest,CN=Users," + base, class: "user", name: "guest", rid: 501})
	d.add(&entry{dn: "OU=Staff," + base, class: "organizationalUnit", allow: []string{"(A;;CC;;;" + every.sid() + ")"}})
	checkHoldings(t, d, carla.dn+" GenericAll, read, write, modify, full, list, control")
}

// Rights on one object type that not every user has are in the list, and the ones that a step includes are not named
// twice (B-54).
func TestHoldingsHaveRightsOnObjectTypes(t *testing.T) {
	d, desk, helen, carla := newOffice()
	carla.allow = []string{"(OA;;SW;" + spnGUID + ";;" + desk.sid() + ")",
		"(OA;;RP;" + unicodePwdGUID + ";;" + desk.sid() + ")"}
	d.find(base).allow = append(d.find(base).allow, "(OA;;CR;"+changesGUID+";;"+helen.sid()+")")
	d.add(&entry{dn: "OU=Staff," + base, class: "organizationalUnit",
		allow: []string{"(OA;;CC;" + userClass + ";;" + desk.sid() + ")"}})
	other := d.account("user", "other")
	other.allow = []string{"(OA;;WP;" + spnGUID + ";;" + helen.sid() + ")"}
	info := d.account("user", "info") // the entry for one attribute of the set is for children only
	info.allow = []string{"(OA;;WP;77b5b886-944a-11d1-aebd-0000f80367c1;;" + desk.sid() + ")",
		"(OA;CIIO;WP;bf967a49-0de6-11d0-a285-00aa003049e2;;" + desk.sid() + ")"}
	class := d.account("user", "class") // an entry for the object's own class
	class.allow = []string{"(OA;;WP;" + userClass + ";;" + desk.sid() + ")",
		"(OA;;SW;" + spnGUID + ";;" + desk.sid() + ")"}
	both := d.account("user", "both")
	both.allow = []string{"(OA;;WPSW;" + spnGUID + ";;" + helen.sid() + ")"}
	helen.allow = []string{"(OA;;WP;" + phoneGUID + ";;PS)"}
	// A right to read the password alone grants nothing (B-55).
	d.account("user", "secret").allow = []string{"(OA;;RP;" + unicodePwdGUID + ";;" + desk.sid() + ")",
		"(D;;RP;;;AU)"}
	quiet := d.account("user", "quiet") // a right to read comes last
	quiet.allow = []string{"(OA;;RP;" + phoneGUID + ";;" + desk.sid() + ")", "(D;;GR;;;AU)"}
	d.account("user", "strange").allow = []string{"(OA;;WP;" + strangeGUID + ";;" + desk.sid() + ")"}
	checkHoldings(t, d, class.dn+" AddKeyCredentialLink, AddAllowedToAct, WriteSPN, WriteAltSecurityIdentities, "+
		"WP:user, SWWP:servicePrincipalName, read, list", other.dn+" WriteSPN, read, list",
		both.dn+" WriteSPN, SWWP:servicePrincipalName, read, list",
		base+" CR:DS-Replication-Get-Changes, read, list", helen.dn+" WP:telephoneNumber, read, list",
		carla.dn+" SW:Validated-SPN, read, list",
		"OU=Staff,"+base+" CC:user, read, list", info.dn+" WP:Personal-Information, read, list",
		d.list[len(d.list)-1].dn+" WP:"+strangeGUID+", read, list", quiet.dn+" RP:telephoneNumber")
}
