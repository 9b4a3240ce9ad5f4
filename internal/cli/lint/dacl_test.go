package lint

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestBothSIDsOfCompoundEntryAreExamined checks that both SIDs of a compound entry are examined.
func TestBothSIDsOfCompoundEntryAreExamined(t *testing.T) {
	unknown := sid.MustParse("S-1-5-99")
	for _, c := range []struct {
		server, client sid.SID
		want           []string
	}{{sid.LocalSystem, unknown, []string{UnknownSID}}, {unknown, sid.LocalSystem, []string{UnknownSID}},
		{sid.LocalSystem, sid.Everyone, nil}, {unknown, sid.CreatorOwner, []string{Placeholder, UnknownSID}}} {
		a, err := sd.NewACE(sd.AccessAllowedCompound, 0, 1, c.server, sd.ACEExtra{ClientSID: c.client})
		check.NoError(t, err)
		list, err := sd.NewACL(a)
		check.NoError(t, err)
		d := sd.New(sd.Parts{Owner: sid.Administrators, Group: sid.LocalSystem, DACL: list})
		var got []string
		for _, f := range Check(d, winnt.DirectoryFileObject, sid.SID{}) {
			got = append(got, f.Kind)
		}
		slices.Sort(got)
		check.That(t, slices.Equal(got, c.want), "%v and %v: %q, want %q", c.server, c.client, got, c.want)
	}
}

// TestUnreadableAttributeIsReported checks that an unreadable resource attribute is reported, does not name later
// ones, and is missing for conditions.
func TestUnreadableAttributeIsReported(t *testing.T) {
	entry := func(data string) sd.ACE {
		a, err := sd.NewACE(sd.SystemResourceAttribute, 0, 0, sid.Everyone, sd.ACEExtra{AppData: []byte(data)})
		check.NoError(t, err)
		return a
	}
	good := sddl.MustParse(`S:(RA;;;;;WD;("x",TI,0x0,1))`).SACL().At(0)
	list, err := sd.NewACL(entry("no attribute"), entry(""), good)
	check.NoError(t, err)
	p := sddl.MustParse("O:BAG:SYD:(XA;;FR;;;BU;(@Resource.x == 1))").Parts()
	p.SACL, p.Control = list, p.Control|sd.SACLPresent
	found := Check(sd.New(p), winnt.DirectoryFileObject, sid.SID{})
	check.RequireThat(t, len(found) == 2, "findings = %v, want 2", found)
	for i, f := range found {
		if f.List != "SACL" || f.ACE != i || f.Kind != AlwaysUnknown || f.Rule != "A-110" || f.Mend != "write it anew" ||
			!strings.HasPrefix(f.What, "the attribute cannot be read: ") {
			t.Errorf("finding = %+v, want an unreadable attribute of the SACL", f)
		}
	}
}

// Inheritance flags are reported in the DACL of a leaf object. In a SACL, and on a container, they are not.
func TestInheritanceFlagsOfLeafAreReported(t *testing.T) {
	const leaves = " file token process thread job symbolicLink event mutant semaphore timer section "
	for _, name := range strings.Split(batchTypes, ", ") {
		typ := winnt.ObjectTypeByName(name)
		for flags, mend := range map[string]string{"OI": "OI", "CI": "CI", "OICI": "OICI", "OICIIO": "OICIIO"} {
			found, err := Text("O:BAG:SYD:(A;"+flags+";RC;;;BA)S:(AU;OICISA;RC;;;WD)", typ, sid.SID{})
			want := ""
			if strings.Contains(leaves, " "+name+" ") {
				want = "DACL entry 1 (A;" + mend + ";RC;;;BA): no-inherit-effect: it is to be inherited, and a " + typ.Name +
					" has no children; drop OI and CI, or check it with --type directory"
			}
			var got []string
			for _, f := range found {
				got = append(got, f.String())
			}
			check.That(t, err == nil && strings.Join(got, "\n") == want,
				"%s, %s: %q, %v, want %q", name, flags, got, err, want)
		}
	}
}

// In a list out of canonical order the first late entry is reported, at any position, and no other.
func TestFirstLateEntryIsReported(t *testing.T) {
	const deny, grant, inherited = "(D;;FW;;;BG)", "(A;;FR;;;BU)", "(A;ID;FR;;;WD)"
	for text, want := range map[string]int{
		grant + deny: 1, deny + grant + deny: 2, grant + grant + deny + deny: 2, deny + deny + grant + inherited + deny: 4,
		inherited + grant: 1, deny + grant + inherited + grant + deny: 3, deny + grant + inherited: -1, grant: -1, "": -1,
		deny + deny + grant + grant + inherited + inherited: -1,
	} {
		got := -1
		for _, f := range Check(sddl.MustParse("O:BAG:SYD:"+text), winnt.FileObject, sid.SID{}) {
			if f.Kind != NonCanonical {
				continue
			}
			check.That(t, got < 0, "%s: found at %d and at %d, want less than 0", text, got, f.ACE)
			if got = f.ACE; f.List != "DACL" {
				t.Errorf("%s: in the %s, want DACL", text, f.List)
			}
		}
		check.Equal(t, got, want, "%s: the first too late", text)
	}
}
