package source_test

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/directory/collect"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/directory/ldif"
	"github.com/refmon/refmon/internal/directory/source"
	"github.com/refmon/refmon/internal/test/bounded"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/sources"
	"github.com/refmon/refmon/sid"
)

const (
	passwd = "# users\nroot:x:0:0:root:/root:/bin/sh\nalice:x:1001:100::/home/alice:/bin/sh\n"
	group  = "users:x:100:\nsy:x:3:alice\nstaff:x:50:alice,ghost\n"
)

// FuzzRead checks that no input causes a panic, that time and memory are in proportion to the input, and that the
// written directory file can be read.
func FuzzRead(f *testing.F) {
	f.Add("passwd", passwd+group)
	f.Add("passwd", "a:x:1:\nb:x:1:c,a\nS-1-1-0:x:1:2:::\nDU:x:2:\n") // one gid twice; names that are SIDs
	f.Add("pdbedit", "Unix username: a\nUser SID: S-1-5-21-1-2-3-4\n")
	f.Add("pdbedit", "Unix username: a\nUser SID: S-1-0-0\n") // of no domain
	f.Add("ldif", "dn: a\nobjectSid: S-1-5-21-1-2-3-4\nsAMAccountName: \"\\\nobjectClass: group\n")
	f.Add("ldif", "dn: a\nobjectSid: S-1-5-21-1-2-3-4\nsAMAccountName: b\nmember;range=0-1: a\nobjectClass: group\n")
	f.Add("csv", "#TYPE x\r\n"+`"DistinguishedName","Enabled","MemberOf","ObjectClass","SamAccountName","SID"`+"\r\n"+
		`"CN=A","True","CN=G;CN=H","user","a","S-1-5-21-1-2-3-4"`+"\r\n")
	f.Add("csv", "#TYPE x\nSamAccountName;SID;ObjectClass;MemberOf\na;S-1-5-21-1-2-3-4;group;a|b\n")
	f.Add("bloodhound", `{"data":[{"ObjectIdentifier":"S-1-5-21-1-2-3-4","Properties":{"name":"A@C","enabled":true},`+
		`"PrimaryGroupSID":"S-1-5-21-1-2-3-513"}],"meta":{"type":"users","version":6}}`)
	f.Add("bloodhound", `{"data":[{"Members":[{"ObjectIdentifier":"C-S-1-5-11"}],"ObjectIdentifier":"C-S-1-5-32-545",`+
		`"Properties":{"name":"U@C"}}],"meta":{"type":"groups","version":4}}`)
	f.Add("wbinfo", "+ wbinfo -n a\nS-1-5-21-1-2-3-4 SID_USER (1)\n+ wbinfo -i a\na:*:5:6::/:/bin/sh\n+ wbinfo -r a\n6\n")
	f.Add("samba-tool", "a\nGroup Name  Group Type\nb  Security Global 1\n\ndn: c\nobjectSid: S-1-1-0\n")
	f.Add("auto", "\xff\xfed\x00n\x00")
	f.Fuzz(func(t *testing.T, form, text string) {
		bounded.Run(t, len(text), func() {
			var l collect.Collector
			if source.Read(&l, form, []byte(text)) != nil {
				return
			}
			if file := dirfile.Write(l.Accounts()); len(file) < 1<<16 {
				if _, err := dirfile.Read(file); err != nil {
					t.Errorf("%v\n%s", err, file)
				}
			}
		})
	})
}

// d returns the SID of an account of the domain.
func d(rid string) string { return "S-1-5-21-1-2-3-" + rid }

// entry writes an LDIF entry of a DN.
func ldifEntry(dn string, lines ...string) string {
	return "dn: " + dn + "\n" + strings.Join(lines, "\n") + "\n\n"
}

