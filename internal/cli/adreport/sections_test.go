package adreport_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/adreport"
	"github.com/refmon/refmon/internal/test/check"
)

// The changes since a baseline cover the rights of accounts that no principal has, and the other entries. An entry on
// an object that exists in only one state is listed if the other state has no entry of its kind (B-121).
func TestBaselineReportCoversEverySection(t *testing.T) {
	d, _, _, carla := newOffice()
	empty, shut := d.account("group", "empty"), d.account("group", "shut")
	carla.allow = []string{"(OA;;CR;" + resetGUID + ";;" + empty.sid() + ")",
		"(OA;;WP;" + phoneGUID + ";;" + shut.sid() + ")", "(A;;LC;;;AU)"}
	before := d.ldif()

	d, _, helen, carla := newOffice()
	empty, shut = d.account("group", "empty"), d.account("group", "shut")
	carla.allow = []string{"(A;;WD;;;" + shut.sid() + ")", "(A;;LC;;;AU)",
		"(OA;;WP;" + phoneGUID + ";;" + empty.sid() + ")"}
	d.account("user", "new").allow = []string{"(A;;LC;;;AU)", "(OA;;WP;" + phoneGUID + ";;" + helen.sid() + ")"}
	old := state(t, before)
	page, html, text := pageOf(t, &adreport.Report{Title: "t", Now: state(t, d.ldif()), Before: &old})
	c := page.Changes
	got := append(textOf("appeared", c.VacantGained), textOf("gone", c.VacantLost)...)
	for name, rows := range map[string][]adreport.EntryRow{"appeared": c.EntriesAdded, "gone": c.EntriesRemoved} {
		for _, e := range rows {
			got = append(got, fmt.Sprint(name, " ", e.Account, " ", e.Kind, " ", e.Rights, " ", e.Objects, " ", e.Sample))
		}
	}
	carlas, news := "CN=carla,CN=Users,"+base, "CN=new,CN=Users,"+base
	sameLines(t, got, []string{
		"appeared [shut] [write DACL] [" + carlas + "]", "gone [empty] [reset password] [" + carlas + "]",
		"appeared empty allow write property on telephoneNumber 1 " + carlas,
		"gone shut allow write property on telephoneNumber 1 " + carlas,
		"appeared helen allow write property on telephoneNumber 1 " + news,
	}, "changes")
	usual := "3 kinds of entries on objects that are new or were unreadable: not listed, " +
		"other objects had the same before"
	check.That(t, slices.Contains(c.Objects, usual), "objects %q, want %q among them", c.Objects, usual)
	for _, line := range []string{"Not compared", "does not compare"} {
		check.That(t, !strings.Contains(html+text, line), "a page says %q", line)
	}
	for _, line := range []string{"gained by groups without members and unknown accounts", "new entries",
		"lost by groups without members and unknown accounts",
		"removed entries"} {
		check.That(t, strings.Contains(strings.ToLower(html), line) && strings.Contains(text, line),
			"%q is not on both pages:\n%s", line, text)
	}
}

// Important objects are the first in the objects of a row, and no page folds them away (B-122).
func TestRowsNameImportantObjectsFirst(t *testing.T) {
	d, _, helen, carla := newOffice()
	entry := "(A;;WD;;;" + helen.sid() + ")"
	carla.allow = []string{entry, "(A;;LC;;;AU)"}
	for i := range 9 {
		d.account("user", fmt.Sprint("a", i)).allow = []string{entry, "(A;;LC;;;AU)"}
	}
	root, holder := d.find(base), d.find("CN=AdminSDHolder,CN=System,"+base)
	root.allow, holder.allow = append(root.allow, entry, "(A;;LC;;;AU)"), append(holder.allow, entry)
	page, html, text := pageOf(t, &adreport.Report{Title: "t", Now: state(t, d.ldif())})
	check.RequireThat(t, len(page.Direct) == 1, "rows %+v, want one", page.Direct)
	o := page.Direct[0].Objects
	check.That(t, o.Count == 12 && o.Important == 2 && o.List[0] == base && o.List[1] == holder.dn,
		"objects %+v, want the domain root and AdminSDHolder first", o)
	want := "on 12 objects, 2 of them important: " + base +
		"; CN=AdminSDHolder,CN=System," + base + "; CN=carla,CN=Users," + base + "; and 9 more"
	check.That(t, strings.Contains(strings.Join(strings.Fields(text), " "), want), "no %q in\n%s", want, text)
	_, row, _ := strings.Cut(html, `<h2 id="rights"`)
	row, _, _ = strings.Cut(row, "<details>")
	check.That(t, strings.Contains(row, "<code>CN=AdminSDHolder"), "AdminSDHolder is folded: no row in %s", row)
	list := slices.IndexFunc(page.Entries, func(e adreport.EntryRow) bool { return e.Rights == "list" })
	check.That(t, list >= 0 && page.Entries[list].Sample == base && page.Entries[list].Important == 1,
		"entries %+v, want the domain root as the example of list", page.Entries)
}
