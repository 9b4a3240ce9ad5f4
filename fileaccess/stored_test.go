package fileaccess_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// storedForms are descriptors as a caller passes them and as a file stores them, or the status that rejects them.
var storedForms = []struct {
	given, kept string
	st          ntstatus.Status
}{
	// F-201: generic bits of effective entries are mapped (F-1).
	{"O:BAG:SYD:(D;;GR;;;BG)(A;;FA;;;WD)", "O:BAG:SYD:(D;;FR;;;BG)(A;;FA;;;WD)", 0},
	{"O:BAG:SYD:(A;;GA;;;BA)(A;;GX;;;BU)(A;;GWRC;;;AU)", "O:BAG:SYD:(A;;FA;;;BA)(A;;FX;;;BU)(A;;FW;;;AU)", 0},
	{"O:BAG:SYD:(A;OICI;GR;;;WD)", "O:BAG:SYD:(A;OICI;FR;;;WD)", 0},
	{"O:BAG:SYD:(A;OICIIO;GA;;;CO)(A;ID;GR;;;WD)", "O:BAG:SYD:(A;OICIIO;GA;;;CO)(A;ID;FR;;;WD)", 0},
	{"O:BAG:SYD:(XD;;GR;;;BU;(@User.x == 1))", "O:BAG:SYD:(XD;;FR;;;BU;(@User.x == 1))", 0},
	{"O:BAG:SYD:S:(AU;SA;GW;;;WD)(ML;;NW;;;HI)", "O:BAG:SYD:S:(AU;SA;FW;;;WD)(ML;;NW;;;HI)", 0},
	{"O:BAG:SYD:PAI(A;;FR;;;WD)", "O:BAG:SYD:PAI(A;;FR;;;WD)", 0},
	{"O:BAG:SYD:NO_ACCESS_CONTROL", "O:BAG:SYD:NO_ACCESS_CONTROL", 0},
	{"O:BAG:SYD:", "O:BAG:SYD:", 0},
	// F-199: entries that allow a logon session are removed, whatever their type, also inherit-only ones.
	{"O:BAG:SYD:(A;;FA;;;BA)(A;;FR;;;S-1-5-5-0-1001)", "O:BAG:SYD:(A;;FA;;;BA)", 0},
	{"O:BAG:SYD:(A;OICIIO;GA;;;S-1-5-5-7-9)(A;;GR;;;WD)", "O:BAG:SYD:(A;;FR;;;WD)", 0},
	{"O:BAG:SYD:(A;ID;FR;;;S-1-5-5-0-1001)", "O:BAG:SYD:", 0},
	{"O:BAG:SYD:(XA;;FR;;;WD;(Member_of {SID(S-1-5-5-0-1001)}))", "O:BAG:SYD:", 0},
	{"O:BAG:SYD:(A;;FR;;;S-1-5-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14)", "O:BAG:SYD:", 0},
	{"O:BAG:SYD:(XA;;FR;;;WD;(!(Member_of {SID(S-1-5-5-0-1001)})))", "O:BAG:SYD:", 0},
	{"O:BAG:SYD:(XA;;FR;;;S-1-5-5-0-1;(@User.x == 1))", "O:BAG:SYD:", 0},
	{"O:BAG:SYD:(XA;;FR;;;WD;(@User.x == #00000000000505000000 || Member_of {SID(S-1-5-5-0-1)}))", "O:BAG:SYD:", 0},
	{"O:BAG:SYD:(A;;FR;;;S-1-5-5)(A;;FR;;;S-1-5-50-1)(A;;FR;;;S-1-15-3-5-5)",
		"O:BAG:SYD:(A;;FR;;;S-1-5-50-1)(A;;FR;;;S-1-15-3-5-5)", 0},
	// F-199: without these entries a user would have more rights, so they are rejected.
	{"O:BAG:SYD:(D;;FR;;;S-1-5-5-0-1001)(A;;FA;;;WD)", "", ntstatus.InvalidACL},
	{"O:BAG:SYD:(D;OICIIO;FR;;;S-1-5-5-0-1001)(A;;FA;;;WD)", "", ntstatus.InvalidACL},
	{"O:BAG:SYD:(D;ID;FR;;;S-1-5-5-0-1001)(A;;FA;;;WD)", "", ntstatus.InvalidACL},
	{"O:BAG:SYD:(D;;FR;;;S-1-5-5-0-1001)(A;;FA;;;S-1-5-5-0-1001)", "", ntstatus.InvalidACL},
	{"O:BAG:SYD:(XD;;FR;;;WD;(Member_of {SID(S-1-5-5-0-1001)}))(A;;FA;;;WD)", "", ntstatus.InvalidACL},
	{"O:BAG:SYD:S:(AU;SA;FR;;;S-1-5-5-0-1001)", "", ntstatus.InvalidACL},
	{`O:BAG:SYD:S:(RA;;;;;WD;("x",TD,0x0,S-1-5-5-0-1001))`, "", ntstatus.InvalidACL},
	{"O:S-1-5-5-0-1001G:SYD:(A;;FR;;;WD)", "", ntstatus.InvalidOwner},
	{"O:BAG:S-1-5-5-0-1001D:(A;;FR;;;WD)", "", ntstatus.InvalidPrimaryGroup},
	{"O:S-1-5-5G:S-1-5-5-0-1001D:", "", ntstatus.InvalidOwner},
	// Other authorities, revisions and numbers of sub-authorities are no sessions.
	{"O:S-1-22-5-0-1G:S-1-22-5-0-1D:(A;;FR;;;WD)", "O:S-1-22-5-0-1G:S-1-22-5-0-1D:(A;;FR;;;WD)", 0},
	{"O:BAG:SYD:(XA;;FR;;;WD;(@User.x == #020200000000000505000000 || @User.x == #011000000000000505000000))",
		"O:BAG:SYD:(XA;;FR;;;WD;(@User.x == #020200000000000505000000 || @User.x == #011000000000000505000000))", 0},
}

