package accounts_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/bounded"
	"github.com/refmon/refmon/internal/verbs/bulk/accounts"
	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/sid"
)

// read makes a directory of files by their forms, through the file that is written.
func read(t *testing.T, files ...[2]string) (*people.Directory, []string) {
	t.Helper()
	var l accounts.List
	for _, f := range files {
		if err := l.Read(f[0], []byte(f[1])); err != nil {
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

// members fails unless a user's token has all of some SIDs.
func members(t *testing.T, d *people.Directory, who, sids string) {
	t.Helper()
	i := d.Find(who)
	if i < 0 {
		t.Errorf("%s is no principal", who)
		return
	}
	for s := range strings.FieldsSeq(sids) {
		if !d.Principals[i].Token.Member(sid.MustParse(s), false) {
			t.Errorf("%s is no member of %s", who, s)
		}
	}
}

const (
	passwd = "# users\nroot:x:0:0:root:/root:/bin/sh\nalice:x:1001:100::/home/alice:/bin/sh\n"
	group  = "users:x:100:\nsy:x:3:alice\nstaff:x:50:alice,ghost\n"
)

func TestPasswd(t *testing.T) {
	d, unresolved := read(t, [2]string{"passwd", passwd}, [2]string{"getent", group})
	members(t, d, "alice", "S-1-22-1-1001 S-1-22-2-100 S-1-22-2-50 S-1-22-2-3")
	members(t, d, "root", "S-1-22-1-0 S-1-22-2-0")
	if fmt.Sprint(unresolved) != "[ghost has neither a SID nor an id]" {
		t.Errorf("unresolved: %v", unresolved)
	}
}

// TestPdbedit: SIDs of a server's accounts and ids of its system are one account.
func TestPdbedit(t *testing.T) {
	const printed = "---------------\nUnix username:        alice\nNT username:          \n" +
		"Account Flags:        [U          ]\n" +
		"User SID:             S-1-5-21-1-2-3-3002\nPrimary Group SID:    S-1-5-21-1-2-3-513\n" +
		"---------------\nUnix username:        root\nAccount Flags:        [DU         ]\n" +
		"User SID:             S-1-5-21-1-2-3-1000\n"
	d, _ := read(t, [2]string{"passwd", passwd}, [2]string{"pdbedit", printed}, [2]string{"passwd", group})
	members(t, d, "alice", "S-1-5-21-1-2-3-3002 S-1-22-1-1001 S-1-5-21-1-2-3-513 S-1-22-2-50")
	if d.Disabled != 1 || d.Find("root") >= 0 || d.Domain.String() != "S-1-5-21-1-2-3" {
		t.Errorf("%d disabled, domain %v", d.Disabled, d.Domain)
	}
}

func TestLDIF(t *testing.T) {
	binary := func(s string) string {
		return base64.StdEncoding.EncodeToString([]byte(sid.MustParse(s).Binary()))
	}
	file := "version: 1\n\ndn: DC=corp,DC=test\nobjectClass: domainDNS\n" +
		"objectSid:: " + binary("S-1-5-21-1-2-3") + "\n\n" +
		"dn: CN=Alice Smith,CN=Users,DC=cor\n p,DC=test\nobjectClass: user\nsAMAccountName: alice\n" +
		"userAccountControl: 512\n" +
		"objectSid:: " + binary("S-1-5-21-1-2-3-1107") + "\nprimaryGroupID: 513\nuidNumber: 1001\n" +
		"memberOf: CN=Staff,DC=corp,DC=test\nmemberOf: CN=Elsewhere,DC=other\n\n" +
		"dn: CN=Gone,DC=corp,DC=test\nobjectClass: user\nsAMAccountName: gone\nuserAccountControl: 514\n" +
		"objectSid: S-1-5-21-1-2-3-1108\n\n" +
		"dn: CN=staff,DC=corp,DC=test\nobjectClass: group\nsAMAccountName: staff\nobjectSid: S-1-5-21-1-2-3-2000\n" +
		"memberOf: CN=All,DC=corp,DC=test\n\n" +
		"dn: CN=All,DC=corp,DC=test\nobjectClass: group\nsAMAccountName: all\n" +
		"objectSid: S-1-5-21-1-2-3-2001\ngidNumber: 7\n\n" +
		"dn: OU=no account\nou: x\n"
	d, unresolved := read(t, [2]string{"ldif", file})
	members(t, d, "alice", "S-1-5-21-1-2-3-1107 S-1-5-21-1-2-3-513 S-1-5-21-1-2-3-2000 S-1-5-21-1-2-3-2001")
	members(t, d, "alice", "S-1-22-2-7 S-1-22-1-1001")
	if d.Disabled != 1 || len(d.Principals) != 1 || d.Domain.String() != "S-1-5-21-1-2-3" {
		t.Errorf("%d disabled, %d principals, domain %v", d.Disabled, len(d.Principals), d.Domain)
	}
	if fmt.Sprint(unresolved) != "[alice is a member of CN=Elsewhere,DC=other, which is not in the files]" {
		t.Errorf("unresolved: %v", unresolved)
	}
}

// TestHistoryAlone: the SIDs that an account had before count where it has no group, too, and so
// do those of a group in no other (B-16).
func TestHistoryAlone(t *testing.T) {
	d, _ := read(t, [2]string{"ldif", "dn: CN=a,DC=c\nobjectClass: user\nsAMAccountName: alone\n" +
		"objectSid: S-1-5-21-1-2-3-1107\nsIDHistory: S-1-5-21-9-9-9-77\n\n" +
		"dn: CN=b,DC=c\nobjectClass: user\nsAMAccountName: b\nobjectSid: S-1-5-21-1-2-3-1108\n" +
		"memberOf: CN=g,DC=c\n\n" +
		"dn: CN=g,DC=c\nobjectClass: group\nsAMAccountName: g\nobjectSid: S-1-5-21-1-2-3-2000\n" +
		"sIDHistory: S-1-5-21-9-9-9-78\n"})
	members(t, d, "alone", "S-1-5-21-9-9-9-77")
	members(t, d, "b", "S-1-5-21-1-2-3-2000 S-1-5-21-9-9-9-78")
}

func TestErrors(t *testing.T) {
	for _, c := range [][3]string{
		{"passwd", "a:b\n", "line 1"}, {"passwd", "a:x:b:0:::\n", "line 1"}, {"pdbedit", "nothing", "Unix username"},
		{"pdbedit", "Unix username: a\nUser SID: x\n", "line 2"},
		{"ldif", "dn\n", "line 1"}, {"ldif", "dn:: !\n", "base64"},
		{"ldif", "dn: a\nobjectSid:: AAAA\n", `entry "a"`}, {"netgroup", "", "want one of"},
		{"ldif", "dn: a\nb: c\n d\n\ndn: e\nf\n", "line 6"}, {"wbinfo", "", "sh -x"}, {"wbinfo", "S-1-1-0\n", "line 1"},
		{"wbinfo", "+ wbinfo -n a\nS-1-x SID_USER (1)\n", "line 2, an answer to wbinfo -n"},
		{"wbinfo", "+ wbinfo -r a\nb\n", "no gid"}, {"wbinfo", "+ wbinfo --user-sids=a\nS-1-1-0\n", "line 2"},
		{"samba-tool", "a\n\ndn: b\nobjectSid: S-1-\n", `entry "b" before line 5`}, {"samba-tool", "ERROR(x): y\n", "line 1"},
		{"csv", "a,b\n", "SamAccountName"}, {"csv", "SamAccountName,SID,sid\n", "twice"},
		{"csv", "#TYPE x\nSamAccountName,SID\na,S-1-5-x\n", "line 3: column SID"},
		{"csv", "SamAccountName,SID\na\n", "line 2"},
		{"csv", "SamAccountName,SID,Enabled\na,S-1-5-21-1-2-3-4,ja\n", "line 2: column Enabled"},
		{"bloodhound", "{\n\"data\":[}", "line 2"}, {"bloodhound", "{}", "meta"},
		{"bloodhound", `{"meta":{"type":"users","version":3}}`, "versions 4 to 6"}, {"bloodhound", "PK", "zip"},
		{"auto", "what?", "does not tell"}, {"ldif", "\xff\xfea", "inside a character"},
	} {
		var l accounts.List
		if err := l.Read(c[0], []byte(c[1])); err == nil || !strings.Contains(err.Error(), c[2]) {
			t.Errorf("%s %q: %v, want %q in it", c[0], c[1], err, c[2])
		}
	}
	if d, _ := read(t); len(d.Principals) != 0 {
		t.Errorf("no files give %d principals", len(d.Principals))
	}
}

// FuzzRead: no form panics, takes time and memory in proportion, and what is written is read.
func FuzzRead(f *testing.F) {
	f.Add("passwd", passwd+group)
	f.Add("passwd", "a:x:1:\nb:x:1:c,a\nS-1-1-0:x:1:2:::\nDU:x:2:\n") // one gid twice; names that are SIDs
	f.Add("pdbedit", "Unix username: a\nUser SID: S-1-5-21-1-2-3-4\n")
	f.Add("pdbedit", "Unix username: a\nUser SID: S-1-0-0\n") // of no domain
	f.Add("ldif", "dn: a\nobjectSid: S-1-5-21-1-2-3-4\nsAMAccountName: \"\\\nobjectClass: group\n")
	f.Add("ldif", "dn: a\nobjectSid: S-1-5-21-1-2-3-4\nsAMAccountName: b\nmember;range=0-1: a\nobjectClass: group\n")
	f.Add("csv", getADUser)
	f.Add("csv", "#TYPE x\nSamAccountName;SID;ObjectClass;MemberOf\na;S-1-5-21-1-2-3-4;group;a|b\n")
	f.Add("bloodhound", bloodhoundUsers)
	f.Add("bloodhound", bloodhoundGroups)
	f.Add("wbinfo", wbinfoTranscript)
	f.Add("samba-tool", "a\nGroup Name  Group Type\nb  Security Global 1\n\ndn: c\nobjectSid: S-1-1-0\n")
	f.Add("auto", "\xff\xfed\x00n\x00")
	f.Fuzz(func(t *testing.T, form, text string) {
		bounded.Run(t, len(text), func() {
			var l accounts.List
			if l.Read(form, []byte(text)) != nil {
				return
			}
			if file := l.YAML(); len(file) < 1<<16 {
				if _, err := people.Read(file); err != nil {
					t.Errorf("%v\n%s", err, file)
				}
			}
		})
	})
}
