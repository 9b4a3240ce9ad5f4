package adreport_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/cli/adreport"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// Whatever the report leaves out has a line on both pages (B-50).
func TestReportNamesEverythingOmitted(t *testing.T) {
	d, desk, _, carla := newOffice()
	carla.allow = []string{"(OA;CIIO;CR;" + resetGUID + ";;" + desk.sid() + ")", "(A;CIIO;GA;;;BA)",
		"(OA;;CR;" + resetGUID + ";;" + desk.sid() + ")"}
	text := d.ldif() + "dn: CN=hidden," + base + "\nobjectClass: container\n\n" +
		"dn: CN=classless," + base + "\nnTSecurityDescriptor: O:BAG:BAD:(A;;GA;;;BA)\n\n" +
		"dn: CN=later," + base + "\nnTSecurityDescriptor: O:BAG:BAD:\n\n" +
		"dn: CN=open," + base + "\nobjectClass: container\nnTSecurityDescriptor: O:BAG:BA\n\n" +
		"dn: CN=file," + base + "\nobjectClass: container\nnTSecurityDescriptor: O:BAG:BA\n\n"
	now := state(t, text)
	now.Objects[len(now.Objects)-1].Type = winnt.FileObject
	page, html, plain := pageOf(t, &adreport.Report{Title: "t", Now: now, Notes: []string{"left out by us"}})
	check.That(t, page.Incomplete, "a page without an object is complete, want not")
	flat := strings.Join(strings.Fields(plain), " ")
	for _, line := range []string{
		"left out by us", "Outside the directory: 1 object.",
		"1 object of 20 could not be read and is in no answer; the first is CN=hidden,",
		"no objectClass of 2 objects, such as CN=classless,", "Without a DACL: 1 object", "Disabled: 1 account.",
		"Only inherited by objects below: 2 entries.", "About one object type each: 18 entries.",
		"About rights of steps: 1 entry.", "For administrators, domain controllers and SYSTEM: 18 entries",
		"User rights and local groups",
	} {
		check.That(t, strings.Contains(html, line) && strings.Contains(flat, line),
			"%q is not on both pages; notes: %q", line, page.Notes)
	}
	for _, line := range strings.Split(plain, "\n") {
		check.That(t, len([]rune(line)) <= 80 || !strings.Contains(strings.TrimSpace(line), " "),
			"more than 80 columns: %q", line)
	}
	// helen's path has two steps: the password of carla, who controls the administrators.
	d.find("CN=AdminSDHolder,CN=System," + base).allow = []string{"(A;;WD;;;" + carla.sid() + ")"}
	page, _, _ = pageOf(t, &adreport.Report{Now: state(t, d.ldif()), MaxDepth: 1})
	check.That(t, page.Incomplete && strings.Contains(page.Notes[0], "ended at a depth of 1: there may be more paths"),
		"a search that was cut: incomplete %t, notes %q", page.Incomplete, page.Notes)
}

// A malformed msDS-GroupMSAMembership makes one object unreadable, and does not stop the report (B-50).
func TestMalformedGMSAMembershipSkipsOneObject(t *testing.T) {
	d, _, _, carla := newOffice()
	carla.more = append(carla.more, "msDS-GroupMSAMembership:: AQAA")
	page, html, _ := pageOf(t, &adreport.Report{Title: "t", Now: state(t, d.ldif())})
	check.That(t, page.Incomplete && strings.Contains(html, "1 object of 15 could not be read and is in no answer; the "+
		"first is CN=carla,"), "incomplete %t, notes %q", page.Incomplete, page.Notes)
	check.That(t, !strings.Contains(strings.Join(page.Notes, " "), " 0 "), "a note about nothing: %q", page.Notes)
}