// The complete directory file from files of each form, and all reports about omitted references (B-15 to B-17).
func TestEachInputFormYieldsDirectoryFile(t *testing.T) {
	for _, c := range []struct {
		name             string
		files            [][2]string
		want, unresolved string
	}{
		{"ldif", [][2]string{{"ldif", ldifEntry("CN=a,DC=c", "ObjectClass: user", "sAMAccountName:: YQ==",
			"objectSid: "+d("1107"),
			"primaryGroupID: 515", "userAccountControl: 546", "uidNumber: 1", "gidNumber: 2", "memberOf: cn=G,dc=c",
			"memberOf: CN=G,DC=c", "sIDHistory: S-1-5-21-9-9-9-7", "sIDHistory: "+d("1107"), "memberof;x: CN=H,DC=c") +
			ldifEntry("CN=b,DC=c", "objectClass: computer", "sAMAccountName: b$", "objectSid: "+d("1108"),
				"userAccountControl: 512",
				"primaryGroupID: 513") + ldifEntry("CN=y", "objectSid: S-1-5-18", "sAMAccountName: sy",
			"primaryGroupID: 513") + ldifEntry("CN=x", "objectSid: "+d("1109")) + ldifEntry("OU=y", "ou: y") +
			ldifEntry("CN=G,DC=c", "objectClass: top", "objectClass: GROUP", "sAMAccountName: g", "objectSid: "+d("2000"),
				"groupType: -2147483646", "gidNumber: 9", "memberOf: CN=H,DC=c", "memberOf: CN=G,DC=c") +
			ldifEntry("CN=H,DC=c", "objectClass: group", "sAMAccountName:  h", "objectSid:  "+d("2001"),
				"member:CN=b,DC=c", "member;range=0-0: CN=G,DC=c", "member: CN=gone") +
			ldifEntry("CN=M,DC=c", "objectClass: group", "sAMAccountName: m", "objectSid: "+d("2002"), "groupType: 2",
				"member;range=1-*: CN=a,DC=c")}},
			`domain: S-1-5-21-1-2-3
users:
  - {name: "a", sid: D1107, memberOf: ["g", "h", D515, OLD], uid: 1, gid: 2, primaryGroup: D515, disabled: true}
  - {name: "b$", sid: D1108, memberOf: ["h", D513]}
  - {name: "sy", sid: S-1-5-18}
groups:
  - {name: "g", sid: D2000, memberOf: ["h"], gid: 9}
  - {name: "h", sid: D2001}
`, "CN=x has a SID and no sAMAccountName|h lists only a range of its members: " +
				"the memberOf of the others counts if it is " +
				"there|CN=gone, a member of h, is not in the input|m is a distribution group, which no token has"},
		{"wbinfo", [][2]string{{"wbinfo", `$ wbinfo --domain-users
one
+ wbinfo -g
grp
gone
# /usr/bin/wbinfo -n "one"
` + d("1107") + ` SID_USER (1)
% wbinfo --name-to-sid=grp
` + d("2000") + ` SID_DOM_GROUP (2)
> wbinfo -n alias
S-1-5-32-545 SID_ALIAS (4)
+ wbinfo -n known
S-1-5-32-546 SID_WKN_GROUP (5)
+ wbinfo -n pc$
` + d("1200") + ` SID_COMPUTER (9)
+ wbinfo -n DOM
S-1-5-21-1-2-3 SID_DOMAIN (3)
+ wbinfo -n odd
S-1-5-21-1-2-3-77 SID_UNKNOWN (8)
+ wbinfo -s ` + d("2001") + `
other group 2
+ wbinfo --group-info grp
grp:x:500:one
+ wbinfo -i one
one:x:1001:500::/:/bin/sh
+ wbinfo --user-domgroups=` + d("1107") + `
` + d("1107") + `
` + d("2001") + `
+ wbinfo --sid-aliases ` + d("1107") + `
S-1-5-32-545
+ wbinfo --user-sids ` + d("1300") + `
` + d("2000") + `
+ wbinfo --user-groups one
500
501
+ wbinfo -S ` + d("1200") + `
7
+ wbinfo -r pc$
9
+ wbinfo -Y ` + d("2001") + `
8
+ wbinfo -U 9
` + d("1300") + `
+ wbinfo -G 10
S-1-5-32-545
+ wbinfo --sids-to-unix-ids ` + d("2000") + `,S-1-5-32-546
` + d("2000") + ` -> gid 600
S-1-5-32-546 -> gid 11
` + d("1107") + ` -> uid 600
S-1-5-32-547 -> unmapped
+ wbinfo -p
Ping to winbindd succeeded
`}}, `domain: S-1-5-21-1-2-3
users:
  - {name: "one", sid: D1107, memberOf: ["grp", "other group", "alias", S-1-22-2-501], uid: 1001, gid: 500}
  - {name: "pc$", sid: D1200, uid: 7, gid: 9}
  - {name: "user D1300", sid: D1300, memberOf: ["grp"], uid: 9}
groups:
  - {name: "grp", sid: D2000, gid: 500}
  - {name: "alias", sid: S-1-5-32-545, gid: 10}
  - {name: "known", sid: S-1-5-32-546, gid: 11}
  - {name: "other group", sid: D2001, gid: 8}
`, "odd D77 is not a user and no group: SID_UNKNOWN (8)|gone, which wbinfo -g lists, has no entry in any input"},
		{"csv", [][2]string{{"csv",
			"SamAccountName,objectSid,ObjectClass,GroupScope,GroupCategory,Members,MemberOf,Enabled," +
				"PrimaryGroupID,PrimaryGroup,uidNumber,gidNumber,SIDHistory,DistinguishedName,Group,GroupName\n" +
				"a," + d("1107") + ",user,,,,\"g; CN=H,DC=c|" + d("2005") + "\",TRUE,513,,1,2,S-1-5-21-9-9-9-7,\"CN=a,DC=c\",,h\n" +
				"b," + d("1108") + ",user,,,,,false,,g,,,,\"CN=b,DC=c\",g,h\n" + "g," + d("2000") + ",,Global,,a,,,,,,3,,,,\n" +
				"h," + d("2001") + ",,,Security,\"b\n" + d("2000") + "\",,,,,,,,\"CN=H,DC=c\",,\n" +
				"sy,S-1-5-18,user,,,,,,513,,,,,,,\n" +
				"m," + d("2002") + ",,,distribution,a,,,,,,,,,,\n" + "c,,user,,,,,,,,,,,\"CN=c\",,\n" + ",,,,,,,,,,,,,\" \",,\n"}},
			`domain: S-1-5-21-1-2-3
users:
  - {name: "a", sid: D1107, memberOf: ["g", "h", D513, D2005, S-1-5-21-9-9-9-7], uid: 1, gid: 2}
  - {name: "b", sid: D1108, memberOf: ["g", "h"], disabled: true}
  - {name: "sy", sid: S-1-5-18}
groups:
  - {name: "g", sid: D2000, memberOf: ["h"], gid: 3}
  - {name: "h", sid: D2001}
`, "CN=c has no SID or no SamAccountName| has no SID or no SamAccountName|" +
				"m is a distribution group, which no token has"},
		{"bloodhound", [][2]string{{"bloodhound", `{"data":[{"ObjectIdentifier":"` + d("1107") + `","PrimaryGroupSID":"` +
			d("515") +
			`","HasSIDHistory":[{"ObjectIdentifier":"S-1-5-21-9-9-9-7"}],"Properties":{"samaccountname":"a","name":"A@C",` +
			`"distinguishedname":"CN=a,DC=c","enabled":true}},{"ObjectIdentifier":"` + d("1108") +
			`","Properties":{"name":"B@C","enabled":false}},{"ObjectIdentifier":"` + d("1109") + `","Properties":{}},` +
			`{"ObjectIdentifier":"guid","Properties":{"name":"AZ"}},{"ObjectIdentifier":"` + d("9") +
			`","IsDeleted":true}],"meta":{"type":"computers","version":4}}`},
			{"bloodhound", `{"meta":{"type":"groups","version":6},"data":[{"ObjectIdentifier":"C-` + d("2000") +
				`","Properties":{"name":"G@C","distinguishedname":"CN=G,DC=c"},"Members":[{"ObjectIdentifier":"C-` + d("1107") +
				`"},{"ObjectIdentifier":"guid"}],"HasSIDHistory":[{"ObjectIdentifier":"S-1-5-21-9-9-9-8"}]}]}`},
			{"bloodhound", `{"meta":{"type":"domains","version":6},"data":[{"ObjectIdentifier":"S-1-5-21-1-2-3"},` +
				`{"ObjectIdentifier":"S-1-5-21-4-5-6"}]}`},
			{"ldif", ldifEntry("CN=H,DC=c", "objectClass: group", "sAMAccountName: h", "objectSid: "+d("2001"),
				"member: CN=A,DC=c",
				"member: CN=G,DC=C")}},
			`domain: S-1-5-21-1-2-3
users:
  - {name: "a", sid: D1107, memberOf: ["G", "h", D515, S-1-5-21-9-9-9-7], primaryGroup: D515}
  - {name: "B", sid: D1108, disabled: true}
  - {name: "user D1109", sid: D1109}
groups:
  - {name: "G", sid: D2000, memberOf: ["h", S-1-5-21-9-9-9-8]}
  - {name: "h", sid: D2001}
`, "AZ guid has no SID|guid, a member of G, has no SID|the files tell of several " +
				"domains: S-1-5-21-1-2-3 is the one of the " +
				"directory, S-1-5-21-4-5-6 is not"},
		{"pdbedit", [][2]string{{"passwd", "# x\n+nis\n-\n\na:x:1:7:::\nb:x:2:0:::\n"},
			{"passwd", " g:x:7:b ,\tb, c,\n \n\t# x\nsy:x:8:\n"},
			{"pdbedit", "User SID: S-1-1-0\nUnix username: a\nAccount Flags: [U ]\nUser SID: " + d("1107") +
				"\nPrimary Group SID: " + d("514") + "\n\nUnix username: b\nAccount Flags: [DU]\nPrimary Group SID: " +
				d("514") + "\nnothing\n"}},
			`domain: S-1-5-21-1-2-3
users:
  - {name: "a", sid: D1107, memberOf: [D514], uid: 1, gid: 7, primaryGroup: D514}
  - {name: "b", sid: S-1-22-1-2, memberOf: ["g", D514], uid: 2, gid: 0, disabled: true}
groups:
  - {name: "g", sid: S-1-22-2-7, gid: 7}
  - {name: "group sy", sid: S-1-22-2-8, gid: 8}
`, "b  has neither a SID nor an id|c has neither a SID nor an id"},
	} {
		var l collect.Collector
		for _, f := range c.files {
			check.NoError(t, source.Read(&l, f[0], []byte(f[1])))
		}
		full := strings.NewReplacer("sid: D", "sid: S-1-5-21-1-2-3-", "user D", "user S-1-5-21-1-2-3-", "[D",
			"[S-1-5-21-1-2-3-",
			", D", ", S-1-5-21-1-2-3-", "Group: D", "Group: S-1-5-21-1-2-3-", "odd D", "odd S-1-5-21-1-2-3-", "OLD",
			"S-1-5-21-9-9-9-7").Replace
		check.Equal(t, string(dirfile.Write(l.Accounts())), full(c.want), "%s", c.name)
		check.Equal(t, strings.Join(l.Unresolved, "|"), full(c.unresolved), "%s leaves out", c.name)
		users, groups := l.Count()
		check.Equal(t, users+groups, strings.Count(c.want, "{name:"), "%s: number of accounts", c.name)
	}
}

