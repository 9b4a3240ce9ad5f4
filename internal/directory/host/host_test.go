package host_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory/host"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// fakeGetent makes getent print the given answers.
func fakeGetent(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "getent"), []byte("#!/bin/sh\ncase \"$1 $2\" in\n"+script+
		"\n*) exit 2 ;;\nesac\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
}

// TestHostUsersTokenEqualsMounts checks that the token of a host's user has S-1-22-1-uid, S-1-22-2-gid for each group
// once, and no group of others; uid 65534 is Anonymous (W-15).
func TestHostUsersTokenEqualsMounts(t *testing.T) {
	fakeGetent(t, `"passwd zoe" | "passwd 61000") echo zoe:x:61000:61001::/:/bin/sh ;;
"passwd nobody") echo nobody:x:65534:65534::/:/bin/sh ;;
"initgroups nobody") echo nobody ;;
"initgroups zoe") echo "zoe  61002 61001 7" ;;`)
	u, err := host.Lookup("zoe")
	if err != nil || u.Name != "zoe" || u.UID != 61000 || u.GID != 61001 ||
		!slices.Equal(u.Groups, []uint32{61002, 61001, 7}) {
		t.Fatalf("%+v, %v", u, err)
	}
	if n, err := host.Lookup("61000"); err != nil || n.Name != "zoe" {
		t.Errorf("Lookup of zoe's uid = %+v, %v, want the name zoe, no error", n, err)
	}
	tok, err := u.Token()
	check.NoError(t, err)
	var unix []string
	for _, g := range tok.Groups() {
		if strings.HasPrefix(g.SID.String(), "S-1-22-") {
			unix = append(unix, g.SID.String())
		}
	}
	if want := []string{"S-1-22-2-61001", "S-1-22-2-61002", "S-1-22-2-7"}; tok.User().SID.String() != "S-1-22-1-61000" ||
		!slices.Equal(unix, want) || tok.PrimaryGroup().String() != want[0] {
		t.Errorf("W-15: %v in %v, primary group %v, want %v", tok.User().SID, unix, tok.PrimaryGroup(), want)
	}
	// On a mount no protocol proves the identity of a program; a kind of logon is that of a local account (B-28).
	for _, c := range []struct {
		what string
		make func() (*token.Token, error)
		want string
	}{
		{"on a mount", u.Token, "S-1-2-0 S-1-2-1 S-1-5-113 S-1-5-4"},
		{"ntlm", func() (*token.Token, error) { return u.LoggedOn(logon.NTLM) }, "S-1-5-113 S-1-5-2 S-1-5-64-10"},
		{"kerberos", func() (*token.Token, error) { return u.LoggedOn(logon.Kerberos) }, "S-1-5-113 S-1-5-2 S-1-5-64-10"},
		{"service", func() (*token.Token, error) { return u.LoggedOn(logon.Service) },
			"S-1-2-0 S-1-2-1 S-1-5-113 S-1-5-6 S-1-5-64-10"},
	} {
		tok, err := c.make()
		check.NoError(t, err)
		var got []string
		for _, g := range tok.Groups() {
			if logon.DependsOnKind(g.SID) || g.SID == sid.LocalAccount {
				got = append(got, g.SID.String())
			}
		}
		slices.Sort(got)
		check.Equal(t, strings.Join(got, " "), c.want, "B-28: %s", c.what)
	}
	n, err := host.Lookup("nobody")
	check.NoError(t, err)
	check.Equal(t, n.SID(), sid.Anonymous, "SID of nobody")
	check.Equal(t, (&host.User{UID: 65535}).SID().String(), "S-1-22-1-65535", "SID of the uid after nobody's")
	if tok, err = n.Token(); err != nil || tok.User().SID != sid.Anonymous || tok.Member(sid.Everyone, false) {
		t.Errorf("W-15: nobody is %v, %v", tok, err)
	}
}

// TestLookupWithoutGetentReadsPasswd checks that on a system without getent, the ids are those of the passwd file.
func TestLookupWithoutGetentReadsPasswd(t *testing.T) {
	t.Setenv("PATH", "")
	text, err := os.ReadFile("/etc/passwd")
	if err != nil {
		t.Skip("there is no passwd file: ", err)
	}
	found := false
	for line := range strings.Lines(string(text)) {
		f := strings.Split(line, ":")
		if len(f) < 4 || f[2] == f[3] {
			continue
		}
		found = true
		u, err := host.Lookup(f[0])
		check.That(t, err == nil && fmt.Sprint(u.UID, u.GID) == f[2]+" "+f[3], "user %q is %+v, %v, want the ids %s and %s",
			f[0], u, err, f[2], f[3])
	}
	if !found {
		t.Skip("each user of the passwd file has a group of its own number")
	}
}

// TestGroupNameWithoutGetentIsFromFile checks that on a system without getent, a gid has its name in the group file.
func TestGroupNameWithoutGetentIsFromFile(t *testing.T) {
	t.Setenv("PATH", "")
	text, err := os.ReadFile("/etc/group")
	if err != nil {
		t.Skip("there is no group file: ", err)
	}
	var n host.Names
	seen := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if f := strings.Split(line, ":"); len(f) > 2 && f[2] != "" && !seen[f[2]] {
			check.Equal(t, n.Of(sid.MustParse("S-1-22-2-"+f[2])), f[0], "name of the gid %s", f[2])
			seen[f[2]] = true
		}
	}
}

