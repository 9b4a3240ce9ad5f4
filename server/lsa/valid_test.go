package lsa

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/admission"
	"github.com/refmon/refmon/sid"
)

// TestValidRejectsEachMistake checks that each invalid part of a state is rejected on its own, and that values just
// inside a limit are accepted (L-23).
func TestValidRejectsEachMistake(t *testing.T) {
	const good = "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	other := sid.MustParse("S-1-5-21-9-8-7")
	corp := IDMap{Domain: other, Name: "CORP", Low: 100000, High: 200000}
	set := func(rid uint32, a Account) func(*state) {
		return func(s *state) { a.RID = rid; s.next = 2000; s.accounts[rid] = a }
	}
	group := func(id sid.SID, g Group) func(*state) {
		return func(s *state) { g.SID = id; s.next = 2000; s.groups[id] = g }
	}
	idMap := func(m ...IDMap) func(*state) { return func(s *state) { s.maps = m } }
	mapped := func(change func(*IDMap)) func(*state) { m := corp; change(&m); return idMap(m) }
	machine := sid.MustParse("S-1-5-21-1-2-3")
	local := machine.WithRID
	ranges := func(size uint32, count uint32, change func(*IDMap)) func(*state) {
		return mapped(func(m *IDMap) {
			m.Backend, m.BaseRID, m.RangeSize, m.Low = Autorid, 0, size, 100000
			m.High = m.Low + size*count - 1
			change(m)
		})
	}
	subordinate := []fileaccess.SubIDs{{First: 50000, Last: 50009, Owner: "sub"}}
	for _, c := range []struct {
		name   string
		wrong  string // text of the error; "": valid
		change func(*state)
	}{
		{"nothing", "", func(*state) {}},
		{"machine of another authority", "not a SID of a machine",
			func(s *state) { s.machine = sid.MustParse("S-1-4-21-1-2-3") }},
		{"machine too short", "not a SID of a machine", func(s *state) { s.machine = sid.MustParse("S-1-5-21-1-2") }},
		{"machine no domain", "not a SID of a machine", func(s *state) { s.machine = sid.MustParse("S-1-5-32-1-2-3") }},
		{"account", "", set(1500, Account{Name: "a", UID: number(1), Hash: good})},
		{"account of the first RID", "", set(1001, Account{Name: "a"})},
		{"account of a fixed RID", "", set(500, Account{Name: "a"})},
		{"account below", "RID 499", set(499, Account{Name: "a"})},
		{"account None", "RID 513", set(513, Account{Name: "a"})},
		{"account of the next RID", "RID 2000", set(2000, Account{Name: "a"})},
		{"account under another RID", "RID 1501",
			func(s *state) { s.next, s.accounts[1501] = 2000, Account{Name: "a", RID: 1500} }},
		{"account without name", "1 to 256", set(1500, Account{})},
		{"account with a well-known name", "the well-known name of S-1-1-0", set(1500, Account{Name: "everyone"})},
		{"account with a SID as name", "reads as a SID", set(1500, Account{Name: "S-1-5-32-544"})},
		{"account with a SID in another form as name", "reads as a SID", set(1500, Account{Name: "s-1-5-0x20-544"})},
		{"group with a well-known name", "the well-known name of S-1-5-32-544",
			group(local(1500), Group{Name: "Administrators"})},
		{"name as long as may be", "", set(1500, Account{Name: strings.Repeat("ü", 256)})},
		{"name too long", "1 to 256", set(1500, Account{Name: strings.Repeat("n", 257)})},
		{"name in no UTF-8", "1 to 256", set(1500, Account{Name: "a\xff"})},
		{"name with a colon", "no control", set(1500, Account{Name: "a:b"})},
		{"name with an @", "no control", set(1500, Account{Name: "a@b"})},
		{"name with a control", "no control", set(1500, Account{Name: "a\tb"})},
		{"name with a blank before", "no control", set(1500, Account{Name: " a"})},
		{"name of dots", "no control", set(1500, Account{Name: ".."})},
		{"name of a group", "another account or group has this name", func(s *state) {
			set(1500, Account{Name: "STAFF"})(s)
			group(local(1501), Group{Name: "staff"})(s)
		}},
		{"hash of another form", "another form", set(1500, Account{Name: "a", Hash: "x"})},
		{"uid 0", "uid 0", set(1500, Account{Name: "a", UID: number(0)})},
		{"uid 65534", "65534 stands", set(1500, Account{Name: "a", UID: number(65534)})},
		{"uid of the last number", "4294967295 stands", set(1500, Account{Name: "a", UID: number(^uint32(0))})},
		{"uid before the subordinate ones", "", set(1500, Account{Name: "a", UID: number(49999)})},
		{"uid first subordinate", "subordinate", set(1500, Account{Name: "a", UID: number(50000)})},
		{"uid last subordinate", "subordinate", set(1500, Account{Name: "a", UID: number(50009)})},
		{"uid after the subordinate ones", "", set(1500, Account{Name: "a", UID: number(50010)})},
		{"uid of two", `is that of "a"`, func(s *state) {
			set(1500, Account{Name: "a", UID: number(7)})(s)
			set(1501, Account{Name: "b", UID: number(7)})(s)
		}},
		{"uid and gid of one number", "", func(s *state) {
			set(1500, Account{Name: "a", UID: number(7)})(s)
			group(local(1501), Group{Name: "b", GID: number(7)})(s)
		}},
		{"group", "", group(local(1500), Group{Name: "g", GID: number(0), Members: []sid.SID{other}})},
		{"group of the first RID", "", group(local(1001), Group{Name: "g"})},
		{"group below", "want one of BUILTIN", group(local(1000), Group{Name: "g"})},
		{"group of the next RID", "want one of BUILTIN", group(local(2000), Group{Name: "g"})},
		{"group of another machine", "want one of BUILTIN", group(other.WithRID(1500), Group{Name: "g"})},
		{"group under another SID", "want one of BUILTIN",
			func(s *state) { s.next, s.groups[local(1500)] = 2000, Group{Name: "g", SID: local(1501)} }},
		{"group of BUILTIN", "", group(sid.MustParse("S-1-5-32-999"), Group{Name: "g"})},
		{"group BUILTIN itself", "want one of BUILTIN", group(sid.MustParse("S-1-5-32"), Group{Name: "g"})},
		{"group below BUILTIN", "want one of BUILTIN", group(sid.MustParse("S-1-5-32-1-2"), Group{Name: "g"})},
		{"group of another authority", "want one of BUILTIN", group(sid.MustParse("S-1-4-32-1"), Group{Name: "g"})},
		{"group of an account's SID", "is an account's", func(s *state) {
			set(1500, Account{Name: "a"})(s)
			group(local(1500), Group{Name: "g"})(s)
		}},
		{"group of a bad name", "no control", group(local(1500), Group{Name: "a/b"})},
		{"group with an empty member", "without a SID", group(local(1500), Group{Name: "g",
			Members: []sid.SID{other, {}}})},
		{"group of gid 65534", "65534 stands", group(local(1500), Group{Name: "g", GID: number(65534)})},
		{"group of a subordinate gid", "subordinate", group(local(1500), Group{Name: "g", GID: number(50005)})},
		{"rights of no SID", "rights without", func(s *state) { s.grants[sid.SID{}] = Grant{} }},
		{"map", "", idMap(corp)},
		{"map of this machine", "of another machine", mapped(func(m *IDMap) { m.Domain = machine })},
		{"map of another authority", "of another machine",
			mapped(func(m *IDMap) { m.Domain = sid.MustParse("S-1-4-21-1-2-3") })},
		{"map of no domain", "of another machine",
			mapped(func(m *IDMap) { m.Domain = sid.MustParse("S-1-5-32-1-2-3") })},
		{"map of a short domain", "of another machine",
			mapped(func(m *IDMap) { m.Domain = sid.MustParse("S-1-5-21-1-2") })},
		{"map from 0", "0 < low", mapped(func(m *IDMap) { m.Low = 0 })},
		{"map of one id", "", mapped(func(m *IDMap) { m.Low = m.High })},
		{"map backwards", "0 < low", mapped(func(m *IDMap) { m.Low = m.High + 1 })},
		{"map to the end", "0 < low", mapped(func(m *IDMap) { m.High = ^uint32(0) })},
		{"map to just before the end", "", mapped(func(m *IDMap) { m.High = ^uint32(0) - 1 })},
		{"map from 65534", "65534 stands", mapped(func(m *IDMap) { m.Low, m.High = 65534, 70000 })},
		{"map to 65534", "65534 stands", mapped(func(m *IDMap) { m.Low, m.High = 60000, 65534 })},
		{"map around 65534", "65534 stands", mapped(func(m *IDMap) { m.Low, m.High = 60000, 70000 })},
		{"map next to 65534", "", mapped(func(m *IDMap) { m.Low, m.High = 65535, 70000 })},
		{"map of too many RIDs", "leaves no RIDs", mapped(func(m *IDMap) { m.BaseRID = ^uint32(0) - 99999 })},
		{"map of just enough RIDs", "", mapped(func(m *IDMap) { m.BaseRID = ^uint32(0) - 100000 })},
		{"map of rid with a range", "belong to backend autorid", mapped(func(m *IDMap) { m.RangeSize = 100000 })},
		{"map of rid with an index", "belong to backend autorid", mapped(func(m *IDMap) { m.Index = 1 })},
		{"map of rid with a number", "belong to backend autorid", mapped(func(m *IDMap) { m.Number = 1 })},
		{"map of winbind", "", mapped(func(m *IDMap) { m.Backend, m.BaseRID = Winbind, 0 })},
		{"map of winbind with a base", "low and high only", mapped(func(m *IDMap) { m.Backend, m.BaseRID = Winbind, 1 })},
		{"map of winbind with a range", "low and high only",
			mapped(func(m *IDMap) { m.Backend, m.BaseRID, m.RangeSize = Winbind, 0, 5000 })},
		{"map of winbind with an index", "low and high only",
			mapped(func(m *IDMap) { m.Backend, m.BaseRID, m.Index = Winbind, 0, 1 })},
		{"map of winbind with a number", "low and high only",
			mapped(func(m *IDMap) { m.Backend, m.BaseRID, m.Number = Winbind, 0, 1 })},
		{"map of autorid", "", ranges(2000, 2, func(m *IDMap) { m.Number = 1 })},
		{"map of autorid with a base", "baseRid belongs to backend rid", ranges(2000, 2, func(m *IDMap) { m.BaseRID = 1 })},
		{"map of autorid of small ranges", "want a rangeSize of at least 2000", ranges(1999, 2, func(*IDMap) {})},
		{"map of autorid of one range", "has 2 or more whole ones", ranges(2000, 1, func(*IDMap) {})},
		{"map of autorid of half a range", "has 2 or more whole ones", ranges(2000, 2, func(m *IDMap) { m.High++ })},
		{"map of autorid of the next number", "number 2: low to high has 2 ranges",
			ranges(2000, 2, func(m *IDMap) { m.Number = 2 })},
		{"map of autorid of the last index", "", ranges(1<<16, 2, func(m *IDMap) { m.Index = 1<<16 - 1 })},
		{"map of autorid of a later index", "index 65536 has no RIDs",
			ranges(1<<16, 2, func(m *IDMap) { m.Index = 1 << 16 })},
		{"map of another backend", `backend "tdb": want rid`, mapped(func(m *IDMap) { m.Backend = "tdb" })},
		{"map without a name", "1 to 256", mapped(func(m *IDMap) { m.Name = "" })},
		{"map of a bad name", "no control", mapped(func(m *IDMap) { m.Name = "a\\b" })},
		{"map over subordinate ids", `overlaps the subordinate ids 50000-50009 of "sub"`,
			mapped(func(m *IDMap) { m.Low, m.High = 50009, 60000 })},
		{"map after subordinate ids", "", mapped(func(m *IDMap) { m.Low, m.High = 50010, 60000 })},
		{"maps of one domain", `overlaps that of "CORP"`, idMap(corp, IDMap{Domain: other, Name: "B",
			Low: 200001, High: 300000})}, // TestIDMapsOfOneStoreMustNotOverlap has all other pairs
		{"as many maps as may be", "", func(s *state) { s.maps = manyMaps(maxMaps) }},
		{"too many maps", "at most", func(s *state) { s.maps = manyMaps(maxMaps + 1) }},
	} {
		st, err := newInitialState(5)
		check.NoError(t, err)
		st.machine = machine
		c.change(st)
		err = st.valid(&state{}, subordinate)
		if c.wrong == "" && err != nil || c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.wrong)
		}
	}
	// A store whose names became well-known ones later can still be changed.
	st := check.Must(newInitialState(5))
	st.machine = machine
	set(1500, Account{Name: "everyone"})(st)
	group(local(1501), Group{Name: "SYSTEM"})(st)
	check.NoError(t, st.valid(st, nil))
	err := st.valid(&state{accounts: map[uint32]Account{1500: {Name: "a", RID: 1500}}, groups: st.groups}, nil)
	check.That(t, err != nil && strings.Contains(err.Error(), "well-known"), "an account is renamed: %v", err)
	err = st.valid(&state{accounts: st.accounts, groups: map[sid.SID]Group{local(1501): {Name: "g"}}}, nil)
	check.That(t, err != nil && strings.Contains(err.Error(), "well-known"), "a group is renamed: %v", err)
	// An id that became subordinate later stays valid in its own entry, but no entry may change to one (L-23).
	st.accounts[1500] = Account{Name: "a", RID: 1500, UID: number(50000)}
	st.groups[local(1501)] = Group{Name: "g", SID: local(1501), GID: number(50001)}
	st.maps = []IDMap{corp}
	check.NoError(t, st.valid(st, subordinate))
	check.NoError(t, st.valid(&state{accounts: map[uint32]Account{1500: {Name: "old", RID: 1500, UID: number(50000)}},
		groups: map[sid.SID]Group{local(1501): {Name: "old", GID: number(50001)}}, maps: st.maps}, subordinate))
	for what, before := range map[string]*state{
		"another uid before": {accounts: map[uint32]Account{1500: {Name: "a", RID: 1500, UID: number(49999)}},
			groups: st.groups},
		"no uid before":              {accounts: map[uint32]Account{1500: {Name: "a", RID: 1500}}, groups: st.groups},
		"the uid of another account": {accounts: map[uint32]Account{1501: st.accounts[1500]}, groups: st.groups},
		"another gid before": {accounts: st.accounts,
			groups: map[sid.SID]Group{local(1501): {Name: "g", SID: local(1501), GID: number(49999)}}},
		"no gid before": {accounts: st.accounts,
			groups: map[sid.SID]Group{local(1501): {Name: "g", SID: local(1501)}}},
		"the gid of another group": {accounts: st.accounts,
			groups: map[sid.SID]Group{local(1502): st.groups[local(1501)]}},
	} {
		err := st.valid(before, subordinate)
		check.That(t, err != nil && strings.Contains(err.Error(), "subordinate"), "L-23: with %s: %v", what, err)
	}
}

