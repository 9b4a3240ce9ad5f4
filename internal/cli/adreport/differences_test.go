package adreport_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/adreport"
	"github.com/refmon/refmon/internal/test/check"
)

// The changes since a baseline list each entry, owner, group and membership that differs, also where no right follows:
// entries that deny, that only children inherit, or that name an account which is gone. Equal inherited entries are one
// row (B-127).
func TestBaselineReportListsChangedEntries(t *testing.T) {
	const gone = "S-1-5-21-1-2-3-9999"
	d, _, _, carla := newOffice()
	d.unit("Sales")
	order := d.account("user", "order")
	order.allow = []string{"(A;;LC;;;AU)", "(D;;WP;;;AU)"}
	temp := d.account("user", "temp")
	carla.allow = []string{"(A;;LC;;;AU)", "(A;;LC;;;AU)", "(A;ID;RC;;;AU)", "(A;;LC;;;" + temp.sid() + ")"}
	before := d.ldif()

	d, desk, helen, carla := newOffice()
	unit := d.unit("Sales")
	d.list = append([]*entry{{dn: "CN=new," + base, class: "container"}}, d.list...) // before those that differ
	order = d.account("user", "order")
	order.deny = []string{"P"} // before the entries
	order.allow = []string{"(D;;WP;;;AU)", "(A;ID;WD;;;AU)", "(A;;LC;;;AU)"}
	carla.allow = []string{"(A;;LC;;;AU)", "(D;;WP;;;" + helen.sid() + ")", "(A;ID;WD;;;AU)"}
	unit.allow = []string{"(ZA;;CR;" + resetGUID + ";;AU;(@USER.x == 1))", "(A;CIIO;WD;;;" + helen.sid() + ")",
		"(A;CI;LC;;;" + helen.sid() + ")",
		"(D;;CR;;;" + gone + ")"}
	d.find("CN=bob,CN=Users," + base).join(desk)
	helen.more = nil // helen leaves desk
	old := state(t, before)
	page, html, text := pageOf(t, &adreport.Report{Title: "t", Now: state(t, d.ldif()), Before: &old})
	var got []string
	for _, x := range page.Changes.Differences {
		got = append(got, x.Object+": "+x.Text+x.More())
	}
	carlas, sales := "CN=carla,CN=Users,"+base, "OU=Sales,"+base
	want := []string{
		carlas + ": new entry: deny helen write property",
		carlas + ": removed entry: allow Authenticated Users list", carlas + ": removed entry: allow temp list",
		carlas + ": removed inherited entry: allow Authenticated Users read rights",
		carlas + ": new inherited entry: allow Authenticated Users write DACL (and on 1 other object)",
		"CN=order,CN=Users," + base + ": no longer inherits entries",
		"CN=order,CN=Users," + base + ": the same entries in another order",
		sales + ": new entry: allow helen write DACL, inherited by children only",
		sales + ": new entry: allow helen list, inherited by children",
		sales + ": new entry: deny " + gone + " extended right",
		sales + ": new entry: allow Authenticated Users extended right on User-Force-Change-Password, on a condition",
	}
	sameLines(t, got, want, "B-127: differences")
	bob, helens := adreport.Names{Count: 1, List: []string{"bob"}}, adreport.Names{Count: 1, List: []string{"helen"}}
	check.DeepEqual(t, page.Changes.Memberships, []adreport.Membership{{Group: "desk", Joined: bob, Left: helens}},
		"B-127: memberships")
	flat := strings.Join(strings.Fields(text), " ")
	for _, line := range append(want, "oined desk: bob", "eft desk: helen") {
		check.That(t, strings.Contains(flat, line) && strings.Contains(strings.ReplaceAll(html, "</code>", ""), line),
			"B-127: %q is not on both pages:\n%s", line, text)
	}
	audited := strings.Replace(before, ";;AU)\n", ";;AU)S:(AU;SA;WD;;;WD)(AU;IDSA;RC;;;WD)\n", 1)
	audited = strings.Replace(audited, "G:"+domainSID+"-512", "G:SY", 1)
	page, _, _ = pageOf(t, &adreport.Report{Title: "t", Now: state(t, audited), Before: &old})
	got = nil
	for _, x := range page.Changes.Differences {
		got = append(got, x.Text)
	}
	check.SlicesEqual(t, got, []string{"group is SYSTEM, was Domain Admins", "new audit entry: for Everyone write DACL",
		"new audit entry: for Everyone read rights"}, "B-127: differences of group and audit entry")
	same, _, text := pageOf(t, &adreport.Report{Title: "t", Now: state(t, before), Before: &old})
	check.That(t, same.Changes.None(), "B-127: equal states differ:\n%s", text)
}
