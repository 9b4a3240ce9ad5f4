package lsa

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// newTokens creates the tokens of a result, as the kernel does.
func newTokens(t *testing.T, r logon.Result, st ntstatus.Status) (v, linked *token.Token) {
	t.Helper()
	check.Success(t, st)
	spec, other := r.InSession(0x100001, 0x100002)
	v, err := token.New(spec)
	check.NoError(t, err)
	if other != nil {
		linked, err = token.New(*other)
		check.NoError(t, err)
	}
	return v, linked
}

func holds(v *token.Token, p winnt.Privilege) bool { return v.Spec().Privileges.Has(p) }

// uid returns the tokens of a uid.
func (f *fixture) uid(t *testing.T, uid uint32, gids ...uint32) (v, linked *token.Token) {
	t.Helper()
	r, st := f.TokenForUID(uid, gids)
	return newTokens(t, r, st)
}

// TestOwnerGetsLimitedToken checks that the owner of the state folder is the only administrator, with a limited token
// linked to the full one (L-5, L-21).
func TestOwnerGetsLimitedToken(t *testing.T) {
	f := open(t, nil)
	me := uint32(os.Getuid())
	limited, full := f.uid(t, me, 7)
	check.That(t, !limited.IsAdmin() && full != nil && full.IsAdmin(),
		"the owner's tokens: %v, %v, want a limited and an administrator's", limited, full)
	check.That(t, limited.ElevationType() == winnt.TokenElevationTypeLimited && !holds(limited, winnt.SeDebugPrivilege),
		"the limited token has another elevation type, or holds SeDebugPrivilege")
	if limited.User().SID != fileaccess.UnixUser(me) || !holds(full, winnt.SeDebugPrivilege) {
		t.Errorf("user %v, want uid %d and a full token with SeDebugPrivilege", limited.User().SID, me)
	}
	v, pair := f.uid(t, me+1, 7)
	check.That(t, pair == nil && !v.IsAdmin() && v.User().SID == fileaccess.UnixUser(me+1),
		"another uid: %v, %v, want one token that is no administrator's", v, pair)
	f.reopen(t)
	if _, full = f.uid(t, me); full == nil {
		t.Error("on the second day the owner has no full token, want one")
	}
}

// TestOverflowUIDIsAnonymous checks that uid 65534 is Anonymous, and that gid 65534 is not a group (L-25).
func TestOverflowUIDIsAnonymous(t *testing.T) {
	f := open(t, nil)
	v, _ := f.uid(t, 65534, 65534)
	if v.User().SID != sid.Anonymous || v.AuthenticationID() != winnt.ANONYMOUS_LOGON_LUID {
		t.Errorf("uid 65534 is %v, want Anonymous in its own session", v.User().SID)
	}
	r, _ := f.TokenForUID(77, []uint32{65534, 7})
	check.That(t, !in(r, fileaccess.UnixGroup(65534)) && in(r, fileaccess.UnixGroup(7)),
		"L-25: the groups for the gids 65534 and 7 are %v, want only 7 of the host's", groups(&r))
	check.Equal(t, f.UserSID(65534), sid.Anonymous, "UserSID(65534)")
	check.Equal(t, f.GroupSID(65534), fileaccess.UnixGroup(65534), "L-25: GroupSID(65534)")
}

