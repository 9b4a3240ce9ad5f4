package token_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Equal compares packages by SID and restricting SIDs as sets. It is symmetric (T-100).
func TestEqualIsSymmetric(t *testing.T) {
	tok := must(t, setup())
	for name, pair := range map[string][2]*token.Token{
		"another package": {
			lowbox(t, tok, "S-1-15-2-1-2-3", "S-1-15-3-1"),
			lowbox(t, tok, "S-1-15-2-1-2-4", "S-1-15-3-1"),
		},
		"one restricting SID more": {
			filter(t, tok, token.FilterSpec{Restrict: restricting(sid.Users)}),
			filter(t, tok, token.FilterSpec{Restrict: restricting(sid.Users, sid.Everyone)}),
		},
	} {
		a, b := pair[0], pair[1]
		if a.Equal(b) || b.Equal(a) {
			t.Errorf("T-100: %s: Equal = %t and %t reversed, want false", name, a.Equal(b), b.Equal(a))
		}
		if !a.Equal(a.WithTypeLevel(a.Type(), a.Level())) {
			t.Errorf("T-100: %s: a copy is not equal to its original", name)
		}
	}
}

// Equal tokens agree on whether a group is absent, disabled, enabled or deny-only (T-100).
func TestEqualComparesGroupState(t *testing.T) {
	counts := map[string]*token.Token{"absent": must(t, setup())}
	for name, attributes := range map[string]uint32{"disabled": token.GroupDisabled,
		"enabled":   winnt.SE_GROUP_ENABLED,
		"deny-only": winnt.SE_GROUP_USE_FOR_DENY_ONLY} {
		counts[name] = must(t, setup(token.Group{SID: sid.Administrators, Attributes: attributes}))
	}
	for one, a := range counts {
		for other, b := range counts {
			if got := a.Equal(b); got != (one == other) {
				t.Errorf("T-100: Equal(%s, %s) = %v, want %v", one, other, got, one == other)
			}
		}
	}
}

// A restricting SID that a second filter dropped still matches deny entries. Such a token is not equal to one that
// never had the SID (T-68, T-100).
func TestEqualTellsDroppedRestrictingSIDs(t *testing.T) {
	tok := must(t, setup())
	once := filter(t, tok, token.FilterSpec{Restrict: restricting(sid.Users)})
	both := filter(t, tok, token.FilterSpec{Restrict: restricting(sid.Users, sid.Everyone)})
	dropped := filter(t, both, token.FilterSpec{Restrict: restricting(sid.Users)})
	again := filter(t, both, token.FilterSpec{Restrict: restricting(sid.Users)})
	for _, c := range []struct {
		name string
		a, b *token.Token
		want bool
	}{
		{"dropped or never present", dropped, once, false}, {"dropped or present", dropped, both, false},
		{"dropped from both", dropped, again, true}, {"unrestricted or restricted", tok, once, false},
	} {
		if c.a.Equal(c.b) != c.want || c.b.Equal(c.a) != c.want {
			t.Errorf("T-100: %s: Equal = %v and %v reversed, want %v", c.name, c.a.Equal(c.b), c.b.Equal(c.a), c.want)
		}
	}
}

// Equal ignores type, level, order, session, source and defaults. It compares users, groups, privileges,
// restrictions, packages and capabilities (TC-49, T-100).
func TestEqualComparesAccessNotIdentity(t *testing.T) {
	tok := must(t, setup())
	dup := tok.WithTypeLevel(winnt.TokenImpersonation, winnt.SecurityIdentification)
	off, _, _ := tok.AdjustPrivileges(200, true, nil)
	if !tok.Equal(dup) || tok.Equal(off) || off.Equal(tok) {
		t.Errorf("Equal with a duplicate = %t, with all privileges disabled = %t and %t reversed; want true, "+
			"false, false", tok.Equal(dup), tok.Equal(off), off.Equal(tok))
	}
	s := setup()
	slices.Reverse(s.Groups)
	s.SessionID, s.Source.Name, s.PrimaryGroup = 9, "x", userU
	if !tok.Equal(must(t, s)) {
		t.Error("T-100: tokens that differ in group order, session, source and primary group are not equal")
	}
	s = setup()
	s.User.Attributes = winnt.SE_GROUP_USE_FOR_DENY_ONLY
	if tok.Equal(must(t, s)) || must(t, s).Equal(tok) {
		t.Errorf("T-100: a deny-only user equals an enabled one: %t and %t reversed, want false",
			tok.Equal(must(t, s)), must(t, s).Equal(tok))
	}
	for name, o := range map[string]*token.Token{
		"G1 disabled":      first(tok.AdjustGroups(1, false, []token.Group{{SID: groupG1}})),
		"Users deny-only":  filter(t, tok, token.FilterSpec{Disable: []sid.SID{sid.Users}}),
		"restricted":       filter(t, tok, token.FilterSpec{Restrict: restricting(sid.Users)}),
		"effective only":   tok.EffectiveOnly(),
		"one group more":   must(t, setup(token.Group{SID: sid.Everyone, Attributes: 7})),
		"an AppContainer":  lowbox(t, tok, "S-1-15-2-1-2-3", "S-1-15-3-1"),
		"lower integrity":  second(tok.WithIntegrity(1, sid.LowLevel)),
		"privilege absent": filter(t, tok, token.FilterSpec{Delete: winnt.SeShutdownPrivilege.Bit()}),
	} {
		if tok.Equal(o) || o.Equal(tok) {
			t.Errorf(`Equal with "%s" = %t, and %t reversed; want false`, name, tok.Equal(o), o.Equal(tok))
		}
	}
	a, b := lowbox(t, tok, "S-1-15-2-1-2-3", "S-1-15-3-1"), lowbox(t, tok, "S-1-15-2-1-2-3", "S-1-15-3-2")
	if a.Equal(b) || !a.Equal(lowbox(t, tok, "S-1-15-2-1-2-3", "S-1-15-3-1")) {
		t.Errorf("T-100: Equal of tokens with other capabilities = %t, with the same = %t; want false, true",
			a.Equal(b), a.Equal(lowbox(t, tok, "S-1-15-2-1-2-3", "S-1-15-3-1")))
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
		if a.Equal(b) != c.equal || b.Equal(a) != c.equal {
			t.Errorf("T-100: Equal of capabilities %v and %v = %t, and %t reversed; want %t", c.a, c.b, a.Equal(b),
				b.Equal(a), c.equal)
		}
	}
	if x := made("1"); !x.Equal(x) {
		t.Error("T-100: Equal of a token with itself = false, want true")
	}
}