// manyMaps returns adjacent maps of n domains.
func manyMaps(n int) []IDMap {
	var all []IDMap
	for i := range uint32(n) {
		all = append(all, IDMap{Domain: sid.MustParse(fmt.Sprintf("S-1-5-21-5-5-%d", i)), Name: fmt.Sprint("D", i),
			Low: 100000 + 10*i, High: 100009 + 10*i})
	}
	return all
}

// TestNewStoreGrantsWindowsDefaultRights checks that a new store grants exactly the rights of a new Windows computer
// (security policy "User Rights Assignment"). No SID has SeTcbPrivilege (L-21, L-22).
func TestNewStoreGrantsWindowsDefaultRights(t *testing.T) {
	const everyUser = "SeIncreaseWorkingSetPrivilege SeShutdownPrivilege SeTimeZonePrivilege SeUndockPrivilege"
	want := map[string]string{
		"S-1-1-0":      "SeChangeNotifyPrivilege SeNetworkLogonRight",
		"S-1-5-32-545": everyUser + " SeInteractiveLogonRight",
		"S-1-5-32-544": everyUser +
			" SeBackupPrivilege SeRestorePrivilege SeIncreaseQuotaPrivilege SeSecurityPrivilege " +
			"SeTakeOwnershipPrivilege SeLoadDriverPrivilege SeSystemProfilePrivilege SeSystemtimePrivilege " +
			"SeProfileSingleProcessPrivilege SeIncreaseBasePriorityPrivilege SeCreatePagefilePrivilege " +
			"SeDebugPrivilege SeSystemEnvironmentPrivilege SeRemoteShutdownPrivilege SeManageVolumePrivilege " +
			"SeImpersonatePrivilege SeCreateGlobalPrivilege SeCreateSymbolicLinkPrivilege " +
			"SeDelegateSessionUserImpersonatePrivilege SeInteractiveLogonRight SeNetworkLogonRight " +
			"SeBatchLogonRight SeRemoteInteractiveLogonRight",
		"S-1-5-32-551": "SeBackupPrivilege SeRestorePrivilege SeShutdownPrivilege SeInteractiveLogonRight " +
			"SeNetworkLogonRight SeBatchLogonRight",
		"S-1-5-32-555": "SeRemoteInteractiveLogonRight", "S-1-5-32-546": "",
		"S-1-5-6": "SeImpersonatePrivilege SeCreateGlobalPrivilege",
	}
	f := open(t, nil)
	for id, g := range f.now.Load().grants {
		got := append(g.Privileges.Names(), g.Rights.Names()...)
		wanted := strings.Fields(want[id.String()])
		slices.Sort(got)
		slices.Sort(wanted)
		if _, listed := want[id.String()]; !listed || !slices.Equal(got, wanted) {
			t.Errorf("%v has %v, want %v", id, got, wanted)
		}
		delete(want, id.String())
	}
	check.That(t, len(want) == 0, "rights are missing: %v", want)
}

