package token_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// The built-in tokens have the primary group, owner, default DACL and logon SID of a logon (T-130).
func TestProfilesHaveLogonDefaults(t *testing.T) {
	const u, v = "S-1-5-21-1-2-3-1001", "S-1-5-21-9-2-3-1001"
	const logon = "(A;;GXGR;;;S-1-5-5-0-1001)"
	for _, c := range []struct {
		name                       string
		spec                       token.Spec
		primary, owner, dacl, seen string
	}{
		{"administrator", token.Administrator(sid.MustParse(u)), "S-1-5-21-1-2-3-513", "S-1-5-32-544",
			"D:(A;;GA;;;BA)(A;;GA;;;SY)" + logon, "S-1-5-5-0-1001"},
		{"limited administrator", token.LimitedAdministrator(sid.MustParse(u)), "S-1-5-21-1-2-3-513", u,
			"D:(A;;GA;;;" + u + ")(A;;GA;;;SY)" + logon, "S-1-5-5-0-1001"},
		{"standard user", token.StandardUser(sid.MustParse(u)), "S-1-5-21-1-2-3-513", u,
			"D:(A;;GA;;;" + u + ")(A;;GA;;;SY)" + logon, "S-1-5-5-0-1001"},
		{"the same RID of another domain", token.StandardUser(sid.MustParse(v)), "S-1-5-21-9-2-3-513", v,
			"D:(A;;GA;;;" + v + ")(A;;GA;;;SY)(A;;GXGR;;;S-1-5-5-8-1001)", "S-1-5-5-8-1001"},
		{"local service", token.LocalService(), "S-1-5-19", "S-1-5-19",
			"D:(A;;GA;;;LS)(A;;GA;;;SY)(A;;GXGR;;;S-1-5-5-0-19)", "S-1-5-5-0-19"},
		{"network service", token.NetworkService(), "S-1-5-20", "S-1-5-20",
			"D:(A;;GA;;;NS)(A;;GA;;;SY)(A;;GXGR;;;S-1-5-5-0-20)", "S-1-5-5-0-20"},
		{"a user of another kind of authority", token.StandardUser(sid.MustParse("S-1-5-22-1-2-3-1001")),
			"S-1-5-22-1-2-3-1001", "S-1-5-22-1-2-3-1001", "D:(A;;GA;;;S-1-5-22-1-2-3-1001)(A;;GA;;;SY)" + logon,
			"S-1-5-5-0-1001"},
		{"a user of another authority", token.StandardUser(sid.MustParse("S-1-4-21-1-2-3-1001")), "S-1-4-21-1-2-3-1001",
			"S-1-4-21-1-2-3-1001", "D:(A;;GA;;;S-1-4-21-1-2-3-1001)(A;;GA;;;SY)(A;;GXGR;;;S-1-5-5-0-1001)", "S-1-5-5-0-1001"},
		{"a user of no domain", token.StandardUser(sid.MustParse("S-1-5-21-1-2-1001")), "S-1-5-21-1-2-1001",
			"S-1-5-21-1-2-1001", "D:(A;;GA;;;S-1-5-21-1-2-1001)(A;;GA;;;SY)(A;;GXGR;;;S-1-5-5-3-1001)", "S-1-5-5-3-1001"},
		{"network user", token.NetworkUser(sid.MustParse(u), groupG2, groupG1), groupG2.String(), u,
			"D:(A;;GA;;;" + u + ")(A;;GA;;;SY)", ""},
		{"local system", token.LocalSystem(), "S-1-5-18", "S-1-5-32-544", "D:(A;;GA;;;SY)(A;;RCGXGR;;;BA)", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			tok := must(t, c.spec)
			check.That(t, tok.PrimaryGroup().String() == c.primary && tok.Owner().String() == c.owner,
				"primary group %s, owner %s; want %s, %s", tok.PrimaryGroup(), tok.Owner(), c.primary, c.owner)
			text, err := sddl.Format(sd.New(sd.Parts{DACL: tok.DefaultDACL()}), sddl.Options{})
			check.That(t, err == nil && text == c.dacl, "default DACL %s, %v; want %s", text, err, c.dacl)
			g, ok := tok.LogonSID()
			check.That(t, ok == (c.seen != "") && (!ok || g.SID.String() == c.seen &&
				g.Attributes == token.GroupDefault|winnt.SE_GROUP_LOGON_ID), "logon SID %v, %t; want %q", g, ok, c.seen)
			check.That(t, !ok || tok.Member(g.SID, false), "Member(%v) of the logon SID = false, want true", g.SID)
		})
	}
}

