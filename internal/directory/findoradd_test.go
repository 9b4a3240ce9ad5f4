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
)

const askingFile = `domain: S-1-5-21-1-2-3
users:
  - {name: alice, sid: S-1-5-21-1-2-3-1107, memberOf: [Staff]}
  - {name: away, sid: S-1-5-21-1-2-3-1110, disabled: true}
  - {name: gone, sid: S-1-5-21-1-2-3-1108, disabled: true}
groups:
  - {name: Staff, sid: S-1-5-21-1-2-3-2000, memberOf: [Company]}
  - {name: Company, sid: S-1-5-21-1-2-3-2001}
  - {name: Helpers, sid: S-1-5-21-1-2-3-2002, memberOf: [BA], gid: 70}
`

// The principals for names, with their groups: those of a logon, and for a group the group and its groups (U-109).
func TestNamesBecomePrincipalsWithGroups(t *testing.T) {
	const logon = "S-1-1-0 S-1-18-1 S-1-5-11 S-1-5-15 S-1-5-2 S-1-5-32-545"
	const medium, low = " S-1-16-8192", "S-1-16-4096"
	for who, want := range map[string]string{
		"Staff":    logon + " S-1-5-21-1-2-3-2000 S-1-5-21-1-2-3-2001 S-1-5-21-1-2-3-513" + medium,
		"helpers":  logon + " S-1-5-21-1-2-3-2002 S-1-22-2-70 S-1-5-21-1-2-3-513 S-1-5-32-544 S-1-16-12288",
		"Everyone": "S-1-5-2 " + low, "everyone": "S-1-5-2 " + low, "WD": "S-1-5-2 " + low, "S-1-1-0": "S-1-5-2 " + low,
		"guest": "S-1-1-0 S-1-5-2 " + low, "GUEST": "S-1-1-0 S-1-5-2 " + low, "Anonymous": "S-1-1-0 S-1-16-0",
		// No KDC has an account of a Unix host, so it logs on with NTLM (L-83).
		"S-1-22-1-1005": strings.Replace(logon, "S-1-18-1", "S-1-5-64-10", 1) + " S-1-22-1-1005" + medium,
		"Guests":        "S-1-1-0 S-1-5-2 " + low,
		"anonymous":     "S-1-1-0 S-1-16-0", `NT AUTHORITY\ANONYMOUS LOGON`: "S-1-1-0 S-1-16-0",
		"S-1-5-21-9-9-9-1000": logon + " S-1-5-21-9-9-9-1000" + medium,
		`BUILTIN\Users`:       logon + medium,
	} {
		d := check.Must(dirfile.Read([]byte(askingFile)))
		i, _, err := d.FindOrAdd(who)
		check.RequireThat(t, err == nil && i == 1, "FindOrAdd(%s) = %d, error %v, want 1", who, i, err)
		expected := strings.Fields(want)
		slices.Sort(expected)
		check.SlicesEqual(t, slices.Compact(groupsOf(d.Principals[i].Token)), expected, "groups of %s", who)
	}
}

