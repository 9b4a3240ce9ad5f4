package token_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// everything is a Spec in which no field has its zero value, nor what stands for
// it.
func everything(t testing.TB) token.Spec {
	s := setup()
	s.Groups = append(s.Groups,
		token.Group{SID: sid.Administrators, Attributes: token.GroupDefault | winnt.SE_GROUP_OWNER},
		token.Group{SID: s.Integrity, Attributes: winnt.SE_GROUP_INTEGRITY | winnt.SE_GROUP_INTEGRITY_ENABLED})
	s.Groups[0].Attributes = token.GroupDefault
	s.Restricted = []token.Group{{SID: sid.Users, Attributes: token.GroupDefault},
		{SID: sid.Guests, Attributes: winnt.SE_GROUP_ENABLED},
		{SID: sid.Everyone, Attributes: winnt.SE_GROUP_USE_FOR_DENY_ONLY}}
	s.IsRestricted, s.WriteRestricted, s.SandboxInert = true, true, true
	s.Type, s.Level = winnt.TokenImpersonation, winnt.SecurityDelegation
	s.ParentTokenID, s.OriginatingLogon, s.ExpirationTime, s.SessionID = 6, 7, 8, 9
	s.Source = token.Source{Name: "Test", ID: 10}
	s.MandatoryPolicy, s.Owner, s.PrimaryGroup = 3, sid.Administrators, groupG2
	var err error
	if s.DefaultDACL, err = sd.NewACL(); err != nil {
		t.Fatal(err)
	}
	s.ElevationType, s.Flags = winnt.TokenElevationTypeFull, winnt.TOKEN_UIACCESS|winnt.TOKEN_SESSION_NOT_REFERENCED
	s.Package, s.LowPrivilege, s.LowBoxNumber = sid.MustParse("S-1-15-2-1-2"), true, 11
	s.Capabilities = []token.Group{{SID: sid.MustParse("S-1-15-3-1"), Attributes: winnt.SE_GROUP_ENABLED},
		{SID: sid.MustParse("S-1-15-3-2"), Attributes: winnt.SE_GROUP_MANDATORY}}
	s.UserClaims, s.DeviceClaims = claimsOf(t, attr("u", 0, 1)), claimsOf(t, attr("d", 0, 1))
	s.LocalAttributes = claimsOf(t, attr("l", 0, 1))
	s.RestrictedUserClaims, s.RestrictedDeviceClaims = claimsOf(t, attr("ru", 0, 1)), claimsOf(t, attr("rd", 0, 1))
	s.DeviceGroups = []token.Group{{SID: groupG1, Attributes: token.GroupDefault}, {SID: groupG2}}
	s.RestrictedDeviceGroups = []token.Group{{SID: groupG2, Attributes: token.GroupDefault}}
	s.TrustLevel = sid.MustParse("S-1-19-512-8192")
	s.AuditPolicy, s.IsolationPrefix = strings.Repeat("\x11", token.AuditPolicySize), `\Sessions\1`
	s.DynamicCharged = 600
	return s
}

// fields writes each field of a Spec apart.
func fields(s token.Spec) map[string]string {
	out := map[string]string{}
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		f := v.Field(i).Interface()
		switch x := f.(type) {
		case *claims.Set:
			f = fmt.Sprintf("%p", x)
		case *sd.ACL:
			f = fmt.Sprintf("%p", x)
		}
		out[v.Type().Field(i).Name] = fmt.Sprintf("%v", f)
	}
	return out
}

// differs lists the fields in which two Specs differ.
func differs(a, b token.Spec) (out []string) {
	x, y := fields(a), fields(b)
	for i, typ := 0, reflect.TypeFor[token.Spec](); i < typ.NumField(); i++ {
		if name := typ.Field(i).Name; x[name] != y[name] {
			out = append(out, name)
		}
	}
	return out
}

