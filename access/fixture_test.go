package access_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// benchToken returns a user with n SIDs. The last one is the group in the deciding entry.
func benchToken(t testing.TB, n int) *token.Token {
	s := baseSpec()
	s.Groups = nil
	for i := 1; i < n; i++ {
		s.Groups = append(s.Groups, token.Group{SID: domain.WithRID(uint32(5000 + i)), Attributes: enabled})
	}
	s.Groups[n-2].SID = caseG
	return mustToken(t, s)
}

// benchSD has ten entries with one mask: all reach the SID test and the last
// decides. strangers varies the SIDs that do not match.
func benchSD(t testing.TB, strangers uint32) *sd.Descriptor {
	var aces []sd.ACE
	for i := range uint32(10) {
		who := domain.WithRID(strangers + i)
		if i == 9 {
			who = caseG
		}
		aces = append(aces, check.Must(sd.NewACE(sd.AccessAllowed, 0, winnt.FILE_ALL_ACCESS, who)))
	}
	return sd.New(sd.Parts{Owner: sid.Administrators, Group: sid.LocalSystem, DACL: check.Must(sd.NewACL(aces...))})
}

// The names of section 14.
var (
	caseU     = sid.MustParse("S-1-5-21-1-2-3-1001")
	caseG     = sid.MustParse("S-1-5-21-1-2-3-2001")
	caseOther = sid.MustParse("S-1-5-21-1-2-3-1002")
	casePkg   = sid.MustParse("S-1-15-2-1-2-3")
	caseCap   = sid.MustParse("S-1-15-3-1")
	domain    = sid.MustParse("S-1-5-21-1-2-3")
)

const (
	enabled  = token.GroupDefault
	denyOnly = winnt.SE_GROUP_USE_FOR_DENY_ONLY
	maxMask  = winnt.MAXIMUM_ALLOWED
	saclBit  = winnt.ACCESS_SYSTEM_SECURITY
)

// baseSpec returns token T: {U; G, WD, AU enabled}, medium, no privileges,
// impersonation.
func baseSpec() token.Spec {
	return token.Spec{
		User: token.Group{SID: caseU},
		Groups: []token.Group{{SID: caseG, Attributes: enabled}, {SID: sid.Everyone, Attributes: enabled},
			{SID: sid.AuthenticatedUsers, Attributes: enabled}},
		Type:      winnt.TokenImpersonation,
		Level:     winnt.SecurityImpersonation,
		Integrity: sid.MediumLevel, MandatoryPolicy: winnt.TOKEN_MANDATORY_POLICY_NO_WRITE_UP,
	}
}

func mustToken(t testing.TB, s token.Spec) *token.Token {
	t.Helper()
	return check.Must(token.New(s))
}

// expand writes out the abbreviations of section 14: a leading "…" is
// O:BAG:SYD:, "U:" is O:<U>G:SYD:, "owned by G:" likewise, and ;U) ;G) ;P) ;CAP) are SIDs.
func expand(text string) string {
	text = strings.NewReplacer(";U)", ";"+caseU.String()+")", ";G)", ";"+caseG.String()+")", ";P)",
		";"+casePkg.String()+")", ";CAP)", ";"+caseCap.String()+")").Replace(text)
	if rest, ok := strings.CutPrefix(text, "…"); ok {
		return "O:BAG:SYD:" + rest
	}
	if rest, ok := strings.CutPrefix(text, "U:"); ok {
		return "O:" + caseU.String() + "G:SYD:" + rest
	}
	if rest, ok := strings.CutPrefix(text, "owned by G:"); ok {
		return "O:" + caseG.String() + "G:SYD:" + rest
	}
	return text
}

func mustSD(t testing.TB, text string) *sd.Descriptor {
	t.Helper()
	d, err := sddl.Parse(expand(text), sddl.Options{Domain: domain, Extended: true})
	check.RequireThat(t, err == nil, "%q: %v", text, err)
	return d
}

func privileges(ps ...winnt.Privilege) func(*token.Spec) {
	return func(s *token.Spec) {
		s.Privileges = winnt.Privileges(ps...)
		s.EnabledPrivileges = s.Privileges
	}
}

func join(fs ...func(*token.Spec)) func(*token.Spec) {
	return func(s *token.Spec) {
		for _, f := range fs {
			f(s)
		}
	}
}

func low(s *token.Spec) { s.Integrity = sid.LowLevel }

func groupG(attributes uint32) func(*token.Spec) {
	return func(s *token.Spec) { s.Groups[0].Attributes = attributes }
}

func restricted(sids ...sid.SID) func(*token.Spec) {
	return func(s *token.Spec) {
		for _, x := range sids {
			s.Restricted = append(s.Restricted, token.Group{SID: x})
		}
	}
}

func writeRestricted(s *token.Spec) { s.WriteRestricted = true }

func appContainer(s *token.Spec) {
	s.Package, s.Integrity = casePkg, sid.LowLevel
	s.Capabilities = []token.Group{{SID: caseCap, Attributes: winnt.SE_GROUP_ENABLED}}
}