// Stored returns the form in which a descriptor is stored. Applied to that form it changes nothing (F-199, F-201).
func TestStoredIsIdempotent(t *testing.T) {
	for _, c := range storedForms {
		d, st := fileaccess.Stored(sddl.MustParse(c.given))
		if st != c.st || (d != nil) != (st == ntstatus.Success) {
			t.Errorf("Stored(%s): descriptor %t, %v; want %v", c.given, d != nil, st, c.st)
			continue
		}
		if st != ntstatus.Success {
			continue
		}
		want := sddl.MustParse(c.kept)
		if !d.Equal(want) {
			text, err := sddl.Format(d, sddl.Options{})
			t.Errorf("Stored(%s) = %s, %v; want %s", c.given, text, err, c.kept)
		}
		for _, a := range want.DACL().All() {
			check.That(t, a.Flags()&sd.InheritOnly != 0 || !fileaccess.StoresGeneric(a),
				"the stored entry %v has generic rights", a)
		}
		if again, st := fileaccess.Stored(d); again != d || st != ntstatus.Success {
			t.Errorf("Stored of the stored form %s: changed %t, %v; want false, success", c.kept, again != d, st)
		}
	}
	check.That(t, fileaccess.StoresGeneric(sddl.MustParse("D:(A;;GR;;;WD)").DACL().At(0)), "StoresGeneric of GR is false")
	d, st := fileaccess.Stored(nil)
	check.That(t, d == nil && st == ntstatus.Success, "Stored(nil) = %v, %v; want nil, %v", d, st, ntstatus.Success)
}

// StoredWhole returns the stored form of a descriptor if it loses nothing. Otherwise its error says which part is
// missing or would be lost (M-51).
func TestStoredWholeRefusesEveryLoss(t *testing.T) {
	for text, want := range map[string]string{
		"O:BAG:SYD:PAI(A;;GR;;;WD)": "", "O:BAG:SYD:": "", "O:BAG:SYD:NO_ACCESS_CONTROL": "",
		"G:SYD:": "incomplete", "O:BAD:": "incomplete", "O:BAG:SY": "incomplete", "D:AR": "incomplete",
		"O:BAG:SYD:AR": "flag AR", "O:BAG:SYD:S:AR": "flag AR", "O:BAG:SYD:(A;;FR;;;S-1-5-5-0-1)": "logon session",
		"O:BAG:SYD:S:(AU;SA;FR;;;S-1-5-5-0-1)": "logon session", "O:S-1-5-5-0-1G:SYD:": "INVALID_OWNER",
	} {
		d := sddl.MustParse(text)
		got, err := fileaccess.StoredWhole(d)
		stored, _ := fileaccess.Stored(d)
		ok := err == nil && want == "" && got.Equal(stored) ||
			err != nil && want != "" && got == nil && strings.Contains(err.Error(), want)
		check.That(t, ok, "%s: %v, want an error with %q", text, err, want)
	}
	got, err := fileaccess.StoredWhole(nil)
	check.That(t, got == nil && err != nil, "StoredWhole(nil) = %v, want an error", err)
}

