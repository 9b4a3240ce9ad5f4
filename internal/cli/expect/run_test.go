package expect

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

func noFiles(string) ([]byte, error) { return nil, errors.New("no files here") }

// run parses a file and runs its cases.
func run(t *testing.T, out Outside, text string) *Report {
	t.Helper()
	f := check.Must(Parse([]byte(text), out))
	return f.Run(time.Now)
}

// TestExampleFilePasses checks that the example passes, as the help text promises.
func TestExampleFilePasses(t *testing.T) {
	open := func(name string) ([]byte, error) { return os.ReadFile("../../../examples/" + name) }
	r := run(t, Outside{Open: open}, string(check.Must(open("permissions.yaml"))))
	for _, c := range r.Cases {
		check.That(t, c.Problem == "", "line %d: %s on %s: %s, want \"\"\n%s", c.Line, c.Who, c.On, c.Problem, c.Why)
	}
	check.That(t, len(r.Cases) == 12 && r.Failed == 0 && len(r.Coverage) == 3,
		"%d cases, %d failed, %d descriptors, want 12, 0, 3", len(r.Cases), r.Failed, len(r.Coverage))
}

// TestUsedEntriesAreCovered checks that an entry counts as covered once it granted or denied something in a case,
// whatever the case expected. An entry of a SACL covers none of the DACL.
func TestUsedEntriesAreCovered(t *testing.T) {
	r := run(t, Outside{Open: noFiles}, `
principals: {u: {user: S-1-5-21-1-2-3-1001, groups: [WD]}}
descriptors:
  d: O:BAG:SYD:(D;;0x2;;;WD)(A;OICIIO;FA;;;BA)(A;;0x1;;;WD)(A;;0x4;;;WD)
  high: O:SYG:SYD:(A;;FA;;;WD)S:(ML;;NW;;;HI)
expect:
  - {who: u, on: [d, high], want: 2, is: denied}
  - {who: u, on: d, want: 1, is: granted}
`)
	check.DeepEqual(t, r.Coverage, []Coverage{{Name: "d", Line: 4, Entries: 3, Never: []Entry{{3, "(A;;LC;;;WD)"}}},
		{Name: "high", Line: 5, Entries: 1, Never: []Entry{{0, "(A;;FA;;;WD)"}}}}, "coverage")
}

// A report has for each case its position, question, expectation and duration, and the reason of a failure. It counts
// the failures and lists the entries that no case used.
func TestReportListsCasesAndFailures(t *testing.T) {
	f, err := Parse([]byte(`principals:
  u: {user: S-1-5-21-1-2-3-1001, groups: [WD]}
descriptors:
  one: O:SYG:SYD:(A;;CC;;;WD)(A;IO;DC;;;WD)(D;;LC;;;BG)
  two: O:SYG:SY
expect:
  - name: first
    who: u
    on: [one, two]
    want: 1
    is: granted

  - {who: u, on: one, want: 0x2, is: granted}
  - {who: u, on: two, want: FR, is: denied}
  - {who: u, on: one, want: 1, is: denied}
`), Outside{Open: noFiles})
	check.NoError(t, err)
	seconds := 0
	r := f.Run(func() time.Time { seconds++; return time.Unix(int64(seconds*seconds), 0) })
	// The clock returns 1, then 4 and 9, 16 and 25, 36 and 49, 64 and 81, 100 and 121, and at last 144.
	check.That(t, r.Took == 143*time.Second && r.Failed == 3, "took %v, %d failed, want %v, 3", r.Took, r.Failed,
		143*time.Second)
	for i := range r.Cases {
		c := &r.Cases[i]
		check.That(t, (c.Why == "") == (c.Problem == "") && (c.Why == "" || strings.Contains(c.Why, "FILE_")),
			"case %d, problem %q: reason %s, want a reason with rights only for a problem", i, c.Problem, c.Why)
		c.Why = ""
	}
	want := []Case{
		{Line: 7, Name: "first", Who: "u", On: "one", Want: "1", Granted: true, Expected: true, Took: 5 * time.Second},
		{Line: 7, Name: "first", Who: "u", On: "two", Want: "1", Granted: true, Expected: true, Took: 9 * time.Second,
			Note: accessquery.NoDACL},
		{Line: 13, Who: "u", On: "one", Want: "0x2", Expected: true, Took: 13 * time.Second,
			Problem: "denied, expected granted", By: "denied FILE_WRITE_DATA by NoAce",
			Decided: "denied FILE_WRITE_DATA: no entry grants it"},
		{Line: 14, Who: "u", On: "two", Want: "FR", Granted: true, Took: 17 * time.Second, Note: accessquery.NoDACL,
			Problem: "granted, expected denied", By: "granted FILE_READ_DATA|FILE_READ_EA|FILE_READ_ATTRIBUTES|" +
				"READ_CONTROL|SYNCHRONIZE by NullDacl", Decided: "granted FILE_READ_DATA|FILE_READ_EA|" +
				"FILE_READ_ATTRIBUTES|READ_CONTROL|SYNCHRONIZE: there is no DACL, which grants everything"},
		{Line: 15, Who: "u", On: "one", Want: "1", Granted: true, Took: 21 * time.Second,
			Problem: "granted, expected denied", By: "granted FILE_READ_DATA by DACL 0 (A;;CC;;;WD)",
			Decided: "granted FILE_READ_DATA by DACL entry 1 (A;;CC;;;WD)"},
	}
	check.DeepEqual(t, r.Cases, want, "cases")
	covered := []Coverage{{Name: "one", Line: 4, Entries: 2, Never: []Entry{{2, "(D;;LC;;;BG)"}}},
		{Name: "two", Line: 5}}
	check.DeepEqual(t, r.Coverage, covered, "coverage")
}

// TestSACLEntriesAreNotInCoverage checks that an entry whose type cannot decide, such as one of a SACL, is not
// counted.
func TestSACLEntriesAreNotInCoverage(t *testing.T) {
	var list []sd.ACE
	for i, typ := range []sd.Type{sd.SystemAudit, sd.AccessDenied, sd.AccessAllowed} {
		list = append(list, check.Must(sd.NewACE(typ, 0, 1<<i, sid.Everyone)))
	}
	d := Descriptor{Name: "d", Line: 9, SD: sd.New(sd.Parts{DACL: check.Must(sd.NewACL(list...))})}
	check.DeepEqual(t, d.coverage(map[int]bool{2: true}),
		Coverage{Name: "d", Line: 9, Entries: 2, Never: []Entry{{1, "(D;;DC;;;WD)"}}}, "coverage")
}
