package shares_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/verbs/bulk/shares"
	"github.com/refmon/refmon/sddl"
)

// TestEverySetting: each name of a setting, and each word for yes and no, means what the server takes it for.
func TestEverySetting(t *testing.T) {
	for _, c := range []struct{ setting, want string }{
		{"path = /p", "/p||false"}, {"Directory=/d", "/d||false"}, {"acl_xattr:security_acl_name = user.acl", "|user.acl|false"},
		{"acl_xattr:ignore system acls = yes", "||true"}, {"ACL_XATTR:Ignore System ACLs = On", "||true"},
		{"acl_xattr:ignore system acls = 1", "||true"}, {"acl_xattr:ignore system acls = TRUE", "||true"},
		{"acl_xattr:ignore system acls = yes\nacl_xattr:ignore system acls = no", "||false"},
		{"acl_xattr:ignore system acls = yes\nacl_xattr:ignore system acls = off", "||false"},
		{"acl_xattr:ignore system acls = yes\nacl_xattr:ignore system acls = 0", "||false"},
		{"acl_xattr:ignore system acls = yes\nacl_xattr:ignore system acls = False", "||false"},
	} {
		config, err := shares.ParseConfig([]byte("[a]\nvfs objects = acl_xattr\n"+c.setting+"\n"), "A")
		if err != nil {
			t.Errorf("%s: %v", c.setting, err)
			continue
		}
		if got := fmt.Sprintf("%s|%s|%t", config.Path, config.Attribute, config.IgnorePOSIX); got != c.want ||
			len(config.Notes) != 0 {
			t.Errorf("%s: %s, want %s; %q", c.setting, got, c.want, config.Notes)
		}
	}
	// Each of these leaves the right to write to who is asked, or takes it.
	for settings, want := range map[string]bool{
		"read only = no": true, "read only = yes": false, "": false, "writeable = yes": true, "writable = yes": true,
		"write ok = yes": true, "writable = no": false, "read only = no\nread list = bob": false,
		"write list = bob": true, "write list = alice": false, "read only = no\nread list = alice": true,
		"write list = \"bob\"": true, "write list = alice,bob": true, "write list = alice bob": true, "write list=alice\tbob": true,
		"write list = \"alice bob\"": false, "read only = no\nvalid users = alice": false,
		"read only = no\nvalid users = alice, bob": true, "read only = no\ninvalid users = bob": false,
	} {
		v, _ := decide(t, settings, "", "bob")
		if got := v.Left&writing != 0; got != want {
			t.Errorf("%s: bob may write: %t, want %t", settings, got, want)
		}
	}
}

// TestBoundsOfAConfiguration: a file may have so many shares and settings, and no more.
func TestBoundsOfAConfiguration(t *testing.T) {
	settings := func(n int) string { return "[a]\n" + strings.Repeat("x = 1\n", n) }
	sections := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "[s%d]\n", i)
		}
		return b.String() + "[S0]\n" // again, so none is more
	}
	for _, c := range []struct{ file, name, want string }{
		{settings(1 << 16), "a", ""}, {settings(1<<16 + 1), "a", "line 65538: more than 65536 settings"},
		{sections(1 << 14), "s0", ""}, {sections(1<<14 + 1), "s0", "line 16385: more than 16384 shares"},
	} {
		if _, err := shares.ParseConfig([]byte(c.file), c.name); fmt.Sprint(err) != c.want && (err != nil || c.want != "") {
			t.Errorf("%.20q…: %v, want %s", c.file, err, c.want)
		}
	}
	// A section that is there twice is one.
	c := must(shares.ParseConfig([]byte("[a]\npath = /1\n[b]\npath = /2\n[A]\npath = /3\n"), "a"))
	if c.Path != "/3" || c.Share != "a" {
		t.Errorf("%+v", c)
	}
	// What a share copies stands where it copies it, and its own settings go before.
	for own, want := range map[string]string{"path = /own\ncopy = t": "/t", "copy = t\npath = /own": "/own"} {
		if c := must(shares.ParseConfig([]byte("[global]\npath = /g\n[t]\npath = /t\n[a]\n"+own+"\n"), "a")); c.Path != want {
			t.Errorf("%q: %s, want %s", own, c.Path, want)
		}
	}
	if c := must(shares.ParseConfig([]byte("\ufeff[global]\npath = /g\n[a]\n"), "")); c.Path != "/g" {
		t.Errorf("the global setting: %+v", c)
	}
	homes := must(shares.ParseConfig([]byte("[Homes]\nvfs object = acl_xattr\nmap acl inherit = No\navailable = no\n"), ""))
	if !slices.Equal(homes.Notes, []string{"[Homes] available = no matters and is not read",
		"[Homes] [homes] is a share for each user, with a path of its own"}) {
		t.Errorf("%q", homes.Notes)
	}
}

