package adreport_test

import (
	"fmt"
	"slices"
	"strings"
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
	for i := range 202 {
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
		"AdminSDHolder 200 2 202 202", "rows, accounts without one, accounts, and accounts that are no administrators")
	check.Equal(t, x.Routes[0].Through, "", "important object on the way")
	for _, g := range page.Direct {
		check.That(t, g.Objects.Count == 1 && g.Objects.List[0] == x.Object, "%v has rights on %v", g.Who, g.Objects)
	}
}

// A row of paths has one first step. A step names the groups that its account was put into, and the second right of an
// owner. Owners of computers have no rights if the domain blocks them.
func TestPathsShowTheirSteps(t *testing.T) {
	d, desk, _, carla := newOffice()
	bob, empty := d.find("CN=bob,CN=Users,"+base), d.account("group", "empty")
	d.find("CN=AdminSDHolder,CN=System," + base).allow = []string{"(A;;WO;;;" + carla.sid() + ")"}
	carla.allow = []string{"(OA;;CR;" + resetGUID + ";;" + desk.sid() + ")",
		"(OA;;CR;" + resetGUID + ";;" + bob.sid() + ")"}
	d.account("computer", "pc").allow = []string{"(A;;LC;;;" + empty.sid() + ")"}
	desk.allow = []string{"(OA;;WP;" + memberGUID + ";;" + d.account("user", "eve").sid() + ")"}
	page, _, _ := pageOf(t, &adreport.Report{Now: state(t, d.ldif())})
	holder := page.Important[1]
	check.RequireThat(t, len(holder.Routes) == 4 && len(holder.Direct) == 1, "routes %+v and rights %+v, want 4 and 1",
		holder.Routes, holder.Direct)
	check.Equal(t, holder.Routes[0].Steps[0].By, "DACL entry 1 for carla, and as the owner write DACL", "the owner")
	check.Equal(t, holder.Routes[3].Steps[1].Who, "eve (in desk)", "the second step of eve")
	for _, owner := range []*entry{bob, empty} {
		text := strings.Replace(d.ldif(), "O:"+domainSID+"-512G:"+domainSID+"-512D:(A;;LC;",
			"O:"+owner.sid()+"G:"+domainSID+"-512D:(A;;LC;", 1)
		for _, block := range []bool{false, true} {
			page, _, _ := pageOf(t, &adreport.Report{Now: state(t, text), BlockOwner: block})
			has := slices.ContainsFunc(slices.Concat(page.Direct, page.Vacant), func(g adreport.Grants) bool {
				return g.Who.List[0] == owner.name && slices.Contains(g.Rights, "write DACL")
			})
			check.Equal(t, has, !block, "%s owns pc, owners blocked %t: has a right", owner.name, block)
		}
	}
}
