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
		"D:(A;;GA;;;OW)(A;;GA;;;PS)": sd.HasOwnerRights | sd.HasPrincipalSelf,
	} {
		got := sddl.MustParse(text).DACL().Facts()
		check.That(t, got == want, "facts of %s = %#x, want %#x", text, got, want)
	}
	for text, want := range map[string]sd.Facts{
		"S:(ML;;NW;;;HI)": sd.HasMandatoryLabel, "S:(ML;IOCI;NW;;;HI)": 0, "S:(AU;SA;GA;;;WD)": 0,
		"S:(SP;;;;;S-1-17-1)":              sd.HasScopedPolicy,
		`S:(RA;;;;;WD;("x",TI,0,1))`:       sd.HasResourceAttribute | sd.HasExtras,
		`S:(RA;OICIIO;;;;WD;("x",TI,0,1))`: sd.HasExtras,
	} {
		got := sddl.MustParse(text).SACL().Facts()
		check.That(t, got == want|sd.HasOthers, "facts of %s = %#x, want %#x", text, got, want)
	}
}