// The members of a group are names on lines, or the rows of a CSV file.
func TestMembersAreNamesOrRows(t *testing.T) {
	var l collect.Collector
	check.NoError(t, source.Read(&l, "passwd", []byte(inUTF16("alice:x:1:5:::\r\r\nbób:x:2:5:::\r\r\n"+
		"staff:x:6:alice\r\r\ncrew:x:7:\r\n"))))
	check.NoError(t, source.ReadMembers(&l, "new", []byte("\n")))
	check.NoError(t, source.ReadMembers(&l, "staff", []byte("alice\r\n\n ghost \n")))
	check.NoError(t, source.ReadMembers(&l, "crew", []byte(inUTF16("SamAccountName;SID\r\r\nbób;"+d("1107")+"\r\r\n"))))
	check.Equal(t, string(dirfile.Write(l.Accounts())), `domain: S-1-5-21-1-2-3
users:
  - {name: "alice", sid: S-1-22-1-1, memberOf: ["staff"], uid: 1, gid: 5}
  - {name: "bób", sid: S-1-5-21-1-2-3-1107, memberOf: ["crew"], uid: 2, gid: 5}
groups:
  - {name: "staff", sid: S-1-22-2-6, gid: 6}
  - {name: "crew", sid: S-1-22-2-7, gid: 7}
`, "directory file")
	check.SlicesEqual(t, l.Unresolved, []string{"new has neither a SID nor an id",
		"ghost, a member of staff, is not in the input"}, "unresolved")
	for _, bad := range []string{"\xff\xfea", "SamAccountName,SID\na\n"} {
		check.That(t, source.ReadMembers(&l, "staff", []byte(bad)) != nil, "%q is accepted, want an error", bad)
	}
}

