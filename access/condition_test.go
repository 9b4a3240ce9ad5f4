package access_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A boolean compares only with the integers 0 and 1. A list with values of two types never equals an attribute of one
// type.
func TestBooleansCompareOnlyWithZeroAndOne(t *testing.T) {
	set := check.Must(claims.NewSet([]claims.Attribute{
		{Name: "b", Type: claims.Boolean, Uints: []uint64{1}}, {Name: "n", Type: claims.Int64, Ints: []int64{1}},
	}))
	spec := baseSpec()
	spec.UserClaims = set
	tok := mustToken(t, spec)
	for condition, want := range map[string]bool{
		"(@User.b == 1)": true, "(@User.b == 0)": false, "(@User.b == 2)": false, "(@User.b != 2)": false,
		`(@User.b == "1")`: false, `(@User.n Any_of {1,"a"})`: false, `(@User.n Contains {1,2})`: false,
		"(@User.n Any_of {1,2})": true,
	} {
		d, err := access.Check(tok, sddl.MustParse("O:BAG:SYD:(XA;;0x1;;;WD;"+condition+")"), 1, winnt.FileObject)
		check.That(t, err == nil && d.Allowed() == want, "A-155: %s: %v, %v; want allowed %v", condition, d, err, want)
	}
}

// A deny-only claim is NULL in the conditions of allowing entries and has its value in those of denying entries. This
// holds for each kind of claim.
func TestDenyOnlyClaimIsNullForAllow(t *testing.T) {
	claim := claims.Attribute{Name: "x", Type: claims.Int64, Ints: []int64{1}, Flags: claims.FlagUseForDenyOnly}
	set := check.Must(claims.NewSet([]claims.Attribute{claim}))
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
			"D:(XA;;0x1;;;WD;(!(" + prefix + "x != 1)))":           0, // NULL is unknown, also negated
			"D:(XA;;0x1;;;WD;(Not_Exists " + prefix + "x))":        1,
			"D:(XD;;0x2;;;WD;" + x + ")(A;;0x3;;;WD)":              1,
			"D:(XD;;0x2;;;WD;(" + prefix + "x == 2))(A;;0x3;;;WD)": 3,
		} {
			d, err := access.Check(tok, sddl.MustParse("O:BAG:SY"+text+resource), winnt.MAXIMUM_ALLOWED, winnt.FileObject)
			check.That(t, err == nil && d.Granted&3 == want&3 && (d.Granted&0x1FFFFC == 0 || want != 0),
				"A-151: %s: %v, %v; want %v", text, d, err, want)
		}
	}
}

// If resource attributes share a name, the first readable one that applies to the object is used, at any position in
// the list.
func TestFirstReadableResourceAttributeIsUsed(t *testing.T) {
	attribute := func(name string, value int64, flags uint8) sd.ACE {
		a := claims.Attribute{Name: name, Type: claims.Int64, Ints: []int64{value}}
		return mustEntry(t, sd.SystemResourceAttribute, flags, 0, sd.ACEExtra{AppData: a.Append(nil)})
	}
	// The value of x in each entry, 0 for none.
	kinds := []struct {
		ace  sd.ACE
		says int64
	}{
		{attribute("x", 1, 0), 1}, {attribute("X", 2, sd.ContainerInherit), 2}, {attribute("y", 3, 0), 0},
		{attribute("x", 4, sd.InheritOnly|sd.ContainerInherit), 0},
		{mustEntry(t, sd.SystemResourceAttribute, 0, 0, sd.ACEExtra{AppData: []byte{1, 2, 3, 4}}), 0},
		{mustEntry(t, sd.SystemAudit, sd.SuccessfulAccess, 1, sd.ACEExtra{}), 0},
	}
	n := len(kinds)
	for at := range n * n * n {
		var aces []sd.ACE
		want := int64(0)
		for rest, i := at, 0; i < 3; rest, i = rest/n, i+1 {
			k := kinds[rest%n]
			aces = append(aces, k.ace)
			if want == 0 {
				want = k.says
			}
		}
		for value := int64(1); value <= 4; value++ {
			x, _, err := claims.ParseExpr(fmt.Sprintf("(@Resource.x == %d)", value), claims.ParseOptions{})
			check.NoError(t, err)
			allow := mustEntry(t, sd.AccessAllowedCallback, 0, 1, sd.ACEExtra{AppData: x.Encode()})
			r := ask(t, "…", 1)
			r.Descriptor = sd.New(sd.Parts{Owner: caseOther, Group: caseOther, DACL: mustACL(t, allow),
				SACL: mustACL(t, aces...)})
			if d, err := access.SeAccessCheck(r); err != nil || d.Allowed() != (value == want) {
				t.Errorf("A-110: list %d: (x == %d) = %v, %v; x is %d, want allowed %t", at, value, d, err, want, value == want)
			}
		}
	}
}

// mustEntry returns an entry for Everyone.
func mustEntry(t *testing.T, typ sd.Type, flags uint8, mask winnt.AccessMask, x sd.ACEExtra) sd.ACE {
	t.Helper()
	return check.Must(sd.NewACE(typ, flags, mask, sid.Everyone, x))
}
