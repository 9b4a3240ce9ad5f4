package effective_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Restricted tokens that differ in one thing that only the restricted pass asks for have different
// fingerprints, and the check tells them apart.
func TestFingerprintsOfRestrictedTokens(t *testing.T) {
	n := func(v int64) *claims.Set {
		return must(claims.NewSet([]claims.Attribute{{Name: "n", Type: claims.Int64, Ints: []int64{v}}}))
	}
	member := func(s sid.SID) []token.Group { return []token.Group{{SID: s, Attributes: token.GroupDefault}} }
	filtered := func(lists ...[]token.Group) func(*token.Token) *token.Token {
		return func(tok *token.Token) *token.Token {
			for _, l := range lists {
				next, st := tok.Filter(token.FilterSpec{Restrict: l})
				if st != ntstatus.Success {
					t.Fatal(st)
				}
				tok = next
			}
			return tok
		}
	}
	world, users := token.Group{SID: sid.Everyone}, token.Group{SID: sid.Users}
	same := func(tok *token.Token) *token.Token { return tok }
	for _, c := range []struct {
		name       string
		one, other func(*token.Spec)
		made       [2]func(*token.Token) *token.Token
		entries    string
	}{
		{name: "a restricted claim of the user", one: func(s *token.Spec) { s.RestrictedUserClaims = n(1) },
			other: func(s *token.Spec) { s.RestrictedUserClaims = n(2) }, entries: "(XA;;FW;;;WD;(@User.n == 1))"},
		{name: "a restricted claim of the device", one: func(s *token.Spec) { s.RestrictedDeviceClaims = n(1) },
			other: func(s *token.Spec) { s.RestrictedDeviceClaims = n(2) }, entries: "(XA;;FW;;;WD;(@Device.n == 1))"},
		{name: "a restricting group of the device", one: func(s *token.Spec) { s.RestrictedDeviceGroups = member(sid.Users) },
			other:   func(s *token.Spec) { s.RestrictedDeviceGroups = member(sid.Guests) },
			entries: "(XA;;FW;;;WD;(Device_Member_of {SID(BU)}))"},
		{name: "a restricting SID that only denies", one: func(s *token.Spec) { s.Restricted = nil },
			other: func(s *token.Spec) { s.Restricted = nil }, entries: "(D;;FW;;;BU)(A;;FW;;;WD)",
			made: [2]func(*token.Token) *token.Token{
				filtered([]token.Group{world}), filtered([]token.Group{world, users}, []token.Group{world}),
			}},
	} {
		var pair [2]*token.Token
		var allowed [2]bool
		for i, change := range []func(*token.Spec){c.one, c.other} {
			spec := token.Spec{User: token.Group{SID: worldUsers[0]}, Groups: member(sid.Everyone),
				Restricted: []token.Group{world}, UserClaims: n(1), DeviceClaims: n(1), DeviceGroups: member(sid.Users)}
			change(&spec)
			made := c.made[i]
			if made == nil {
				made = same
			}
			pair[i] = made(must(token.New(spec)))
			d := must(access.Check(pair[i], sddl.MustParse("O:BAG:SYD:"+c.entries), winnt.FILE_WRITE_DATA, winnt.FileObject))
			allowed[i] = d.Allowed()
		}
		if allowed != [2]bool{true, false} {
			t.Errorf("%s: the check says %v", c.name, allowed)
		}
		if effective.Fingerprint(pair[0]) == effective.Fingerprint(pair[1]) {
			t.Errorf("A-141 %s: equal fingerprints", c.name)
		}
	}
}

// A denial under a condition is decided for who has its SID for deny only, too, and for who has it
// disabled or not at all it is not.
func TestConditionalDenials(t *testing.T) {
	d := sddl.MustParse("O:BAG:SYD:(XD;;FW;;;BG;(Member_of {SID(WD)}))(OD;;FW;;;SU)(A;;FA;;;WD)")
	var tokens []*token.Token
	attributes := []uint32{winnt.SE_GROUP_USE_FOR_DENY_ONLY, token.GroupDefault, token.GroupDisabled}
	for _, a := range attributes {
		for _, s := range []sid.SID{sid.Guests, sid.Service, sid.Users} {
			tokens = append(tokens, must(token.New(token.Spec{User: token.Group{SID: worldUsers[len(tokens)%3]},
				Groups: []token.Group{{SID: sid.Everyone, Attributes: token.GroupDefault}, {SID: s, Attributes: a}}})))
		}
	}
	e := must(effective.NewEvaluator(effective.Compile(tokens, effective.Config{}),
		effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{winnt.FILE_WRITE_DATA}}))
	may := e.Allowed(d)[0]
	for i := range tokens {
		want := i >= 6 || i%3 == 2 // disabled, or a group that no entry denies
		if may.Has(i) != want {
			t.Errorf("token %d: %v, want %v", i, may.Has(i), want)
		}
	}
}
