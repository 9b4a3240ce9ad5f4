package adreport_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/cli/adreport"
	"github.com/refmon/refmon/internal/test/check"
)

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
	for _, g := range page.Direct {
		check.That(t, g.Objects.Count == 1 && g.Objects.List[0] == x.Object, "%v has rights on %v", g.Who, g.Objects)
	}
}
