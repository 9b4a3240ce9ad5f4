package sambatool_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/sources"
	"github.com/refmon/refmon/sid"
)

// show returns accounts, lists report missing names, and listmembers returns members.
func TestSambaToolOutputYieldsAccountsAndGroups(t *testing.T) {
	const show = "\ndn: CN=alice,CN=Users,DC=refmon,DC=test\nobjectClass: user\nsAMAccountName: alice\n" +
		"objectSid: S-1-5-21-1-2-3-1102\nuserAccountControl: 512\nprimaryGroupID: 513\n\n" +
		"dn: CN=Engineering,CN=Users,DC=refmon,DC=test\nobjectClass: group\nsAMAccountName: Engineering\n" +
		"objectSid: S-1-5-21-1-2-3-1104\ngroupType: -2147483646\n\n" +
		"dn: CN=Letters,CN=Users,DC=refmon,DC=test\nobjectClass: group\nsAMAccountName: All Security Mail\n" +
		"objectSid: S-1-5-21-1-2-3-1106\ngroupType: 2\nmember: CN=alice,CN=Users,DC=refmon,DC=test\n"
	const verbose = "Group Name                                  Group Type      Group Scope  Members\n" +
		dashes + "Read-only Security Controllers              Security         Global            0\n" +
		"All Security Mail                           Distribution     Global            1\n"
	d, unresolved := sources.Read(t, [2]string{"samba-tool", "alice\n" + show + "\nbob\n"},
		[2]string{"samba-tool", verbose}, [2]string{"samba-tool", "CN=alice,CN=Users,DC=refmon,DC=test\n"},
		[2]string{"members:Engineering", "alice\nErna\n"})
	sources.HasGroups(t, d, "alice", "S-1-5-21-1-2-3-1104 S-1-5-21-1-2-3-513")
	check.That(t, !d.Principals[0].Token.Member(sid.MustParse("S-1-5-21-1-2-3-1106"), false),
		"alice is in a distribution group")
	want := []string{"Erna, a member of Engineering, is not in the input",
		"All Security Mail is a distribution group, which no token has",
		"bob, which samba-tool lists, has no entry in any input",
		"Read-only Security Controllers, which samba-tool lists, has no entry in any input"}
	check.That(t, slices.Equal(unresolved, want), "unresolved: %q, want %q", unresolved, want)
}

const dashes = "--------------------------------------------------------------------------------\n"
