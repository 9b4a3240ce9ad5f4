package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestLDIFObjectsSupplyAccounts checks that objects in LDIF bring their users and groups, unless the command line
// names others (B-82).
func TestLDIFObjectsSupplyAccounts(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		check.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	ldif := file("ad.ldif", "dn: CN=bob,DC=corp\nobjectClass: user\nobjectSid: S-1-5-21-1-2-3-1107\nsAMAccountName: bob\n"+
		"nTSecurityDescriptor: O:SYG:SYD:(A;;RP;;;S-1-5-21-1-2-3-1107)\n")
	people := file("people.yaml", "users:\n  - {name: alice, sid: S-1-5-21-1-2-3-1107}\n")
	token := file("token.json", `{"user":"SY"}`)
	hound := file("hound.zip", collection(t))
	lines := file("a.jsonl", `{"path":"/a","sd":"O:SYG:SYD:"}`+"\n")
	for _, c := range []struct {
		args      []string
		code      int
		out, errs string
	}{
		{[]string{"who-can", "read-property", "bob", "-o", ldif}, 0, "ReadProperty  bob\n", ""},
		{[]string{"who-can", "ReadProperty", "-o", ldif, "-d", people}, 0, "ReadProperty  alice\n", ""},
		{[]string{"what-can", "bob", "bob", "-o", ldif}, 0, "CN=bob,DC=corp", ""},
		{[]string{"access", "bob", "--as", "bob", "-w", "RP", "-q", "-o", ldif}, 0, "", ""},
		{[]string{"access", "bob", "-t", token, "-w", "RP", "-q", "-o", ldif}, 1, "", ""},
		{[]string{"who-can", "ResetPassword", "carol", "-o", hound}, 0, "ResetPassword  dave", ""},
		{[]string{"report", "-o", ldif, "-d", ldif, "--baseline", ldif, "--baseline-directory", people,
			"--format", "text"}, 0, "alice: allow read property", ""},
		{[]string{"diff", ldif, ldif}, 2, "", "refmon report -o " + ldif + " --baseline " + ldif + " --format text"},
		{[]string{"diff", ldif, ldif, "-d", people, "-t", token, "--logon", "ntlm"}, 2, "",
			" -d " + people + " --token " + token + " --logon ntlm --baseline "},
		{[]string{"diff", lines, lines}, 2, "", "no principals"},
		{[]string{"who-can", "read", "-o", lines}, 2, "", "no principals"},
		{[]string{"who-can", "read", "-o", filepath.Join(dir, "none.ldif")}, 2, "", "no principals"},
	} {
		code, out, errs := runLine(c.args...)
		check.That(t, code == c.code && strings.Contains(out, c.out) && strings.Contains(errs, c.errs),
			"%q: exit code %d, %q, %q, want %d, %q, %q", c.args, code, out, errs, c.code, c.out, c.errs)
	}
}

// TestLDIFKeepsGivenDomain checks that aliases in LDIF are relative to the domain of --domain. Without it, they are
// relative to that of the LDIF.
func TestLDIFKeepsGivenDomain(t *testing.T) {
	ldif := []byte("dn: CN=bob,DC=corp\nobjectClass: user\nobjectSid: S-1-5-21-1-2-3-1107\nsAMAccountName: bob\n")
	for given, want := range map[string]string{"": "S-1-5-21-1-2-3", "S-1-5-21-9-9-9": "S-1-5-21-9-9-9"} {
		p := lintPage{domain: check.Must(parseDomain(given))}
		p.accountsOf(ldif)
		check.That(t, p.names != nil && p.domain.String() == want, "--domain %q: %v, accounts read: %t, want %s", given,
			p.domain, p.names != nil, want)
	}
}

// collection returns a zip with one file of a collector: dave may reset the password of carol.
func collection(t *testing.T) string {
	t.Helper()
	user := func(rid, name, aces string) string {
		return fmt.Sprintf(`{"ObjectIdentifier":"S-1-5-21-1-2-3-%[1]s","Properties":{"name":"%[2]s@CORP.TEST",`+
			`"samaccountname":"%[2]s","domain":"CORP.TEST","domainsid":"S-1-5-21-1-2-3","enabled":true,`+
			`"distinguishedname":"CN=%[2]s,DC=CORP,DC=TEST"},"PrimaryGroupSID":"S-1-5-21-1-2-3-513","Aces":[%[3]s]}`,
			rid, name, aces)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("users.json")
	if err == nil {
		_, err = fmt.Fprintf(w, `{"data":[%s,%s],"meta":{"methods":0,"type":"users","count":2,"version":6}}`,
			user("1107", "carol", `{"PrincipalSID":"S-1-5-21-1-2-3-1108","PrincipalType":"User",`+
				`"RightName":"ForceChangePassword","IsInherited":false}`), user("1108", "dave", ""))
	}
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A finding names the account of its entry, but not that of an entry with a condition (U-121).
func TestFindingNamesAccountOfEntry(t *testing.T) {
	for entry, want := range map[string]string{"(A;;FR;;;WD)": "Everyone", "(A;;FR;;;S-1-5-21-1-2-3-9)": "",
		"(XA;;FR;;;WD;(@User.a==1))": "", "(A;;FR;;;S-1-x)": "", "(A;;FR;;WD)": ""} {
		check.Equal(t, new(lintPage).nameIn(entry), want, "account of %s", entry)
	}
}