// The descriptor of a new file never names a logon session, whether the token's default DACL, the directory or the
// creator's descriptor does. An entry of the creator that denies a session makes the creation fail (F-199, F-200).
func TestNewDescriptorNamesNoSession(t *testing.T) {
	user := sid.MustParse("S-1-5-21-1-2-3-1001")
	tok := check.Must(token.New(token.StandardUser(user)))
	session, ok := tok.LogonSID()
	check.RequireThat(t, ok && namesAny(tok.DefaultDACL()),
		"the token has a logon SID %v: %t; want one that its default DACL names", session, ok)
	const plain, heirs = "O:BAG:SYD:P(A;;FA;;;WD)", "O:BAG:SYD:P(A;OICI;FA;;;WD)"
	for _, c := range []struct {
		name, parent, creator, want string
		st                          ntstatus.Status
	}{
		{"the default DACL", plain, "", "D:(A;;FA;;;" + user.String() + ")(A;;FA;;;SY)", 0},
		{"an inheritable grant", heirs + "(A;OICI;FR;;;S-1-5-5-0-1)", "", "D:(A;;FA;;;WD)", 0},
		{"an inherit-only grant", heirs + "(A;OICIIO;GA;;;S-1-5-5-0-1)", "", "D:(A;;FA;;;WD)", 0},
		{"an inheritable denial", "O:BAG:SYD:P(D;OICI;FR;;;S-1-5-5-0-1)(A;OICI;FA;;;WD)", "", "D:(A;;FA;;;WD)", 0},
		{"a denial that the directory inherited", heirs + "(D;OICIID;FR;;;S-1-5-5-0-1)", "", "D:(A;;FA;;;WD)", 0},
		{"an inheritable denial with a condition",
			"O:BAG:SYD:P(XD;OICI;FR;;;BA;(Member_of{SID(S-1-5-5-0-1)}))(A;OICI;FA;;;WD)", "", "D:(A;;FA;;;WD)", 0},
		{"an inheritable audit", heirs + "S:(AU;OICISA;FR;;;S-1-5-5-0-1)", "", "D:(A;;FA;;;WD)", 0},
		{"an inheritable grant and an audit", heirs + "(A;OICI;FR;;;S-1-5-5-0-1)S:(AU;OICISA;FR;;;WD)", "",
			"D:(A;;FA;;;WD)S:(AU;SA;FR;;;WD)", 0},
		{"an audit next to another", heirs + "S:(AU;OICISA;FR;;;S-1-5-5-0-1)(AU;OICIFA;FW;;;WD)", "",
			"D:(A;;FA;;;WD)S:(AU;FA;FW;;;WD)", 0},
		{"a creator's grant", plain, "D:P(A;;GR;;;S-1-5-5-0-1)(A;;GA;;;BA)", "D:P(A;;FA;;;BA)", 0},
		{"a creator's denial", plain, "D:P(D;;GR;;;S-1-5-5-0-1)(A;;GA;;;BA)", "", ntstatus.InvalidACL},
	} {
		for _, options := range []fileaccess.CreateOptions{0, fileaccess.DirectoryFile} {
			r := fileaccess.Request{Subject: access.Subject{Primary: tok}, Name: "new", Desired: winnt.FILE_READ_DATA,
				Disposition: fileaccess.FileCreate, Options: options}
			if c.creator != "" {
				r.CreatorSD = sddl.MustParse(c.creator)
			}
			d := fileaccess.Open(&r, &fileaccess.Facts{Parent: &fileaccess.Directory{Descriptor: sddl.MustParse(c.parent)}})
			if d.Status() != c.st {
				t.Errorf("%s, options %#x: %v, want %v", c.name, options, d.Status(), c.st)
				continue
			}
			if c.st != ntstatus.Success {
				check.That(t, d.Rule == "F-199" && d.NewSD == nil,
					"%s: rule %q, descriptor returned: %t; want F-199, false", c.name, d.Rule, d.NewSD != nil)
				continue
			}
			check.That(t, !namesAny(d.NewSD.DACL()) && !namesAny(d.NewSD.SACL()),
				"%s, options %#x: the new descriptor names a logon session", c.name, options)
			if want := sddl.MustParse(c.want); options == 0 &&
				!(d.NewSD.DACL().Equal(want.DACL()) && d.NewSD.SACL().Equal(want.SACL())) {
				text, err := sddl.Format(d.NewSD, sddl.Options{})
				t.Errorf("%s: new descriptor %s, %v; want %s", c.name, text, err, c.want)
			}
		}
	}
}

func namesAny(l *sd.ACL) bool {
	for _, a := range l.All() {
		if fileaccess.NamesSession(a) {
			return true
		}
	}
	return false
}