// TestFindOrAddReturnsAccountOrReason checks that a user goes by its name, by its name in a domain, by its user
// principal name and by its SID. A directory without the name of its domain accepts every domain and reports that; one
// with that name rejects others (U-110).
func TestFindOrAddReturnsAccountOrReason(t *testing.T) {
	domain := sid.MustParse("S-1-5-21-1-2-3")
	users := []directory.User{
		{Name: "alice", SID: domain.WithRID(1107), UPN: "bob@mail.example"}, {Name: "bob", SID: domain.WithRID(1108)},
		{Name: "gone", SID: domain.WithRID(1109), UPN: "left@corp.example", Disabled: true},
	}
	named := check.Must(directory.New(&directory.Accounts{Domain: domain, Realm: "corp.example", Users: users}))
	const unknown = "is not a user or group of the directory"
	const taken = " of the directory file, which does not tell the name of its domain"
	const other = ": the directory is the domain corp.example, and no user of it has this user principal name: for " +
		"an account of it give the name without "
	file := check.Must(dirfile.Read([]byte(askingFile)))
	for d, rows := range map[*directory.Directory]map[string]string{
		file: {
			"alice": "0", "ALICE": "0", "S-1-5-21-1-2-3-1107": "0",
			`CORP\alice`:         `0 CORP\alice is taken for alice` + taken,
			"alice@corp.example": "0 alice@corp.example is taken for alice" + taken,
			`CORP\staff`:         `1 CORP\staff is taken for staff` + taken,
			"Staff": "1 Staff is a group: the answer is for a member of it and of the groups that contain it, and of " +
				"no other",
			"S-1-5-21-9-9-9-1":    "1 S-1-5-21-9-9-9-1 is not an account of the directory: its groups are unknown",
			"S-1-5-21-1-2-3-1108": `-1 "S-1-5-21-1-2-3-1108" is disabled and cannot log on`,
			"gone":                `-1 "gone" is disabled and cannot log on`,
			"GONE":                `-1 "GONE" is disabled and cannot log on`,
			`CORP\gone`:           `-1 "CORP\\gone" is disabled and cannot log on`,
			"alcie":               `-1 "alcie" ` + unknown + ": did you mean alice?",
			"Staf":                `-1 "Staf" ` + unknown + ": did you mean Staff?",
			"gnoe":                `-1 "gnoe" ` + unknown + ": did you mean gone?",
			`CORP\alcie`:          `-1 "CORP\\alcie" ` + unknown + ": did you mean alice?",
			"alcie@corp.test":     `-1 "alcie@corp.test" ` + unknown + ": did you mean alice?",
			`BUILTIN\alice`:       `-1 "BUILTIN\\alice" ` + unknown + ": did you mean alice?",
			"":                    `-1 "" ` + unknown + ", a well-known name or a SID",
			`CORP\S-1-1-0`:        `-1 "CORP\\S-1-1-0" ` + unknown + ", a well-known name or a SID",
			"CO":                  `-1 "CO": no one logs on as CREATOR OWNER`,
			"S-1-0-0":             `-1 "S-1-0-0": no one logs on as Nobody`,
			"S-1-16-8192":         `-1 "S-1-16-8192": no one logs on as Medium Mandatory Level`,
		},
		named: {
			`CORP\bob`: "1", `corp.example\Bob`: "1", "bob@corp.example": "1", "bob": "1", "S-1-5-21-1-2-3-1108": "1",
			"BOB@mail.example": "0", "alice@CORP.example": "0",
			`EVIL\bob`:           `-1 EVIL\bob` + other + "EVIL",
			"bob@evil.example":   "-1 bob@evil.example" + other + "evil.example",
			`EVIL\Domain Admins`: `-1 EVIL\Domain Admins` + other + "EVIL",
			"left@corp.example":  `-1 "left@corp.example" is disabled and cannot log on`,
			`CORP\nobody`:        `-1 "CORP\\nobody" ` + unknown + ", a well-known name or a SID",
		},
		{}: {"SYSTEM": "0", `CORP\nobody`: `-1 "CORP\\nobody" ` + unknown + ", a well-known name or a SID"},
	} {
		for who, want := range rows {
			d := d.Clone() // FindOrAdd adds to the clone alone
			i, text, err := d.FindOrAdd(who)
			if err != nil {
				text = err.Error()
			}
			check.Equal(t, strings.TrimSpace(fmt.Sprint(i, " ", text)), want, "FindOrAdd(%q)", who)
		}
	}
	check.Equal(t, len(file.Principals), 1, "principals of the directory after questions to its clones")
}

