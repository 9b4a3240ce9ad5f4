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
// and no condition finds it.
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

// TestLeafTypes: flags of inheritance do nothing in the DACL of what has no children; in a SACL, and on
// what may have some, they stand without a finding.
func TestLeafTypes(t *testing.T) {
	const leaves = " file token process thread job symbolicLink event mutant semaphore timer section "
	for _, name := range strings.Split(batchTypes, ", ") {
		typ := winnt.ObjectTypeByName(name)
		for flags, mend := range map[string]string{"OI": "OI", "CI": "CI", "OICI": "OICI", "OICIIO": "OICIIO"} {
			found, err := Text("O:BAG:SYD:(A;"+flags+";RC;;;BA)S:(AU;OICISA;RC;;;WD)", typ, sid.SID{})
			want := ""
			if strings.Contains(leaves, " "+name+" ") {
				want = "DACL 0 (A;" + mend + ";RC;;;BA): no-inherit-effect: it is to be inherited, and a " + typ.Name +
					" has no children; drop OI and CI, or check it with --type directory"
			}
			var got []string
			for _, f := range found {
				got = append(got, f.String())
			}
			if err != nil || strings.Join(got, "\n") != want {
				t.Errorf("%s, %s: %q, %v, want %q", name, flags, got, err, want)
			}
		}
	}
}

// batchTypes are the types of object that a descriptor is checked for.
const batchTypes = "file, directory, key, token, process, thread, job, objectDirectory, symbolicLink, event, port, " +
	"directoryService, mutant, semaphore, timer, section, desktop, windowStation"

// TestDomainOfText: the aliases of a domain are read and printed with it, and refused without one.
func TestDomainOfText(t *testing.T) {
	domain := sid.MustParse("S-1-5-21-7-8-9")
	const text = "O:DAG:DUD:(A;;FR;;;DA)(A;;FR;;;DA)"
	found, err := Text(text, winnt.DirectoryFileObject, domain)
	if err != nil || len(found) != 1 || found[0].Entry != "(A;;FR;;;DA)" {
		t.Errorf("%v, %v", found, err)
	}
	if found, err := Text(text, winnt.DirectoryFileObject, sid.SID{}); err == nil || found != nil {
		t.Errorf("without a domain: %v, %v", found, err)
	}
}