// TestEveryFieldIsKept: a token made of a Spec tells all of it again, and each
// field that is left out is missing alone.
func TestEveryFieldIsKept(t *testing.T) {
	s := everything(t)
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("everything has no %s", v.Type().Field(i).Name)
		}
	}
	if d := differs(must(t, s).Spec(), s); d != nil {
		t.Errorf("other than it was made: %v\n%v\n%v", d, fields(must(t, s).Spec()), fields(s))
	}
	for _, name := range []string{"Restricted", "SandboxInert", "WriteRestricted", "DefaultPrivileges", "ParentTokenID",
		"OriginatingLogon", "ModifiedID", "AuthenticationID", "SessionID", "MandatoryPolicy", "DefaultDACL", "Flags",
		"LowPrivilege", "LowBoxNumber", "Capabilities", "UserClaims", "DeviceClaims", "LocalAttributes", "DeviceGroups",
		"RestrictedDeviceGroups", "TrustLevel", "RestrictedUserClaims", "RestrictedDeviceClaims", "AuditPolicy",
		"IsolationPrefix", "Source"} {
		without := s
		reflect.ValueOf(&without).Elem().FieldByName(name).SetZero()
		if d := differs(must(t, without).Spec(), s); len(d) != 1 || d[0] != name {
			t.Errorf("without %s these differ: %v", name, d)
		}
	}
}

// TestDefaults: what zero stands for, as the comments of Spec say.
func TestDefaults(t *testing.T) {
	got := must(t, token.Spec{User: token.Group{SID: userU}}).Spec()
	want := token.Spec{User: token.Group{SID: userU}, Type: winnt.TokenPrimary, ExpirationTime: token.NeverExpires,
		ElevationType: winnt.TokenElevationTypeDefault, Owner: userU, PrimaryGroup: userU, DynamicCharged: 500}
	if d := differs(got, want); d != nil {
		t.Errorf("these differ: %v", d)
	}
	got = must(t, token.Spec{User: token.Group{SID: userU}, Groups: []token.Group{
		{SID: sid.HighLevel, Attributes: winnt.SE_GROUP_INTEGRITY}, {SID: groupG2}, {SID: groupG1}},
		Restricted: restricting(groupG1), Package: sid.MustParse("S-1-15-2-1"),
		Capabilities:           []token.Group{{SID: sid.MustParse("S-1-15-3-1")}},
		RestrictedDeviceGroups: restricting(groupG2)}).Spec()
	if got.PrimaryGroup != groupG2 || got.Integrity != sid.HighLevel || !got.IsRestricted ||
		got.Restricted[0].Attributes != token.GroupDefault || got.Capabilities[0].Attributes != winnt.SE_GROUP_ENABLED ||
		got.RestrictedDeviceGroups[0].Attributes != token.GroupDefault {
		t.Errorf("%+v", got)
	}
}

// TestSettersChangeOneThing: each setter changes its field and ModifiedId, as its
// comment says, and nothing else; the receiver stays.
func TestSettersChangeOneThing(t *testing.T) {
	tok := must(t, everything(t))
	before := tok.Spec()
	list, _ := sd.NewACL()
	with := func(n *token.Token, st ntstatus.Status) *token.Token {
		t.Helper()
		wantStatus(t, "setter", st, ntstatus.Success)
		return n
	}
	for _, c := range []struct {
		n    *token.Token
		want []string
	}{
		{with(tok.WithOwner(70, userU)), []string{"ModifiedID", "Owner"}},
		{with(tok.WithPrimaryGroup(70, userU)), []string{"ModifiedID", "PrimaryGroup"}},
		{with(tok.WithDefaultDACL(70, list)), []string{"ModifiedID", "DefaultDACL"}},
		{with(tok.WithDefaultDACL(70, nil)), []string{"ModifiedID", "DefaultDACL"}},
		{tok.WithSessionID(70, 2), []string{"ModifiedID", "SessionID"}},
		{with(tok.WithIntegrity(70, sid.LowLevel)), []string{"Groups", "ModifiedID", "Integrity"}},
		{with(tok.WithMandatoryPolicy(70, 1)), []string{"ModifiedID", "MandatoryPolicy"}},
		{tok.WithFlags(70, winnt.TOKEN_VIRTUALIZE_ALLOWED, 0), []string{"ModifiedID", "Flags"}},
		{tok.WithFlags(70, 0, winnt.TOKEN_UIACCESS), []string{"ModifiedID", "Flags"}},
		{tok.WithFlags(70, winnt.TOKEN_IS_FILTERED|winnt.TOKEN_IS_RESTRICTED, winnt.TOKEN_WRITE_RESTRICTED|
			winnt.TOKEN_SANDBOX_INERT), []string{"ModifiedID"}},
		{tok.WithTypeLevel(winnt.TokenPrimary, 0), []string{"Type", "Level"}},
	} {
		if d := differs(c.n.Spec(), before); !reflect.DeepEqual(d, c.want) {
			t.Errorf("these differ: %v, want %v", d, c.want)
		}
		if id := c.n.Spec().ModifiedID; id != 70 && c.want[0] == "ModifiedID" {
			t.Errorf("ModifiedId %v", id)
		}
		if d := differs(tok.Spec(), before); d != nil {
			t.Fatalf("the receiver changed: %v", d)
		}
	}
	if f := tok.WithFlags(70, winnt.TOKEN_VIRTUALIZE_ALLOWED, winnt.TOKEN_UIACCESS).Flags(); f&winnt.TOKEN_UIACCESS != 0 ||
		f&winnt.TOKEN_VIRTUALIZE_ALLOWED == 0 || f&winnt.TOKEN_SESSION_NOT_REFERENCED == 0 {
		t.Errorf("flags %#x", f)
	}
}

