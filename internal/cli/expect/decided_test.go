package expect

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// If several expected words are missing from an explanation, the first is named. A refused request is decided by the
// reason of the refusal.
func TestFirstMissingWordIsNamed(t *testing.T) {
	r := run(t, Outside{Open: noFiles}, `
principals:
  a: {user: S-1-5-21-1-2-3-1107, groups: [BU]}
  i: {user: S-1-5-21-1-2-3-1107, groups: [BU], type: Impersonation, impersonationLevel: Identification}
descriptors: {text: 'O:BAG:SYD:(A;;FR;;;BU)'}
expect:
  - {who: a, on: text, want: FR, is: granted, why: [DACL 0, DACL 7, DACL 8]}
  - {who: a, on: text, want: FR, is: granted, call: NtAccessCheck}
`)
	const missing = `granted as expected, but the explanation does not contain "DACL 7"`
	check.Equal(t, r.Cases[0].Problem, missing, "problem of an explanation without two words")
	c := r.Cases[1]
	check.Equal(t, c.Problem, "denied, expected granted", "problem of a primary token")
	check.That(t, len(c.By) > 20 && strings.HasSuffix(c.Why, ": "+c.By+" (A-14)\n"), "%q, decided by %q", c.Why, c.By)
}

// A deciding entry is shown with the directory's name for its SID, if there is one (U-113).
func TestDecidingEntryIsNamed(t *testing.T) {
	r := run(t, everything(t), `
directory: [d1]
descriptors:
  named: O:SYG:SYD:(A;;CC;;;S-1-5-21-7-7-7-2101)
  known: O:SYG:SYD:(A;;CC;;;WD)
  stranger: O:SYG:SYD:(A;;CC;;;S-1-5-21-1-1-1-1)
expect:
  - {who: ann, on: [named, known], want: 1, is: denied}
  - {who: S-1-5-21-1-1-1-1, on: stranger, want: 1, is: denied}
`)
	want := []string{"granted FILE_READ_DATA by DACL 0 (A;;CC;;;S-1-5-21-7-7-7-2101) staff",
		"granted FILE_READ_DATA by DACL 0 (A;;CC;;;WD) Everyone",
		"granted FILE_READ_DATA by DACL 0 (A;;CC;;;S-1-5-21-1-1-1-1)"}
	for i, c := range r.Cases {
		check.That(t, c.By == want[i] && c.Problem == "granted, expected denied",
			"%s on %s: %q, %q, want %q", c.Who, c.On, c.Problem, c.By, want[i])
	}
}

// A failed case has the granted and the denied rights with the deciding entry and its list. A right that the
// check did not reach is skipped (U-113).
func TestFailedCaseNamesDecidingEntries(t *testing.T) {
	r := run(t, Outside{Open: noFiles}, `
principals: {u: {user: S-1-5-21-1-2-3-1001, groups: [WD]}}
descriptors:
  part: O:SYG:SYD:(A;;CC;;;WD)(D;;DC;;;WD)
  high: O:SYG:SYD:(A;;FA;;;WD)S:(ML;;NW;;;HI)
expect:
  - {who: u, on: part, want: 0x3, is: granted}
  - {who: u, on: high, want: 0x2, is: granted}
  - {who: u, on: high, want: 0x1, is: denied}
  - {who: u, on: high, want: 0x3, is: granted}
`)
	want := []string{
		"granted FILE_READ_DATA by DACL 0 (A;;CC;;;WD); denied FILE_WRITE_DATA by DACL 1 (D;;DC;;;WD)",
		"denied FILE_WRITE_DATA by SACL 0 (ML;;NW;;;HI)",
		"granted FILE_READ_DATA by DACL 0 (A;;FA;;;WD)",
		"skipped FILE_READ_DATA; denied FILE_WRITE_DATA by SACL 0 (ML;;NW;;;HI)",
	}
	for i, c := range r.Cases {
		check.That(t, c.Problem != "" && c.By == want[i],
			"%s on %s: %q\n%s\nwant %s", c.Want, c.On, c.Problem, c.By, want[i])
	}
}

// The reason names the folder that decided, if its name is known (U-113).
func TestDecidingFolderIsNamed(t *testing.T) {
	shut := sddl.MustParse("O:SYG:SYD:")
	a := check.Must(accessquery.Traverse(shut, access.Subject{Primary: check.Must(token.New(
		token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001"))))}).Ask())
	for name, want := range map[string]string{"": "a folder on the way, by its", "/d": "the folder /d, by its"} {
		d := &Descriptor{Name: name, SD: shut, Type: winnt.DirectoryFileObject, folder: true}
		got := d.decided(&File{}, &a, false)
		check.That(t, strings.HasPrefix(got, want), "folder %q: %q, want %q", name, got, want)
	}
}

// TestInexpressibleEntryIsNamedByItsBytes checks that an entry that SDDL cannot express is named by its bytes (S-45).
func TestInexpressibleEntryIsNamedByItsBytes(t *testing.T) {
	a := check.Must(sd.NewACE(sd.AccessAllowedCompound, 0, 1, sid.Everyone, sd.ACEExtra{ClientSID: sid.Everyone}))
	d := sd.New(sd.Parts{Owner: sid.LocalSystem, Group: sid.LocalSystem, DACL: check.Must(sd.NewACL(a)),
		Control: sd.DACLPresent})
	const everyone = "010100000000000100000000"
	const entry = "(0x04;;;;;;#0100000001000000" + everyone + everyone + ")"
	r := run(t, Outside{Open: noFiles}, fmt.Sprintf("principals: {u: {user: S-1-5-21-1-2-3-1001, groups: [WD]}}\n"+
		"descriptors: {bytes: {hex: %x}, text: 'O:SYG:SYD:%s'}\n"+
		"expect: [{who: u, on: [bytes, text], want: 1, is: denied}]\n", d.Binary(), entry))
	for _, c := range r.Cases {
		check.Equal(t, c.By, "granted FILE_READ_DATA by DACL 0 "+entry, "decision about %s", c.On)
	}
}
