package access_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// T-67: the restricted pass sees the user's and the device's claims that the
// filter named, the ordinary pass sees all of them.
func TestRestrictedPassSeesNamedClaims(t *testing.T) {
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
		// The ordinary pass of a restricted token sees what the filter took away, too.
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
				t.Errorf("%s, restricted %t: allowed %t, %v, want %t", c.entries, tok.IsRestricted(), got.Allowed(),
					err, want)
			}
		}
	}
}
