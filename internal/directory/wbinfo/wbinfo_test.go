package wbinfo_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/directory/collect"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/directory/wbinfo"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/sources"
)

const wbinfoTranscript = `+ wbinfo -u
REFMON\administrator
REFMON\alice
REFMON\ghost
++ wbinfo -n 'REFMON\alice'
S-1-5-21-1-2-3-1102 SID_USER (1)
+ wbinfo -i alice
REFMON\alice:*:3000011:100::/home/REFMON/alice:/bin/false
+ wbinfo -r 'REFMON\alice'
3000011
100
3000012
+ wbinfo --user-sids=S-1-5-21-1-2-3-1102 --verbose
S-1-5-21-1-2-3-1102
S-1-5-21-1-2-3-513
S-1-5-21-1-2-3-1104
S-1-5-32-545
+ wbinfo -s S-1-5-21-1-2-3-1104
REFMON\Engineering 2
+ wbinfo -n "administrator
S-1-5-21-1-2-3-500 SID_USER (1)
+ wbinfo -s S-1-5-21-1-2-3-500
REFMON\administrator 1
+ wbinfo -n nosuch
failed to call wbcLookupName
Could not lookup name nosuch
+ wbinfo --sids-to-unix-ids=S-1-5-21-1-2-3-1104,S-1-5-21-1-2-3-9
S-1-5-21-1-2-3-1104 -> uid/gid 3000012
S-1-5-21-1-2-3-9 -> unmapped
+ wbinfo -S S-1-5-21-1-2-3-500
0
+ wbinfo -n bob -u
S-1-5-21-1-2-3-1103 SID_USER (1)
+ wbinfo --user-sids S-1-5-21-1-2-3-1106
S-1-5-21-1-2-3-1106
+ wbinfo -U 3000013
S-1-5-21-1-2-3-1103
+ wbinfo -n "o'neil"
S-1-5-21-1-2-3-1105 SID_USER (1)
`

func TestWbinfoOutputYieldsGroups(t *testing.T) {
	d, unresolved := sources.Read(t, [2]string{"auto", wbinfoTranscript})
	sources.HasGroups(t, d, `REFMON\alice`, "S-1-22-1-3000011 S-1-22-2-3000012 S-1-22-2-100 S-1-22-2-3000011 "+
		"S-1-5-21-1-2-3-513 S-1-5-21-1-2-3-1104 S-1-5-32-545")
	sources.HasGroups(t, d, "administrator", "S-1-22-1-0")
	sources.HasGroups(t, d, "bob", "S-1-22-1-3000013")
	sources.HasGroups(t, d, "o'neil", "S-1-5-21-1-2-3-1105")
	check.That(t, len(d.Principals) == 4 && d.Domain.String() == "S-1-5-21-1-2-3",
		`%d principals, domain %v, want 4, "S-1-5-21-1-2-3"`, len(d.Principals), d.Domain)
	want := []string{
		"wbinfo -n nosuch: failed to call wbcLookupName",
		"wbinfo -n nosuch: Could not lookup name nosuch",
		`REFMON\ghost, which wbinfo -u lists, has no entry in any input`,
	}
	check.That(t, slices.Equal(unresolved, want), "unresolved: %q, want %q", unresolved, want)
}

// TestEachKindOfAccountIsRead checks computers, aliases, well-known groups and the domain, and uids and gids of both
// kinds. The first number of an account counts. The uid that a SID has too is no gid of the group with that SID.
func TestEachKindOfAccountIsRead(t *testing.T) {
	const text = `+ /usr/bin/wbinfo -n 'REFMON\pc1$'

S-1-5-21-1-2-3-1111 SID_COMPUTER (9)
+ wbinfo -n sales
S-1-5-21-1-2-3-1200 SID_ALIAS (4)
+ wbinfo -n Everyone
S-1-1-0 SID_WKN_GROUP (5)
+ wbinfo -n REFMON
S-1-5-21-1-2-3 SID_DOMAIN (3)
+ wbinfo -n visitor
S-1-5-21-7-7-7-1 SID_USER (1)
+ wbinfo --sid-aliases S-1-5-21-1-2-3-514
S-1-5-21-1-2-3-1200
+ wbinfo -s S-1-5-21-1-2-3-514
REFMON\Domain Guests 2
+ wbinfo --sid-aliases S-1-5-21-1-2-3-1111
S-1-5-21-1-2-3-1200
+ wbinfo --sid-aliases S-1-5-21-1-2-3-515
S-1-5-21-1-2-3-1200
+ wbinfo -S S-1-5-21-1-2-3-515
79
+ wbinfo -s S-1-5-21-1-2-3-515
REFMON\Domain Computers 2
+ wbinfo -G 88
S-1-5-21-1-2-3-514
+ wbinfo --sids-to-unix-ids S-1-5-21-1-2-3-1111
S-1-5-21-1-2-3-1111 -> uid/gid 77
+ wbinfo -S S-1-5-21-1-2-3-1111
78
+ wbinfo -g
REFMON\lost
+ wbinfo -n gone
lookup: WBC_ERR_DOMAIN_NOT_FOUND
`
	var c collect.Collector
	check.NoError(t, wbinfo.Read(&c, text))
	check.Equal(t, string(dirfile.Write(c.Accounts())), `domain: S-1-5-21-1-2-3
users:
  - {name: "REFMON\\pc1$", sid: S-1-5-21-1-2-3-1111, memberOf: ["sales"], uid: 77}
  - {name: "visitor", sid: S-1-5-21-7-7-7-1}
groups:
  - {name: "sales", sid: S-1-5-21-1-2-3-1200}
  - {name: "Everyone", sid: S-1-1-0}
  - {name: "REFMON\\Domain Guests", sid: S-1-5-21-1-2-3-514, memberOf: ["sales"], gid: 88}
  - {name: "REFMON\\Domain Computers", sid: S-1-5-21-1-2-3-515, memberOf: ["sales"]}
`, "directory file")
	check.SlicesEqual(t, c.Unresolved, []string{"wbinfo -n gone: lookup: WBC_ERR_DOMAIN_NOT_FOUND",
		`REFMON\lost, which wbinfo -g lists, has no entry in any input`}, "unresolved")
}

// TestLaterLineNamesAccountOfSID checks that the order of calls does not matter: a SID whose groups a call listed is
// the user whom a later call names, with the uid of passwd.
func TestLaterLineNamesAccountOfSID(t *testing.T) {
	const groups = "+ wbinfo --user-sids S-1-5-21-1-2-3-1107\nS-1-5-21-1-2-3-513\n"
	const id = "+ wbinfo -i alice\nalice:*:1001:500::/:/bin/sh\n+ wbinfo -r alice\n501\n"
	for _, name := range []string{"+ wbinfo -n alice\nS-1-5-21-1-2-3-1107 SID_USER (1)\n",
		"+ wbinfo -s S-1-5-21-1-2-3-1107\nalice 1\n"} {
		for _, text := range []string{groups + name + id, groups + id + name, id + groups + name, name + groups + id} {
			d, unresolved := sources.Read(t, [2]string{"wbinfo", text})
			sources.HasGroups(t, d, "alice",
				"S-1-5-21-1-2-3-1107 S-1-5-21-1-2-3-513 S-1-22-1-1001 S-1-22-2-500 S-1-22-2-501")
			check.That(t, len(d.Principals) == 1 && len(unresolved) == 0, "%q: %d principals, unresolved %q", text,
				len(d.Principals), unresolved)
		}
	}
}
