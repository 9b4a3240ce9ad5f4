package access_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A boolean compares only with the integers 0 and 1. A list with values of two types never equals an attribute of one
// type.
func TestBooleansCompareOnlyWithZeroAndOne(t *testing.T) {
	set, err := claims.NewSet([]claims.Attribute{
		{Name: "b", Type: claims.Boolean, Uints: []uint64{1}}, {Name: "n", Type: claims.Int64, Ints: []int64{1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	spec := baseSpec()
	spec.UserClaims = set
	tok := mustToken(t, spec)
	for condition, want := range map[string]bool{
		"(@User.b == 1)": true, "(@User.b == 0)": false, "(@User.b == 2)": false, "(@User.b != 2)": false,
		`(@User.b == "1")`: false, `(@User.n Any_of {1,"a"})`: false, `(@User.n Contains {1,2})`: false,
		"(@User.n Any_of {1,2})": true,
	} {
		d, err := access.Check(tok, sddl.MustParse("O:BAG:SYD:(XA;;0x1;;;WD;"+condition+")"), 1, winnt.FileObject)
		if err != nil || d.Allowed() != want {
			t.Errorf("A-155: %s: %v, %v; want allowed %v", condition, d, err, want)
		}
	}
}

// A deny-only claim is NULL in the conditions of allowing entries and has its value in those of denying entries. This
// holds for each kind of claim.
func TestDenyOnlyClaimIsNullForAllow(t *testing.T) {
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
			"D:(XA;;0x1;;;WD;(!(" + prefix + "x != 1)))":           0, // NULL is unknown, also negated
			"D:(XA;;0x1;;;WD;(Not_Exists " + prefix + "x))":        1,
			"D:(XD;;0x2;;;WD;" + x + ")(A;;0x3;;;WD)":              1,
			"D:(XD;;0x2;;;WD;(" + prefix + "x == 2))(A;;0x3;;;WD)": 3,
		} {
			d, err := access.Check(tok, sddl.MustParse("O:BAG:SY"+text+resource), winnt.MAXIMUM_ALLOWED,
				winnt.FileObject)
			if err != nil || d.Granted&3 != want&3 || d.Granted&0x1FFFFC != 0 && want == 0 {
				t.Errorf("A-151: %s: %v, %v; want %v", text, d, err, want)
			}
		}
	}
}

// The restricted check uses only the user and device claims that the filter named. The ordinary check uses all
// (T-67).
func TestRestrictedCheckUsesNamedClaims(t *testing.T) {
	set := func(names ...string) *claims.Set {
		var list []claims.Attribute
		for _, n := range names {
			list = append(list, claims.Attribute{Name: n, Type: claims.Int64, Ints: []int64{1}})
		}
		s, err := claims.NewSet(list)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	spec := token.StandardUser(sid.MustParse("S-1-5-21-1-2-3-1001"))
	spec.UserClaims, spec.DeviceClaims = set("kept", "gone"), set("kept", "gone")
	spec.Restricted = []token.Group{{SID: sid.Everyone}, {SID: sid.Restricted}}
	spec.RestrictedUserClaims, spec.RestrictedDeviceClaims = set("kept"), set("kept")
	restricted, err := token.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	spec.Restricted, spec.RestrictedUserClaims, spec.RestrictedDeviceClaims = nil, nil, nil
	plain, err := token.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		entries           string
		plain, restricted bool
	}{
		{"(XA;;FR;;;WD;(@User.kept == 1))", true, true},
		{"(XA;;FR;;;WD;(@User.gone == 1))", true, false},
		{"(XA;;FR;;;WD;(@Device.kept == 1))", true, true},
		{"(XA;;FR;;;WD;(@Device.gone == 1))", true, false},
		{"(XD;;FR;;;WD;(@User.kept == 1))(A;;FR;;;WD)", false, false},
		// The ordinary check of a restricted token also uses the claims that the filter removed.
		{"(XA;;FR;;;AU;(@User.gone == 1))(A;;FR;;;RC)", true, true},
		{"(XA;;FR;;;AU;(@Device.gone == 1))(A;;FR;;;RC)", true, true},
		{"(XD;;FR;;;AU;(@User.gone == 1))(A;;FR;;;AU)(A;;FR;;;RC)", false, false},
		{"(XD;;FR;;;WD;(Not_Exists @User.gone))(A;;FR;;;WD)", true, false},
		{"(XD;;FR;;;WD;(Not_Exists @Device.gone))(A;;FR;;;WD)", true, false},
	} {
		d := sddl.MustParse("O:SYG:SYD:" + c.entries)
		for tok, want := range map[*token.Token]bool{plain: c.plain, restricted: c.restricted} {
			got, err := access.Check(tok, d, winnt.FILE_GENERIC_READ, winnt.FileObject)
			if err != nil || got.Allowed() != want {
				t.Errorf("T-67: %s, restricted token %t: allowed %t, %v; want %t", c.entries, tok.IsRestricted(),
					got.Allowed(), err, want)
			}
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
			if err != nil {
				t.Fatal(err)
			}
			allow := mustEntry(t, sd.AccessAllowedCallback, 0, 1, sd.ACEExtra{AppData: x.Encode()})
			r := ask(t, "…", 1)
			r.Descriptor = sd.New(sd.Parts{Owner: caseOther, Group: caseOther, DACL: mustACL(t, allow),
				SACL: mustACL(t, aces...)})
			if d, err := access.SeAccessCheck(r); err != nil || d.Allowed() != (value == want) {
				t.Errorf("A-110: list %d: (x == %d) = %v, %v; x is %d, want allowed %t", at, value, d, err, want,
					value == want)
			}
		}
	}
}

// mustEntry returns an entry for Everyone.
func mustEntry(t *testing.T, typ sd.Type, flags uint8, mask winnt.AccessMask, x sd.ACEExtra) sd.ACE {
	t.Helper()
	a, err := sd.NewACE(typ, flags, mask, sid.Everyone, x)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// An unknown condition makes an allowing entry inapplicable and a denying entry applicable.
func TestUnknownConditionDenies(t *testing.T) {
	for truth, want := range map[claims.Truth][2]ntstatus.Status{
		claims.True:    {ntstatus.Success, ntstatus.AccessDenied},
		claims.False:   {ntstatus.AccessDenied, ntstatus.Success},
		claims.Unknown: {ntstatus.AccessDenied, ntstatus.AccessDenied},
	} {
		cond := map[claims.Truth]string{claims.True: "(@User.x == 1)", claims.False: "(@User.x == 2)",
			claims.Unknown: "(!(@User.y == 1))"}[truth]
		for i, text := range []string{"…(XA;;0x1;;;WD;" + cond + ")", "…(XD;;0x1;;;WD;" + cond + ")(A;;0x1;;;WD)"} {
			r := ask(t, text, 1, userClaims(ints("x", 1)))
			if d, err := access.SeAccessCheck(r); err != nil || d.Status() != want[i] {
				t.Errorf("A-111: %s: %+v, %v; want %v", text, d, err, want[i])
			}
		}
	}
}

// The callback is called with each matching callback entry and the effective token, once for each check that has to
// decide the entry's rights. It is not called for conditional entries.
func TestCallbackGetsMatchingCallbackEntries(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*token.Spec)
		want   []string
	}{
		"one pass":   {nil, []string{"01020304", "05060708"}},
		"restricted": {restricted(sid.Everyone), []string{"01020304", "05060708", "01020304"}},
	} {
		pc := plainCase{sd: "…(A;;0x4;;;WD)(0x09;;0x1;;;WD;#01020304)(XA;;0x1;;;WD;(@User.x==1))" +
			"(0x09;;0x1;;;BG;#01020304)(0x0a;IO;0x2;;;WD;#01020304)(0x0a;;0x2;;;WD;#05060708)", desired: maxMask,
			change: c.change}
		r := pc.request(t)
		var got []string
		r.Options.Callback = func(a sd.ACE, tok *token.Token) claims.Truth {
			if got = append(got, fmt.Sprintf("%x", a.AppData())); tok != r.Subject.Client {
				t.Errorf("%s: the callback got another token than the client's", name)
			}
			return claims.True
		}
		if d, err := access.SeAccessCheck(r); err != nil || d.Granted != 5 || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v, callback called with %v; want %v", name, d, err, got, c.want)
		}
	}
}
