package acltree

import (
	"errors"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/sid"
)

// TestNamesInOrder: a name means the first source that knows it, then a SID or alias, then a well-known name; a
// name with two meanings is refused (U-116).
func TestNamesInOrder(t *testing.T) {
	dir := must(directory.New(&directory.Accounts{Domain: sid.MustParse("S-1-5-21-1-2-3"),
		Users: []directory.User{{Name: "alice", SID: sid.MustParse("S-1-5-21-1-2-3-1107")},
			{Name: "gone", SID: sid.MustParse("S-1-5-21-1-2-3-1108"), Disabled: true}},
		Groups: []directory.Group{{Name: "staff", SID: sid.MustParse("S-1-5-21-1-2-3-2001")}}}))
	n := &Names{Directory: dir,
		Store: func(name string) (Account, bool) {
			return Account{SID: sid.MustParse("S-1-5-21-7-7-7-1001"), From: "store"}, name == "carol" || name == "BG"
		},
		Server: func(name string) (Account, bool, error) {
			if name == "broken" {
				return Account{}, false, errInjected
			}
			return Account{SID: sid.MustParse("S-1-5-21-9-9-9-1"), Group: true, From: "refmond"}, name == `CORP\Staff`, nil
		},
		Host: func(name string, group bool) (uint32, bool) { return 1000, name == "dave" || name == "alice" && group }}
	for name, want := range map[string]string{
		"alice": "S-1-5-21-1-2-3-1107", "ALICE": "S-1-5-21-1-2-3-1107", `CORP\alice`: "S-1-5-21-1-2-3-1107",
		"alice@corp.example": "S-1-5-21-1-2-3-1107", "gone": "S-1-5-21-1-2-3-1108", "staff": "S-1-5-21-1-2-3-2001",
		"carol": "S-1-5-21-7-7-7-1001", `CORP\Staff`: "S-1-5-21-1-2-3-2001", "dave": "S-1-22-1-1000",
		"user:dave": "S-1-22-1-1000", "group:dave": "S-1-22-2-1000", "group:alice": "S-1-22-2-1000",
		"Everyone": "S-1-1-0", `BUILTIN\Users`: "S-1-5-32-545", "BA": "S-1-5-32-544", "DU": "S-1-5-21-1-2-3-513",
		"S-1-5-21-4-5-6-7": "S-1-5-21-4-5-6-7",
	} {
		if a, err := n.Find(name); err != nil || a.SID.String() != want {
			t.Errorf("U-116: %s is %v, %v, want %s", name, a.SID, err, want)
		}
	}
	for name, want := range map[string]string{"": "no name", "nobdy": "no user or group",
		"group:carol": "no user or group", "BG": "write the SID", "aliec": "did you mean alice", "S-1-x": "no user or group",
		"\x1b[2J": `\x1b`,
		"broken":  "injected", "user:Everyone": "no user"} {
		if a, err := n.Find(name); err == nil || !strings.Contains(err.Error(), want) || a != (Account{}) {
			t.Errorf("%q is %v, %v, want %q", name, a, err, want)
		}
	}
	if _, err := n.Find("broken"); !errors.Is(err, errInjected) {
		t.Errorf("an error of refmond is %v", err)
	}
	nobody := &Names{Host: func(string, bool) (uint32, bool) { return 65534, true }}
	if a, err := nobody.Find("nobody"); !errors.Is(err, errOverflow) || a != (Account{}) {
		t.Errorf("uid 65534 is %v, %v", a, err)
	}
	if a, err := (&Names{}).Find("root"); err != nil || a.SID.String() != "S-1-22-1-0" {
		t.Errorf("the host's root is %v, %v", a.SID, err)
	}
}
