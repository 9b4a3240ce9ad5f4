package adreport_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/cli/adreport"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// A group without members and an unknown account have rows of their own. A denied account has no row (B-53).
// Administrators have no rows (B-48), unless they are from another domain.
func TestEmptyGroupsHaveRowsInReport(t *testing.T) {
	d, _, _, carla := newOffice()
	empty, shut := d.account("group", "empty"), d.account("group", "shut")
	carla.deny = []string{"(OD;;WP;" + publicGUID + ";;" + shut.sid() + ")"}
	carla.allow = []string{"(OA;;CR;" + resetGUID + ";;" + empty.sid() + ")", "(OA;;WP;" + spnGUID + ";;" + shut.sid() +
		")", "(OA;;WP;" + phoneGUID + ";;" + empty.sid() + ")", "(A;;WD;;;" + domainSID + "-9999)",
		"(A;;WD;;;S-1-5-21-9-9-9-512)", "(A;;GA;;;BA)", "(A;;WD;;;" + domainSID + "-519)", "(A;;WD;;;OW)", "(A;;WD;;;CG)",
		"(A;;WD;;;CO)",
		"(A;CIIO;WD;;;S-1-3-3)"}
	shut.allow = []string{"(A;;WD;;;CG)"}
	now := state(t, d.ldif())
	now.Directory.Add(directory.Principal{Name: "SYSTEM", Token: check.Must(token.New(token.Spec{User: token.Group{
		SID: sid.LocalSystem}}))})
	page, _, _ := pageOf(t, &adreport.Report{Title: "t", Now: now})
	check.SlicesEqual(t, page.Administrators.List, []string{"root", "DC1$", "SYSTEM"}, "administrators")
	check.Equal(t, page.Principals, len(now.Directory.Principals), "principals, administrators among them")
	carlas := "[CN=carla,CN=Users," + base + "]"
	check.SlicesEqual(t, textOf("row", page.Vacant), []string{"row [" + domainSID + "-9999] [write DACL] " + carlas,
		"row [S-1-5-21-9-9-9-512] [write DACL] " + carlas, "row [empty] [reset password] " + carlas},
		"accounts that no principal has")
	check.Equal(t, len(page.Direct), 0, "rows of principals")
	phone := slices.ContainsFunc(page.Entries, func(e adreport.EntryRow) bool {
		return e.Account == "empty" && e.Rights == "write property on telephoneNumber"
	})
	check.That(t, slices.Contains(page.Notes, "2 entries for accounts that no principal has could not be evaluated."),
		"notes %q, want one about CREATOR GROUP alone", page.Notes)
	check.That(t, phone, "no row for the entry on the telephone number: %+v", page.Entries)
	before := state(t, d.ldif())
	carla.allow = carla.allow[:3]
	page, _, _ = pageOf(t, &adreport.Report{Title: "t", Now: state(t, d.ldif()), Before: &before})
	check.That(t, slices.Contains(page.Notes,
		"In the baseline: 2 entries for accounts that no principal has could not be evaluated."),
		"notes %q, want one about CREATOR GROUP in the baseline", page.Notes)
}
