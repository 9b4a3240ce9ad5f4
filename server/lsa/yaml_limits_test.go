package lsa

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestExportAndImportRoundTrip checks the complete text of an exported file and the result of its import,
// name by name (L-38).
func TestExportAndImportRoundTrip(t *testing.T) {
	f, _ := openWatched(t, nil)
	alice := f.account(t, Account{Name: "Alice", UID: number(3000), FullName: "A \"B\"", Disabled: true}, "p")
	f.must(t, func(e *Edit) error {
		for id := range e.st.grants {
			delete(e.st.grants, id)
		}
		for id := range e.st.groups {
			delete(e.st.groups, id)
		}
		g := e.AddGroup(Group{Name: "team", GID: number(7), Members: []sid.SID{alice, sid.Everyone}})
		e.AddGroup(Group{Name: "empty", GID: number(0)})
		e.Grant(g, winnt.Privileges(winnt.SeBackupPrivilege, winnt.SeDebugPrivilege), logon.SeBatchLogonRight)
		e.Grant(sid.Everyone, 0, 0)
		return nil
	})
	m := alice.Prefix().String()
	want := strings.NewReplacer(" M\n", " "+m+"\n", " M-", " "+m+"-").Replace("# " +
		`Accounts of HOST. Passwords are not in this file: back the store up to keep them.
machine: M
accounts:
  - name: "Alice"
    rid: 1001
    uid: 3000
    fullName: "A \"B\""
    disabled: true
groups:
  - name: "team"
    sid: M-1002
    gid: 7
    members:
      - M-1001
      - S-1-1-0
  - name: "empty"
    sid: M-1003
    gid: 0
rights:
  - who: S-1-1-0
  - who: M-1002
    privileges:
      - SeBackupPrivilege
      - SeDebugPrivilege
    rights:
      - SeBatchLogonRight
idMaps:
  - name: "CORP"
    domain: S-1-5-21-9-8-7
    low: 70000
    high: 70099
    backend: winbind
  - name: "HOME"
    domain: S-1-5-21-6-5-4
    low: 80000
    high: 80999
    baseRid: 1000
version: 1
`)
	if got := exported(t, f); got != want {
		t.Errorf("the file is\n%s, want\n%s", got, want)
	}
	for i := range want {
		if want[i] == '\n' && i < len(want)-1 {
			_, err := readFile([]byte(want[:i]))
			check.That(t, err != nil, "the first %d bytes of the file were accepted", i)
		}
	}
	const file = `version: 1
accounts:
  - {name: first}
  - {name: alice, rid: 1001, uid: 3001, fullName: F}
  - {name: late, rid: 1500, disabled: true}
  - {name: wheel}
groups:
  - {name: new, gid: 9, members: [ALICE, late, wheel, NEWER, both, "Unix Group", S-1-22-2-7, alice, administrators]}
  - {name: fixed, sid: M-1700}
  - {name: newer, members: [fixed]}
  - {name: Administrators, sid: S-1-5-32-544}
rights:
  - {who: New, privileges: [SeDebugPrivilege], rights: [SeBatchLogonRight]}
  - {who: dora, privileges: [SeBackupPrivilege]}
idMaps: []
`
	f.changes = nil
	err := f.Import(home, []byte(strings.ReplaceAll(strings.Replace(file, `"Unix Group", `, "", 1), "M-", m+"-")))
	check.NoError(t, err)
	st := f.now.Load()
	rid := func(n uint32) sid.SID { return st.machine.WithRID(n) }
	accounts := map[uint32]string{1501: "first  false", 1001: "alice F false", 1500: "late  true", 1502: "wheel  false"}
	for n, a := range st.accounts {
		if got := fmt.Sprint(a.Name, " ", a.FullName, " ", a.Disabled); got != accounts[n] || a.RID != n ||
			(a.Hash != "") != (n == 1001) || (a.UID != nil) != (n == 1001) {
			t.Errorf("L-38: account %d is %+v, want %s", n, a, accounts[n])
		}
	}
	check.That(t, len(st.accounts) == 4 && *st.accounts[1001].UID == 3001 && st.next == 1703 && len(st.maps) == 0,
		"L-38: %d accounts, next is %d, maps %v", len(st.accounts), st.next, st.maps)
	members := map[sid.SID][]sid.SID{rid(1701): {rid(1001), rid(1500), rid(1502), rid(1702), fileaccess.UnixUser(11),
		fileaccess.UnixGroup(7), sid.Administrators}, rid(1700): nil, rid(1702): {rid(1700)}, sid.Administrators: nil}
	for id, g := range st.groups {
		if want, ok := members[id]; !ok || !slices.Equal(g.Members, want) || (g.GID != nil) != (g.Name == "new") {
			t.Errorf("L-38: group %v is %+v, want %v", id, g, want)
		}
	}
	if len(st.groups) != 4 || len(st.grants) != 2 ||
		st.grants[rid(1701)] != (Grant{winnt.SeDebugPrivilege.Bit(), logon.SeBatchLogonRight}) ||
		st.grants[fileaccess.UnixUser(12)] != (Grant{winnt.SeBackupPrivilege.Bit(), 0}) {
		t.Errorf("L-38: groups %v, rights %v", st.groups, st.grants)
	}
	for _, c := range f.changes {
		check.That(t, c.By == home.String(), "L-38: change %+v is recorded for %s, want %v", c, c.By, home)
	}
	if n := len(f.changes); n != 4+2+4+8+3+3+1 {
		t.Errorf("L-38: %d changes: %v, want %d", n, f.changes, 4+2+4+8+3+3+1)
	}
}

