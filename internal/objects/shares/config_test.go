package shares

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

// TestSettingsCountAsInServer gives files whose order matters, with what Samba's testparm -s prints for the share s
// (F-217).
func TestSettingsCountAsInServer(t *testing.T) {
	const a = "[a]\npath = /a\nvalid users = a\nread only = no\n"
	for file, want := range map[string]string{
		// A comment ends with its line. A line continues after a backslash with blanks.
		"[s]\n# C:\\share\\\nvalid users = s":                    "s",
		"[s]\n ; C:\\share \\ \nvalid users = s":                 "s",
		"[s]\nvalid users = s \\ \n# b \\\t\n c\nread only = no": "s # b c writable",
		"[s]\n\\\n# b \\\nvalid users = s\nread only = no":       "writable",
		// What the share sets itself counts before what it copies, also under another name.
		a + "[s]\nvalid users = s\nread only = yes\ncopy = a":       "/a s",
		a + "[s]\ncopy = a\nvalid users = s\nread only = yes":       "/a s",
		a + "[s]\nvalid users =\nwriteable = no\ncopy = A":          "/a",
		a + "[s]\ncopy = a\nwritable = no":                          "/a a",
		a + "[s]\ncopy = a\nread only = yes\nwrite ok = yes":        "/a a writable",
		a + "[s]\ncopy = a\n[a]\nvalid users = late":                "/a a writable",
		a + "[c]\npath = /c\n[s]\ncopy = a\ncopy = c":               "/c",
		a + "[c]\npath = /c\n[s]\ncopy = c\ncopy = a":               "/a a writable",
		a + "[c]\ncopy = a\npath = /c\n[s]\ndirectory=/s\ncopy = c": "/s a writable",
		// Settings of [global] count for the sections that begin later.
		"[s]\npath = /s\n[global]\nvalid users = a\n[s]\nread only = no":                           "/s writable",
		"[global]\nvalid users = a\n[c]\n[global]\nread only = no\n[s]\n[global]\nread only = yes": "a writable",
		"[c]\n[global]\nvalid users = a\n[s]\npath = /s\ncopy = c":                                 "/s",
		// Options of modules count from everywhere, and a copied one before the share's own.
		"[s]\n[global]\nacl_xattr:ignore system acls = yes":                                                   "ignore",
		"[a]\nacl_xattr:ignore system acls = no\n[s]\nacl_xattr:ignore system acls = yes\ncopy = a":           "",
		"[a]\nacl_xattr:ignore system acls = no\n[s]\ncopy = a\nacl_xattr:ignore system acls = yes":           "ignore",
		"[global]\nacl_xattr:ignore system acls = no\n[a]\n[s]\nacl_xattr:ignore system acls = yes\ncopy = a": "ignore",
		"[a]\nacl_xattr:ignore system acls = yes\n[c]\n[s]\ncopy = a\ncopy = c":                               "ignore",
		// Other shares may copy one of an included file.
		"[global]\ninclude = t.conf\n[a]\ncopy = t\n[s]\npath = /s\n[c]\ncopy = t\n": "/s",
	} {
		c, err := ParseConfig([]byte(file), "s")
		check.RequireThat(t, err == nil, "%q: %v", file, err)
		got := append([]string{c.Path}, c.valid...)
		if c.writable {
			got = append(got, "writable")
		}
		if c.IgnorePOSIX {
			got = append(got, "ignore")
		}
		check.Equal(t, strings.TrimSpace(strings.Join(got, " ")), want, "%q", file)
	}
}

// TestListKeepsTextAfterOpenQuote checks that a quote without its end runs to the end of the value, as testparm shows
// for smbd. A lost name of "invalid users" would grant access.
func TestListKeepsTextAfterOpenQuote(t *testing.T) {
	for value, want := range map[string][]string{
		"":                      nil,
		", \t":                  nil,
		`alice,bob`:             {"alice", "bob"},
		`alice;bob ; "a;b"`:     {"alice", "bob", "a;b"},
		`a"b c"d e`:             {"ab cd", "e"},
		`bob "alice, carol`:     {"bob", "alice, carol"},
		`"domain users" "alice`: {"domain users", "alice"},
		`bob "`:                 {"bob", ""},
	} {
		check.SlicesEqual(t, list(value), want, "list(%q)", value)
	}
}
