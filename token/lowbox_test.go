package token_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// AdmitPackage appends an entry for the package, also to an empty list, unless an entry without flags grants as much.
// It returns a nil list and a list without room unchanged (T-131).
func TestAdmitPackageAppendsEntry(t *testing.T) {
	pkg := sid.MustParse("S-1-15-2-1-2-3")
	const entry = "(A;;GA;;;S-1-15-2-1-2-3)"
	for before, after := range map[string]string{
		"D:": "D:" + entry, "D:(D;;GA;;;WD)(A;;GA;;;SY)": "D:(D;;GA;;;WD)(A;;GA;;;SY)" + entry,
		"D:" + entry: "D:" + entry, "D:(A;OI;GA;;;S-1-15-2-1-2-3)": "D:(A;OI;GA;;;S-1-15-2-1-2-3)" + entry,
		"D:(A;;GR;;;S-1-15-2-1-2-3)": "D:(A;;GR;;;S-1-15-2-1-2-3)" + entry,
	} {
		list := token.AdmitPackage(sddl.MustParse(before).DACL(), pkg, winnt.GENERIC_ALL)
		got := sd.New(sd.Parts{Control: sd.DACLPresent, DACL: list})
		check.That(t, got.Equal(sddl.MustParse(after)), "AdmitPackage(%s) = %x, want %s", before, got.Binary(), after)
	}
	part := sddl.MustParse("D:(A;;CC;;;S-1-15-2-1-2-3)").DACL()
	check.Equal(t, token.AdmitPackage(part, pkg, 3).Len(), 2, "entries if one grants a part of the mask")
	if got := token.AdmitPackage(nil, pkg, winnt.GENERIC_ALL); got != nil {
		t.Errorf("AdmitPackage(nil) = a list of %d entries, want nil", got.Len())
	}
	large := check.Must(sd.NewACE(sd.AccessAllowedCallback, 0, 1, sid.Everyone, sd.ACEExtra{AppData: make([]byte, 65384)}))
	tail := check.Must(sd.NewACE(sd.AccessAllowedCallback, 0, 1, sid.Everyone, sd.ACEExtra{AppData: make([]byte, 80)}))
	full := check.Must(sd.NewACL(large, tail))
	if got := token.AdmitPackage(full, pkg, winnt.GENERIC_ALL); got != full {
		t.Errorf("AdmitPackage of a full list of %d bytes returned %d bytes, want the same list", full.Size(), got.Size())
	}
}
