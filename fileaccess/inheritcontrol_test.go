package fileaccess_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// F-32: each list of a new object is marked as inherited by the parent's flag of
// that list, DACL and SACL apart.
func TestNewListsAreMarkedApart(t *testing.T) {
	const dacl, sacl = "(A;OICI;FA;;;WD)", "(AU;OICISA;FA;;;WD)"
	for text, want := range map[string]sd.Control{
		"O:BAG:SYD:AI" + dacl + "S:AI" + sacl: sd.DACLAutoInherited | sd.SACLAutoInherited,
		"O:BAG:SYD:AI" + dacl + "S:" + sacl:   sd.DACLAutoInherited,
		"O:BAG:SYD:" + dacl + "S:AI" + sacl:   sd.SACLAutoInherited,
		"O:BAG:SYD:" + dacl + "S:" + sacl:     0,
	} {
		d, _ := open(t, 1, create, missing, func(s *situation) { s.f.Parent.Descriptor = sddl.MustParse(text) })
		if !d.Allowed() || d.NewSD == nil {
			t.Fatalf("%s: %v", text, d.Status())
		}
		const marks = sd.DACLAutoInherited | sd.SACLAutoInherited
		if got := d.NewSD.Control() & marks; got != want {
			t.Errorf("F-32 %s: control %#x, want %#x", text, uint16(got), uint16(want))
		}
		inherited := func(l *sd.ACL) bool { return l.Len() == 1 && l.At(0).Flags()&sd.Inherited != 0 }
		if inherited(d.NewSD.DACL()) != (want&sd.DACLAutoInherited != 0) ||
			inherited(d.NewSD.SACL()) != (want&sd.SACLAutoInherited != 0) {
			t.Errorf("F-32 %s: entries of %v", text, d.NewSD)
		}
	}
}

// The mask of a POSIX list limits the owning group, named users and named
// groups, and neither the owner nor the others.
func TestMaskLimitsGroups(t *testing.T) {
	const owner, named, group, other = 1, 2, 3, 4
	for mask := fileaccess.POSIXPerm(0); mask <= 7; mask++ {
		p := fileaccess.POSIX{User: owner, Group: group, Access: fileaccess.POSIXACL{
			{Tag: fileaccess.POSIXOwner, Perm: 7, ID: none}, {Tag: fileaccess.POSIXUser, Perm: 7, ID: named},
			{Tag: fileaccess.POSIXGroupOwner, Perm: 7, ID: none}, {Tag: fileaccess.POSIXGroup, Perm: 7, ID: other},
			{Tag: fileaccess.POSIXMask, Perm: mask, ID: none}, {Tag: fileaccess.POSIXOther, Perm: 0, ID: none},
		}}
		p.Mode = p.Access.Mode()
		d, _, err := fileaccess.FromPOSIX(&p, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name   string
			user   sid.SID
			group  sid.SID
			masked bool
		}{
			{"owner", fileaccess.UnixUser(owner), sid.Everyone, false},
			{"named user", fileaccess.UnixUser(named), sid.Everyone, true},
			{"owning group", fileaccess.UnixUser(9), fileaccess.UnixGroup(group), true},
			{"named group", fileaccess.UnixUser(9), fileaccess.UnixGroup(other), true},
		} {
			spec := token.Spec{User: token.Group{SID: c.user}, Integrity: sid.MediumLevel, Groups: []token.Group{
				{SID: sid.Everyone, Attributes: enabled}, {SID: c.group, Attributes: enabled}}}
			s := access.SubjectOf(mustToken(t, spec))
			for perm, right := range map[fileaccess.POSIXPerm]winnt.AccessMask{
				4: winnt.FILE_READ_DATA, 2: winnt.FILE_WRITE_DATA, 1: winnt.FILE_EXECUTE,
			} {
				want := !c.masked || mask&perm != 0
				if got := fileaccess.Can(&s, d, right, nil) != 0; got != want {
					t.Errorf("mask %d, %s, permission %d: %v, want %v", mask, c.name, perm, got, want)
				}
			}
		}
	}
}
