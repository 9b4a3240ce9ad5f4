package trail

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// TestEntryTextShowsNameOfSID: an entry has the name of its SID from the record, the given names or the well-known
// ones, and text without such an entry is the same (U-121).
func TestEntryTextShowsNameOfSID(t *testing.T) {
	r := stored{id: 4663, data: `"SubjectUserSid":"S-1-5-21-1-2-3-1107","SubjectUserName":"alice"`}
	e := r.event(t)
	staff := Namer(func(s sid.SID) string {
		if s == sid.MustParse("S-1-5-21-1-2-3-2000") {
			return "Staff"
		}
		return ""
	})
	for text, want := range map[string]string{
		"denied by D:(D;;FW;;;WD)": "denied by D:(D;;FW;;;WD) Everyone",
		"granted by (A;;FR;;;S-1-5-21-1-2-3-2000), (A;;FW;;;S-1-5-21-1-2-3-1107)": "granted by " +
			"(A;;FR;;;S-1-5-21-1-2-3-2000) Staff, (A;;FW;;;S-1-5-21-1-2-3-1107) alice",
		"granted by (A;;FR;;;S-1-5-21-1-2-3-9)":  "granted by (A;;FR;;;S-1-5-21-1-2-3-9)",
		"granted by (XA;;FR;;;WD;(@User.a==1))":  "granted by (XA;;FR;;;WD;(@User.a==1))",
		"granted by a privilege":                 "granted by a privilege",
		"(A;;FR;;;S-1-5-21-1-2-3-2000-x) (A;;x)": "(A;;FR;;;S-1-5-21-1-2-3-2000-x) (A;;x)",
	} {
		check.Equal(t, staff.beside(e, text), want, "%s", text)
	}
	if got := staff.account(e, "S-1-5-21-1-2-3-2000"); got != "S-1-5-21-1-2-3-2000 (Staff)" {
		t.Errorf("a subject without a name: %s", got)
	}
	hostile := Namer(func(sid.SID) string { return "x\n1 2026-01-01T00:00:00.000Z alice open" })
	r.data = `"SubjectUserSid":"S-1-5-21-1-2-3-2000"`
	e = r.event(t)
	if line := Line(e, nil, hostile); strings.Contains(line, "\n") {
		t.Errorf("a name begins a line: %q", line)
	}
}