// TestWithHostGroupsAddsEachGroupOnce checks that the host's groups of a uid are added once each, and none for the
// overflow uid (L-25, L-56). A disabled account has no logon, but a name for the record.
func TestWithHostGroupsAddsEachGroupOnce(t *testing.T) {
	f := open(t, func(c *Config) {
		c.Hosts = hosts{users: map[string]uint32{"dora": 12, "gone": 14, "nobody": Unmapped},
			in: map[string][]uint32{"dora": {7, 9, 7, 9}, "nobody": {8}}}
	})
	for uid, want := range map[uint32][]uint32{12: {9, 7}, 13: {9}, Unmapped: {9}} {
		got := check.Result(f.WithHostGroups(uid, []uint32{9}))
		check.SlicesEqual(t, got, want, "gids of uid %d", uid)
	}
	gids, st := f.WithHostGroups(14, []uint32{9}) // the host does not list the user's groups
	check.That(t, slices.Equal(gids, []uint32{9}) && st == ntstatus.NoLogonServers, "L-56: uid 14: %v, %v", gids, st)
	gids, st = open(t, nil).WithHostGroups(14, []uint32{9})
	check.That(t, slices.Equal(gids, []uint32{9}) && st == ntstatus.Success, "without Hosts: uid 14: %v, %v", gids, st)
	f.account(t, Account{Name: "out", UID: number(5), Disabled: true}, "")
	var r logon.Result
	r, st = f.TokenForUID(5, nil)
	check.That(t, st == ntstatus.AccountDisabled && r.Account.Name == "out", "a disabled account: %v, %v", r.Account, st)
}

// TestIDsMapBackToTheirSID checks the order of accounts, formulas and S-1-22 in both directions. A SID that its id does
// not map back to has no id (L-27, L-28, L-30).
func TestIDsMapBackToTheirSID(t *testing.T) {
	domain := sid.MustParse("S-1-5-21-9-8-7")
	f := open(t, nil)
	alice := f.account(t, Account{Name: "alice", UID: number(3000)}, "")
	staff := sid.SID{}
	f.must(t, func(e *Edit) error {
		staff = e.AddGroup(Group{Name: "staff", GID: number(50)})
		e.SetMaps([]IDMap{{Domain: domain, Name: "CORP", Low: 2000, High: 3999, BaseRID: 1000}})
		return nil
	})
	for _, c := range []struct {
		uid  uint32
		want sid.SID
	}{{3000, alice}, {2500, domain.WithRID(1500)}, {2000, domain.WithRID(1000)}, {3999, domain.WithRID(2999)},
		{1999, fileaccess.UnixUser(1999)}, {4000, fileaccess.UnixUser(4000)}} {
		got := f.UserSID(c.uid)
		if back, ok := f.UID(got); got != c.want || !ok || back != c.uid {
			t.Errorf("uid %d is %v, want %v; back %d %v", c.uid, got, c.want, back, ok)
		}
	}
	for gid, want := range map[uint32]sid.SID{50: staff, 2001: domain.WithRID(1001), 7: fileaccess.UnixGroup(7)} {
		got := f.GroupSID(gid)
		if back, ok := f.GID(got); got != want || !ok || back != gid {
			t.Errorf("gid %d is %v, want %v; back %d %v", gid, got, want, back, ok)
		}
	}
	for _, s := range []sid.SID{domain.WithRID(2000), fileaccess.UnixUser(3000), fileaccess.UnixUser(2500),
		domain.WithRID(999), domain.WithRID(3000), staff, sid.Everyone, {}} {
		if n, ok := f.UID(s); ok {
			t.Errorf("UID(%v) = %d, want none", s, n)
		}
	}
	for _, s := range []sid.SID{domain.WithRID(999), domain.WithRID(3000), fileaccess.UnixGroup(50),
		fileaccess.UnixGroup(2500), fileaccess.UnixUser(7), alice, sid.Everyone, sid.Users, {}} {
		if n, ok := f.GID(s); ok {
			t.Errorf("L-28: GID(%v) = %d, want none", s, n)
		}
	}
	f.must(t, func(e *Edit) error { return e.DeleteGroup(staff) })
	check.Equal(t, f.GroupSID(50), fileaccess.UnixGroup(50), "L-27: the SID of gid 50 after its group was deleted")
}

