package token_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// newRand returns a random source with the seed of package randtest.
func newRand(t testing.TB) *rand.Rand {
	return rand.New(rand.NewPCG(randtest.Seed(t), 1))
}

// The token of setup has user U, the mandatory group Users, the enabled and not mandatory group G1 and the disabled
// group G2. SeChangeNotifyPrivilege is enabled, SeShutdownPrivilege is held but disabled.
var (
	userU   = account(1001)
	groupG1 = account(2001)
	groupG2 = account(2002)
)

func setup(extra ...token.Group) token.Spec {
	return token.Spec{
		User: token.Group{SID: userU},
		Groups: append([]token.Group{
			{SID: sid.Users, Attributes: winnt.SE_GROUP_MANDATORY},
			{SID: groupG1, Attributes: winnt.SE_GROUP_ENABLED | winnt.SE_GROUP_ENABLED_BY_DEFAULT},
			{SID: groupG2, Attributes: token.GroupDisabled},
		}, extra...),
		Privileges:        winnt.Privileges(winnt.SeChangeNotifyPrivilege, winnt.SeShutdownPrivilege),
		EnabledPrivileges: winnt.Privileges(winnt.SeChangeNotifyPrivilege),
		DefaultPrivileges: winnt.Privileges(winnt.SeChangeNotifyPrivilege),
		Integrity:         sid.MediumLevel,
		ModifiedID:        100,
		AuthenticationID:  0x5000,
	}
}

func attributes(t testing.TB, tok *token.Token, s sid.SID) (uint32, bool) {
	t.Helper()
	for _, g := range tok.Groups() {
		if g.SID == s {
			return g.Attributes, true
		}
	}
	return 0, false
}

func wantStatus(t testing.TB, what string, got, want ntstatus.Status) {
	t.Helper()
	check.Equal(t, got, want, "%s", what)
}

func filter(t testing.TB, tok *token.Token, f token.FilterSpec) *token.Token {
	t.Helper()
	return check.Result(tok.Filter(f))
}

func restricting(sids ...sid.SID) (out []token.Group) {
	for _, s := range sids {
		out = append(out, token.Group{SID: s})
	}
	return out
}

// manyGroups returns a standard user in n groups of a domain. If some is true, every third group is disabled.
func manyGroups(n int, some bool) token.Spec {
	s := token.StandardUser(account(1001))
	s.Groups = nil
	for i := range n {
		g := token.Group{SID: account(uint32(5000 + i)), Attributes: token.GroupDefault}
		if some && i%3 == 0 {
			g.Attributes = winnt.SE_GROUP_OWNER
		}
		s.Groups = append(s.Groups, g)
	}
	return s
}

// account returns S-1-5-21-1-2-3-rid, a SID of the test domain.
func account(rid uint32) sid.SID {
	s, _ := sid.New(5, 21, 1, 2, 3, rid)
	return s
}

func must(t testing.TB, s token.Spec) *token.Token {
	t.Helper()
	return check.Must(token.New(s))
}

const designExample = `{"user":"S-1-5-21-1-2-3-1107",
 "groups":["DU",{"sid":"S-1-5-21-1-2-3-2001","attributes":["UseForDenyOnly"]}],
 "privileges":["SeChangeNotifyPrivilege",{"name":"SeBackupPrivilege","attributes":[]}],
 "type":"Impersonation","impersonationLevel":"Impersonation",
 "integrityLevel":"Medium","mandatoryPolicy":["NoWriteUp","NewProcessMin"],
 "owner":"S-1-5-21-1-2-3-1107","primaryGroup":"DU","defaultDacl":"D:(A;;GA;;;SY)",
 "restrictedSids":[],"writeRestricted":false,
 "appContainer":{"packageSid":"S-1-15-2-1-2-3","capabilities":["S-1-15-3-1"],"lowPrivilege":false},
 "userClaims":[{"name":"Department","type":"string","values":["Engineering"]}],"deviceClaims":[],"deviceGroups":[],
 "authenticationId":"0x3e7","sessionId":0,"source":"User32"}`

func first(t *token.Token, _ []token.Group, _ ntstatus.Status) *token.Token { return t }

func lowbox(t testing.TB, tok *token.Token, pkg string, caps ...string) *token.Token {
	t.Helper()
	l := token.LowBoxSpec{Package: sid.MustParse(pkg), Number: 4, ModifiedID: 300}
	for _, c := range caps {
		l.Capabilities = append(l.Capabilities, token.Group{SID: sid.MustParse(c)})
	}
	n, st := tok.LowBox(l)
	check.RequireThat(t, st == ntstatus.Success, "LowBox: %v, want success", st)
	return n
}

func parse(t testing.TB, text string) *token.Token {
	t.Helper()
	return check.Must(token.Parse([]byte(text)))
}

// everything returns a Spec in which every field differs from its zero value and its default.
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

// fields formats each field of a Spec, by field name.
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

// differs returns the names of the fields in which two Specs differ.
func differs(a, b token.Spec) (out []string) {
	x, y := fields(a), fields(b)
	for i, typ := 0, reflect.TypeFor[token.Spec](); i < typ.NumField(); i++ {
		if name := typ.Field(i).Name; x[name] != y[name] {
			out = append(out, name)
		}
	}
	return out
}
