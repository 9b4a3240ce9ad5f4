package adreport_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/cli/adreport"
	"github.com/refmon/refmon/internal/test/check"
)

// The routes through important objects of one kind are one detour, which counts the accounts of all of them.
func TestDetourCountsAllItsRoutes(t *testing.T) {
	x := adreport.Target{Routes: []adreport.Route{{Who: adreport.Names{Count: 2}, Through: "a"},
		{Who: adreport.Names{Count: 1}}, {Who: adreport.Names{Count: 4}, Through: "b"},
		{Who: adreport.Names{Count: 3}, Through: "a"}}}
	list := x.Detours()
	check.That(t, len(list) == 2 && list[0].Through == "a" && list[0].Count == 5 && len(list[0].Routes) == 2 &&
		list[1].Count == 4, "detours %+v, want a with 5 accounts and b with 4", list)
}

// An object has at most 200 rows of paths, and a count of the accounts without one. No row shows that an account has a
// right on itself.
func TestPathsToOneObjectAreLimited(t *testing.T) {
	d := newDomain()
	for i := range 201 {
		u := d.account("user", fmt.Sprintf("u%03d", i))
		holder := d.find("CN=AdminSDHolder,CN=System," + base)
		holder.allow = append(holder.allow, "(A;;WD;;;"+u.sid()+")")
		u.allow = []string{"(A;;WD;;;" + u.sid() + ")"}
	}
	last := len(d.list) - 1
	d.list[0], d.list[last] = d.list[last], d.list[0] // the first principal is no administrator
	page, _, _ := pageOf(t, &adreport.Report{Now: state(t, d.ldif())})
	x := page.Important[1]
	check.Equal(t, fmt.Sprint(x.Kind, " ", len(x.Routes), " ", x.More, " ", x.Reach, " ", x.Others),
		"AdminSDHolder 200 1 201 201", "rows, accounts without one, accounts, and accounts that are no administrators")
	check.Equal(t, x.Routes[0].Through, "", "important object on the way")
	d, _, helen, _ := newOffice()
	d.find("CN=AdminSDHolder,CN=System," + base).allow = []string{"(A;;WO;;;" + helen.sid() + ")"}
	owner, _, _ := pageOf(t, &adreport.Report{Now: state(t, d.ldif())})
	check.Equal(t, owner.Important[1].Routes[0].Steps[0].By, "DACL entry 1 for helen, and as the owner write DACL",
		"how helen reaches AdminSDHolder")
	for _, g := range page.Direct {
		check.That(t, g.Objects.Count == 1 && g.Objects.List[0] == x.Object, "%v has rights on %v", g.Who, g.Objects)
	}
}