// TestSubordinateIDIsNoAccount checks that ids of a rootless container are not accounts, and that a change that would
// make one an account is rejected, even later (L-23, L-24, L-29).
func TestSubordinateIDIsNoAccount(t *testing.T) {
	f := open(t, func(c *Config) { c.Hosts = hosts{users: map[string]uint32{"alice": 1000}} })
	domain := sid.MustParse("S-1-5-21-9-8-7")
	corp := IDMap{Domain: domain, Name: "CORP", Low: 100000, High: 200000}
	f.account(t, Account{Name: "bob", UID: number(231072)}, "")
	beside := f.account(t, Account{Name: "beside", UID: number(231073)}, "")
	var crew sid.SID
	f.must(t, func(e *Edit) error {
		e.AddGroup(Group{Name: "team", GID: number(231072)})
		crew = e.AddGroup(Group{Name: "crew", GID: number(231073)})
		e.SetMaps([]IDMap{corp})
		return nil
	})
	check.Require(t, f.UserSID(165536), domain.WithRID(65536), "165536")
	subuids(t, f, "alice:165536:65537\n# no comment is promised\nbroken\nx:y:z\n")
	for _, uid := range []uint32{165536, 200000, 231072} {
		check.Equal(t, f.UserSID(uid), fileaccess.UnixUser(uid), "the SID of subordinate uid %d", uid)
		if r, st := f.TokenForUID(uid, []uint32{uid}); st != 0 || r.Token.User.SID != fileaccess.UnixUser(uid) ||
			!in(r, fileaccess.UnixGroup(uid)) {
			t.Errorf("token of %d: %v %v", uid, r.Token.User.SID, st)
		}
		check.Equal(t, f.GroupSID(uid), fileaccess.UnixGroup(uid), "L-24: gid %d", uid)
		check.Equal(t, f.QuotaUID(uid), 1000, "L-29: the user whom %d counts against", uid)
	}
	check.Equal(t, f.UserSID(231073), beside, "L-24: uid 231073, next to the subordinate ones")
	check.Equal(t, f.GroupSID(231073), crew, "L-24: gid 231073, next to the subordinate ones")
	for what, edit := range map[string]func(*Edit) error{
		"it overlaps the subordinate ids": func(e *Edit) error {
			moved := corp
			moved.High++
			e.SetMaps([]IDMap{moved})
			return nil
		},
		"is a subordinate id": func(e *Edit) error {
			e.SetMaps(nil)
			e.AddAccount(Account{Name: "x", UID: number(170000)})
			return nil
		},
	} {
		if err := f.Update(sid.LocalSystem, edit); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("want %q, got %v", what, err)
		}
	}
}

// TestOverlappingMapIsNotUsed checks that a map that overlaps subordinate ids is reported and not used, and that its
// other ids get no other account. The rest of the store works and can be changed (L-54).
func TestOverlappingMapIsNotUsed(t *testing.T) {
	f := open(t, nil)
	corp := IDMap{Domain: sid.MustParse("S-1-5-21-9-8-7"), Name: "CORP", Low: 100000, High: 200000}
	other := IDMap{Domain: sid.MustParse("S-1-5-21-9-8-8"), Name: "OTHER", Low: 300000, High: 300009}
	f.account(t, Account{Name: "bob", UID: number(165600)}, "")
	maps := []IDMap{other, corp}
	f.must(t, func(e *Edit) error { e.SetMaps(maps); return nil })
	clear(maps)
	check.Equal(t, f.UserSID(300001), other.Domain.WithRID(1), "L-53: the store has the caller's slice")
	check.NoError(t, f.Trouble())
	subuids(t, f, "zoe:90000:9\nalice:165536:65536\n")
	f.reopen(t) // it opens
	if err := f.Trouble(); err == nil ||
		!strings.Contains(err.Error(), `CORP 100000-200000 overlaps the subordinate ids 165536-231071 of "alice"`) ||
		strings.Contains(err.Error(), "OTHER") {
		t.Errorf("Trouble() = %v, want the overlap of the map with alice's subordinate ids", err)
	}
	for _, c := range []struct {
		uid, gid uint32
		want     ntstatus.Status
		user     sid.SID
	}{
		{100500, 7, ntstatus.NoLogonServers, sid.SID{}}, {7, 100500, ntstatus.NoLogonServers, sid.SID{}},
		{165600, 165600, ntstatus.Success, fileaccess.UnixUser(165600)}, // no longer bob (L-24)
		{300001, 300002, ntstatus.Success, other.Domain.WithRID(1)},
	} {
		r, st := f.TokenForUID(c.uid, []uint32{c.gid})
		check.That(t, st == c.want && r.Token.User.SID == c.user,
			"uid %d, gid %d: %v is %v, want %v", c.uid, c.gid, st, r.Token.User.SID, c.user)
	}
	if n, ok := f.UID(corp.Domain.WithRID(500)); ok {
		t.Errorf("UID of a SID of the map = %d, want none", n)
	}
	f.must(t, func(e *Edit) error { return e.DeleteAccount("bob") })
	subuids(t, f, "")
	if r, st := f.TokenForUID(100500, nil); st != 0 || r.Token.User.SID != corp.Domain.WithRID(500) {
		t.Errorf("mended: %v, %v, want %v, 0", r.Token.User.SID, st, corp.Domain.WithRID(500))
	}
}

