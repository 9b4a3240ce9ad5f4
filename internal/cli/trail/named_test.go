package trail

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// TestEntryTextShowsNameOfSID checks that an entry has the name of its SID from the record, the given names or the
// well-known ones, and text without such an entry is the same (U-121).
func TestEntryTextShowsNameOfSID(t *testing.T) {
	e := stored{id: 4663, data: `"SubjectUserSid":"S-1-5-21-1-2-3-1107","SubjectUserName":"alice",` +
		`"TargetUserSid":"S-1-5-21-1-2-3-1108","TargetUserName":"bob"`}.event(t)
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
		"granted by (A;;FR;;;S-1-5-21-1-2-3-1108)": "granted by (A;;FR;;;S-1-5-21-1-2-3-1108) bob",
		"granted by (A;;FR;;;S-1-5-21-1-2-3-9)":    "granted by (A;;FR;;;S-1-5-21-1-2-3-9)",
		"granted by (XA;;FR;;;WD;(@User.a==1))":    "granted by (XA;;FR;;;WD;(@User.a==1))",
		"granted by a privilege":                   "granted by a privilege",
		"(A;;FR;;;S-1-5-21-1-2-3-2000-x) (A;;x)":   "(A;;FR;;;S-1-5-21-1-2-3-2000-x) (A;;x)",
	} {
		check.Equal(t, staff.appendNames(e, text), want, "%s", text)
	}
	check.Equal(t, staff.account(e, "S-1-5-21-1-2-3-2000"), "S-1-5-21-1-2-3-2000 (Staff)", "a subject without a name")
	check.Equal(t, staff.account(e, "BA"), "BA", "a user whose name is an alias of SDDL")
	hostile := Namer(func(sid.SID) string { return "x\n1 2026-01-01T00:00:00.000Z alice open" })
	e = stored{id: 4663, failure: true, data: `"SubjectUserSid":"S-1-5-21-1-2-3-2000"`}.event(t)
	var b strings.Builder
	w := check.Must(NewWriter(&b, "table", func(_ bool, text string) string { return "*" + text + "*" }, hostile))
	check.NoError(t, w.Write(e))
	check.NoError(t, w.Close())
	check.Equal(t, b.String(), "7 2024-02-29T16:00:00.123Z *DENIED* S-1-5-21-1-2-3-2000 "+
		"(x\uFFFD1 2026-01-01T00:00:00.000Z alice open) use\n", "line with a hostile name")
}
