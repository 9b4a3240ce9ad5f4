package adreport_test

import (
	"testing"

	"github.com/refmon/refmon/internal/cli/adreport"
	"github.com/refmon/refmon/internal/test/check"
)

// A row names Everyone and Authenticated Users if no other account gives the right. Generic all hides weaker rights.
func TestRightOfEverybodyNamesItsGroups(t *testing.T) {
	d, desk, _, _ := newOffice()
	desk.allow, d.account("group", "other").allow = []string{"(A;;WD;;;AU)"}, []string{"(A;;WD;;;WD)"}
	d.account("group", "third").allow = []string{"(A;;WD;;;WD)"} // the row of two objects comes first
	root := d.find(base)
	root.allow = []string{"(OA;;CR;" + changesGUID + ";;AU)", "(OA;;CR;" + changesAllGUID + ";;WD)"}
	page, _, _ := pageOf(t, &adreport.Report{Now: state(t, d.ldif())})
	check.RequireThat(t, len(page.Direct) == 3, "rows %+v, want three", page.Direct)
	check.Equal(t, page.Direct[2].Via,
		"Authenticated Users on DS-Replication-Get-Changes and Everyone on DS-Replication-Get-Changes-All", "via")
	check.Equal(t, page.Direct[0].Via+", "+page.Direct[1].Via, "Everyone, Authenticated Users", "of one right on others")
	d, desk, helen, carla := newOffice() // helen is the only member of desk
	helen.allow = []string{"(A;;GA;;;" + carla.sid() + ")"}
	carla.allow = []string{"(A;;WD;;;" + desk.sid() + ")", "(OA;;CR;" + resetGUID + ";;" + helen.sid() + ")"}
	page, _, _ = pageOf(t, &adreport.Report{Now: state(t, d.ldif())})
	check.RequireThat(t, len(page.Direct) == 3, "rows %+v, want one for each way", page.Direct)
	check.Equal(t, page.Direct[1].Via+", "+page.Direct[2].Via, "desk, helen on User-Force-Change-Password", "ways")
	check.SlicesEqual(t, page.Direct[0].Rights, []string{"generic all"}, "rights of carla on helen")
}