// TestLockEndsWithItsWindow checks that failures count for 15 minutes from the first one, that a lock lasts as
// long and then the count restarts, and that names are locked separately (L-31).
func TestLockEndsWithItsWindow(t *testing.T) {
	check.That(t, lockPairAfter == 10 && lockAfter == 100 && lockWindow == 15*time.Minute && lockFor == 15*time.Minute,
		"the rule says ten failures from one origin, a hundred from all, and a quarter of an hour")
	f := open(t, nil)
	f.account(t, Account{Name: "alice"}, "correct")
	f.account(t, Account{Name: "bob"}, "correct")
	n := 0
	try := func(password logon.Secret, times int, want ntstatus.Status) {
		t.Helper()
		for i := range times {
			n++ // each from a different address
			check.Require(t, f.from(fmt.Sprint("o", n), "alice", password), want, "attempt %d", i)
		}
	}
	const after = time.Nanosecond
	try("guess", 99, ntstatus.LogonFailure)
	f.clock.pass(lockWindow + after) // the 99 are forgotten
	try("guess", 1, ntstatus.LogonFailure)
	f.clock.pass(lockWindow) // within it, from the first failure
	try("guess", 99, ntstatus.LogonFailure)
	try("correct", 1, ntstatus.AccountLockedOut)
	f.reopen(t)
	f.clock.pass(lockFor - after)
	try("correct", 1, ntstatus.AccountLockedOut)
	check.Equal(t, check.Status(f.LogonPassword("bob", "correct", network)), ntstatus.Success, "another account")
	f.clock.pass(after)
	try("guess", 98, ntstatus.LogonFailure) // a new count, not the old lock
	try("correct", 1, ntstatus.Success)     // undoes its own count
	f.reopen(t)                             // failures that did not lock yet outlive the daemon too
	try("guess", 2, ntstatus.LogonFailure)
	try("correct", 1, ntstatus.AccountLockedOut)
	check.NoError(t, f.Unlock("alice"))
	f.reopen(t)
	try("correct", 1, ntstatus.Success)
}

