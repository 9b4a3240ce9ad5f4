package lsa

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestNames: names and SIDs both ways, in any case, in the documented order (L-12,
// L-13), and what has no known name is unknown (L-14).
func TestNames(t *testing.T) {
	domain := sid.MustParse("S-1-5-21-9-8-7")
	f := open(t, func(c *Config) {
		c.Hosts = hosts{users: map[string]uint32{"root": 0, "daemon": 1, "alice": 3000, "overflow": 65534, "everyone": 66},
			groups: map[string]uint32{"wheel": 10, "nogroup": 65534}}
	})
	alice := f.account(t, Account{Name: "Alice", UID: number(3000)}, "")
	var staff sid.SID
	f.must(t, func(e *Edit) error {
		staff = e.AddGroup(Group{Name: "staff"})
		e.SetMaps([]IDMap{{Domain: domain, Name: "CORP", Low: 100000, High: 200000}})
		return nil
	})
	machine := f.Computer().SID
	domains := map[string]sid.SID{"HOST": machine, "CORP": domain, "BUILTIN": sid.MustParse("S-1-5-32"),
		"NT AUTHORITY": sid.LocalSystem.Prefix(), "Mandatory Label": sid.HighLevel.Prefix(),
		"Unix User": sid.MustParse("S-1-22-1"), "Unix Group": sid.MustParse("S-1-22-2")}
	for _, c := range []struct {
		name, domain, back string
		id                 sid.SID
		use                winnt.SIDNameUse
	}{
		{"alice", "HOST", "Alice", alice, winnt.SidTypeUser},
		{`host\ALICE`, "HOST", "Alice", alice, winnt.SidTypeUser},
		{"alice@HOST", "HOST", "Alice", alice, winnt.SidTypeUser},
		{"STAFF", "HOST", "staff", staff, winnt.SidTypeAlias},
		{"administrators", "BUILTIN", "Administrators", sid.Administrators, winnt.SidTypeAlias},
		{`BUILTIN\Administrators`, "BUILTIN", "Administrators", sid.Administrators, winnt.SidTypeAlias},
		{"everyone", "", "Everyone", sid.Everyone, winnt.SidTypeWellKnownGroup}, // not the user of the host
		{`NT AUTHORITY\SYSTEM`, "NT AUTHORITY", "SYSTEM", sid.LocalSystem, winnt.SidTypeWellKnownGroup},
		{`NT AUTHORITY\LocalService`, "NT AUTHORITY", "LOCAL SERVICE", sid.LocalService, winnt.SidTypeWellKnownGroup},
		{"High Mandatory Level", "Mandatory Label", "High Mandatory Level", sid.HighLevel, winnt.SidTypeLabel},
		{"host", "HOST", "", machine, winnt.SidTypeDomain},
		{"CORP", "CORP", "", domain, winnt.SidTypeDomain},
		{"daemon", "Unix User", "daemon", fileaccess.UnixUser(1), winnt.SidTypeUser},
		{`Unix User\root`, "Unix User", "root", fileaccess.UnixUser(0), winnt.SidTypeUser},
		{`unix group\wheel`, "Unix Group", "wheel", fileaccess.UnixGroup(10), winnt.SidTypeGroup},
		{`Unix User\everyone`, "Unix User", "everyone", fileaccess.UnixUser(66), winnt.SidTypeUser},
	} {
		a, ok := f.LookupName(c.name)
		want := logon.Account{SID: c.id, Use: c.use, Domain: c.domain, DomainSID: domains[c.domain], Name: c.back}
		if a != want || !ok {
			t.Errorf("%s: %+v %v, want %+v", c.name, a, ok, want)
		}
		if back, ok := f.LookupSID(c.id); !ok || back != a {
			t.Errorf("%v: %+v %v, want %+v", c.id, back, ok, a)
		}
	}
	for _, name := range []string{"", "zoe", `CORP\alice`, `BUILTIN\alice`, `HOST\Administrators`, `HOST\daemon`,
		`Unix User\overflow`,
		"nogroup", `\`, `HOST\`, `\alice`, "@", "alice@", "\xff", "a\x00", strings.Repeat("n", 64<<10),
		`Unix Group\daemon`, `NT AUTHORITY\Everyone`} {
		if a, ok := f.LookupName(name); ok {
			t.Errorf("%.20q is %+v", name, a)
		}
	}
	for _, text := range []string{"S-1-22-1-77", "S-1-22-2-77", "S-1-22-3-1", "S-1-5-21-9-8-7-1000", "S-1-5-21-1-1-1-500",
		"S-1-99-1", "S-1-5-5-0-77"} {
		if a, ok := f.LookupSID(sid.MustParse(text)); ok {
			t.Errorf("%s is %+v", text, a)
		}
	}
	if a, ok := f.LookupSID(machine.WithRID(77)); ok {
		t.Errorf("an account that there is not is %+v", a)
	}
}
