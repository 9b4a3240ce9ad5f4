package lsa

import (
	"strings"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestAccountRightsExcludeGroupRights checks that a SID has the rights granted to it and not revoked, without those of
// its groups (L-77).
func TestAccountRightsExcludeGroupRights(t *testing.T) {
	f := open(t, nil)
	alice := f.account(t, Account{Name: "alice"}, "")
	var staff sid.SID
	backup, restore := winnt.SeBackupPrivilege.Bit(), winnt.SeRestorePrivilege.Bit()
	f.must(t, func(e *Edit) error {
		staff = e.AddGroup(Group{Name: "staff", Members: []sid.SID{alice}})
		e.Grant(staff, winnt.SeDebugPrivilege.Bit(), logon.SeServiceLogonRight)
		e.Grant(alice, backup|restore, logon.SeBatchLogonRight|logon.SeNetworkLogonRight)
		e.Revoke(alice, restore, logon.SeNetworkLogonRight)
		return nil
	})
	for id, want := range map[sid.SID]Grant{alice: {backup, logon.SeBatchLogonRight}, {}: {},
		staff: {winnt.SeDebugPrivilege.Bit(), logon.SeServiceLogonRight}, sid.MustParse("S-1-5-21-9-9-9-9"): {}} {
		if p, r := f.AccountRights(id); p != want.Privileges || r != want.Rights {
			t.Errorf("L-77: %v has %v %v, want %v", id, p.Names(), r.Names(), want)
		}
	}
}

// TestNameResolvesInDocumentedOrder checks the order for a name that several objects have: well-known, this computer's,
// the domain of an id map, a user of the host, a group of the host. A domain before the name
// selects one (L-12, L-13).
func TestNameResolvesInDocumentedOrder(t *testing.T) {
	f, _ := openWatched(t, nil)
	machine := f.Computer().SID
	f.account(t, Account{Name: "wheel"}, "")
	carol := f.account(t, Account{Name: "carol", UID: number(3000)}, "")
	f.account(t, Account{Name: "corp"}, "")
	f.account(t, Account{Name: "host"}, "")
	var staff, team sid.SID
	f.must(t, func(e *Edit) error {
		staff, team = e.AddGroup(Group{Name: "HOME"}), e.AddGroup(Group{Name: "team of 50", GID: number(24)})
		return nil
	})
	for _, c := range []struct {
		name string
		want sid.SID // zero for unknown
	}{
		{"everyone", sid.Everyone}, {`Unix User\everyone`, fileaccess.UnixUser(16)}, {`NT AUTHORITY\SYSTEM`, sid.LocalSystem},
		{`NT AUTHORITY\LocalService`, sid.LocalService}, {"High Mandatory Level", sid.HighLevel},
		{`NT AUTHORITY\Everyone`, sid.SID{}}, {"zoe", sid.SID{}}, {`Unix User\overflow`, sid.SID{}}, {"nogroup", sid.SID{}},
		{"", sid.SID{}}, {`\`, sid.SID{}}, {`HOST\`, sid.SID{}}, {`\carol`, sid.SID{}}, {"@", sid.SID{}}, {"carol@",
			sid.SID{}},
		{"carol@HOST", carol}, {"\xff", sid.SID{}}, {"a\x00", sid.SID{}}, {strings.Repeat("n", 64<<10), sid.SID{}},
		{"both", fileaccess.UnixUser(11)}, {`Unix User\both`, fileaccess.UnixUser(11)},
		{`unix group\both`, fileaccess.UnixGroup(21)}, {"both@unix group", fileaccess.UnixGroup(21)},
		{"overflow", fileaccess.UnixGroup(23)}, {"wheel", machine.WithRID(1001)}, {`.\wheel`, machine.WithRID(1001)},
		{`Unix Group\wheel`, fileaccess.UnixGroup(22)}, {`Unix User\carol`, carol}, {"team", team},
		{`Unix Group\team`, team}, {"corp", machine.WithRID(1003)}, {"home", staff}, {"host", machine},
		{`HOST\host`, machine.WithRID(1004)}, {`host\HOME`, staff}, {`HOME\host`, sid.SID{}}, {`BUILTIN\HOME`, sid.SID{}},
		{`.\administrators`, sid.Administrators}, {`HOST\Administrators`, sid.SID{}}, {`BUILTIN\wheel`, sid.SID{}},
		{`CORP\wheel`, sid.SID{}}, {`.\both`, sid.SID{}}, {`HOST\dora`, sid.SID{}}, {`Unix User\`, sid.SID{}},
		{`Unix Group\dora`, sid.SID{}}, {`Unix User\wheel`, sid.SID{}}, {`.\HOST`, machine.WithRID(1004)},
	} {
		a, ok := f.LookupName(c.name)
		check.That(t, ok != c.want.IsZero() && a.SID == c.want, "L-13: %.30s is %+v, want %v", c.name, a, c.want)
		if back, found := f.LookupSID(a.SID); ok && (!found || back != a) {
			t.Errorf("L-12: %.30s is %+v, and its SID is that of %+v, want the same", c.name, a, back)
		}
		check.That(t, ok || a == (logon.Account{}),
			"L-12: LookupName(%s) = false with %+v, want the zero Account", c.name, a)
	}
	check.NoError(t, f.Update(sid.LocalSystem, func(e *Edit) error { return e.DeleteAccount("corp") }))
	want := logon.Account{SID: corp, Use: winnt.SidTypeDomain, Domain: "CORP", DomainSID: corp}
	for _, got := range []func() (logon.Account, bool){func() (logon.Account, bool) { return f.LookupName("Corp") },
		func() (logon.Account, bool) { return f.LookupSID(corp) }} {
		if a, ok := got(); !ok || a != want {
			t.Errorf("L-13: a domain of an id map is %+v, %t, want %+v, true", a, ok, want)
		}
	}
}

// TestRecordsDoNotQueryTheHost checks the results of lookups by SID, and the names in records, which do not
// query the host (L-14).
func TestRecordsDoNotQueryTheHost(t *testing.T) {
	f, _ := openWatched(t, nil)
	alice := f.account(t, Account{Name: "alice", UID: number(3000), FullName: "A", Disabled: true}, "")
	var staff sid.SID
	f.must(t, func(e *Edit) error { staff = e.AddGroup(Group{Name: "staff"}); return nil })
	m := alice.Prefix()
	f.rememberDomainUser(logon.Account{SID: home.WithRID(9), Use: winnt.SidTypeUser, Domain: "HOME", DomainSID: home,
		Name: "zoe"})
	users, unixGroup := sid.MustParse("S-1-22-1"), sid.MustParse("S-1-22-2")
	for _, c := range []struct {
		id        sid.SID
		use       winnt.SIDNameUse
		domain    string
		domainSID sid.SID
		name      string
		record    bool
	}{
		{alice, winnt.SidTypeUser, "HOST", m, "alice", true}, {staff, winnt.SidTypeAlias, "HOST", m, "staff", true},
		{sid.Administrators, winnt.SidTypeAlias, "BUILTIN", sid.Administrators.Prefix(), "Administrators", true},
		{sid.Everyone, winnt.SidTypeWellKnownGroup, "", sid.SID{}, "Everyone", true},
		{sid.LocalService, winnt.SidTypeWellKnownGroup, "NT AUTHORITY", sid.LocalService.Prefix(), "LOCAL SERVICE", true},
		{sid.HighLevel, winnt.SidTypeLabel, "Mandatory Label", sid.HighLevel.Prefix(), "High Mandatory Level", true},
		{m, winnt.SidTypeDomain, "HOST", m, "", false}, {m.WithRID(513), winnt.SidTypeGroup, "HOST", m, "None", false},
		{fileaccess.UnixUser(11), winnt.SidTypeUser, "Unix User", users, "both", false},
		{fileaccess.UnixGroup(21), winnt.SidTypeGroup, "Unix Group", unixGroup, "both", false},
		{users, winnt.SidTypeDomain, "Unix User", users, "", false},
		{unixGroup, winnt.SidTypeDomain, "Unix Group", unixGroup, "", false},
		{home, winnt.SidTypeDomain, "HOME", home, "", false},
		{home.WithRID(9), winnt.SidTypeUser, "HOME", home, "zoe", true},
	} {
		want := logon.Account{SID: c.id, Use: c.use, Domain: c.domain, DomainSID: c.domainSID, Name: c.name}
		if a, ok := f.LookupSID(c.id); !ok || a != want {
			t.Errorf("L-14: %v is %+v, %t, want %+v", c.id, a, ok, want)
		}
		name, domain, ok := f.Account(c.id)
		if ok != c.record || ok && (name != c.name || domain != c.domain) || !ok && name+domain != "" {
			t.Errorf("names of %v in a record: %q of %q, %t, want %q of %q, %t",
				c.id, name, domain, ok, c.name, c.domain, c.record)
		}
	}
	for _, id := range []sid.SID{m.WithRID(512), m.WithRID(514), m.WithRID(1003), home.WithRID(10), home.WithRID(513),
		corp.WithRID(1), fileaccess.UnixUser(21), fileaccess.UnixGroup(11), sid.MustParse("S-1-22-3-1"),
		sid.MustParse("S-1-22-3"), sid.MustParse("S-1-22-1-11-1"),
		sid.MustParse("S-1-5-21-1-1-1-500"), sid.MustParse("S-1-99-1"), sid.MustParse("S-1-5-5-0-77"), {}} {
		if a, ok := f.LookupSID(id); ok {
			t.Errorf("L-14: LookupSID(%v) = %+v, want none", id, a)
		}
	}
	if a, _ := f.LookupSID(fileaccess.UnixUser(77)); a.Name != "" {
		t.Errorf("L-14: an unknown user is %+v, want no name", a)
	}
}

// TestOnlyCanonicalTextIsSID checks that a text is a SID only in its canonical form, and a name otherwise.
func TestOnlyCanonicalTextIsSID(t *testing.T) {
	f, _ := openWatched(t, nil)
	for text, want := range map[string]string{"S-1-5-18": "S-1-5-18", "S-1-22-1-7": "S-1-22-1-7", "Everyone": "S-1-1-0",
		"dora": "S-1-22-1-12", "BA": "", "s-1-5-18": "", "S-1-5-018": "", "": "", "zoe": ""} {
		id, err := f.SID(text)
		if want == "" && (err == nil || !id.IsZero() || !strings.Contains(err.Error(),
			": no account or group has that name: write its SID")) || want != "" && (err != nil || id.String() != want) {
			t.Errorf("%q is %v, %v, want %s", text, id, err, want)
		}
		if imported, _ := namedSID(f.Store, f.now.Load(), text); imported != id {
			t.Errorf("%q in an accounts file is %v, want %v", text, imported, id)
		}
	}
}