// TestFailureTableIsBounded checks that the failures of invented names stay within the limit, and that an expired entry
// is removed before a new one. An attempt of a known name removes no other, and an invented one none with more failures
// (L-31).
func TestFailureTableIsBounded(t *testing.T) {
	d := throttle{failures: map[string]failures{}, pairs: unlimited()}
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i := range maxNames {
		d.attempt(fmt.Sprint(i), "o", now)
	}
	check.Require(t, len(d.failures), maxNames, "names")
	for i := range 100 {
		if d.attempt(fmt.Sprint("new", i), "o", now); len(d.failures) > maxNames {
			t.Fatalf("%d names, want at most %d", len(d.failures), maxNames)
		}
	}
	for range 8 { // map order is random
		checkOldestRemoved(t, now)
	}
	d = throttle{failures: map[string]failures{}, pairs: unlimited()}
	for i := range maxNames {
		d.failures[fmt.Sprint(i)] = failures{Count: 1 + i%2, First: now}
	}
	for i := range 100 {
		d.attempt("0", "o", now)
		check.Require(t, len(d.failures), maxNames, "names after attempt %d of a known one", i)
	}
	for i := range 100 {
		d.attempt(fmt.Sprint("newer", i), "o", now)
	}
	for i := 1; i < maxNames; i += 2 {
		check.Require(t, d.count(fmt.Sprint(i)).Count, 2, "L-31: failures of name %d after attempts of invented ones", i)
	}
}

