package lint

import (
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
		{sid.LocalSystem, sid.Everyone, nil}, {unknown, sid.CreatorOwner, []string{UnknownSID, Placeholder}}} {
		a := check.Must(sd.NewACE(sd.AccessAllowedCompound, 0, 1, c.server, sd.ACEExtra{ClientSID: c.client}))
		d := sd.New(sd.Parts{Owner: sid.Administrators, Group: sid.LocalSystem, DACL: check.Must(sd.NewACL(a))})
		var got []string
		for _, f := range Check(d, winnt.DirectoryFileObject, sid.SID{}) {
			got = append(got, f.Kind)
		}
		check.SlicesEqual(t, got, c.want, "findings for %v and %v", c.server, c.client)
	}
}

// withSACL returns the descriptor of a text with a SACL of these entries.
func withSACL(text string, entries ...sd.ACE) *sd.Descriptor {
	p := sddl.MustParse(text).Parts()
	p.SACL, p.Control = check.Must(sd.NewACL(entries...)), p.Control|sd.SACLPresent
	return sd.New(p)
}

// TestUnreadableAttributeIsReported checks that an unreadable resource attribute is reported, does not name later
// ones, and is missing for conditions.
func TestUnreadableAttributeIsReported(t *testing.T) {
	entry := func(data string) sd.ACE {
		x := sd.ACEExtra{AppData: []byte(data)}
		return check.Must(sd.NewACE(sd.SystemResourceAttribute, 0, 0, sid.Everyone, x))
	}
	good := sddl.MustParse(`S:(RA;;;;;WD;("x",TI,0x0,1))`).SACL().At(0)
	d := withSACL("O:BAG:SYD:(XA;;FR;;;BU;(@Resource.x == 1))", entry("no attribute"), entry(""), good)
	found := Check(d, winnt.DirectoryFileObject, sid.SID{})
	check.RequireThat(t, len(found) == 2, "findings = %v, want 2", found)
	for i, f := range found {
		check.That(t, strings.HasPrefix(f.What, "the attribute cannot be read: "), "finding %d says %q", i, f.What)
		f.Entry, f.On, f.What = "", "", ""
		want := Finding{List: "SACL", ACE: i, Kind: AlwaysUnknown, Rule: "A-110", Mend: "replace it"}
		check.Equal(t, f, want, "finding without its entry and text")
	}
}

// An access filter whose condition cannot be decoded limits everybody.
func TestUnreadableFilterIsReported(t *testing.T) {
	for _, data := range []string{"", "artx\xff"} {
		filter := check.Must(sd.NewACE(sd.SystemAccessFilter, 0, 1, sid.Everyone, sd.ACEExtra{AppData: []byte(data)}))
		found := Check(withSACL("O:BAG:SYD:(A;;FR;;;BU)", filter), winnt.DirectoryFileObject, sid.SID{})
		check.That(t, len(found) == 1 && found[0].Kind == NeverTrue, "%q: findings %v, want never-true", data, found)
	}
}

// Inheritance flags are reported in the DACL of a leaf object. In a SACL, and on a container, they are not.
func TestInheritanceFlagsOfLeafAreReported(t *testing.T) {
	const leaves = " file token process thread job symbolicLink event mutant semaphore timer section "
	for _, name := range strings.Split(batchTypes, ", ") {
		typ := winnt.ObjectTypeByName(name)
		for _, flags := range []string{"OI", "CI", "OICI", "OICIIO"} {
			want := ""
			if strings.Contains(leaves, " "+name+" ") {
				want = "DACL entry 1 (A;" + flags + ";RC;;;BA): no-inherit-effect: it is to be inherited, and a " +
					typ.Name + " has no children; drop OI and CI, or check it with --type directory\n"
			}
			found := check.Must(Text("O:BAG:SYD:(A;"+flags+";RC;;;BA)S:(AU;OICISA;RC;;;WD)", typ, sid.SID{}))
			check.Equal(t, texts(found), want, "findings for %s, %s", name, flags)
		}
	}
}

// In a list out of canonical order the first late entry is reported, at any position, and no other.
func TestFirstLateEntryIsReported(t *testing.T) {
	const deny, grant, inherited = "(D;;FW;;;BG)", "(A;;FR;;;BU)", "(A;ID;FR;;;WD)"
	for text, want := range map[string]string{
		grant + deny: "DACL entry 2", deny + grant + deny: "DACL entry 3", grant + grant + deny + deny: "DACL entry 3",
		deny + deny + grant + inherited + deny: "DACL entry 5", inherited + grant: "DACL entry 2",
		deny + grant + inherited + grant + deny: "DACL entry 4", deny + grant + inherited: "", grant: "", "": "",
		deny + deny + grant + grant + inherited + inherited: "",
	} {
		var got []string
		for _, f := range Check(sddl.MustParse("O:BAG:SYD:"+text), winnt.FileObject, sid.SID{}) {
			if f.Kind == NonCanonical {
				got = append(got, f.Where())
			}
		}
		check.Equal(t, strings.Join(got, ", "), want, "entries of %s that are too late", text)
	}
}
