package directory_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

const askingFile = `domain: S-1-5-21-1-2-3
users:
  - {name: alice, sid: S-1-5-21-1-2-3-1107, memberOf: [Staff]}
  - {name: gone, sid: S-1-5-21-1-2-3-1108, disabled: true}
groups:
  - {name: Staff, sid: S-1-5-21-1-2-3-2000, memberOf: [Company]}
  - {name: Company, sid: S-1-5-21-1-2-3-2001}
  - {name: Helpers, sid: S-1-5-21-1-2-3-2002, memberOf: [BA]}
`

// The principals for names, with their groups: those of a logon, and for a group the group and its groups (U-109).
func TestNamesBecomePrincipalsWithGroups(t *testing.T) {
	const logon = "S-1-1-0 S-1-18-1 S-1-5-11 S-1-5-15 S-1-5-2 S-1-5-32-545"
	for who, want := range map[string]string{
		"Staff": "S-1-1-0 S-1-18-1 S-1-5-11 S-1-5-15 S-1-5-2 S-1-5-21-1-2-3-2000 S-1-5-21-1-2-3-2001 " +
			"S-1-5-21-1-2-3-513 S-1-5-32-545",
		"helpers": "S-1-1-0 S-1-18-1 S-1-5-11 S-1-5-15 S-1-5-2 S-1-5-21-1-2-3-2002 S-1-5-21-1-2-3-513 " +
			"S-1-5-32-544 S-1-5-32-545",
		"Everyone": "S-1-5-2", "everyone": "S-1-5-2", "WD": "S-1-5-2", "S-1-1-0": "S-1-5-2",
		"guest": "S-1-1-0 S-1-5-2", "Guests": "S-1-1-0 S-1-5-2",
		"anonymous": "S-1-1-0", `NT AUTHORITY\ANONYMOUS LOGON`: "S-1-1-0",
		"S-1-5-21-9-9-9-1000": logon + " S-1-5-21-9-9-9-1000",
		`BUILTIN\Users`:       logon,
	} {
		d := must(dirfile.Read([]byte(askingFile)))
		i, _, err := d.FindOrAdd(who)
		if err != nil || i != 1 {
			t.Errorf("%s: %d, %v, want 1, nil", who, i, err)
			continue
		}
		isLevel := func(g string) bool { return strings.HasPrefix(g, "S-1-16-") }
		groups := slices.DeleteFunc(groupsOf(d.Principals[i].Token), isLevel)
		slices.Sort(groups)
		expected := strings.Fields(want)
		slices.Sort(expected)
		if groups = slices.Compact(groups); !slices.Equal(groups, expected) {
			t.Errorf("%s: %v, want %v", who, groups, expected)
		}
		low := who == "guest" || who == "Guests" || strings.EqualFold(who, "Everyone") || who == "WD" || who == "S-1-1-0"
		if level := d.Principals[i].Token.Integrity(); low != (level == winnt.SECURITY_MANDATORY_LOW_RID) {
			t.Errorf("%s: integrity %#x, want Low: %t", who, level, low)
		}
	}
}

// TestDomainOfNameCounts: a directory with the name of its domain has DOMAIN\user and user@realm of that domain alone,
// and users by their user principal names, which need not have the same parts (U-110).
func TestDomainOfNameCounts(t *testing.T) {
	domain := sid.MustParse("S-1-5-21-1-2-3")
	d := must(directory.New(&directory.Accounts{Domain: domain, Realm: "corp.example", Users: []directory.User{
		{Name: "alice", SID: domain.WithRID(1107), UPN: "bob@mail.example"}, {Name: "bob", SID: domain.WithRID(1108)},
		{Name: "gone", SID: domain.WithRID(1109), UPN: "left@corp.example", Disabled: true},
	}}))
	for who, want := range map[string]int{
		`CORP\bob`: 1, `corp.example\Bob`: 1, "bob@corp.example": 1, "BOB@mail.example": 0, "alice@CORP.example": 0, "bob": 1,
	} {
		if i, note, err := d.FindOrAdd(who); i != want || note != "" || err != nil {
			t.Errorf("%s: %d, %q, %v, want %d", who, i, note, err, want)
		}
	}
	for who, want := range map[string]string{
		`EVIL\bob`: "the domain corp.example", "bob@evil.example": "the domain corp.example", `EVIL\Domain Admins`: "EVIL",
		"left@corp.example": "is disabled", `CORP\nobody`: "not a user or group",
	} {
		if i, _, err := d.FindOrAdd(who); i >= 0 || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %d, %v, want %q", who, i, err, want)
		}
	}
}

// Two names that differ in case only are not found by a third case. BUILTIN has no groups of the directory. A
// fingerprint depends on the rights that a share withholds.
func TestAmbiguousNameIsNotFound(t *testing.T) {
	d := must(dirfile.Read([]byte("users:\n  - {name: Bob, sid: S-1-5-21-1-2-3-1101}\n  - {name: bob, sid: " +
		"S-1-5-21-1-2-3-1102}\n  - {name: DA, sid: S-1-5-21-1-2-3-1103}\n" +
		"groups:\n  - {name: Users, sid: S-1-5-21-1-2-3-2001}\n")))
	check.Equal(t, fmt.Sprint(d.Find("Bob"), d.Find("bob"), d.Find("BOB")), "0 1 -1", "Bob, bob and BOB")
	i, _, err := d.FindOrAdd(`BUILTIN\Users`)
	check.NoError(t, err)
	check.Equal(t, d.Principals[i].SID(), sid.Users, `BUILTIN\Users`)
	before := d.Fingerprint()
	d.Principals[0].Withheld = 1
	check.That(t, d.Fingerprint() != before, "the fingerprint ignores what a share withholds")
}

// TestUserIsFoundByNameDomainOrSID: a user goes by its name, by its name in a domain, which is said, and by
// its SID (U-110).
func TestUserIsFoundByNameDomainOrSID(t *testing.T) {
	d := must(dirfile.Read([]byte(askingFile)))
	for who, note := range map[string]string{
		"alice": "", "ALICE": "", "S-1-5-21-1-2-3-1107": "",
		`CORP\alice`: `CORP\alice is taken for alice of the directory file`, "alice@corp.example": "is taken for alice",
	} {
		i, got, err := d.FindOrAdd(who)
		check.That(t, err == nil && i == 0 && strings.Contains(got, note) && (note == "") == (got == ""),
			"FindOrAdd(%s) = %d, note %q, error %v, want 0 and a note with %q", who, i, got, err, note)
	}
	for who, want := range map[string]string{
		"gone": `"gone" is disabled`, `CORP\gone`: "is disabled",
		"alcie": "did you mean alice?", "Staf": "did you mean Staff?",
		"gnoe": "did you mean gone?", `CORP\alcie`: "did you mean alice?",
		"alcie@corp.test": "did you mean alice?",
		"CO":              "no one logs on as CREATOR OWNER",
		"S-1-0-0":         "no one logs on as", "S-1-16-8192": "no one logs on as",
		"":              "is not a user or group",
		`BUILTIN\alice`: "is not a user or group of the directory: did you mean alice?",
	} {
		if i, _, err := d.FindOrAdd(who); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %d, %v, want %q", who, i, err, want)
		}
	}
	check.That(t, len(d.Principals) == 1, "%d principals, want 1", len(d.Principals))
	none := &directory.Directory{}
	if i, note, err := none.FindOrAdd("SY"); err != nil || note != "" ||
		none.Principals[i].Token.User().SID != sid.LocalSystem {
		t.Errorf("SYSTEM without a directory: error %v, note %q, want its own token", err, note)
	}
}