// auto is one range of autorid: three ranges of 100000 ids from 100000 on.
func auto(d sid.SID, index, number uint32) IDMap {
	return IDMap{Domain: d, Name: "A", Backend: Autorid, Low: 100000, High: 399999, RangeSize: 100000, Index: index,
		Number: number}
}

// TestAutoridRangesAreNumbered checks the ranges of idmap_autorid in the order of their numbers: id = low + number ×
// rangesize + rid mod rangesize (L-53).
func TestAutoridRangesAreNumbered(t *testing.T) {
	one, two := sid.MustParse("S-1-5-21-9-8-7"), sid.MustParse("S-1-5-21-9-8-8")
	f := open(t, nil)
	f.must(t, func(e *Edit) error { e.SetMaps([]IDMap{auto(one, 0, 1), auto(two, 0, 0), auto(one, 1, 2)}); return nil })
	for id, want := range map[uint32]sid.SID{201103: one.WithRID(1103), 301103: one.WithRID(101103),
		100500: two.WithRID(500), 199999: two.WithRID(99999), 200000: one.WithRID(0), 399999: one.WithRID(199999),
		400000: fileaccess.UnixUser(400000), 99999: fileaccess.UnixUser(99999)} {
		got := f.UserSID(id)
		if back, ok := f.UID(got); got != want || !ok || back != id {
			t.Errorf("uid %d is %v, want %v; back %d, %v (L-53)", id, got, want, back, ok)
		}
	}
}

