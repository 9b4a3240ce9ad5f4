package acltree

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/sid"
)

// A name is resolved by the first source that knows it, then as a SID or alias, then as a well-known name. A name
// with two meanings is refused (U-116). A name with a domain does not match the directory's name without it (U-118).
func TestNameIsResolvedByFirstSource(t *testing.T) {
	dir := must(directory.New(&directory.Accounts{Domain: sid.MustParse("S-1-5-21-1-2-3"),
		Users: []directory.User{{Name: "alice", SID: sid.MustParse("S-1-5-21-1-2-3-1107")},
			{Name: "gone", SID: sid.MustParse("S-1-5-21-1-2-3-1108"), Disabled: true},
			{Name: `ADS\eve`, SID: sid.MustParse("S-1-5-21-1-2-3-1109")}},
		Groups: []directory.Group{{Name: "staff", SID: sid.MustParse("S-1-5-21-1-2-3-2001")}}}))
	n := &Names{Directory: dir,
		Store: func(name string) (Account, bool) {
			return Account{SID: sid.MustParse("S-1-5-21-7-7-7-1001"), From: "store"}, name == "carol" ||
				name == "BG" ||
				name == `OTHER\nobdy` // which has a domain, so that it is not asked
		},
		Server: func(name string) (Account, bool, error) {
			if name == "broken" {
				return Account{}, false, errInjected
			}
			return Account{SID: sid.MustParse("S-1-5-21-9-9-9-1"), Group: true, From: "refmond"}, name == `CORP\Staff`, nil
		},
		Host: func(name string, group bool) (uint32, bool) { return 1000, name == "dave" || name == "alice" && group }}
	for name, want := range map[string]string{
		"alice": "S-1-5-21-1-2-3-1107", "ALICE": "S-1-5-21-1-2-3-1107", "gone": "S-1-5-21-1-2-3-1108",
		"staff": "S-1-5-21-1-2-3-2001", "carol": "S-1-5-21-7-7-7-1001", `CORP\Staff`: "S-1-5-21-9-9-9-1",
		"dave": "S-1-22-1-1000", "user:dave": "S-1-22-1-1000",
		"group:dave": "S-1-22-2-1000", "group:alice": "S-1-22-2-1000",
		"Everyone": "S-1-1-0", `BUILTIN\Users`: "S-1-5-32-545", "BA": "S-1-5-32-544", "DU": "S-1-5-21-1-2-3-513",
		`ADS\eve`:          "S-1-5-21-1-2-3-1109", // the file's own spelling
		"S-1-5-21-4-5-6-7": "S-1-5-21-4-5-6-7",
	} {
		if a, err := n.Find(name); err != nil || a.SID.String() != want {
			t.Errorf("U-116: %s is %v, %v, want %s", name, a.SID, err, want)
		}
	}
	for name, want := range map[string]string{"": "name is missing", "nobdy": "not a user or group",
		"group:carol": "not a user or group", "S-1-x": "not a user or group",
		"BG": "write the SID", "aliec": "did you mean alice",
		"\x1b[2J": `\x1b`,
		"broken":  "injected", "user:Everyone": "not a user", `user:CORP\Staff`: "not a user",
		`OTHER\alice`: "does not name its domain", "alice@corp.example": "does not name its domain",
		`OTHER\nobdy`: "not a user or group"} {
		if a, err := n.Find(name); err == nil || !strings.Contains(err.Error(), want) || a != (Account{}) {
			t.Errorf("%q is %v, %v, want %q", name, a, err, want)
		}
	}
	if _, err := n.Find("broken"); !errors.Is(err, errInjected) {
		t.Errorf("error of refmond = %v, want the injected one", err)
	}
	nobody := &Names{Host: func(string, bool) (uint32, bool) { return 65534, true }}
	if a, err := nobody.Find("nobody"); !errors.Is(err, errOverflow) || a != (Account{}) {
		t.Errorf("account nobody with uid 65534 = %v, %v, want the overflow error", a, err)
	}
	if a, err := nobody.Find("group:nobody"); err != nil || a.SID.String() != "S-1-22-2-65534" {
		t.Errorf("group nobody with gid 65534 = %v, %v, want S-1-22-2-65534", a, err)
	}
	// A source that getent uses, such as winbind, has more users and groups than the files of the host.
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "getent"), []byte("#!/bin/sh\ncase \"$1 $2\" in\n"+
		"'passwd CORP\\zoe') printf '%s\\n' 'CORP\\zoe:x:61000:61001::/:/bin/sh' ;;\n"+
		"'group CORP\\crew') printf '%s\\n' 'CORP\\crew:x:61002:' ;;\n*) exit 2 ;;\nesac\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	for name, want := range map[string]string{`CORP\zoe`: "S-1-22-1-61000", `CORP\crew`: "S-1-22-2-61002", "61000": ""} {
		if a, err := (&Names{}).Find(name); a.SID.String() != want || (err == nil) != (want != "") {
			t.Errorf("U-116: %s of the host is %v, %v, want %q", name, a.SID, err, want)
		}
	}
	if a, err := (&Names{}).Find("root"); err != nil || a.SID.String() != "S-1-22-1-0" {
		t.Errorf("root of the host = %v, %v, want S-1-22-1-0", a.SID, err)
	}
}
