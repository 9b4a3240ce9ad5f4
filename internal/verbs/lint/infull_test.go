package lint

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestFindingsInFull: the finding of each kind with its place, entry, rule, words and mend, as
// testdata/findings.txt has them.
func TestFindingsInFull(t *testing.T) {
	b, err := os.ReadFile("testdata/findings.txt")
	if err != nil {
		t.Fatal(err)
	}
	var text string
	want := map[string][]string{}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "" || line[0] == '#':
		case line[0] != ' ':
			text = line
			want[text] = nil
		default:
			want[text] = append(want[text], strings.TrimSpace(line))
		}
	}
	if len(want) < 30 {
		t.Errorf("%d descriptors", len(want))
	}
	for text, lines := range want {
		found, err := Text(text, winnt.DirectoryFileObject, sid.SID{})
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		var got []string
		for _, f := range found {
			got = append(got, f.String())
		}
		if !slices.Equal(got, lines) {
			t.Errorf("%s:\n%s\nwant\n%s", text, strings.Join(got, "\n"), strings.Join(lines, "\n"))
		}
	}
}

// TestBothSIDs: of an entry with two SIDs each is looked at.
func TestBothSIDs(t *testing.T) {
	unknown := sid.MustParse("S-1-5-99")
	for _, c := range []struct {
		server, client sid.SID
		want           []string
	}{{sid.LocalSystem, unknown, []string{UnknownSID}}, {unknown, sid.LocalSystem, []string{UnknownSID}},
		{sid.LocalSystem, sid.Everyone, nil}, {unknown, sid.CreatorOwner, []string{Placeholder, UnknownSID}}} {
		a, err := sd.NewACE(sd.AccessAllowedCompound, 0, 1, c.server, sd.ACEExtra{ClientSID: c.client})
		if err != nil {
			t.Fatal(err)
		}
		list, err := sd.NewACL(a)
		if err != nil {
			t.Fatal(err)
		}
		d := sd.New(sd.Parts{Owner: sid.Administrators, Group: sid.LocalSystem, DACL: list})
		var got []string
		for _, f := range Check(d, winnt.DirectoryFileObject, sid.SID{}) {
			got = append(got, f.Kind)
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%v and %v: %q, want %q", c.server, c.client, got, c.want)
		}
	}
}

// TestUnreadable: a resource attribute that cannot be read is found, gives no name to those after it,
// and is none that a condition finds.
func TestUnreadable(t *testing.T) {
	entry := func(data string) sd.ACE {
		a, err := sd.NewACE(sd.SystemResourceAttribute, 0, 0, sid.Everyone, sd.ACEExtra{AppData: []byte(data)})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	good := sddl.MustParse(`S:(RA;;;;;WD;("x",TI,0x0,1))`).SACL().At(0)
	list, err := sd.NewACL(entry("no attribute"), entry(""), good)
	if err != nil {
		t.Fatal(err)
	}
	p := sddl.MustParse("O:BAG:SYD:(XA;;FR;;;BU;(@Resource.x == 1))").Parts()
	p.SACL, p.Control = list, p.Control|sd.SACLPresent
	found := Check(sd.New(p), winnt.DirectoryFileObject, sid.SID{})
	if len(found) != 2 {
		t.Fatalf("%v", found)
	}
	for i, f := range found {
		if f.List != "SACL" || f.ACE != i || f.Kind != AlwaysUnknown || f.Rule != "A-110" || f.Mend != "write it anew" ||
			!strings.HasPrefix(f.What, "the attribute cannot be read: ") {
			t.Errorf("%+v", f)
		}
	}
}
