package token_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Equal ignores type, level, order, session, source and defaults. It compares the state of each group, privileges,
// integrity, packages, and restricting SIDs as sets. A restricting SID that a second filter dropped counts, because it
// still denies (TC-49, T-68, T-100).
func TestEqualComparesAccessNotIdentity(t *testing.T) {
	tok := must(t, setup())
	reversed := setup()
	slices.Reverse(reversed.Groups)
	reversed.SessionID, reversed.Source.Name, reversed.PrimaryGroup = 9, "x", userU
	denied := setup()
	denied.User.Attributes = winnt.SE_GROUP_USE_FOR_DENY_ONLY
	off, _, _ := tok.AdjustPrivileges(200, true, nil)
	administrators := func(attributes uint32) *token.Token {
		return must(t, setup(token.Group{SID: sid.Administrators, Attributes: attributes}))
	}
	box := func(name, capability string) *token.Token { return lowbox(t, tok, name, capability) }
	both := filter(t, tok, token.FilterSpec{Restrict: restricting(sid.Users, sid.Everyone)})
	users := token.FilterSpec{Restrict: restricting(sid.Users)}
	// Tokens with one name are equal, others are not.
	classes := map[string][]*token.Token{
		"the token": {tok, must(t, reversed), tok.WithTypeLevel(winnt.TokenImpersonation,
			winnt.SecurityIdentification)},
		"privileges disabled":      {off},
		"a privilege deleted":      {filter(t, tok, token.FilterSpec{Delete: winnt.SeShutdownPrivilege.Bit()})},
		"the user deny-only":       {must(t, denied)},
		"G1 disabled":              {first(tok.AdjustGroups(1, false, []token.Group{{SID: groupG1}}))},
		"Users deny-only":          {filter(t, tok, token.FilterSpec{Disable: []sid.SID{sid.Users}})},
		"effective only":           {tok.EffectiveOnly()},
		"one group more":           {must(t, setup(token.Group{SID: sid.Everyone, Attributes: 7}))},
		"Administrators disabled":  {administrators(token.GroupDisabled)},
		"Administrators enabled":   {administrators(winnt.SE_GROUP_ENABLED)},
		"Administrators deny-only": {administrators(winnt.SE_GROUP_USE_FOR_DENY_ONLY)},
		"lower integrity":          {check.Result(tok.WithIntegrity(1, sid.LowLevel))},
		"a package":                {box("S-1-15-2-1-2-3", "S-1-15-3-1"), box("S-1-15-2-1-2-3", "S-1-15-3-1")},
		"another package":          {box("S-1-15-2-1-2-4", "S-1-15-3-1")},
		"another capability":       {box("S-1-15-2-1-2-3", "S-1-15-3-2")},
		"restricted":               {filter(t, tok, users)},
		"one restricting SID more": {both},
		"a dropped one":            {filter(t, both, users), filter(t, both, users)},
	}
	for one, list := range classes {
		for other, others := range classes {
			for _, a := range list {
				for _, b := range others {
					got := a.Equal(b)
					check.That(t, got == (one == other), "T-100: Equal(%s, %s) = %t, want %t", one, other, got, one == other)
				}
			}
		}
	}
}

// Equal compares capabilities as sets, including whether each is enabled (T-100).
func TestEqualComparesCapabilitiesAsSets(t *testing.T) {
	made := func(caps ...string) *token.Token {
		s := setup()
		s.Package = sid.MustParse("S-1-15-2-1")
		for _, c := range caps {
			g := token.Group{SID: sid.MustParse("S-1-15-3-" + strings.Trim(c, "-!")), Attributes: winnt.SE_GROUP_ENABLED}
			switch c[0] {
			case '-':
				g.Attributes = winnt.SE_GROUP_MANDATORY
			case '!':
				g.Attributes = winnt.SE_GROUP_USE_FOR_DENY_ONLY
			}
			s.Capabilities = append(s.Capabilities, g)
		}
		return must(t, s)
	}
	for _, c := range []struct {
		a, b  []string
		equal bool
	}{
		{nil, nil, true}, {[]string{"1", "2"}, []string{"2", "1"}, true}, {[]string{"1"}, []string{"1", "2"}, false},
		{[]string{"1"}, []string{"2"}, false}, {[]string{"1"}, []string{"-1"}, false}, {[]string{"-1"}, []string{"-1"}, true},
		{[]string{"1", "1"}, []string{"1"}, true}, {nil, []string{"1"}, false}, {[]string{"-1"}, nil, false},
		{[]string{"2", "-1"}, []string{"-1", "2"}, true}, {[]string{"2", "-1"}, []string{"1", "2"}, false},
		{[]string{"-1", "1"}, []string{"1"}, true},
		// Only an enabled capability matches an entry, so a deny-only one has the same effect as a disabled
		// one.
		{[]string{"!1"}, []string{"-1"}, true}, {[]string{"!1"}, []string{"1"}, false},
	} {
		a, b := made(c.a...), made(c.b...)
		check.That(t, a.Equal(b) == c.equal && b.Equal(a) == c.equal,
			"T-100: Equal of capabilities %v and %v = %t, and %t reversed; want %t", c.a, c.b, a.Equal(b), b.Equal(a), c.equal)
	}
	x := made("1")
	check.That(t, x.Equal(x), "T-100: Equal of a token with itself = false, want true")
	restricted := setup()
	restricted.IsRestricted = true
	check.That(t, !must(t, restricted).Equal(must(t, setup())) && !must(t, setup()).Equal(must(t, restricted)),
		"T-100: Equal of a token with an empty list of restricting SIDs and one without a list = true, want false")
}
