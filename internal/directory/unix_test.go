package directory_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// A uid and gids add the SIDs that a server uses for them, for users, groups and nested groups, in YAML and CSV
// (B-1).
func TestUnixIDsBecomeSIDs(t *testing.T) {
	fromYAML := must(dirfile.Read([]byte("domain: S-1-5-21-1-2-3\n" +
		"users:\n  - {name: alice, sid: S-1-5-21-1-2-3-1107, uid: 1001, gid: 100, memberOf: [staff]}\n" +
		"  - {name: bob, sid: S-1-5-21-1-2-3-1108, gid: 2000}\n" +
		"groups:\n  - {name: staff, sid: S-1-5-21-1-2-3-2000, gid: 2000, memberOf: [all]}\n" +
		"  - {name: all, sid: S-1-5-21-1-2-3-2001, gid: 0}\n")))
	fromCSV := must(dirfile.Read([]byte("kind,name,sid,memberOf,uid,gid\ndomain,,S-1-5-21-1-2-3,,,\n" +
		",alice,S-1-5-21-1-2-3-1107,staff,1001,100\n,bob,S-1-5-21-1-2-3-1108,,,2000\n" +
		"group,staff,S-1-5-21-1-2-3-2000,all,,2000\ngroup,all,S-1-5-21-1-2-3-2001,,,0\n")))
	for name, d := range map[string]*directory.Directory{"YAML": fromYAML, "CSV": fromCSV} {
		for who, want := range map[string]string{
			"alice": "S-1-22-1-1001 S-1-22-2-100 S-1-22-2-2000 S-1-22-2-0 S-1-5-21-1-2-3-2001",
			"bob":   "S-1-22-2-2000 S-1-22-2-0 S-1-5-21-1-2-3-2000",
		} {
			tok := d.Principals[d.Find(who)].Token
			for s := range strings.FieldsSeq(want) {
				check.That(t, tok.Member(sid.MustParse(s), false),
					"%s: token of %s without %s, want it a member", name, who, s)
			}
			check.That(t, tok.Member(sid.MustParse("S-1-22-1-1001"), false) == (who == "alice"),
				"%s: %s is a member of alice's uid: %t, want %t", name, who, who != "alice", who == "alice")
		}
		n := d.Name(sid.MustParse("S-1-22-1-1001")) + d.Name(sid.MustParse("S-1-22-2-2000"))
		check.Equal(t, n, "alicestaff", "%s: names", name)
	}
	for _, bad := range []string{
		"users:\n  - {name: a, sid: BA, uid: -1}",
		"users:\n  - {name: a, sid: BA, gid: 4294967296}",
		"groups:\n  - {name: a, sid: BA, uid: 1}",
		"groups:\n  - {name: a, sid: BA, gid: 1}\n  - {name: b, sid: BU, gid: 1}",
	} {
		if _, err := dirfile.Read([]byte(bad)); err == nil {
			t.Errorf("Read(%s): no error, want one", bad)
		}
	}
}

// TestFirstAndLastUnixIDsAreValid: the first and the last number of 32 bits are ids, of users as of groups, also of
// disabled ones.
func TestFirstAndLastUnixIDsAreValid(t *testing.T) {
	d := must(dirfile.Read([]byte("name,sid,kind,uid,gid,disabled\na," + someone +
		",,0,7,\nb,S-1-5-21-1-2-3-5,,4294967295,,true\n" +
		"g,S-1-5-21-1-2-3-6,group,,0,\nh,S-1-5-21-1-2-3-7,GROUP,,4294967295,\n")))
	var got []string
	for _, id := range d.IDs() {
		got = append(got, fmt.Sprint(id.ID, id.Group, id.SID))
	}
	slices.Sort(got)
	want := []string{"0 false " + someone, "0 true S-1-5-21-1-2-3-6", "4294967295 false S-1-5-21-1-2-3-5",
		"4294967295 true S-1-5-21-1-2-3-7"}
	check.That(t, slices.Equal(got, want), "%v, want %v", got, want)
	if d.Disabled != 1 || d.Account("B") == nil || d.Account("c") != nil ||
		d.Account("A").SID() != sid.MustParse(someone) {
		t.Errorf("%d disabled, %v", d.Disabled, d.Account("B"))
	}
	if g := d.Group("G"); len(g) != 2 || g[0] != sid.MustParse("S-1-5-21-1-2-3-6") || g[1] != sid.MustParse("S-1-22-2-0") {
		t.Errorf("the group: %v, want len(g) = 2, g[0] = %v, g[1] = %v", g, sid.MustParse("S-1-5-21-1-2-3-6"),
			sid.MustParse("S-1-22-2-0"))
	}
	for _, twice := range []string{"g,S-1-5-21-1-2-3-6,group,,0\nh,S-1-5-21-1-2-3-7,group,,0\n",
		"g,S-1-5-21-1-2-3-6,group,,\ng,S-1-5-21-1-2-3-7,group,,\n",
		"g,S-1-5-21-1-2-3-6,group,,\nG,S-1-5-21-1-2-3-7,group,,\n",
		"g,S-1-5-21-1-2-3-6,group,,\nh,S-1-5-21-1-2-3-6,group,,\n", ",S-1-5-21-1-2-3-6,group,,\n",
		"g,S-1-22-2-5,group,,\nh,S-1-5-21-1-2-3-6,group,,5\n"} {
		if _, err := dirfile.Read([]byte("name,sid,kind,uid,gid\n" + twice)); err == nil {
			t.Errorf("Read of two accounts %q with one id: no error, want one", twice)
		}
	}
}
