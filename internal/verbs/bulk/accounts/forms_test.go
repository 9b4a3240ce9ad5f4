package accounts_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/refmon/refmon/internal/verbs/bulk/accounts"
	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/sid"
)

// Get-ADUser | Export-Csv of PowerShell 5, as it comes and with MemberOf joined.
const (
	getADUser = "#TYPE Microsoft.ActiveDirectory.Management.ADUser\r\n" +
		`"DistinguishedName","Enabled","GivenName","MemberOf","Name","ObjectClass","ObjectGUID","PrimaryGroupID",` +
		`"SamAccountName","SID","SIDHistory","Surname","UserPrincipalName"` + "\r\n" +
		`"CN=Smith\, Alice,CN=Users,DC=corp,DC=test","True","Alice","CN=Staff,DC=corp,DC=test;CN=Gone,DC=corp",` +
		`"Smith, Alice","user","9a0f1860-f616-488f-a1fc-38b25a30f379","513","alice","S-1-5-21-1-2-3-1107",` +
		`"S-1-5-21-9-9-9-77","Smith","alice@corp.test"` + "\r\n" +
		`"CN=Bob,CN=Users,DC=corp,DC=test","False","Bob",` +
		`"Microsoft.ActiveDirectory.Management.ADPropertyValueCollection","Bob","user",` +
		`"9a0f1860-f616-488f-a1fc-38b25a30f378","513","bob","S-1-5-21-1-2-3-1108","","","bob@corp.test"` +
		"\r\n"
	getADGroup = `"DistinguishedName","GroupCategory","GroupScope","Name","ObjectClass","SamAccountName","SID",` +
		`"MemberOf"` + "\n" + `"CN=Staff,DC=corp,DC=test","Security","Global","Staff","group","Staff",` +
		`"S-1-5-21-1-2-3-2000",""` + "\n" + `"CN=Letters,DC=corp,DC=test",` +
		`"Distribution","Global","Letters","group","Letters","S-1-5-21-1-2-3-2009",` +
		`"CN=Staff,DC=corp,DC=test"` + "\n"
	getADGroupMember = `"distinguishedName","name","objectClass","objectGUID","SamAccountName","SID"` + "\n" +
		`"CN=Carol,CN=Users,DC=corp,DC=test","Carol","user","9a0f","carol","S-1-5-21-1-2-3-1109"` + "\n" +
		`"CN=Staff,DC=corp,DC=test","Staff","group","9a10","Staff","S-1-5-21-1-2-3-2000"` + "\n"
)

