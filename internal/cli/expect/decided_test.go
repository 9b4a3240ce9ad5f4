package expect

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// If several expected words are missing from an explanation, the first is named. A refused request is decided by the
// reason of the refusal.
func TestFirstMissingWordIsNamed(t *testing.T) {
	f, err := Parse([]byte(`
principals:
  a: {user: S-1-5-21-1-2-3-1107, groups: [BU]}
  i: {user: S-1-5-21-1-2-3-1107, groups: [BU], type: Impersonation, impersonationLevel: Identification}
descriptors: {text: 'O:BAG:SYD:(A;;FR;;;BU)'}
expect:
  - {who: a, on: text, want: FR, is: granted, why: [DACL 0, DACL 7, DACL 8]}
  - {who: a, on: text, want: FR, is: granted, call: NtAccessCheck}
`), Outside{Open: noFiles})
	check.NoError(t, err)
	r := f.Run(time.Now)
	if c := r.Cases[0]; c.Problem != `granted as expected, but the explanation does not contain "DACL 7"` {
		t.Error(c.Problem)
	}
	if c := r.Cases[1]; c.Problem != "denied, expected granted" || len(c.By) < 20 ||
		!strings.Contains(c.Why, ": "+c.By+" (") {
		t.Errorf("problem %q decided by %q\n%s, want a denial with its reason", c.Problem, c.By, c.Why)
	}
}

// A deciding entry is shown with the directory's name for its SID, if there is one (U-113).
func TestDecidingEntryIsNamed(t *testing.T) {
	f, err := Parse([]byte(`
directory: [d1]
descriptors:
  named: O:SYG:SYD:(A;;CC;;;S-1-5-21-7-7-7-2101)
  known: O:SYG:SYD:(A;;CC;;;WD)
  stranger: O:SYG:SYD:(A;;CC;;;S-1-5-21-1-1-1-1)
expect:
  - {who: ann, on: [named, known], want: 1, is: denied}
  - {who: S-1-5-21-1-1-1-1, on: stranger, want: 1, is: denied}
`), everything(t))
	check.NoError(t, err)
	want := []string{"granted FILE_READ_DATA by DACL 0 (A;;CC;;;S-1-5-21-7-7-7-2101) staff",
		"granted FILE_READ_DATA by DACL 0 (A;;CC;;;WD) Everyone",
		"granted FILE_READ_DATA by DACL 0 (A;;CC;;;S-1-5-21-1-1-1-1)"}
	for i, c := range f.Run(time.Now).Cases {
		check.That(t, c.By == want[i] && c.Problem == "granted, expected denied",
			"%s on %s: %q, %q, want %q", c.Who, c.On, c.Problem, c.By, want[i])
	}
}

// A failed case has the granted and the denied rights with the deciding entry and its list (U-113).
func TestFailedCaseNamesDecidingEntries(t *testing.T) {
	f, err := Parse([]byte(`
principals: {u: {user: S-1-5-21-1-2-3-1001, groups: [WD]}}
descriptors:
  part: O:SYG:SYD:(A;;CC;;;WD)(D;;DC;;;WD)
  high: O:SYG:SYD:(A;;FA;;;WD)S:(ML;;NW;;;HI)
expect:
  - {who: u, on: part, want: 0x3, is: granted}
  - {who: u, on: high, want: 0x2, is: granted}
  - {who: u, on: high, want: 0x1, is: denied}
`), Outside{Open: noFiles})
	check.NoError(t, err)
	want := []string{
		"granted FILE_READ_DATA by DACL 0 (A;;CC;;;WD); denied FILE_WRITE_DATA by DACL 1 (D;;DC;;;WD)",
		"denied FILE_WRITE_DATA by SACL 0 (ML;;NW;;;HI)",
		"granted FILE_READ_DATA by DACL 0 (A;;FA;;;WD)",
	}
	for i, c := range f.Run(time.Now).Cases {
		check.That(t, c.Problem != "" && c.By == want[i],
			"%s on %s: %q\n%s\nwant %s", c.Want, c.On, c.Problem, c.By, want[i])
	}
}

// TestInexpressibleEntryIsNamedByItsBytes checks that an entry that SDDL cannot express is named by its bytes (S-45).
func TestInexpressibleEntryIsNamedByItsBytes(t *testing.T) {
	a, err := sd.NewACE(sd.AccessAllowedCompound, 0, 1, sid.Everyone, sd.ACEExtra{ClientSID: sid.Everyone})
	check.NoError(t, err)
	l, err := sd.NewACL(a)
	check.NoError(t, err)
	d := sd.New(sd.Parts{Owner: sid.LocalSystem, Group: sid.LocalSystem, DACL: l, Control: sd.DACLPresent})
	f, err := Parse(fmt.Appendf(nil, "principals: {u: {user: S-1-5-21-1-2-3-1001, groups: [WD]}}\ndescriptors:\n"+
		"  d: {hex: %x}\nexpect:\n  - {who: u, on: d, want: 0x1, is: denied}\n", d.Binary()), Outside{Open: noFiles})
	check.NoError(t, err)
	const everyone = "010100000000000100000000"
	want := "granted FILE_READ_DATA by DACL 0 (0x04;;;;;;#0100000001000000" + everyone + everyone + ")"
	if got := f.Run(time.Now).Cases[0].By; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
