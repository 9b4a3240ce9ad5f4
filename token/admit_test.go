package token_test

import (
	"testing"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// The package's entry stands behind the others, an empty list gets it too, and a list that is
// NULL stays so; one without room stays as it is (T-131).
func TestAdmitPackage(t *testing.T) {
	pkg := sid.MustParse("S-1-15-2-1-2-3")
	const entry = "(A;;GA;;;S-1-15-2-1-2-3)"
	for before, after := range map[string]string{
		"D:": "D:" + entry, "D:(D;;GA;;;WD)(A;;GA;;;SY)": "D:(D;;GA;;;WD)(A;;GA;;;SY)" + entry,
	} {
		list := token.AdmitPackage(sddl.MustParse(before).DACL(), pkg, winnt.GENERIC_ALL)
		if got := sd.New(sd.Parts{Control: sd.DACLPresent, DACL: list}); !got.Equal(sddl.MustParse(after)) {
			t.Errorf("%s becomes %x, want %s", before, got.Binary(), after)
		}
	}
	if got := token.AdmitPackage(nil, pkg, winnt.GENERIC_ALL); got != nil {
		t.Errorf("no list becomes one of %d entries", got.Len())
	}
	large, err := sd.NewACE(sd.AccessAllowedCallback, 0, 1, sid.Everyone, sd.ACEExtra{AppData: make([]byte, 65384)})
	if err != nil {
		t.Fatal(err)
	}
	tail, err := sd.NewACE(sd.AccessAllowedCallback, 0, 1, sid.Everyone, sd.ACEExtra{AppData: make([]byte, 80)})
	if err != nil {
		t.Fatal(err)
	}
	full, err := sd.NewACL(large, tail)
	if err != nil {
		t.Fatal(err)
	}
	if got := token.AdmitPackage(full, pkg, winnt.GENERIC_ALL); got != full {
		t.Errorf("a list of %d bytes becomes one of %d", full.Size(), got.Size())
	}
}
