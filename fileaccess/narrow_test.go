package fileaccess_test

import (
	"math/rand/v2"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Narrow removes the rights that a mode denies to group and others from their entries. The owner and, as far as the
// mode allows, the owning group keep the rights from these entries. A mode that denies nothing changes nothing
// (M-41).
func TestNarrowRemovesDeniedRights(t *testing.T) {
	member := func(s sid.SID) bool { return s.String() == "S-1-22-2-4" }
	for _, c := range []struct {
		dacl      string
		mode      uint32
		directory bool
		want      string
	}{
		{"D:AI(A;ID;FA;;;S-1-22-1-1)(A;ID;FR;;;WD)", 0o777, false, ""},
		{"D:AI(A;ID;FA;;;S-1-22-1-1)(A;ID;FR;;;WD)", 0o044, false, ""}, // the owner loses nothing
		{"D:AI(A;ID;FA;;;S-1-22-1-1)(A;ID;FR;;;WD)", 0o600, false, "D:P(A;;FA;;;S-1-22-1-1)(A;;0x120080;;;WD)"},
		{"D:(A;;FA;;;S-1-22-1-1)(A;;FR;;;WD)S:(AU;SA;FA;;;WD)", 0o600, false, // the SACL stays
			"D:P(A;;FA;;;S-1-22-1-1)(A;;0x120080;;;WD)S:(AU;SA;FA;;;WD)"},
		{"D:(A;;FA;;;S-1-22-1-1)(A;;0x1301bf;;;S-1-22-1-2)", 0o644, false,
			"D:P(A;;FA;;;S-1-22-1-1)(A;;0x130089;;;S-1-22-1-2)"},
		{"D:(A;;FA;;;S-1-22-1-1)(A;;0x1301bf;;;S-1-22-2-4)", 0o600, false,
			"D:P(A;;FA;;;S-1-22-1-1)(A;;0x130080;;;S-1-22-2-4)"},
		{"D:(A;;FA;;;S-1-22-2-4)", 0o600, false, // the owner is in the group
			"D:P(A;;0xc013f;;;S-1-22-1-1)(A;;0x1300c0;;;S-1-22-2-4)"},
		{"D:(A;;FA;;;S-1-22-1-1)(A;;FA;;;S-1-22-2-4)(A;;FR;;;WD)", 0o660, false, // rw- is no right to change the list
			"D:P(A;;FA;;;S-1-22-1-1)(A;;0x9;;;S-1-22-2-3)(A;;0x1301df;;;S-1-22-2-4)(A;;0x120080;;;WD)"},
		{"D:(A;;FA;;;WD)", 0o640, false, "D:P(A;;0xc013f;;;S-1-22-1-1)(A;;0x9;;;S-1-22-2-3)(A;;0x1300c0;;;WD)"},
		{"D:(A;;FA;;;WD)", 0o770, false, "D:P(A;;0xc013f;;;S-1-22-1-1)(A;;0xc013f;;;S-1-22-2-3)(A;;0x1300c0;;;WD)"},
		{"D:(D;;FW;;;S-1-22-1-1)(A;;FA;;;WD)", 0o700, false,
			"D:P(D;;FW;;;S-1-22-1-1)(A;;0xc0029;;;S-1-22-1-1)(A;;0x1300c0;;;WD)"},
		{"D:(A;;FA;;;S-1-22-1-1)(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;WD)", 0o600, false,
			"D:P(A;;FA;;;S-1-22-1-1)(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x120080;;;WD)"},
		// only x, from users who can read: the file keeps its inherited entries
		{"D:AI(A;ID;FA;;;S-1-22-1-1)(A;ID;0x1200a9;;;S-1-22-1-2)(A;ID;0x1200a9;;;WD)", 0o644, false, ""},
		{"D:AI(A;ID;FA;;;S-1-22-1-1)(A;ID;0x1200a9;;;WD)", 0o640, false,
			"D:P(A;;FA;;;S-1-22-1-1)(A;;0x9;;;S-1-22-2-3)(A;;0x120080;;;WD)"},
		{"D:AI(A;ID;FA;;;S-1-22-1-1)(A;ID;FX;;;WD)", 0o600, false, "D:P(A;;FA;;;S-1-22-1-1)(A;;0x120080;;;WD)"},
		{"D:AI(A;ID;FA;;;S-1-22-1-1)(A;ID;FX;;;WD)", 0o644, false, "D:P(A;;FA;;;S-1-22-1-1)(A;;0x120080;;;WD)"},
		{"D:(A;OICI;FA;;;S-1-22-1-1)(A;OICI;0x1200a9;;;S-1-22-1-2)", 0o744, true,
			"D:P(A;OICI;FA;;;S-1-22-1-1)(A;OICI;0x120089;;;S-1-22-1-2)"},
		{"D:(A;OICI;FA;;;S-1-22-1-1)(A;OICI;FA;;;S-1-22-1-2)", 0o755, true,
			"D:P(A;OICI;FA;;;S-1-22-1-1)(A;OICI;0x1300a9;;;S-1-22-1-2)"},
		{"D:(A;OICI;FR;;;WD)", 0o700, true, "D:P(A;;0x9;;;S-1-22-1-1)(A;OICIIO;0x9;;;CO)(A;OICI;0x120080;;;WD)"},
		{"D:(A;OICINP;FR;;;WD)", 0o700, true, "D:P(A;;0x9;;;S-1-22-1-1)(A;OICINPIO;0x9;;;CO)(A;OICINP;0x120080;;;WD)"},
		{"D:(A;OIIO;FR;;;CO)(A;OICI;FR;;;WD)", 0o700, true, // only files inherit the first entry
			"D:P(A;OIIO;FR;;;CO)(A;;0x9;;;S-1-22-1-1)(A;OICIIO;0x9;;;CO)(A;OICI;0x120080;;;WD)"},
		{"D:(A;OICIIO;FR;;;CO)(A;OICI;FR;;;WD)", 0o700, true, // the children's owner has the rights already
			"D:P(A;OICIIO;FR;;;CO)(A;;0x9;;;S-1-22-1-1)(A;OICI;0x120080;;;WD)"},
		// A directory that nobody else may use passes on nothing to them either, although it grants them nothing itself.
		{"D:(A;OICI;FA;;;S-1-22-1-1)(A;OIIO;FR;;;WD)", 0o700, true,
			"D:P(A;OICI;FA;;;S-1-22-1-1)(A;OIIO;0x9;;;CO)(A;OIIO;0x120080;;;WD)"},
		{"D:(A;OICI;FA;;;S-1-22-1-1)(A;CIIO;FR;;;WD)", 0o700, true,
			"D:P(A;OICI;FA;;;S-1-22-1-1)(A;CIIO;0x9;;;CO)(A;CIIO;0x120080;;;WD)"},
		{"D:(A;OICI;FA;;;S-1-22-1-1)(A;OIIO;FR;;;WD)", 0o750, true,
			"D:P(A;OICI;FA;;;S-1-22-1-1)(A;OIIO;0x9;;;CO)(A;OIIO;0x9;;;CG)(A;OIIO;0x120080;;;WD)"},
		{"D:(A;OICI;FA;;;S-1-22-1-1)(A;OIIO;FR;;;S-1-22-1-2)", 0o707, true,
			"D:P(A;OICI;FA;;;S-1-22-1-1)(A;OIIO;0x120080;;;S-1-22-1-2)"},
		{"D:(A;OICI;FA;;;S-1-22-1-1)(A;OIIO;FR;;;WD)", 0o711, true, ""},
		{"D:(A;OICI;FA;;;S-1-22-1-1)(A;OIIO;0x120080;;;WD)(A;OICIIO;FA;;;CO)(A;OICIIO;FA;;;BA)", 0o700, true, ""},
		{"D:(A;OICI;FA;;;S-1-22-1-1)(A;OIIO;FR;;;WD)", 0o600, false, ""}, // a file has no children
		{"D:(D;;0x8;;;WD)(A;OICI;FR;;;WD)", 0o700, true, // no child inherits the denial
			"D:P(D;;0x8;;;WD)(A;;CC;;;S-1-22-1-1)(A;OICIIO;0x9;;;CO)(A;OICI;0x120080;;;WD)"},
		{"D:(XA;;FR;;;S-1-22-1-1;(@User.x == 1))(A;;FR;;;WD)", 0o700, false, // the owner may not have the first
			"D:P(XA;;FR;;;S-1-22-1-1;(@User.x == 1))(A;;0x9;;;S-1-22-1-1)(A;;0x120080;;;WD)"},
		{"D:(D;;CC;;;S-1-22-2-9)(A;;FR;;;WD)", 0o740, false, // members of the group, not the owner, may be denied
			"D:P(D;;CC;;;S-1-22-2-9)(A;;0x9;;;S-1-22-1-1)(A;;0x8;;;S-1-22-2-3)(A;;0x120080;;;WD)"},
		{"D:(XA;;FR;;;WD;(@User.x == 1))", 0o700, false, // whether the owner has it is unknown
			"D:P(XA;;0x120080;;;WD;(@User.x == 1))"},
		{"D:NO_ACCESS_CONTROL", 0o750, true, // as the default list of a directory
			"D:P(A;;0x1601ff;;;S-1-22-1-1)(A;;0x1200a9;;;S-1-22-2-3)(A;;0x120080;;;WD)" +
				"(A;OIIO;0x1601bf;;;CO)(A;OIIO;0x1200a9;;;CG)(A;OIIO;0x120080;;;WD)" +
				"(A;CIIO;0x1601ff;;;CO)(A;CIIO;0x1200a9;;;CG)(A;CIIO;0x120080;;;WD)"},
		{"", 0o600, false, "D:P(A;;0x1601bf;;;S-1-22-1-1)(A;;0x120080;;;S-1-22-2-3)(A;;0x120080;;;WD)"},
		{"D:NO_ACCESS_CONTROL", 0o600, false, "D:P(A;;0x1601bf;;;S-1-22-1-1)(A;;0x120080;;;S-1-22-2-3)(A;;0x120080;;;WD)"},
	} {
		parts := sddl.MustParse(ofMode + c.dacl).Parts()
		parts.Control |= sd.DACLDefaulted
		old := sd.New(parts)
		got := fileaccess.Narrow(old, c.mode, c.directory, member)
		if c.want == "" {
			check.That(t, got == old, "Narrow(%s, %o) = %s, want no change", c.dacl, c.mode, formatted(got))
			continue
		}
		want := sddl.MustParse(ofMode + c.want)
		if formatted(got) != formatted(want) || got.Control() != want.Control() {
			t.Errorf("Narrow(%s, %o) = %s, want %s", c.dacl, c.mode, formatted(got), formatted(want))
		}
	}
	denied := sddl.MustParse(ofMode + "D:(D;;CC;;;S-1-22-2-9)(A;;FR;;;WD)")
	check.Equal(t, formatted(fileaccess.Narrow(denied, 0o740, false, nil)), ofMode+"D:P(D;;CC;;;S-1-22-2-9)"+
		"(A;;SW;;;S-1-22-1-1)(A;;SW;;;S-1-22-2-3)(A;;0x120080;;;WD)", "without a member function the owner may be denied")
	check.That(t, fileaccess.Narrow(nil, 0o600, false, nil) == nil && fileaccess.FromModeOf(nil, 0o600, false) == nil,
		"Narrow(nil) or FromModeOf(nil) is not nil")
}

// After Narrow, the mode of a random descriptor has no more bits for group and others than the requested one. The
// owner keeps all rights, no class gains any, and the same mode changes nothing more (M-41).
func TestNarrowReachesRequestedMode(t *testing.T) {
	r := rand.New(rand.NewPCG(randtest.Seed(t), 0))
	for range 3000 {
		d, mode, directory := randomList(r), uint32(r.IntN(0o1000)), r.IntN(2) == 0
		text := formatted(d)
		n := fileaccess.Narrow(d, mode, directory, func(sid.SID) bool { return false })
		before, after := fileaccess.Mode(d, directory), fileaccess.Mode(n, directory)
		if n == d {
			lost := before &^ mode & 0o077
			if x := lost & 0o011; lost != x || x != 0 && (directory || x<<2&^(before&mode) != 0) {
				t.Fatalf("Narrow(%s, %o) changed nothing, but the mode is %o", text, mode, before)
			}
			continue
		}
		if after&0o077&^mode != 0 || after&^before&^0o100 != 0 || after&0o600 != before&0o600 {
			t.Fatalf("Narrow(%s, %o): mode %o became %o: %s", text, mode, before, after, formatted(n))
		}
		if again := fileaccess.Narrow(n, mode, directory, nil); again != n {
			t.Fatalf("Narrow(%s, %o) = %s, and applied again %s; want no further change", text, mode, formatted(n),
				formatted(again))
		}
		if n.Control()&sd.DACLProtected == 0 {
			t.Fatalf("Narrow(%s, %o) = %s, want a protected DACL", text, mode, formatted(n))
		}
	}
}

// After Narrow, the access check grants no user an additional right, and grants the owner the same rights (M-41).
func TestNarrowNeverWidens(t *testing.T) {
	r := rand.New(rand.NewPCG(randtest.Seed(t), 1))
	var tokens []*token.Token
	for _, c := range []struct{ user, group string }{{"S-1-22-1-1", "S-1-22-2-4"}, {"S-1-22-1-2", "S-1-22-2-3"},
		{"S-1-22-1-5", "S-1-22-2-4"}, {"S-1-22-1-6", "S-1-22-2-9"}} {
		spec := token.StandardUser(sid.MustParse(c.user))
		spec.Groups = append(spec.Groups, token.Group{SID: sid.MustParse(c.group), Attributes: token.GroupDefault})
		tokens = append(tokens, mustToken(t, spec))
	}
	owner := tokens[0]
	member := func(s sid.SID) bool {
		for i := range owner.SIDs().Len() {
			if owner.SIDs().At(i) == s {
				return true
			}
		}
		return false
	}
	granted := func(tok *token.Token, d *sd.Descriptor) winnt.AccessMask {
		return check.Must(access.Check(tok, d, winnt.MAXIMUM_ALLOWED, winnt.FileObject)).Granted
	}
	for range 3000 {
		d, mode := randomList(r), uint32(r.IntN(0o1000))
		n := fileaccess.Narrow(d, mode, r.IntN(2) == 0, member)
		for i, tok := range tokens {
			before, after := granted(tok, d), granted(tok, n)
			if after&^before != 0 || i == 0 && after != before {
				t.Fatalf("Narrow(%s, %o): the rights of %s changed from %#x to %#x: %s", formatted(d), mode,
					tok.User().SID, before, after, formatted(n))
			}
		}
	}
}

// randomList returns a descriptor with the owner and group of ofMode and a random DACL.
func randomList(r *rand.Rand) *sd.Descriptor {
	subjects := []string{"S-1-22-1-1", "S-1-22-1-2", "S-1-22-2-3", "S-1-22-2-4", "WD", "AU", "SY", "BA", "OW", "CO", "BU"}
	rights := []string{"FA", "FR", "FW", "FX", "0x1301bf", "0x1200a9", "GA", "0x1", "0x40000"}
	text := ofMode + "D:"
	for range r.IntN(6) {
		text += "(" + []string{"A", "A", "A", "D"}[r.IntN(4)] + ";" + []string{"", "OICI", "OICIIO", "ID"}[r.IntN(4)] +
			";" + rights[r.IntN(len(rights))] + ";;;" + subjects[r.IntN(len(subjects))] + ")"
	}
	return sddl.MustParse(text)
}

// formatted returns a descriptor as SDDL, or the error.
func formatted(d *sd.Descriptor) string {
	text, err := sddl.Format(d, sddl.Options{})
	if err != nil {
		return err.Error()
	}
	return text
}
