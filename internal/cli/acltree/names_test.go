package acltree

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// A name is resolved by the first source that has it, then as a SID or alias, then as a well-known name. A name
// with two meanings is refused (U-116). A name with a domain does not match the directory's name without it (U-118).
func TestNameIsResolvedByFirstSource(t *testing.T) {
	dir := check.Must(directory.New(&directory.Accounts{Domain: sid.MustParse("S-1-5-21-1-2-3"),
		Users: []directory.User{{Name: "alice", SID: sid.MustParse("S-1-5-21-1-2-3-1107")},
			{Name: "gone", SID: sid.MustParse("S-1-5-21-1-2-3-1108"), Disabled: true},
			{Name: "Dave", SID: sid.MustParse("S-1-5-21-1-2-3-1110")}, {Name: "DAVE", SID: sid.MustParse("S-1-5-21-1-2-3-1111")},
			{Name: `ADS\eve`, SID: sid.MustParse("S-1-5-21-1-2-3-1109")}},
		Groups: []directory.Group{{Name: "staff", SID: sid.MustParse("S-1-5-21-1-2-3-2001")}}}))
	n := &Names{Directory: dir,
		Store: func(name string, group bool) (Account, bool) {
			known := group == (name == "crew") && slices.Contains([]string{"carol", "crew", "BG", `OTHER\nobdy`}, name)
			return Account{sid.MustParse("S-1-5-21-7-7-7-1001"), group, "store"}, known || name == "both"
		},
		Server: func(name string) (Account, bool, error) {
			if name == "broken" || name == "S-1-5-21-4-5-6-8" {
				return Account{}, false, errInjected
			}
			return Account{SID: sid.MustParse("S-1-5-21-9-9-9-1"), Group: true, From: "refmond"},
				name == `CORP\Staff` || name == "zed", nil
		},
		Host: func(name string, group bool) (uint32, bool, error) {
			if slices.Contains([]string{"down", "S-1-5-21-4-5-6-9", "AU", "Guests"}, name) ||
				name == "half" && !group {
				return 0, false, errInjected
			}
			return 1000, name == "david" || name == "dave" || (name == "alice" || name == "half") && group, nil
		}}
	for want, names := range map[string]string{ // SID, whether it is a group, and the source
		"S-1-5-21-1-2-3-1107 false the directory": "alice ALICE", "S-1-5-21-1-2-3-1111 false the directory": "DAVE",
		"S-1-5-21-1-2-3-1108 false the directory": "gone",
		"S-1-5-21-1-2-3-1109 false the directory": `ADS\eve`, "S-1-5-21-1-2-3-2001 true the directory": "staff",
		"S-1-5-21-7-7-7-1001 false store":        "carol both user:both",
		"S-1-5-21-7-7-7-1001 true store":         "crew group:crew group:both",
		"S-1-5-21-9-9-9-1 true refmond":          `CORP\Staff group:CORP\Staff zed`,
		"S-1-22-1-1000 false the host":           "david user:david",
		"S-1-22-2-1000 true the host":            "group:dave group:alice group:half",
		"S-1-1-0 true the well-known names":      "Everyone group:Everyone",
		"S-1-5-32-545 true the well-known names": `BUILTIN\Users`, "S-1-5-32-544 false SDDL": "BA",
		"S-1-5-21-1-2-3-513 false SDDL": "DU", "S-1-5-21-4-5-6-7 false SDDL": "S-1-5-21-4-5-6-7",
		"S-1-5-21-4-5-6-8 false SDDL": "S-1-5-21-4-5-6-8", "S-1-5-21-4-5-6-9 false SDDL": "S-1-5-21-4-5-6-9",
	} {
		for name := range strings.FieldsSeq(names) {
			a, err := n.Find(name)
			got := fmt.Sprint(a.SID, " ", a.Group, " ", a.From)
			check.That(t, err == nil && got == want, "U-116: %s is %s, %v, want %s", name, got, err, want)
		}
	}
	for name, want := range map[string]string{"": "name is missing", "nobdy": `"nobdy" is not a user or group of the ` +
		"host, the accounts of --id-maps, refmond, the directory, no well-known name and no SID$",
		"group:carol": `"carol" is not a user or group`, "x:alice": `"x:alice" is not a user`,
		"user:crew": "not a user or group", "S-1-x": "not a user or group",
		"dave": "several users of the directory", "user:dave": "several users of the directory",
		"BG": "write the SID", "aliec": "no SID: did you mean alice?$",
		"satff": "no SID: did you mean staff?$", `CORP\gnoe`: "no SID: did you mean gone?$", "\x1b[2J": `\x1b`,
		"broken":     `"broken": injected: write a SID, or try again when the name service answers$`,
		"group:down": `the host could not look up "down": injected: write a SID, or try again`,
		"half":       `injected: write "group:half" for a group, a SID, or try again when the name service answers$`,
		"AU":         `injected: write "group:AU"`, "Guests": `injected: write "group:Guests"`,
		"user:Everyone": "not a user", `user:CORP\Staff`: "not a user",
		`OTHER\alice`: "does not name its domain", "alice@corp.example": "does not name its domain",
		`OTHER\nobdy`: "not a user or group"} {
		a, err := n.Find(name)
		check.That(t, err != nil && strings.Contains(err.Error()+"$", want) && a == (Account{}),
			"%q is %v, %v, want %q", name, a, err, want)
	}
	for _, name := range []string{"broken", "down"} {
		err, failed := check.Err(n.Find(name)), new(LookupError)
		check.That(t, errors.As(err, &failed) && errors.Is(err, errInjected), "a failed lookup of %q is %v", name, err)
	}
	for end, n := range map[string]*Names{"the directory, no well-known name and no SID$": {Directory: dir},
		"of the host, no well-known name and no SID: give a file of users and groups with -d, or ask refmond": {},
		"of the host, refmond, no well-known name and no SID: give a file of users and groups with -d$": {
			Server: n.Server}} {
		n.Host = func(string, bool) (uint32, bool, error) { return 0, false, nil }
		_, err := n.Find("nobdy")
		check.That(t, err != nil && strings.Contains(err.Error()+"$", end), "unknown name: %v, want %q", err, end)
	}
	nobody := &Names{Host: func(string, bool) (uint32, bool, error) { return 65534, true, nil }}
	a, err := nobody.Find("nobody")
	check.That(t, errors.Is(err, errOverflow) && a == (Account{}), "user with uid 65534: %v, %v, want %v", a, err,
		errOverflow)
	a, err = nobody.Find("group:nobody")
	check.That(t, err == nil && a.SID.String() == "S-1-22-2-65534", "group with gid 65534: %v, %v", a, err)
	// A source that getent uses, such as winbind, has more users and groups than the files of the host.
	bin := t.TempDir()
	check.NoError(t, os.WriteFile(filepath.Join(bin, "getent"), []byte("#!/bin/sh\ncase \"$1 $2\" in\n"+
		"'passwd CORP\\zoe') printf '%s\\n' 'CORP\\zoe:x:61000:61001::/:/bin/sh' ;;\n"+
		"'group CORP\\crew') printf '%s\\n' 'CORP\\crew:x:61002:' ;;\n*) exit 2 ;;\nesac\n"), 0o700))
	t.Setenv("PATH", bin)
	for name, want := range map[string]string{`CORP\zoe`: "S-1-22-1-61000", `CORP\crew`: "S-1-22-2-61002",
		"root": "S-1-22-1-0", "61000": ""} {
		a, err := (&Names{}).Find(name)
		check.That(t, a.SID.String() == want && (err == nil) == (want != ""),
			"U-116: %s of the host is %v, %v, want %q", name, a.SID, err, want)
	}
}
