package sd_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// Facts finds each kind of entry that changes how a list is evaluated. An entry that applies only to children does
// not count.
func TestFactsFindSpecialEntries(t *testing.T) {
	for text, want := range map[string]sd.Facts{
		"D:(A;;GA;;;WD)": 0, "D:(A;;GA;;;OW)": sd.HasOwnerRights, "D:(D;;GA;;;OW)": sd.HasOwnerRights,
		"D:(A;;GA;;;PS)": sd.HasPrincipalSelf, "D:(A;;GA;;;WD)(D;;GA;;;PS)": sd.HasPrincipalSelf,
		"D:(A;IOCI;GA;;;OW)": 0, "D:(A;IOCI;GA;;;PS)": 0, "D:(A;CI;GA;;;OW)": sd.HasOwnerRights,
		"D:(A;ID;GA;;;OW)": sd.HasOwnerRights, "D:(A;CIID;GA;;;PS)": sd.HasPrincipalSelf,
		"D:(A;CINP;GA;;;OW)": sd.HasOwnerRights, "D:(A;CR;GA;;;OW)": sd.HasOwnerRights,
		`D:(XA;;GA;;;OW;(@User.x=="a"))`:                      sd.HasOwnerRights | sd.HasExtras | sd.HasOthers,
		"D:(OA;;CC;00000001-0000-0000-0000-000000000000;;PS)": sd.HasPrincipalSelf | sd.HasExtras | sd.HasOthers,
		"D:(A;;GA;;;OW)(A;;GA;;;PS)":                          sd.HasOwnerRights | sd.HasPrincipalSelf,
	} {
		got := sddl.MustParse(text).DACL().Facts()
		check.That(t, got == want, "facts of %s = %#x, want %#x", text, got, want)
	}
	for text, want := range map[string]sd.Facts{
		"S:(ML;;NW;;;HI)": sd.HasMandatoryLabel, "S:(ML;ID;NW;;;HI)": sd.HasMandatoryLabel,
		"S:(ML;IOCI;NW;;;HI)": 0, "S:(AU;SA;GA;;;WD)": 0,
		"S:(TL;;CC;;;S-1-19-512-4096)":     sd.HasTrustLabel,
		"S:(FL;;CC;;;WD;(@User.x))":        sd.HasAccessFilter | sd.HasExtras,
		"S:(SP;;;;;S-1-17-1)":              sd.HasScopedPolicy,
		`S:(RA;;;;;WD;("x",TI,0,1))`:       sd.HasResourceAttribute | sd.HasExtras,
		`S:(RA;OICIIO;;;;WD;("x",TI,0,1))`: sd.HasExtras,
	} {
		got := sddl.MustParse(text).SACL().Facts()
		check.That(t, got == want|sd.HasOthers, "facts of %s = %#x, want %#x", text, got, want)
	}
}