// TestConfiguredRootNameMapsToAccount checks the account of uid 0 for each kind of name, and the errors for wrong names
// (L-26).
func TestConfiguredRootNameMapsToAccount(t *testing.T) {
	for _, c := range []struct {
		root    string
		status  ntstatus.Status
		user    string // M for this computer's part
		account string
		trouble string
	}{
		{"", 0, "S-1-22-1-0", "root", ""}, {"boss", 0, "M-1001", "boss", ""}, {"host\\BOSS", 0, "M-1001", "boss", ""},
		{"out", ntstatus.AccountDisabled, "", "", ""}, {"SYSTEM", 0, "S-1-5-18", "SYSTEM", ""},
		{"LOCAL SERVICE", ntstatus.NoSuchUser, "", "", `"LOCAL SERVICE" is not a user`},
		{"Administrators", ntstatus.NoSuchUser, "", "", `"Administrators" is not a user`},
		{"zoe", ntstatus.NoSuchUser, "", "",
			`root: "zoe" is not a user of this computer, so uid 0 cannot log on: add the account or remove the key`},
		{"host", ntstatus.NoSuchUser, "", "", `"host" is not a user`}, {"dora", 0, "S-1-22-1-12", "dora", ""},
		{"homer", ntstatus.NoSuchUser, "", "", `"homer" is not a user of this computer`},
		{"gone", ntstatus.NoLogonServers, "", "", ""}, // the host lists no groups of the user (L-56)
	} {
		f, _ := openWatched(t, func(cfg *Config) { cfg.Root = c.root })
		f.account(t, Account{Name: "boss", UID: number(3000)}, "")
		f.account(t, Account{Name: "out", Disabled: true}, "")
		f.rememberDomainUser(logon.Account{SID: f.UserSID(80007), Use: winnt.SidTypeUser, Domain: "HOME", DomainSID: home,
			Name: "homer"})
		r, st := f.TokenForUID(0, []uint32{7})
		machine := f.Computer().SID.String()
		user := ""
		if !r.Token.User.SID.IsZero() {
			user = strings.Replace(r.Token.User.SID.String(), machine, "M", 1)
		}
		if st != c.status || user != c.user || r.Account.Name != c.account ||
			c.root != "" && in(r, fileaccess.UnixGroup(7)) {
			t.Errorf("L-26: %q: %v is %q, %+v", c.root, st, user, r.Account)
		}
		if st == 0 && c.root == "boss" && (!in(r, fileaccess.UnixUser(3000)) || !in(r, fileaccess.UnixGroup(21)) ||
			!in(r, sid.Interactive) || in(r, fileaccess.UnixUser(0))) {
			t.Errorf("L-26: uid 0 as an account with a uid: %v", groups(&r))
		}
		check.That(t, c.root != "dora" || in(r, fileaccess.UnixGroup(21)) && in(r, fileaccess.UnixGroup(22)),
			"L-56: uid 0 as a user of the host: %v, want the groups 21 and 22", groups(&r))
		err := f.Trouble()
		check.That(t, (err != nil) == (c.trouble != "") && (err == nil || strings.Contains(err.Error(), c.trouble)),
			"L-26: %q: trouble %v, want %s", c.root, err, c.trouble)
		// A logon of root by name must use the account's name.
		byName, st := f.LogOn(logon.Request{Package: logon.S4U, Type: network, Name: `Unix User\root`})
		check.That(t, (st == 0) == (c.root == "") && (st != 0 || byName.Token.User.SID == fileaccess.UnixUser(0)),
			"L-26: with %q root by name is %v, %v", c.root, byName.Token.User.SID, st)
		// Files stay those of the host's root.
		check.Equal(t, f.UserSID(0), fileaccess.UnixUser(0), "L-26: with %q the SID of uid 0", c.root)
	}
}