// list reads files by their forms; the form members:GROUP takes the members of a group.
func list(t *testing.T, files ...[2]string) (*people.Directory, []string) {
	t.Helper()
	var l accounts.List
	for _, f := range files {
		read := l.Read
		if group, ok := strings.CutPrefix(f[0], "members:"); ok {
			read = func(_ string, file []byte) error { return l.Members(group, file) }
		}
		if err := read(f[0], []byte(f[1])); err != nil {
			t.Fatal(err)
		}
	}
	text := l.YAML()
	d, err := people.Read(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return d, l.Unresolved
}

// TestCSV: the columns of the cmdlets, SIDs of the past (B-16), members by file and by
// column, and distribution groups, which no token has (B-15).
func TestCSV(t *testing.T) {
	d, unresolved := list(t, [2]string{"csv", getADUser}, [2]string{"auto", getADGroup},
		[2]string{"members:Engineering", getADGroupMember}, [2]string{"csv", getADGroupOf("Letters", "carol", 1109)},
		[2]string{"csv", "SamAccountName,SID,ObjectClass\nEngineering,S-1-5-21-1-2-3-2001,group\n"})
	members(t, d, "alice", "S-1-5-21-1-2-3-2000 S-1-5-21-1-2-3-2001 S-1-5-21-1-2-3-513 S-1-5-21-9-9-9-77")
	members(t, d, "carol", "S-1-5-21-1-2-3-2001")
	carol := d.Principals[d.Find("carol")].Token
	for _, s := range []string{"S-1-5-21-1-2-3-2009", "S-1-5-21-1-2-3-2000"} { // through Letters
		if carol.Member(sid.MustParse(s), false) {
			t.Errorf("carol is a member of %s", s)
		}
	}
	if d.Disabled != 1 || len(d.Principals) != 2 || d.Domain.String() != "S-1-5-21-1-2-3" {
		t.Errorf("%d disabled, %d principals, domain %v", d.Disabled, len(d.Principals), d.Domain)
	}
	want := []string{
		"column memberof holds the name of a type instead of values: export it as " +
			"@{n='memberof';e={$_.memberof -join ';'}}",
		"alice is a member of CN=Gone,DC=corp, which is not in the files",
		"Letters is a distribution group, which no token has",
	}
	if !slices.Equal(unresolved, want) {
		t.Errorf("unresolved: %q", unresolved)
	}
}

// getADGroupOf is a row of Get-ADGroupMember with the group in a column, in UTF-16 with semicolons.
func getADGroupOf(group, name string, rid int) string {
	text := fmt.Sprintf("\ufeffGroup;name;objectClass;SamAccountName;SID\r\n%s;%s;user;%s;S-1-5-21-1-2-3-%d\r\n", group,
		name, name, rid)
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

// Files of SharpHound: version 6, with the mark of order that it writes first; a group of
// version 4, as its schema was then.
const (
	bloodhoundUsers = "\ufeff" + `{"data":[{"ObjectIdentifier":"S-1-5-21-1-2-3-1107","Properties":` +
		`{"name":"ALICE@CORP.TEST","samaccountname":"alice","enabled":true,"domain":"CORP.TEST",` +
		`"distinguishedname":"CN=ALICE,CN=USERS,DC=CORP,DC=TEST","domainsid":"S-1-5-21-1-2-3"},` +
		`"PrimaryGroupSID":"S-1-5-21-1-2-3-513","AllowedToDelegate":[],"SPNTargets":[],"IsDeleted":false,` +
		`"HasSIDHistory":[{"ObjectIdentifier":"S-1-5-21-9-9-9-77","ObjectType":"Base"}],"IsACLProtected":false,` +
		`"Aces":[{"PrincipalSID":"S-1-5-21-1-2-3-512","PrincipalType":"Group","RightName":"GenericAll"}]},` +
		`{"ObjectIdentifier":"S-1-5-21-1-2-3-1108","Properties":{"name":"BOB@CORP.TEST","enabled":false}},` +
		`{"ObjectIdentifier":"S-1-5-21-1-2-3-1","IsDeleted":true,"Properties":{"name":"OLD@CORP.TEST"}}],` +
		`"meta":{"methods":0,"type":"users","count":3,"version":6}}`
	bloodhoundGroups = `{"data":[{"Members":[{"ObjectIdentifier":"S-1-5-21-1-2-3-1107","ObjectType":"User"},` +
		`{"ObjectIdentifier":"CORP.TEST-S-1-5-32-545","ObjectType":"Group"},` +
		`{"ObjectIdentifier":"S-1-5-21-7-7-7-9","ObjectType":"Base"}],"Aces":[],` +
		`"ObjectIdentifier":"S-1-5-21-1-2-3-2000","Properties":{"name":"STAFF@CORP.TEST"}},` +
		`{"ObjectIdentifier":"CORP.TEST-S-1-5-32-545","Members":[{"ObjectIdentifier":"CORP.TEST-S-1-5-11",` +
		`"ObjectType":"Group"}],"Properties":{"name":"USERS@CORP.TEST"}}],` +
		`"meta":{"methods":521215,"type":"groups","count":2,"version":4}}`
	bloodhoundDomains = `{"data":[{"ObjectIdentifier":"S-1-5-21-1-2-3","Properties":{"name":"CORP.TEST"}}],` +
		`"meta":{"type":"domains","count":1,"version":5}}`
)

// TestBloodHound: files and a zip of them give the same; members of any kind; Authenticated
// Users in a group are all users (B-17).
func TestBloodHound(t *testing.T) {
	files := [][2]string{{"bloodhound", bloodhoundUsers}, {"auto", bloodhoundGroups}, {"auto", bloodhoundDomains}}
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	for i, f := range files {
		w := must(z.Create(fmt.Sprintf("20261121_%d.json", i)))
		must(w.Write([]byte(f[1])))
	}
	for name, text := range map[string]string{"gpos.json": `{"data":[{"ObjectIdentifier":5}],"meta":{"type":"gpos"}}`,
		"readme.txt": "no json"} {
		must(must(z.Create(name)).Write([]byte(text)))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, files := range [][][2]string{files, {{"auto", packed.String()}}} {
		d, unresolved := list(t, files...)
		members(t, d, "alice", "S-1-5-21-1-2-3-513 S-1-5-21-1-2-3-2000 S-1-5-32-545 S-1-5-21-9-9-9-77")
		if d.Disabled != 1 || len(d.Principals) != 1 || d.Domain.String() != "S-1-5-21-1-2-3" {
			t.Errorf("%d disabled, %d principals, domain %v", d.Disabled, len(d.Principals), d.Domain)
		}
		want := []string{"S-1-5-21-7-7-7-9, a member of STAFF, is not in the files"}
		if !slices.Equal(unresolved, want) {
			t.Errorf("unresolved: %q", unresolved)
		}
	}
}

// TestAuthenticatedUsersAsMembers: a group with Authenticated Users has all users but the guest,
// and one with Everyone has the guest too (B-17).
func TestAuthenticatedUsersAsMembers(t *testing.T) {
	group := func(rid, member string) string {
		return `{"ObjectIdentifier":"S-1-5-21-1-2-3-` + rid + `","Members":[{"ObjectIdentifier":"CORP.TEST-` + member +
			`","ObjectType":"Group"}],"Properties":{"name":"G` + rid + `@CORP.TEST"}}`
	}
	user := func(rid string) string {
		return `{"ObjectIdentifier":"S-1-5-21-1-2-3-` + rid + `","Properties":{"name":"U` + rid + `@CORP.TEST"}}`
	}
	d, _ := list(t, [2]string{"auto", `{"data":[` + user("500") + "," + user("501") + "," + user("502") +
		`],"meta":{"type":"users","version":6}}`}, [2]string{"auto", `{"data":[` + group("2001", "S-1-5-11") + "," +
		group("2002", "S-1-1-0") + `],"meta":{"type":"groups","version":6}}`}, [2]string{"auto", bloodhoundDomains})
	for who, want := range map[string][2]bool{"u500": {true, true}, "u501": {false, true}, "u502": {true, true}} {
		i := d.Find(who)
		if i < 0 {
			t.Errorf("B-17: %s is no principal", who)
			continue
		}
		tok := d.Principals[i].Token
		got := [2]bool{tok.Member(sid.MustParse("S-1-5-21-1-2-3-2001"), false),
			tok.Member(sid.MustParse("S-1-5-21-1-2-3-2002"), false)}
		if got != want {
			t.Errorf("B-17: %s is a member of the groups of authenticated users and of everyone: %v, want %v", who, got, want)
		}
	}
}

// TestZipLimits: a zip that unpacks to more than a limit, and one of many files, are refused.
func TestZipLimits(t *testing.T) {
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	for i := range 1025 {
		must(z.Create(fmt.Sprintf("%d.json", i)))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	var l accounts.List
	if err := l.Read("bloodhound", packed.Bytes()); err == nil || !strings.Contains(err.Error(), "more than 1024") {
		t.Errorf("1025 files: %v", err)
	}
	for size, want := range map[uint64]string{1 << 40: "unpack to more than", 1: "zip"} {
		packed.Reset()
		z = zip.NewWriter(&packed)
		w := must(z.CreateRaw(&zip.FileHeader{Name: "a.json", UncompressedSize64: size, CompressedSize64: 3}))
		must(w.Write([]byte("{} ")))
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if err := l.Read("bloodhound", packed.Bytes()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a file of %d bytes as its header says: %v", size, err)
		}
	}
}

// TestZipLimitOfAll: the limit is that of all files together: where one has been unpacked,
// another that would fill the limit alone does not fit.
func TestZipLimitOfAll(t *testing.T) {
	for size, want := range map[uint64]string{1<<28 - 1: "unpack to more than",
		1<<28 - uint64(len(bloodhoundDomains)): "EOF"} {
		var packed bytes.Buffer
		z := zip.NewWriter(&packed)
		must(must(z.Create("a.json")).Write([]byte(bloodhoundDomains)))
		w := must(z.CreateRaw(&zip.FileHeader{Name: "b.json", UncompressedSize64: size, CompressedSize64: 3}))
		must(w.Write([]byte("{} ")))
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		var l accounts.List
		if err := l.Read("bloodhound", packed.Bytes()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a second file of %d bytes as its header says: %v, want %q", size, err, want)
		}
	}
}

// wbinfoTranscript was written by sh -x, with a winbind of Samba 4.17.
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
+ wbinfo --user-sids=S-1-5-21-1-2-3-1102
S-1-5-21-1-2-3-1102
S-1-5-21-1-2-3-513
S-1-5-21-1-2-3-1104
S-1-5-32-545
+ wbinfo -s S-1-5-21-1-2-3-1104
REFMON\Engineering 2
+ wbinfo -n administrator
S-1-5-21-1-2-3-500 SID_USER (1)
+ wbinfo -s S-1-5-21-1-2-3-500
REFMON\administrator 1
+ wbinfo -n nosuch
failed to call wbcLookupName: WBC_ERR_DOMAIN_NOT_FOUND
Could not lookup name nosuch
+ wbinfo --sids-to-unix-ids=S-1-5-21-1-2-3-1104,S-1-5-21-1-2-3-9
S-1-5-21-1-2-3-1104 -> uid/gid 3000012
S-1-5-21-1-2-3-9 -> unmapped
+ wbinfo -S S-1-5-21-1-2-3-500
0
`

func TestWbinfo(t *testing.T) {
	d, unresolved := list(t, [2]string{"auto", wbinfoTranscript})
	members(t, d, `REFMON\alice`, "S-1-22-1-3000011 S-1-22-2-3000012 S-1-22-2-100 S-1-22-2-3000011 "+
		"S-1-5-21-1-2-3-513 S-1-5-21-1-2-3-1104 S-1-5-32-545")
	members(t, d, "administrator", "S-1-22-1-0")
	if len(d.Principals) != 2 || d.Domain.String() != "S-1-5-21-1-2-3" {
		t.Errorf("%d principals, domain %v", len(d.Principals), d.Domain)
	}
	want := []string{
		"wbinfo -n nosuch: failed to call wbcLookupName: WBC_ERR_DOMAIN_NOT_FOUND",
		"wbinfo -n nosuch: Could not lookup name nosuch",
		`REFMON\ghost, which wbinfo -u lists, is told of nowhere else`,
	}
	if !slices.Equal(unresolved, want) {
		t.Errorf("unresolved: %q", unresolved)
	}
}

// TestSambaTool: show gives accounts, lists say who is missing, listmembers who belongs.
func TestSambaTool(t *testing.T) {
	const show = "\ndn: CN=alice,CN=Users,DC=refmon,DC=test\nobjectClass: user\nsAMAccountName: alice\n" +
		"objectSid: S-1-5-21-1-2-3-1102\nuserAccountControl: 512\nprimaryGroupID: 513\n\n" +
		"dn: CN=Engineering,CN=Users,DC=refmon,DC=test\nobjectClass: group\nsAMAccountName: Engineering\n" +
		"objectSid: S-1-5-21-1-2-3-1104\ngroupType: -2147483646\n\n" +
		"dn: CN=Letters,CN=Users,DC=refmon,DC=test\nobjectClass: group\nsAMAccountName: Letters\n" +
		"objectSid: S-1-5-21-1-2-3-1106\ngroupType: 2\nmember: CN=alice,CN=Users,DC=refmon,DC=test\n"
	const verbose = "Group Name                                  Group Type      Group Scope  Members\n" +
		dashes + "Read-only Domain Controllers                Security         Global            0\n" +
		"Letters                                     Distribution     Global            1\n"
	d, unresolved := list(t, [2]string{"samba-tool", "alice\nbob\n" + show}, [2]string{"samba-tool", verbose},
		[2]string{"samba-tool", "CN=alice,CN=Users,DC=refmon,DC=test\n"}, [2]string{"members:Engineering", "alice\nErna\n"})
	members(t, d, "alice", "S-1-5-21-1-2-3-1104 S-1-5-21-1-2-3-513")
	if d.Principals[0].Token.Member(sid.MustParse("S-1-5-21-1-2-3-1106"), false) {
		t.Error("alice is in a distribution group")
	}
	want := []string{"Erna, a member of Engineering, is not in the files",
		"Letters is a distribution group, which no token has",
		"bob, which samba-tool lists, is told of nowhere else",
		"Read-only Domain Controllers, which samba-tool lists, is told of nowhere else"}
	if !slices.Equal(unresolved, want) {
		t.Errorf("unresolved: %q", unresolved)
	}
}

const dashes = "--------------------------------------------------------------------------------\n"

// TestSameNames: accounts of one name in two domains stay two; foreign members, ranges,
// and gids that two groups have.
func TestSameNames(t *testing.T) {
	const two = "dn: CN=a,DC=one\nobjectClass: user\nsAMAccountName: admin\nobjectSid: S-1-5-21-1-2-3-500\n" +
		"memberOf: CN=g,DC=one\n\n" +
		"dn: CN=a,DC=two\nobjectClass: user\nsAMAccountName: Admin\nobjectSid: S-1-5-21-4-5-6-500\n\n" +
		"dn: CN=g,DC=one\nobjectClass: group\nsAMAccountName: g\nobjectSid: S-1-5-21-1-2-3-2000\n" +
		"member: CN=S-1-5-21-4-5-6-500,CN=ForeignSecurityPrincipals,DC=one\nmember;range=0-1499: CN=a,DC=one\n\n" +
		"dn: CN=S-1-5-21-4-5-6-500,CN=ForeignSecurityPrincipals,DC=one\nobjectClass: foreignSecurityPrincipal\n" +
		"objectSid: S-1-5-21-4-5-6-500\n\n" +
		"dn: CN=g,DC=two\nobjectClass: group\nsAMAccountName: g\nobjectSid: S-1-5-21-4-5-6-2000\n"
	d, unresolved := list(t, [2]string{"auto", two})
	members(t, d, "admin", "S-1-5-21-1-2-3-500 S-1-5-21-1-2-3-2000")
	members(t, d, "S-1-5-21-4-5-6-500", "S-1-5-21-1-2-3-2000")
	if len(d.Principals) != 2 || d.Find("Admin (S-1-5-21-4-5-6-500)") < 0 || !d.Domain.IsZero() {
		t.Errorf("%d principals, domain %v", len(d.Principals), d.Domain)
	}
	want := []string{"g lists only a range of its members: the memberOf of the others counts if it is there",
		`users are of several domains: add "domain" to the directory file if one is yours`}
	if !slices.Equal(unresolved, want) {
		t.Errorf("unresolved: %q", unresolved)
	}
	d, unresolved = list(t, [2]string{"passwd", "a:x:1:9:::\nb:x:2:9:::\n"}, [2]string{"passwd", "g:x:50:a\nh:x:50:b\n"})
	members(t, d, "a", "S-1-22-2-50")
	members(t, d, "b", "S-1-22-2-50")
	if fmt.Sprint(unresolved) != "[the group h has the gid of g: its members count as that one's]" {
		t.Errorf("unresolved: %q", unresolved)
	}
	// What either of the two is in counts for the members of both.
	d, _ = list(t, [2]string{"passwd", "a:x:1:9:::\nb:x:2:9:::\n"}, [2]string{"passwd", "g:x:50:a\n"},
		[2]string{"csv", "SamAccountName,SID,ObjectClass,MemberOf\nh,S-1-22-2-50,group,all\n" +
			"all,S-1-5-21-1-2-3-2000,group,\n"}, [2]string{"passwd", "h:x:50:b\n"})
	members(t, d, "a", "S-1-22-2-50 S-1-5-21-1-2-3-2000")
	members(t, d, "b", "S-1-22-2-50 S-1-5-21-1-2-3-2000")
}

// TestForm: which form a file is in; a directory file is in none.
func TestForm(t *testing.T) {
	for text, want := range map[string]string{
		passwd: "passwd", group: "passwd", getADUser: "csv", getADGroupMember: "csv", getADGroupOf("a", "b", 1): "csv",
		bloodhoundUsers: "bloodhound", "PK\x03\x04": "bloodhound", wbinfoTranscript: "wbinfo",
		"# extended LDIF\n#\n# LDAPv3\n\n# search\nsearch: 2\n": "",
		"# extended LDIF\n\ndn: a\n":                            "ldif", "version: 1\ndn: a\n": "ldif",
		"---------------\nUnix username:        a\n": "pdbedit", "---\nusers: []\n": "", "users: []\n": "",
		"name,sid\na,BA\n": "", `{"users":[]}`: "", "": "", "{": "", "\n# a\n": "",
	} {
		if got := accounts.Form([]byte(text)); got != want {
			t.Errorf("%.40q: form %q, want %q", text, got, want)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
