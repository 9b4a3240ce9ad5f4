package token_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Spec returns every field of the Spec that the token was made from. A field that was omitted is the only one that
// differs.
func TestSpecReturnsEveryField(t *testing.T) {
	s := everything(t)
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		check.That(t, !v.Field(i).IsZero(), "everything() leaves the field %s at its zero value", v.Type().Field(i).Name)
	}
	if d := differs(must(t, s).Spec(), s); d != nil {
		t.Errorf("Spec() differs from the given Spec in %v, want no field\ngot  %v\nwant %v", d,
			fields(must(t, s).Spec()), fields(s))
	}
	tok := must(t, s)
	check.Equal(t, tok.TrustLevel(), s.TrustLevel, "TrustLevel")
	check.Equal(t, tok.RestrictedDeviceClaims(), s.RestrictedDeviceClaims, "RestrictedDeviceClaims")
	s.Groups[0] = token.Group{SID: sid.Guests}
	_, ok := attributes(t, tok, sid.Guests)
	check.That(t, !ok, "the token shares the caller's slice of groups")
	s = everything(t)
	plain := s
	plain.DefaultPrivileges = 0
	for p := winnt.FirstPrivilege; p <= winnt.LastPrivilege; p++ {
		check.Equal(t, must(t, plain).Has(p), s.EnabledPrivileges.Has(p), "Has(%v)", p)
	}
	for _, name := range []string{"Restricted", "SandboxInert", "WriteRestricted", "DefaultPrivileges", "ParentTokenID",
		"OriginatingLogon", "ModifiedID", "AuthenticationID", "SessionID", "MandatoryPolicy", "DefaultDACL", "Flags",
		"LowPrivilege", "LowBoxNumber", "Capabilities", "UserClaims", "DeviceClaims", "LocalAttributes", "DeviceGroups",
		"RestrictedDeviceGroups", "TrustLevel", "RestrictedUserClaims", "RestrictedDeviceClaims", "AuditPolicy",
		"IsolationPrefix", "Source"} {
		without := s
		reflect.ValueOf(&without).Elem().FieldByName(name).SetZero()
		d := differs(must(t, without).Spec(), s)
		check.That(t, len(d) == 1 && d[0] == name, "without %s the Specs differ in %v, want only that field", name, d)
	}
}

// Zero values of a Spec have the documented defaults.
func TestZeroSpecFieldsHaveDefaults(t *testing.T) {
	tok := must(t, token.Spec{User: token.Group{SID: userU}})
	check.Equal(t, must(t, setup()).DynamicAvailable(), 500-16, "available bytes, of which the primary group takes 16")
	s := setup()
	s.DefaultDACL = sddl.MustParse("D:(A;;GA;;;WD)").DACL()
	check.Equal(t, must(t, s).DynamicAvailable(), 500-16-28, "available bytes, of which the default DACL takes 28")
	s.DynamicCharged = 16 + 28
	check.Equal(t, must(t, s).DynamicAvailable(), 0, "available bytes of a token whose space is full")
	s.DefaultDACL, s.DynamicCharged = sddl.MustParse("D:"+strings.Repeat("(A;;GA;;;WD)", 30)).DACL(), 0
	check.Equal(t, must(t, s).DynamicCharged(), 16+8+30*20, "space reserved for a long default DACL")
	flagged := must(t, token.Spec{User: token.Group{SID: userU}, Restricted: restricting(groupG1),
		Flags: winnt.TOKEN_WRITE_RESTRICTED | winnt.TOKEN_SANDBOX_INERT}) // the fields of the two flags count
	check.That(t, !flagged.WriteRestricted() && !flagged.SandboxInert(), "Flags restricts in writing, or inertly")
	level := token.Group{SID: sid.HighLevel, Attributes: winnt.SE_GROUP_INTEGRITY}
	for _, c := range []struct {
		groups []token.Group
		want   sid.SID
	}{{restricting(groupG1), groupG1}, {[]token.Group{level}, userU}, {[]token.Group{level, {SID: groupG1}}, groupG1},
		{[]token.Group{{SID: groupG2}, level, {SID: groupG1}}, groupG2}} {
		got := must(t, token.Spec{User: token.Group{SID: userU}, Groups: c.groups}).PrimaryGroup()
		check.Equal(t, got, c.want, "primary group of a token with the groups %v", c.groups)
	}
	check.That(t, new(token.Token).IsZero() && (*token.Token)(nil).IsZero() && !tok.IsZero(),
		"IsZero is wrong for an empty Token, nil or a token of New")
	got := tok.Spec()
	want := token.Spec{User: token.Group{SID: userU}, Type: winnt.TokenPrimary, ExpirationTime: token.NeverExpires,
		ElevationType: winnt.TokenElevationTypeDefault, Owner: userU, PrimaryGroup: userU, DynamicCharged: 500}
	d := differs(got, want)
	check.That(t, d == nil, "Spec() differs from the documented defaults in %v, want no field", d)
	got = must(t, token.Spec{User: token.Group{SID: userU}, Groups: []token.Group{
		{SID: sid.HighLevel, Attributes: winnt.SE_GROUP_INTEGRITY}, {SID: groupG2}, {SID: groupG1}},
		Restricted: restricting(groupG1), Package: sid.MustParse("S-1-15-2-1"),
		Capabilities:           []token.Group{{SID: sid.MustParse("S-1-15-3-1")}},
		RestrictedDeviceGroups: restricting(groupG2)}).Spec()
	if got.PrimaryGroup != groupG2 || got.Integrity != sid.HighLevel || !got.IsRestricted ||
		got.Restricted[0].Attributes != token.GroupDefault || got.Capabilities[0].Attributes != winnt.SE_GROUP_ENABLED ||
		got.RestrictedDeviceGroups[0].Attributes != token.GroupDefault {
		t.Errorf("Spec() = %+v, want the first group as the primary group, and the documented default attributes", got)
	}
}
