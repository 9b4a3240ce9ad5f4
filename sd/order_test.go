package sd_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// Canonical order: S-77.
func TestCanonicalizeOrdersEntries(t *testing.T) {
	for in, want := range map[string]string{
		"D:(A;;FA;;;BA)(D;;FW;;;BG)":                           "D:(D;;FW;;;BG)(A;;FA;;;BA)",
		"D:(A;ID;FA;;;BA)(A;;FR;;;WD)(D;ID;FW;;;BG)":           "D:(A;;FR;;;WD)(A;ID;FA;;;BA)(D;ID;FW;;;BG)",
		"D:(OA;;CR;;;BA)(A;;FA;;;BA)(OD;;CR;;;BA)(D;;CC;;;BA)": "D:(D;;CC;;;BA)(OD;;CR;;;BA)(A;;FA;;;BA)(OA;;CR;;;BA)",
		"S:(AU;SA;FA;;;WD)(ML;;NW;;;LW)":                       "S:(ML;;NW;;;LW)(AU;SA;FA;;;WD)",
	} {
		d := sddl.MustParse(in)
		l := d.DACL()
		if l == nil {
			l = d.SACL()
		}
		out := sd.Canonicalize(l)
		p := sd.Parts{DACL: out}
		if d.DACL() == nil {
			p = sd.Parts{SACL: out}
		}
		if got := text(t, sd.New(p)); got != want || sd.IsCanonical(l) || !sd.IsCanonical(out) ||
			sd.Canonicalize(out) != out || out.Revision() != l.Revision() {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
	// A ListEditor sorts entries for the whole object before those for one type, whatever their SIDs (S-82).
	const first, second = "(A;;CC;;;NU)", "(OA;;CR;bf967aba-0de6-11d0-a285-00aa003049e2;;S-1-5-1)"
	got := sd.New(sd.Parts{DACL: sd.ListEditor{}.Normalize(sddl.MustParse("D:" + second + first).DACL())})
	check.That(t, text(t, got) == "D:"+first+second, "S-82: got %s, want D:%s%s", text(t, got), first, second)
	check.That(t, sd.IsCanonical(nil) && sd.Canonicalize(nil) == nil,
		"IsCanonical(nil) = false or Canonicalize(nil) is a list, want true and nil")
}
