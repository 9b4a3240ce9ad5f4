package se_test

import (
	"testing"

	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

const (
	svc     = "S-1-5-21-1-2-3-1500"
	client  = "S-1-5-21-1-2-3-1001"
	session = winnt.LUID(0x77001)
)

// make builds a token of a user from the standard one.
func build(tb testing.TB, user string, typ winnt.TokenType, changes ...func(*token.Spec)) *token.Token {
	tb.Helper()
	s := token.StandardUser(sid.MustParse(user))
	s.Type, s.AuthenticationID = typ, session
	if typ == winnt.TokenImpersonation {
		s.Level, s.AuthenticationID = winnt.SecurityDelegation, session+1
	}
	for _, c := range changes {
		c(&s)
	}
	return check.Must(token.New(s))
}

func privilege(s *token.Spec) {
	s.Privileges |= winnt.SeImpersonatePrivilege.Bit()
	s.EnabledPrivileges |= winnt.SeImpersonatePrivilege.Bit()
}

func restricted(sids ...string) func(*token.Spec) {
	return func(s *token.Spec) {
		for _, x := range sids {
			s.Restricted = append(s.Restricted, token.Group{SID: sid.MustParse(x)})
		}
	}
}

// primary gives a token a group that may own, as its primary group.
func primary(g string) func(*token.Spec) {
	return func(s *token.Spec) {
		s.PrimaryGroup = sid.MustParse(g)
		s.Groups = append(s.Groups, token.Group{SID: s.PrimaryGroup,
			Attributes: token.GroupDefault | winnt.SE_GROUP_OWNER})
	}
}

func integrity(rid uint32) func(*token.Spec) {
	return func(s *token.Spec) { s.Integrity = se.IntegritySID(rid) }
}

func anonymous(source string) func(*token.Spec) {
	return func(s *token.Spec) { s.AuthenticationID, s.Source.Name = winnt.ANONYMOUS_LOGON_LUID, source }
}

func origin(id winnt.LUID) func(*token.Spec) {
	return func(s *token.Spec) { s.OriginatingLogon = id }
}

func elevation(e uint32) func(*token.Spec) { return func(s *token.Spec) { s.ElevationType = e } }

func box(name string) func(*token.Spec) {
	return func(s *token.Spec) { s.Package = sid.MustParse("S-1-15-2-" + name) }
}

// Each condition decides alone, and has an explanation of its own (I-42). TestFirstRowDecides tests their order.
func TestFirstMatchingImpersonationRowDecides(t *testing.T) {
	type mods []func(*token.Spec)
	words := map[string]string{}
	const imp, full, limited = winnt.SecurityImpersonation, winnt.TokenElevationTypeFull, winnt.TokenElevationTypeLimited
	allows := map[string]bool{"a": true, "b": true, "d": true, "e": true, "j": true}
	for _, c := range []struct {
		name                 string
		server               mods
		user                 string
		client               mods
		level                winnt.SecurityImpersonationLevel
		documented, observed string // the row that decides, by profile
	}{
		{"a: anonymous level", nil, client, nil, winnt.SecurityAnonymous, "a", "a"},
		{"a: identification is always allowed", nil, client, mods{anonymous("x"), restricted("S-1-1-0")},
			winnt.SecurityIdentification, "a", "a"},
		{"b: the system's anonymous token", nil, client, mods{anonymous("*SYSTEM*")}, imp, "b", "b"},
		{"not b: another token that the system made", nil, client,
			mods{func(s *token.Spec) { s.Source.Name = "*SYSTEM*" }}, imp, "f", "f"},
		{"d: the privilege", mods{privilege}, client, nil, winnt.SecurityDelegation, "d", "d"},
		{"d needs it enabled", mods{func(s *token.Spec) { s.Privileges |= winnt.SeImpersonatePrivilege.Bit() }},
			client, nil, imp, "f", "f"},
		{"c: anonymous, one's own user", nil, svc, mods{anonymous("NtLmSsp")}, imp, "c", "c"},
		{"e: explicit logon", nil, client, mods{origin(session)}, imp, "e", "e"},
		{"e of another session", nil, client, mods{origin(session + 7)}, imp, "f", "f"},
		{"e above the server", nil, client, mods{origin(session), integrity(0x3000)}, imp, "f", "f"},
		{"f: another user", nil, client, nil, imp, "f", "f"},
		{"g: the token restricted", nil, svc, mods{restricted("S-1-1-0")}, imp, "g", "g"},
		{"g: the process restricted", mods{restricted("S-1-1-0")}, svc, nil, imp, "g", "g"},
		{"g: the same SIDs in another order", mods{restricted("S-1-1-0", "S-1-5-11")}, svc,
			mods{restricted("S-1-5-11", "S-1-1-0")}, imp, "g", "j"},
		{"g: fewer SIDs", mods{restricted("S-1-1-0", "S-1-5-11")}, svc, mods{restricted("S-1-1-0")}, imp, "g", "g"},
		{"g: more SIDs", mods{restricted("S-1-1-0")}, svc, mods{restricted("S-1-1-0", "S-1-5-11")}, imp, "g", "g"},
		{"h: higher integrity", nil, svc, mods{integrity(0x3000)}, imp, "h", "h"},
		{"h2: elevated", mods{elevation(limited)}, svc, mods{elevation(full)}, imp, "h2", "h2"},
		{"h2: both elevated", mods{elevation(full)}, svc, mods{elevation(full)}, imp, "j", "j"},
		{"j: an elevated server, a limited client", mods{elevation(full)}, svc, mods{elevation(limited)}, imp, "j",
			"j"},
		{"j: both limited", mods{elevation(limited)}, svc, mods{elevation(limited)}, imp, "j", "j"},
		{"i: out of the box", mods{box("1-2-3")}, svc, nil, imp, "i", "i"},
		{"i: another box", mods{box("1-2-3")}, svc, mods{box("1-2-4")}, imp, "i", "i"},
		{"j: the same box", mods{box("1-2-3")}, svc, mods{box("1-2-3")}, imp, "j", "j"},
		{"j: into a box", nil, svc, mods{box("1-2-3")}, imp, "j", "j"},
		{"j: the same identity", nil, svc, mods{integrity(0x1000)}, winnt.SecurityDelegation, "j", "j"},
	} {
		p, tok := build(t, svc, winnt.TokenPrimary, c.server...), build(t, c.user, winnt.TokenImpersonation,
			c.client...)
		for profile, want := range map[nt.Profile]string{nt.Documented: c.documented, nt.Observed: c.observed} {
			ok, row := se.CanImpersonate(p, tok, c.level, profile)
			check.That(t, ok == allows[want] && row == want, "%s (%v): %t by row %s, want %t by %s", c.name, profile,
				ok, row, allows[want], want)
		}
		text := se.ConditionText(c.documented)
		check.That(t, text != "" && (words[text] == "" || words[text] == c.documented),
			"rows %s and %s have the explanation %q, want different ones", words[text], c.documented, text)
		words[text] = c.documented
	}
}

// A decision allocates nothing, because every impersonation needs one.
func TestCanImpersonateAllocatesNothing(t *testing.T) {
	p, tok := build(t, svc, winnt.TokenPrimary), build(t, svc, winnt.TokenImpersonation)
	check.Equal(t, testing.AllocsPerRun(100, func() {
		se.CanImpersonate(p, tok, winnt.SecurityImpersonation, nt.Observed)
	}), 0, "CanImpersonate made: allocations")
}

// If several conditions hold, the first one decides (I-42). The test repeats their order.
func TestFirstRowDecides(t *testing.T) {
	const other = "S-1-5-21-1-2-3-1001"
	// Each condition changes the process's token, the client's or both.
	conditions := []struct {
		row            string
		allowed        bool
		server, client func(*token.Spec)
	}{
		{"b", true, nil, anonymous("*SYSTEM*")},
		{"d", true, privilege, nil},
		{"c", false, nil, anonymous("NtLmSsp")},
		{"e", true, nil, origin(session)},
		{"f", false, nil, func(s *token.Spec) { s.User.SID = sid.MustParse(other) }},
		{"g", false, nil, restricted("S-1-1-0")},
		{"h", false, nil, integrity(0x3000)},
		{"h2", false, nil, elevation(winnt.TokenElevationTypeFull)},
		{"i", false, box("1-2-3"), nil},
	}
	same := true
	for set := range 1 << len(conditions) {
		if set&5 == 5 {
			continue // one source or the other
		}
		var server, client []func(*token.Spec)
		row, allowed := "j", true
		for i := len(conditions) - 1; i >= 0; i-- {
			c := conditions[i]
			if set&(1<<i) == 0 {
				continue
			}
			if c.server != nil {
				server = append(server, c.server)
			}
			if c.client != nil {
				client = append(client, c.client)
			}
			if c.row != "e" || set&(1<<6) == 0 { // an explicit logon is not above the server
				row, allowed = c.row, c.allowed
			}
		}
		p, tok := build(t, svc, winnt.TokenPrimary, server...), build(t, svc, winnt.TokenImpersonation, client...)
		for _, profile := range []nt.Profile{nt.Documented, nt.Observed} {
			ok, got := se.CanImpersonate(p, tok, winnt.SecurityImpersonation, profile)
			if ok != allowed || got != row {
				same = false
				t.Errorf("I-42: conditions %09b: %t by %s, want %t by %s", set, ok, got, allowed, row)
			}
			if ok, got := se.CanImpersonate(p, tok, winnt.SecurityIdentification, profile); !ok || got != "a" {
				t.Errorf("I-42: conditions %09b: identification: %t by %s, want true, a", set, ok, got)
			}
		}
		if !same {
			return
		}
	}
}