// An error has the line, entry, column or object, and the cause.
func TestErrorsHaveTheirPosition(t *testing.T) {
	long := strings.Repeat("x", 70)
	for _, c := range [][3]string{
		{"ldif", "dn: a\nuidNumber: -1\nsAMAccountName: a\nobjectSid: " + d("1") + "\n",
			`the entry "a" before line 5: uidNumber "-1" is not a number from 0 to 4294967295`},
		{"ldif", "dn: a\ngidNumber: " + long + "\nsAMAccountName: a\nobjectSid: " + d("1") + "\n",
			`the entry "a" before line 5: gidNumber "` + long[:60] + `…" is not a number from 0 to 4294967295`},
		{"ldif", "dn: a\nx\n y\n\n", `line 2: "xy" is not an attribute`}, {"ldif", "#a\ndn: a\n" + long + "\n",
			`line 3: "` + long[:60] + `…" is not an attribute`},
		{"ldif", "dn: a\nsidhistory: S-1-x\nsAMAccountName: a\nobjectSid: " + d("1") + "\n",
			`the entry "a" before line 5: sIDHistory: `},
		{"ldif", "dn: a\nobjectSid: " + sid.Everyone.Binary() + "z\n",
			`the entry "a" before line 3: objectSid: 1 bytes after its end`},
		{"ldif", "dn: a\nobjectSid: " + d("1") + "\ndn: b\n", `the entry "a" before line 4: it has a second dn, "b"`},
		{"ldif", "dn: a\n\n# search result\nsearch: 2\nresult: 4 Size limit exceeded\n\n# numEntries: 1\n",
			`before line 6: the search ended with "4 Size limit exceeded", so entries are missing: ldapsearch -E pr=1000/`},
		{"wbinfo", "+ wbinfo -n\nS-1-1-0 SID (1)\n", "line 2, an answer to wbinfo -n: the call has no name"},
		{"wbinfo", "+ wbinfo -s S-1-1-0\nname\n", `line 2, an answer to wbinfo -s: "name": want a name and its type`},
		{"wbinfo", "+ wbinfo -i a\nb\n", `line 2, an answer to wbinfo -i: "b" is not a line of passwd or group`},
		{"wbinfo", "+ wbinfo -S S-1-1-0\nx\n", `line 2, an answer to wbinfo -S: "x" is not a uid or gid`},
		{"wbinfo", "+ wbinfo -U x\nS-1-1-0\n", `line 2, an answer to wbinfo -U: "S-1-1-0" is not a uid or gid`},
		{"wbinfo", "+ wbinfo --sids-to-unix-ids=a\nS-1-1-0 -> 5\n", `"S-1-1-0 -> 5": want uid, gid or uid/gid and a number`},
		{"wbinfo", "+ wbinfo --user-sids=a\nS-1-1-0\n", "line 2, an answer to wbinfo --user-sids: the call's "},
		{"wbinfo", "\n\nx\n", "line 3: no call before it"}, {"wbinfo", "\n", "is this the output of sh -x?"},
		{"csv", "#TYPE x\nSamAccountName,SID\na,\"b", "line 3: "},
		{"csv", "SamAccountName,sid,SID\n", "the column SID occurs twice"},
		{"csv", "SamAccountName,SID\na,b,c\n", "line 2: wrong number of fields"},
		{"csv", "SamAccountName,SID,uidNumber\na," + d("1") + ",x\n", `line 2: column uidNumber "x" is not a number`},
		{"csv", "SamAccountName,SID,gidNumber,ObjectClass\na," + d("1") + ",x,group\n",
			`line 2: column gidNumber "x" is not a number`},
		{"csv", "SamAccountName;SID;Enabled\na;" + d("1") + ";1,5\n",
			`line 2: column Enabled: "1,5" is neither True nor False`},
		{"csv", "SamAccountName\tSID\tSIDHistory\na\t" + d("1") + "\tx\n", "line 2: sIDHistory: "},
		{"bloodhound", "{\"meta\":{\"type\":\"users\",\"version\":6},\n\"data\":[\n{\"ObjectIdentifier\":5}]}",
			"line 3: json: cannot"},
		{"bloodhound", `{"meta":{"type":"users","version":6},"data":[{},{"ObjectIdentifier":"` + d("1") +
			`","PrimaryGroupSID":"x","Properties":{"name":"N"}}]}`, `data[1] "N": PrimaryGroupSID: `},
		{"bloodhound", `{"meta":{"type":"groups","version":6},"data":[{"ObjectIdentifier":"` + d("1") +
			`","HasSIDHistory":[{"ObjectIdentifier":"x"}]}]}`, `data[0] "": HasSIDHistory: `},
		{"pdbedit", "\nUnix username: \n", "line 2: Unix username: the name is missing"},
		{"pdbedit", "Unix username: a\nPrimary Group SID: x\n", "line 2: Primary Group SID: "},
		{"pdbedit", "Unix username: a\nUser SID: x\n", "line 2: User SID: "},
		{"pdbedit", "nothing", `no line "Unix username:"`},
		{"passwd", "a:x:1:2:::\n\nb:x:1:y:::\n", "line 3: a user has seven fields"}, {"passwd", ":x:1:\n", "line 1: "},
		{"passwd", "b:x:y:\n", "line 1: "}, {"wbinfo", "wbinfo -n a\nS-1-1-0 SID (1)\n", "line 1: no call before it"},
		{"passwd", "a:b\n", "line 1: a user has seven fields"}, {"ldif", "dn\n", `line 1: "dn" is not an attribute`},
		{"ldif", "dn:: !\n", "line 1: dn: wrong base64"}, {"ldif", "dn: a\nb: c\n d\n\ndn: e\nf\n", "line 6: "},
		{"ldif", "dn: a\nobjectSid:: AAAA\n", `the entry "a" before line 3: objectSid: invalid SID`},
		{"ldif", "dn: a\nobjectSid:< file:///t/a\n",
			"objectSid: the value is in another file: call ldapsearch without -t"},
		{"ldif", "\xff\xfea", "the UTF-16 text ends inside a character"}, {"wbinfo", "", `no line "+ wbinfo …"`},
		{"wbinfo", "+ wbinfo -n a\nS-1-x SID_USER (1)\n", "line 2, an answer to wbinfo -n: "},
		{"wbinfo", "+ wbinfo -r a\nb\n", `line 2, an answer to wbinfo -r: "b" is not a gid`},
		{"samba-tool", "a\n\ndn: b\nobjectSid: S-1-\n", `the entry "b" before line 5: objectSid: `},
		{"samba-tool", "ERROR(x): y\n", "line 1: samba-tool failed: ERROR(x): y"},
		{"csv", "a,b\n", "line 1: want the columns SamAccountName and SID"},
		{"csv", "SamAccountName,SID,sid\n", "line 1: the column sid occurs twice"},
		{"csv", "#TYPE x\nSamAccountName,SID,sid\n", "line 2: the column sid occurs twice"},
		{"csv", "#TYPE x\na,b\n", "line 2: want the columns"}, {"csv", "#TYPE x\n\"a\"b,c\n", "line 2: extraneous"},
		{"csv", "#TYPE x\nSamAccountName,SID\na,S-1-5-x\n", "line 3: column SID: "},
		{"csv", "SamAccountName,SID\na\n", "line 2: wrong number of fields"},
		{"bloodhound", "{\n\"data\":[}", "line 2: "}, {"bloodhound", "{}", `there is no "meta"`},
		{"bloodhound", `{"meta":{"type":"users","version":3}}`, "version 3 of the collectors' files: versions 4 to 6"},
		{"bloodhound", "PK", "zip: "},
		{"bloodhound", "PK\x05\x06" + strings.Repeat("\x00", 18), "the zip holds no .json"},
		{"auto", "what?", "cannot detect the form of the file: give one of passwd, "},
		{"netgroup", "", `form "netgroup": want one of passwd, `},
	} {
		var l collect.Collector
		err := source.Read(&l, c[0], []byte(c[1]))
		check.That(t, err != nil && (strings.HasPrefix(strings.TrimSpace(err.Error()), c[2]) ||
			strings.Contains(err.Error(), ": "+c[2])), "%s %q:\n got %v\nwant %s", c[0], c[1], err, c[2])
	}
}