// unlimited counts by name and origin without a bound.
func unlimited() *admission.Limit {
	return &admission.Limit{PerPair: unbounded, PerName: unbounded, PerOrigin: unbounded}
}

// checkOldestRemoved fills the table with names, the second half of them locked, and checks that one of the first half
// is removed.
func checkOldestRemoved(t *testing.T, now time.Time) {
	t.Helper()
	filled := map[string]failures{}
	for i := range maxNames {
		filled[fmt.Sprint(i)] = failures{Count: 1, First: now.Add(-time.Hour), Locked: now.Add(time.Hour)}
	}
	for i := range maxNames / 2 {
		filled[fmt.Sprint(i)] = failures{Count: 1, First: now.Add(-time.Hour), Locked: now.Add(-time.Minute)}
	}
	d := throttle{failures: filled, pairs: unlimited()}
	d.attempt("one more", "o", now)
	gone := -1
	for i := range maxNames {
		if _, there := d.failures[fmt.Sprint(i)]; !there {
			gone = i
		}
	}
	check.That(t, gone >= 0 && gone < maxNames/2 && len(d.failures) == maxNames,
		"entry %d of %d was dropped, want one of the old first half", gone, len(d.failures))
}

// TestFailedEditRecordsNothing checks that an edit of a missing object and an invalid password are errors and record
// nothing, and that a password of 1024 bytes is accepted. TestEditsMatchTheModel checks the edits that succeed.
func TestFailedEditRecordsNothing(t *testing.T) {
	f := open(t, nil)
	bob := f.account(t, Account{Name: "bob"}, "")
	missing := bob.Prefix().WithRID(1999)
	for name, edit := range map[string]func(*Edit) error{
		"AddMember to a missing group":      func(e *Edit) error { return e.AddMember(missing, bob) },
		"RemoveMember from a missing group": func(e *Edit) error { return e.RemoveMember(missing, bob) },
		"DeleteGroup of a missing group":    func(e *Edit) error { return e.DeleteGroup(missing) },
		"DeleteGroup of BUILTIN":            func(e *Edit) error { return e.DeleteGroup(sid.Administrators) },
		"DeleteAccount without an account":  func(e *Edit) error { return e.DeleteAccount("zoe") },
		"SetAccount without an account":     func(e *Edit) error { return e.SetAccount("zoe", func(*Account) {}) },
		"SetPassword without an account":    func(e *Edit) error { return e.SetPassword("zoe", "p") },
		"SetPassword to no password":        func(e *Edit) error { return e.SetPassword("bob", "") },
		"SetPassword to 1025 bytes": func(e *Edit) error {
			return e.SetPassword("bob", logon.Secret(strings.Repeat("p", 1025)))
		},
	} {
		f.changes = nil
		if err := f.Update(bob, edit); err == nil || len(f.changes) > 0 {
			t.Errorf("%s: %v, records %v, want an error and no record", name, err, f.changes)
		}
	}
	check.NoError(t, f.Update(bob, func(e *Edit) error {
		return e.SetPassword("bob", logon.Secret(strings.Repeat("p", 1024)))
	}))
	if want := []Change{{bob.String(), "password set", "bob", ""}}; !slices.Equal(f.changes, want) {
		t.Errorf("records %v, want %v", f.changes, want)
	}
}

// TestMalformedNameIsNotLookedUp checks that an empty or malformed name is not looked up on the host, and that an id
// without a host user is not a user (L-13, L-25).
func TestMalformedNameIsNotLookedUp(t *testing.T) {
	bad := []string{"", "\xff", "a\x00b", strings.Repeat("n", logon.MaxName+1)}
	users := map[string]uint32{"overflow": Unmapped, strings.Repeat("n", logon.MaxName): 7}
	for i, name := range bad {
		users[name] = uint32(3000 + i)
	}
	f := open(t, func(c *Config) { c.Hosts = hosts{users: users, groups: map[string]uint32{"nogroup": Unmapped}} })
	for _, name := range append(bad, "overflow", "nogroup") {
		if a, ok := f.LookupName(name); ok {
			t.Errorf("LookupName(%.20q) = %+v, want none", name, a)
		}
	}
	if a, ok := f.LookupName(strings.Repeat("n", logon.MaxName)); !ok || a.SID != fileaccess.UnixUser(7) {
		t.Errorf("LookupName of the longest name = %+v, want uid 7", a)
	}
}
