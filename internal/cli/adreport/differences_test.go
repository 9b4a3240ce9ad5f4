package adreport_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/adreport"
)

// The changes since a baseline list each entry, the owner, inheritance and each membership that differ, also where no
// right follows: entries that deny, that only children inherit, or that name an account which is gone. Copies of
// inherited entries are not listed (B-127).
func TestDifferencesOfDescriptors(t *testing.T) {
	const gone = "S-1-5-21-1-2-3-9999"
	d, _, _, carla := office()
	d.unit("Sales")
	order := d.account("user", "order")
	order.allow = []string{"(A;;LC;;;AU)", "(D;;WP;;;AU)"}
	carla.allow = []string{"(A;;LC;;;AU)", "(A;;LC;;;AU)", "(A;ID;RC;;;AU)"}
	before := d.ldif()

	d, desk, helen, carla := office()
	unit := d.unit("Sales")
	order = d.account("user", "order")
	order.allow = []string{"(D;;WP;;;AU)", "(A;;LC;;;AU)"}
	carla.allow = []string{"(A;;LC;;;AU)", "(D;;WP;;;" + helen.sid() + ")", "(A;ID;WD;;;AU)"}
	unit.allow = []string{"(A;CIIO;WD;;;" + helen.sid() + ")", "(D;;CR;;;" + gone + ")"}
	d.find("CN=bob,CN=Users," + base).join(desk)
	helen.more = nil // helen leaves desk
	old := state(t, before)
	page, html, text := pageOf(t, &adreport.Report{Title: "t", Now: state(t, d.ldif()), Before: &old})
	var got []string
	for _, x := range page.Changes.Differences {
		got = append(got, x.Object+": "+x.Text)
	}
	carlas, sales := "CN=carla,CN=Users,"+base, "OU=Sales,"+base
	want := []string{
		carlas + ": new entry: deny helen write property",
		carlas + ": removed entry: allow Authenticated Users list",
		"CN=order,CN=Users," + base + ": the same entries in another order",
		sales + ": new entry: allow helen write DACL, inherited by children only",
		sales + ": new entry: deny " + gone + " extended right",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("B-127: differences\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	m := page.Changes.Memberships
	if len(m) != 1 || m[0].Group != "desk" || !slices.Equal(m[0].Joined.List, []string{"bob"}) ||
		!slices.Equal(m[0].Left.List, []string{"helen"}) {
		t.Errorf("B-127: memberships %+v, want bob joined desk and helen left it", m)
	}
	flat := strings.Join(strings.Fields(text), " ")
	for _, line := range append(want, "embers of desk now: bob", "o members of desk any more: helen") {
		if !strings.Contains(flat, line) || !strings.Contains(strings.ReplaceAll(html, "</code>", ""), line) {
			t.Errorf("B-127: %q is not on both pages:\n%s", line, text)
		}
	}
	same, _, text := pageOf(t, &adreport.Report{Title: "t", Now: state(t, before), Before: &old})
	if !same.Changes.None() {
		t.Errorf("B-127: equal states differ:\n%s", text)
	}
}
