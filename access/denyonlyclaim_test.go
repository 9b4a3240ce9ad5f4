package access_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// a claim for deny only is NULL in the conditions of entries that allow
// and counts in those of entries that deny, whatever it is a claim of.
func TestClaimForDenyOnly(t *testing.T) {
	claim := claims.Attribute{Name: "x", Type: claims.Int64, Ints: []int64{1}, Flags: claims.FlagUseForDenyOnly}
	set, err := claims.NewSet([]claims.Attribute{claim})
	if err != nil {
		t.Fatal(err)
	}
	for prefix, give := range map[string]func(s *token.Spec){
		"@User.": func(s *token.Spec) { s.UserClaims = set },
		"@Device.": func(s *token.Spec) {
			s.DeviceClaims = set
		},
		"":           func(s *token.Spec) { s.LocalAttributes = set },
		"@Resource.": func(*token.Spec) {},
	} {
		spec := baseSpec()
		give(&spec)
		tok := mustToken(t, spec)
		x := "(" + prefix + "x == 1)"
		const resource = `S:(RA;;;;;WD;("x",TI,0x4,1))`
		for text, want := range map[string]winnt.AccessMask{
			"D:(XA;;FR;;;WD;" + x + ")":                            0,
			"D:(XA;;0x1;;;WD;(!(" + prefix + "x != 1)))":           0, // NULL is unknown, whichever way it is asked
			"D:(XA;;0x1;;;WD;(Not_Exists " + prefix + "x))":        1,
			"D:(XD;;0x2;;;WD;" + x + ")(A;;0x3;;;WD)":              1,
			"D:(XD;;0x2;;;WD;(" + prefix + "x == 2))(A;;0x3;;;WD)": 3,
		} {
			d, err := access.Check(tok, sddl.MustParse("O:BAG:SY"+text+resource), winnt.MAXIMUM_ALLOWED,
				winnt.FileObject)
			if err != nil || d.Granted&3 != want&3 || d.Granted&0x1FFFFC != 0 && want == 0 {
				t.Errorf("A-151 %s: %v, want %v (%v)", text, d, want, err)
			}
		}
	}
}
