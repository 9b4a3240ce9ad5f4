package fileaccess_test

import (
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// The DACL and the SACL of a new object are each marked as inherited only if the parent's list of the same kind is
// automatically inherited (F-32).
func TestNewListsAreMarkedInheritedSeparately(t *testing.T) {
	const dacl, sacl = "(A;OICI;FA;;;WD)", "(AU;OICISA;FA;;;WD)"
	for text, want := range map[string]sd.Control{
		"O:BAG:SYD:AI" + dacl + "S:AI" + sacl: sd.DACLAutoInherited | sd.SACLAutoInherited,
		"O:BAG:SYD:AI" + dacl + "S:" + sacl:   sd.DACLAutoInherited,
		"O:BAG:SYD:" + dacl + "S:AI" + sacl:   sd.SACLAutoInherited,
		"O:BAG:SYD:" + dacl + "S:" + sacl:     0,
	} {
		d, _ := open(t, 1, create, missing, func(s *situation) { s.f.Parent.Descriptor = sddl.MustParse(text) })
		check.RequireThat(t, d.Allowed() && d.NewSD != nil,
			"create in %s: %v, want success and a descriptor", text, d.Status())
		const marks = sd.DACLAutoInherited | sd.SACLAutoInherited
		got := d.NewSD.Control() & marks
		check.That(t, got == want, "F-32: create in %s: control flags %#x, want %#x", text, uint16(got), uint16(want))
		inherited := func(l *sd.ACL) bool { return l.Len() == 1 && l.At(0).Flags()&sd.Inherited != 0 }
		check.That(t, inherited(d.NewSD.DACL()) == (want&sd.DACLAutoInherited != 0) &&
			inherited(d.NewSD.SACL()) == (want&sd.SACLAutoInherited != 0),
			"F-32: create in %s: entries marked as inherited in %v do not match the control flags", text, d.NewSD)
	}
}

// A new directory inherits the entries for directories, with backup intent too, and a new file those for files. Each
// keeps only the flags that it can use (F-32).
func TestNewObjectsInheritEntriesOfTheirKind(t *testing.T) {
	for _, c := range []struct {
		setup []setup
		want  string
	}{
		{in(create), "D:(A;ID;0x1;;;WD)"},
		{in(create, intent), "D:(A;ID;0x1;;;WD)"},
		{in(create, dirOption), "D:(A;OIIOID;0x1;;;WD)(A;CIID;0x2;;;WD)"},
		{in(create, dirOption, intent), "D:(A;OIIOID;0x1;;;WD)(A;CIID;0x2;;;WD)"},
	} {
		parent := sddl.MustParse("O:BAG:SYD:AI(A;;FA;;;WD)(A;OIIO;0x1;;;WD)(A;CIIO;0x2;;;WD)")
		d, _ := open(t, 1, append(c.setup, missing, func(s *situation) { s.f.Parent.Descriptor = parent })...)
		check.That(t, d.Allowed() && d.NewSD.DACL().Equal(sddl.MustParse(c.want).DACL()),
			"F-32: new descriptor %v by %s, want %s", sdText(d.NewSD), d.Rule, c.want)
	}
}

// The descriptor of a new object comes from the client: owner, group, default DACL, integrity level and privileges.
// Only the SIDs CREATOR OWNER SERVER and CREATOR GROUP SERVER mean the server (F-32, S-61 to S-71).
func TestNewDescriptorComesFromClient(t *testing.T) {
	const low, user, group = "(ML;;NW;;;LW)", "S-1-5-21-1-2-3-1001", "S-1-5-11"
	const own = "O:" + user + "G:" + group
	for name, c := range map[string]struct {
		parent, creator string
		level           sid.SID
		privileges      []winnt.Privilege
		want            string
		st              ntstatus.Status
	}{
		"the token's default list": {"(A;;FA;;;WD)", "", sid.MediumLevel, nil, own + "D:(A;;FR;;;AU)", 0},
		"a level below medium":     {"(A;;FA;;;WD)", "", sid.LowLevel, nil, own + "D:(A;;FR;;;AU)S:" + low, 0},
		"creators of both": {"(A;;FA;;;WD)(A;OIIO;FR;;;CO)(A;OIIO;FW;;;CG)(A;OIIO;FX;;;S-1-3-2)(A;OIIO;0x1;;;S-1-3-3)",
			"", sid.MediumLevel, nil, own + "D:(A;;FR;;;" + user + ")(A;;FW;;;" + group +
				")(A;;FX;;;S-1-5-21-1-2-3-3002)(A;;0x1;;;S-1-5-21-1-2-3-3003)", 0},
		"generic rights are mapped": {"(A;;FA;;;WD)(A;OIIO;GR;;;BA)", "", sid.MediumLevel, nil, own + "D:(A;;FR;;;BA)", 0},
		"a group that may not own": {"(A;;FA;;;WD)", "O:S-1-5-21-1-2-3-2001D:", sid.MediumLevel, nil, "",
			ntstatus.InvalidOwner},
		"anyone, with the privilege": {"(A;;FA;;;WD)", "O:SYG:BAD:", sid.MediumLevel,
			[]winnt.Privilege{winnt.SeRestorePrivilege}, "O:SYG:BAD:", 0},
		"an audit": {"(A;;FA;;;WD)", "D:S:(AU;SA;FA;;;WD)", sid.MediumLevel,
			[]winnt.Privilege{winnt.SeRestorePrivilege, winnt.SeRelabelPrivilege}, "", notHeld},
		"a label above": {"(A;;FA;;;WD)", "D:S:(ML;;NW;;;HI)", sid.MediumLevel,
			[]winnt.Privilege{security, winnt.SeRestorePrivilege}, "", notHeld},
	} {
		t.Run(name, func(t *testing.T) {
			s := fromBoth(t, c.level, c.privileges...)
			r := &fileaccess.Request{Subject: s, Name: "f", Desired: 1, Disposition: fileaccess.FileCreate, Share: 7,
				Attributes: fileaccess.AttributeNormal}
			if c.creator != "" {
				r.CreatorSD = sddl.MustParse(c.creator)
			}
			parent := sddl.MustParse("O:BAG:SYD:" + c.parent + "S:(ML;;NW;;;LW)")
			f := &fileaccess.Facts{Parent: &fileaccess.Directory{Name: "P", Descriptor: parent}}
			d := fileaccess.Open(r, f)
			check.RequireThat(t, d.Status() == c.st && (d.NewSD != nil) == (c.st == 0),
				"Open: %v, descriptor %v; want %v", d.Status(), sdText(d.NewSD), c.st)
			if c.st != 0 {
				check.That(t, d.Rule == "F-32" && d.Granted == 0 && d.Action == 0,
					"failed Open: rule %s, granted %v, action %d; want F-32, 0, 0", d.Rule, d.Granted, d.Action)
				return
			}
			if want := sddl.MustParse(c.want); sdText(d.NewSD) != sdText(want) {
				t.Errorf("descriptor of the new file: %s, want %s", sdText(d.NewSD), sdText(want))
			}
		})
	}
}
