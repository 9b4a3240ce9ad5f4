package people_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/sid"
)

// TestUnixAccounts: a uid and gids add the SIDs by which a server names them, for
// users, groups and groups of groups, of YAML and CSV alike (B-1).
func TestUnixAccounts(t *testing.T) {
	fromYAML := must(people.Read([]byte("domain: S-1-5-21-1-2-3\n" +
		"users:\n  - {name: alice, sid: S-1-5-21-1-2-3-1107, uid: 1001, gid: 100, memberOf: [staff]}\n" +
		"  - {name: bob, sid: S-1-5-21-1-2-3-1108, gid: 2000}\n" +
		"groups:\n  - {name: staff, sid: S-1-5-21-1-2-3-2000, gid: 2000, memberOf: [all]}\n" +
		"  - {name: all, sid: S-1-5-21-1-2-3-2001, gid: 0}\n")))
	fromCSV := must(people.Read([]byte("kind,name,sid,memberOf,uid,gid\ndomain,,S-1-5-21-1-2-3,,,\n" +
		",alice,S-1-5-21-1-2-3-1107,staff,1001,100\n,bob,S-1-5-21-1-2-3-1108,,,2000\n" +
		"group,staff,S-1-5-21-1-2-3-2000,all,,2000\ngroup,all,S-1-5-21-1-2-3-2001,,,0\n")))
	for name, d := range map[string]*people.Directory{"YAML": fromYAML, "CSV": fromCSV} {
		for who, want := range map[string]string{
			"alice": "S-1-22-1-1001 S-1-22-2-100 S-1-22-2-2000 S-1-22-2-0 S-1-5-21-1-2-3-2001",
			"bob":   "S-1-22-2-2000 S-1-22-2-0 S-1-5-21-1-2-3-2000",
		} {
			tok := d.Principals[d.Find(who)].Token
			for s := range strings.FieldsSeq(want) {
				if !tok.Member(sid.MustParse(s), false) {
					t.Errorf("%s: %s is no member of %s", name, who, s)
				}
			}
			if tok.Member(sid.MustParse("S-1-22-1-1001"), false) != (who == "alice") {
				t.Errorf("%s: %s has alice's uid", name, who)
			}
		}
		n := d.Name(sid.MustParse("S-1-22-1-1001")) + d.Name(sid.MustParse("S-1-22-2-2000"))
		if n != "alicestaff" {
			t.Errorf("%s: names %s", name, n)
		}
	}
	for _, bad := range []string{
		"users:\n  - {name: a, sid: BA, uid: -1}",
		"users:\n  - {name: a, sid: BA, gid: 4294967296}",
		"groups:\n  - {name: a, sid: BA, uid: 1}",
		"groups:\n  - {name: a, sid: BA, gid: 1}\n  - {name: b, sid: BU, gid: 1}",
	} {
		if _, err := people.Read([]byte(bad)); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}