// An entry's claims belong to its user only. Entries that are not accounts are skipped. Omitted groups are in no
// token.
func TestOnlyAccountsBecomePrincipals(t *testing.T) {
	var l collect.Collector
	l.LeaveOut(func(s sid.SID) bool { return s.RID() == 2000 })
	const claimText = `[{"name": "n", "type": "int64", "values": [1]}]`
	claim := check.Must(claims.NewSet([]claims.Attribute{{Name: "n", Type: claims.Int64, Ints: []int64{1}}}))
	for _, e := range []struct {
		name, rid string
		class     []string
		memberOf  []string
		claims    *claims.Set
	}{{"a", "1107", nil, []string{"CN=g", "CN=h"}, claim}, {"b", "1108", nil, nil, nil},
		{"g", "2000", []string{"group"}, nil, claim}, {"h", "2001", []string{"group"}, nil, nil}} {
		r := check.Must(ldif.Parse(map[string][]string{"dn": {"CN=" + e.name}, "samaccountname": {e.name},
			"objectsid": {d(e.rid)}, "objectclass": e.class, "memberof": e.memberOf}))
		r.Claims = e.claims
		l.Put(r)
	}
	l.Put(check.Must(ldif.Parse(map[string][]string{"ou": {"x"}})))
	_, err := ldif.Parse(map[string][]string{"objectsid": {"S-1-x"}})
	check.That(t, err != nil, "an entry with a malformed SID is accepted, want an error")
	want := "domain: S-1-5-21-1-2-3\nusers:\n" + `  - {name: "a", sid: ` + d("1107") + `, memberOf: ["h"], claims: ` +
		claimText + "}\n" + `  - {name: "b", sid: ` + d("1108") + "}\ngroups:\n" + `  - {name: "h", sid: ` + d("2001") +
		"}\n"
	check.Equal(t, string(dirfile.Write(l.Accounts())), want, "directory file")
	none, _ := sources.Read(t)
	check.Equal(t, len(none.Principals), 0, "principals without a file")
}
