package fileaccess_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// Each part of a descriptor needs its right on the handle, to be queried or to be set (FO-080, FO-081, F-50).
func TestSecurityInformationNeedsRight(t *testing.T) {
	const owner, dacl, sacl, label, attribute, scope, whole = 1, 4, 8, 0x10, 0x20, 0x40, 0x10000
	const keepDACL, keepSACL, freeDACL, freeSACL = 0x80000000, 0x40000000, 0x20000000, 0x10000000
	for _, c := range []struct {
		id      string
		query   bool
		info    uint32
		granted winnt.AccessMask
		want    bool
	}{
		{"FO-080a", true, owner | dacl, 0x20000, true}, {"FO-080b", true, sacl, 0x20000, false}, {"FO-080c", true,
			label, 0x20000, true},
		{"F-50, a right for one of two parts", true, dacl | sacl, 0x20000, false},
		{"F-50, the other right", true, dacl | sacl, 0x1000000, false},
		{"F-50, both rights", true, dacl | sacl, 0x1020000, true},
		{"FO-081a", false, dacl, 0x80000, false}, {"FO-081b", false, owner, 0x40000, false}, {"FO-081c", false, label,
			0x40000, false},
		{"FO-081d", false, attribute, 0x40000, true}, {"FO-081e", false, scope, 0x40000, false}, {"FO-081f", false,
			whole, 0xC0000, false},
		{"F-50a", true, keepDACL, 0x20000, true}, {"F-50b", true, freeDACL, 0x1000000, false},
		{"F-50c", true, keepSACL, 0x1000000, true}, {"F-50d", true, freeSACL, 0x20000, false},
		{"F-50e", true, keepDACL | keepSACL, 0x20000, false}, {"F-50f", true, freeDACL | freeSACL, 0x1000000, false},
		{"F-50g", true, keepDACL | freeSACL, 0x1020000, true},
	} {
		d := aces(t, "(A;;FA;;;WD)")
		h := fileaccess.Handle{Granted: c.granted}
		_, st := fileaccess.QuerySecurity(&h, d, c.info)
		if !c.query {
			_, st = fileaccess.SetSecurity(&h, &fileaccess.SecurityChange{Information: c.info, Old: d, New: d,
				Subject: access.SubjectOf(mustToken(t, baseSpec()))})
		}
		check.That(t, (st == 0) == c.want && (st == 0 || st == denied),
			"%s: %v, want success: %t, otherwise %v", c.id, st, c.want, denied)
	}
}

// SetSecurity checks the owner and the label (F-51). It does not change the old descriptor or the rights of the
// handle (F-52).
func TestSetSecurityChecksOwnerAndLabel(t *testing.T) {
	old := aces(t, "(A;;FA;;;WD)")
	all := fileaccess.Handle{Granted: 0x011F01FF}
	subject := access.SubjectOf(mustToken(t, baseSpec()))
	set := func(info uint32, text string, h *fileaccess.Handle) (*sd.Descriptor, ntstatus.Status) {
		return fileaccess.SetSecurity(h, &fileaccess.SecurityChange{Information: info, Old: old,
			New: sddl.MustParse(text), Subject: subject})
	}
	for _, c := range []struct {
		info uint32
		text string
		want ntstatus.Status
	}{
		// An owner must be given and assignable (F-51).
		{1, "O:" + caseU.String(), 0}, {1, "O:BA", ntstatus.InvalidOwner}, {1, "D:", ntstatus.InvalidOwner},
		// A label above the caller's needs SeRelabelPrivilege (F-51).
		{0x10, "S:(ML;;NW;;;ME)", 0}, {0x10, "S:(ML;;NW;;;HI)", notHeld},
		{4, "D:(A;;FR;;;WD)", 0},
	} {
		d, st := set(c.info, c.text, &all)
		check.That(t, st == c.want && (st != 0 || d != nil), "F-51: SetSecurity of %q: %v, want %v", c.text, st, c.want)
	}
	// F-52: the old descriptor and the rights of the handle do not change.
	d, _ := set(4, "D:", &all)
	check.That(t, d.DACL().Len() == 0 && old.DACL().Len() == 1 && all.May(fileaccess.Write) == 0,
		"F-52: new DACL %d entries, old DACL %d, May(Write) %v; want 0, 1, success", d.DACL().Len(), old.DACL().Len(),
		all.May(fileaccess.Write))
	check.Equal(t, check.Status(fileaccess.SetSecurity(&all, &fileaccess.SecurityChange{Information: 4, Old: old,
		New: old})), ntstatus.NoToken, "SetSecurity without a subject")
	// Each part needs its own right (F-50).
	check.Equal(t, fileaccess.QueryRights(0x80000000)|fileaccess.QueryRights(0x40000000), 0x01020000,
		"F-50: QueryRights of both protection bits")
	for info, want := range map[uint32]winnt.AccessMask{1: 0x20000, 2: 0x20000, 4: 0x20000, 8: 0x01000000,
		0x10:       0x20000,
		0x20000000: 0x20000, 0x10000000: 0x01000000, 0x18: 0x01020000, 0: 0} { // F-50: each part alone
		got := fileaccess.QueryRights(info)
		check.That(t, got == want, "F-50: QueryRights(%#x) = %#x, want %#x", info, uint32(got), uint32(want))
	}
	part, st := fileaccess.QuerySecurity(&all, old, 4)
	check.That(t, st == 0 && part.Owner().IsZero() && part.DACL().Len() == 1,
		"F-50: QuerySecurity of the DACL: %v, %v; want only the DACL", part, st)
}
