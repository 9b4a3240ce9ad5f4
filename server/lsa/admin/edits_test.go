package admin_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/server/lsa/admin"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestWhatIsRecorded: each request is the changes that it says, in the name of the token's user, and no others (L-50).
func TestWhatIsRecorded(t *testing.T) {
	var changes []lsa.Change
	s, err := lsa.Open(lsa.Config{Folder: t.TempDir(), Computer: "host", Subuids: []string{},
		Password: lsa.Hashing{Memory: 8, Passes: 1},
		Audit:    func(c lsa.Change) error { changes = append(changes, c); return nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	boss := sid.MustParse("S-1-5-21-7-7-7-1105")
	a := &asker{t, admin.Answerer{Store: s}, made(t, token.Administrator(boss))}
	for _, c := range []struct {
		r    admin.Request
		want string
	}{
		{admin.Request{Do: admin.AddAccount, Name: "alice", UID: number(7), FullName: text("A"), Disabled: true},
			"account created alice M-1001"},
		{admin.Request{Do: admin.AddAccount, Name: "bob", Password: "word"},
			"account created bob M-1002; password set bob "},
		{admin.Request{Do: admin.SetAccount, Name: "ALICE", NewName: text("alix")}, "account changed alice alix"},
		{admin.Request{Do: admin.SetPassword, Name: "alix", Password: "word", NewName: text("x")}, "password set alix "},
		{admin.Request{Do: admin.Unlock, Name: "alix", Disabled: true}, "account changed alix alix"},
		{admin.Request{Do: admin.Lock, Name: "alix"}, "account changed alix alix"},
		{admin.Request{Do: admin.AddGroup, Name: "team", UID: number(8), Member: "bob"}, "group created team M-1003"},
		{admin.Request{Do: admin.AddMember, Name: "team", Member: "bob"}, "member added team M-1002"},
		{admin.Request{Do: admin.AddMember, Name: "team", Member: "bob"}, ""},
		{admin.Request{Do: admin.RemoveMember, Name: "team", Member: "alix"}, ""},
		{admin.Request{Do: admin.RemoveMember, Name: "team", Member: "bob"}, "member removed team M-1002"},
		{admin.Request{Do: admin.Grant, Name: "team", Rights: []string{"SeBatchLogonRight", "SeBackupPrivilege"}},
			"right granted M-1003 SeBackupPrivilege; right granted M-1003 SeBatchLogonRight"},
		{admin.Request{Do: admin.Revoke, Name: "team", Rights: []string{"SeBatchLogonRight", "SeDebugPrivilege"}},
			"right revoked M-1003 SeBatchLogonRight"},
		{admin.Request{Do: admin.DeleteGroup, Name: "team"}, "group deleted team M-1003"},
		{admin.Request{Do: admin.DeleteAccount, Name: "bob"}, "account deleted bob M-1002"},
		{admin.Request{Do: admin.Import, File: "version: 1\naccounts: [{name: alix, rid: 1001, uid: 7, fullName: A, " +
			"disabled: true}]\ngroups: [{name: Users, sid: S-1-5-32-545, members: [INTERACTIVE]}]\n"}, "group deleted"},
		{admin.Request{Do: admin.Export}, ""}, {admin.Request{Do: admin.ListAccounts}, ""},
	} {
		changes = nil
		if _, err := admin.Ask(a.send, c.r); err != nil {
			t.Errorf("%+v: %v", c.r, err)
		}
		var got []string
		for _, x := range changes {
			if x.By != boss.String() {
				t.Errorf("L-50: %+v is in the name of another", x)
			}
			got = append(got, strings.Join([]string{x.What, x.Subject, x.Detail}, " "))
		}
		text := machine.ReplaceAllString(strings.Join(got, "; "), "M")
		if c.r.Do == admin.Import && strings.HasPrefix(text, c.want) &&
			strings.Contains(text, "member removed Users S-1-5-11") {
			continue // each difference: those are of TestFileOfAccounts
		}
		if text != c.want {
			t.Errorf("L-50: %s: %q, want %q", c.r.Do, text, c.want)
		}
	}
	if got := a.list(admin.ListAccounts); got != "alix M-1001 7 disabled A\n" {
		t.Errorf("in the end there is\n%s", got)
	}
}

// TestUnlock: an account that its failures locked is let in again, and one that was locked by an administrator, too;
// one that is not there stays unknown.
func TestUnlock(t *testing.T) {
	a := newAsker(t)
	a.must(admin.Request{Do: admin.AddAccount, Name: "alice", Password: "word"})
	on := func() ntstatus.Status {
		_, st := a.Store.LogonPassword("alice", "word", winnt.LOGON32_LOGON_NETWORK)
		return st
	}
	for range 10 {
		a.Store.LogonPassword("alice", "guess", winnt.LOGON32_LOGON_NETWORK)
	}
	a.has(admin.ListAccounts, "alice M-1001 - locked out -", true)
	for _, c := range []struct {
		do   admin.Do
		want ntstatus.Status
	}{{admin.Lock, ntstatus.AccountLockedOut}, {admin.Unlock, ntstatus.Success}, {admin.Lock, ntstatus.AccountDisabled},
		{admin.Lock, ntstatus.AccountDisabled}, {admin.Unlock, ntstatus.Success}, {admin.Unlock, ntstatus.Success}} {
		a.must(admin.Request{Do: c.do, Name: "alice"})
		if st := on(); st != c.want {
			t.Errorf("%s: %v, want %v", c.do, st, c.want)
		}
	}
	// A password that cannot be is refused, and the account with it.
	if _, err := admin.Ask(a.send, admin.Request{Do: admin.AddAccount, Name: "bob",
		Password: admin.Password(strings.Repeat("p", 1025))}); err == nil ||
		!strings.Contains(err.Error(), "1 to 1024 bytes") {
		t.Errorf("a long password: %v", err)
	}
	if got := a.list(admin.ListAccounts); got != "alice M-1001 - active -\n" {
		t.Errorf("in the end there is\n%s", got)
	}
	if _, st := a.Store.LogOn(logon.Request{Package: logon.S4U, Name: "bob", Type: winnt.LOGON32_LOGON_NETWORK}); st !=
		ntstatus.NoSuchUser {
		t.Errorf("bob: %v", st)
	}
}

// TestPartsOfBackup: a part is the bytes of the store from its offset on, of the revision that it says.
func TestPartsOfBackup(t *testing.T) {
	a := newAsker(t)
	if err := a.Store.Update(sid.LocalSystem, func(e *lsa.Edit) error {
		for i := range 2200 {
			e.AddAccount(lsa.Account{Name: fmt.Sprint("a", i), FullName: strings.Repeat("n", 600)})
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	var whole bytes.Buffer
	if err := a.Store.Backup(&whole); err != nil {
		t.Fatal(err)
	}
	revision, size, err := a.Store.Revision()
	all := whole.Bytes()
	if err != nil || size != int64(len(all)) || revision < 1 || len(all) <= 1<<20+1 {
		t.Fatalf("revision %d of %d bytes, %d of a backup, %v", revision, size, len(all), err)
	}
	for _, at := range []int{0, 1, 4095, 4096, 5000, len(all) - 1<<20 - 1, len(all) - 1<<20, len(all) - 1<<20 + 1,
		len(all) - 1, len(all), len(all) + 1, -1} {
		out, err := admin.Ask(a.send, admin.Request{Do: admin.BackupStore, Offset: int64(at)})
		from := min(max(at, 0), len(all))
		to := min(from+1<<20, len(all))
		if err != nil || !bytes.Equal(out.Data, all[from:to]) || out.Revision != fmt.Sprint(revision) ||
			at >= 0 && out.More != (to < len(all)) {
			t.Errorf("from %d: %d bytes, want %d, more %t of %s, %v", at, len(out.Data), to-from, out.More, out.Revision, err)
		}
	}
	// A list names its bytes by a sum: the same bytes have the same name, and others another.
	name := func(do admin.Do) string {
		out, err := admin.Ask(a.send, admin.Request{Do: do, Offset: 5})
		if err != nil || !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(out.Revision) {
			t.Errorf("%s is of %q, %v", do, out.Revision, err)
		}
		return out.Revision
	}
	first := name(admin.ListAccounts)
	if name(admin.ListAccounts) != first || name(admin.ListGroups) == first {
		t.Error("the same list has two names, or two lists have one")
	}
	a.must(admin.Request{Do: admin.DeleteAccount, Name: "a7"})
	if after, _, _ := a.Store.Revision(); name(admin.ListAccounts) == first || after <= revision {
		t.Error("another list has the same name")
	}
}
