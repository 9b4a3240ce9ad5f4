package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLDIFIsTheDirectoryToo: objects in LDIF bring their users and groups, unless the command line names others (B-82).
func TestLDIFIsTheDirectoryToo(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ldif := file("ad.ldif", "dn: CN=bob,DC=corp\nobjectClass: user\nobjectSid: S-1-5-21-1-2-3-1107\nsAMAccountName: bob\n"+
		"nTSecurityDescriptor: O:SYG:SYD:(A;;RP;;;S-1-5-21-1-2-3-1107)\n")
	people := file("people.yaml", "users:\n  - {name: alice, sid: S-1-5-21-1-2-3-1107}\n")
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
		{[]string{"who-can", "read", "-o", lines}, 2, "", "no principals"},
		{[]string{"who-can", "read", "-o", filepath.Join(dir, "none.ldif")}, 2, "", "no principals"},
	} {
		code, out, errs := asked(c.args...)
		if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errs, c.errs) {
			t.Errorf("%q: exit code %d, %q, %q, want %d, %q, %q", c.args, code, out, errs, c.code, c.out, c.errs)
		}
	}
}
