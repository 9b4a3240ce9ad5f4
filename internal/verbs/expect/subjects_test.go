package expect

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/verbs/bulk/objects"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// TestSubjects: a name is that of a descriptor before it is a path, and a path before it is a
// glob; a glob is about each object that it describes; of what cannot be read nothing holds (U-112).
func TestSubjects(t *testing.T) {
	const open, shut = "O:SYG:SYD:(A;;FR;;;WD)", "O:SYG:SYD:(A;;FR;;;SY)"
	var rows string
	for _, o := range [][2]string{{"/x", shut}, {"/t/a", open}, {"/t/b", shut}, {"/t/[a]", shut}, {"/bad", "("}} {
		rows += fmt.Sprintf(`{"path":%q,"sd":%q}`+"\n", o[0], o[1])
	}
	source := func(string) (objects.Source, error) { return objects.Lines(strings.NewReader(rows), 0, 0), nil }
	f, err := Parse([]byte(`
principals: {u: {user: S-1-5-21-1-2-3-1001, groups: [WD]}}
descriptors: {/x: 'O:SYG:SYD:(A;;FR;;;WD)'}
objects: [all]
expect:
  - {who: u, on: /x, want: FR, is: granted}
  - {who: u, on: '/t/?', want: FR, is: granted}
  - {who: u, on: '/t/[a]', want: FR, is: denied}
  - {who: u, on: /bad, want: FR, is: denied}
  - {who: u, on: /bad, want: FR, is: granted}
`), Outside{Open: noFiles, Objects: source})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range f.Run(time.Now).Cases {
		got = append(got, fmt.Sprint(c.On, " ", c.Granted, " ", c.Problem == ""))
		if c.On == "/bad" && !strings.HasPrefix(c.Problem, "cannot be read: ") {
			t.Errorf("/bad: %s", c.Problem)
		}
	}
	const want = "/x true true, /t/a true true, /t/b false false, /t/[a] false true, /bad false false, /bad false false"
	if strings.Join(got, ", ") != want {
		t.Errorf("%s\nwant %s", strings.Join(got, ", "), want)
	}
}

// TestDecidedBy: a case that fails says what was granted and what denied, and by which entry of
// which list (U-113).
func TestDecidedBy(t *testing.T) {
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
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"granted FILE_READ_DATA by DACL 0 (A;;CC;;;WD); denied FILE_WRITE_DATA by DACL 1 (D;;DC;;;WD)",
		"denied FILE_WRITE_DATA by SACL 0 (ML;;NW;;;HI)",
		"granted FILE_READ_DATA by DACL 0 (A;;FA;;;WD)",
	}
	for i, c := range f.Run(time.Now).Cases {
		if c.Problem == "" || c.By != want[i] {
			t.Errorf("%s on %s: %q\n%s\nwant %s", c.Want, c.On, c.Problem, c.By, want[i])
		}
	}
}

// TestDecidedByOtherEntries: an entry that SDDL has no token for is named by its bytes (S-45).
func TestDecidedByOtherEntries(t *testing.T) {
	a, err := sd.NewACE(sd.AccessAllowedCompound, 0, 1, sid.Everyone, sd.ACEExtra{ClientSID: sid.Everyone})
	if err != nil {
		t.Fatal(err)
	}
	l, err := sd.NewACL(a)
	if err != nil {
		t.Fatal(err)
	}
	d := sd.New(sd.Parts{Owner: sid.LocalSystem, Group: sid.LocalSystem, DACL: l, Control: sd.DACLPresent})
	f, err := Parse(fmt.Appendf(nil, "principals: {u: {user: S-1-5-21-1-2-3-1001, groups: [WD]}}\ndescriptors:\n"+
		"  d: {hex: %x}\nexpect:\n  - {who: u, on: d, want: 0x1, is: denied}\n", d.Binary()), Outside{Open: noFiles})
	if err != nil {
		t.Fatal(err)
	}
	const everyone = "010100000000000100000000"
	want := "granted FILE_READ_DATA by DACL 0 (0x04;;;;;;#0100000001000000" + everyone + everyone + ")"
	if got := f.Run(time.Now).Cases[0].By; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