// The built-in tokens have the documented groups, elevation type, session, source, type and level. Their groups are
// mandatory, enabled by default and enabled. Administrators is not mandatory in the token of LocalSystem and deny-only
// in a limited token (T-65, T-114, T-130).
func TestProfilesHaveDocumentedGroups(t *testing.T) {
	for name, c := range map[string]struct {
		spec           token.Spec
		groups         string
		kind           uint32
		session        winnt.LUID
		source         string
		typ, level     int
		integrity      sid.SID
		administrators uint32 // attributes of the group
	}{
		"administrator": {token.Administrator(userU), "513 WD BA BU IU AU S-1-2-0 logon", 2, 0, "", 1, 0, sid.HighLevel, 0xF},
		"limited": {token.LimitedAdministrator(userU), "513 WD BA BU IU AU S-1-2-0 logon", 3, 0, "", 1, 0,
			sid.MediumLevel, winnt.SE_GROUP_USE_FOR_DENY_ONLY},
		"user":          {token.StandardUser(userU), "513 WD BU IU AU S-1-2-0 logon", 1, 0, "", 1, 0, sid.MediumLevel, 0},
		"network user":  {token.NetworkUser(userU, groupG1), "2001 WD BU NU AU S-1-5-15", 1, 0, "", 2, 2, sid.MediumLevel, 0},
		"system":        {token.LocalSystem(), "BA WD AU", 1, 0x3E7, "*SYSTEM*", 1, 0, sid.SystemLevel, 0xE},
		"local service": {token.LocalService(), "WD BU SU AU S-1-2-0 logon", 1, 0x3E5, "", 1, 0, sid.SystemLevel, 0},
		"network service": {token.NetworkService(), "WD BU SU AU S-1-2-0 logon", 1, 0x3E4, "", 1, 0,
			sid.SystemLevel, 0},
		"anonymous": {token.Anonymous(true), "WD", 1, 0x3E6, "*SYSTEM*", 1, 0, sid.UntrustedLevel, 0},
		"no groups": {token.Anonymous(false), "", 1, 0x3E6, "*SYSTEM*", 1, 0, sid.UntrustedLevel, 0},
	} {
		tok := must(t, c.spec)
		var groups []string
		for _, g := range tok.Groups() {
			name, want := short(g.SID), token.GroupDefault
			switch {
			case g.SID == c.integrity:
				check.That(t, g.Attributes == winnt.SE_GROUP_INTEGRITY|winnt.SE_GROUP_INTEGRITY_ENABLED,
					"the integrity entry of %v has %#x, want 0x60", tok.User().SID, g.Attributes)
				continue
			case g.SID == sid.Administrators:
				want = c.administrators
			case g.Attributes&winnt.SE_GROUP_LOGON_ID != 0:
				name, want = "logon", token.GroupDefault|winnt.SE_GROUP_LOGON_ID
			case g.SID.SubAuthorities() == 5:
				name = fmt.Sprint(g.SID.RID())
			}
			groups = append(groups, name)
			check.That(t, g.Attributes == want, "%v: group %s has %#x, want %#x", tok.User().SID, name, g.Attributes, want)
		}
		check.Equal(t, sid.IntegrityLevel(tok.Integrity()), c.integrity, "%s: integrity level", name)
		check.Equal(t, strings.Join(groups, " "), c.groups, "%s: groups", name)
		if tok.ElevationType() != c.kind || tok.AuthenticationID() != c.session || tok.Source().Name != c.source ||
			int(tok.Type()) != c.typ || int(tok.Level()) != c.level || tok.MandatoryPolicy() != 3 ||
			tok.DefaultPrivileges() != tok.Enabled() || tok.IsFiltered() != (name == "limited") {
			t.Errorf("%s: %+v, want elevation type %d, session %v, source %q, type %d, level %d", name, tok.Spec(),
				c.kind, c.session, c.source, c.typ, c.level)
		}
		check.That(t, (tok.DefaultDACL() == nil) == strings.HasPrefix(fmt.Sprint(tok.User().SID), "S-1-5-7"),
			"%s: default DACL %v, want one for every token but Anonymous", name, tok.DefaultDACL())
	}
}

// short returns the SDDL alias of some well-known SIDs, or the SID as text.
func short(s sid.SID) string {
	for text, known := range map[string]sid.SID{"WD": sid.Everyone, "BA": sid.Administrators, "BU": sid.Users,
		"IU": sid.Interactive, "AU": sid.AuthenticatedUsers, "NU": sid.Network, "SU": sid.Service} {
		if s == known {
			return text
		}
	}
	return s.String()
}