// TestImportOfFileThatWasCutChangesNothing checks that an export that was cut after any line is an error (L-38). It has
// no id maps, because a cut between two of those leaves a file with all lists.
func TestImportOfFileThatWasCutChangesNothing(t *testing.T) {
	f, _ := openWatched(t, nil)
	f.account(t, Account{Name: "alice", UID: number(3000)}, "p")
	f.must(t, func(e *Edit) error { e.SetMaps(nil); return nil })
	before := exported(t, f)
	f.changes = nil
	lines := strings.SplitAfter(strings.TrimSuffix(before, "\n"), "\n")
	for n := range lines {
		check.That(t, f.Import(sid.LocalSystem, []byte(strings.Join(lines[:n], ""))) != nil,
			"L-38: Import of the first %d of %d lines = nil, want an error", n, len(lines))
	}
	for _, key := range []string{"accounts", "groups", "rights", "idMaps"} {
		for _, line := range []string{"", key + ":\n", key + ": null\n"} {
			file := strings.Replace(withLists("version: 1\n"), key+": []\n", line, 1)
			want := fmt.Sprintf("accounts: no list %q: the file may have been cut off: for an empty list write %s: []", key, key)
			if err := f.Import(sid.LocalSystem, []byte(file)); err == nil || err.Error() != want {
				t.Errorf("L-38: Import of %q = %v, want %s", file, err, want)
			}
		}
	}
	check.That(t, exported(t, f) == before && len(f.changes) == 0, "L-38: changes %v, want none", f.changes)
}

// withLists returns the text of an accounts file of version 1, completed by an empty list for each list that it does
// not have. It returns other texts unchanged.
func withLists(file string) string {
	if !strings.HasPrefix(file, "version: 1\n") && file != "version: 1" {
		return file
	}
	for _, key := range []string{"accounts", "groups", "rights", "idMaps"} {
		if !strings.Contains(file, "\n"+key+":") {
			file = strings.TrimSuffix(file, "\n") + "\n" + key + ": []\n"
		}
	}
	return file
}

