package token_test

import (
	"testing"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// T-130: the built-in tokens have what a logon gives.
func TestProfilesAreLogons(t *testing.T) {
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
		{"a user of another authority", token.StandardUser(sid.MustParse("S-1-4-21-1-2-3-1001")),
			"S-1-4-21-1-2-3-1001", "S-1-4-21-1-2-3-1001", "D:(A;;GA;;;S-1-4-21-1-2-3-1001)(A;;GA;;;SY)" +
				"(A;;GXGR;;;S-1-5-5-0-1001)", "S-1-5-5-0-1001"},
		{"a user of no domain", token.StandardUser(sid.MustParse("S-1-5-21-1-2-1001")),
			"S-1-5-21-1-2-1001", "S-1-5-21-1-2-1001", "D:(A;;GA;;;S-1-5-21-1-2-1001)(A;;GA;;;SY)" +
				"(A;;GXGR;;;S-1-5-5-3-1001)", "S-1-5-5-3-1001"},
		{"local system", token.LocalSystem(), "S-1-5-18", "S-1-5-32-544", "D:(A;;GA;;;SY)(A;;RCGXGR;;;BA)", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			tok := must(t, c.spec)
			if tok.PrimaryGroup().String() != c.primary || tok.Owner().String() != c.owner {
				t.Errorf("primary group %s, owner %s, want %s and %s", tok.PrimaryGroup(), tok.Owner(), c.primary, c.owner)
			}
			text, err := sddl.Format(sd.New(sd.Parts{DACL: tok.DefaultDACL()}), sddl.Options{})
			if err != nil || text != c.dacl {
				t.Errorf("default DACL %s, %v, want %s", text, err, c.dacl)
			}
			g, ok := tok.LogonSID()
			if ok != (c.seen != "") || ok && (g.SID.String() != c.seen ||
				g.Attributes != token.GroupDefault|winnt.SE_GROUP_LOGON_ID) {
				t.Errorf("logon SID %v, %t, want %q", g, ok, c.seen)
			}
			if ok && !tok.Member(g.SID, false) {
				t.Error("the logon SID does not match")
			}
		})
	}
}
