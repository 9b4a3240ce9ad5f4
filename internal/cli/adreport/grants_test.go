package adreport_test

import (
	"testing"

	"github.com/refmon/refmon/internal/cli/adreport"
	"github.com/refmon/refmon/internal/test/check"
)

// A row names Everyone and Authenticated Users if no other account gives the right.
func TestRightOfEverybodyNamesItsGroups(t *testing.T) {
	d, _, _, _ := newOffice()
	root := d.find(base)
	root.allow = []string{"(OA;;CR;" + changesGUID + ";;AU)", "(OA;;CR;" + changesAllGUID + ";;WD)"}
	page, _, _ := pageOf(t, &adreport.Report{Now: state(t, d.ldif())})
	check.RequireThat(t, len(page.Direct) == 1, "rows %+v, want one", page.Direct)
	check.Equal(t, page.Direct[0].Via,
		"Authenticated Users on DS-Replication-Get-Changes and Everyone on DS-Replication-Get-Changes-All", "via")
}