// TestRejectedImportChangesNothing checks the error of each rejected file, and that nothing of it is imported (L-38).
func TestRejectedImportChangesNothing(t *testing.T) {
	f, _ := openWatched(t, nil)
	f.account(t, Account{Name: "alice", UID: number(3000)}, "p")
	before := exported(t, f)
	m := f.Computer().SID.String()
	f.changes = nil
	for _, c := range []struct{ file, want string }{
		{"version: 0", "version 0: want version: 1"}, {"version: 2", "version 2"}, {"", "document"},
		{"version: 1\nversion: 1", "twice"}, {"version: 1\nacounts: []", "acounts"}, {"version: 1\nVersion: 1", "Version"},
		{"version: 1\naccounts: [{name: a, hash: x}]", "hash"}, {"version: 1\naccounts: [{name: a, rid: -1}]", "rid"},
		{"version: 1\naccounts: [{name: a}, {name: A}]", "another account"},
		{"version: 1\naccounts: &x []\ngroups: *x", "anchor"},
		{"version: 1\ngroups: [{name: g, sid: S-1-1-0}]", "BUILTIN"}, {"version: 1\n---\nversion: 1", "second document"},
		{"version: 1\nrights: [{who: S-1-1-0x}]", `"S-1-1-0x": no account or group has that name`},
		{"version: 1\ngroups: [{name: g, members: [S-1]}]", `"S-1": no account or group has that name`},
		{"version: 1\nrights: [{who: Everyone, privileges: [SeGodPrivilege]}]", "SeGodPrivilege"},
		{"version: 1\nidMaps: [{name: C, low: 1, high: 2, domain: S-1-1-0}]", "C"}, {"\xff", ""}, {"{", ""},
		{"version: [[[[", ""}, {strings.Repeat("- ", 100000), ""},
		{"version: 1\nmachine: S-1-5-21-1-2-3",
			"machine S-1-5-21-1-2-3: this store is of " + m + " and has accounts: restore a backup instead"},
		{"version: 1\nmachine: " + m + "\naccounts: [{name: a, rid: 1005}, {name: b, rid: 1005}]",
			`account "b": RID 1005 occurs twice`},
		{"version: 1\naccounts: [{name: a, rid: 1073741824}]", `account "a": RID 1073741824: want at most 1073741823`},
		{"version: 1\naccounts: [{name: a, rid: 4294967295}]", `account "a": RID 4294967295`},
		{"version: 1\ngroups: [{name: g, sid: " + m + "-1073741824}]", `group "g": RID 1073741824: want at most`},
		{"version: 1\ngroups: [{name: a, sid: S-1-5-32-900}, {name: b, sid: S-1-5-32-900}]",
			`group "b": S-1-5-32-900 occurs twice`},
		{"version: 1\ngroups: [{name: a, sid: S-1-5-32-900}, {name: b, sid: nonsense}]", `group "b": `},
		{"version: 1\ngroups: [{name: a, members: [zoe]}]",
			`group "a": "zoe": no account or group has that name: write its SID`},
		{"version: 1\naccounts: [{name: a, rid: 1005}]\ngroups: [{name: b, sid: " + m + "-1005}]", "is an account's"},
		{"version: 1\nrights: [{who: zoe}]", `rights: "zoe": no account or group has that name: write its SID`},
		{"version: 1\nrights: [{who: Users, rights: [SeDenyNetworkLogonRight]}, {who: S-1-5-32-545}]",
			`rights of "S-1-5-32-545": S-1-5-32-545 has two entries: merge them`},
		{"version: 1\nrights: [{who: s-1-1-0}]", `rights: "s-1-1-0": no account`},
		{"version: 1\nrights: [{who: Everyone, privileges: [SeBatchLogonRight]}]", `rights of "Everyone": `},
		{"version: 1\nrights: [{who: Everyone, rights: [SeBatchLogonRight, SeBackupPrivilege]}]",
			`rights of "Everyone": "SeBackupPrivilege" is not a logon right`},
		{"version: 1\naccounts: [{name: a, uid: 0}]", "uid 0: name the account"},
		{"version: 1\naccounts: [{name: a, uid: 7}, {name: b, uid: 7}]", `uid 7 is that of "a"`},
		{"version: 1\nidMaps: [{name: A, domain: S-1-5-21-1-1-1, low: 5, high: 4}]", `id map of "A" (5-4): want 0 < low`},
	} {
		err := f.Import(sid.LocalSystem, []byte(withLists(c.file)))
		check.That(t, err != nil && strings.HasPrefix(err.Error(), "accounts: ") && strings.Contains(err.Error(), c.want),
			"L-38: %.200q: %v, want %s", c.file, err, c.want)
	}
	text := make([]byte, MaxFile+1)
	if err := f.Import(sid.LocalSystem, text); err == nil || err.Error() != "accounts: longer than 67108864 bytes" {
		t.Errorf("L-38: Import of a file that is too long = %v, want an error that names the limit", err)
	}
	if exported(t, f) != before || len(f.changes) > 0 {
		t.Errorf("L-38: a refused file made the changes %v, want none\n%s", f.changes, exported(t, f))
	}
	// An import that cannot be recorded changes nothing (L-37).
	n := 0
	f.cfg.Audit = func(Change) error {
		if n++; n == 3 {
			return errors.New("disk full")
		}
		return nil
	}
	f.reopen(t)
	err := f.Import(sid.LocalSystem, []byte(withLists("version: 1")))
	if err == nil || exported(t, f) != before || n != 3 ||
		!strings.Contains(err.Error(), ": not recorded, so not made: disk full") {
		t.Errorf("L-37: %v after %d records", err, n)
	}
}

// TestGroupBeyondMemberLimitIsRejected checks both sides of the limit of a group's members.
func TestGroupBeyondMemberLimitIsRejected(t *testing.T) {
	st, err := newInitialState(5)
	check.NoError(t, err)
	for n, want := range map[int]string{1 << 20: "", 1<<20 + 1: "1048577 members: at most 1048576"} {
		g := st.groups[sid.Users]
		g.Members = slices.Repeat([]sid.SID{sid.Everyone}, n)
		err := st.validGroup(&g, sid.Users, map[string]bool{}, map[uint32]string{}, nil)
		check.That(t, (want != "" || err == nil) && (want == "" || err != nil && err.Error() == want),
			"%d members: %v, want %s", n, err, want)
	}
}