// Two names that differ in case only are not found by a third case. BUILTIN has no groups of the directory, and
// its groups do not replace accounts of the same name. A disabled user is an error even if a group has the same name
// (U-110).
func TestAmbiguousNameIsNotFound(t *testing.T) {
	d := check.Must(dirfile.Read([]byte("users:\n  - {name: Bob, sid: S-1-5-21-1-2-3-1101}\n  - {name: bob, sid: " +
		"S-1-5-21-1-2-3-1102}\n  - {name: DA, sid: S-1-5-21-1-2-3-1103}\n" +
		"  - {name: ann, sid: S-1-22-1-1000, disabled: true}\n" +
		"  - {name: Guests, sid: S-1-5-21-1-2-3-1104, disabled: true}\n" +
		"groups:\n  - {name: Users, sid: S-1-5-21-1-2-3-2001}\n  - {name: ann, sid: S-1-22-2-1000}\n")))
	_, _, disabled := d.FindOrAdd("ann")
	check.That(t, disabled != nil && strings.HasSuffix(disabled.Error(), "is disabled and cannot log on"),
		"U-110: a disabled user with a group of the name: %v", disabled)
	check.Equal(t, fmt.Sprint(d.Find("Bob"), d.Find("bob"), d.Find("BOB")), "0 1 -1", "Bob, bob and BOB")
	for _, c := range [][2]string{{`BUILTIN\Users`, "3 S-1-5-32-545"}, {"users", "4 S-1-5-21-1-2-3-2001"},
		{`BUILTIN\Guests`, "5 S-1-5-32-546"}, {"USERS", "4 S-1-5-21-1-2-3-2001"}, {`builtin\users`, "3 S-1-5-32-545"}} {
		i, _, err := d.FindOrAdd(c[0])
		check.NoError(t, err)
		check.Equal(t, fmt.Sprint(i, " ", d.Principals[i].SID()), c[1], "%s", c[0])
	}
	_, _, disabled = d.FindOrAdd("Guests")
	check.That(t, disabled != nil, "U-110: the disabled user Guests is another account")
	check.Equal(t, d.Account("Guests").SID().String(), "S-1-5-21-1-2-3-1104", "the account Guests")
	check.That(t, d.Account("Users") == nil, "a user Users is found, and the directory has only a group of that name")
	_, _, err := d.FindOrAdd("SYSTEM")
	check.NoError(t, err)
	check.Equal(t, d.Nearest("SYSTEN"), "", "a name near SYSTEN, which is no account of the directory")
}

// Of several names that are equally near, the first in the alphabet is suggested.
func TestNearestNameIsFirstOfEqualOnes(t *testing.T) {
	d := check.Must(dirfile.Read([]byte("users:\n  - {name: marc, sid: S-1-5-21-1-2-3-1102}\n" +
		"  - {name: mark, sid: S-1-5-21-1-2-3-1101}\n  - {name: mara, sid: S-1-5-21-1-2-3-1103, disabled: true}\n" +
		"groups:\n  - {name: mari, sid: S-1-5-21-1-2-3-2001}\n  - {name: mard, sid: S-1-5-21-1-2-3-2002}\n")))
	for range 5 { // groups come from a map
		check.Equal(t, d.Nearest("marx"), "mara", "name near marx")
	}
}

// TestStandInIsDisabledUserOrNewPrincipal checks that a disabled user stands in with its own token, and any other
// account as FindOrAdd would add it.
func TestStandInIsDisabledUserOrNewPrincipal(t *testing.T) {
	d := check.Must(dirfile.Read([]byte(askingFile)))
	for text, want := range map[string]string{
		"S-1-5-21-1-2-3-1108": "gone true <nil>", "S-1-5-21-1-2-3-2000": "Staff false <nil>",
		"S-1-5-18": "SYSTEM false <nil>", "S-1-3-0": "CREATOR OWNER false no one logs on as CREATOR OWNER",
	} {
		p, disabled, err := d.StandIn(sid.MustParse(text))
		check.Equal(t, fmt.Sprint(p.Name, " ", disabled, " ", err), want, "StandIn(%s)", text)
		check.That(t, err != nil || p.SID().String() == text, "StandIn(%s) has another SID", text)
	}
	check.Equal(t, len(d.Tokens()), 1, "tokens after StandIn")
}