// TestLookupFailsWithoutGroups checks that a user whose groups cannot be read is an error, as is a name that no user
// has and a reply that is malformed. A number without a user is a user, but not if the lookup fails (B-28). A name is
// not unknown if its lookup fails.
func TestLookupFailsWithoutGroups(t *testing.T) {
	fakeGetent(t, `"passwd half") echo half:x:61000:61001::/:/bin/sh ;;
"passwd odd") echo odd:x:-1:61001::/:/bin/sh ;;
"passwd big") echo big:x:4294967296:61001::/:/bin/sh ;;
"initgroups big") echo "big 1" ;;
"passwd alias") echo alias:x:61000:61001::/:/bin/sh ;;
"initgroups alias") echo "7 1" ;;
"passwd odder") echo odder:x:1:x::/:/bin/sh ;;
"passwd bad") echo bad:x:61000:61001::/:/bin/sh ;;
"initgroups bad") echo "bad 1 x" ;;
"passwd 61010") exit 1 ;;
"passwd 61011") echo short:x:61011 ;;
"passwd 61012" | "passwd two") echo two:x:1:1:::; echo two:x:2:2::: ;;
"passwd 61013") echo held:x:61013:1:::; PATH=/usr/bin:/bin sleep 2 & ;;
"initgroups two") echo "two 1" ;;
"initgroups held") echo "held 1" ;;
"group nameless") echo :x:61014: ;;
"group gone") exit 3 ;;
"passwd +61015" | "passwd  61015" | "passwd 4295028311") echo six:x:61015:61015::: ;;
"initgroups six") echo six ;;
"passwd 61016") echo 20231234567:x:61016:61016::: ;;
"initgroups 20231234567") echo "20231234567 1" ;;`) // getent(1) takes these keys for the uid 61015
	for name, group := range map[string]bool{"nameless": true, "odd": false, "big": false, "two": false, "gone": true} {
		if id, ok, err := host.ID(name, group); ok || err == nil {
			t.Errorf("B-28: the id of %q is %d, %t, %v, want an error", name, id, ok, err)
		}
	}
	for _, name := range []string{"half", "odd", "big", "alias", "odder", "bad", "two", "none-such", "", "-x", "a:b",
		"a\nb", "root\x00x", "\xff",
		strings.Repeat("n", 300), "4294967296", "+61015", " 61015", "4295028311", "61010", "61011", "61012",
		"61013"} { // the last leaves a child that holds the pipe
		if u, err := host.Lookup(name); err == nil {
			t.Errorf("%q is %+v", name, u)
		}
	}
	if u, err := host.Lookup("61009"); err != nil || u.UID != 61009 || u.GID != 61009 || u.Name != "" ||
		len(u.Groups) != 0 {
		t.Errorf("Lookup of a uid without an account = %+v, %v, want uid and gid 61009, no name, no groups, no error", u, err)
	}
	u, err := host.Lookup("61016") // only the databases of users and groups have numbers as keys
	check.That(t, err == nil && u.Name == "20231234567" && len(u.Groups) == 1, "user named by a number: %+v, %v", u, err)
}

// TestHostNamesOfSIDs checks that SIDs have the names of the host, well-known ones their own, and others none.
func TestHostNamesOfSIDs(t *testing.T) {
	fakeGetent(t, `"passwd 61000" | "passwd +61000" | "passwd  061000" | "passwd 4295028296")
	echo zoe:x:61000:61001::/:/bin/sh ;;
"group 61001" | "group staff") echo staff:x:61001: ;;`)
	var n host.Names
	for range 2 { // the second time from the cache
		for text, want := range map[string]string{"S-1-22-1-61000": "zoe", "S-1-22-2-61001": "staff", "S-1-22-1-61009": "",
			"S-1-22-2-61009": "", "S-1-1-0": "Everyone", "S-1-5-21-1-2-3-1107": "", "S-1-22-3-61000": ""} {
			check.Equal(t, n.Of(sid.MustParse(text)), want, "%s", text)
		}
	}
	for _, c := range []struct {
		name  string
		group bool
		want  uint32
		ok    bool
	}{{"staff", true, 61001, true}, {"staff", false, 0, false}, {"61001", true, 0, false}, {"61000", false, 0, false},
		{"+61000", false, 0, false}, {" 061000", false, 0, false}, {"4295028296", false, 0, false},
		{"none-such", true, 0, false}, {"none-such", false, 0, false}, {"", false, 0, false},
		{"root\x00x", false, 0, false}, {"root\x00x", true, 0, false}, {"20231234567", false, 0, false}} {
		if got, ok, err := host.ID(c.name, c.group); got != c.want || ok != c.ok || err != nil {
			t.Errorf("ID(%q, %t) = %d, %t, %v, want %d, %t", c.name, c.group, got, ok, err, c.want, c.ok)
		}
	}
}