// TestLinesOfSharesec: each part of an entry has its forms, and what is none is refused with its line.
func TestLinesOfSharesec(t *testing.T) {
	security := func(entry string) (string, error) {
		d, err := shares.ParseSecurity([]byte("REVISION:1\nACL:"+entry+"\n"), "")
		if err != nil {
			return "", err
		}
		return sddl.Format(d, sddl.Options{})
	}
	for entry, want := range map[string]string{
		"S-1-1-0:ALLOWED/0x0/R": "D:(A;;FR;;;WD)", "S-1-1-0:DENIED/0/W": "D:(D;;FW;;;WD)", "S-1-1-0:0/0/X": "D:(A;;FX;;;WD)",
		"S-1-1-0:1/0/D": "D:(D;;SD;;;WD)", "S-1-1-0:ALLOWED/0/P": "D:(A;;WD;;;WD)", "S-1-1-0:ALLOWED/0/O": "D:(A;;WO;;;WD)",
		"S-1-1-0:ALLOWED/OI/1": "D:(A;OI;CC;;;WD)", "S-1-1-0:ALLOWED/CI/1": "D:(A;CI;CC;;;WD)",
		"S-1-1-0:ALLOWED/NP/1": "D:(A;NP;CC;;;WD)", "S-1-1-0:ALLOWED/IO/1": "D:(A;IO;CC;;;WD)",
		"S-1-1-0:ALLOWED/I/0xFFFFFFFF": "D:(A;ID;0xffffffff;;;WD)", "S-1-1-0:ALLOWED/OI|CI|IO/1": "D:(A;OICIIO;CC;;;WD)",
		"S-1-1-0:ALLOWED/0/PO": "D:(A;;WDWO;;;WD)",
	} {
		if got, err := security(entry); got != want || err != nil {
			t.Errorf("%s: %s, %v, want %s", entry, got, err, want)
		}
	}
	for entry, want := range map[string]string{
		"S-1-1-0": "want SID:TYPE/flags/rights", "S-1-1-0:ALLOWED/0": "want SID:TYPE/flags/rights",
		"S-1-1-0:ALLOWED/0/1/2": "want SID:TYPE/flags/rights", "EVERYONE:ALLOWED/0/1": "ask sharesec for numbers",
		"S-1-1-0:2/0/1": `type "2": want ALLOWED or DENIED`, "S-1-1-0:ALLOWED/256/1": "want OI, CI, NP, IO or I",
		"S-1-1-0:ALLOWED/OI|/1": "want OI, CI, NP, IO or I", "S-1-1-0:ALLOWED/0/0x100000000": `rights "0x100000000"`,
		"S-1-1-0:ALLOWED/0/full": `rights "full"`,
	} {
		if _, err := security(entry); err == nil || !strings.HasPrefix(err.Error(), "line 2: ") ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want line 2 and %s", entry, err, want)
		}
	}
	many := func(n int) []byte { return []byte("REVISION:1\n" + strings.Repeat("ACL:S-1-1-0:ALLOWED/0/1\n", n)) }
	if d, err := shares.ParseSecurity(many(1000), ""); err != nil || d.DACL().Len() != 1000 {
		t.Errorf("%v", err)
	}
	if _, err := shares.ParseSecurity(many(1<<12+1), ""); err == nil || err.Error() != "line 4098: more than 4096 entries" {
		t.Errorf("%v", err)
	}
	if shares.IsSecurity(nil) || shares.IsSecurity([]byte("[a]\n\n")) || !shares.IsSecurity([]byte("\n[a]\n \nREVISION:1")) {
		t.Error("an empty file is sharesec's, or one with blank lines is not")
	}
	// The entries of another share are not read.
	d := must(shares.ParseSecurity([]byte("[a]\nREVISION:1\nACL:S-1-1-0:ALLOWED/0/1\n[b]\nREVISION:1\nACL:S-1-5-11:DENIED/0/2\n"), "b"))
	if got := must(sddl.Format(d, sddl.Options{})); got != "D:(D;;DC;;;AU)" {
		t.Errorf("the second share: %s", got)
	}
}
