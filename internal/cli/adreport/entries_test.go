package adreport_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/adreport"
	"github.com/refmon/refmon/internal/test/check"
)

// An entry that gives no right of a step on its object is listed, although it can be one on other objects or with
// another entry. The parts of a right that an account has completely are not, nor entries that deny one (B-79).
func TestEntriesWithoutStepAreListed(t *testing.T) {
	d, desk, helen, carla := newOffice()
	desk.allow = []string{"(A;;SW;;;" + helen.sid() + ")"} // AddSelf
	carla.allow = []string{"(OA;;SW;" + spnGUID + ";;" + helen.sid() + ")", "(A;;SW;;;" + desk.sid() + ")",
		"(A;;SW;;;" + desk.sid() + ")", "(OA;CIIO;SW;" + spnGUID + ";;" + desk.sid() + ")"}
	carla.deny = []string{"(OD;;WP;" + publicGUID + ";;" + helen.sid() + ")"}
	d.find(base).allow = append(d.find(base).allow, "(OA;;CR;"+changesGUID+";;"+helen.sid()+")",
		"(OA;;CR;"+changesGUID+";;"+desk.sid()+")", "(OA;;CR;"+changesAllGUID+";;"+desk.sid()+")")
	d.add(&entry{dn: "OU=Staff," + base, class: "organizationalUnit", allow: []string{"(A;;CR;;;" + helen.sid() + ")",
		"(A;;0x100000;;;" + desk.sid() + ")", "(A;;GR;;;" + desk.sid() + ")", "(A;;CR;;;S-1-5-80-1-512)"}})
	d.add(&entry{dn: "OU=Two," + base, class: "organizationalUnit", allow: []string{"(A;;CR;;;" + helen.sid() + ")"}})
	page, _, _ := pageOf(t, &adreport.Report{Title: "entries", Now: state(t, d.ldif())})
	var got []string
	for _, e := range page.Entries {
		if e.Account == "helen" || e.Account == "desk" || strings.HasPrefix(e.Account, "S-") {
			got = append(got, fmt.Sprint(e.Account, " ", e.Kind, " ", e.Rights, " ", strings.Split(e.Sample, ",")[0],
				" ", e.Objects))
		}
	}
	sameLines(t, got, []string{
		"S-1-5-80-1-512 allow extended right OU=Staff 1", "desk allow 0x100000 OU=Staff 1",
		"desk allow generic read OU=Staff 1",
		"desk allow validated write CN=carla 1", "helen allow extended right OU=Staff 2",
		"helen allow extended right on DS-Replication-Get-Changes DC=corp 1",
		"helen allow validated write on Validated-SPN CN=carla 1",
	}, "entries")
	check.Equal(t, got[0], "helen allow extended right OU=Staff 2", "the first row, which has most objects")
	check.Equal(t, strings.Join(got[max(0, len(got)-2):], "; "),
		"desk allow 0x100000 OU=Staff 1; desk allow generic read OU=Staff 1", "the last rows, which only read")
}