// TestTokenGroupsMatchLogonKind checks the exact groups of a token: of accounts with and without a uid, by password, by
// name and by the socket, and of a user of the host (L-8, L-20, L-30, L-57).
func TestTokenGroupsMatchLogonKind(t *testing.T) {
	f, _ := openWatched(t, nil)
	carol := f.account(t, Account{Name: "carol", UID: number(3000)}, "p")
	bare := f.account(t, Account{Name: "bare"}, "p")
	host := f.account(t, Account{Name: "ofnohost", UID: number(3001)}, "p")
	var staff, inner, outer sid.SID
	f.must(t, func(e *Edit) error {
		staff = e.AddGroup(Group{Name: "staff", GID: number(50)})
		inner = e.AddGroup(Group{Name: "inner", Members: []sid.SID{carol, fileaccess.UnixUser(12)}})
		outer = e.AddGroup(Group{Name: "outer", Members: []sid.SID{inner, staff}})
		e.Grant(outer, winnt.SeDebugPrivilege.Bit(), 0)
		e.Grant(inner, winnt.SeBackupPrivilege.Bit(), 0)
		e.Grant(bare, winnt.SeRestorePrivilege.Bit(), 0)
		// The owner of the state folder is no longer an administrator.
		return e.RemoveMember(sid.Administrators, fileaccess.UnixUser(uint32(os.Getuid())))
	})
	none := staff.Prefix().WithRID(513)
	unix := fileaccess.UnixGroup
	password := func(name string) func() (logon.Result, ntstatus.Status) {
		return func() (logon.Result, ntstatus.Status) { return f.LogonPassword(name, "p", network) }
	}
	byName := func(name string) func() (logon.Result, ntstatus.Status) {
		return func() (logon.Result, ntstatus.Status) {
			return f.LogOn(logon.Request{Package: logon.S4U, Type: network, Name: name})
		}
	}
	socket := func(uid uint32, gids ...uint32) func() (logon.Result, ntstatus.Status) {
		return func() (logon.Result, ntstatus.Status) { return f.TokenForUID(uid, gids) }
	}
	always := []sid.SID{sid.Everyone, sid.AuthenticatedUsers, sid.ThisOrganization, sid.Users}
	// A password is NTLM's, a name alone is asserted by a service, and the host's kernel proves only a uid (L-82).
	ofPassword := append(slices.Clone(always), sid.Network, sid.LocalAccount, sid.NTLMAuthentication)
	asserted := append(slices.Clone(always), sid.Network, sid.LocalAccount, sid.ServiceAsserted)
	ofDomain := append(slices.Clone(always), sid.Interactive, sid.ConsoleLogon, sid.Local)
	local := append(slices.Clone(ofDomain), sid.LocalAccount)
	for _, c := range []struct {
		what   string
		call   func() (logon.Result, ntstatus.Status)
		user   sid.SID
		name   string
		groups []sid.SID
		with   []sid.SID
		rights string
	}{
		{"carol by password", password("carol"), carol, "carol", ofPassword,
			[]sid.SID{none, fileaccess.UnixUser(3000), unix(21), staff, inner, outer}, "SeBackupPrivilege SeDebugPrivilege"},
		{"carol by name", byName("carol"), carol, "carol", asserted,
			[]sid.SID{none, fileaccess.UnixUser(3000), unix(21), staff, inner, outer}, "SeBackupPrivilege SeDebugPrivilege"},
		{"carol at the socket", socket(3000, 7, Unmapped, 7), carol, "carol", local,
			[]sid.SID{none, fileaccess.UnixUser(3000), unix(7), inner, outer}, "SeBackupPrivilege SeDebugPrivilege"},
		{"bare by password", password("bare"), bare, "bare", ofPassword, []sid.SID{none}, "SeRestorePrivilege"},
		{"one whom the host does not name", password("ofnohost"), host, "ofnohost", ofPassword,
			[]sid.SID{none, fileaccess.UnixUser(3001)}, ""},
		{"dora by name", byName("dora"), fileaccess.UnixUser(12), "dora", asserted,
			[]sid.SID{unix(22), unix(21), inner, outer}, "SeBackupPrivilege SeDebugPrivilege"},
		{"a number alone", socket(99, 50), fileaccess.UnixUser(99), "", local, []sid.SID{staff, outer}, "SeDebugPrivilege"},
		{"root", socket(0, 0), fileaccess.UnixUser(0), "root", local, []sid.SID{unix(0)}, ""},
		{"root by name", byName("root"), fileaccess.UnixUser(0), "root", asserted, []sid.SID{unix(0)}, ""},
		{"a user of a formula", socket(80001, 80002), home.WithRID(1001), "", ofDomain,
			[]sid.SID{fileaccess.UnixUser(80001), home.WithRID(1002)}, ""},
	} {
		r, st := c.call()
		var want []string
		for _, g := range append(slices.Clone(c.groups), c.with...) {
			want = append(want, g.String())
		}
		slices.Sort(want)
		if st != ntstatus.Success || r.Token.User.SID != c.user || !slices.Equal(groups(&r), want) ||
			r.Account.Name != c.name || r.Account.SID != c.user || r.Linked != nil {
			t.Errorf("%s: %v is %+v in\n%v, want\n%v", c.what, st, r.Account, groups(&r), want)
		}
		const all = winnt.PrivilegeSet(1)<<winnt.SeBackupPrivilege | 1<<winnt.SeDebugPrivilege |
			1<<winnt.SeRestorePrivilege
		check.Equal(t, strings.Join((r.Token.Privileges&all).Names(), " "), c.rights, "%s: holds", c.what)
	}
}