func trust(text string) func(*token.Spec) {
	return func(s *token.Spec) { s.TrustLevel = sid.MustParse(text) }
}

func userClaims(as ...claims.Attribute) func(*token.Spec) {
	return func(s *token.Spec) { s.UserClaims = claimSet(as...) }
}

func claimSet(as ...claims.Attribute) *claims.Set {
	set, err := claims.NewSet(as)
	if err != nil {
		panic(err)
	}
	return set
}

func ints(name string, v ...int64) claims.Attribute {
	return claims.Attribute{Name: name, Type: claims.Int64, Ints: v}
}

func texts(name string, v ...string) claims.Attribute {
	return claims.Attribute{Name: name, Type: claims.String, Strings: v}
}

func groups(sids ...sid.SID) func(*token.Spec) {
	return func(s *token.Spec) {
		s.Groups = nil
		for _, x := range sids {
			s.Groups = append(s.Groups, token.Group{SID: x, Attributes: enabled})
		}
	}
}

func deviceGroups(sids ...sid.SID) func(*token.Spec) {
	return func(s *token.Spec) {
		for _, x := range sids {
			s.DeviceGroups = append(s.DeviceGroups, token.Group{SID: x, Attributes: enabled})
		}
	}
}

func selfIs(s sid.SID) func(*access.Request) { return func(r *access.Request) { r.Self = s } }

func intent(backup, restore bool) func(*access.Request) {
	return func(r *access.Request) { r.Intent = access.Intent{Backup: backup, Restore: restore} }
}

// entryPoints returns the decision of every entry point that accepts the request, by name.
func entryPoints(t *testing.T, r *access.Request) map[string]access.Decision {
	t.Helper()
	out := map[string]access.Decision{}
	d := check.Must(access.SeAccessCheck(r))
	out["SeAccessCheck"] = d
	d, x, err := access.Explain(r)
	check.NoError(t, err)
	out["Explain"] = d
	_ = x.String()
	if r.Desired&winnt.GENERIC_RIGHTS == 0 && r.Previous == 0 && r.Subject.Client != nil {
		call, d := access.NtAccessCheck(r)
		check.Require(t, call, ntstatus.Success, "NtAccessCheck: call status")
		out["NtAccessCheck"] = d
	}
	if r.Self.IsZero() && r.ObjectTypes == nil && r.Intent == (access.Intent{}) && r.Policies == nil &&
		r.Previous == 0 && r.Options.Callback == nil && !r.Options.ClaimsDisabled && !r.Options.ADOwnerReadOnly &&
		r.Mapping == nil {
		if d, err = access.Check(r.Subject.Effective(), r.Descriptor, r.Desired, r.Type); err != nil {
			t.Fatal(err)
		}
		if r.Subject.Primary == r.Subject.Effective() {
			out["Check"] = d
			if d, err = access.CheckBytes(r.Subject.Effective(), r.Descriptor.Binary(), r.Desired, r.Type); err != nil {
				t.Fatal(err)
			}
			out["CheckBytes"] = d
		}
	}
	return out
}

func mustDescriptor(text string) *sd.Descriptor {
	d, err := sddl.Parse(text)
	if err != nil {
		panic(err)
	}
	return d
}

// newRequest returns a request for a descriptor by the base token with some changes.
func newRequest(t testing.TB, text string, desired winnt.AccessMask, changes ...func(*token.Spec)) *access.Request {
	spec := baseSpec()
	join(changes...)(&spec)
	return &access.Request{Descriptor: mustSD(t, text), Subject: access.SubjectOf(mustToken(t, spec)),
		Desired: desired, Type: winnt.FileObject}
}

func primary(s *token.Spec) { s.Type, s.Level = winnt.TokenPrimary, 0 }

func level(l winnt.SecurityImpersonationLevel) func(*token.Spec) {
	return func(s *token.Spec) { s.Level = l }
}

// fullList returns a descriptor with a DACL as long as possible. It denies access to SIDs that the token does not
// have, and then to Everyone.
func fullList(t testing.TB) *sd.Descriptor {
	t.Helper()
	var aces []sd.ACE
	for size := 8; ; {
		s, ok := sid.New(5, 21, 1, 2, 3, uint32(5000+len(aces)))
		check.RequireThat(t, ok, "sid.New of a domain SID failed")
		a := check.Must(sd.NewACE(sd.AccessDenied, 0, winnt.FILE_ALL_ACCESS, s))
		if size += len(a.Binary()); size > 0xFFFF-64 {
			break
		}
		aces = append(aces, a)
	}
	last := check.Must(sd.NewACE(sd.AccessDenied, 0, winnt.FILE_ALL_ACCESS, sid.Everyone))
	list := check.Must(sd.NewACL(append(aces, last)...))
	return sd.New(sd.Parts{Owner: sid.Administrators, Group: sid.LocalSystem, DACL: list})
}

func medium(s *token.Spec) { s.Integrity = sid.MediumLevel }