// TestSettersRefuse: what a setter refuses gives no token.
func TestSettersRefuse(t *testing.T) {
	tok := must(t, everything(t))
	fit, _ := sd.NewACE(sd.AccessAllowed, 0, 1, userU) // 36 bytes
	var aces []sd.ACE
	for range 15 {
		aces = append(aces, fit)
	}
	// 15 entries are 548 bytes, beside a primary group of 28: 576 of 600. 16 are
	// 584, and 600 beside one of 16.
	full, _ := sd.NewACL(aces...)
	over, _ := sd.NewACL(append(aces, fit)...)
	exact, _ := must(t, everything(t)).WithPrimaryGroup(1, sid.Administrators)
	withFull, st := tok.WithDefaultDACL(1, full)
	wantStatus(t, "a list that fits", st, ntstatus.Success)
	for _, c := range []struct {
		name string
		set  func() (*token.Token, ntstatus.Status)
		want ntstatus.Status
	}{
		{"a list too long", func() (*token.Token, ntstatus.Status) { return tok.WithDefaultDACL(1, over) },
			ntstatus.AllottedSpaceExceeded},
		{"a list that fills the space", func() (*token.Token, ntstatus.Status) { return exact.WithDefaultDACL(1, over) }, 0},
		{"a group that fits", func() (*token.Token, ntstatus.Status) { return withFull.WithPrimaryGroup(1, userU) }, 0},
		{"a group too long, before it is looked for", func() (*token.Token, ntstatus.Status) {
			return withFull.WithPrimaryGroup(1, sid.MustParse("S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13"))
		}, ntstatus.AllottedSpaceExceeded},
		{"another group", func() (*token.Token, ntstatus.Status) { return tok.WithPrimaryGroup(1, sid.Guests) },
			ntstatus.InvalidPrimaryGroup},
		{"an owner for deny only", func() (*token.Token, ntstatus.Status) {
			n := filter(t, tok, token.FilterSpec{Disable: []sid.SID{sid.Administrators}})
			return n.WithOwner(1, sid.Administrators)
		}, ntstatus.InvalidOwner},
		{"policy 4", func() (*token.Token, ntstatus.Status) { return tok.WithMandatoryPolicy(1, 4) },
			ntstatus.InvalidParameter},
		{"policy 3", func() (*token.Token, ntstatus.Status) { return tok.WithMandatoryPolicy(1, 3) }, 0},
		{"a second origin", func() (*token.Token, ntstatus.Status) { return tok.WithOriginatingLogon(1, 5) },
			ntstatus.InvalidParameter},
		{"a first one", func() (*token.Token, ntstatus.Status) { return must(t, setup()).WithOriginatingLogon(1, 5) }, 0},
		{"level S-1-16-1-2", func() (*token.Token, ntstatus.Status) {
			return tok.WithIntegrity(1, sid.MustParse("S-1-16-1-2"))
		}, ntstatus.InvalidParameter},
	} {
		n, st := c.set()
		wantStatus(t, c.name, st, c.want)
		if (n == nil) != (c.want != ntstatus.Success) {
			t.Errorf("%s: a token beside %v: %t", c.name, c.want, n != nil)
		}
	}
	n, _ := must(t, setup()).WithOriginatingLogon(1, 5)
	if n.Spec().OriginatingLogon != 5 || n.ModifiedID() != 1 {
		t.Error("the origin was not set")
	}
}
