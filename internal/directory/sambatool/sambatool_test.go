package sambatool_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory/collect"
	"github.com/refmon/refmon/internal/directory/sambatool"
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
		"dn: CN=Letters,CN=Users,DC=refmon,DC=test\nobjectClass: group\n" +
		"sAMAccountName: All Security Distribution Mail\nobjectSid: S-1-5-21-1-2-3-1106\n" +
		"member: CN=alice,CN=Users,DC=refmon,DC=test\n"
	const head = "Group Name                                  Group Type      Group Scope  Members\n" + dashes
	const verbose = head + "Read-only Security Controllers              Security         Global            0\n" +
		"All Security Distribution Mail              Distribution     Global            1\n" +
		"News                                        Distribution     Global            0\n" + head +
		"All Distribution Lists                      Security         Global            0\n"
	const last = "dn: CN=zoe\nobjectClass: user\nsAMAccountName: zoe\nobjectSid: S-1-5-21-1-2-3-1110\n"
	d, unresolved := sources.Read(t, [2]string{"samba-tool", "alice\n" + show + "\nbob\n"},
		[2]string{"samba-tool", verbose}, [2]string{"samba-tool", "CN=alice,CN=Users,DC=refmon,DC=test\n"},
		[2]string{"members:Engineering", "alice\nErna\n"}, [2]string{"samba-tool", last})
	sources.HasGroups(t, d, "zoe", "S-1-5-21-1-2-3-1110")
	sources.HasGroups(t, d, "alice", "S-1-5-21-1-2-3-1104 S-1-5-21-1-2-3-513")
	check.That(t, !d.Principals[0].Token.Member(sid.MustParse("S-1-5-21-1-2-3-1106"), false),
		"alice is in a distribution group")
	want := []string{"Erna, a member of Engineering, is not in the input",
		"All Security Distribution Mail is a distribution group, which no token has",
		"bob, which samba-tool lists, has no entry in any input",
		"Read-only Security Controllers, which samba-tool lists, has no entry in any input",
		"All Distribution Lists, which samba-tool lists, has no entry in any input"}
	check.That(t, slices.Equal(unresolved, want), "unresolved: %q, want %q", unresolved, want)
	err := sambatool.Read(new(collect.Collector), "a\n\ndn: b\nobjectSid: S-1-\n\nc\n")
	check.That(t, err != nil && strings.HasPrefix(err.Error(), `the entry "b" before line 5`), "malformed entry: %v", err)
}

const dashes = "--------------------------------------------------------------------------------\n"
