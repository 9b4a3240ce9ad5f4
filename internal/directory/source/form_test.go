package source_test

import (
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/refmon/refmon/internal/directory/source"
	"github.com/refmon/refmon/internal/test/check"
)

// TestFormOfFileIsRecognized checks the recognized form of each file. A directory file has none.
func TestFormOfFileIsRecognized(t *testing.T) {
	for text, want := range map[string]string{
		passwd: "passwd", group: "passwd", "#TYPE Microsoft.ActiveDirectory.Management.ADUser\r\n\"SID\"\r\n": "csv",
		`"name","objectClass","SamAccountName","SID"` + "\n": "csv", inUTF16("Group;SamAccountName;SID\r\na;b;c\r\n"): "csv",
		"\ufeff" + `{"data":[],"meta":{}}`: "bloodhound", "PK\x03\x04": "bloodhound",
		`{"meta":{},"data":[]}`:                                 "bloodhound",
		"+ wbinfo -u\nCORP\\\\alice\n":                          "wbinfo",
		"# extended LDIF\n#\n# LDAPv3\n\n# search\nsearch: 2\n": "",
		"# extended LDIF\n\ndn: a\n":                            "ldif", "version: 1\ndn: a\n": "ldif",
		"# John, Sales, exam\n ple.com\ndn: a\n": "ldif", "version:1\n\nDN:a\n": "ldif", "# a\n\n b\ndn: a\n": "",
		"---------------\nUnix username:        a\n": "pdbedit", "---\nusers: []\n": "", "users: []\n": "",
		"# /usr/bin/wbinfo -u\nalice\n": "wbinfo", "---\nUnix username:        a\n": "",
		"\xfe\xff\x00d\x00n\x00:\x00 \x00a": "ldif", inUTF16("dn: a\n" + strings.Repeat("b: c\n", 1<<13)): "ldif",
		"#" + strings.Repeat(" ", 1<<16-2) + "\ndn: a\n":                        "", // the form is that of the first 64 KiB
		"# a; b; c; d\n" + `"name","objectClass","SamAccountName","SID"` + "\n": "csv", "# a\n#TYPE x\n": "csv",
		"# a\n+ wbinfo -u\n": "wbinfo", "# a\nUnix username: a\n": "pdbedit", "a b c\nUnix username: a\n": "",
		"------\nusers: []\n": "",
		"name,sid\na,BA\n":    "", `{"users":[]}`: "", "": "", "{": "", "\n# a\n": "",
	} {
		check.Equal(t, source.Form([]byte(text)), want, "%.40q: form", text)
	}
}

// inUTF16 returns a text as PowerShell writes it: little endian, behind a byte order mark.
func inUTF16(text string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune("\ufeff" + text)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}
