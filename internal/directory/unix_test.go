package directory_test

import (
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
	fromYAML := check.Must(dirfile.Read([]byte("domain: S-1-5-21-1-2-3\n" +
		"users:\n  - {name: alice, sid: S-1-5-21-1-2-3-1107, uid: 1001, gid: 100, memberOf: [staff]}\n" +
		"  - {name: bob, sid: S-1-5-21-1-2-3-1108, gid: 2000}\n  - {name: carol, sid: S-1-22-1-1003, uid: 1003}\n" +
		"groups:\n  - {name: staff, sid: S-1-5-21-1-2-3-2000, gid: 2000, memberOf: [all]}\n" +
		"  - {name: all, sid: S-1-5-21-1-2-3-2001, gid: 0}\n")))
	fromCSV := check.Must(dirfile.Read([]byte("kind,name,sid,memberOf,uid,gid\ndomain,,S-1-5-21-1-2-3,,,\n" +
		",alice,S-1-5-21-1-2-3-1107,staff,1001,100\n,bob,S-1-5-21-1-2-3-1108,,,2000\n,carol,S-1-22-1-1003,,1003,\n" +
		"group,staff,S-1-5-21-1-2-3-2000,all,,2000\ngroup,all,S-1-5-21-1-2-3-2001,,,0\n")))
	const all = "S-1-5-21-1-2-3-2000 S-1-5-21-1-2-3-2001 S-1-5-21-1-2-3-513"
	for form, d := range map[string]*directory.Directory{"YAML": fromYAML, "CSV": fromCSV} {
		for i, want := range []string{
			"S-1-22-1-1001 S-1-22-2-0 S-1-22-2-100 S-1-22-2-2000 " + all, "S-1-22-2-0 S-1-22-2-2000 " + all, "",
		} {
			groups := slices.DeleteFunc(groupsOf(d.Principals[i].Token), func(s string) bool {
				return !strings.HasPrefix(s, "S-1-22-") && !strings.HasPrefix(s, "S-1-5-21-")
			})
			check.Equal(t, strings.Join(groups, " "), want, "%s: groups of %s", form, d.Principals[i].Name)
		}
		n := d.Name(sid.MustParse("S-1-22-1-1001")) + d.Name(sid.MustParse("S-1-22-2-2000"))
		check.Equal(t, n, "alicestaff", "%s: names", form)
		check.Equal(t, d.Principals[1].Group, sid.MustParse("S-1-22-2-2000"), "%s: group of bob's gid", form)
	}
	for _, bad := range []string{
		"users:\n  - {name: a, sid: BA, uid: -1}",
		"users:\n  - {name: a, sid: BA, gid: 4294967296}",
		"kind,name,sid,uid\n,a,S-1-5-21-1-2-3-1,0x1\n",
		"groups:\n  - {name: a, sid: BA, uid: 1}",
	} {
		check.That(t, check.Err(dirfile.Read([]byte(bad))) != nil, "Read(%s): no error, want one", bad)
	}
}

// TestFirstAndLastUnixIDsAreValid checks that the first and the last number of 32 bits are ids, of users as of groups,
// also of disabled ones.
func TestFirstAndLastUnixIDsAreValid(t *testing.T) {
	d := check.Must(dirfile.Read([]byte("name,sid,kind,uid,gid,disabled\na," + someone +
		",,0,7,\nb,S-1-5-21-1-2-3-5,,4294967295,,true\n" +
		"Xa,S-1-5-21-1-2-3-8,,,,\nxA,S-1-5-21-1-2-3-9,,,,\n" +
		"g,S-1-5-21-1-2-3-6,group,,0,\nposix,S-1-22-2-9,group,,9,\nh,S-1-5-21-1-2-3-7,GROUP,,4294967295,\n")))
	id := sid.MustParse("S-1-5-21-1-2-3").WithRID
	check.SlicesEqual(t, d.IDs(), []directory.AccountID{{ID: 0, Group: true, SID: id(6)},
		{ID: 9, Group: true, SID: directory.UnixGroups.WithRID(9)},
		{ID: 1<<32 - 1, Group: true, SID: id(7)}, {ID: 0, SID: id(4)}, {ID: 1<<32 - 1, SID: id(5)}}, "ids")
	check.SlicesEqual(t, d.Group("G"), []sid.SID{id(6), directory.UnixGroups.WithRID(0)}, "SIDs of the group")
	check.That(t, d.Account("A").SID() == id(4) && d.Account("B").SID() == id(5) && d.Account("c") == nil &&
		d.Account("xA").SID() == id(9) && d.Account("xa") == nil,
		"accounts that differ in case only, or one of another name: want those found that are one account")
	check.Equal(t, d.Disabled, 1, "disabled users")
}
